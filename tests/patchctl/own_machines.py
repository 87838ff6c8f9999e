"""A fleet of your own machines in a sandbox, commands at work on it, and what is to come of it.

What is to come follows from the fleet's data alone, by Azure's rules in plain Python.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import by_hand, tables
from arm_sandbox.app import settle
from arm_sandbox.clock import VirtualLoop
from arm_sandbox.transport import SandboxCredential, SandboxTransport, Watcher
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import engine
from patchctl.clients import Clients, Connection
from patchctl.clouds import CLOUDS
from patchctl.deployment import Deployment
from patchctl.engine import Limits, Plan
from patchctl.layers import Layer
from patchctl.report import Outcome, StepReport
from patchctl.resolving import resolve
from patchctl.selection import with_machines
from patchctl.sign_in import Identity
from patchctl.steps import OUT_BEFORE_THE_GROUP, STEPS
from tests.comparison import patch_settings as settings_in
from tests.fleet.building import NOON, build
from tests.fleet.drawing import EVERY, SUBSCRIPTIONS, Fleet, Machine, draw
from tests.fleet.truth import expectation, in_the_way
from tests.patchctl.conftest import EMAIL, ignore

WANTED = {
    "patchMode": "AutomaticByPlatform",
    "assessmentMode": "AutomaticByPlatform",
    "bypass": True,
    "reboot": "IfRequired",
    "hotpatching": False,
}
WINDOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC).timestamp()
"""Saturday, 02:00 in New York: the first window of the default schedule."""
HOURS = 3600.0
ME = Identity("you", "0b1ec700-0000-4000-8000-0000000000bb", "a tenant")


@dataclass
class Place:
    """A world of machines, and commands at work on it without a terminal."""

    world: World
    connection: Connection
    watchers: list[Watcher]
    writes: list[str] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=lambda: {"machines": ["*"]})

    def deployment(self, **asked: Any) -> Deployment:
        values = {"name": "web", "emails": [EMAIL], **self.asked, **asked}
        layer = Layer("the test", {k: v for k, v in values.items() if v is not None}, {})
        run, clients = self.connection.run, self.connection.clients
        now = datetime.fromtimestamp(int(self.world.now), UTC)
        found = run(resolve(clients, [layer], ME, now, lambda: "0a1b2c", making=True))
        return run(with_machines(clients, found))

    def plan(self, deployment: Deployment) -> Plan:
        clients = self.connection.clients
        return self.connection.run(engine.inspect(STEPS, clients, deployment, ignore, Limits()))

    def deploy(self, **asked: Any) -> list[StepReport]:
        deployment = self.deployment(**asked)
        plan, clients = self.plan(deployment), self.connection.clients
        self.writes.clear()
        going = engine.deploy(STEPS, clients, deployment, plan, ignore, Limits())
        return self.connection.run(going)

    def destroy(self) -> list[StepReport]:
        """By the name alone."""
        bare = {"machines": None, "machine_tags": None, "resource_group": None}
        deployment, clients = self.deployment(**bare), self.connection.clients
        steps = STEPS if deployment.borrowed else OUT_BEFORE_THE_GROUP
        going = engine.destroy(steps, clients, deployment, self.plan(deployment), ignore, Limits())
        return self.connection.run(going)

    def settings(self, machine: Machine) -> dict[str, Any]:
        return settings_in(self.world.resources[machine.id.lower()].body)

    @property
    def assigned(self) -> set[str]:
        kind = "microsoft.maintenance/configurationassignments"
        found = (r for r in self.world.resources.values() if r.type.lower() == kind)
        ours = (r for r in found if "mc-weekly" in r.properties["maintenanceConfigurationId"])
        return {str(r.properties["resourceId"]).lower() for r in ours}


@contextmanager
def at(fleet: Fleet) -> Iterator[Place]:
    """The fleet in a world that is kept in memory only."""
    world, writes = build(fleet), list[str]()
    watchers: list[Watcher] = []
    settle(world, NOON + HOURS)  # whoever is silent is known to be by then

    def watch(asked: Request, response: Response) -> None:
        if asked.method not in ("GET", "HEAD") and "ResourceGraph" not in asked.path:
            writes.append(f"{asked.method} {asked.path}")
        for watcher in watchers:
            watcher(asked, response)

    loop = VirtualLoop(world.now)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        clients = Clients(
            SandboxCredential(world),
            SandboxTransport(world, (watch,)),
            CLOUDS["public"],
            SUBSCRIPTIONS[0],
        )
        connection = Connection(
            runner,
            clients,
            clock=lambda: datetime.fromtimestamp(int(loop.now), UTC),
            draw_suffix=lambda: "0a1b2c",
        )
        yield Place(world, connection, watchers, writes)


def quiet(number: int = 3) -> Fleet:
    """Machines without any trouble, patched by their own systems."""
    fleet = draw("quiet", number * 40, groups=1, trouble=0)
    plain = [m for m in fleet.machines if m.settings.mode != "AutomaticByPlatform"]
    return replace(fleet, machines=tuple(replace(m, schedules=()) for m in plain[:number]))


def unassign(world: World, machine: Machine) -> None:
    """Somebody takes it off our schedules."""
    ours = f"{machine.id}/providers/microsoft.maintenance/".lower()
    for key in [key for key in world.resources if key.startswith(ours)]:
        by_hand.delete(world, world.resources[key])


# -- what is to come of it


def hindered(machine: Machine, *, tagging: bool = True) -> bool:
    """Whether it cannot be put on our schedule, by the rules in plain Python."""
    expected = expectation(machine)
    changes = has_to_change(machine)
    unsettable = expected.settings_refused - UNFORESEEN[machine.sort] or (
        tagging and changes and expected.tag_refused
    )
    # The windows of the next months; further ones are those of the same days.
    weeks = (WINDOW + week * 7 * 24 * HOURS for week in range(20))
    overlaps = any(in_the_way(machine, start, 2 * HOURS) for start in weeks)
    return bool(unsettable or expected.assignment_refused or overlaps)


UNFORESEEN = {sort: set[str]() for sort in EVERY} | {"gallery": {"image not supported"}}
"""What only Azure knows, and tells when the settings are written."""


def refused_later(machine: Machine) -> bool:
    return bool(expectation(machine).settings_refused & UNFORESEEN[machine.sort])


def has_to_change(machine: Machine) -> bool:
    return machine.sort != "arc" and settings_in_words(machine) != WANTED


def settings_in_words(machine: Machine) -> dict[str, Any]:
    settings = machine.settings
    return {
        "patchMode": settings.mode,
        "assessmentMode": settings.assessment,
        "bypass": bool(settings.bypass),
        "reboot": settings.reboot,
        "hotpatching": settings.hotpatching,
    }


def changed(plan: Plan, step: str) -> set[str]:
    return {f.subject.removeprefix("schedule of ") for f in plan[step].findings if f.ok is False}


def shown(machines: list[Machine]) -> set[str]:
    return {f"{machine.group.id.rsplit('/', 1)[1]}/{machine.name}" for machine in machines}


def patched(world: World) -> set[str]:
    """Ids of the machines on which something was installed without a fault."""
    rows = tables.rows(world, "patchinstallationresources")
    return {
        str(row["id"]).lower().split("/patchinstallationresults/")[0]
        for row in rows
        if row["properties"].get("status") in ("Succeeded", "CompletedWithWarnings")
        and row["type"].endswith("patchinstallationresults")
    }


def outcome(reports: list[StepReport], step: str) -> Outcome:
    return next(report.outcome for report in reports if report.step == step)
