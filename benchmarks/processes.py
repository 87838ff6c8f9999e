"""Whole processes on the sandbox, as multiples of importing the SDK packages that they use."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

SDK = (
    "import azure.mgmt.compute, azure.mgmt.network, azure.mgmt.maintenance, azure.mgmt.monitor, "
    "azure.identity"
)
PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")
COMMANDS = {
    "import of the SDK": (sys.executable, "-c", SDK),
    "deploy": (*PATCHCTL, "deploy", "--sandbox", "--email", "you@example.com"),
    "validate": (*PATCHCTL, "validate", "--sandbox"),
    "destroy": (*PATCHCTL, "destroy", "--sandbox", "--yes"),
    "--help": (*PATCHCTL, "--help"),
}


def seconds(command: tuple[str, ...], directory: str) -> float:
    environment = {**os.environ, "PATCHCTL_SANDBOX_DIR": directory}
    began = time.perf_counter()
    subprocess.run(command, env=environment, cwd=directory, check=True, capture_output=True)
    return time.perf_counter() - began


def report(runs: int) -> None:
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory() as directory:
            for name, command in COMMANDS.items():
                took[name].append(seconds(command, directory))
    medians = {name: statistics.median(times[1:]) for name, times in took.items()}
    base = medians["import of the SDK"]
    print(f"medians of {runs} interleaved runs, after one to warm up")
    for name, median in medians.items():
        print(f"{name:<18} {median:6.2f} s  {median / base:5.2f} times the import")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    report(parser.parse_args().runs)
