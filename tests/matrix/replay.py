"""A scenario in words, as what went wrong is told, and as it is played again.

    deploy again: deleted GET /resourcegroups/rg-patching-demo 2 1 > 503 PUT /actionGroups/ag 1 0

A situation, and one fault or several in a row: its kind, the method and the path of the call or
what that ends with, the how-manieth such call it is, and how often in a row it strikes, 0 for
always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from arm_sandbox.options import Fault, FaultKind
from tests.matrix.faults import Call
from tests.matrix.forks import NoSuchCall
from tests.matrix.scenario import Key, Matrix, Outcome
from tests.matrix.shell import Saved
from tests.matrix.situations import SITUATIONS, Situation

THEN = " > "


def told(situation: Situation, faults: Sequence[Fault]) -> str:
    """A scenario in words."""
    row = (f"{f.kind} {f.method} {f.path} {f.nth} {f.times}" for f in faults)
    return f"{situation.name}: {THEN.join(row)}"


def replay(matrix: Matrix, scenario: str) -> list[str]:
    """What goes wrong in a scenario; raises NoSuchCall."""
    matrix = replace(matrix, _fine=set())  # so that each state is told, and all is played
    name, _, row = scenario.partition(": ")
    situation = next(each for each in SITUATIONS if each.name == name)
    at = matrix.reference(situation).begin
    wrong: list[str] = []
    reached: dict[Key, Saved | None] = {}
    for words in row.split(THEN):
        outcomes: list[Outcome] = []

        def chosen(calls: Sequence[Call], words: str = words) -> list[Fault]:
            return [_fault(words, calls)]

        matrix.go_on(situation, at, chosen, outcomes.append)
        [outcome] = outcomes
        wrong += outcome.wrong
        known = reached.setdefault(outcome.key, outcome.at)  # a fault may change nothing
        assert known is not None, "nothing else was played before"
        at = known
    return wrong


def _fault(words: str, calls: Sequence[Call]) -> Fault:
    said, method, end, nth, times = words.split()
    kind = next(kind for kind in get_args(FaultKind) if kind == said)
    for call in calls:
        if call.method == method and call.path.lower().endswith(end.lower()):
            return Fault(kind, method, call.path, int(nth), int(times))
    raise NoSuchCall(f"no {method} of {end} is made")
