"""When a maintenance window opens: every start that its recurrence means, in its own time zone.

Each day is asked whether the window opens on it. A start that the clocks skip is as much later as
they skip, and of one that they show twice the first counts; that Azure does so is unverified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from arm_sandbox import windows
from arm_sandbox.time_zones import zone

Window = dict[str, Any]
"""A `maintenanceWindow` that `windows.complaint` finds nothing wrong with."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDINALS = ("first", "second", "third", "fourth")
DAY = timedelta(days=1)
HORIZON = 40 * 366 * DAY
"""How far is looked ahead; a window such as the 30th of every February never opens."""


def next_start(window: Window, after: float) -> float | None:
    """The first start later than `after`, in seconds since 1970; None if there is none to come."""
    clocks, expiration = zone(window["timeZone"]), windows.time(window.get("expirationDateTime"))
    # Clocks of one zone are never further apart than a day.
    earliest = datetime.fromtimestamp(after, clocks).replace(tzinfo=None) - DAY
    for start in _starts(window, earliest):
        if expiration is not None and start >= expiration:
            return None
        moment = start.replace(tzinfo=clocks).astimezone(UTC).timestamp()
        if moment > after:
            return moment
    return None


def duration(window: Window) -> float:
    """Its length in seconds."""
    hours, minutes = window["duration"].split(":")
    return float(int(hours) * 3600 + int(minutes) * 60)


def _starts(window: Window, earliest: datetime) -> Iterator[datetime]:
    """The starts from `earliest` on and for as long as `HORIZON`, by the clocks of the zone."""
    first = windows.time(window["startDateTime"])
    shape = re.fullmatch(r"(\d*)\s*([a-z]+?)s?(?:\s+(.*))?", window["recurEvery"].strip().lower())
    if first is None or shape is None:
        raise ValueError(f"{window} has passed its check and cannot be read")
    every, unit, rest = int(shape[1] or 1), shape[2], shape[3] or ""
    last = earliest + HORIZON
    if unit == "hour":
        # By the clocks, not by what has passed; that too is unverified.
        step = timedelta(hours=every)
        begin = first + max(0, (earliest - first) // step) * step
        return (begin + more * step for more in range((last - begin) // step))
    opens = _rule(every, unit, rest, first.date())
    begin = datetime.combine(max(first, earliest).date(), first.time())
    starts = (begin + ahead * DAY for ahead in range((last - begin).days))
    return (start for start in starts if opens(start.date()))


def _rule(every: int, unit: str, rest: str, first: date) -> Callable[[date], bool]:
    """Whether a window opens on a day that is not before its first."""
    if unit == "day":
        return lambda day: (day - first).days % every == 0
    if unit == "week":
        return _weekly(every, rest, first)
    days = {int(number) for number in re.findall(r"day(\d+)", rest)}
    if days:
        return lambda day: day.day in days and (_month(day) - _month(first)) % every == 0
    return _monthly_by_weekday(every, rest, first)


def _weekly(every: int, rest: str, first: date) -> Callable[[date], bool]:
    """Weeks begin on Monday (unverified: it matters to every second week and a Sunday)."""
    weekdays = {WEEKDAYS.index(name) for name in re.split(r"[\s,]+", rest) if name}
    weekdays = weekdays or {first.weekday()}

    def opens(day: date) -> bool:
        return day.weekday() in weekdays and (_week(day) - _week(first)) % every == 0

    return opens


def _monthly_by_weekday(every: int, rest: str, first: date) -> Callable[[date], bool]:
    """The month that counts is that of the weekday, wherever its offset leads to."""
    ordinal, weekday, *offsets = rest.split()
    offset = sum(int(text.removeprefix("offset")) for text in offsets) * DAY

    def fits(day: date) -> bool:
        return day.weekday() == WEEKDAYS.index(weekday) and _is_the(ordinal, day)

    begin = first - offset if fits(first - offset) else first
    return lambda day: fits(day - offset) and (_month(day - offset) - _month(begin)) % every == 0


def _is_the(ordinal: str, day: date) -> bool:
    """Whether a day is, say, the second of its weekday in its month."""
    if ordinal == "last":
        return (day + 7 * DAY).month != day.month
    return (day.day - 1) // 7 == ORDINALS.index(ordinal)


def _week(day: date) -> int:
    return (day.toordinal() - 1) // 7


def _month(day: date) -> int:
    return day.year * 12 + day.month
