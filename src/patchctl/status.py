"""How the machines of a deployment stand, and what would keep the next run from patching them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from patchctl.machines import UNSAID, idle, settings_checks
from patchctl.observation import Assessment, Machine, ScheduleRun
from patchctl.report import Finding
from patchctl.schedule import fit
from patchctl.schedule.window import Occurrence, Window

LAG = timedelta(minutes=75)
"""Rows of a run come 10 to 60 minutes late (seen in Microsoft's demos); some minutes are ours."""
EARLY = timedelta(minutes=45)
"""A run may be recorded before its window: what precedes it begins up to 40 minutes early."""
REMEMBERED = timedelta(days=30)
"""How long Azure remembers runs (azure-docs, update-manager/query-logs.md)."""
MOST_AFTER_EXPIRY = 200
"""Windows that are looked through for the last one before a schedule expired."""


@dataclass(frozen=True)
class Schedule:
    """A maintenance configuration as it stands. `id` is in lower case."""

    id: str
    window: Window | None
    classifications: tuple[str, ...] = ()
    problem: str = ""
    """Why nothing at all will run; empty where something will."""
    since: datetime | None = None
    """When it was made: of earlier windows it says nothing."""
    expires: datetime | None = None
    """By the clocks of its time zone; None for never."""

    def next_window(self, now: datetime) -> Occurrence | None:
        coming = self.window.coming(now, 1) if self.window is not None else []
        return next((window for window in coming if self._has(window)), None)

    def open_window(self, now: datetime) -> Occurrence | None:
        """The one that has opened and not closed."""
        if self.window is None:
            return None
        begun = self.window.coming(now - self.window.duration, 1)
        return next((each for each in begun if each.utc <= now and self._has(each)), None)

    def closed_window(self, now: datetime) -> Occurrence | None:
        """The last one that has closed."""
        closed = self.window.past(now, MOST_AFTER_EXPIRY) if self.window is not None else []
        return next((window for window in reversed(closed) if self._has(window)), None)

    def _has(self, window: Occurrence) -> bool:
        made = self.since is None or window.utc > self.since
        return made and (self.expires is None or window.local.replace(tzinfo=None) < self.expires)


class Past(StrEnum):
    """What became of the last window that has closed."""

    NONE = "none"
    RAN = "ran"
    MISSED = "missed"
    AWAITED = "awaited"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class LastWindow:
    """The last window that has closed. `run` only where there was one."""

    past: Past
    window: Occurrence | None = None
    run: ScheduleRun | None = None


@dataclass(frozen=True)
class LastRun:
    """How the last installation on a machine ended."""

    status: str
    at: datetime
    exceeded: bool
    error: str


@dataclass(frozen=True)
class MachineStatus:
    """One machine. `obstacles` are sentences: what would keep the next run from patching it."""

    machine: Machine
    settings: tuple[Finding, ...]
    assessment: Assessment | None
    last_run: LastRun | None
    obstacles: tuple[str, ...]

    @property
    def drifted(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.settings if finding.ok is False)

    @property
    def reboot_pending(self) -> bool:
        return self.assessment is not None and self.assessment.reboot_pending

    @property
    def assessed(self) -> bool:
        return self.assessment is not None and self.assessment.succeeded

    @property
    def ended_well(self) -> bool:
        return self.last_run is None or self.last_run.status.lower() in WELL

    @property
    def remarkable(self) -> bool:
        """Whether there is something to say of it. What the next run will install is not."""
        quiet = self.assessed and self.ended_well and not self.reboot_pending
        return bool(self.obstacles or self.drifted) or not quiet


WELL = ("succeeded", "inprogress", "notstarted")


@dataclass(frozen=True)
class ScheduleStatus:
    """A schedule, and the windows before, now and after."""

    schedule: Schedule
    open_window: Occurrence | None
    next_window: Occurrence | None
    last_window: LastWindow


@dataclass(frozen=True)
class Status:
    """The schedules, that which was asked for first, and every machine."""

    schedules: tuple[ScheduleStatus, ...]
    machines: tuple[MachineStatus, ...]


def judged(
    schedules: Sequence[Schedule],
    machines: Sequence[Machine],
    assessments: Iterable[Assessment],
    last_runs: Mapping[str, LastRun],
    schedule_runs: Sequence[ScheduleRun],
    *,
    named: Iterable[str],
    reboot: str,
    now: datetime,
) -> Status:
    """Put together what was seen. The first schedule is the one that was asked for; `reboot` is
    the setting that is wanted."""
    assessed = {each.machine: each for each in assessments}
    seen = {machine.id for machine in machines}
    missing = (id.lower() for id in named if id.lower() not in seen)
    return Status(
        tuple(_schedule(each, schedule_runs, now) for each in schedules),
        (
            *(
                _machine(each, assessed.get(each.id), last_runs.get(each.id), schedules[0], reboot)
                for each in machines
            ),
            *(_missing(id, last_runs.get(id)) for id in missing),
        ),
    )


def _schedule(schedule: Schedule, runs: Iterable[ScheduleRun], now: datetime) -> ScheduleStatus:
    return ScheduleStatus(
        schedule,
        schedule.open_window(now),
        schedule.next_window(now),
        last_window(schedule, runs, now),
    )


def last_window(schedule: Schedule, runs: Iterable[ScheduleRun], now: datetime) -> LastWindow:
    """Whether the last window that has closed was used."""
    window = schedule.closed_window(now)
    if window is None:
        return LastWindow(Past.NONE)
    for run in runs:
        ours = run.id.startswith(f"{schedule.id}/") and run.total != 0  # a run for none is none
        if ours and run.started and window.utc - EARLY <= run.started < window.end_utc:
            return LastWindow(Past.RAN, window, run)
    if now < window.end_utc + LAG:
        return LastWindow(Past.AWAITED, window)
    if window.utc < now - REMEMBERED:
        return LastWindow(Past.FORGOTTEN, window)
    return LastWindow(Past.MISSED, window)


def _missing(id: str, last_run: LastRun | None) -> MachineStatus:
    machine = Machine(id, id.rsplit("/", 1)[-1], "", "", "", (), None)
    return MachineStatus(machine, (), None, last_run, ("it is not there",))


def _machine(
    machine: Machine,
    assessment: Assessment | None,
    last_run: LastRun | None,
    schedule: Schedule,
    reboot: str,
) -> MachineStatus:
    # Arc machines have none (dynamic-scope-overview.md).
    settings = () if machine.arc else settings_checks(machine.settings, reboot)
    obstacles = tuple(_obstacles(machine, assessment, schedule))
    return MachineStatus(machine, settings, assessment, last_run, obstacles)


def _obstacles(
    machine: Machine, assessment: Assessment | None, schedule: Schedule
) -> Iterable[str]:
    if schedule.id not in machine.assigned:
        yield "it is not assigned to the schedule"
    if not machine.arc:
        yield from (machine.settings or UNSAID).unmet
    if off := idle(machine.power):
        yield off
    if schedule.window is not None and assessment is not None:
        updates = selected(assessment, schedule.classifications)
        if warning := fit.warning(schedule.window.duration, machine.os, updates):
            yield warning


def selected(assessment: Assessment, classifications: Iterable[str]) -> int:
    """How many pending updates are of these classifications. Linux has Other or Others."""
    wanted = {each.lower().removesuffix("s") for each in classifications}
    counts = assessment.pending.items()
    return sum(count for each, count in counts if each.removesuffix("s") in wanted)
