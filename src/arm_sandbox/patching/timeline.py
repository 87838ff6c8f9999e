"""The arithmetic of an installation: what is begun when, and what a window has no time for.

Sources: azure-docs update-manager/workflow-update-manager.md and troubleshoot.md, and for Linux
Azure/LinuxPatchExtension (MaintenanceWindow, PatchInstaller, RebootManager). Some minutes are kept
for a reboot; what would not be over before them is not begun, and then the window counts as
exceeded and the installation as failed. What has begun is never stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

MINUTE = 60.0
KEPT_FOR_REBOOT = {"Windows": 10 * MINUTE, "Linux": 15 * MINUTE}
WINDOWS_UPDATE = 15 * MINUTE
WINDOWS_SERVICE_PACK = 20 * MINUTE
LINUX_PACKAGE = 5 * MINUTE
"""What each of the first three packages of a batch is reckoned with."""
LINUX_FURTHER_PACKAGE = 2 * MINUTE

RebootStatus = Literal["NotNeeded", "Required", "Completed", "Failed"]
Status = Literal["Succeeded", "CompletedWithWarnings", "Failed"]


@dataclass(frozen=True)
class Task:
    """An update to install, by its id; it takes `seconds`, whether it fails or not."""

    update: str
    seconds: float
    reboots: bool = False
    service_pack: bool = False
    fails: bool = False


@dataclass(frozen=True)
class Setting:
    """What an installation has to keep to; `end` is when its window closes."""

    os: str
    end: float
    reboot: str
    """`IfRequired`, `Never` or `Always`."""
    awaited: float = 15 * MINUTE
    """For how long a reboot is waited for."""

    @property
    def kept(self) -> float:
        """Linux keeps nothing where it may not reboot anyway (LinuxPatchExtension)."""
        return 0.0 if (self.os, self.reboot) == ("Linux", "Never") else KEPT_FOR_REBOOT[self.os]


@dataclass(frozen=True)
class Durations:
    """How many seconds a machine takes for what is no update."""

    search: float
    reboot: float
    assessment: float


@dataclass(frozen=True)
class Step:
    """One thing that is done; `failed` are those of its updates that did not get installed."""

    what: Literal["search", "install", "reboot", "assess"]
    start: float
    end: float
    updates: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """Everything that an installation does, in order, and what is to be said of it."""

    begin: float
    steps: tuple[Step, ...] = ()
    searched: bool = True
    """Whether the search for updates found its way to them."""
    exceeded: bool = False
    reboot: RebootStatus = "NotNeeded"
    pending: bool = False
    """Whether the machine waits for a reboot at the end."""
    interrupted: bool = False
    """Whether the machine was turned off meanwhile."""

    @property
    def end(self) -> float:
        return self.steps[-1].end if self.steps else self.begin

    @property
    def failed(self) -> frozenset[str]:
        return frozenset(update for step in self.steps for update in step.failed)

    @property
    def installed(self) -> frozenset[str]:
        return frozenset(update for step in self.steps for update in step.updates) - self.failed

    @property
    def status(self) -> Status:
        bad = self.failed or self.exceeded or self.interrupted or not self.searched
        if bad or self.reboot == "Failed":
            return "Failed"
        return "CompletedWithWarnings" if self.pending else "Succeeded"


def timeline(
    begin: float,
    tasks: Sequence[Task],
    setting: Setting,
    durations: Durations,
    *,
    pending: bool = False,
    found: bool = True,
) -> Timeline:
    """What comes of installing some updates from `begin` on, in the order given.

    `pending` says that the machine waits for a reboot already, `found` that it reaches the place
    where its updates come from.
    """
    line = Timeline(begin, pending=pending)
    if setting.os == "Linux" and pending and setting.reboot != "Never":
        line = _rebooted(line, setting, durations)
    line = _searched(line, setting, durations, found=found)
    if line.reboot == "Failed" or not line.searched:
        return line
    line = _installed(line, tasks, setting)
    if _wants_reboot(line, setting):
        line = _rebooted(line, setting, durations)
    elif line.pending:
        line = replace(line, reboot="Required")
    if line.reboot == "Failed":
        return line
    return _with(line, Step("assess", line.end, line.end + durations.assessment))


def cut(line: Timeline, at: float) -> Timeline:
    """The timeline of a machine that is turned off at a time: what was going on has failed."""
    steps = [step for step in line.steps if step.end <= at]
    going = [step for step in line.steps if step.start <= at < step.end]
    steps += [replace(step, end=at, failed=step.updates) for step in going]
    over = any(step.what == "reboot" and step.end < at for step in steps)
    reboot = line.reboot if over or line.reboot == "NotNeeded" else "Required"
    return replace(line, steps=tuple(steps), reboot=reboot, pending=False, interrupted=True)


def needed(tasks: Sequence[Task], os: str) -> float:
    """What the next update, or the next batch of packages, is reckoned with, in seconds."""
    if os == "Linux":
        further = max(0, len(tasks) - 3)
        return (len(tasks) - further) * LINUX_PACKAGE + further * LINUX_FURTHER_PACKAGE
    return max(WINDOWS_SERVICE_PACK if t.service_pack else WINDOWS_UPDATE for t in tasks)


def _searched(line: Timeline, setting: Setting, durations: Durations, *, found: bool) -> Timeline:
    """There is no search when not even a short update could be installed afterwards."""
    if line.reboot == "Failed":
        return line
    if not _fits(line.end, [Task("", 0)], setting):
        return replace(line, exceeded=True)
    line = _with(line, Step("search", line.end, line.end + durations.search))
    return replace(line, searched=found)


def _installed(line: Timeline, tasks: Sequence[Task], setting: Setting) -> Timeline:
    rest = list(tasks)
    while rest and not line.exceeded:
        number = _how_many(line.end, rest, setting)
        batch, rest = rest[:number], rest[number:]
        line = _with_batch(line, batch) if batch else replace(line, exceeded=True)
    return replace(line, exceeded=line.exceeded or line.end > setting.end)


def _how_many(now: float, tasks: Sequence[Task], setting: Setting) -> int:
    """Windows installs one update at a time, Linux as many packages as there is time for."""
    most = len(tasks) if setting.os == "Linux" else 1
    return max((n for n in range(1, most + 1) if _fits(now, tasks[:n], setting)), default=0)


def _fits(now: float, tasks: Sequence[Task], setting: Setting) -> bool:
    left = setting.end - setting.kept - now
    need = needed(tasks, setting.os)
    return left > need if setting.os == "Linux" else left >= need


def _with_batch(line: Timeline, batch: Sequence[Task]) -> Timeline:
    step = Step(
        what="install",
        start=line.end,
        end=line.end + sum(task.seconds for task in batch),
        updates=tuple(task.update for task in batch),
        failed=tuple(task.update for task in batch if task.fails),
    )
    reboots = any(task.reboots and not task.fails for task in batch)
    return replace(_with(line, step), pending=line.pending or reboots)


def _wants_reboot(line: Timeline, setting: Setting) -> bool:
    """`Always` is content with the reboot that came first, if nothing has asked for another."""
    if setting.reboot == "Always":
        return line.pending or line.reboot == "NotNeeded"
    return setting.reboot == "IfRequired" and line.pending


def _rebooted(line: Timeline, setting: Setting, durations: Durations) -> Timeline:
    if setting.end - line.end < KEPT_FOR_REBOOT[setting.os]:
        return replace(line, exceeded=True, reboot="Required")
    back = durations.reboot <= setting.awaited
    step = Step("reboot", line.end, line.end + min(durations.reboot, setting.awaited))
    status: RebootStatus = "Completed" if back else "Failed"
    return replace(_with(line, step), reboot=status, pending=line.pending and not back)


def _with(line: Timeline, step: Step) -> Timeline:
    return replace(line, steps=(*line.steps, step))


def read(data: dict[str, Any]) -> Timeline:
    """A timeline of which `dataclasses.asdict` has made plain data."""
    steps = tuple(
        Step(**{**step, "updates": tuple(step["updates"]), "failed": tuple(step["failed"])})
        for step in data["steps"]
    )
    return Timeline(**{**data, "steps": steps})
