"""What `status` and `report` take of time and memory as the machines become more.

The sandbox is served over HTTPS from this process, and the commands are processes of their own, as
on Azure: their memory is theirs alone. Most of the seconds are the sandbox's, which works a query
out anew for each page.

Run it from the top of the checkout: python -m benchmarks.fleet
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fleets import add_machines

from arm_sandbox import server
from arm_sandbox.environment import environment
from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World

SIZES = (100, 1_000, 10_000)
ALLOWED = 300
"""MB that a command may take."""
PATCHCTL = "from patchctl.cli import main; main()"
MEASURED = f"""import atexit, sys
def tell():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            print(line.split()[1], file=sys.stderr)
atexit.register(tell)
{PATCHCTL}"""
"""Says at its end how many KB it took at most, on Linux. (What getrusage tells would include the
memory of this process, from which it was started.)"""
CONFIGURATION = "microsoft.maintenance/maintenanceconfigurations"
COMMANDS = {
    "status": ("status",),
    "report": ("report", "--format", "html", "--out", "report.html"),
    "report as CSV": ("report", "--out", "report.csv"),
}


@dataclass
class Asked:
    """The queries of one command."""

    queries: int = 0
    rows: int = 0

    def watch(self, request: Request, response: Response) -> None:
        if request.is_query:
            self.queries += 1
            self.rows += response.body["count"] if isinstance(response.body, dict) else 0


def world_of(machines: int, directory: Path) -> World:
    """A deployment whose schedule has so many machines more."""
    here = {"PATCHCTL_SANDBOX": "1", "PATCHCTL_SANDBOX_DIR": str(directory)}
    options = ("--email", "you@example.com", "--no-result-alerts", "--yes")
    deploy = (sys.executable, "-c", PATCHCTL, "deploy", *options)
    subprocess.run(deploy, env={**os.environ, **here}, check=True, capture_output=True)
    world = Store(directory).load()
    [schedule] = (r.id for r in world.resources.values() if r.type.lower() == CONFIGURATION)
    add_machines(world, schedule, machines)
    return world


@contextmanager
def served(machines: int, asked: Asked) -> Iterator[dict[str, str]]:
    """The variables with which a command reaches the world."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        world, store = world_of(machines, place), Store(place)
        with store.locked(), server.running(world, store, port=0, watchers=(asked.watch,)) as told:
            there = {"PATCHCTL_ENDPOINT": told.url, "PATCHCTL_STATE_DIR": directory}
            yield {**os.environ, **environment(place, told), **there}


def run(command: tuple[str, ...], variables: dict[str, str]) -> tuple[float, int]:
    """Seconds, and the most memory in MB."""
    begun = time.perf_counter()
    ended = subprocess.run(
        (sys.executable, "-c", MEASURED, *command),
        env=variables,
        cwd=variables["PATCHCTL_STATE_DIR"],
        capture_output=True,
        check=True,
        text=True,
    )
    return time.perf_counter() - begun, int(ended.stderr.split()[-1]) // 1024


def report(sizes: list[int]) -> None:
    most = 0
    print(f"{'machines':>8}  {'command':<14} {'queries':>7} {'rows':>8} {'seconds':>8} {'MB':>5}")
    for size in sizes:
        asked = Asked()
        with served(size, asked) as variables:
            for name, command in COMMANDS.items():
                asked.queries = asked.rows = 0
                seconds, memory = run(command, variables)
                most = max(most, memory)
                numbers = f"{asked.queries:>7} {asked.rows:>8} {seconds:>8.1f} {memory:>5}"
                print(f"{size:>8}  {name:<14} {numbers}", flush=True)
    if most > ALLOWED:
        sys.exit(f"{most} MB is more than the {ALLOWED} that are allowed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of machines")
    report(parser.parse_args().sizes)
