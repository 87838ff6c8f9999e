"""Play more of the matrix than every run of CI does.

    python -m tests.matrix --pairs 50000 --triples 50000 --seed 1

First all single faults are played, for pairs begin where they end; `--cover` leaves most of them
out. Prints how many scenarios were played and each that went wrong, in words that `--replay` plays
again, and ends with 1 if one did. The same seed plays the same scenarios; `--minutes` ends it
earlier.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from arm_sandbox.options import Fault
from tests.matrix.faults import KINDS
from tests.matrix.forks import NoSuchCall
from tests.matrix.replay import replay, told
from tests.matrix.sample import Batches, States, covering, further, singles
from tests.matrix.scenario import Matrix
from tests.matrix.shell import Broken, Shell
from tests.matrix.situations import SITUATIONS, Situation
from tests.signals import hear_ctrl_c

OFTEN = 20.0
"""Seconds between two lines of progress."""
NUMBERS = ("single faults", "pairs", "triples")


@dataclass(frozen=True)
class Asked:
    """What is to be played, by how many processes, and when to stop."""

    pairs: int
    triples: int
    seed: str
    cover: bool
    situations: Sequence[Situation]
    until: float
    stop: bool
    workers: int


@dataclass
class Tally:
    """What was played so far: how many faults in a row, how many scenarios, how many went wrong."""

    asked: Asked
    calls: int = 0
    wrong: int = 0
    played: Counter[str] = field(default_factory=Counter)
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    @property
    def over(self) -> bool:
        return time.monotonic() > self.asked.until or (self.asked.stop and self.wrong > 0)

    def hear(self, situation: Situation, what: str, batches: Batches) -> None:
        """Count what is played, and tell at once what goes wrong."""
        for batch in batches:
            self.played[what] += len(batch)
            for faults, outcome in batch:
                self.wrong += bool(outcome.wrong)
                for line in outcome.wrong:
                    sys.stdout.write(f"{told(situation, faults)}\n  {line}\n")
            sys.stdout.flush()
            self._tell_now_and_then(situation)
            if self.over:
                return

    def _tell_now_and_then(self, situation: Situation) -> None:
        if time.monotonic() > self._told + OFTEN:
            self._told = time.monotonic()
            sys.stderr.write(f"{self._minutes:5.1f} min  {situation.name}: {self.told}\n")

    @property
    def told(self) -> str:
        played = ", ".join(f"{self.played[what]} {what}" for what in NUMBERS if self.played[what])
        return f"{played or 'nothing'} played, {self.wrong} went wrong"

    @property
    def summary(self) -> str:
        return (
            f"seed {self.asked.seed}: {self.calls} calls, {len(KINDS)} kinds of fault: "
            f"{self.told}, {self._minutes:.1f} minutes on {self.asked.workers} cores\n"
        )

    @property
    def _minutes(self) -> float:
        return (time.monotonic() - self._began) / 60


def main() -> int:
    hear_ctrl_c()
    asked, scenarios = _asked()
    with tempfile.TemporaryDirectory() as directory, Shell(Path(directory)) as shell:
        matrix = Matrix(shell, asked.workers)
        try:
            return _replayed(matrix, scenarios) if scenarios else _played(matrix, asked)
        except Broken as broken:
            sys.stdout.write(f"{broken}\n")
            return 1
        except NoSuchCall as error:
            sys.stderr.write(f"{error}\n")
            return 2


def _replayed(matrix: Matrix, scenarios: Sequence[str]) -> int:
    wrong = [(scenario, line) for scenario in scenarios for line in replay(matrix, scenario)]
    sys.stdout.writelines(f"{scenario}\n  {line}\n" for scenario, line in wrong)
    return 1 if wrong else 0


def _played(matrix: Matrix, asked: Asked) -> int:
    tally = Tally(asked)
    chosen = covering(matrix, asked.situations, asked.seed) if asked.cover else None
    for situation in _in_some_order(asked):
        if not tally.over:
            tally.calls += len(matrix.reference(situation).calls)
            _play(matrix, situation, _single(matrix, situation, chosen), tally)
    sys.stdout.write(tally.summary)
    return 1 if tally.wrong else 0


def _single(
    matrix: Matrix, situation: Situation, chosen: Mapping[str, list[Fault]] | None
) -> list[Fault]:
    if chosen is not None:
        return chosen[situation.name]
    return [fault for _, fault in matrix.singles(situation)]


def _play(matrix: Matrix, situation: Situation, faults: list[Fault], tally: Tally) -> None:
    """One situation, and its part of the pairs and triples: an equal one, however long it is."""
    asked = tally.asked
    states: States = {}
    tally.hear(situation, NUMBERS[0], singles(matrix, situation, faults, states))
    for what, number in zip(NUMBERS[1:], (asked.pairs, asked.triples), strict=True):
        begun, states = states, {}
        if tally.over or not number:
            return
        seed = f"{asked.seed} {situation.name} {what}"
        here = math.ceil(number / len(asked.situations))
        tally.hear(situation, what, further(matrix, situation, begun, here, seed, states))


def _in_some_order(asked: Asked) -> Iterator[Situation]:
    """Another one with each seed, so that none is last whenever time is short."""
    yield from Random(asked.seed).sample(asked.situations, len(asked.situations))


def _asked() -> tuple[Asked, list[str]]:
    """What is to be played, or the scenarios that are to be played again."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--triples", type=int, default=0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--cover", action="store_true", help="each kind at each sort of call")
    parser.add_argument("--replay", action="append", default=[], metavar="SCENARIO")
    parser.add_argument("--situation", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--stop", action="store_true", help="soon after one went wrong")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    asked = Asked(
        given.pairs,
        given.triples,
        given.seed,
        given.cover,
        [s for s in SITUATIONS if not given.situation or s.name in given.situation],
        time.monotonic() + given.minutes * 60,
        given.stop,
        given.workers,
    )
    return asked, given.replay


if __name__ == "__main__":
    sys.exit(main())
