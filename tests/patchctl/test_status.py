"""How machines stand and what became of the last window, judged from rows written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from patchctl.machines import Settings
from patchctl.observation import (
    Assessment,
    Machine,
    Run,
    ScheduleRun,
    assessment,
    joined,
    machine,
    moment,
    reason,
    run,
    schedule_run,
    severity,
    turn,
    update,
)
from patchctl.schedule import recurrence, window
from patchctl.schedule.window import Window
from patchctl.status import LAG, LastRun, LastWindow, MachineStatus, Past, Schedule, Status, judged

ID = (
    "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg-patching-demo"
    "/providers/Microsoft.Compute/virtualMachines/vm-demo-1a2b3c"
)
CONFIGURATION = "/subscriptions/s/resourcegroups/g/providers/microsoft.maintenance/c"
SATURDAYS = Window(
    window.parse_start("2026-11-28 02:00"),
    timedelta(hours=2),
    "Eastern Standard Time",
    recurrence.parse("1Week Saturday"),
)
OPENED = datetime(2026, 11, 28, 7, tzinfo=UTC)
CLOSED = OPENED + timedelta(hours=2)
MADE = OPENED - timedelta(days=5)
SCHEDULE = Schedule(CONFIGURATION, SATURDAYS, ("Critical", "Security", "Other"), since=MADE)
RIGHT = Settings("AutomaticByPlatform", "AutomaticByPlatform", True, "IfRequired")
VM = Machine(ID.lower(), "vm-demo-1a2b3c", "windows", "eastus", "running", (CONFIGURATION,), RIGHT)
RAN = ScheduleRun(f"{CONFIGURATION}/applyupdates/20261128070000", OPENED, CLOSED, "Succeeded", 1, 1)


def status(
    *machines: Machine,
    assessments: Sequence[Assessment] = (),
    runs: Sequence[ScheduleRun] = (),
    last_runs: dict[str, LastRun] | None = None,
    schedule: Schedule = SCHEDULE,
    now: datetime = CLOSED + LAG,
) -> Status:
    return judged(
        [schedule], machines or (VM,), assessments, last_runs or {}, runs,
        named=[ID], reboot="IfRequired", now=now,
    )  # fmt: skip


def only(found: Status) -> MachineStatus:
    (machine,) = found.machines
    return machine


def changed(**settings: Any) -> Machine:
    return replace(VM, settings=replace(RIGHT, **settings))


# -- the last window


@pytest.mark.parametrize(
    ("after", "past"),
    [
        (timedelta(minutes=-1), Past.NONE),
        (timedelta(0), Past.AWAITED),
        (LAG - timedelta(seconds=1), Past.AWAITED),
        (LAG, Past.MISSED),
        (timedelta(days=6), Past.MISSED),
    ],
)
def test_a_window_without_a_run_is_missed_once_rows_cannot_be_late(
    after: timedelta, past: Past
) -> None:
    assert status(now=CLOSED + after).schedules[0].last_window.past is past


def test_a_run_of_the_window_is_found() -> None:
    last = status(runs=[RAN]).schedules[0].last_window
    assert (last.past, last.run) == (Past.RAN, RAN)


@pytest.mark.parametrize("started", [OPENED - timedelta(days=7), OPENED + timedelta(hours=2), None])
def test_a_run_of_another_time_is_none_of_it(started: datetime | None) -> None:
    other = ScheduleRun(RAN.id, started, None, "Succeeded", 1, 1)
    assert status(runs=[other]).schedules[0].last_window.past is Past.MISSED


def test_a_run_for_no_machine_is_a_missed_one() -> None:
    empty = ScheduleRun(RAN.id, OPENED, CLOSED, "Succeeded", 0, 0)
    assert status(runs=[empty]).schedules[0].last_window.past is Past.MISSED
    untold = ScheduleRun(RAN.id, OPENED, CLOSED, "InProgress", 0, None)
    assert status(runs=[untold]).schedules[0].last_window.past is Past.RAN


def test_windows_from_before_the_schedule_was_made_were_not_missed() -> None:
    since = Schedule(CONFIGURATION, SATURDAYS, since=OPENED + timedelta(minutes=1))
    assert status(schedule=since).schedules[0].last_window == LastWindow(Past.NONE)


def test_nobody_can_tell_of_a_window_that_azure_has_forgotten() -> None:
    yearly = Window(SATURDAYS.start, SATURDAYS.duration, "UTC", recurrence.parse("12Months day28"))
    old = status(
        schedule=Schedule(CONFIGURATION, yearly, since=MADE), now=OPENED + timedelta(days=40)
    )
    assert old.schedules[0].last_window.past is Past.FORGOTTEN


def test_without_a_schedule_there_are_no_windows() -> None:
    (found,) = status(schedule=Schedule(CONFIGURATION, None, problem="it is gone")).schedules
    assert (found.next_window, found.last_window) == (None, LastWindow(Past.NONE))


def test_a_run_of_another_schedule_is_none_of_ours() -> None:
    other = ScheduleRun(f"{CONFIGURATION}2/applyupdates/1", OPENED, CLOSED, "Succeeded", 1, 1)
    assert status(runs=[other]).schedules[0].last_window.past is Past.MISSED


def test_a_schedule_that_expired_has_had_its_last_window() -> None:
    once = Schedule(
        CONFIGURATION,
        Window(SATURDAYS.start, SATURDAYS.duration, "UTC", recurrence.parse("1Day")),
        since=MADE,
        expires=SATURDAYS.start + timedelta(hours=12),
    )
    later = CLOSED + timedelta(days=7)
    (found,) = status(schedule=once, now=later).schedules
    assert found.next_window is None
    assert found.last_window.window is not None
    assert found.last_window.window.utc == datetime(2026, 11, 28, 2, tzinfo=UTC)


# -- machines


def test_a_machine_as_it_should_be() -> None:
    found = only(status())
    assert (found.obstacles, found.drifted) == ((), ())


@pytest.mark.parametrize(
    ("machine", "obstacle"),
    [
        (changed(mode="AutomaticByOS"), "patchMode is AutomaticByOS"),
        (changed(bypass=False), "bypassPlatformSafetyChecksOnUserSchedule is false"),
        (replace(VM, assigned=()), "not assigned"),
        (
            Machine(VM.id, "vm", "windows", "", "deallocated", VM.assigned, RIGHT),
            "it is deallocated",
        ),
        (replace(VM, settings=None), "patchMode is none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_keeps_a_machine_from_being_patched_is_named(machine: Machine, obstacle: str) -> None:
    found = only(status(machine))
    assert any(obstacle in sentence for sentence in found.obstacles)
    assert found.remarkable


def test_what_drifted_without_stopping_anything_is_no_obstacle() -> None:
    found = only(status(changed(assessment="ImageDefault", reboot="Never")))
    assert found.obstacles == ()
    assert [(f.subject, f.want, f.got) for f in found.drifted] == [
        ("assessmentMode", "AutomaticByPlatform", "ImageDefault"),
        ("rebootSetting", "IfRequired", "Never"),
    ]


def test_the_case_of_azures_values_does_not_matter() -> None:
    assert only(status(changed(mode="automaticbyplatform"))).drifted == ()


def test_a_machine_that_should_be_there_and_is_not() -> None:
    gone = judged([SCHEDULE], (), (), {}, (), named=[ID], reboot="IfRequired", now=CLOSED)
    assert only(gone).obstacles == ("it is not there",)


def test_an_arc_machine_needs_no_settings_and_a_connected_agent() -> None:
    id = "/subscriptions/s/resourcegroups/g/providers/microsoft.hybridcompute/machines/a"
    connected = Machine(id, "a", "linux", "eastus", "connected", VM.assigned, None)
    away = Machine(id, "a", "linux", "eastus", "disconnected", VM.assigned, None)
    found = judged([SCHEDULE], [connected, away], (), {}, (), named=(), reboot="", now=CLOSED)
    assert [each.settings for each in found.machines] == [(), ()]
    assert [each.obstacles for each in found.machines] == [
        (),
        ("it is disconnected, and Azure does not start it",),
    ]


def test_a_window_too_short_for_what_is_pending() -> None:
    linux = Machine(VM.id, "vm", "linux", "", "running", VM.assigned, RIGHT)
    many = Assessment(VM.id, MADE, "Succeeded", False, {"security": 40, "others": 20}, "")
    (obstacle,) = only(status(linux, assessments=[many])).obstacles
    assert "60 updates may take 129 minutes, and the window leaves 105" in obstacle
    critical_only = Schedule(CONFIGURATION, SATURDAYS, ("Critical", "Security"), since=MADE)
    assert only(status(linux, assessments=[many], schedule=critical_only)).obstacles == ()


@pytest.mark.parametrize(
    ("ended", "remarkable"),
    [
        ("Succeeded", False),
        ("Failed", True),
        ("CompletedWithWarnings", True),
        ("InProgress", False),
    ],
)
def test_a_machine_whose_last_run_went_wrong_is_worth_a_word(ended: str, remarkable: bool) -> None:
    clean = Assessment(VM.id, MADE, "Succeeded", False, {}, "")
    last = {VM.id: LastRun(ended, CLOSED, False, "")}
    assert only(status(assessments=[clean], last_runs=last)).remarkable is remarkable


@pytest.mark.parametrize(
    "assessments",
    [
        (),
        (Assessment(VM.id, MADE, "Failed", False, {}, ""),),
        (Assessment(VM.id, MADE, "Succeeded", True, {}, ""),),
    ],
    ids=["never assessed", "failed", "reboot pending"],
)
def test_an_assessment_that_says_something(assessments: tuple[Assessment, ...]) -> None:
    assert only(status(assessments=assessments)).remarkable


# -- rows


def test_a_vm_from_a_row() -> None:
    settings = {
        "patchMode": "AutomaticByPlatform",
        "assessmentMode": "AutomaticByPlatform",
        "automaticByPlatformSettings": {
            "bypassPlatformSafetyChecksOnUserSchedule": True,
            "rebootSetting": "IfRequired",
        },
    }
    row = {
        "id": ID, "name": "vm-demo-1a2b3c", "location": "eastus", "os": "Windows",
        "power": "PowerState/running", "assignments": [CONFIGURATION.upper()],
        "windowsSettings": settings, "linuxSettings": None,
    }  # fmt: skip
    assert machine(row) == VM


def test_an_assessment_from_a_row() -> None:
    row = {
        "machine": VM.id, "status": "Succeeded", "lastModified": "2026-11-23T12:00:00.1234567Z",
        "rebootPending": "true", "pending": {"critical": 0, "security": 2, "updateRollup": 1},
        "errorDetails": None,
    }  # fmt: skip
    found = assessment(row)
    assert found is not None
    assert (found.pending, found.urgent, found.other) == ({"security": 2, "updaterollup": 1}, 2, 1)
    assert found.reboot_pending
    assert assessment({**row, "lastModified": None}) is None


def test_a_turn_counts_until_its_installation_is_known() -> None:
    id = f"{CONFIGURATION}/providers/Microsoft.Maintenance/applyUpdates/20261128070000"
    row = {"id": f"{ID}/providers/Microsoft.Maintenance/applyUpdates/x", "machine": ID,
           "scheduleRun": id, "status": "Failed", "started": "2026-11-28T07:00:00Z",
           "lastModified": "2026-11-28T09:00:00Z"}  # fmt: skip
    of_schedule = turn(row)
    assert (of_schedule.machine, of_schedule.id) == (VM.id, id.lower())
    assert joined([], [of_schedule]) == (of_schedule,)
    installation = run({**row, "id": f"{ID}/patchInstallationResults/R1", "installed": 2})
    assert installation.id == "r1"
    assert joined([installation], [of_schedule]) == (installation,)


def test_a_run_of_the_schedule_from_a_row() -> None:
    row = {
        "run": RAN.id.upper(), "status": "Succeeded", "started": "2026-11-28T07:00:00Z",
        "ended": "2026-11-28T09:00:00Z", "succeeded": 1, "total": 1,
    }  # fmt: skip
    assert schedule_run(row) == RAN


def test_an_update_from_a_row() -> None:
    row = {
        "machine": VM.id, "patchName": "2026-11 Cumulative Update (KB5068000)", "kbId": "KB5068000",
        "classifications": ["Security"], "severity": "critical", "version": None,
        "published": "2026-11-10T18:00:00Z",
    }  # fmt: skip
    found = update(row)
    assert (found.kb, found.classification, found.severity) == ("5068000", "Security", "Critical")
    assert found.published == datetime(2026, 11, 10, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rating", "classification", "expected"),
    [
        ("Important", "Updates", "Important"),
        ("", "Critical", "Security, unrated"),
        ("", "Security, Updates", "Security, unrated"),
        ("Unspecified", "Definition", "Other"),
        ("", "", "Other"),
    ],
)
def test_severity_is_microsofts_rating_or_the_classification(
    rating: str, classification: str, expected: str
) -> None:
    assert severity(rating, classification) == expected


@pytest.mark.parametrize("nothing", [None, "", "0001-01-01T00:00:00+00:00", "soon"])
def test_a_time_that_is_none(nothing: str | None) -> None:
    assert moment(nothing) is None


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (None, ""),
        ("agent not ready", "agent not ready"),
        ({"message": "1 error reported.", "details": []}, "1 error reported"),
        ({"code": "Success", "message": "0 errors reported."}, ""),
        (
            {"message": "2 errors reported.", "details": [{"message": "disk full"}, "no route"]},
            "disk full; no route",
        ),
    ],
)
def test_the_reason_of_a_failure(details: object, expected: str) -> None:
    assert reason(details) == expected


def test_turns_are_runs_to_everybody_else() -> None:
    assert isinstance(turn({"scheduleRun": "A/b", "status": "Failed"}), Run)
