"""How soon patchctl answers: each command as a multiple of `python -c pass`, the best of 20 runs.

The time until the first byte counts, on whichever stream it comes: that is when somebody who waits
sees that something happens. A command is run as the first example in its help says; the world it
meets has a deployment in it. Of what only prints something about itself, the whole time counts.
"""

from __future__ import annotations

import argparse
import os
import re
import selectors
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from patchctl.cli import app

PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")
NOTHING = (sys.executable, "-c", "pass")
VERSION, HELP, FIRST_LINE = 8, 16, 20
"""The most that is wanted."""
Measure = Callable[[Sequence[str], Path], float]


def started(words: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
    variables = {**os.environ, "PATCHCTL_SANDBOX": "1", "PATCHCTL_SANDBOX_DIR": str(directory)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, env=variables, cwd=directory, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )


def to_the_end(words: Sequence[str], directory: Path) -> float:
    began = time.perf_counter()
    started(words, directory).communicate()
    return time.perf_counter() - began


def to_the_first_byte(words: Sequence[str], directory: Path) -> float:
    began = time.perf_counter()
    process = started(words, directory)
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ)
        selector.select()
    took = time.perf_counter() - began
    process.kill()  # what it would do now is not measured, and some commands never end
    process.communicate()
    return took


def named(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The command line and all commands below it, groups included, by their words."""
    yield path, found
    for name, command in getattr(found, "commands", {}).items():
        yield from named(command, (*path, name))


def example(command: Any) -> list[str]:
    """The words of the first example in a command's help."""
    found = re.search(r"^ *patchctl (.*?)(?: [>|] .*)?$", command.help, re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


def times(runs: int, measure: Measure, words: Sequence[str], made: Path) -> float:
    """How many times as long as doing nothing; both in turn, since a machine has its moods.

    In a world of its own, since a command that is cut off leaves one half changed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        here = shutil.copytree(made, Path(temporary, "world"))
        pairs = [(to_the_end(NOTHING, here), measure(words, here)) for _ in range(runs)]
    return min(took for _, took in pairs) / min(nothing for nothing, _ in pairs)


def wanted() -> Iterator[tuple[list[str], Measure, int]]:
    """Every command line, how it is measured, and the most that is wanted of it."""
    yield ["--version"], to_the_end, VERSION
    for path, command in named(typer.main.get_command(app)):
        yield [*path, "--help"], to_the_end, HELP
        if not hasattr(command, "commands"):
            yield example(command), to_the_first_byte, FIRST_LINE


def report(runs: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        (made / "patchctl.toml").write_text('emails = ["you@example.com"]\n')
        to_the_end((*PATCHCTL, "deploy", "--yes"), made)
        print(f"times python -c pass, each the best of {runs}")
        for words, measure, most in wanted():
            found = times(runs, measure, (*PATCHCTL, *words), made)
            much = "" if found <= most else ", too much"
            print(f"{shlex.join(words):<50} {found:5.1f} (wanted: at most {most}{much})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    report(parser.parse_args().runs)
