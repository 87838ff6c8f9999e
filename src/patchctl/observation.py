"""What Resource Graph tells of machines and their updates: its rows as frozen data.

Ids are in lower case, for Azure's tables write them in any. Times are aware, UTC, and None where
Azure gives none. The fields are those of azure-docs, update-manager/query-logs.md, and of the
tabs of Microsoft's own workbook; the columns are those that `queries` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from patchctl.machines import Settings

Row = Mapping[str, Any]

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
URGENT = ("critical", "security")
"""The classifications that make a machine non-compliant where one of them is pending."""
RATED = ("Critical", "Important", "Moderate", "Low")
SEVERITIES = (*RATED, "Security, unrated", "Other")
"""Most urgent first. Linux has no rating, and not every update for Windows has one."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the fleet. `power` of a VM is like `running`, of an Arc machine `connected`."""

    id: str
    name: str
    os: str
    location: str
    power: str
    assigned: tuple[str, ...]
    """The schedules of ours that it is assigned to."""
    settings: Settings | None

    @property
    def arc(self) -> bool:
        return "/microsoft.hybridcompute/" in self.id

    @property
    def linux(self) -> bool:
        return self.os == "linux"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A machine's latest assessment; `pending` counts updates by classification, in lower case."""

    machine: str
    at: datetime
    status: str
    reboot_pending: bool
    pending: Mapping[str, int]
    error: str

    @property
    def succeeded(self) -> bool:
        return self.status.lower() == "succeeded"

    @property
    def urgent(self) -> int:
        return sum(self.pending.get(classification, 0) for classification in URGENT)

    @property
    def other(self) -> int:
        return sum(self.pending.values()) - self.urgent


@dataclass(frozen=True, slots=True)
class Run:
    """One installation on one machine. `schedule_run` is the run of a schedule it belongs to."""

    machine: str
    id: str
    schedule_run: str
    started: datetime | None
    ended: datetime | None
    status: str
    reboot: str
    exceeded: bool
    installed: int
    failed: int
    pending: int
    excluded: int
    not_selected: int
    error: str


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """One run of the schedule, over all its machines."""

    id: str
    started: datetime | None
    ended: datetime | None
    status: str
    succeeded: int
    total: int | None
    """How many machines it was for; None where Azure does not tell."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update of a machine: pending, or the part it had in a run (then `run` and `state`)."""

    machine: str
    name: str
    kb: str
    version: str
    classification: str
    severity: str
    published: datetime | None
    run: str = ""
    state: str = ""


# -- from rows


def machine(row: Row) -> Machine:
    os = _text(row, "os").lower()
    settings = row.get("windowsSettings" if os == "windows" else "linuxSettings")
    return Machine(
        id=_text(row, "id").lower(),
        name=_text(row, "name"),
        os=os,
        location=_text(row, "location"),
        power=_text(row, "power").lower().removeprefix("powerstate/"),
        assigned=tuple(sorted(str(each).lower() for each in row.get("assignments") or ())),
        settings=_settings(settings) if settings else None,
    )


def assessment(row: Row) -> Assessment | None:
    """None for one that has not ended."""
    at = moment(row.get("lastModified"))
    if at is None:
        return None
    counts = row.get("pending") or {}
    return Assessment(
        machine=_text(row, "machine").lower(),
        at=at,
        status=_text(row, "status"),
        reboot_pending=_flag(row.get("rebootPending")),
        pending={key.lower(): int(count) for key, count in counts.items() if count},
        error=reason(row.get("errorDetails")),
    )


def run(row: Row) -> Run:
    return Run(
        machine=_text(row, "machine").lower(),
        id=_last(_text(row, "id")).lower(),
        schedule_run=_text(row, "scheduleRun").lower(),
        started=moment(row.get("started")),
        ended=moment(row.get("lastModified")),
        status=_text(row, "status"),
        reboot=_text(row, "rebootStatus"),
        exceeded=_flag(row.get("exceeded")),
        installed=_number(row, "installed"),
        failed=_number(row, "failed"),
        pending=_number(row, "pending"),
        excluded=_number(row, "excluded"),
        not_selected=_number(row, "notSelected"),
        error=reason(row.get("errorDetails")),
    )


