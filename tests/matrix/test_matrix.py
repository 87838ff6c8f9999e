"""Nothing breaks it: every fault at every call of every command, and what comes after it.

    python -m pytest -m matrix -n 2

Each test plays a part of one situation's scenarios and names every one that goes wrong. With
PATCHCTL_MATRIX_EVERY=41 only one in 41 is played.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from arm_sandbox.options import Fault, FaultKind
from patchctl.cli import COMMANDS
from tests.matrix.faults import KINDS, can_be
from tests.matrix.scenario import Matrix
from tests.matrix.shell import Shell
from tests.matrix.situations import LOCAL, SITUATIONS, Situation

EVERY = int(os.environ.get("PATCHCTL_MATRIX_EVERY", "1"))
PARTS = 4
"""So many tests share the scenarios of a situation, and so the cores."""


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Shell(tmp_path_factory.mktemp("matrix")) as shell:
        yield Matrix(shell)


@pytest.mark.matrix
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_every_fault_at_every_call(
    matrix: Matrix, situation: Situation, part: int, record_property: Callable[[str, object], None]
) -> None:
    played = matrix.singles(situation)[::EVERY][part::PARTS]
    wrong = [
        f"{fault.kind} x{fault.times} at {call.shown}: {line}"
        for call, fault in played
        for line in matrix.play(situation, fault)
    ]
    calls = matrix.reference(situation).calls
    record_property("calls", 0 if part else len(calls))
    record_property("scenarios", len(played))
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong[:40]])


def regressions() -> list[Any]:
    data = tomllib.loads(Path(__file__).with_name("regressions.toml").read_text(encoding="utf-8"))
    return [pytest.param(each, id=each["what"]) for each in data["single"]]


@pytest.mark.matrix
@pytest.mark.parametrize("case", regressions())
def test_what_went_wrong_once_does_so_no_more(matrix: Matrix, case: dict[str, Any]) -> None:
    situation = next(s for s in SITUATIONS if s.name == case["situation"])
    path = next(
        call.path
        for call in matrix.reference(situation).calls
        if call.method == case["method"] and call.path.lower().endswith(case["path"].lower())
    )
    nth, times = case.get("nth", 1), case.get("times", 1)
    fault = Fault(case["kind"], case["method"], path, nth, times)
    assert matrix.play(situation, fault) == []


def test_every_command_is_in_the_matrix() -> None:
    assert {situation.command[0] for situation in SITUATIONS} == COMMANDS - LOCAL


def test_every_kind_of_fault_is_tried(tmp_path: Path) -> None:
    """At one call or another of a deployment."""
    with Shell(tmp_path) as shell:
        calls = Matrix(shell).reference(SITUATIONS[0]).calls
    assert {kind for kind in KINDS for call in calls if can_be(kind, call)} == set(
        get_args(FaultKind)
    )
