"""Nothing breaks it: every fault at every call of every command, and what comes after it.

    python -m pytest -m matrix

Each test plays one situation's scenarios on all cores and names every one that goes wrong. With
PATCHCTL_MATRIX=cover only a part is played that has each kind of fault at each sort of call.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from arm_sandbox.options import Fault, FaultKind
from patchctl.cli import COMMANDS
from tests.matrix.faults import KINDS, can_be
from tests.matrix.mutants import ROOT, mutants
from tests.matrix.replay import replay, told
from tests.matrix.sample import covering
from tests.matrix.scenario import Matrix, Outcome
from tests.matrix.shell import Shell
from tests.matrix.situations import LOCAL, SITUATIONS, Situation

SEED = "1"
COVER = os.environ.get("PATCHCTL_MATRIX") == "cover"


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Shell(tmp_path_factory.mktemp("matrix")) as shell:
        yield Matrix(shell, workers=os.cpu_count() or 1)


@pytest.fixture(scope="session")
def chosen(matrix: Matrix) -> Mapping[str, list[Fault]]:
    """The faults that are played, by situation."""
    if COVER:
        return covering(matrix, SITUATIONS, SEED)
    return {s.name: [fault for _, fault in matrix.singles(s)] for s in SITUATIONS}


@pytest.mark.matrix
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_every_fault_at_every_call(
    matrix: Matrix,
    chosen: Mapping[str, list[Fault]],
    situation: Situation,
    record_property: Callable[[str, object], None],
) -> None:
    faults = chosen[situation.name]
    outcomes: list[Outcome] = []
    matrix.play(situation, faults, outcomes.append)
    assert len(outcomes) == len(faults)
    record_property("calls", len(matrix.reference(situation).calls))
    record_property("scenarios", len(outcomes))
    wrong = [f"{told(situation, [o.fault])}\n  {line}" for o in outcomes for line in o.wrong]
    assert not wrong, "\n".join([f"{len(wrong)} wrong", *wrong[:40]])


def regressions() -> list[Any]:
    data = tomllib.loads(Path(__file__).with_name("regressions.toml").read_text(encoding="utf-8"))
    return [pytest.param(each["scenario"], id=each["what"]) for each in data["regression"]]


@pytest.mark.matrix
@pytest.mark.parametrize("scenario", regressions())
def test_what_went_wrong_once_does_so_no_more(matrix: Matrix, scenario: str) -> None:
    assert replay(matrix, scenario) == []


@pytest.mark.matrix
@pytest.mark.parametrize("scenario", sorted({mutant.by for mutant in mutants() if mutant.by}))
def test_what_catches_a_mutant_goes_well_without_it(matrix: Matrix, scenario: str) -> None:
    assert replay(matrix, scenario) == []


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


def test_the_table_tells_of_every_mutant() -> None:
    """As `python -m tests.matrix.mutants` has printed it, and why each is not caught."""
    page = (ROOT / "docs/mutants.md").read_text(encoding="utf-8")
    told = [tuple(row[2:].split(" | ")[:2]) for row in page.splitlines() if row.startswith("| ")]
    assert [what for what, _ in told[1:]] == [mutant.what for mutant in mutants()]
    excused = {m.what: f"harmless: {m.harmless}" for m in mutants() if m.harmless}
    excused |= {m.what: f"**nothing**: {m.survives}" for m in mutants() if m.survives}
    assert {what: by for what, by in told[1:] if not by.startswith("`")} == excused
