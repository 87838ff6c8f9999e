"""How often a window recurs: Azure's `recurEvery` text and the local starts that it means."""

import difflib
import re
from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import count
from typing import TypeAlias

EXAMPLES = "'1Week Saturday', '1Month Second Tuesday Offset4', '1Month day15', '3Days' or '6Hours'"

# Azure's own examples have a bare Month, but its service refuses it (terraform-provider-azurerm
# issue 29738).
BARE_MONTH = (
    "a month needs a day: write for example '1Month day15' or '1Month Second Tuesday Offset4'"
)


class Weekday(IntEnum):
    """A day of the week, numbered as `date.weekday()` does."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class Ordinal(IntEnum):
    """Which of a month's Mondays, as an index into them."""

    FIRST = 0
    SECOND = 1
    THIRD = 2
    FOURTH = 3
    LAST = -1


WEEK_BEGINS = Weekday.MONDAY
"""No document says on which day Azure's weeks begin. It matters only to N weeks with N > 1 and a
Sunday in play. A first run reported for AKS, another service with a schedule of its own, fits weeks
that begin on Sunday (Azure/AKS#5720)."""

MOST = 9999
"""Azure documents no highest interval; more digits are a typing mistake."""

LEAST_HOURS = 6
"""For guest patching (azure-compute-docs, maintenance-configurations.md)."""

WIDEST_OFFSET = 6


@dataclass(frozen=True)
class Daily:
    """Every N days."""

    every: int

    def __post_init__(self) -> None:
        _check_every(self.every)

    def __str__(self) -> str:
        return _times(self.every, "Day")


@dataclass(frozen=True)
class Weekly:
    """On some weekdays of every Nth week; without weekdays, on that of the start."""

    every: int
    days: frozenset[Weekday] = frozenset()

    def __post_init__(self) -> None:
        _check_every(self.every)

    def __str__(self) -> str:
        days = ",".join(_title(day) for day in sorted(self.days))
        return f"{_times(self.every, 'Week')} {days}".rstrip()


@dataclass(frozen=True)
class MonthDays:
    """On some days of every Nth month; a month that lacks a day skips it."""

    every: int
    days: frozenset[int]

    def __post_init__(self) -> None:
        _check_every(self.every)
        if not self.days:
            raise ValueError(BARE_MONTH)
        for day in sorted(self.days):
            if not 1 <= day <= 31:
                raise ValueError(f"day{day} is not a day of a month: write day1 to day31")

    def __str__(self) -> str:
        return f"{_times(self.every, 'Month')} {','.join(f'day{day}' for day in sorted(self.days))}"


@dataclass(frozen=True)
class MonthWeekday:
    """Some days before or after, say, the second Tuesday of every Nth month."""

    every: int
    ordinal: Ordinal
    weekday: Weekday
    offset: int = 0

    def __post_init__(self) -> None:
        _check_every(self.every)
        if abs(self.offset) > WIDEST_OFFSET:
            raise ValueError(
                f"Offset{self.offset} is out of range: an offset is -6 to 6 days, and more is "
                "written from the next week, for example 'Third Tuesday Offset4' for 11 days after "
                "the second Tuesday"
            )

    def __str__(self) -> str:
        offset = f" Offset{self.offset}" if self.offset else ""
        return (
            f"{_times(self.every, 'Month')} {_title(self.ordinal)} {_title(self.weekday)}{offset}"
        )

    def day(self, month: int) -> date:
        """The day of the window that belongs to a month, counted from the year 0."""
        year, index = divmod(month, 12)
        first, length = monthrange(year, index + 1)
        same_weekday = range(1 + (self.weekday - first) % 7, length + 1, 7)
        return date(year, index + 1, same_weekday[self.ordinal]) + timedelta(days=self.offset)


@dataclass(frozen=True)
class Hourly:
    """Every N hours."""

    every: int

    def __post_init__(self) -> None:
        _check_every(self.every)
        if self.every < LEAST_HOURS:
            raise ValueError(
                f"{_times(self.every, 'Hour')} is too often for patching: "
                f"write {LEAST_HOURS}Hours or more"
            )

    def __str__(self) -> str:
        return _times(self.every, "Hour")


Recurrence: TypeAlias = Daily | Weekly | MonthDays | MonthWeekday | Hourly


def parse(text: str) -> Recurrence:
    """Read Azure's `recurEvery`, in any case and with any blanks."""
    shape = re.fullmatch(
        r"([0-9]*) ?(day|week|month|hour)s?(?: (.+))?", " ".join(text.split()), re.IGNORECASE
    )
    if shape is None:
        raise ValueError(f"{text!r} is not a recurrence: write for example {EXAMPLES}")
    every, unit, rest = _interval(shape[1]), shape[2].capitalize(), shape[3] or ""
    if unit == "Week":
        return Weekly(every, _weekdays(rest))
    if unit == "Month":
        return _monthly(every, rest)
    if rest:
        raise ValueError(f"{text!r} says too much: write {_times(every, unit)}, without {rest!r}")
    return Daily(every) if unit == "Day" else Hourly(every)


