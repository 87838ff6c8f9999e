"""Plant faults in patchctl itself, one at a time, and see whether the matrix catches them.

    python -m tests.matrix.mutants

Prints a table, in Markdown, of what was caught, by which scenario and after how long, and what
survived and why. Each mutant is played until the first scenario goes wrong, in the situations that
it names or in all: a sample first, then a larger one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_suffix(".toml")
EVERY, EVERY_THERE = (97, 31), (19, 5)
"""Samples of the single faults, of all situations or of those that a mutant names: one in so many,
and where nothing goes wrong a larger one, unless that is explained."""

SEEN = re.compile(r"(.+), single faults: Fault\(kind='(.+?)', method='(.+?)'")
"""How a scenario that went wrong is told."""


@dataclass(frozen=True)
class Mutant:
    what: str
    file: str
    old: str
    new: str
    where: tuple[str, ...] = ()
    """The situations in which it does its harm; else any."""
    survives: str = ""

    def plant(self, source: Path) -> None:
        file = source / self.file
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {text.count(self.old)} times")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


def mutants() -> list[Mutant]:
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Mutant(**{**each, "where": tuple(each.get("where", ()))}) for each in data["mutant"]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those with these words in `what`")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    chosen = [mutant for mutant in mutants() if given.only in mutant.what]
    sys.stdout.write("| Planted fault | Caught by | After |\n|---|---|---|\n")
    survived = [mutant for mutant in chosen if not _caught(mutant, given.workers)]
    unexplained = [mutant for mutant in survived if not mutant.survives]
    sys.stdout.write(
        f"\n{len(chosen) - len(survived)} of {len(chosen)} caught, "
        f"{len(survived) - len(unexplained)} explained, {len(unexplained)} not\n"
    )
    return 1 if unexplained else 0


def _caught(mutant: Mutant, workers: int) -> bool:
    """Whether the matrix catches it; prints a row of the table."""
    began, seen = time.monotonic(), ""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        mutant.plant(source)
        samples = EVERY_THERE if mutant.where else EVERY
        for every in samples[: 1 if mutant.survives else None]:
            seen = seen or _matrix(source, every, mutant.where, workers)
    told = seen or f"**nothing**: {mutant.survives or 'not explained'}"
    sys.stdout.write(f"| {mutant.what} | {told} | {time.monotonic() - began:.0f} s |\n")
    return bool(seen)


def _matrix(source: Path, every: int, where: Sequence[str], workers: int) -> str:
    """Where something goes wrong first with this source; nothing if all goes well."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.matrix", "--stop"),
            *("--every", str(every), "--workers", str(workers)),
            *(part for name in where for part in ("--situation", name)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return ""
    found = SEEN.match(ended.stdout)
    if found is None:
        return "its first command"
    situation, kind, method = found.groups()
    return f"{situation}: {kind} at a {method}"


if __name__ == "__main__":
    sys.exit(main())
