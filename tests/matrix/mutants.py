"""Plant faults in patchctl itself, one at a time, and see whether the matrix catches them.

    python -m tests.matrix.mutants

Prints a table, in Markdown, of what was caught, by which scenario and after how long, and what
survived and why. Of each mutant the scenario that is known to catch it is played first; where there
is none, or it goes well, a part of the single faults in the situations that the mutant names, or in
all, for some minutes at most. What does no harm because something else guards against it is listed
with that, neither played nor counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Mutant:
    what: str
    file: str
    old: str
    new: str
    by: str = ""
    """The scenario that catches it."""
    where: tuple[str, ...] = ()
    """The situations in which it does its harm; else any."""
    survives: str = ""
    """Why the matrix cannot catch it, and what does."""
    harmless: str = ""
    """What else guards against it."""

    def plant(self, source: Path) -> None:
        file = source / self.file
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {text.count(self.old)} times")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    by: str
    """The scenario that has caught it; nothing if none has."""
    seconds: float

    @property
    def row(self) -> str:
        mutant = self.mutant
        if mutant.harmless:
            return f"| {mutant.what} | harmless: {mutant.harmless} | |\n"
        told = f"`{self.by}`" if self.by else f"**nothing**: {mutant.survives or 'unexplained'}"
        return f"| {mutant.what} | {told} | {self.seconds:.0f} s |\n"


def mutants() -> list[Mutant]:
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Mutant(**{**each, "where": tuple(each.get("where", ()))}) for each in data["mutant"]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those with these words in `what`")
    parser.add_argument("--minutes", type=float, default=5.0, help="that one is searched for")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    chosen = [mutant for mutant in mutants() if given.only in mutant.what]
    sys.stdout.write("| Planted fault | Caught by | After |\n|---|---|---|\n")
    verdicts = []
    with ThreadPoolExecutor(given.workers) as pool:
        for verdict in pool.map(partial(judged, minutes=given.minutes), chosen):
            sys.stdout.write(verdict.row)
            sys.stdout.flush()
            verdicts += [] if verdict.mutant.harmless else [verdict]
    caught = sum(bool(verdict.by) for verdict in verdicts)
    unexplained = sum(not verdict.by and not verdict.mutant.survives for verdict in verdicts)
    sys.stdout.write(
        f"\n{caught} of {len(verdicts)} that do harm caught, {caught / len(verdicts):.1%}; "
        f"{unexplained} unexplained, {len(chosen) - len(verdicts)} harmless\n"
    )
    return 1 if unexplained else 0


def judged(mutant: Mutant, minutes: float) -> Verdict:
    """Whether the matrix catches it."""
    if mutant.harmless:
        return Verdict(mutant, "", 0.0)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        mutant.plant(source)
        searched = ("--cover", "--stop", "--workers", "1", "--minutes", str(minutes))
        where = (part for name in mutant.where for part in ("--situation", name))
        by = mutant.by and _wrong(source, "--replay", mutant.by)
        by = by or _wrong(source, *searched, *where)
    return Verdict(mutant, by, time.monotonic() - began)


def _wrong(source: Path, *arguments: str) -> str:
    """The scenario that goes wrong first with this source; nothing if all goes well."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.matrix", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 1 and not ended.stdout:
        raise RuntimeError(f"{arguments}: {ended.stderr[-2000:]}")
    return ended.stdout.splitlines()[0] if ended.returncode == 1 else ""


if __name__ == "__main__":
    sys.exit(main())
