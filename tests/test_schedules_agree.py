"""Three computations of the coming windows agree: patchctl's, the sandbox's and dateutil's.

For every time zone that Azure takes and Unicode maps to an IANA name, and for every year from 2024
to 2040, from shortly before the clocks change and at an hour that the change touches.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from tzlocal.windows_tz import win_tz

from arm_sandbox.starts import next_start
from arm_sandbox.time_zones import NAMES
from patchctl.schedule.recurrence import parse
from patchctl.schedule.window import Window

ZONES = sorted(NAMES & win_tz.keys())
YEARS = range(2024, 2041)
COMING = 12
RECURRENCES: dict[str, tuple[dict[str, Any], int]] = {
    "Day": ({"freq": rrule.DAILY}, 0),
    "3Days": ({"freq": rrule.DAILY, "interval": 3}, 0),
    "1Week": ({"freq": rrule.WEEKLY}, 0),
    "1Week Saturday,Sunday": (
        {"freq": rrule.WEEKLY, "byweekday": (rrule.SA, rrule.SU)},
        0,
    ),
    "2Weeks Monday,Sunday": (
        {"freq": rrule.WEEKLY, "interval": 2, "byweekday": (rrule.MO, rrule.SU)},
        0,
    ),
    "1Month day15": ({"freq": rrule.MONTHLY, "bymonthday": 15}, 0),
    "2Months day1,day31": ({"freq": rrule.MONTHLY, "interval": 2, "bymonthday": (1, 31)}, 0),
    "1Month Second Tuesday": ({"freq": rrule.MONTHLY, "byweekday": rrule.TU(2)}, 0),
    "1Month Second Tuesday Offset4": ({"freq": rrule.MONTHLY, "byweekday": rrule.TU(2)}, 4),
    "1Month Last Sunday Offset-6": ({"freq": rrule.MONTHLY, "byweekday": rrule.SU(-1)}, -6),
    "6Hours": ({"freq": rrule.HOURLY, "interval": 6}, 0),
}
"""What Azure calls it, what dateutil calls it, and days that dateutil's dates are moved by."""


def change_of_clocks(zone: ZoneInfo, year: int) -> tuple[datetime, timedelta]:
    """The local hour at which the clocks first change in a year, and by how much; 1 March if never.

    Found by asking every half hour, so that it owes nothing to how anybody else finds it.
    """
    moment = datetime(year, 1, 2, tzinfo=UTC)
    while moment.year == year:
        day_later = moment + timedelta(days=1)
        if moment.astimezone(zone).utcoffset() != day_later.astimezone(zone).utcoffset():
            return _half_hour_of(moment, zone)
        moment = day_later
    return datetime(year, 3, 1, 2), timedelta(0)


def _half_hour_of(moment: datetime, zone: ZoneInfo) -> tuple[datetime, timedelta]:
    step = timedelta(minutes=30)
    while moment.astimezone(zone).utcoffset() == (moment + step).astimezone(zone).utcoffset():
        moment += step
    before, after = moment.astimezone(zone), (moment + step).astimezone(zone)
    by = (after.utcoffset() or step) - (before.utcoffset() or step)
    return before.replace(tzinfo=None) + step, by


def first_start(zone: ZoneInfo, year: int) -> datetime:
    """Four days before the change, at an hour that it skips or shows twice."""
    hour, by = change_of_clocks(zone, year)
    inside = hour + timedelta(minutes=15) if by > timedelta(0) else hour - timedelta(minutes=15)
    return inside - timedelta(days=4)


def by_dateutil(recurs: str, first: datetime, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    options, offset = RECURRENCES[recurs]
    moved = timedelta(days=offset)
    # From the month before, so that no window is lost that an offset brings into this one.
    begin = first.replace(day=1) - timedelta(days=1) if offset else first
    begin = begin.replace(day=1) if offset else begin
    for naive in rrule.rrule(dtstart=begin, wkst=rrule.MO, **options):
        start = (naive + moved).replace(tzinfo=zone).astimezone(UTC)
        if naive + moved >= first and start > now:
            yield start


def by_sandbox(recurs: str, first: datetime, name: str, now: datetime) -> Iterator[datetime]:
    window = {"startDateTime": f"{first:%Y-%m-%d %H:%M}", "recurEvery": recurs, "timeZone": name}
    moment: float | None = now.timestamp()
    while moment is not None and (moment := next_start(window, moment)) is not None:
        yield datetime.fromtimestamp(moment, UTC)


def by_patchctl(recurs: str, first: datetime, name: str, now: datetime) -> list[datetime]:
    window = Window(first, timedelta(hours=2), name, parse(recurs))
    return [each.utc for each in window.coming(now, COMING)]


def agree(name: str, year: int, recurs: str) -> None:
    zone = ZoneInfo(win_tz[name])
    first = first_start(zone, year)
    now = first.replace(tzinfo=zone).astimezone(UTC) + timedelta(hours=1)
    expected = list(islice(by_dateutil(recurs, first, zone, now), COMING))
    assert len(expected) == COMING
    assert by_patchctl(recurs, first, name, now) == expected, (name, year, recurs)
    assert list(islice(by_sandbox(recurs, first, name, now), COMING)) == expected


CASES = [(name, year, recurs) for name in ZONES for year in YEARS for recurs in RECURRENCES]


@pytest.mark.parametrize(("name", "year", "recurs"), CASES[::211])
def test_the_three_agree_on_a_sample(name: str, year: int, recurs: str) -> None:
    agree(name, year, recurs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_the_three_agree_everywhere(name: str) -> None:
    for year in YEARS:
        for recurs in RECURRENCES:
            agree(name, year, recurs)


def test_the_sample_meets_zones_that_change_their_clocks() -> None:
    changing = {n for n, y, _ in CASES[::211] if change_of_clocks(ZoneInfo(win_tz[n]), y)[1]}
    assert len(changing) > 30
