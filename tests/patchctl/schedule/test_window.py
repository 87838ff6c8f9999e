from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchctl.schedule.recurrence import (
    Daily,
    Hourly,
    MonthDays,
    MonthWeekday,
    Recurrence,
    Weekly,
    occurrences,
    parse,
)
from patchctl.schedule.time_zones import zone
from patchctl.schedule.window import (
    LEAD,
    Window,
    first_start,
    format_duration,
    format_start,
    in_phase,
    parse_duration,
    parse_start,
    parse_time,
    read,
    warnings,
)
from tests.patchctl.schedule.test_recurrence import recurrences, starts, weekday_of

EASTERN, BERLIN = "Eastern Standard Time", "W. Europe Standard Time"
ZONES = (EASTERN, BERLIN, "UTC", "India Standard Time", "Lord Howe Standard Time")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday

windows = st.builds(
    Window,
    starts,
    st.integers(90, 235).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from(ZONES),
    recurrences,
)
moments = starts.map(lambda moment: moment.replace(tzinfo=UTC))


def window(start: str, recurrence: str = "1Week Saturday", time_zone: str = EASTERN) -> Window:
    return Window(parse_start(start), timedelta(hours=2), time_zone, parse(recurrence))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(window: Window, now: datetime, count: int = 3) -> list[tuple[str, str]]:
    return [
        (f"{each.local:%m-%d %H:%M %Z}", f"{each.utc:%m-%d %H:%M}")
        for each in window.coming(now, count)
    ]


# Durations, times and starts as text


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("01:30", 90), ("02:00", 120), ("2:00", 120), (" 03:55 ", 235)],
)
def test_a_duration_is_read(text: str, minutes: int) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "2", "2h", "02:60", "002:00", "-02:00", "02:00:00", "2.5"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a duration: write HH:MM"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["00:00", "01:29", "03:56", "04:00", "99:59"])
def test_a_duration_that_azure_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text} is out of range: write 01:30 to 03:55"):
        parse_duration(text)


@given(st.integers(90, 235))
def test_a_duration_is_written_as_it_is_read(minutes: int) -> None:
    duration = timedelta(minutes=minutes)
    assert parse_duration(format_duration(duration)) == duration


def test_a_time_of_day_is_read() -> None:
    assert [parse_time(text) for text in ("02:00", "2:05", "00:00", " 23:59 ")] == [
        time(2),
        time(2, 5),
        time(0),
        time(23, 59),
    ]


