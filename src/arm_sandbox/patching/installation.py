"""One installation of updates on one machine, for a schedule or because somebody asked for it.

What will happen is worked out at the beginning (see `timeline`) and takes effect at the end. The
machine keeps it in `hidden["installing"]` as plain data meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from arm_sandbox.patching import rows, updates
from arm_sandbox.patching.selection import Parameters, choose
from arm_sandbox.patching.timeline import (
    MINUTE,
    REBOOT_AWAITED,
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
from arm_sandbox.world import Resource, World, chance, stamp

SEARCH = (1 * MINUTE, 3 * MINUTE)
REBOOT = (3 * MINUTE, 7 * MINUTE)
ASSESSMENT = (1 * MINUTE, 2.5 * MINUTE)
SLOW_REBOOT = REBOOT_AWAITED + 10 * MINUTE
"""One that is not awaited to its end (LinuxPatchExtension#310)."""
ERRORS_TOLD = 5
"""Of more errors only the first are told (docs, query logs)."""
REBOOTS = {"always": "Always", "alwaysreboot": "Always", "never": "Never", "neverreboot": "Never"}
"""The spellings of what is not `IfRequired`."""

Error = dict[str, str]


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

    @property
    def error(self) -> str:
        """The first of what went wrong, or an empty string."""
        errors = _errors(self)
        return errors[0]["message"] if errors else ""


def reboot_setting(text: Any) -> str:
    """One of `IfRequired`, `Always` and `Never`, of which Azure has more spellings."""
    return REBOOTS.get(str(text or "").lower(), "IfRequired")


def begin(world: World, machine: Resource, order: Order) -> Timeline:
    """Begin an installation; whoever does has to `end` it when its timeline does."""
    machines.add_patch_extension(world, machine)
    choices = tuple((u, choose(u, order.parameters)) for u in updates.missing(world, machine))
    durations = _durations(world, machine, order)
    line = timeline(
        world.now,
        [
            _task(world, machine, order, update)
            for update, choice in choices
            if choice == "Selected"
        ],
        Setting(machines.os_of(machine), order.until, order.reboot),
        durations,
        pending=assessment.reboot_pending(world, machine),
        found=machines.reaches_updates(world, machine)
        and machine.id.lower() not in world.failing.get("machines", ()),
    )
    seen = choices if line.searched else ()
    installation = Installation(order, machines.os_of(machine), seen, line)
    machine.hidden["installing"] = _written(installation)
    for step in line.steps:
        if step.what == "reboot":
            ready = step.start + durations.reboot
            world.later(
                step.start - world.now, "installation.reboots", machine=machine.id, ready=ready
            )
    rows.installation(world, machine, _summary(installation, "InProgress"), {})
    return line


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
    summary = _summary(installation, line.status)
    rows.installation(world, machine, summary, installation.states)
    machine.hidden.setdefault("patchStatus", {})["lastPatchInstallationSummary"] = {
        **{name: summary[name] for name in SUMMARIZED},
        "startTime": summary["startDateTime"],
        "lastModifiedTime": world.stamp,
        "error": summary["errorDetails"],
    }
    return installation


def reboots(world: World, machine: str, ready: float) -> None:
    """The machine goes down and comes back; all the while Azure calls its power running."""
    standing = world.find(machine)
    if standing is not None and "off" not in standing.hidden.get("installing", {"off": 0}):
        standing.hidden["agentReady"] = ready


def answer(installation: Installation) -> dict[str, Any]:
    """What an installation answers to who asked for it (recorded)."""
    summary = _summary(installation, installation.line.status)
    return {
        **{name: summary[name] for name in (*SUMMARIZED, "rebootStatus", "startDateTime")},
        "patches": [_patch(update, state) for update, state in installation.states.items()],
        "error": summary["errorDetails"],
    }


SUMMARIZED = (
    *("status", "installationActivityId", "maintenanceWindowExceeded", "excludedPatchCount"),
    *("notSelectedPatchCount", "pendingPatchCount", "installedPatchCount", "failedPatchCount"),
)


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
    by_chance = (
        chance(world.seed, f"{subject}|{order.activity}|fails") < world.options.update_failures
    )
    return Task(
        update=update.label,
        seconds=round(MINUTE * (low + (high - low) * chance(world.seed, f"{subject}|takes"))),
        reboots=update.reboots,
        service_pack=update.service_pack,
        fails=asked or by_chance,
    )


def _durations(world: World, machine: Resource, order: Order) -> Durations:
    def drawn(what: str, low: float, high: float) -> float:
        subject = f"{machine.id.lower()}|{order.activity}|{what}"
        return round(low + (high - low) * chance(world.seed, subject))

    slow = drawn("slow", 0, 1000) < 1000 * world.options.update_failures
    return Durations(
        search=drawn("search", *SEARCH),
        reboot=SLOW_REBOOT if slow else drawn("reboot", *REBOOT),
        assessment=drawn("assessment", *ASSESSMENT),
    )


def _summary(installation: Installation, status: str) -> dict[str, Any]:
    """An installation in the words of Resource Graph."""
    order, line = installation.order, installation.line
    under_way = status == "InProgress"
    told = Timeline(line.begin) if under_way else line
    states = list(replace(installation, line=told).states.values())
    return {
        "status": status,
        "installationActivityId": order.activity,
        "maintenanceRunId": order.run or None,
        "maintenanceWindowExceeded": told.exceeded,
        "rebootStatus": told.reboot,
        "startDateTime": stamp(line.begin),
        "startedBy": order.by,
        "installedPatchCount": states.count("Installed"),
        "failedPatchCount": states.count("Failed"),
        "pendingPatchCount": states.count("Pending"),
        "excludedPatchCount": states.count("Excluded"),
        "notSelectedPatchCount": states.count("NotSelected"),
        "errorDetails": _error(installation) if not under_way else assessment.NO_ERROR,
    }


def _error(installation: Installation) -> dict[str, Any]:
    errors = _errors(installation)
    if not errors:
        return assessment.NO_ERROR
    told = errors[:ERRORS_TOLD]
    message = f"{len(errors)} error/s reported. The latest {len(told)} are shared in detail."
    return {"code": "1", "message": message, "details": told}


def _errors(installation: Installation) -> list[Error]:
    """What went wrong. The words on time and reboots are those of LinuxPatchExtension."""
    line = installation.line
    told = [] if line.searched else [assessment.no_route(installation.os)["details"][0]]
    told += [
        {"code": code, "message": message}
        for true, code, message in (
            (line.interrupted, "VM_STOPPED", "The machine was turned off meanwhile."),
            (line.exceeded, "MAINTENANCE_WINDOW_EXCEEDED", EXCEEDED),
            (line.reboot == "Failed", "REBOOT_FAILED", REBOOT_FAILED),
            (line.status == "CompletedWithWarnings", "REBOOT_REQUIRED", REBOOT_REQUIRED),
        )
        if true
    ]
    failed = [update for update, state in installation.states.items() if state == "Failed"]
    return told + [
        {"code": _failure_code(update), "message": f"Failed to install {update.name}."}
        for update in failed
    ]


EXCEEDED = "Stopped patch installation as it is past the maintenance window cutoff time."
REBOOT_FAILED = "Reboot failed to proceed on the machine in a timely manner."
REBOOT_REQUIRED = (
    "Machine is Required to reboot. However, the customer-specified reboot setting doesn't allow "
    "reboots."
)


def _failure_code(update: Update) -> str:
    return "PACKAGE_MANAGER_FAILURE" if update.version else "0x80070643"


def _patch(update: Update, state: str) -> dict[str, Any]:
    own = {"version": update.version} if update.version else {"kbId": update.kb}
    severity = {"msrcSeverity": update.severity} if update.severity else {}
    return {
        "patchId": update.id,
        "name": update.name,
        **own,
        "classifications": [update.classification],
        "installationState": state,
        **severity,
    }
