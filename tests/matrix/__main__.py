"""Play more of the matrix than every run of CI does.

    python -m tests.matrix --pairs 50000 --triples 50000 --seed 1

First all single faults are played, for pairs begin where they end; `--every` leaves most of them
out. Prints how many scenarios were played and each that went wrong, and ends with 1 if one did. The
same seed plays the same scenarios; `--minutes` ends it earlier.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.matrix.faults import KINDS
from tests.matrix.sample import States, further, singles
from tests.matrix.scenario import Matrix, Outcome
from tests.matrix.shell import Shell
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
    every: int
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

    def hear(self, situation: Situation, what: str, batches: Iterable[list[Outcome]]) -> None:
        """Count what is played, and tell at once what goes wrong."""
        for outcomes in batches:
            self.played[what] += len(outcomes)
            for outcome in outcomes:
                self.wrong += bool(outcome.wrong)
                for line in outcome.wrong:
                    sys.stdout.write(f"{situation.name}, {what}: {outcome.fault}: {line}\n")
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
    asked = _asked()
    tally = Tally(asked)
    with tempfile.TemporaryDirectory() as directory, Shell(Path(directory)) as shell:
        matrix = Matrix(shell, asked.workers)
        for situation in _in_some_order(asked):
            if not tally.over:
                tally.calls += len(matrix.reference(situation).calls)
                _play(matrix, situation, tally)
    sys.stdout.write(tally.summary)
    return 1 if tally.wrong else 0


def _play(matrix: Matrix, situation: Situation, tally: Tally) -> None:
    """One situation, and its part of the pairs and triples."""
    asked = tally.asked
    states: States = {}
    tally.hear(situation, NUMBERS[0], singles(matrix, situation, asked.every, states))
    for what, number in zip(NUMBERS[1:], (asked.pairs, asked.triples), strict=True):
        begun, states = states, {}
        if tally.over or not number:
            return
        seed = f"{asked.seed} {situation.name} {what}"
        here = round(number * _part(matrix, situation, asked.situations))
        tally.hear(situation, what, further(matrix, situation, begun, here, seed, states))


def _part(matrix: Matrix, situation: Situation, situations: Sequence[Situation]) -> float:
    """How much of all single faults is in one situation."""
    everything = sum(len(matrix.singles(each)) for each in situations)
    return len(matrix.singles(situation)) / everything


def _in_some_order(asked: Asked) -> Iterator[Situation]:
    """Another one with each seed, so that none is last whenever time is short."""
    yield from Random(asked.seed).sample(asked.situations, len(asked.situations))


def _asked() -> Asked:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--triples", type=int, default=0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--every", type=int, default=1, help="one single fault in so many")
    parser.add_argument("--situation", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--stop", action="store_true", help="soon after one went wrong")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    return Asked(
        given.pairs,
        given.triples,
        given.seed,
        given.every,
        [s for s in SITUATIONS if not given.situation or s.name in given.situation],
        time.monotonic() + given.minutes * 60,
        given.stop,
        given.workers,
    )


if __name__ == "__main__":
    sys.exit(main())
