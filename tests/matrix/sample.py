"""Scenarios in a row: all single faults, or samples of several faults by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from arm_sandbox.options import Fault
from tests.matrix.faults import KINDS, LASTING, Call, can_be
from tests.matrix.scenario import Matrix
from tests.matrix.situations import SITUATIONS, Situation

Scenario = tuple[Situation, tuple[Fault, ...]]


def singles(matrix: Matrix, situations: Sequence[Situation], every: int) -> Iterator[Scenario]:
    """Every fault at every call, or one in so many."""
    for situation in situations:
        for _, fault in matrix.singles(situation)[::every]:
            yield situation, (fault,)


def several(matrix: Matrix, seed: str, faults: int, number: int) -> Scenario:
    """One scenario of a sample: a fault in the run, and one in each run that follows.

    The kinds go round, so that after as many scenarios as there are pairs of kinds every pair has
    been played; situations and calls are drawn.
    """
    random = Random(f"{seed} {faults} {number}")
    kinds = [KINDS[number // len(KINDS) ** place % len(KINDS)] for place in range(faults)]
    possible = {s: calls for s in SITUATIONS if (calls := _calls(matrix, s, kinds[0]))}
    situation = random.choice(list(possible))
    requests = len(matrix.reference(situation).ended.exchanges)
    return situation, (
        _at(random, kinds[0], random.choice(possible[situation])),
        *(_anywhere(random, kind, requests) for kind in kinds[1:]),
    )


def _calls(matrix: Matrix, situation: Situation, kind: str) -> list[Call]:
    return [call for call in matrix.reference(situation).calls if can_be(kind, call)]


def _at(random: Random, kind: str, call: Call) -> Fault:
    times = random.choice(LASTING.get(kind, (1,)))
    return Fault(kind, call.method, call.path, call.nth, times)  # type: ignore[arg-type]


def _anywhere(random: Random, kind: str, most: int) -> Fault:
    """At whichever request comes then: the run that follows makes others."""
    times = random.choice(LASTING.get(kind, (1,)))
    return Fault(kind, nth=random.randint(1, most), times=times)  # type: ignore[arg-type]
