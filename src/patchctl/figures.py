"""The figures of a report, worked out from the history.

A machine is compliant if its last successful assessment found no critical and no security update,
as Microsoft's own workbook counts. Azure keeps an assessment for seven days; an older one, which
only the history knows, says nothing about today.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from patchctl.history import History
from patchctl.observation import SEVERITIES, moment

FRESH = timedelta(days=7)
"""How long an assessment counts (azure-docs, update-manager/query-logs.md)."""
BUCKETS = (7, 14, 30, 60, 90)
"""Days that part the ages of pending updates, as in Microsoft's workbook."""
AGES_SHOWN = ("0-7", "7-14", "14-30", "30-60", "60-90", "over 90")
POINTS = 31
"""Days, or weeks, that a trend shows at most."""


class Compliance(StrEnum):
    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class MachineLine:
    """A machine: its last successful assessment, what is pending, how its last run ended."""

    id: str
    name: str
    os: str
    compliance: Compliance
    assessed: datetime | None
    urgent: int
    other: int
    reboot_pending: bool
    last_status: str
    last_ended: datetime | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run over its machines. `id` is empty for an installation that no schedule started."""

    id: str
    started: datetime | None
    ended: datetime | None
    machines: int
    succeeded: int
    warnings: int
    failed: int
    installed: int
    not_installed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A machine's run that did not end well; `updates` are those that failed."""

    machine: str
    run: str
    ended: datetime | None
    status: str
    reason: str
    updates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdateLine:
    """An update over the machines. `first` and `last`: between when it was installed; of one
    that is pending, since when, by its publication or where Azure tells none by first sight."""

    name: str
    kb: str
    version: str
    classification: str
    severity: str
    machines: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Point:
    """How many updates were pending at one time, by severity."""

    at: datetime
    pending: Mapping[str, int]


@dataclass(frozen=True)
class Figures:
    deployment: str
    now: datetime
    since: datetime
    run: str
    """The run that the report is about; empty where it is about all."""
    sandbox: bool
    known_since: datetime | None
    """The earliest thing that the history knows."""
    machines: Sequence[MachineLine]
    runs: Sequence[RunLine]
    failures: Sequence[Failure]
    installed: Sequence[UpdateLine]
    pending: Sequence[UpdateLine] = ()
    ages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Pending updates by age, and there by severity; an update on two machines counts twice."""
    trend: Sequence[Point] = ()

    def count(self, compliance: Compliance) -> int:
        return sum(machine.compliance is compliance for machine in self.machines)

    @property
    def assessed(self) -> int:
        return len(self.machines) - self.count(Compliance.NO_DATA)


def share(part: int, whole: int) -> str:
    """A percentage that is 0 for none only and 100 for all only."""
    if whole == 0:
        return "-"
    percent = round(100 * part / whole)
    if 0 < part < whole:
        percent = min(max(percent, 1), 99)
    return f"{percent} %"


@dataclass(frozen=True)
class Wanted:
    """What a report is to be about; `run` is empty, or as `find_run` answers it."""

    now: datetime
    since: datetime
    run: str = ""

    @property
    def values(self) -> Mapping[str, Any]:
        return {"now": self.now, "since": self.since, "run": self.run}


def find_run(history: History, asked: str) -> str:
    """The whole id of a run that is asked for by it or by its end. Raises LookupError."""
    query = "SELECT DISTINCT coalesce(nullif(schedule_run, ''), id) FROM run"
    known: list[str] = [id for (id,) in history.rows(query)]
    wanted = asked.lower().strip("/")
    found = [id for id in known if id.strip("/") == wanted or id.endswith(f"/{wanted}")]
    if len(found) != 1:
        raise LookupError(f"{len(found) or 'no'} runs are known by the id {asked}")
    return found[0]


def figures(history: History, wanted: Wanted, *, deployment: str, sandbox: bool) -> Figures:
    """Everything that a report shows. Of one run it shows no pending updates and no trend."""
    values, of_run = wanted.values, bool(wanted.run)
    ((known_since,),) = history.rows(KNOWN_SINCE)
    return Figures(
        deployment=deployment,
        now=wanted.now,
        since=wanted.since,
        run=wanted.run,
        sandbox=sandbox,
        known_since=moment(known_since),
        machines=[_machine(row, wanted.now) for row in history.rows(MACHINES, **values)],
        runs=[_run(row) for row in history.rows(RUNS, **values)],
        failures=[_failure(row) for row in history.rows(FAILURES, **values)],
        installed=[_update(row) for row in history.rows(INSTALLED, **values)],
        pending=() if of_run else [_update(row) for row in history.rows(PENDING)],
        ages={} if of_run else _ages(history, wanted.now),
        trend=() if of_run else _trend(history, wanted),
    )


# -- what the history is asked

OF_RUN = "(:run = '' OR schedule_run = :run OR run.id = :run)"
ENDED = "coalesce(run.ended, run.started)"
SINCE = "coalesce(published, since)"
"""Since when an update could have been installed: its publication, or else its first sight."""

KNOWN_SINCE = f"""SELECT min(at) FROM (
    SELECT min(at) AS at FROM assessment UNION ALL SELECT min({ENDED}) FROM run)"""

MACHINES = f"""SELECT machine.id, name, os, at, urgent, other, reboot_pending, run.status, {ENDED}
FROM machine
LEFT JOIN assessment ON assessment.machine = machine.key AND at = (
    SELECT max(at) FROM assessment
    WHERE assessment.machine = machine.key AND lower(status) = 'succeeded')
