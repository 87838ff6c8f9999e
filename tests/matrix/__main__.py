"""Play more of the matrix than every run of CI does.

    python -m tests.matrix --pairs 50000 --triples 50000 --seed 1

Prints how many scenarios were played and each that went wrong, and ends with 1 if one did. The same
seed plays the same scenarios. `--minutes` ends it earlier, `--every` leaves most of them out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.matrix.sample import Scenario, several, singles
from tests.matrix.scenario import Matrix
from tests.matrix.shell import Shell
from tests.matrix.situations import SITUATIONS


@dataclass(frozen=True)
class Asked:
    """What is to be played, by how many processes, and when to stop."""

    singles: bool
    pairs: int
    triples: int
    seed: str
    every: int
    situations: tuple[str, ...]
    until: float
    stop: bool
    workers: int


def main() -> int:
    asked = _asked()
    began = time.monotonic()
    with multiprocessing.get_context("fork").Pool(asked.workers) as pool:
        played, wrong = 0, 0
        tasks = [(asked, worker) for worker in range(asked.workers)]
        for count, failed in pool.imap_unordered(_work, tasks):
            played, wrong = played + count, wrong + failed
        pool.close()
        pool.join()
    minutes = (time.monotonic() - began) / 60
    sys.stdout.write(
        f"seed {asked.seed}: {played} scenarios, {wrong} went wrong, {minutes:.1f} minutes\n"
    )
    return 1 if wrong else 0


def _asked() -> Asked:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--singles", action="store_true")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--triples", type=int, default=0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--situation", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--stop", action="store_true", help="at the first that goes wrong")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    return Asked(
        given.singles,
        given.pairs,
        given.triples,
        given.seed,
        given.every,
        tuple(given.situation),
        time.monotonic() + given.minutes * 60,
        given.stop,
        given.workers,
    )


def _work(task: tuple[Asked, int]) -> tuple[int, int]:
    """Play every so manieth scenario, and tell at once what goes wrong; how many were played, and
    how often something did."""
    asked, worker = task
    wrong = 0
    with tempfile.TemporaryDirectory() as directory, Shell(Path(directory)) as shell:
        matrix = Matrix(shell)
        for situation, faults in islice(_scenarios(matrix, asked), worker, None, asked.workers):
            if time.monotonic() > asked.until or (asked.stop and wrong):
                break
            for line in matrix.play(situation, *faults):
                wrong += 1
                print(f"{situation.name}: {faults}: {line}", file=sys.__stdout__, flush=True)
        return matrix.played, wrong


def _scenarios(matrix: Matrix, asked: Asked) -> Iterator[Scenario]:
    named = [s for s in SITUATIONS if not asked.situations or s.name in asked.situations]
    if asked.singles:
        yield from singles(matrix, named, asked.every)
    for number in range(asked.pairs):
        yield several(matrix, asked.seed, 2, number)
    for number in range(asked.triples):
        yield several(matrix, asked.seed, 3, number)


if __name__ == "__main__":
    sys.exit(main())
