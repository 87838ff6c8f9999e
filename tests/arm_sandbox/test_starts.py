"""When windows open, worked out by hand with a calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from arm_sandbox.starts import duration, next_start
from arm_sandbox.time_zones import NAMES, zone

EASTERN, BERLIN = "Eastern Standard Time", "W. Europe Standard Time"


def starts(
    first: str,
    recurs: str,
    count: int,
    *,
    time_zone: str = EASTERN,
    after: str = "2026-11-23 12:00",
    **more: str,
) -> list[str]:
    """The coming starts in UTC, as `MM-DD hh:mm`."""
    window = {"startDateTime": first, "recurEvery": recurs, "timeZone": time_zone, **more}
    moment: float | None = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found: list[str] = []
    while len(found) < count and (moment := next_start(window, moment or 0.0)) is not None:
        found.append(f"{datetime.fromtimestamp(moment, UTC):%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("first", "recurs", "expected"),
    [
        ("2026-12-05 02:00", "1Week Saturday", ["12-05 07:00", "12-12 07:00", "12-19 07:00"]),
        ("2026-12-05 02:00", "week", ["12-05 07:00", "12-12 07:00", "12-19 07:00"]),
        ("2026-12-02 02:00", "1Week Saturday", ["12-05 07:00", "12-12 07:00", "12-19 07:00"]),
        ("1970-01-01 02:00", "Day", ["11-24 07:00", "11-25 07:00", "11-26 07:00"]),
        ("2026-11-22 02:00", "3Days", ["11-25 07:00", "11-28 07:00", "12-01 07:00"]),
        # The Sunday of 11-22 ends a week; the next week of its kind begins on 11-30.
        ("2026-11-17 02:00", "2Weeks Sunday,Monday", ["11-30 07:00", "12-06 07:00", "12-14 07:00"]),
        ("2026-01-31 02:00", "1Month day31,day30", ["11-30 07:00", "12-30 07:00", "12-31 07:00"]),
        ("2026-11-01 02:00", "2Months day15", ["01-15 07:00", "03-15 06:00", "05-15 06:00"]),
        # The Saturdays after Patch Tuesday.
        (
            "2026-11-14 02:00",
            "1Month Second Tuesday Offset4",
            ["12-12 07:00", "01-16 07:00", "02-13 07:00"],
        ),
        # The first Tuesday of December is 12-01, and six days earlier it is November.
        (
            "2026-11-25 02:00",
            "2Months First Tuesday Offset-6",
            ["11-25 07:00", "01-27 07:00", "03-31 06:00"],
        ),
        ("2026-10-25 02:00", "1Month Last Sunday", ["11-29 07:00", "12-27 07:00", "01-31 07:00"]),
        ("2026-10-25 02:00", "1Month Fourth Sunday", ["12-27 07:00", "01-24 07:00", "02-28 07:00"]),
        ("2026-11-23 01:00", "6Hours", ["11-23 18:00", "11-24 00:00", "11-24 06:00"]),
    ],
)
def test_what_recurs(first: str, recurs: str, expected: list[str]) -> None:
    assert starts(first, recurs, 3) == expected


@pytest.mark.parametrize(
    ("first", "time_zone", "expected"),
    [
        # New York skips 02:30 on the second Sunday of March, and shows 01:30 twice in November.
        ("2027-03-13 02:30", EASTERN, ["03-13 07:30", "03-14 07:30", "03-15 06:30"]),
        ("2027-11-06 01:30", EASTERN, ["11-06 05:30", "11-07 05:30", "11-08 06:30"]),
        ("2027-03-27 02:00", BERLIN, ["03-27 01:00", "03-28 01:00", "03-29 00:00"]),
        ("2027-10-30 02:30", BERLIN, ["10-30 00:30", "10-31 00:30", "11-01 01:30"]),
        ("2027-03-13 02:30", "UTC", ["03-13 02:30", "03-14 02:30", "03-15 02:30"]),
        ("2027-03-13 02:30", "India Standard Time", ["03-12 21:00", "03-13 21:00", "03-14 21:00"]),
    ],
)
def test_the_clocks_change(first: str, time_zone: str, expected: list[str]) -> None:
    assert starts(first, "Day", 3, time_zone=time_zone) == expected


def test_a_start_that_is_now_has_passed() -> None:
    assert starts("2026-12-05 02:00", "Week", 1, after="2026-12-05 07:00") == ["12-12 07:00"]
    assert starts("2026-12-05 02:00", "Week", 1, after="2026-12-05 06:59") == ["12-05 07:00"]


def test_nothing_opens_after_the_expiration() -> None:
    expires = {"expirationDateTime": "2026-12-19 02:00"}
    assert starts("2026-12-05 02:00", "Week", 9, **expires) == ["12-05 07:00", "12-12 07:00"]


@pytest.mark.parametrize(
    ("first", "recurs"),
    [
        ("2027-02-01 02:00", "12Months day30"),
        ("9999-12-31 23:00", "Day"),
        ("9999-12-31 23:00", "6Hours"),
        ("2026-12-05 02:00", "9999Weeks Sunday"),
    ],
)
def test_what_never_opens_in_sight_has_no_start(first: str, recurs: str) -> None:
    after = "2026-12-07 00:00"
    assert starts(first, recurs, 1, after=after) == []


def test_the_length_of_a_window() -> None:
    assert duration({"duration": "03:55"}) == 235 * 60


def test_every_zone_that_is_taken_has_clocks() -> None:
    for name in NAMES:
        found = starts("2026-12-05 02:00", "Day", 13, time_zone=name)
        assert len(set(found)) == 13
        assert all(early != late for early, late in pairwise(found))
        assert zone(name).key
