from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchctl.schedule.recurrence import (
    Daily,
    Hourly,
    MonthDays,
    MonthWeekday,
    Ordinal,
    Recurrence,
    Weekday,
    Weekly,
    occurrences,
    parse,
)

SATURDAY, SUNDAY, TUESDAY = Weekday.SATURDAY, Weekday.SUNDAY, Weekday.TUESDAY

intervals = st.integers(1, 9)
recurrences = st.one_of(
    st.builds(Daily, intervals),
    st.builds(Weekly, intervals, st.frozensets(st.sampled_from(Weekday))),
    st.builds(MonthDays, intervals, st.frozensets(st.integers(1, 31), min_size=1)),
    st.builds(
        MonthWeekday,
        intervals,
        st.sampled_from(Ordinal),
        st.sampled_from(Weekday),
        st.integers(-6, 6),
    ),
    st.builds(Hourly, st.integers(6, 100)),
)
starts = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0, fold=0)
)


def first(number: int, text: str, start: str) -> list[str]:
    found = islice(occurrences(parse(text), datetime.fromisoformat(start)), number)
    return [each.strftime("%Y-%m-%d") for each in found]


@pytest.mark.parametrize(
    ("text", "recurrence", "canonical"),
    [
        ("Day", Daily(1), "1Day"),
        ("3Days", Daily(3), "3Days"),
        ("3 day", Daily(3), "3Days"),
        ("Week", Weekly(1), "1Week"),
        ("3Weeks", Weekly(3), "3Weeks"),
        ("1Week Saturday", Weekly(1, frozenset({SATURDAY})), "1Week Saturday"),
        ("Week Saturday,Sunday", Weekly(1, frozenset({SATURDAY, SUNDAY})), "1Week Saturday,Sunday"),
        (
            " 2 WEEKS  sunday , saturday ",
            Weekly(2, frozenset({SUNDAY, SATURDAY})),
            "2Weeks Saturday,Sunday",
        ),
        ("week Sunday Saturday", Weekly(1, frozenset({SUNDAY, SATURDAY})), "1Week Saturday,Sunday"),
        ("1Month day23,day24", MonthDays(1, frozenset({23, 24})), "1Month day23,day24"),
        ("2months DAY24, day 3", MonthDays(2, frozenset({3, 24})), "2Months day3,day24"),
        ("Month Last Sunday", MonthWeekday(1, Ordinal.LAST, SUNDAY), "1Month Last Sunday"),
        (
            "1Month Last Sunday Offset-3",
            MonthWeekday(1, Ordinal.LAST, SUNDAY, -3),
            "1Month Last Sunday Offset-3",
        ),
        (
            "month second\ttuesday  offset + 4",
            MonthWeekday(1, Ordinal.SECOND, TUESDAY, 4),
            "1Month Second Tuesday Offset4",
        ),
        (
            "3Months Second Tuesday Offset0",
            MonthWeekday(3, Ordinal.SECOND, TUESDAY),
            "3Months Second Tuesday",
        ),
        ("6Hour", Hourly(6), "6Hours"),
        ("12hours", Hourly(12), "12Hours"),
    ],
)
def test_what_azure_writes_is_read_and_written(
    text: str, recurrence: Recurrence, canonical: str
) -> None:
    assert parse(text) == recurrence
    assert str(recurrence) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a recurrence: write for example '1Week Saturday'"),
        ("Saturday", "'Saturday' is not a recurrence"),
        ("Weekly", "'Weekly' is not a recurrence"),
        ("-1Day", "'-1Day' is not a recurrence"),
        ("1.5Days", "'1.5Days' is not a recurrence"),
        ("1WeekSaturday", "'1WeekSaturday' is not a recurrence"),
        ("0Day", "an interval of 0 is out of range: write 1 to 9999"),
        ("10000Days", "an interval of 10000 is out of range"),
        (f"{'9' * 5000}Days", "an interval of 99999999999999999999 is out of range"),
        ("1Day Monday", "'1Day Monday' says too much: write 1Day, without 'Monday'"),
        ("6Hours Monday", "write 6Hours, without 'Monday'"),
        ("5Hours", "5Hours is too often for patching: write 6Hours or more"),
        ("Hour", "1Hour is too often for patching"),
        ("Month", "a month needs a day: write for example '1Month day15' or '1Month Second Tues"),
        ("2Months", "a month needs a day"),
        ("1Month day32", "day32 is not a day of a month: write day1 to day31"),
        ("1Month day0", "day0 is not a day of a month"),
        ("1Month day", "'day' is not a day of a month: write for example 'day15'"),
        ("1Month 15", "'15' is not a day of a month: write for example 'day15'"),
        ("1Month day1,", "'' is not a day of a month"),
        ("1Month day1 day2", "'day1 day2' is not a day of a month: write for example"),
        ("1Month Fifth Monday", "'Fifth' does not say which day of the month: write First, Sec"),
        ("1Month Tuesday", "for example 'Second Tuesday'"),
        ("1Month Second", "'' is not a weekday: write Monday to Sunday in full"),
        ("1Month Second Tusday", "'Tusday' is not a weekday: did you mean 'Tuesday'?"),
        ("1Month Second Tuesday Offset7", "Offset7 is out of range: an offset is -6 to 6 days"),
        ("1Month Second Tuesday Offset-7", "Offset-7 is out of range"),
        ("1Month Second Tuesday Offset11", "for example 'Third Tuesday Offset4' for 11 days"),
        ("1Month Second Tuesday Offset", "'Offset' is not an offset: write for example 'Offset4'"),
        ("1Month Second Tuesday +4", "'+4' is not an offset"),
        ("1Month Second Tuesday Offset4 5", "'Offset4 5' is not an offset"),
        ("1Week Satuday", "'Satuday' is not a weekday: did you mean 'Saturday'?"),
        ("1Week Sat", "'Sat' is not a weekday: did you mean 'Saturday'?"),
        ("1Week S", "'S' is not a weekday: did you mean 'Saturday' or 'Sunday'?"),
        ("1Week Saturday,", "'' is not a weekday: write Monday to Sunday in full"),
        ("1Week 6", "'6' is not a weekday: write Monday to Sunday in full"),
    ],
)
def test_a_wrong_text_is_refused_with_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text)


