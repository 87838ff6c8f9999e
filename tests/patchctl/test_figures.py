"""The figures of a report, from histories written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from patchctl.figures import Compliance, Figures, Wanted, figures, find_run, share
from patchctl.history import History
from patchctl.observation import SEVERITIES, Assessment, Machine, Run, Update

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RUN_ID = "/subscriptions/s/providers/microsoft.maintenance/applyupdates/20261121070000"
CUMULATIVE = Update(
    "", "Cumulative (KB5068000)", "5068000", "", "Security", "Critical", NOON - 13 * DAY
)
VIM = Update("", "vim", "", "9", "Other", "Other", None)


def id(name: str) -> str:
    return f"/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/{name}"


def machine(name: str) -> Machine:
    return Machine(id(name), name, "windows", "eastus", "running", (), None)


def assessed(name: str, at: datetime, status: str = "Succeeded", **pending: int) -> Assessment:
    return Assessment(id(name), at, status, False, pending, "")


def ran(name: str, status: str = "Succeeded", schedule_run: str = RUN_ID, **more: Any) -> Run:
    run = Run(id(name), f"{name}-{status}", schedule_run, NOON - 2 * DAY, NOON - 2 * DAY, status,
              "", False, 0, 0, 0, 0, 0, "")  # fmt: skip
    return replace(run, **more)


def of(name: str, update: Update, run: Run | None = None, state: str = "") -> Update:
    return replace(update, machine=id(name), run=run.id if run else "", state=state)


class Desk:
    """A history, and the figures that it gives."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.history = History(file, pytest.fail)

    def saw(
        self,
        *names: str,
        assessments: Sequence[Assessment] = (),
        runs: Sequence[Run] = (),
        updates: Sequence[Update] = (),
        now: datetime = NOON,
    ) -> None:
        self.history.close()
        self.history = History(self.file, pytest.fail)
        self.history.saw([machine(name) for name in names])
        self.history.saw(assessments)
        self.history.saw(runs)
        self.history.saw(updates)
        self.history.merge(now, updates=True)

    def figures(self, now: datetime = NOON, days: int = 30, run: str = "") -> Figures:
        wanted = Wanted(now, now - days * DAY, run)
        return figures(self.history, wanted, deployment="demo", sandbox=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "history.sqlite")
    yield desk
    desk.history.close()


# -- compliance


def test_compliance_and_its_denominators(desk: Desk) -> None:
    fine = assessed("a", NOON - DAY, other=3)
    lacking = assessed("b", NOON - DAY, security=1)
    old = assessed("c", NOON - 8 * DAY)
    failed = assessed("d", NOON - DAY, "Failed")
    desk.saw("a", "b", "c", "d", "e", assessments=[fine, lacking, old, failed])
    found = desk.figures()
    assert [(each.name, each.compliance.value) for each in found.machines] == [
        ("a", "compliant"),
        ("b", "non-compliant"),
        ("c", "no data"),
        ("d", "no data"),
        ("e", "no data"),
    ]
    assert (found.count(Compliance.COMPLIANT), found.assessed, len(found.machines)) == (1, 2, 5)


def test_the_last_successful_assessment_counts(desk: Desk) -> None:
    desk.saw("a", assessments=[assessed("a", NOON - 2 * DAY, critical=1)])
    desk.saw("a", assessments=[assessed("a", NOON - DAY, "Failed")])
    (line,) = desk.figures().machines
    assert (line.compliance, line.assessed) == (Compliance.NON_COMPLIANT, NOON - 2 * DAY)


def test_machines_that_left_are_not_counted(desk: Desk) -> None:
    desk.saw("a", "b")
    desk.saw("a")
    assert [line.name for line in desk.figures().machines] == ["a"]


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, "-"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (999, 1000, "99 %"),
        (1, 1000, "1 %"),
        (1, 2, "50 %"),
    ],
)
def test_a_share_is_whole_only_when_it_is(part: int, whole: int, expected: str) -> None:
    assert share(part, whole) == expected


# -- runs


def test_a_run_is_one_line_over_its_machines(desk: Desk) -> None:
    runs = [
        ran("a", installed=3),
        ran("b", "Failed", failed=1, installed=1),
        ran("c", "CompletedWithWarnings"),
        ran("d", schedule_run=""),
    ]
    desk.saw("a", "b", "c", "d", runs=runs)
    by_schedule, by_hand = sorted(desk.figures().runs, key=lambda run: run.id, reverse=True)
    assert (by_schedule.machines, by_schedule.succeeded, by_schedule.warnings) == (3, 1, 1)
    assert (by_schedule.failed, by_schedule.installed, by_schedule.not_installed) == (1, 4, 1)
    assert (by_hand.id, by_hand.machines) == ("", 1)


def test_failures_say_why(desk: Desk) -> None:
    broken = ran("a", "Failed", error="disk full", exceeded=True)
    silent = ran("b", "Failed")
    rebooting = ran("c", "CompletedWithWarnings", reboot="Required")
    parts = [of("a", CUMULATIVE, broken, "Failed"), of("a", VIM, broken, "Installed")]
    desk.saw("a", "b", "c", "d", runs=[broken, silent, rebooting, ran("d")], updates=parts)
    found = {failure.machine: failure for failure in desk.figures().failures}
    assert set(found) == {"a", "b", "c"}
    assert found["a"].reason == "disk full; the maintenance window was exceeded"
    assert found["a"].updates == ("Cumulative (KB5068000)",)
    assert found["b"].reason == "Azure gives no reason"
    assert found["c"].reason == "reboot: Required"


