"""Which scenarios are played, in a row: single faults, and what is drawn of several in a row.

A fault leaves the world in some state, and many leave it in equal ones. So a pair is one of these
states and a second fault in the run that goes on from there; a triple goes on from where pairs end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TypeVar

from arm_sandbox.options import Fault
from tests.matrix.faults import Call, tried
from tests.matrix.scenario import Key, Matrix, Outcome
from tests.matrix.shell import Saved
from tests.matrix.situations import Situation

T = TypeVar("T")
BATCH = 60
"""So many faults share one undisturbed run, and are told together."""
SHARE = 12
"""So many faults, at least, share the run that goes on from a state."""


@dataclass(frozen=True)
class Reached:
    """A state, and the faults in a row that have led there."""

    faults: tuple[Fault, ...]
    at: Saved


States = dict[Key, Reached]
Batches = Iterator[list[tuple[tuple[Fault, ...], Outcome]]]
"""What became of so many rows of faults."""


def covering(
    matrix: Matrix, situations: Sequence[Situation], seed: str
) -> Mapping[str, list[Fault]]:
    """A part of all single faults, by situation: in it each kind is at each sort of call, as often
    in a row as is tried, and in each situation; and each call has one."""
    everything = [(s, call, fault) for s in situations for call, fault in matrix.singles(s)]
    Random(seed).shuffle(everything)
    chosen: dict[str, list[Fault]] = defaultdict(list)
    covered: set[Hashable] = set()
    for situation, call, fault in everything:
        covers = {
            (call.sort, fault.kind, fault.times),
            (situation.name, fault.kind),
            (situation.name, call),
        }
        if not covers <= covered:
            covered |= covers
            chosen[situation.name].append(fault)
    return chosen


def singles(
    matrix: Matrix, situation: Situation, faults: Sequence[Fault], states: States
) -> Batches:
    """Each of these faults; `states` gets where they have led to."""
    for start in range(0, len(faults), BATCH):
        outcomes: list[Outcome] = []
        matrix.play(situation, faults[start : start + BATCH], outcomes.append)
        yield _noted((), outcomes, states)


def further(
    matrix: Matrix, situation: Situation, begun: States, number: int, seed: str, states: States
) -> Batches:
    """One more fault in the run that goes on from each of some states, `number` in all."""
    random = Random(seed)
    keys = sorted(begun)
    random.shuffle(keys)
    keys = keys[: math.ceil(number / SHARE)]
    for place, key in enumerate(keys):
        share = number * (place + 1) // len(keys) - number * place // len(keys)
        outcomes: list[Outcome] = []
        matrix.go_on(situation, begun[key].at, partial(drawn, random, share), outcomes.append)
        yield _noted(begun[key].faults, outcomes, states)


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


def _noted(
    before: tuple[Fault, ...], outcomes: list[Outcome], states: States
) -> list[tuple[tuple[Fault, ...], Outcome]]:
    rows = [((*before, outcome.fault), outcome) for outcome in outcomes]
    for faults, outcome in rows:
        if outcome.at is not None:
            states.setdefault(outcome.key, Reached(faults, outcome.at))
    return rows
