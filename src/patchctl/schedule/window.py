"""The maintenance window: when it opens, for how long, and what to know before it does."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count, islice, pairwise, takewhile

from patchctl.schedule.recurrence import Recurrence, Weekday, Weekly, occurrences, parse
from patchctl.schedule.time_zones import zone

SHORTEST = timedelta(hours=1, minutes=30)
LONGEST = timedelta(hours=3, minutes=55)
"""For guest patching (azure-compute-docs, maintenance-configurations.md)."""

LEAD = timedelta(minutes=20)
"""A new schedule less than 15 minutes before its start misses the first run (same page), and a
deploy needs some minutes until it writes one."""

YEAR = timedelta(days=366)
"""Long enough to meet every change of the clocks."""

SOON = 16
"""At least as many windows as open within the two days in which local clocks may differ."""

LATE = time(23, 45)
"""From here to midnight a start may be missed (same page)."""

COMPARED = 64
"""Enough windows to reach a 31st, a fifth week and a leap day where they make a difference."""


@dataclass(frozen=True)
class Occurrence:
    """One window: when it opens locally and in UTC, when it closes, and what is odd about it."""

    local: datetime
    utc: datetime
    end_utc: datetime
    note: str

    def __str__(self) -> str:
        local = f"{self.local:%a %Y-%m-%d %H:%M %z}"
        return f"{local} = {self.utc:%H:%M} to {self.end_utc:%H:%M} UTC"

    def overlaps(self, other: Occurrence) -> bool:
        return self.utc < other.end_utc and other.utc < self.end_utc


@dataclass(frozen=True)
class Window:
    """A recurring window; `start` is its first start, by the clocks of its time zone."""

    start: datetime
    duration: timedelta
    time_zone: str
    recurrence: Recurrence

    @property
    def first(self) -> Occurrence:
        """The window at its first start."""
        return self.occurrence(self.start)

    def coming(self, now: datetime, count: int) -> list[Occurrence]:
        """The next windows that open after now."""
        # Of the past only a day is converted to UTC: local clocks are never further off.
        recent = _local(now, self.time_zone) - timedelta(days=1)
        starts = (each for each in occurrences(self.recurrence, self.start) if each > recent)
        windows = (self.occurrence(start) for start in starts)
        return list(islice((window for window in windows if window.utc > now), count))

    def past(self, now: datetime, count: int) -> list[Occurrence]:
        """The last windows that have closed by now, the newest last."""
        soon = _local(now, self.time_zone) + timedelta(days=1)
        begun = takewhile(lambda start: start <= soon, occurrences(self.recurrence, self.start))
        recent = deque(begun, maxlen=count + SOON)
        windows = (self.occurrence(start) for start in recent)
        return [window for window in windows if window.end_utc <= now][-count:]

    def occurrence(self, start: datetime) -> Occurrence:
        """The window of one of its local starts."""
        utc = _utc(start, self.time_zone)
        local = utc.astimezone(zone(self.time_zone))
        return Occurrence(local, utc, utc + self.duration, _note(start, local, self.time_zone))


def first_start(
    at: time, recurrence: Recurrence, time_zone: str, now: datetime, lead: timedelta = LEAD
) -> datetime:
    """The first local start that leaves the lead and is itself an occurrence of its series."""
    earliest = now + lead
    today = _local(earliest, time_zone).date()
    starts = (datetime.combine(today + timedelta(days=ahead), at) for ahead in count())
    return next(
        start
        for start in starts
        if _utc(start, time_zone) >= earliest
        and next(occurrences(recurrence, start), None) == start
    )


def soon(earliest: datetime, time_zone: str) -> datetime:
    """The first local start from a moment on, on five minutes and not just before midnight."""
    local = _local(earliest + timedelta(minutes=5), time_zone)
    start = local.replace(minute=local.minute // 5 * 5, second=0, microsecond=0)
    if start.time() < LATE:
        return start
    return datetime.combine(start.date() + timedelta(days=1), time(0, 0))


def overlap(one: Window, other: Window, now: datetime) -> bool:
    """Whether any of the next windows of two series overlap."""
    ours = one.coming(now, COMPARED)
    theirs = other.coming(now, COMPARED)
    return any(a.overlaps(b) for a in ours for b in theirs)


def in_phase(stored: Window, wanted: Window, now: datetime) -> bool:
    """Whether two windows open and close together from now on, wherever their series began."""
    if stored.time_zone.casefold() != wanted.time_zone.casefold():
        return False
    begin = _local(now, wanted.time_zone)
    return stored.duration == wanted.duration and _starts(stored, begin) == _starts(wanted, begin)


def warnings(window: Window) -> list[str]:
    """What is allowed but unwise."""
    checks = (_clock_change, near_midnight, _overlap, _uncertain_week)
    found = (check(window) for check in checks)
    return [sentence for sentence in found if sentence]


def read(
    start: str | None, duration: str | None, time_zone: str | None, recurs: str | None
) -> Window | None:
    """A window as Azure tells it; None where it is not one that patchctl would write."""
    try:
        zone(time_zone or "")
        return Window(
            parse_start(start or ""),
            parse_duration(duration or ""),
            time_zone or "",
            parse(recurs or ""),
        )
    except ValueError:
        return None


def parse_duration(text: str) -> timedelta:
    """Read HH:MM, within what Azure allows for patching machines."""
    shape = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])", text.strip())
    if shape is None:
        raise ValueError(f"{text!r} is not a duration: write HH:MM, for example 02:00")
    duration = timedelta(hours=int(shape[1]), minutes=int(shape[2]))
    if not SHORTEST <= duration <= LONGEST:
        raise ValueError(
            f"a duration of {format_duration(duration)} is out of range: "
            f"write {format_duration(SHORTEST)} to {format_duration(LONGEST)}"
        )
    return duration


def format_duration(duration: timedelta) -> str:
    hours, minutes = divmod(duration // timedelta(minutes=1), 60)
    return f"{hours:02}:{minutes:02}"


def parse_time(text: str) -> time:
    """Read a time of day, HH:MM."""
    shape = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if shape is None:
        raise ValueError(
            f"{text!r} is not a time of day: write HH:MM from 00:00 to 23:59, for example 02:00"
        )
    return time(int(shape[1]), int(shape[2]))


def format_start(start: datetime) -> str:
    return start.isoformat(sep=" ", timespec="minutes")


def parse_start(text: str) -> datetime:
    """Read a first start; Azure may answer with seconds."""
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    try:
        if re.fullmatch(shape, text.strip()):
            return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    raise ValueError(
        f"{text!r} is not a start: write YYYY-MM-DD HH:MM, for example 2026-12-05 02:00"
    )


def _utc(start: datetime, time_zone: str) -> datetime:
    # PEP 495's fold=0: a start that the clocks skip moves forward with them, and of a start that
    # comes twice the first is taken. What Azure does in either case is unverified.
    return start.replace(tzinfo=zone(time_zone), fold=0).astimezone(UTC)


def _local(now: datetime, time_zone: str) -> datetime:
    return now.astimezone(zone(time_zone)).replace(tzinfo=None)


def _note(start: datetime, local: datetime, time_zone: str) -> str:
    skipped = local.replace(tzinfo=None) != start
    if not skipped and local.utcoffset() == local.replace(fold=1).utcoffset():
        return ""
    when = f"{start:%H:%M} on {start:%Y-%m-%d}"
    if skipped:
        return f"The clocks of {time_zone} skip {when}; patchctl assumes {local:%H:%M}."
    return f"The clocks of {time_zone} show {when} twice; patchctl assumes the first."


def _starts(window: Window, begin: datetime) -> list[datetime]:
    starts = (each for each in occurrences(window.recurrence, window.start) if each >= begin)
    return list(islice(starts, COMPARED))


def _clock_change(window: Window) -> str:
    """The first start within a year that the clocks skip or show twice."""
    last = window.start + YEAR
    starts = takewhile(lambda start: start <= last, occurrences(window.recurrence, window.start))
    notes = (window.occurrence(start).note for start in starts)
    note = next((note for note in notes if note), "")
    return (
        f"{note} What Azure does is not documented (docs/unverified.md, 1 and 2)." if note else ""
    )


def near_midnight(window: Window) -> str:
    """A sentence where a start of its next ones may be missed, else nothing."""
    starts = islice(occurrences(window.recurrence, window.start), COMPARED)
    late = sorted({each.time() for each in starts if not time(0, 0) < each.time() < LATE})
    if not late:
        return ""
    return (
        f"A start at {late[-1]:%H:%M} may be missed: Microsoft advises against 23:45 to 00:00 "
        "(troubleshoot-maintenance-configurations)."
    )


def _overlap(window: Window) -> str:
    starts = islice(occurrences(window.recurrence, window.start), COMPARED)
    if all(start + window.duration <= following for start, following in pairwise(starts)):
        return ""
    return (
        f"{window.recurrence} opens the next window before {format_duration(window.duration)} "
        "is over: make it shorter or rarer."
    )


def _uncertain_week(window: Window) -> str:
    recurrence, weekday = window.recurrence, Weekday(window.start.weekday())
    if not isinstance(recurrence, Weekly) or recurrence.every == 1:
        return ""
    if recurrence.days <= {weekday} or Weekday.SUNDAY not in recurrence.days | {weekday}:
        return ""
    return (
        f"The dates of {recurrence} are uncertain: Azure does not document whether its weeks "
        "begin on Sunday or, as assumed here, on Monday."
    )