LEFT JOIN run ON run.key = (
    SELECT run.key FROM run WHERE run.machine = machine.key AND {OF_RUN}
    ORDER BY {ENDED} DESC LIMIT 1)
WHERE iif(:run = '', here, run.key IS NOT NULL)
ORDER BY name, machine.id"""

RUNS = f"""SELECT schedule_run, min(started), max(ended), count(DISTINCT machine),
    sum(lower(status) = 'succeeded'), sum(lower(status) = 'completedwithwarnings'),
    sum(lower(status) = 'failed'), sum(installed), sum(failed)
FROM run WHERE {ENDED} >= :since AND {OF_RUN}
GROUP BY coalesce(nullif(schedule_run, ''), id) ORDER BY min(started) DESC"""

FAILURES = f"""SELECT machine.name, schedule_run, {ENDED}, status, exceeded, reboot, error,
    (SELECT group_concat(patch.name, char(10)) FROM installation
     JOIN patch ON patch.key = installation.patch
     WHERE installation.run = run.key AND state = 'Failed')
FROM run JOIN machine ON machine.key = run.machine
WHERE {ENDED} >= :since AND {OF_RUN}
    AND lower(status) NOT IN ('succeeded', 'inprogress', 'notstarted', 'cancelled')
ORDER BY {ENDED} DESC, machine.name"""

UPDATE = "patch.name, kb, version, classification, severity"

INSTALLED = f"""SELECT {UPDATE}, count(DISTINCT run.machine), min({ENDED}), max({ENDED})
FROM installation JOIN run ON run.key = installation.run
JOIN patch ON patch.key = installation.patch
WHERE state = 'Installed' AND {ENDED} >= :since AND {OF_RUN}
GROUP BY patch.key ORDER BY max({ENDED}) DESC, patch.name"""

PENDING = f"""SELECT {UPDATE}, count(*), min({SINCE}), max({SINCE})
FROM pending JOIN patch ON patch.key = pending.patch
WHERE gone IS NULL GROUP BY patch.key ORDER BY min({SINCE}), patch.name"""

AGES = f"""SELECT severity, julianday(:now) - julianday({SINCE}), count(*)
FROM pending JOIN patch ON patch.key = pending.patch
WHERE gone IS NULL GROUP BY severity, {SINCE}"""

PENDING_AT = """SELECT severity, count(DISTINCT pending.machine || ' ' || patch.name)
FROM pending JOIN patch ON patch.key = pending.patch
WHERE first_seen <= :at AND (gone IS NULL OR gone > :at) GROUP BY severity"""

FIRST_SIGHT = "SELECT min(first_seen) FROM pending"


# -- from its answers

Answer = tuple[Any, ...]


def _machine(row: Answer, now: datetime) -> MachineLine:
    id, name, os, at, urgent, other, reboot, status, ended = row
    assessed = moment(at)
    compliance = Compliance.NO_DATA
    if assessed is not None and assessed >= now - FRESH:
        compliance = Compliance.NON_COMPLIANT if urgent else Compliance.COMPLIANT
    return MachineLine(
        id,
        name,
        os,
        compliance,
        assessed,
        urgent or 0,
        other or 0,
        bool(reboot),
        status or "",
        moment(ended),
    )


def _run(row: Answer) -> RunLine:
    id, started, ended, *counts = row
    return RunLine(id, moment(started), moment(ended), *counts)


def _failure(row: Answer) -> Failure:
    machine, run, ended, status, exceeded, reboot, error, updates = row
    said = [
        error,
        "the maintenance window was exceeded" if exceeded else "",
        f"reboot: {reboot}" if reboot.lower() in ("required", "failed") else "",
    ]
    reason = "; ".join(part for part in said if part) or "Azure gives no reason"
    return Failure(machine, run, moment(ended), status, reason, tuple((updates or "").splitlines()))


def _update(row: Answer) -> UpdateLine:
    name, kb, version, classification, severity, machines, first, last = row
    return UpdateLine(
        name, kb, version, classification, severity, machines, moment(first), moment(last)
    )


def _ages(history: History, now: datetime) -> Mapping[str, Mapping[str, int]]:
    ages: dict[str, dict[str, int]] = {age: dict.fromkeys(SEVERITIES, 0) for age in AGES_SHOWN}
    for severity, days, count in history.rows(AGES, now=now):
        ages[AGES_SHOWN[bisect(BUCKETS, days)]][severity] += count
    return ages


def _trend(history: History, wanted: Wanted) -> list[Point]:
    ((first,),) = history.rows(FIRST_SIGHT)
    if first is None:
        return []
    points = []
    for at in _moments(max(wanted.since, moment(first) or wanted.now), wanted.now):
        counts: dict[str, int] = dict(history.rows(PENDING_AT, at=at))
        points.append(Point(at, {each: counts.get(each, 0) for each in SEVERITIES}))
    return points


def _moments(begin: datetime, end: datetime) -> Iterator[datetime]:
    """At most POINTS moments a whole number of days apart, the last of them the end."""
    days = max(0, (end - begin) // timedelta(days=1))
    step = max(1, -(-days // (POINTS - 1)))
    return (end - timedelta(days=each) for each in range(days - days % step, -1, -step))