def schedule_run(row: Row) -> ScheduleRun:
    total = row.get("total")
    return ScheduleRun(
        id=_text(row, "run").lower(),
        started=moment(row.get("started")),
        ended=moment(row.get("ended")),
        status=_text(row, "status"),
        succeeded=_number(row, "succeeded"),
        total=None if total is None else int(total),
    )


def turn(row: Row) -> Run:
    """A machine's turn in a run of the schedule, known by that run alone; see `joined`."""
    found = run(row)
    return replace(found, id=found.schedule_run)


def joined(runs: Iterable[Run], turns: Iterable[Run]) -> tuple[Run, ...]:
    """The installations, and the turns of which none came: the machine was off, for example."""
    runs = tuple(runs)
    begun = {(run.machine, run.schedule_run) for run in runs}
    return (*runs, *(turn for turn in turns if (turn.machine, turn.schedule_run) not in begun))


def update(row: Row) -> Update:
    """A pending one; or one of a run, whose rows also have `run` and `state`."""
    classes = row.get("classifications") or []
    classification = _printable(", ".join(classes) if isinstance(classes, list) else classes)
    return Update(
        machine=_text(row, "machine").lower(),
        name=_text(row, "patchName"),
        kb=_text(row, "kbId").upper().removeprefix("KB"),
        version=_text(row, "version"),
        classification=classification,
        severity=severity(_text(row, "severity"), classification),
        published=moment(row.get("published")),
        run=_text(row, "run").lower(),
        state=_text(row, "state"),
    )


def severity(rating: str, classification: str) -> str:
    """Microsoft's rating where there is one; else whether it is for security at all."""
    if rating.capitalize() in RATED:
        return rating.capitalize()
    classes = classification.lower().replace(" ", "").split(",")
    return SEVERITIES[-2] if any(each in URGENT for each in classes) else SEVERITIES[-1]


def moment(value: Any) -> datetime | None:
    """A time as Azure writes it. The year 1 is how some of its services write none."""
    if not value:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if at.year > 1 else None


def reason(details: Any) -> str:
    """The messages of an `errorDetails`: those of its details, or where it has none its own."""
    if not isinstance(details, Mapping):
        return _printable(details)
    if str(details.get("code")).lower() == "success":
        return ""
    below = details.get("details")
    messages = [_message(error) for error in below] if isinstance(below, list) else []
    return "; ".join(dict.fromkeys(filter(None, messages))) or _message(details)


def _message(error: Any) -> str:
    text = error.get("message") if isinstance(error, Mapping) else error
    return _printable(text).rstrip(".")


def _settings(standing: Mapping[str, Any]) -> Settings:
    platform = standing.get("automaticByPlatformSettings") or {}
    return Settings(
        mode=str(standing.get("patchMode") or ""),
        assessment=str(standing.get("assessmentMode") or ""),
        bypass=_flag(platform.get("bypassPlatformSafetyChecksOnUserSchedule")),
        reboot=str(platform.get("rebootSetting") or ""),
    )


def _text(row: Row, column: str) -> str:
    return _printable(row.get(column))


def _printable(value: Any) -> str:
    """Text on one line, without what a terminal would obey."""
    return CONTROLS.sub(" ", str(value or "")).strip()


def _number(row: Row, column: str) -> int:
    return int(row.get(column) or 0)


def _flag(value: Any) -> bool:
    """A boolean, which a dynamic column may hold as text."""
    return value is True or str(value).lower() == "true" or value == 1


def _last(id: str) -> str:
    return id.rstrip("/").rsplit("/", 1)[-1]
