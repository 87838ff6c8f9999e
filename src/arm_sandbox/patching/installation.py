"""One installation of updates on one machine, for a schedule or because somebody asked for it.

What will happen is worked out at the beginning (see `timeline`) and takes effect at the end. The
machine keeps it in `hidden["installing"]` as plain data meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from arm_sandbox.patching import results, rows, updates
from arm_sandbox.patching.selection import Parameters, choose
from arm_sandbox.patching.timeline import (
    MINUTE,
    Durations,
    Setting,
    Task,
    Timeline,
    cut,
    read,
    timeline,
)
from arm_sandbox.patching.updates import Update
from arm_sandbox.providers import assessment, machines
from arm_sandbox.world import Operation, Resource, World, chance

SEARCH = (1 * MINUTE, 3 * MINUTE)
REBOOT = (3 * MINUTE, 7 * MINUTE)
ASSESSMENT = (1 * MINUTE, 2.5 * MINUTE)
SLOWER = 10 * MINUTE
"""By how much a reboot may take longer than it is awaited (LinuxPatchExtension#310)."""
REBOOTS = {"always": "Always", "alwaysreboot": "Always", "never": "Never", "neverreboot": "Never"}
"""The spellings of what is not `IfRequired`."""


@dataclass(frozen=True)
class Order:
    """What is asked of an installation. `until` is when its window closes."""

    activity: str
    parameters: Parameters
    reboot: str
    until: float
    by: str
    """`User` or `Platform`."""
    run: str = ""
    """The run of a schedule that it belongs to."""


@dataclass(frozen=True)
class Installation:
    """What is in progress: the order, the updates there were to choose from, and the plan."""

    order: Order
    os: str
    choices: tuple[tuple[Update, str], ...]
    line: Timeline

    @cached_property
    def states(self) -> dict[Update, str]:
        """What has become of each update when the plan is carried out."""
        done = dict.fromkeys(self.line.installed, "Installed")
        done |= dict.fromkeys(self.line.failed, "Failed")
        return {
            update: done.get(update.label, "Pending") if choice == "Selected" else choice
            for update, choice in self.choices
        }


def reboot_setting(text: Any) -> str:
    """One of `IfRequired`, `Always` and `Never`, of which Azure has more spellings."""
    return REBOOTS.get(str(text or "").lower(), "IfRequired")


def begin(world: World, machine: Resource, order: Order) -> Timeline:
    """Begin an installation; whoever does has to `end` it when its timeline does."""
    machines.add_patch_extension(world, machine)
    installation = _planned(world, machine, order)
    machine.hidden["installing"] = _written(installation)
    for step in installation.line.steps:
        if step.what == "reboot":
            ready = step.start + _durations(world, machine, order).reboot
            wait = step.start - world.now
            world.later(wait, "installation.reboots", machine=machine.id, ready=ready)
    rows.installation(world, machine, results.properties(installation, ended=False), {})
    return installation.line


def end(world: World, machine: Resource) -> Installation:
    """Let the installation in progress take effect."""
    installation = _read(world, machine, machine.hidden.pop("installing"))
    order, line = installation.order, installation.line
    for update, state in installation.states.items():
        if state == "Installed":
            updates.install(machine, update)
    machine.hidden["rebootPending"] = line.pending
    if line.steps and line.steps[-1].what == "assess":
        activity = world.guid(f"{machine.id}|{order.activity}")
        assessment.take(world, machine, activity, line.steps[-1].start, by=order.by)
    status = machine.hidden.setdefault("patchStatus", {})
    status["lastPatchInstallationSummary"] = results.summary(installation, world.stamp)
    told = results.properties(installation, ended=True)
    rows.installation(world, machine, told, installation.states)
    return installation


def operation_failed(world: World, machine: Resource, operation: Operation) -> None:
    """What an installation has done stays done, although nobody is told of it by its operation."""
    installing = machine.hidden.get("installing")
    if installing is not None and installing["order"]["activity"] == operation.name:
        end(world, machine)


def reboots(world: World, machine: str, ready: float) -> None:
    """The machine goes down and comes back; all the while Azure calls its power running."""
    standing = world.find(machine)
    installing = standing.hidden.get("installing") if standing is not None else None
    if standing is not None and installing is not None and "off" not in installing:
        standing.hidden["agentReady"] = ready


def _planned(world: World, machine: Resource, order: Order) -> Installation:
    os, failing = machines.os_of(machine), world.failing.get("machines", ())
    choices = tuple((u, choose(u, order.parameters)) for u in updates.missing(world, machine))
    selected = [update for update, choice in choices if choice == "Selected"]
    line = timeline(
        world.now,
        [_task(world, machine, order, update) for update in selected],
        Setting(os, order.until, order.reboot, machines.reboot_awaited(machine)),
        _durations(world, machine, order),
        pending=assessment.reboot_pending(world, machine),
        found=machines.reaches_updates(world, machine) and machine.id.lower() not in failing,
    )
    return Installation(order, os, choices if line.searched else (), line)


def _written(installation: Installation) -> dict[str, Any]:
    """As plain data: an update by its line and the release of it."""
    line = installation.line
    return {
        "order": {**vars(installation.order)},
        "choices": [(u.line, u.number, u.published, choice) for u, choice in installation.choices],
        "line": {**vars(line), "steps": [{**vars(step)} for step in line.steps]},
    }


def _read(world: World, machine: Resource, data: dict[str, Any]) -> Installation:
    """From plain data; a machine that was turned off meanwhile got no further."""
    line = read(data["line"])
    return Installation(
        order=Order(**data["order"]),
        os=machines.os_of(machine),
        choices=tuple(
            (updates.recall(world, machine, *release), choice)
            for *release, choice in data["choices"]
        ),
        line=cut(line, data["off"]) if "off" in data else line,
    )


def _task(world: World, machine: Resource, order: Order, update: Update) -> Task:
    subject = f"{machine.id.lower()}|{update.id}"
    low, high = update.minutes
    asked = update.label.lower() in world.failing.get("updates", ())
    luck = chance(world.seed, f"{subject}|{order.activity}|fails")
    return Task(
        update=update.label,
        seconds=round(MINUTE * (low + (high - low) * chance(world.seed, f"{subject}|takes"))),
        reboots=update.reboots,
        service_pack=update.service_pack,
        fails=asked or luck < world.options.update_failures,
    )


def _durations(world: World, machine: Resource, order: Order) -> Durations:
    def drawn(what: str, low: float, high: float) -> float:
        subject = f"{machine.id.lower()}|{order.activity}|{what}"
        return round(low + (high - low) * chance(world.seed, subject))

    slow = drawn("slow", 0, 1000) < 1000 * world.options.update_failures
    longest = machines.reboot_awaited(machine)
    return Durations(
        search=drawn("search", *SEARCH),
        reboot=longest + SLOWER if slow else drawn("reboot", *REBOOT),
        assessment=drawn("assessment", *ASSESSMENT),
    )