def test_what_was_installed_is_one_line_over_the_machines(desk: Desk) -> None:
    first, second = ran("a"), ran("b", ended=NOON - DAY)
    parts = [
        of("a", CUMULATIVE, first, "Installed"),
        of("b", CUMULATIVE, second, "Installed"),
        of("b", VIM, second, "NotSelected"),
    ]
    desk.saw("a", "b", runs=[first, second], updates=parts)
    (line,) = desk.figures().installed
    assert (line.kb, line.classification, line.severity, line.machines) == (
        "5068000", "Security", "Critical", 2,
    )  # fmt: skip
    assert (line.first, line.last) == (NOON - 2 * DAY, NOON - DAY)


def test_what_is_older_than_asked_for_is_left_out(desk: Desk) -> None:
    run = ran("a")
    desk.saw("a", runs=[run], updates=[of("a", VIM, run, "Installed")])
    assert len(desk.figures(days=3).runs) == len(desk.figures(days=3).installed) == 1
    assert (desk.figures(days=1).runs, desk.figures(days=1).installed) == ([], [])


def test_a_report_of_one_run(desk: Desk) -> None:
    other = f"{RUN_ID[:-14]}20261114070000"
    run, earlier = ran("a"), ran("b", "Failed", schedule_run=other)
    parts = [of("a", VIM, run, "Installed"), of("b", CUMULATIVE, earlier, "Installed")]
    desk.saw("a", "b", runs=[run, earlier], updates=parts)
    found = desk.figures(run=find_run(desk.history, "20261121070000"))
    assert [line.name for line in found.machines] == ["a"]
    assert [line.name for line in found.installed] == ["vim"]
    assert (len(found.runs), found.failures, found.pending, found.trend) == (1, [], (), ())
    assert find_run(desk.history, RUN_ID.upper()) == RUN_ID


@pytest.mark.parametrize("asked", ["20261101070000", "", "0"])
def test_a_run_that_nobody_knows(desk: Desk, asked: str) -> None:
    desk.saw("a", runs=[ran("a")])
    with pytest.raises(LookupError):
        find_run(desk.history, asked)


# -- what is pending


def test_pending_updates_are_aged_by_publication_or_first_sight(desk: Desk) -> None:
    def look(at: datetime) -> None:
        pending = [of("a", CUMULATIVE), of("a", VIM)]
        desk.saw("a", assessments=[assessed("a", at, security=1)], updates=pending, now=at)

    look(NOON)
    look(NOON + 20 * DAY)
    found = desk.figures(now=NOON + 20 * DAY)
    assert [(line.name, line.first) for line in found.pending] == [
        ("Cumulative (KB5068000)", NOON - 13 * DAY),
        ("vim", NOON),
    ]
    ages = {age: {s: n for s, n in counts.items() if n} for age, counts in found.ages.items()}
    assert {age: counts for age, counts in ages.items() if counts} == {
        "14-30": {"Other": 1},
        "30-60": {"Critical": 1},
    }
    assert list(found.ages) == ["0-7", "7-14", "14-30", "30-60", "60-90", "over 90"]


@pytest.mark.parametrize(
    ("days", "age"),
    [(0, "0-7"), (6.9, "0-7"), (7, "7-14"), (14, "14-30"), (90, "over 90"), (400, "over 90")],
)
def test_ages_are_parted_as_microsoft_parts_them(desk: Desk, days: float, age: str) -> None:
    published = replace(CUMULATIVE, published=NOON - days * DAY)
    desk.saw("a", assessments=[assessed("a", NOON)], updates=[of("a", published)])
    assert desk.figures().ages[age]["Critical"] == 1


def test_the_trend_counts_what_was_pending_at_each_time(desk: Desk) -> None:
    def look(at: datetime, *pending: Update) -> None:
        desk.saw("a", assessments=[assessed("a", at)], updates=pending, now=at)

    look(NOON, of("a", CUMULATIVE), of("a", VIM))
    look(NOON + 2 * DAY, of("a", CUMULATIVE), of("a", replace(VIM, version="10")))
    look(NOON + 3 * DAY, of("a", replace(VIM, version="10")))
    found = desk.figures(now=NOON + 4 * DAY)
    assert [point.at for point in found.trend] == [NOON + n * DAY for n in range(5)]
    assert [point.pending["Critical"] for point in found.trend] == [1, 1, 1, 0, 0]
    assert [point.pending["Other"] for point in found.trend] == [1, 1, 1, 1, 1]
    assert all(tuple(point.pending) == SEVERITIES for point in found.trend)


def test_a_trend_of_a_year_has_no_more_points_than_can_be_seen(desk: Desk) -> None:
    desk.saw("a", assessments=[assessed("a", NOON)], updates=[of("a", VIM)])
    found = desk.figures(now=NOON + 365 * DAY, days=365)
    assert 25 <= len(found.trend) <= 31
    assert found.trend[-1].at == NOON + 365 * DAY


def test_nothing_yet(desk: Desk) -> None:
    desk.saw()
    found = desk.figures()
    assert (found.machines, found.runs, found.pending, found.trend) == ([], [], [], [])
    assert found.known_since is None


def test_how_far_back_the_history_goes(desk: Desk) -> None:
    desk.saw("a", assessments=[assessed("a", NOON - 5 * DAY)], runs=[ran("a")])
    assert desk.figures().known_since == NOON - 5 * DAY