def test_no_recurrence_can_be_made_that_azure_refuses() -> None:
    for every in (0, -1, 10_000):
        with pytest.raises(ValueError, match="interval"):
            Daily(every)
    with pytest.raises(ValueError, match="a month needs a day"):
        MonthDays(1, frozenset())


@given(recurrences)
def test_what_is_written_is_read_back(recurrence: Recurrence) -> None:
    assert parse(str(recurrence)) == recurrence
    assert parse(str(recurrence).upper()) == recurrence


@pytest.mark.parametrize(
    ("text", "start", "days"),
    [
        ("3Days", "2026-12-30 02:00", ["2026-12-30", "2027-01-02", "2027-01-05"]),
        ("1Week", "2026-12-05 02:00", ["2026-12-05", "2026-12-12", "2026-12-19"]),
        ("1Week Saturday", "2026-12-01 02:00", ["2026-12-05", "2026-12-12", "2026-12-19"]),
        # The week of Wednesday the 2nd counts, though its Tuesday is over.
        ("2Weeks Tuesday,Friday", "2026-12-02 02:00", ["2026-12-04", "2026-12-15", "2026-12-18"]),
        ("2Weeks Tuesday", "2026-12-02 02:00", ["2026-12-15", "2026-12-29", "2027-01-12"]),
        ("1Month day31", "2026-12-05 02:00", ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("1Month day29", "2027-02-01 02:00", ["2027-03-29", "2027-04-29", "2027-05-29"]),
        ("1Month day29", "2028-02-01 02:00", ["2028-02-29", "2028-03-29", "2028-04-29"]),
        ("2Months day10", "2026-01-20 02:00", ["2026-03-10", "2026-05-10", "2026-07-10"]),
        (
            "1Month Second Tuesday Offset4",
            "2026-12-01 02:00",
            ["2026-12-12", "2027-01-16", "2027-02-13"],
        ),
        # The fourth Sunday and the last one part in months of five.
        ("1Month Fourth Sunday", "2027-01-01 02:00", ["2027-01-24", "2027-02-28", "2027-03-28"]),
        ("1Month Last Sunday", "2027-01-01 02:00", ["2027-01-31", "2027-02-28", "2027-03-28"]),
        # The last Monday of May 2027 is the 31st, so its window is in June, and counts from May.
        (
            "1Month Last Monday Offset2",
            "2027-06-01 02:00",
            ["2027-06-02", "2027-06-30", "2027-07-28"],
        ),
        (
            "2Months Last Monday Offset2",
            "2027-06-02 02:00",
            ["2027-06-02", "2027-07-28", "2027-09-29"],
        ),
        (
            "2Months First Monday Offset-6",
            "2027-04-27 02:00",
            ["2027-04-27", "2027-06-29", "2027-08-31"],
        ),
        ("12Months day30", "2027-02-01 02:00", []),
        ("3Days", "9999-12-29 02:00", ["9999-12-29"]),
        ("1Week Saturday,Sunday", "9999-12-20 02:00", ["9999-12-25", "9999-12-26"]),
        ("1Month Last Friday", "9999-12-01 02:00", ["9999-12-31"]),
        ("1Month Last Friday Offset6", "9999-10-31 02:00", ["9999-11-04", "9999-12-02"]),
    ],
)
def test_the_first_days(text: str, start: str, days: list[str]) -> None:
    assert first(3, text, start) == days


def test_hours_count_from_the_start_over_midnight() -> None:
    found = islice(occurrences(Hourly(7), datetime(2026, 12, 5, 20)), 3)
    assert [each.strftime("%d %H:%M") for each in found] == ["05 20:00", "06 03:00", "06 10:00"]


@given(recurrences, starts)
def test_starts_are_in_order_and_none_is_too_early(recurrence: Recurrence, start: datetime) -> None:
    found = list(islice(occurrences(recurrence, start), 20))
    assert all(each >= start for each in found)
    assert all(early < late for early, late in pairwise(found))
    if not isinstance(recurrence, Hourly):
        assert {each.time() for each in found} <= {start.time()}


def weekday_of(year: int, month: int, rule: MonthWeekday) -> date:
    """The window's day, found by walking through the month."""
    days = [date(year, month, 1) + timedelta(days=ahead) for ahead in range(31)]
    same = [day for day in days if day.month == month and day.weekday() == rule.weekday]
    place = {Ordinal.FIRST: 0, Ordinal.SECOND: 1, Ordinal.THIRD: 2, Ordinal.FOURTH: 3}
    anchor = same[-1] if rule.ordinal is Ordinal.LAST else same[place[rule.ordinal]]
    return anchor + timedelta(days=rule.offset)


def anchor_months(rule: MonthWeekday, day: date) -> list[int]:
    """The months, counted from the year 0, whose window is on that day."""
    around = [divmod(day.year * 12 + day.month - 1 + step, 12) for step in (-1, 0, 1)]
    return [y * 12 + m for y, m in around if weekday_of(y, m + 1, rule) == day]


def is_due(rule: Recurrence, start: date, day: date) -> bool:
    """Whether the rule, counted from the start, has a window on that day."""
    months = (day.year - start.year) * 12 + day.month - start.month
    match rule:
        case Daily(every):
            return (day - start).days % every == 0
        case Weekly(every, days):
            week = timedelta(days=start.weekday())
            due = (day - (start - week)).days // 7 % every == 0
            return due and day.weekday() in (days or {start.weekday()})
        case MonthDays(every, days):
            return months % every == 0 and day.day in days
        case MonthWeekday(every):
            counted = (anchor_months(rule, start) or [start.year * 12 + start.month - 1])[0]
            return any((month - counted) % every == 0 for month in anchor_months(rule, day))
        case _:
            raise AssertionError(rule)


@given(recurrences.filter(lambda rule: not isinstance(rule, Hourly)), starts)
def test_the_days_are_those_that_walking_through_the_calendar_finds(
    rule: Recurrence, start: datetime
) -> None:
    days = [start.date() + timedelta(days=ahead) for ahead in range(300)]
    found = []
    for each in occurrences(rule, start):
        if each.date() > days[-1]:
            break
        found.append(each.date())
    assert found == [day for day in days if is_due(rule, start.date(), day)]


@given(st.integers(6, 100), starts)
def test_hours_are_multiples_of_the_interval(every: int, start: datetime) -> None:
    found = list(islice(occurrences(Hourly(every), start), 30))
    assert found == [start + timedelta(hours=every) * step for step in range(30)]


def test_the_second_tuesday_is_that_of_the_calendar_module() -> None:
    found = first(24, "1Month Second Tuesday", "2026-01-01 02:00")
    for day in map(date.fromisoformat, found):
        tuesdays = [week[1] for week in calendar.monthcalendar(day.year, day.month) if week[1]]
        assert day.day == tuesdays[1]
