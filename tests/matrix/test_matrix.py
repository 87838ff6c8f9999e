"""Nothing breaks it: every fault at every call of every command, and what comes after it.

    python -m pytest -m matrix

Each test plays one situation's scenarios on all cores and names every one that goes wrong. With
PATCHCTL_MATRIX_EVERY=41 only one in 41 is played.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from arm_sandbox.options import Fault, FaultKind
from patchctl.cli import COMMANDS
from tests.matrix.faults import KINDS, can_be
from tests.matrix.mutants import ROOT, mutants
from tests.matrix.scenario import Matrix, Outcome
from tests.matrix.shell import Shell
from tests.matrix.situations import LOCAL, SITUATIONS, Situation

EVERY = int(os.environ.get("PATCHCTL_MATRIX_EVERY", "1"))


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Shell(tmp_path_factory.mktemp("matrix")) as shell:
        yield Matrix(shell, workers=os.cpu_count() or 1)


@pytest.mark.matrix
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_every_fault_at_every_call(
    matrix: Matrix, situation: Situation, record_property: Callable[[str, object], None]
) -> None:
    chosen = [fault for _, fault in matrix.singles(situation)[::EVERY]]
    wrong = wrongs(matrix, situation, chosen)
    record_property("calls", len(matrix.reference(situation).calls))
    record_property("scenarios", len(chosen))
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong[:40]])


def wrongs(matrix: Matrix, situation: Situation, faults: Sequence[Fault]) -> list[str]:
    """What goes wrong with these faults."""
    outcomes: list[Outcome] = []
    matrix.play(situation, faults, outcomes.append)
    assert len(outcomes) == len(faults)
    return [f"{outcome.fault}: {line}" for outcome in outcomes for line in outcome.wrong]


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
    assert wrongs(matrix, situation, [fault]) == []


def test_every_command_is_in_the_matrix() -> None:
    assert {situation.command[0] for situation in SITUATIONS} == COMMANDS - LOCAL


def test_every_kind_of_fault_is_tried(tmp_path: Path) -> None:
    """At one call or another of a deployment."""
    with Shell(tmp_path) as shell:
        calls = Matrix(shell).reference(SITUATIONS[0]).calls
    assert {kind for kind in KINDS for call in calls if can_be(kind, call)} == set(
        get_args(FaultKind)
    )


def test_every_mutant_can_be_planted(tmp_path: Path) -> None:
    """Each text that one replaces stands in the code once."""
    for number, mutant in enumerate(mutants()):
        source = tmp_path / str(number)
        file = source / mutant.file
        file.parent.mkdir(parents=True)
        shutil.copy(ROOT / "src" / mutant.file, file)
        mutant.plant(source)
