"""What fits into a window, worked out by hand in minutes, and what holds whatever comes."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arm_sandbox.patching.timeline import (
    KEPT_FOR_REBOOT,
    MINUTE,
    Durations,
    Setting,
    Task,
    Timeline,
    cut,
    needed,
    read,
    timeline,
)

Told = list[tuple[str, float, float, str]]


def task(update: str, minutes: float, **more: bool) -> Task:
    return Task(update, minutes * MINUTE, **more)


def plan(
    *tasks: Task,
    os: str = "Windows",
    window: float = 120,
    reboot: str = "IfRequired",
    begin: float = 0,
    down: float = 5,
    **state: bool,
) -> Timeline:
    """A search takes two minutes here, and an assessment one."""
    setting = Setting(os, window * MINUTE, reboot)
    durations = Durations(search=2 * MINUTE, reboot=down * MINUTE, assessment=1 * MINUTE)
    return timeline(begin * MINUTE, tasks, setting, durations, **state)


def told(line: Timeline) -> Told:
    return [
        (step.what, step.start / MINUTE, step.end / MINUTE, " ".join(step.updates))
        for step in line.steps
    ]


A, B, C = task("A", 20, reboots=True), task("B", 6), task("C", 2)


# -- Windows


def test_updates_one_by_one_then_a_reboot_and_an_assessment() -> None:
    line = plan(A, B, C)
    assert told(line) == [
        ("search", 0, 2, ""),
        ("install", 2, 22, "A"),
        ("install", 22, 28, "B"),
        ("install", 28, 30, "C"),
        ("reboot", 30, 35, ""),
        ("assess", 35, 36, ""),
    ]
    assert (line.status, line.reboot, line.exceeded, line.pending) == (
        "Succeeded",
        "Completed",
        False,
        False,
    )
    assert line.installed == {"A", "B", "C"}


def test_nothing_to_install() -> None:
    line = plan()
    assert told(line) == [("search", 0, 2, ""), ("assess", 2, 3, "")]
    assert (line.status, line.reboot) == ("Succeeded", "NotNeeded")


def test_an_update_is_not_begun_in_the_last_25_minutes() -> None:
    # A until 42, B until 65, then 25 of the 90 minutes are left for C, but only 23 for D.
    line = plan(task("A", 40), task("B", 23), C, task("D", 1), window=90)
    assert told(line)[1:-1] == [
        ("install", 2, 42, "A"),
        ("install", 42, 65, "B"),
        ("install", 65, 67, "C"),
    ]
    assert (line.status, line.exceeded) == ("Failed", True)
    assert line.installed == {"A", "B", "C"}


def test_a_service_pack_is_not_begun_in_the_last_30_minutes() -> None:
    pack = task("SP", 10, service_pack=True)
    assert plan(task("A", 58), pack, window=90).installed == {"A", "SP"}
    assert plan(task("A", 59), pack, window=90).installed == {"A"}


def test_what_has_begun_goes_on_beyond_the_window() -> None:
    line = plan(task("A", 63), task("B", 40, reboots=True), window=90)
    assert told(line)[2:] == [("install", 65, 105, "B"), ("assess", 105, 106, "")]
    assert (line.status, line.exceeded, line.reboot) == ("Failed", True, "Required")
    assert line.installed == {"A", "B"}


def test_a_reboot_needs_ten_minutes_of_the_window() -> None:
    fits = plan(task("A", 63, reboots=True), task("B", 15), window=90)
    assert told(fits)[3:] == [("reboot", 80, 85, ""), ("assess", 85, 86, "")]
    assert (fits.status, fits.reboot) == ("Succeeded", "Completed")
    late = plan(task("A", 63, reboots=True), task("B", 16), window=90)
    assert told(late)[3:] == [("assess", 81, 82, "")]
    assert (late.status, late.exceeded, late.reboot) == ("Failed", True, "Required")


def test_after_a_window_that_was_too_short_there_is_still_a_reboot() -> None:
    line = plan(task("A", 65, reboots=True), B, window=90)
    assert told(line)[2:] == [("reboot", 67, 72, ""), ("assess", 72, 73, "")]
    assert (line.status, line.exceeded, line.reboot) == ("Failed", True, "Completed")


def test_nothing_is_searched_for_when_nothing_could_be_installed() -> None:
    line = plan(A, begin=96)
    assert told(line) == [("assess", 96, 97, "")]
    assert (line.status, line.exceeded) == ("Failed", True)
    assert told(plan(A, begin=95))[0] == ("search", 95, 97, "")


def test_a_failed_update_does_not_stop_the_others() -> None:
    line = plan(A, task("B", 6, fails=True), C)
    assert line.status == "Failed"
    assert (set(line.installed), set(line.failed)) == ({"A", "C"}, {"B"})
    assert line.reboot == "Completed"


def test_a_failed_update_asks_for_no_reboot() -> None:
    line = plan(task("A", 20, reboots=True, fails=True))
    assert (line.status, line.reboot) == ("Failed", "NotNeeded")


def test_a_search_that_reaches_nothing_ends_it() -> None:
    line = plan(A, found=False)
    assert told(line) == [("search", 0, 2, "")]
    assert line.status == "Failed"


# -- reboots


def test_never_leaves_a_warning_where_a_reboot_is_needed() -> None:
    line = plan(A, reboot="Never")
    assert told(line)[-1] == ("assess", 22, 23, "")
    assert (line.status, line.reboot, line.pending) == ("CompletedWithWarnings", "Required", True)
    assert plan(B, reboot="Never").status == "Succeeded"


def test_always_reboots_for_nothing() -> None:
    assert told(plan(reboot="Always")) == [
        ("search", 0, 2, ""),
        ("reboot", 2, 7, ""),
        ("assess", 7, 8, ""),
    ]


def test_a_reboot_is_awaited_for_15_minutes() -> None:
    assert plan(A, down=15).status == "Succeeded"
    line = plan(A, down=16)
    assert told(line)[-1] == ("reboot", 22, 37, "")
    assert (line.status, line.reboot) == ("Failed", "Failed")


def test_a_reboot_of_before_is_caught_up_on() -> None:
    windows = plan(B, pending=True)
    assert told(windows)[-2] == ("reboot", 8, 13, "")
    assert (windows.status, windows.pending) == ("Succeeded", False)
    linux = plan(B, os="Linux", pending=True)
    assert told(linux)[:2] == [("reboot", 0, 5, ""), ("search", 5, 7, "")]
    assert [step.what for step in linux.steps].count("reboot") == 1


# -- Linux


def packages(number: int, minutes: float = 1) -> list[Task]:
    return [task(f"p{n}", minutes) for n in range(number)]


def test_what_a_batch_is_reckoned_with() -> None:
    assert [needed(packages(n), "Linux") / MINUTE for n in (1, 2, 3, 4, 13)] == [5, 10, 15, 17, 35]


def test_packages_come_in_one_batch_if_there_is_time() -> None:
    line = plan(*packages(12), os="Linux", window=90)
    names = " ".join(f"p{n}" for n in range(12))
    assert told(line) == [
        ("search", 0, 2, ""),
        ("install", 2, 14, names),
        ("assess", 14, 15, ""),
    ]
    assert line.status == "Succeeded"


def test_batches_become_smaller_with_the_time_that_is_left() -> None:
    # 15 of the 90 minutes are kept. At 62, 13 are left: enough for two packages, not for three.
    line = plan(*packages(12), os="Linux", window=90, begin=60)
    assert told(line)[1:-1] == [
        ("install", 62, 64, "p0 p1"),
        ("install", 64, 66, "p2 p3"),
        ("install", 66, 67, "p4"),
        ("install", 67, 68, "p5"),
        ("install", 68, 69, "p6"),
        ("install", 69, 70, "p7"),
    ]
    assert (line.status, line.exceeded) == ("Failed", True)


def test_linux_keeps_nothing_for_a_reboot_that_it_may_not_make() -> None:
    line = plan(*packages(3), os="Linux", window=90, begin=72, reboot="Never")
    assert line.status == "Succeeded"
    assert line.installed == {"p0", "p1", "p2"}


# -- turned off


def test_a_machine_that_is_turned_off_gets_no_further() -> None:
    line = cut(plan(A, B, C), 25 * MINUTE)
    assert told(line) == [
        ("search", 0, 2, ""),
        ("install", 2, 22, "A"),
        ("install", 22, 25, "B"),
    ]
    assert line.status == "Failed"
    assert (set(line.installed), set(line.failed)) == ({"A"}, {"B"})
    assert line.reboot == "Required"


# -- whatever comes


tasks = st.lists(
    st.builds(
        Task,
        st.just(""),
        st.integers(0, 90 * 60).map(float),
        reboots=st.booleans(),
        service_pack=st.booleans(),
        fails=st.booleans(),
    ),
    max_size=20,
).map(lambda found: [Task(**{**asdict(t), "update": f"u{n}"}) for n, t in enumerate(found)])
settings = st.builds(
    Setting,
    st.sampled_from(["Windows", "Linux"]),
    st.integers(90 * 60, 235 * 60).map(float),
    st.sampled_from(["IfRequired", "Never", "Always"]),
)
durations = st.builds(
    Durations,
    search=st.integers(0, 600).map(float),
    reboot=st.integers(0, 1500).map(float),
    assessment=st.integers(0, 600).map(float),
)
cases = st.fixed_dictionaries(
    {
        "begin": st.integers(0, 235 * 60).map(float),
        "tasks": tasks,
        "setting": settings,
        "durations": durations,
        "pending": st.booleans(),
        "found": st.booleans(),
    }
)


@given(cases)
def test_nothing_is_begun_that_the_window_has_no_time_for(case: dict[str, Any]) -> None:
    setting: Setting = case["setting"]
    by_name = {task.update: task for task in case["tasks"]}
    for step in timeline(**case).steps:
        left = setting.end - step.start
        if step.what == "install":
            batch = [by_name[name] for name in step.updates]
            assert left >= setting.kept + needed(batch, setting.os)
        if step.what == "reboot":
            assert left >= KEPT_FOR_REBOOT[setting.os]
            assert setting.reboot != "Never"


@given(cases)
def test_one_thing_follows_another_and_updates_keep_their_order(case: dict[str, Any]) -> None:
    line = timeline(**case)
    assert [step.start for step in line.steps][:1] in ([], [case["begin"]])
    assert all(early.end == late.start for early, late in pairwise(line.steps))
    attempted = [name for step in line.steps for name in step.updates]
    assert attempted == [task.update for task in case["tasks"]][: len(attempted)]
    assert line.installed | line.failed == set(attempted)
    assert not line.installed & line.failed


@given(cases)
def test_success_means_that_all_is_installed_in_time(case: dict[str, Any]) -> None:
    line = timeline(**case)
    names = {task.update for task in case["tasks"]}
    installs = [step.end for step in line.steps if step.what == "install"]
    if line.status != "Failed":
        assert line.installed == names
        assert all(end <= case["setting"].end for end in installs)
    if line.status == "Succeeded":
        assert not line.pending
    if line.status == "CompletedWithWarnings":
        assert (line.pending, case["setting"].reboot) == (True, "Never")
    if line.installed | line.failed < names:
        assert line.status == "Failed"


@given(cases, st.integers(0, 300 * 60).map(float))
def test_turning_a_machine_off_loses_only_what_was_to_come(case: dict[str, Any], at: float) -> None:
    whole = timeline(**case)
    line = cut(whole, at)
    assert line.status == "Failed"
    assert line.installed <= whole.installed
    assert all(step.end <= at for step in line.steps)


@given(cases)
def test_a_timeline_can_be_written_and_read(case: dict[str, Any]) -> None:
    line = timeline(**case)
    assert read(json.loads(json.dumps(asdict(line)))) == line


@pytest.mark.parametrize("os", ["Windows", "Linux"])
def test_the_shortest_window_is_long_enough_for_a_usual_month(os: str) -> None:
    usual = [task("cumulative", 26, reboots=True), task("net", 8), task("boot", 4)]
    assert plan(*usual, os=os, window=90).status == "Succeeded"