def occurrences(recurrence: Recurrence, start: datetime) -> Iterator[datetime]:
    """The local starts from `start` on, in order, until the calendar ends in 9999."""
    with suppress(OverflowError):
        for occurrence in _series(recurrence, start):
            if occurrence >= start:
                yield occurrence


def _check_every(every: int) -> None:
    if not 1 <= every <= MOST:
        raise ValueError(f"an interval of {every} is out of range: write 1 to {MOST}, or none")


def _times(every: int, unit: str) -> str:
    return f"{every}{unit}" if every == 1 else f"{every}{unit}s"


def _title(name: IntEnum) -> str:
    return name.name.capitalize()


def _interval(number: str) -> int:
    if len(number) > len(str(MOST)):
        raise ValueError(f"an interval of {number:.20} is out of range: write 1 to {MOST}, or none")
    return int(number or "1")


def _weekdays(text: str) -> frozenset[Weekday]:
    return frozenset(_weekday(name) for name in re.split(r" ?, ?| ", text)) if text else frozenset()


def _weekday(name: str) -> Weekday:
    if name.upper() in Weekday.__members__:
        return Weekday[name.upper()]
    names = [_title(day) for day in Weekday]
    begun = [each for each in names if each.startswith(name.capitalize() or "-")]
    close = begun or difflib.get_close_matches(name.capitalize(), names, n=1)
    meant = " or ".join(repr(each) for each in close)
    advice = f"did you mean {meant}?" if meant else "write Monday to Sunday in full"
    raise ValueError(f"{name!r} is not a weekday: {advice}")


def _monthly(every: int, text: str) -> MonthDays | MonthWeekday:
    if not text:
        raise ValueError(BARE_MONTH)
    if re.match(r"day|[0-9]", text, re.IGNORECASE):
        return MonthDays(every, frozenset(_month_day(day.strip()) for day in text.split(",")))
    ordinal, weekday, offset = [*text.split(" ", 2), "", ""][:3]
    return MonthWeekday(every, _ordinal(ordinal), _weekday(weekday), _offset(offset))


def _month_day(text: str) -> int:
    day = re.fullmatch(r"day ?([0-9]{1,9})", text, re.IGNORECASE)
    if day is None:
        raise ValueError(
            f"{text!r} is not a day of a month: write for example 'day15', or 'day1,day15'"
        )
    return int(day[1])


def _ordinal(name: str) -> Ordinal:
    if name.upper() in Ordinal.__members__:
        return Ordinal[name.upper()]
    raise ValueError(
        f"{name!r} does not say which day of the month: write First, Second, Third, Fourth or Last "
        "and a weekday, for example 'Second Tuesday', or 'day15'"
    )


def _offset(text: str) -> int:
    if not text:
        return 0
    days = re.fullmatch(r"offset ?([-+]?) ?([0-9]{1,9})", text, re.IGNORECASE)
    if days is None:
        raise ValueError(f"{text!r} is not an offset: write for example 'Offset4' or 'Offset-3'")
    return int(days[1] + days[2])


def _series(recurrence: Recurrence, start: datetime) -> Iterator[datetime]:
    """The local starts of every interval counted from the start, some of them before it."""
    if isinstance(recurrence, Hourly):
        # That Azure counts hours by the wall clock, not by elapsed time, is unverified.
        return (start + timedelta(hours=recurrence.every * step) for step in count())
    days = _days(recurrence, start.date())
    return (datetime.combine(day, start.time()) for day in days)


def _days(recurrence: Daily | Weekly | MonthDays | MonthWeekday, first: date) -> Iterator[date]:
    match recurrence:
        case Daily(every):
            return (first + timedelta(days=every * step) for step in count())
        case Weekly(every, days):
            return _week_days(every, days or frozenset({Weekday(first.weekday())}), first)
        case MonthDays():
            return _month_days(recurrence, first)
        case MonthWeekday():
            return _month_weekdays(recurrence, first)


def _week_days(every: int, days: frozenset[Weekday], first: date) -> Iterator[date]:
    week = first - timedelta(days=(first.weekday() - WEEK_BEGINS) % 7)
    places = sorted((day - WEEK_BEGINS) % 7 for day in days)
    return (week + timedelta(weeks=every * step, days=at) for step in count() for at in places)


def _month_days(recurrence: MonthDays, first: date) -> Iterator[date]:
    for month in _months(_month(first), recurrence.every):
        year, index = divmod(month, 12)
        length = monthrange(year, index + 1)[1]
        yield from (date(year, index + 1, day) for day in sorted(recurrence.days) if day <= length)


def _month_weekdays(recurrence: MonthWeekday, first: date) -> Iterator[date]:
    """Counts from the start's month, or from a neighbour whose offset made it the start's day."""
    start = _month(first)
    own = [month for month in _months(start - 1, 1)[:3] if recurrence.day(month) == first]
    # With no month left out, the last one's window may have been moved behind the start.
    begin = start - 1 if recurrence.every == 1 else [*own, start][0]
    return (recurrence.day(month) for month in _months(begin, recurrence.every))


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _months(first: int, every: int) -> range:
    return range(first, _month(date.max) + 1, every)
