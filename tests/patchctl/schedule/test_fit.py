"""How many updates a window takes, by the numbers that Azure publishes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from patchctl.schedule.fit import planned, usable, warning

TWO_HOURS = timedelta(hours=2)


@pytest.mark.parametrize(
    ("updates", "minutes"), [(0, 0), (1, 5), (3, 15), (4, 17), (10, 29), (48, 105), (49, 107)]
)
def test_linux_packages_take_five_minutes_each_up_to_three_and_two_beyond(
    updates: int, minutes: int
) -> None:
    assert planned("linux", updates) == timedelta(minutes=minutes)


def test_the_end_of_the_window_is_kept_for_the_reboot() -> None:
    assert usable(TWO_HOURS, "windows") == timedelta(minutes=110)
    assert usable(TWO_HOURS, "linux") == timedelta(minutes=105)


def test_only_what_does_not_fit_is_warned_about() -> None:
    assert warning(TWO_HOURS, "linux", 48) == ""
    assert "49 updates may take 107 minutes, and the window leaves 105" in warning(
        TWO_HOURS, "linux", 49
    )
    assert warning(timedelta(hours=1, minutes=30), "windows", 500) == ""
