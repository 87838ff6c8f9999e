"""What the alerts ask, and for how long the one that waits for runs knows its windows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from patchctl import alert_queries
from patchctl.alert_queries import CHECKED, GRACE, MOST, watch
from patchctl.schedule import recurrence
from patchctl.schedule.window import Window
from tests.official_fields import strange_fields

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CONFIGURATION = "/subscriptions/s/resourcegroups/g/providers/microsoft.maintenance/c/mc"
BEYOND = ("arg_max", "arg_min", "countif", "avg", "join", "union", "mv-expand", "pivot", "let ")
"""What the service that evaluates alert rules does not know."""
DAYS = {
    "1Week Saturday": 200,
    "1Month Second Tuesday Offset4": 200,
    "6Hours": 25,
    "24Months day1": 0,
}


def window(recur: str = "1Week Saturday", zone: str = "Eastern Standard Time") -> Window:
    rule = recurrence.parse(recur)
    return Window(datetime(2026, 11, 28, 2), timedelta(hours=2), zone, rule)


def queries() -> list[str]:
    return [
        alert_queries.run_failed([CONFIGURATION]),
        alert_queries.machine_failed([CONFIGURATION]),
        alert_queries.run_warned([CONFIGURATION]),
        alert_queries.run_succeeded([CONFIGURATION]),
        alert_queries.run_missed(CONFIGURATION, watch(window("6Hours"), NOW)),
        alert_queries.assigned(CONFIGURATION),
    ]


@pytest.mark.parametrize(
    "query", queries(), ids=["failed", "machine", "warned", "succeeded", "missed", "assigned"]
)
def test_a_query_keeps_to_one_table_and_plain_operators(query: str) -> None:
    assert query.startswith('arg("").')
    assert query.count('arg("")') == 1
    assert not [word for word in BEYOND if word in query]
    assert CONFIGURATION in query
    assert len(query.encode()) < 64 * 1024


@pytest.mark.parametrize("query", queries())
def test_a_query_names_official_fields_only(query: str) -> None:
    assert strange_fields(query.removeprefix('arg("").')) == []


@pytest.mark.parametrize("recur", list(DAYS))
def test_a_watch_reaches_far_and_never_overlaps(recur: str) -> None:
    checks = watch(window(recur), NOW).checks
    assert 2 <= len(checks) <= MOST
    assert checks[-1].opened - NOW >= timedelta(days=DAYS[recur] - 31)
    for check, following in pairwise(checks):
        assert check.since < check.until <= following.since


def test_a_run_is_missed_soon_after_its_window_and_for_a_day() -> None:
    first = watch(window(), NOW).checks[0]
    end = datetime(2026, 11, 28, 9, tzinfo=UTC)  # 02:00 to 04:00 in New York
    assert first.since == end + GRACE
    assert first.until == first.since + CHECKED


@pytest.mark.parametrize("recur", list(DAYS))
def test_a_query_that_stands_is_recognized_however_late_it_is_looked_at(recur: str) -> None:
    written = watch(window(recur), NOW)
    query = alert_queries.run_missed(CONFIGURATION, written)
    assert alert_queries.standing_watch(query, window(recur)) == written


def test_another_schedule_is_not_recognized() -> None:
    query = alert_queries.run_missed(CONFIGURATION, watch(window(), NOW))
    standing = alert_queries.standing_watch(query, window("2Weeks Sunday"))
    assert standing is not None
    assert alert_queries.run_missed(CONFIGURATION, standing) != query
    assert alert_queries.standing_watch("something else", window()) is None


def test_a_watch_wants_to_be_renewed_when_half_of_it_is_over() -> None:
    written = watch(window(), NOW)
    assert not written.renewable(NOW + timedelta(days=90))
    assert written.renewable(NOW + timedelta(days=115))


def test_changing_clocks_move_what_is_waited_for() -> None:
    opened = {check.opened.hour for check in watch(window(), NOW).checks}
    assert opened == {6, 7}  # 02:00 in New York, in summer and in winter


def test_literals_are_in_utc() -> None:
    query = alert_queries.run_missed(CONFIGURATION, watch(window(), NOW))
    literals = re.findall(r"datetime\(([^)]*)\)", query)
    assert len(literals) > 80
    assert all(literal.endswith("Z") for literal in literals if "." not in literal)
