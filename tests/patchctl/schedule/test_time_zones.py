from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tzlocal.windows_tz import tz_win

from patchctl.schedule.time_zones import NAMES, windows_name, zone


def offset(name: str, month: int) -> timedelta | None:
    return datetime(2025, month, 15, 12, tzinfo=zone(name)).utcoffset()


def test_there_are_as_many_names_as_azure_lists() -> None:
    assert len(NAMES) == len({name.casefold() for name in NAMES}) == 141


@pytest.mark.parametrize("name", NAMES)
def test_every_accepted_name_has_a_clock(name: str) -> None:
    assert offset(name, 1) is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_accepted_name_is_found_in_any_case(name: str) -> None:
    assert {windows_name(name), windows_name(f" {name.upper()} "), windows_name(name.lower())} == {
        name
    }


@pytest.mark.parametrize(
    ("iana", "windows"),
    [
        ("America/New_York", "Eastern Standard Time"),
        ("america/new_york", "Eastern Standard Time"),
        ("US/Eastern", "Eastern Standard Time"),
        ("America/Los_Angeles", "Pacific Standard Time"),
        ("America/Phoenix", "US Mountain Standard Time"),
        ("Europe/London", "GMT Standard Time"),
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Europe/Kyiv", "FLE Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("Asia/Calcutta", "India Standard Time"),
        ("Japan", "Tokyo Standard Time"),
        ("Etc/UTC", "UTC"),
        ("utc", "UTC"),
    ],
)
def test_an_iana_name_is_translated(iana: str, windows: str) -> None:
    assert windows_name(iana) == windows


@pytest.mark.parametrize("iana", sorted(name for name in tz_win if "/" in name))
def test_an_iana_name_is_translated_to_an_accepted_name_or_refused(iana: str) -> None:
    if tz_win[iana].casefold() in {name.casefold() for name in NAMES}:
        assert windows_name(iana) in NAMES
    else:
        with pytest.raises(ValueError, match="which is not in Azure's list of time zones"):
            windows_name(iana)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("EST", "takes no abbreviations or offsets): did you mean 'Eastern Standard Time'?"),
        ("est", "did you mean 'Eastern Standard Time'?"),
        ("EST5", "did you mean 'Eastern Standard Time'?"),
        ("EST5EDT", "did you mean 'Eastern Standard Time'?"),
        ("CET", "did you mean 'W. Europe Standard Time'?"),
        ("XYZ", "write for example 'Eastern Standard Time' or 'America/New_York'"),
        ("", "write for example 'Eastern Standard Time' or 'America/New_York'"),
        ("Europe/Munich", "Azure knows: did you mean 'Europe/"),
        ("Eastern Standart Time", "Azure knows: did you mean 'Eastern Standard Time'"),
        ("GMT+2", "takes no abbreviations or offsets)"),
    ],
)
def test_an_unknown_name_is_refused_with_advice(name: str, advice: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone that Azure knows") as refusal:
        windows_name(name)
    assert repr(name) in str(refusal.value)
    assert advice in str(refusal.value)


def test_there_is_no_clock_for_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="'Mars Standard Time' is not a time zone"):
        zone("Mars Standard Time")


@pytest.mark.parametrize(
    ("name", "january", "july"),
    [
        ("Eastern Standard Time", -5, -4),
        ("eastern standard time", -5, -4),
        ("US Eastern Standard Time", -5, -4),
        ("US Mountain Standard Time", -7, -7),
        ("W. Europe Standard Time", 1, 2),
        ("AUS Eastern Standard Time", 11, 10),
        ("Kamchatka Standard Time", 12, 12),
        ("Mid-Atlantic Standard Time", -2, -2),
        ("UTC-11", -11, -11),
    ],
)
def test_the_clock_has_daylight_saving_where_the_place_has(
    name: str, january: int, july: int
) -> None:
    assert (offset(name, 1), offset(name, 7)) == (timedelta(hours=january), timedelta(hours=july))
