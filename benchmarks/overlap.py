"""A deploy's virtual duration against the longest chain of operations that need each other.

Each operation of the chain is taken to the first poll that its Retry-After allows (5 s where there
is none): the first poll comes at once, the next ones an interval apart. What is synchronous takes
the service's own seconds. Also counts the requests of each command.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Operation, World
from patchctl import clients
from patchctl.cli import main

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC
SEEDS = range(20)
POLL = 5
READS = ("GET", "HEAD")
EMAIL = ("--email", "you@example.com")
COMMANDS = {
    "deploy": ("deploy", *EMAIL),
    "deploy again": ("deploy", *EMAIL),
    "validate": ("validate",),
    "test-notify": ("test-notify",),
    "destroy": ("destroy", "--yes"),
}
connect = clients.connect_to_sandbox


@dataclass
class Seen:
    """The exchanges of one command."""

    reads: int = 0
    writes: int = 0
    answered: list[tuple[Request, Response]] = field(default_factory=list)

    def watch(self, request: Request, response: Response) -> None:
        if request.method in READS:
            self.reads += 1
        else:
            self.writes += 1
            self.answered.append((request, response))


@contextlib.contextmanager
def watched(seen: Seen) -> Iterator[None]:
    """Let the command's own connection show its exchanges."""
    vars(clients)["connect_to_sandbox"] = partial(connect, watch=(seen.watch,))
    try:
        yield
    finally:
        vars(clients)["connect_to_sandbox"] = connect


def run(*arguments: str) -> Seen:
    seen, silence = Seen(), io.StringIO()
    with watched(seen), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        try:
            main(list(arguments))
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"{arguments} ended with {end.code}") from None
    return seen


def polled(seconds: float, interval: int) -> float:
    """When the first poll after the end of an operation comes."""
    return math.ceil(seconds / interval) * interval


class Durations:
    """How long each write of a deploy takes whoever waits for it as Azure asks."""

    def __init__(self, world: World, fresh: World, seen: Seen) -> None:
        self._world, self._fresh, self._seen = world, fresh, seen

    def longest(self, type: str, method: str = "PUT") -> float:
        """Of all writes whose path has this in it; they go on side by side."""
        found = [
            self._one(request, response)
            for request, response in self._seen.answered
            if request.method == method and self._is(request.path, type)
        ]
        if not found:
            raise LookupError(f"no {method} of {type} was seen")
        return max(found)

    @staticmethod
    def _is(path: str, type: str) -> bool:
        parts = path.lower().split("/")
        return type.lower() in (parts[-2], parts[-1])

    def _one(self, request: Request, response: Response) -> float:
        if request.path.endswith("/register"):
            _, _, subscription, _, namespace, _ = request.path.split("/")
            key = f"{subscription}/{namespace}".lower()
            return polled(self._fresh.between(key, "register", 30.0, 90.0), POLL)
        operation = self._operation(request)
        if operation is None:
            return response.seconds
        seconds = operation.due - operation.started - response.seconds
        return response.seconds + polled(max(0.0, seconds), operation.retry_after or POLL)

    def _operation(self, request: Request) -> Operation | None:
        resource, action = request.path.lower(), request.path.rsplit("/", 1)[-1].lower()
        verbs = {"PUT": ("create",), "PATCH": ("update",), "POST": (action,)}[request.method]
        if request.method == "POST":
            resource = resource.rsplit("/", 1)[0]
        for operation in self._world.operations.values():
            same = operation.resource.lower() == resource
            if same and operation.verb.lower() in verbs:
                return operation
        return None


def longest_chain(d: Durations) -> float:
    group, registered = d.longest("resourceGroups"), d.longest("register", "POST")
    guarded = max(d.longest("virtualNetworks"), d.longest("networkSecurityGroups"))
    machine = group + guarded + d.longest("networkInterfaces") + d.longest("virtualMachines")
    assessed = machine + d.longest("disks", "PATCH") + d.longest("assessPatches", "POST")
    ready = max(group, registered)
    configuration = ready + d.longest("maintenanceConfigurations")
    mailing = ready + d.longest("actionGroups")
    assigned = max(machine, configuration) + d.longest("configurationAssignments")
    return max(assessed, max(assigned, mailing) + d.longest("activityLogAlerts"))


def measure(seed: int) -> tuple[float, float, dict[str, Seen]]:
    """A deploy's seconds, its longest chain's, and what each command asked for."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {"PATCHCTL_SANDBOX": "1", "PATCHCTL_SANDBOX_DIR": directory}
        store = Store(Path(directory))
        store.save(World(seed=str(seed), now=NOON))
        requests = {"deploy": run(*COMMANDS["deploy"])}
        world = store.load()
        durations = Durations(world, World(seed=str(seed), now=NOON), requests["deploy"])
        chain = longest_chain(durations)
        requests |= {name: run(*COMMANDS[name]) for name in COMMANDS if name != "deploy"}
        return world.now - NOON, chain, requests


def report() -> None:
    print(f"{'seed':>4} {'deploy':>8} {'chain':>8} {'ratio':>6}  requests as reads + writes")
    ratios = []
    for seed in SEEDS:
        took, chain, requests = measure(seed)
        ratios.append(took / chain)
        counts = ", ".join(f"{name} {s.reads} + {s.writes}" for name, s in requests.items())
        print(f"{seed:>4} {took:>6.1f} s {chain:>6.1f} s {ratios[-1]:>6.3f}  {counts}")
    print(f"largest ratio: {max(ratios):.3f}")


if __name__ == "__main__":
    report()
