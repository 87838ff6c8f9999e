"""Functions of moments and spans, which are numbers of ticks (see `values`)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from arm_sandbox.kql.errors import unfit
from arm_sandbox.kql.values import EPOCH, TICKS, UNITS, moment

DAY = UNITS["day"]
PERIODS = {
    "week": 7 * DAY,
    **{name: UNITS[name] for name in ("day", "hour", "minute", "second", "millisecond")},
    "microsecond": UNITS["microsecond"],
}
MONTHS = {"year": 12, "quarter": 3, "month": 1}
SUNDAY = -4 * DAY
"""A week begins on a Sunday; 1970-01-01 was a Thursday."""


def day_of(ticks: int) -> datetime:
    return EPOCH + timedelta(seconds=ticks // TICKS)


def ticks_of(when: datetime) -> int:
    since = when - EPOCH
    return (since.days * 86_400 + since.seconds) * TICKS


def start_of_week(ticks: int, offset: int = 0) -> int:
    return (ticks - SUNDAY) // (7 * DAY) * (7 * DAY) + SUNDAY + offset * 7 * DAY


def start_of_month(ticks: int, offset: int = 0) -> int:
    return _first_of(day_of(ticks), offset)


def start_of_year(ticks: int, offset: int = 0) -> int:
    return _first_of(day_of(ticks).replace(month=1), 12 * offset)


def _first_of(when: datetime, months: int) -> int:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    return ticks_of(datetime(year, month + 1, 1, tzinfo=when.tzinfo))


def start_of_day(ticks: int, offset: int = 0) -> int:
    return ticks // DAY * DAY + offset * DAY


def end_of(start: Callable[[int, int], int]) -> Callable[[int, int], int]:
    """The last tick of a period that a function finds the start of."""

    def end(ticks: int, offset: int = 0) -> int:
        return start(ticks, offset + 1) - 1

    return end


def difference(period: str, later: int, earlier: int) -> int:
    """How many borders of a period lie between two moments (`datetime_diff`)."""
    name = period.lower()
    if name in MONTHS:
        return _months(later) // MONTHS[name] - _months(earlier) // MONTHS[name]
    if name not in PERIODS:
        raise unfit(f"datetime_diff(): '{period}' is no period.")
    start = SUNDAY if name == "week" else 0
    return (later - start) // PERIODS[name] - (earlier - start) // PERIODS[name]


def _months(ticks: int) -> int:
    when = day_of(ticks)
    return when.year * 12 + when.month - 1


def added(period: str, amount: int, ticks: int) -> int:
    """`datetime_add`: a day that a month does not have becomes its last one."""
    name = period.lower()
    if name in PERIODS:
        return ticks + amount * PERIODS[name]
    if name not in MONTHS:
        raise unfit(f"datetime_add(): '{period}' is no period.")
    when = day_of(ticks)
    year, month = divmod(_months(ticks) + amount * MONTHS[name], 12)
    day = min(when.day, calendar.monthrange(year, month + 1)[1])
    return ticks_of(when.replace(year=year, month=month + 1, day=day)) + ticks % TICKS


def formatted(ticks: int, format: str) -> str:
    """`format_datetime`: .NET's custom format, as far as Kusto takes it."""
    if re.search(r"[^yMdHhmsfFt\s/\-:,._\[\]]", format):
        raise unfit(f"format_datetime(): the format '{format}' is not supported.")
    return re.sub(r"(y+|M+|d+|H+|h+|m+|s+|f+|F+|t+)", lambda part: _shown(ticks, part[0]), format)


def _shown(ticks: int, part: str) -> str:
    when, fraction = day_of(ticks), f"{ticks % TICKS:07d}"
    if part[0] == "f":
        return fraction[: len(part)]
    if part[0] == "F":
        return fraction[: len(part)].rstrip("0")
    if part == "tt":
        return "AM" if when.hour < 12 else "PM"
    numbers = {"y": when.year, "M": when.month, "d": when.day, "H": when.hour}
    numbers |= {"h": (when.hour + 11) % 12 + 1, "m": when.minute, "s": when.second}
    if len(part) > 2 and part != "yyyy":
        raise unfit(f"format_datetime(): the format '{part}' is not supported.")
    number = numbers[part[0]] % 100 if part in ("y", "yy") else numbers[part[0]]
    return str(number).zfill(len(part))


def made(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int | None:
    return moment(f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}")


def part_of(period: str, ticks: int) -> int | None:
    """`datetime_part`: the year, month, day, hour, minute or second of a moment."""
    when = day_of(ticks)
    parts = {"year": when.year, "month": when.month, "day": when.day, "hour": when.hour}
    return (parts | {"minute": when.minute, "second": when.second}).get(period.lower())


FUNCTIONS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "startofday": ("datetime, long? -> datetime", start_of_day),
    "startofweek": ("datetime, long? -> datetime", start_of_week),
    "startofmonth": ("datetime, long? -> datetime", start_of_month),
    "startofyear": ("datetime, long? -> datetime", start_of_year),
    "endofday": ("datetime, long? -> datetime", end_of(start_of_day)),
    "endofweek": ("datetime, long? -> datetime", end_of(start_of_week)),
    "endofmonth": ("datetime, long? -> datetime", end_of(start_of_month)),
    "endofyear": ("datetime, long? -> datetime", end_of(start_of_year)),
    "datetime_diff": ("string, datetime, datetime -> long", difference),
    "datetime_add": ("string, long, datetime -> datetime", added),
    "datetime_part": ("string, datetime -> long", part_of),
    "format_datetime": (
        "datetime, string -> string",
        formatted,
    ),
    "make_datetime": ("long, long, long, long?, long? -> datetime", made),
    "dayofweek": ("datetime -> timespan", lambda t: (t - SUNDAY) % (7 * DAY) // DAY * DAY),
    "dayofmonth": ("datetime -> int", lambda ticks: day_of(ticks).day),
    "getyear": ("datetime -> int", lambda ticks: day_of(ticks).year),
    "hourofday": ("datetime -> int", lambda ticks: day_of(ticks).hour),
    "unixtime_seconds_todatetime": ("long -> datetime", lambda s: s * TICKS),
}
