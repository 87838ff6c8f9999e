"""Machines that stand already: set up, released, put back, and how people ask for it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.options import Access, Fault, Options
from arm_sandbox.world import World
from patchctl import engine
from patchctl.engine import Limits
from patchctl.errors import Partly
from patchctl.report import Outcome
from patchctl.steps import STEPS, assignment, patch_settings
from tests.comparison import differences, state
from tests.fleet.building import build, put
from tests.fleet.drawing import SUBSCRIPTIONS, Fleet, Machine
from tests.patchctl.conftest import EMAIL, ignore
from tests.patchctl.own_machines import WANTED, Place, at, changed, outcome, quiet, unassign
from tests.patchctl.shell import Cli

COMPUTE = "Microsoft.Compute/virtualMachines"


def edit_patch_settings(place: Place, machine: Machine, path: str, value: str) -> None:
    """Somebody changes a machine."""
    os = "windows" if machine.image.os == "Windows" else "linux"
    settings = f"properties.osProfile.{os}Configuration.patchSettings"
    by_hand.edit(
        place.world, place.world.resources[machine.id.lower()], f"{settings}.{path}", value
    )


@pytest.mark.parametrize("tagging", [True, False])
def test_fewer_machines_release_the_others(*, tagging: bool) -> None:
    fleet = quiet()
    first, *others = fleet.machines
    with at(fleet) as place:
        place.asked["machine_tags"] = tagging
        before = state(place.world)
        place.deploy()
        plan = place.plan(place.deployment(machines=[first.name]))
        notes = " ".join(plan[patch_settings.NAME].notes)
        assert all(f"/{m.name} is released" in notes for m in others)
        place.deploy(machines=[first.name])
        assert place.assigned == {first.id.lower()}
        for machine in others:
            key = machine.id.lower()
            assert differences({key: before[key]}, {key: state(place.world)[key]}) == []
        place.destroy()
        assert differences(before, state(place.world)) == []


@pytest.mark.parametrize("tagging", [True, False])
def test_drift_is_mended_and_what_was_before_is_still_known(*, tagging: bool) -> None:
    fleet = quiet(1)
    (machine,) = fleet.machines
    with at(fleet) as place:
        place.asked["machine_tags"] = tagging
        before = state(place.world)
        place.deploy()
        edit_patch_settings(place, machine, "assessmentMode", "ImageDefault")
        reports = place.deploy()
        assert outcome(reports, patch_settings.NAME) is Outcome.UPDATED
        assert place.settings(machine) == WANTED
        place.destroy()
        assert differences(before, state(place.world)) == []


@pytest.mark.parametrize("tagging", [True, False])
def test_a_change_of_settings_that_is_broken_off_is_still_ours(*, tagging: bool) -> None:
    fleet = quiet(1)
    (machine,) = fleet.machines
    with at(fleet) as place:
        place.asked["machine_tags"] = tagging
        before = state(place.world)
        place.deploy()
        place.world.options.faults = [Fault("403", "PATCH", machine.id, times=0)]
        reports = place.deploy(**{"patches.reboot": "Never"})
        assert outcome(reports, patch_settings.NAME) is Outcome.PARTLY
        place.world.options.faults = []
        assert place.settings(machine) == WANTED
        place.destroy()
        assert differences(before, state(place.world)) == []


@pytest.mark.parametrize("tagging", [True, False])
def test_what_was_set_before_a_change_is_not_ours_after_it(*, tagging: bool) -> None:
    fleet = quiet(1)
    (machine,) = fleet.machines
    with at(fleet) as place:
        place.asked["machine_tags"] = tagging
        place.deploy()
        place.deploy(**{"patches.reboot": "Never"})
        place.deploy(**{"patches.reboot": "Never"})
        assert place.writes == []
        edit_patch_settings(
            place, machine, "automaticByPlatformSettings.rebootSetting", "IfRequired"
        )
        reports = place.destroy()
        assert outcome(reports, patch_settings.NAME) is Outcome.PARTLY
        assert place.settings(machine) == WANTED


def test_nothing_is_set_where_a_report_is_enough() -> None:
    fleet = quiet(2)
    with at(fleet) as place:
        before = state(place.world)
        deployment = place.deployment(prerequisites="report")
        assert not deployment.machines
        assert all("settings" in reason.reason for _, reason in deployment.hindered)
        place.deploy(prerequisites="report")
        key = [machine.id.lower() for machine in fleet.machines]
        now = state(place.world)
        assert differences({k: before[k] for k in key}, {k: now[k] for k in key}) == []
        assert place.assigned == set()


def test_machines_of_one_name_are_told_apart() -> None:
    one = quiet(1).machines[0]
    groups = [
        replace(one.group, id=f"/subscriptions/{subscription}/resourceGroups/rg-app")
        for subscription in SUBSCRIPTIONS[:2]
    ]
    *twins, _ = machines = [
        replace(one, group=group, id=f"{group.id}/providers/{COMPUTE}/{name}")
        for group, name in zip((*groups, groups[0]), ("vm-twin", "VM-Twin", "vm-only"), strict=True)
    ]
    with at(Fleet(tuple(groups), (), tuple(machines))) as place:
        plan = place.plan(place.deployment())
        subjects = {finding.subject for finding in plan[patch_settings.NAME].findings}
        assert subjects == {*(twin.id for twin in twins), "rg-app/vm-only"}
        assert len(changed(plan, assignment.NAME)) == 3


def test_one_machine_that_fails_stops_no_other() -> None:
    fleet = quiet(3)
    with at(fleet) as place:
        deployment = place.deployment()
        plan = place.plan(deployment)
        lock = f"{fleet.machines[0].id}/providers/Microsoft.Authorization/locks/late"
        put(place.world, lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01")
        clients = place.connection.clients
        going = engine.deploy(STEPS, clients, deployment, plan, ignore, Limits())
        reports = place.connection.run(going)
        assert outcome(reports, patch_settings.NAME) is Outcome.PARTLY
        assert outcome(reports, "activity-log-alerts") is Outcome.CREATED
        assert place.assigned == {m.id.lower() for m in fleet.machines[1:]}
        assert issubclass(Partly, Exception)


# -- as people use it


@pytest.fixture
def three(cli: Cli) -> Fleet:
    """Three machines in the sandbox of the command line."""
    fleet = quiet(3)
    cli.store.save(build(fleet))
    return fleet


def test_the_commands(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    names = [option for machine in three.machines[:2] for option in ("--vm", machine.name)]
    planned = cli("plan", *names, "--email", EMAIL)
    assert "virtual-machine            unchanged" in planned.out
    assert all(machine.name in planned.out for machine in three.machines[:2])
    assert three.machines[2].name not in planned.out
    deployed = cli("deploy", *names, "--email", EMAIL)
    assert deployed.code == 0
    assert "patch-settings 2 of 2" in deployed.err
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("validate").code == 0
    assert len(cli.json("status")["status"]["machines"]) == 2
    going = cli("destroy", "--yes")
    assert "These stay, and get back the patch settings that they had:" in going.out
    assert differences(before, state(cli.world)) == []


def test_a_list_comes_from_a_file_and_what_is_wrong_with_it_is_told_at_once(
    cli: Cli, three: Fleet, tmp_path: Path
) -> None:
    first, *_ = three.machines
    file = tmp_path / "machines.txt"
    file.write_text(f"# ours\n{first.id}\n\n", encoding="utf-8")
    assert "1 of 1" in cli("deploy", "--vm", f"@{file}", "--email", EMAIL).err
    file.write_text("nosuch\nneither-*\n", encoding="utf-8")
    refused = cli("deploy", "--vm", f"@{file}", "--email", EMAIL)
    assert refused.code == 2
    assert "nosuch" in refused.err
    assert "neither-*" in refused.err


def test_a_file_puts_back_what_has_lost_its_tag(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    cli.change(lambda world: _drop_tags(world, three))
    (file,) = cli.store.directory.glob("machines/*/*/*.json")
    assert cli("destroy", "--yes", "--restore-from", str(file)).code == 0
    assert differences(before, state(cli.world)) == []


def _drop_tags(world: World, fleet: Fleet) -> None:
    """A tool that knows the tags of its own only."""
    for machine in fleet.machines:
        tags = world.resources[machine.id.lower()].body["tags"]
        for name in [name for name in tags if name.startswith("patchctl-")]:
            del tags[name]


def test_a_deployment_of_a_machine_it_has_made_takes_no_others(cli: Cli, three: Fleet) -> None:
    cli.deploy("--no-result-alerts")
    refused = cli("deploy", "--vm", three.machines[0].name, "--email", EMAIL)
    assert refused.code == 2
    assert "a machine that it has made" in refused.err


def test_a_report_tells_owners_what_to_write(cli: Cli, three: Fleet) -> None:
    asked = ("--vm", "vm-*", "--email", EMAIL, "--prerequisites", "report")
    said = cli("plan", *asked).out
    assert "bypass_platform_safety_checks_on_user_schedule_enabled = true" in said
    assert "patchMode: 'AutomaticByPlatform'" in said
    assert all(machine.name in said for machine in three.machines)


def test_validate_finds_machines_on_which_nothing_is_ever_installed(cli: Cli, three: Fleet) -> None:
    first, second, _ = three.machines
    cli.deploy("--vm", first.name, "--vm", second.name)
    cli.change(lambda world: unassign(world, second))
    document = cli.json("validate", code=5)
    (settings,) = [step for step in document["steps"] if step["step"] == "patch-settings"]
    wrong = [finding for finding in settings["findings"] if finding["ok"] is False]
    assert [finding["subject"].endswith(second.name) for finding in wrong] == [True]
    assert "nothing is ever installed" in wrong[0]["got"]


def _lock(cli: Cli, machine: Machine) -> str:
    """Its owner forbids all writing to it; the id of the lock."""
    lock = f"{machine.id}/providers/Microsoft.Authorization/locks/theirs"
    cli.change(lambda world: put(world, lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01"))
    return lock


def test_a_machine_that_is_left_makes_exit_code_8_and_is_not_forgotten(
    cli: Cli, three: Fleet
) -> None:
    lock = _lock(cli, three.machines[0])
    ended = cli("deploy", "--vm", "vm-*", "--email", EMAIL)
    assert ended.code == 8
    assert "a ReadOnly lock is on it; remove the lock" in ended.err
    again = cli("deploy")
    assert again.code == 8
    assert "a ReadOnly lock is on it; remove the lock" in again.err
    assert cli("plan", "--detailed-exitcode").code == 0
    cli.change(lambda world: by_hand.delete(world, world.resources[lock.lower()]))
    assert cli("deploy").code == 0
    assert len(_assigned(cli.world)) == 3
    assert cli("plan", "--detailed-exitcode").code == 0


def test_validate_finds_machines_that_are_left(cli: Cli, three: Fleet) -> None:
    lock = _lock(cli, three.machines[0])
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 8
    document = cli.json("validate", code=5)
    assert [
        (f["subject"].endswith(three.machines[0].name), f["got"]) for f in _wrong(document)
    ] == [(True, "a ReadOnly lock is on it; remove the lock")]
    explained = cli.follow(document["error"])
    assert explained.code == 5
    assert "a ReadOnly lock is on it" in explained.out
    cli.change(lambda world: unassign(world, three.machines[1]))
    assert cli.json("validate", code=5)["error"]["next"].startswith("patchctl deploy ")
    cli.change(lambda world: by_hand.delete(world, world.resources[lock.lower()]))
    assert cli("deploy").code == 0
    assert cli("validate").code == 0
    cli.change(lambda world: by_hand.delete(world, world.resources[three.machines[0].id.lower()]))
    gone = [f["subject"] for f in _wrong(cli.json("validate", code=5)) if "is gone" in f["got"]]
    assert gone == [three.machines[0].id.lower()]


def test_what_came_in_the_way_of_a_machine_on_the_schedule_does_not_take_it_off(
    cli: Cli, three: Fleet
) -> None:
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    _lock(cli, three.machines[0])
    assert cli("validate").code == 0
    assert "a ReadOnly lock is on it" in cli("plan", "--detailed-exitcode").out
    assert cli("deploy").code == 0


def test_who_may_only_read_sees_that_it_holds(cli: Cli, three: Fleet) -> None:
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    before = cli.json("validate")["steps"]
    reader = Options(access=[Access("Reader")])
    cli.change(lambda world: setattr(world, "options", reader))
    assert cli.json("validate")["steps"] == before


def _wrong(document: Any) -> list[Any]:
    return [f for step in document["steps"] for f in step["findings"] if f["ok"] is False]


def test_a_missed_window_leads_to_what_was_in_the_way(cli: Cli, three: Fleet) -> None:
    for machine in three.machines:
        _lock(cli, machine)
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 8
    cli("sandbox", "advance", "--by", "8d")
    missed = cli.json("status", "--fail-if-missed", code=5)["error"]
    assert missed["code"] == "WindowMissed"
    assert missed["next"].startswith("patchctl validate ")
    assert " --explain /" in cli.json("validate", code=5)["error"]["next"]


@pytest.mark.parametrize("command", ["deploy", "plan", "assess"])
def test_an_empty_list_of_machines_is_refused(
    cli: Cli, three: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    asked = () if command == "assess" else ("--email", EMAIL)
    file = tmp_path / "machines.txt"
    file.write_text("# none yet\n\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    before = state(cli.world)
    for source in (f"@{file}", "-"):
        refused = cli(command, "--vm", source, *asked)
        assert refused.code == 2
        assert f"--vm: {source} names no machine" in refused.err
    assert differences(before, state(cli.world)) == []
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    assert cli("deploy", "--vm", "-").code == 2


def test_an_assignment_that_somebody_has_taken_away_is_missed(cli: Cli, three: Fleet) -> None:
    first = three.machines[0]
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL, "--prerequisites", "patch").code == 0
    cli.change(lambda world: unassign(world, first))
    cli.change(lambda world: _drop_tags(world, three))
    assert cli("validate").code == 5
    assert cli("deploy").code == 0
    assert len(_assigned(cli.world)) == 3


def test_a_machine_that_is_gone_is_told_of(cli: Cli, three: Fleet) -> None:
    first = three.machines[0]
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    cli.change(lambda world: by_hand.delete(world, world.resources[first.id.lower()]))
    ended = cli("deploy")
    assert ended.code == 8
    assert f"{first.id.lower()}: it was asked for, and is gone or you may not read it" in ended.err
    names = [option for machine in three.machines[1:] for option in ("--vm", machine.name)]
    assert cli("deploy", *names).code == 0
    assert cli("deploy").code == 0


def test_a_machine_that_somebody_else_assigns_to_the_schedule_is_theirs(
    cli: Cli, three: Fleet
) -> None:
    first, second, third = three.machines
    assert cli("deploy", "--vm", first.name, "--vm", second.name, "--email", EMAIL).code == 0
    cli.change(lambda world: _assign_by_hand(world, third, _assigned(world)[first.id.lower()]))
    before = state(cli.world)
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("deploy").code == 0
    assert differences(before, state(cli.world)) == []


def _assign_by_hand(world: World, machine: Machine, configuration: str) -> None:
    os = "windows" if machine.image.os == "Windows" else "linux"
    profile = world.resources[machine.id.lower()].properties["osProfile"]
    profile[f"{os}Configuration"]["patchSettings"] = {
        "patchMode": "AutomaticByPlatform",
        "assessmentMode": "ImageDefault",
        "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": True},
    }
    id = f"{machine.id}/providers/Microsoft.Maintenance/configurationAssignments/by-hand"
    properties = {"maintenanceConfigurationId": configuration, "resourceId": machine.id}
    body = {"location": machine.group.location, "properties": properties}
    put(world, id, body, "2023-04-01")


def _assigned(world: World) -> dict[str, str]:
    """The configuration that each machine is assigned to."""
    kind = "microsoft.maintenance/configurationassignments"
    found = (r.properties for r in world.resources.values() if r.type.lower() == kind)
    return {p["resourceId"].lower(): p["maintenanceConfigurationId"] for p in found}


def test_edits_of_assignments_are_mailed_within_the_subscription(cli: Cli) -> None:
    fleet = quiet(20)
    here = next(m for m in fleet.machines if SUBSCRIPTIONS[0] in m.id)
    away = next(m for m in fleet.machines if SUBSCRIPTIONS[0] not in m.id)
    cli.store.save(build(replace(fleet, machines=(here, away))))
    asked = ("--vm", "vm-*", "--email", EMAIL)
    said = "of 1 of 2 machines are not mailed: they are in other subscriptions"
    assert said in cli("plan", *asked).out
    assert cli("deploy", *asked).code == 0
    cli("sandbox", "advance", "--by", "1h")
    assert not cli.mails("alert")
    cli.change(lambda world: unassign(world, here))
    cli.change(lambda world: unassign(world, away))
    cli("sandbox", "advance", "--by", "1h")
    [alert] = cli.mails("alert")
    assert "Maintenance-Assignment-Deleted" in alert["subject"]
    assert cli("plan", "--detailed-exitcode").code == 5
    assert cli("destroy", "--yes").code == 0
    cli("sandbox", "advance", "--by", "1h")
    assert cli.mails("alert") == [alert]
