"""How soon patchctl answers: each command as a multiple of `python -c pass`, the best of 20 runs.

Of commands that work, the time until their first byte counts, on whichever stream it comes: that is
when somebody who waits sees that something happens. The world they meet has a deployment in it.
"""

from __future__ import annotations

import argparse
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")
WHOLE = {"--version": 8, "--help": 16, "deploy --help": 16, "sandbox --help": 16}
FIRST_LINE = {
    "deploy --yes": 20,
    "plan": 20,
    "validate": 20,
    "status": 20,
    "report": 20,
    "list": 20,
    "schema": 20,
    "sandbox outbox": 20,
    "sandbox advance --by 1h": 20,
}
"""Commands, and the most that is wanted of them."""


def started(words: Sequence[str], directory: str) -> subprocess.Popen[bytes]:
    variables = {**os.environ, "PATCHCTL_SANDBOX": "1", "PATCHCTL_SANDBOX_DIR": directory}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        words, env=variables, cwd=directory, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )


def to_the_end(words: Sequence[str], directory: str) -> float:
    began = time.perf_counter()
    started(words, directory).communicate()
    return time.perf_counter() - began


def to_the_first_byte(words: Sequence[str], directory: str) -> float:
    began = time.perf_counter()
    process = started(words, directory)
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ)
        selector.select()
    took = time.perf_counter() - began
    process.communicate()
    return took


def best(runs: int, words: Sequence[str], directory: str, *, whole: bool) -> float:
    measure = to_the_end if whole else to_the_first_byte
    return min(measure(words, directory) for _ in range(runs))


def report(runs: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "patchctl.toml").write_text('emails = ["you@example.com"]\n')
        to_the_end((*PATCHCTL, "deploy", "--yes"), directory)
        base = best(runs, (sys.executable, "-c", "pass"), directory, whole=True)
        print(f"best of {runs}; python -c pass: {base * 1000:.0f} ms")
        for command, most in (WHOLE | FIRST_LINE).items():
            words = (*PATCHCTL, *command.split())
            took = best(runs, words, directory, whole=command in WHOLE)
            what = "whole" if command in WHOLE else "first line"
            print(f"{command:<16} {what:<10} {took / base:6.1f} times (wanted: at most {most})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    report(parser.parse_args().runs)
