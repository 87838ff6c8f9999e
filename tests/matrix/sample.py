"""Which scenarios are played, in a row: all single faults, and what is drawn of several in a row.

A fault leaves the world in some state, and many leave it in equal ones. So a pair is one of these
states and a second fault in the run that goes on from there; a triple goes on from where pairs end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import TypeVar

from arm_sandbox.options import Fault
from tests.matrix.faults import Call, tried
from tests.matrix.scenario import Key, Matrix, Outcome
from tests.matrix.shell import Saved
from tests.matrix.situations import Situation

T = TypeVar("T")
BATCH = 500
"""So many faults share one undisturbed run, and are told together."""
States = dict[Key, Saved]


def singles(
    matrix: Matrix, situation: Situation, every: int, states: States
) -> Iterator[list[Outcome]]:
    """Every fault at every call, or one in so many; `states` gets where they have led to."""
    faults = [fault for _, fault in matrix.singles(situation)[::every]]
    for start in range(0, len(faults), BATCH):
        outcomes: list[Outcome] = []
        matrix.play(situation, faults[start : start + BATCH], outcomes.append)
        yield _noted(outcomes, states)


def further(
    matrix: Matrix, situation: Situation, begun: States, number: int, seed: str, states: States
) -> Iterator[list[Outcome]]:
    """One more fault in the run that goes on from each of the states, `number` in all."""
    random = Random(seed)
    keys = sorted(begun)
    random.shuffle(keys)
    for place, key in enumerate(keys):
        share = number * (place + 1) // len(keys) - number * place // len(keys)
        if share:
            outcomes: list[Outcome] = []
            chosen = partial(drawn, random, share)
            matrix.go_on(situation, begun[key], chosen, outcomes.append)
            yield _noted(outcomes, states)


def drawn(random: Random, number: int, calls: Sequence[Call]) -> list[Fault]:
    """Of each kind in turn one, at a call where it can be."""
    kinds: dict[str, list[Fault]] = defaultdict(list)
    for fault in (fault for call in calls for fault in tried(call)):
        kinds[fault.kind].append(fault)
    for each in kinds.values():
        random.shuffle(each)
    order = list(kinds.values())
    random.shuffle(order)
    return list(_in_turn(order))[:number]


def _in_turn(rows: Sequence[list[T]]) -> Iterator[T]:
    """The first of each, the second of each, and so on."""
    for place in range(max(map(len, rows), default=0)):
        yield from (row[place] for row in rows if place < len(row))


def _noted(outcomes: list[Outcome], states: States) -> list[Outcome]:
    for outcome in outcomes:
        if outcome.at is not None:
            states.setdefault(outcome.key, outcome.at)
    return outcomes
