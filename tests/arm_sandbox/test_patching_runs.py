"""Schedules fire, machines take their turns, and those that cannot be patched end as on Azure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.patch_night import Faults
from arm_sandbox.patching.runs import MOST_TURNS
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish
from tests.arm_sandbox.fleet import (
    COMPUTE,
    VERSION,
    add,
    assign,
    at,
    go,
    machine,
    schedule,
    the_turn,
    told,
    town,
)

EVERYTHING: dict[str, Any] = {}
PREVIEW = "2023-09-01-preview"


def patched(start: str = "2026-11-24 02:00", *names: str, **asked: Any) -> World:
    """A world in which a schedule has patched the machine `windows`, or those named."""
    world = town()
    assign(world, schedule(world, start, **asked), *(names or ("windows",)))
    go(world, "2026-11-24 12:00")
    return world


def put_settings(world: World, name: str, **platform: Any) -> None:
    """Change the patch settings of a machine as its owner would."""
    profile = "linuxConfiguration" if name == "linux" else "windowsConfiguration"
    settings = {"patchMode": "AutomaticByPlatform", "automaticByPlatformSettings": platform}
    body = {"properties": {"osProfile": {profile: {"patchSettings": settings}}}}
    path = f"{COMPUTE}/{name}"
    done = ask(world, "PATCH", path, body, version="2026-04-01")
    assert finish(world, done).body["status"] == "Succeeded"


# -- when


@pytest.mark.parametrize(
    ("start", "zone", "recurs", "opens"),
    [
        ("2026-11-24 02:00", "UTC", "Day", ["11-24 02:00", "11-25 02:00", "11-26 02:00"]),
        ("2026-11-24 02:00", "Eastern Standard Time", "2Days", ["11-24 07:00", "11-26 07:00"]),
        ("2026-11-20 02:00", "India Standard Time", "1Week Tuesday", ["11-23 20:30"]),
    ],
)
def test_a_schedule_fires_at_its_hour_in_its_zone(
    start: str, zone: str, recurs: str, opens: list[str]
) -> None:
    world = town()
    assign(world, schedule(world, start, zone=zone, recurs=recurs), "windows")
    go(world, "2026-11-26 12:00")
    assert [run["start"] for run in world.runs] == [at(f"2026-{text}") for text in opens]
    assert all(run["end"] == run["start"] + 7200 for run in world.runs)


def test_daylight_saving_moves_the_hour() -> None:
    world = town()
    zone = "Eastern Standard Time"
    assign(world, schedule(world, "2027-03-13 04:00", zone=zone), "windows")
    go(world, "2027-03-15 12:00")
    opens = [at("2027-03-13 09:00"), at("2027-03-14 08:00"), at("2027-03-15 08:00")]
    assert [run["start"] for run in world.runs] == opens


@pytest.mark.parametrize(("start", "runs"), [("12:14", 0), ("12:15", 1)])
def test_a_new_schedule_needs_a_quarter_of_an_hour(start: str, runs: int) -> None:
    world = town()
    world.now -= 30
    assign(world, schedule(world, f"2026-11-23 {start}", recurs="1Week Monday"), "windows")
    machine(world, "windows")
    for resource in list(world.resources.values()):
        resource.hidden.pop("since", None)
    go(world, "2026-11-23 18:00")
    assert len(world.runs) == runs


@pytest.mark.parametrize(("start", "runs"), [("14:02", 0), ("14:04", 1)])
def test_a_changed_schedule_needs_three_minutes(start: str, runs: int) -> None:
    world = town()
    assign(world, schedule(world, "2026-11-28 02:00"), "windows")
    go(world, "2026-11-23 14:00")
    schedule(world, f"2026-11-23 {start}", recurs="1Week Monday")
    go(world, "2026-11-23 18:00")
    assert len(world.runs) == runs


def test_a_changed_schedule_runs_when_it_says_now_and_not_when_it_said() -> None:
    world = town()
    assign(world, schedule(world, "2026-11-24 02:00"), "windows")
    for _ in range(2):
        schedule(world, "2026-11-24 05:00")
    go(world, "2026-11-24 23:00")
    assert [run["start"] for run in world.runs] == [at("2026-11-24 05:00")]


def test_an_edit_by_hand_changes_when_it_runs() -> None:
    world = town()
    configuration = schedule(world, "2026-11-24 02:00")
    assign(world, configuration, "windows")
    standing = world.resources[configuration.lower()]
    path = "properties.maintenanceWindow.startDateTime"
    by_hand.edit(world, standing, path, "2026-11-24 05:00")
    go(world, "2026-11-24 23:00")
    assert [run["start"] for run in world.runs] == [at("2026-11-24 05:00")]


def test_a_deleted_schedule_does_not_run() -> None:
    world = town()
    configuration = schedule(world)
    assign(world, configuration, "windows")
    assert ask(world, "DELETE", configuration, version=VERSION).status == 200
    go(world, "2026-11-26 12:00")
    assert world.runs == []


def test_nothing_runs_for_nobody() -> None:
    world = town()
    schedule(world)
    go(world, "2026-11-26 12:00")
    assert world.runs == []
    assert told(world, "maintenanceresources", RUN) == []


@pytest.mark.parametrize(("when", "runs"), [("01:44", 1), ("01:46", 0)])
def test_an_assignment_of_the_last_quarter_of_an_hour_is_too_late(when: str, runs: int) -> None:
    world = town()
    configuration = schedule(world, recurs="1Week Tuesday")
    go(world, f"2026-11-24 {when}")
    assign(world, configuration, "windows")
    go(world, "2026-11-24 12:00")
    assert len(world.runs) == runs


# -- a good run


def test_a_run_installs_what_it_is_asked_to_and_the_rest_stays() -> None:
    world = patched(windowsParameters={"classificationsToInclude": ["Critical", "Security"]})
    turn = the_turn(world, "windows")
    assert (turn["status"], turn["error"]) == ("Succeeded", "")
    done = [step["what"] for step in turn["steps"]]
    assert (done[0], *done[-2:]) == ("search", "reboot", "assess")
    assert set(turn["states"].values()) == {"Installed", "NotSelected"}
    summary = machine(world, "windows").hidden["patchStatus"]
    assert summary["availablePatchSummary"]["criticalAndSecurityPatchCount"] == 0
    assert summary["availablePatchSummary"]["otherPatchCount"] >= 1
    states = list(turn["states"].values())
    last = summary["lastPatchInstallationSummary"]
    assert last["installedPatchCount"] == states.count("Installed") > 0
    assert last["notSelectedPatchCount"] == states.count("NotSelected")
    assert (last["failedPatchCount"], last["pendingPatchCount"]) == (0, 0)


def test_the_next_night_has_only_what_came_since() -> None:
    world = town()
    assign(world, schedule(world, "2026-12-07 02:00"), "windows")
    go(world, "2026-12-09 12:00")
    first, second, third = (
        set(run["turns"][f"{COMPUTE}/windows".lower()]["states"]) for run in world.runs
    )
    assert "KB2267602" in first & second & third
    assert len(first) > len(second) == 1
    # Patch Tuesday was on 12-08 at 18:00.
    assert len(third) > len(second)


def test_every_machine_of_a_schedule_starts_at_once() -> None:
    world = town()
    names = [f"vm{n}" for n in range(12)]
    for n, name in enumerate(names):
        add(world, name, like=("windows", "linux")[n % 2])
    assign(world, schedule(world), *names)
    go(world, "2026-11-24 12:00")
    (run,) = world.runs
    assert run["status"] == "Succeeded"
    assert {turn["start"] for turn in run["turns"].values()} == {at("2026-11-24 02:00")}
    assert len({turn["end"] for turn in run["turns"].values()}) > 1


def test_a_reboot_is_a_blip_of_the_agent_and_not_of_the_power() -> None:
    world = patched()
    reboot = next(s for s in the_turn(world, "windows")["steps"] if s["what"] == "reboot")
    world = town()
    assign(world, schedule(world), "windows")
    view = f"{COMPUTE}/windows/instanceView"
    seen = []
    for moment in (reboot["start"] - 1, (reboot["start"] + reboot["end"]) / 2, reboot["end"] + 1):
        world.now = moment
        body = ask(world, "GET", view, version="2026-04-01").body
        seen.append((body["vmAgent"]["statuses"][0]["displayStatus"], body["statuses"][1]["code"]))
    running = "PowerState/running"
    assert seen == [("Ready", running), ("Not Ready", running), ("Ready", running)]


def test_a_run_writes_nothing_into_the_activity_log() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    before = list(world.events)
    go(world, "2026-11-25 12:00")
    assert len(world.runs) == 2
    assert world.events == before


def test_a_machines_own_reboot_setting_wins() -> None:
    world = town()
    put_settings(
        world,
        "windows",
        bypassPlatformSafetyChecksOnUserSchedule=True,
        rebootSetting="Never",
    )
    assign(world, schedule(world, rebootSetting="Always"), "windows")
    go(world, "2026-11-24 12:00")
    turn = the_turn(world, "windows")
    assert turn["status"] == "CompletedWithWarnings"
    assert "doesn't allow reboots" in turn["error"]
    assert machine(world, "windows").hidden["rebootPending"] is True
    (run,) = world.runs
    assert run["status"] == "Succeeded"


def test_in_the_mode_platform_azure_chooses() -> None:
    world = patched(mode="Platform", windowsParameters={"classificationsToInclude": ["Tools"]})
    states = the_turn(world, "windows")["states"]
    assert "Installed" in states.values()
    assert states["KB2267602"] == "NotSelected"


# -- what goes wrong


def test_an_update_that_fails() -> None:
    world = town()
    assign(world, schedule(world), "linux")
    go(world, "2026-11-24 12:00", Faults(updates=("openssl",)))
    turn = the_turn(world, "linux")
    assert (turn["status"], turn["states"]["openssl"]) == ("Failed", "Failed")
    assert turn["error"] == "Failed to install openssl."
    assert "Installed" in turn["states"].values()
    go(world, "2026-11-25 12:00")
    again = world.runs[-1]["turns"][f"{COMPUTE}/linux".lower()]
    assert (again["status"], again["states"]["openssl"]) == ("Succeeded", "Installed")


def test_a_machine_that_fails() -> None:
    world = town()
    assign(world, schedule(world), "linux", "windows")
    go(world, "2026-11-24 12:00", Faults(machines=("linux",)))
    assert the_turn(world, "linux")["status"] == "Failed"
    assert the_turn(world, "linux")["states"] == {}
    assert the_turn(world, "windows")["status"] == "Succeeded"
    (run,) = world.runs
    assert run["status"] == "PartiallySucceeded"


@pytest.mark.parametrize(("share", "status"), [(0.0, "Succeeded"), (1.0, "Failed")])
def test_updates_may_fail_by_chance(share: float, status: str) -> None:
    world = town(update_failures=share)
    assign(world, schedule(world), "windows")
    go(world, "2026-11-24 12:00")
    assert the_turn(world, "windows")["status"] == status


def test_without_being_asked_nothing_fails() -> None:
    for seed in range(40):
        world = town(seed=str(seed))
        assign(world, schedule(world), "windows", "linux")
        go(world, "2026-11-24 12:00")
        (run,) = world.runs
        assert run["status"] == "Succeeded"
        assert {turn["error"] for turn in run["turns"].values()} == {""}


def test_a_stopped_machine_is_not_patched() -> None:
    world = town()
    assign(world, schedule(world), "windows", "linux")
    go(world, "2026-11-24 12:00", Faults(stopped=("windows",)))
    turn = the_turn(world, "windows")
    assert (turn["status"], turn["steps"]) == ("Failed", [])
    assert turn["error"].startswith("ShutdownOrUnresponsive")
    assert the_turn(world, "linux")["status"] == "Succeeded"
    assert "installing" not in machine(world, "windows").hidden


def test_a_machine_that_has_just_come_up_has_no_agent_yet() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, "2026-11-24 01:59")
    ask(world, "POST", f"{COMPUTE}/windows/restart", version="2026-04-01")
    go(world, "2026-11-24 12:00")
    assert the_turn(world, "windows")["error"].startswith("ShutdownOrUnresponsive")


def test_a_machine_whose_settings_have_drifted() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    put_settings(world, "windows", bypassPlatformSafetyChecksOnUserSchedule=False)
    go(world, "2026-11-24 12:00")
    assert the_turn(world, "windows")["error"].startswith("PrerequisitesNotMet")


def test_a_machine_that_takes_no_extensions() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    machine(world, "windows").properties["osProfile"]["allowExtensionOperations"] = False
    go(world, "2026-11-24 12:00")
    assert the_turn(world, "windows")["error"].startswith("OperationNotAllowed")


def test_a_machine_that_gets_nowhere() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet1/subnets/default"
    world.resources[subnet.lower()].properties["defaultOutboundAccess"] = False
    go(world, "2026-11-24 12:00")
    turn = the_turn(world, "windows")
    assert (turn["status"], len(turn["steps"])) == ("Failed", 1)
    assert "0x80072EE2" in turn["error"]


@pytest.mark.parametrize(("when", "status"), [("03:00", "Failed"), ("12:00", "Succeeded")])
def test_a_machine_that_was_made_again_under_its_name(when: str, status: str) -> None:
    world = town()
    standing = machine(world, "windows")
    body, hidden = dict(standing.body), dict(standing.hidden)
    by_hand.delete(world, standing)
    standing.body, standing.hidden = body, hidden
    world.add(standing)
    assign(world, schedule(world, f"2026-11-23 {when}", recurs="1Day"), "windows")
    world.runs.clear()
    go(world, "2026-11-23 19:00" if status == "Failed" else "2026-11-24 19:00")
    if status == "Failed":
        schedule(world, "2026-11-23 19:30")
        go(world, "2026-11-23 19:40")
    turn = world.runs[-1]["turns"][f"{COMPUTE}/windows".lower()]
    assert turn["status"] == status


def test_a_machine_that_is_deleted_meanwhile() -> None:
    world = town()
    assign(world, schedule(world), "windows", "linux")
    go(world, "2026-11-24 02:10")
    by_hand.delete(world, machine(world, "windows"))
    go(world, "2026-11-24 12:00")
    assert the_turn(world, "windows")["status"] == "Failed"
    assert the_turn(world, "linux")["status"] == "Succeeded"
    (run,) = world.runs
    assert (run["status"], run["open"]) == ("PartiallySucceeded", 0)


def test_a_machine_that_is_turned_off_meanwhile() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, "2026-11-24 02:05")
    ask(world, "POST", f"{COMPUTE}/windows/deallocate", version="2026-04-01")
    go(world, "2026-11-24 12:00")
    turn = the_turn(world, "windows")
    assert turn["status"] == "Failed"
    assert turn["error"] == "The machine was turned off meanwhile."
    assert "Installed" not in turn["states"].values()
    assert machine(world, "windows").hidden["power"] == "deallocated"


def test_a_window_that_is_too_short() -> None:
    world = town()
    standing = machine(world, "windows")
    configuration = schedule(world)
    assign(world, configuration, "windows")
    window = world.resources[configuration.lower()].properties["maintenanceWindow"]
    window["duration"] = "00:30"
    go(world, "2026-11-24 12:00")
    turn = the_turn(world, "windows")
    assert (turn["status"], turn["states"].get("KB5067910")) == ("Failed", "Installed")
    assert "Pending" in turn["states"].values()
    assert standing.hidden["patchStatus"]["lastPatchInstallationSummary"][
        "maintenanceWindowExceeded"
    ]


# -- more than one schedule


def test_of_two_schedules_with_one_start_only_one_runs() -> None:
    world = town()
    for name in ("first", "second"):
        assign(world, schedule(world, name=name, recurs="1Week Tuesday"), "windows")
    assign(
        world, f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/second", "linux"
    )
    go(world, "2026-11-24 12:00")
    assert [len(run["turns"]) for run in world.runs] == [1, 1]
    assert sum(f"{COMPUTE}/windows".lower() in run["turns"] for run in world.runs) == 1


def test_a_second_schedule_waits_for_the_first() -> None:
    world = town()
    for name, start in (("first", "02:00"), ("second", "02:05")):
        assign(world, schedule(world, f"2026-11-24 {start}", name=name), "windows")
    go(world, "2026-11-24 12:00")
    first, second = (run["turns"][f"{COMPUTE}/windows".lower()] for run in world.runs)
    assert (first["status"], second["status"]) == ("Succeeded", "Succeeded")
    assert second["start"] == pytest.approx(first["end"])


def test_a_schedule_gives_up_when_the_first_takes_its_time() -> None:
    world = town()
    early, late = schedule(world, name="early"), schedule(world, "2026-11-24 02:05", name="late")
    assign(world, early, "windows")
    assign(world, late, "windows")
    world.resources[late.lower()].properties["maintenanceWindow"]["duration"] = "00:30"
    go(world, "2026-11-24 12:00")
    turn = world.runs[1]["turns"][f"{COMPUTE}/windows".lower()]
    assert turn["status"] == "Failed"
    assert turn["error"].startswith("Schedule timeout, waiting for an ongoing update")


# -- dynamic scopes


def in_scope(world: World, scope: str = SUBSCRIPTION, **filter: Any) -> set[str]:
    """The machines that a dynamic scope takes, by name."""
    configuration = schedule(world)
    path = f"{scope}/providers/Microsoft.Maintenance/configurationAssignments/scope"
    properties: dict[str, Any] = {"maintenanceConfigurationId": configuration, "filter": filter}
    body = {"location": "global", "properties": properties}
    assert ask(world, "PUT", path, body, version=VERSION).status == 200
    go(world, "2026-11-24 12:00")
    return {id.rsplit("/", 1)[1] for run in world.runs for id in run["turns"]}


@pytest.mark.parametrize(
    ("filter", "taken"),
    [
        ({}, {"windows", "linux", "dev", "test"}),
        ({"osTypes": ["linux"]}, {"linux", "test"}),
        ({"locations": ["East US"]}, {"windows", "linux", "dev", "test"}),
        ({"locations": ["westus"]}, set()),
        ({"resourceGroups": ["RG-TEST"], "osTypes": ["Windows"]}, {"windows", "dev"}),
        ({"resourceTypes": ["microsoft.hybridcompute/machines"]}, set()),
        ({"tagSettings": {"tags": {"RING": ["dev", "test"]}}}, {"dev", "test"}),
        ({"tagSettings": {"tags": {"ring": ["Dev"]}}}, set()),
        (
            {"tagSettings": {"tags": {"ring": ["dev"], "team": ["b"]}, "filterOperator": "Any"}},
            {"dev", "test"},
        ),
        (
            {"tagSettings": {"tags": {"ring": ["test"], "team": ["b"]}, "filterOperator": "All"}},
            {"test"},
        ),
    ],
)
def test_a_filter_is_evaluated_when_the_window_opens(filter: Any, taken: set[str]) -> None:
    world = town()
    add(world, "dev", ring="dev", team="a")
    add(world, "test", like="linux", ring="test", team="b")
    assert in_scope(world, **filter) == taken


def test_a_scope_ends_where_its_group_does() -> None:
    assert in_scope(town(), f"{SUBSCRIPTION}/resourceGroups/rg-test") == {"windows", "linux"}
    world = town()
    other = f"{SUBSCRIPTION}/resourceGroups/rg-other"
    assert ask(world, "PUT", other, {"location": "eastus"}).status == 201
    assert in_scope(world, other) == set()


def test_a_machine_is_patched_once_however_often_it_is_assigned() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    assert in_scope(world) == {"windows", "linux"}
    assert len(world.runs[0]["turns"]) == 2


# -- cancelling


def cancel(world: World, name: str, status: str = "Cancel") -> Any:
    path = f"{schedule(world)}/providers/Microsoft.Maintenance/applyUpdates/{name}"
    return ask(world, "PUT", path, {"properties": {"status": status}}, version=PREVIEW)


def test_a_run_can_be_cancelled_before_it_begins() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    response = cancel(world, "20261124020000")
    assert (response.status, response.body["properties"]["status"]) == (200, "Cancelled")
    assert response.body["name"] == "20261124020000"
    go(world, "2026-11-25 12:00")
    cancelled, next_one = world.runs
    assert (cancelled["status"], the_states(cancelled)) == ("Cancelled", [])
    assert next_one["status"] == "Succeeded"
    path = f"{schedule(world)}/providers/Microsoft.Maintenance/applyUpdates"
    for name, status in (("20261124020000", "Cancelled"), ("20261125020000", "Completed")):
        shown = ask(world, "GET", f"{path}/{name}", version=PREVIEW).body
        assert shown["properties"]["status"] == status
    assert ask(world, "GET", f"{path}/20260101000000", version=PREVIEW).status == 404


def the_states(run: Any) -> list[str]:
    return [state for turn in run["turns"].values() for state in turn["states"].values()]


@pytest.mark.parametrize(
    ("now", "name", "status"),
    [
        ("2026-11-24 01:51", "20261124020000", "Cancel"),
        ("2026-11-24 01:00", "20261125020000", "Cancel"),
        ("2026-11-24 01:00", "20261124020000", "Completed"),
    ],
)
def test_what_cannot_be_cancelled(now: str, name: str, status: str) -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, now)
    response = cancel(world, name, status)
    assert response.status == 400
    assert set(response.body) == {"Error"}


def test_no_platform_update_of_a_machine_is_pending() -> None:
    world = town()
    path = f"{COMPUTE}/windows/providers/Microsoft.Maintenance/applyUpdates/default"
    assert ask(world, "PUT", path, version=VERSION).status == 200
    body = ask(world, "GET", path, version=VERSION).body
    assert body["properties"]["status"] == "Completed"
    assert body["properties"]["lastUpdateTime"] == "0001-01-01T00:00:00"


# -- what is kept


def test_a_world_saved_in_the_middle_goes_on_as_if_it_had_not_been() -> None:
    worlds = []
    for interrupted in (False, True):
        world = town()
        add(world, "vm1", like="linux")
        assign(world, schedule(world), "windows", "linux", "vm1")
        if interrupted:
            for moment in ("02:00", "02:03", "02:20", "02:30", "03:00"):
                go(world, f"2026-11-24 {moment}")
                world = World.from_json(json.loads(world.saved()))
        go(world, "2026-11-25 12:00")
        worlds.append(json.loads(world.saved()))
    assert worlds[0] == worlds[1]


def test_old_runs_are_forgotten() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, "2027-02-01 12:00")
    assert 30 <= len(world.runs) <= 32
    assert all(run["end"] > at("2027-01-01 12:00") for run in world.runs)
    turn = world.runs[-1]["turns"].popitem()[1]
    world.runs[-1]["turns"] = {str(n): turn for n in range(MOST_TURNS)}
    go(world, "2027-02-02 12:00")
    assert len(world.runs) == 2


RUN = "microsoft.maintenance/maintenanceconfigurations/applyupdates"