@pytest.mark.parametrize("text", ["", "24:00", "02:60", "2 AM", "0200", "02:00:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a time of day: write HH:MM from 00:00"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    ["2026-12-05 02:00", "2026-12-05 02:00:00", "2026-12-05T02:00:00", "2026-12-05 02:00:00.000"],
)
def test_a_start_is_read_as_azure_may_write_it(text: str) -> None:
    assert parse_start(text) == datetime(2026, 12, 5, 2)


@pytest.mark.parametrize(
    "text", ["", "2026-12-05", "02:00", "2026-13-05 02:00", "2026-12-05 02:00Z", "tomorrow"]
)
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{text}' is not a start: write YYYY-MM-DD")):
        parse_start(text)


@given(starts)
def test_a_start_is_written_as_it_is_read(start: datetime) -> None:
    assert parse_start(format_start(start)) == start
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", format_start(start))


@pytest.mark.parametrize(
    "told",
    [
        (None, "02:00", EASTERN, "1Day"),
        ("2026-11-28 02:00", None, EASTERN, "1Day"),
        ("2026-11-28 02:00", "02:00", "Nowhere Standard Time", "1Day"),
        ("2026-11-28 02:00", "02:00", None, "1Day"),
        ("2026-11-28 02:00", "02:00", EASTERN, "Month"),
        ("2026-11-28 02:00", "06:00", EASTERN, "1Day"),
    ],
)
def test_a_window_that_is_not_told_whole_is_none(told: tuple[str | None, ...]) -> None:
    assert read(*told) is None
    whole = read("2026-11-28 02:00:00", "02:00", EASTERN, "1week saturday")
    assert whole == window("2026-11-28 02:00")


# The coming windows


def test_the_coming_windows_are_those_after_now() -> None:
    saturdays = window("2026-01-10 02:00")
    assert shown(saturdays, NOON) == [
        ("11-28 02:00 EST", "11-28 07:00"),
        ("12-05 02:00 EST", "12-05 07:00"),
        ("12-12 02:00 EST", "12-12 07:00"),
    ]
    assert saturdays.coming(NOON, 1)[0].end_utc == utc("2026-11-28 09:00")


def test_a_window_that_opens_now_is_not_coming() -> None:
    saturdays = window("2026-11-28 02:00")
    assert shown(saturdays, utc("2026-11-28 07:00"), 1) == [("12-05 02:00 EST", "12-05 07:00")]
    assert shown(saturdays, utc("2026-11-28 06:59"), 1) == [("11-28 02:00 EST", "11-28 07:00")]


def test_a_window_that_never_opens_has_none_coming() -> None:
    assert window("2027-02-01 02:00", "12Months day30").coming(NOON, 3) == []


def test_the_past_windows_are_those_that_have_closed() -> None:
    saturdays = window("2026-11-07 02:00")
    assert [each.utc for each in saturdays.past(NOON, 2)] == [
        utc("2026-11-14 07:00"),
        utc("2026-11-21 07:00"),
    ]
    assert len(saturdays.past(NOON, 9)) == 3
    assert window("2026-11-28 02:00").past(NOON, 1) == []


def test_a_window_is_past_when_it_closes_and_not_before() -> None:
    saturdays = window("2026-11-21 02:00")
    assert saturdays.past(utc("2026-11-21 08:59"), 1) == []
    assert len(saturdays.past(utc("2026-11-21 09:00"), 1)) == 1


@given(windows, moments)
@settings(max_examples=50)
def test_past_and_coming_windows_meet(window: Window, now: datetime) -> None:
    past = window.past(now, 1)
    if past:
        assert past[0].end_utc <= now
        assert all(each.end_utc > now for each in window.coming(past[0].utc, 1))


@pytest.mark.parametrize(
    ("time_zone", "start", "coming"),
    [
        (
            EASTERN,
            "2027-03-13 02:30",
            [
                ("03-13 02:30 EST", "03-13 07:30"),
                ("03-14 03:30 EDT", "03-14 07:30"),
                ("03-15 02:30 EDT", "03-15 06:30"),
            ],
        ),
        (
            EASTERN,
            "2027-11-06 01:30",
            [
                ("11-06 01:30 EDT", "11-06 05:30"),
                ("11-07 01:30 EDT", "11-07 05:30"),
                ("11-08 01:30 EST", "11-08 06:30"),
            ],
        ),
        (
            BERLIN,
            "2027-03-27 02:00",
            [
                ("03-27 02:00 CET", "03-27 01:00"),
                ("03-28 03:00 CEST", "03-28 01:00"),
                ("03-29 02:00 CEST", "03-29 00:00"),
            ],
        ),
        (
            BERLIN,
            "2027-10-30 02:30",
            [
                ("10-30 02:30 CEST", "10-30 00:30"),
                ("10-31 02:30 CEST", "10-31 00:30"),
                ("11-01 02:30 CET", "11-01 01:30"),
            ],
        ),
    ],
)
def test_the_clocks_change(time_zone: str, start: str, coming: list[tuple[str, str]]) -> None:
    assert shown(window(start, "Day", time_zone), NOON) == coming


@pytest.mark.parametrize(
    ("time_zone", "start", "note"),
    [
        (
            EASTERN,
            "2027-03-14 02:30",
            "The clocks of Eastern Standard Time skip 02:30 on 2027-03-14; patchctl assumes 03:30.",
        ),
        (
            EASTERN,
            "2027-11-07 01:30",
            "The clocks of Eastern Standard Time show 01:30 on 2027-11-07 twice; "
            "patchctl assumes the first.",
        ),
        (EASTERN, "2027-03-14 01:59", ""),
        (EASTERN, "2027-03-14 03:00", ""),
        (EASTERN, "2027-11-07 00:59", ""),
        (EASTERN, "2027-11-07 02:00", ""),
        (
            BERLIN,
            "2027-03-28 02:00",
            "The clocks of W. Europe Standard Time skip 02:00 on 2027-03-28; "
            "patchctl assumes 03:00.",
        ),
        (
            BERLIN,
            "2027-10-31 02:59",
            "The clocks of W. Europe Standard Time show 02:59 on 2027-10-31 twice; "
            "patchctl assumes the first.",
        ),
        ("UTC", "2027-03-28 02:00", ""),
    ],
)
def test_a_start_that_does_not_exist_once_is_noted(time_zone: str, start: str, note: str) -> None:
    assert window(start, "Day", time_zone).coming(NOON, 1)[0].note == note


@given(windows, moments)
def test_coming_windows_are_ahead_in_order_and_as_long_as_asked(
    window: Window, now: datetime
) -> None:
    coming = window.coming(now, 8)
    assert all(each.utc > now and each.utc == each.local.astimezone(UTC) for each in coming)
    assert all(early.utc < late.utc for early, late in pairwise(coming))
    assert {each.end_utc - each.utc for each in coming} <= {window.duration}
    assert all(each.utc.tzinfo == each.end_utc.tzinfo == UTC for each in coming)
    assert {each.local.tzinfo for each in coming} <= {zone(window.time_zone)}


@given(windows, moments)
def test_no_coming_window_is_left_out(window: Window, now: datetime) -> None:
    coming = [each.utc for each in window.coming(now, 5)]
    every = (
        start.replace(tzinfo=zone(window.time_zone)).astimezone(UTC)
        for start in occurrences(window.recurrence, window.start)
    )
    assert coming == list(islice((each for each in every if each > now), 5))


# The first start


@pytest.mark.parametrize(
    ("now", "recurrence", "start"),
    [
        ("2026-11-23 12:00", "1Week Saturday", "2026-11-28 02:00"),
        ("2026-11-28 06:40", "1Week Saturday", "2026-11-28 02:00"),
        ("2026-11-28 06:41", "1Week Saturday", "2026-12-05 02:00"),
        ("2026-11-23 12:00", "2Weeks Saturday,Wednesday", "2026-11-25 02:00"),
        ("2026-11-23 12:00", "2Weeks", "2026-11-24 02:00"),
        ("2026-11-23 12:00", "Day", "2026-11-24 02:00"),
        ("2026-11-23 04:00", "3Days", "2026-11-23 02:00"),
        ("2026-11-23 12:00", "6Hours", "2026-11-24 02:00"),
        ("2026-11-23 12:00", "3Months day31", "2026-12-31 02:00"),
        ("2026-11-23 12:00", "1Month Second Tuesday Offset4", "2026-12-12 02:00"),
        ("2026-11-23 12:00", "2Months First Tuesday Offset-6", "2026-11-25 02:00"),
        # In New York it is still Friday evening.
        ("2026-11-28 02:00", "1Week Saturday", "2026-11-28 02:00"),
    ],
)
def test_the_first_start(now: str, recurrence: str, start: str) -> None:
    assert first_start(time(2), parse(recurrence), EASTERN, utc(now)) == parse_start(start)


def test_the_first_start_leaves_the_lead_that_is_asked_for() -> None:
    start = first_start(
        time(2), parse("1Week Saturday"), EASTERN, utc("2026-11-28 06:00"), timedelta(hours=2)
    )
    assert start == datetime(2026, 12, 5, 2)


def test_a_start_that_the_clocks_skip_is_as_late_as_it_will_be() -> None:
    now = utc("2027-03-14 07:10")
    assert first_start(time(2, 30), Daily(1), EASTERN, now) == datetime(2027, 3, 14, 2, 30)


def is_day_of(rule: Recurrence, day: date) -> bool:
    """Whether some series of the rule has a window on that day."""
    match rule:
        case Weekly(_, days):
            return not days or day.weekday() in days
        case MonthDays(_, days):
            return day.day in days
        case MonthWeekday():
            around = (divmod(day.year * 12 + day.month - 1 + step, 12) for step in (-1, 0, 1))
            return any(weekday_of(year, month + 1, rule) == day for year, month in around)
        case _:
            return True


@given(recurrences, starts.map(datetime.time), st.sampled_from(ZONES), moments)
def test_the_first_start_is_the_first_that_a_search_finds(
    recurrence: Recurrence, at: time, time_zone: str, now: datetime
) -> None:
    lead = LEAD
    day = now.date() - timedelta(days=2)
    while True:
        start = datetime.combine(day, at)
        moment = start.replace(tzinfo=zone(time_zone)).astimezone(UTC)
        if moment >= now + lead and is_day_of(recurrence, day):
            break
        day += timedelta(days=1)
    assert first_start(at, recurrence, time_zone, now) == start
    assert next(occurrences(recurrence, start)) == start


# Phase


@pytest.mark.parametrize(
    ("stored", "wanted", "together"),
    [
        (window("2026-01-10 02:00"), window("2026-11-28 02:00"), True),
        (window("2026-01-07 02:00"), window("2026-11-28 02:00"), True),
        (window("2026-01-10 02:00"), window("2026-11-28 03:00"), False),
        (window("2026-01-10 02:00"), window("2026-11-27 02:00", "1Week Friday"), False),
        (window("2026-01-10 02:00"), window("2026-11-28 02:00", time_zone=BERLIN), False),
        (
            window("2026-01-10 02:00"),
            window("2026-11-28 02:00", time_zone="EASTERN standard time"),
            True,
        ),
        (window("2026-01-10 02:00", "Week"), window("2026-11-28 02:00", "7Days"), True),
        (window("2026-01-10 02:00", "24Hours"), window("2026-11-24 02:00", "Day"), True),
        (window("2026-01-10 02:00", "Day"), window("2026-11-28 02:00", "Day"), False),
        (
            window("2026-11-14 02:00", "2Weeks Saturday"),
            window("2026-11-28 02:00", "2Weeks Saturday"),
            True,
        ),
        (
            window("2026-11-21 02:00", "2Weeks Saturday"),
            window("2026-11-28 02:00", "2Weeks Saturday"),
            False,
        ),
        (
            window("2026-11-14 02:00", "2Weeks Saturday"),
            window("2026-11-28 02:00", "1Week Saturday"),
            False,
        ),
        (
            window("2026-01-25 02:00", "1Month Last Sunday"),
            window("2026-11-29 02:00", "1Month Fourth Sunday"),
            False,
        ),
        (
            window("2026-12-01 02:00", f"1Month {','.join(f'day{d}' for d in range(1, 31))}"),
            window("2026-12-01 02:00", "Day"),
            False,
        ),
    ],
)
def test_windows_are_in_phase_when_they_open_together(
    stored: Window, wanted: Window, together: bool
) -> None:
    assert in_phase(stored, wanted, NOON) is together
    assert in_phase(wanted, stored, NOON) is together


def test_windows_of_other_lengths_are_not_in_phase() -> None:
    wanted = window("2026-11-28 02:00")
    assert not in_phase(replace(wanted, duration=timedelta(hours=3)), wanted, NOON)


@given(windows, moments)
def test_a_window_is_in_phase_with_itself(window: Window, now: datetime) -> None:
    assert in_phase(window, window, now)


def period_before(window: Window) -> datetime:
    """A start one interval earlier, at which the same series began."""
    match window.recurrence:
        case Daily(every):
            return window.start - timedelta(days=every)
        case Weekly(every):
            return window.start - timedelta(weeks=every)
        case Hourly(every):
            return window.start - timedelta(hours=every)
        case MonthDays(every) | MonthWeekday(every):
            month = window.start.year * 12 + window.start.month - 1 - every
            return window.start.replace(year=month // 12, month=month % 12 + 1)


@given(windows, st.integers(0, 100))
def test_a_start_one_period_earlier_is_in_phase(window: Window, days: int) -> None:
    if isinstance(window.recurrence, MonthDays | MonthWeekday):
        # The middle of the month, which no offset brings into a neighbouring one.
        window = replace(window, start=window.start.replace(day=15))
    now = window.start.replace(tzinfo=UTC) + timedelta(days=days)
    assert in_phase(replace(window, start=period_before(window)), window, now)


@given(windows)
def test_a_start_that_is_moved_stays_in_phase_once_what_it_leaves_out_is_past(
    window: Window,
) -> None:
    first, second = islice(occurrences(window.recurrence, window.start), 2)
    moved = replace(window, start=second)
    day = timedelta(days=1)  # local clocks are never further off
    assert not in_phase(window, moved, first.replace(tzinfo=UTC) - day)
    assert in_phase(window, moved, first.replace(tzinfo=UTC) + day)


# Warnings


def test_a_usual_window_gives_no_warning() -> None:
    for recurrence in ("1Week Saturday", "Day", "6Hours", "1Month Second Tuesday Offset4"):
        assert warnings(window("2026-11-28 04:00", recurrence)) == []


@pytest.mark.parametrize(
    ("start", "recurrence", "time_zone", "warned"),
    [
        ("2026-11-28 02:00", "Day", EASTERN, "skip 02:00 on 2027-03-14; patchctl assumes 03:00."),
        ("2026-11-28 01:00", "Day", EASTERN, "show 01:00 on 2027-11-07 twice"),
        ("2026-11-28 02:30", "1Month Last Sunday", BERLIN, "skip 02:30 on 2027-03-28"),
        ("2026-11-28 02:00", "1Month Second Sunday", EASTERN, "skip 02:00 on 2027-03-14"),
        ("2026-11-28 02:00", "1Week Saturday", EASTERN, ""),
        ("2026-11-28 02:00", "Day", "UTC", ""),
        ("2026-11-28 02:00", "Day", "India Standard Time", ""),
    ],
)
def test_a_change_of_the_clocks_within_a_year_is_warned_of(
    start: str, recurrence: str, time_zone: str, warned: str
) -> None:
    found = warnings(window(start, recurrence, time_zone))
    assert len(found) == bool(warned)
    assert all(warned in sentence and "not documented" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("start", "recurrence", "late"),
    [
        ("2026-11-28 23:44", "Day", ""),
        ("2026-11-28 23:45", "Day", "23:45"),
        ("2026-11-28 23:59", "Day", "23:59"),
        ("2026-11-28 00:00", "Day", "00:00"),
        ("2026-11-28 00:01", "Day", ""),
        ("2026-11-28 05:50", "6Hours", "23:50"),
    ],
)
def test_a_start_just_before_midnight_is_warned_of(start: str, recurrence: str, late: str) -> None:
    found = warnings(window(start, recurrence))
    assert len(found) == bool(late)
    assert all(sentence.startswith(f"A start at {late} may be missed") for sentence in found)


def test_a_window_that_overlaps_the_next_is_warned_of() -> None:
    six_hours = window("2026-11-28 04:00", "6Hours")
    assert warnings(replace(six_hours, duration=timedelta(hours=6))) == []
    assert warnings(replace(six_hours, duration=timedelta(hours=6, minutes=1))) == [
        "6Hours opens the next window before 06:01 is over: make it shorter or rarer."
    ]


@pytest.mark.parametrize(
    ("start", "recurrence", "uncertain"),
    [
        ("2026-11-28 04:00", "2Weeks Saturday", False),
        ("2026-11-28 04:00", "1Week Saturday,Sunday", False),
        ("2026-11-28 04:00", "2Weeks Saturday,Sunday", True),
        ("2026-11-29 04:00", "2Weeks Sunday", False),
        ("2026-11-29 04:00", "2Weeks", False),
        ("2026-11-25 04:00", "2Weeks Sunday", True),
        ("2026-11-29 04:00", "2Weeks Monday", True),
        ("2026-11-25 04:00", "2Weeks Monday,Friday", False),
    ],
)
def test_weeks_that_may_begin_on_sunday_are_warned_of(
    start: str, recurrence: str, uncertain: bool
) -> None:
    assert bool(warnings(window(start, recurrence))) is uncertain
