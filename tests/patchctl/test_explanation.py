"""Why a machine is or is not patched next time, link by link, and how people are told."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arm_sandbox.providers import machines as sandbox
from patchctl.explanation import OK, UNKNOWN, Agent, Evidence, Explanation, Link, explained
from patchctl.machines import Machine, Obstacle, Settings
from patchctl.observation import Assessment
from patchctl.schedule import recurrence, window
from patchctl.schedule.window import Window
from patchctl.status import Schedule
from tests.fleet.building import build
from tests.patchctl.own_machines import quiet
from tests.patchctl.shell import Cli

GROUP = "/subscriptions/s/resourceGroups/rg-app/providers"
OURS = "/mc-weekly"
SATURDAYS = Window(
    window.parse_start("2026-11-28 02:00"),
    timedelta(hours=2),
    "Eastern Standard Time",
    recurrence.parse("1Week Saturday"),
)
LATE = replace(SATURDAYS, start=window.parse_start("2026-11-28 23:50"))
OPENS = datetime(2026, 11, 28, 7, tzinfo=UTC)
VM = Machine(
    f"{GROUP}/Microsoft.Compute/virtualMachines/vm-one",
    "windows",
    "eastus",
    Settings("AutomaticByPlatform", bypass=True),
    power="running",
    schedules=(OURS,),
)
ASSESSED = Assessment(VM.id, OPENS - timedelta(days=3), "Succeeded", False, {"critical": 2}, "")
RIGHT = Evidence(
    machine=VM,
    agent=Agent(True, "Guest Agent is running"),
    made=OPENS - timedelta(days=30),
    schedules=(Schedule(OURS, SATURDAYS, since=OPENS - timedelta(days=9)),),
    others={},
    assessment=ASSESSED,
    obstacle=None,
    deploy="deploy here",
    now=OPENS - timedelta(days=2),
)


def _link(explanation: Explanation, name: str) -> Link:
    return next(link for link in explanation.links if link.name == name)


# -- one link at a time


def link(name: str, **seen: Any) -> tuple[str, str, str]:
    """What is said of a link, of evidence that is as it should be but for what is given."""
    found = _link(explained(replace(RIGHT, **seen)), name)
    return found.judgement, found.seen, found.cure


def machine(**changed: Any) -> Any:
    return {"machine": replace(VM, **changed)}


def test_everything_as_it_should_be() -> None:
    found = explained(RIGHT)
    assert {each.judgement for each in found.links} == {OK}
    assert [each.name for each in found.links] == [
        *("settings", "assignment", "schedule", "window", "power", "agent", "image", "updates"),
        "other schedules",
    ]
    assert found.sentence == "rg-app/vm-one will be patched on Sat 2026-11-28 at 07:00 UTC."


@pytest.mark.parametrize(
    ("name", "seen", "said", "cure"),
    [
        ("settings", machine(settings=Settings("Manual")), "patchMode is Manual", "deploy here"),
        ("settings", machine(settings=None), "no osProfile", "anew"),
        ("settings", machine(hotpatching=True), "hotpatching", "enableHotpatching=false"),
        ("assignment", machine(schedules=()), "not assigned to mc-weekly", "deploy here"),
        (
            "assignment",
            {**machine(schedules=()), "obstacle": Obstacle("a lock is on it", "remove the lock")},
            "a lock is on it",
            "remove the lock",
        ),
        (
            "schedule",
            {"schedules": (Schedule(OURS, None, problem="it is gone"),)},
            "it is gone",
            "patchctl deploy --name {name}",
        ),
        ("power", machine(power="deallocated"), "it is deallocated", "az vm start"),
        ("agent", machine(agent=False), "without the VM agent", "anew"),
        ("agent", machine(extensions=False), "allowExtension", "allowExtensionOperations=true"),
        ("agent", {"agent": Agent(False, "no heartbeat")}, "no heartbeat", "az vm restart"),
        (
            "agent",
            {"agent": Agent(True, "running", failed="WindowsPatchExtension")},
            "the extension WindowsPatchExtension has failed",
            "az vm extension delete",
        ),
        ("image", machine(publisher="MicrosoftWindowsDesktop"), "desktops", "its own updates"),
        (
            "updates",
            {"assessment": replace(ASSESSED, status="Failed", error="no route")},
            "ended Failed: no route",
            "patchctl assess",
        ),
    ],
)
def test_a_broken_link_says_what_was_seen_and_how_to_cure_it(
    name: str, seen: dict[str, Any], said: str, cure: str
) -> None:
    judgement, was, typed = link(name, **seen)
    assert judgement == "broken"
    assert said in was
    assert cure in typed
    found = explained(replace(RIGHT, **seen))
    assert not found.will_be_patched
    assert "will not be patched" in found.sentence
    assert said in found.sentence


@pytest.mark.parametrize(
    ("name", "seen", "said"),
    [
        ("assignment", {"made": OPENS - timedelta(hours=7, minutes=59)}, "younger than that"),
        ("window", {"now": OPENS - timedelta(minutes=14)}, "opens in 14 minutes"),
        ("window", {"schedules": (Schedule(OURS, LATE),)}, "may be missed"),
        ("power", machine(power=""), "does not tell"),
        ("agent", {"agent": None}, "not reported"),
        ("updates", {"assessment": None}, "no assessment"),
        ("other schedules", {"others": {"/mc-theirs": SATURDAYS}}, "mc-theirs overlaps"),
        ("other schedules", {"others": {"/mc-theirs": None}}, "cannot be read"),
    ],
)
def test_what_nobody_can_tell_is_said_and_stops_nothing(
    name: str, seen: dict[str, Any], said: str
) -> None:
    judgement, was, _ = link(name, **seen)
    assert judgement == "unknown"
    assert said in was
    found = explained(replace(RIGHT, **seen))
    assert found.will_be_patched
    assert not found.certain
    assert f"unknown: {name}" in found.sentence


def test_a_machine_of_the_same_age_as_its_schedule_has_replaced_none() -> None:
    made = OPENS - timedelta(hours=2)
    schedule = Schedule(OURS, SATURDAYS, since=made - timedelta(minutes=5))
    assert link("assignment", made=made, schedules=(schedule,))[0] == "ok"
    assert link("assignment", made=OPENS - timedelta(hours=8))[0] == "ok"


def test_a_machine_that_is_off_tells_nothing_of_its_agent_and_its_updates() -> None:
    off = machine(power="stopped")
    failed = {"assessment": replace(ASSESSED, status="Failed")}
    assert link("agent", **off)[0] == "unknown"
    assert link("updates", **off, **failed)[0] == "unknown"


@pytest.mark.parametrize(
    ("starts", "judgement"), [("01:00", OK), ("06:59", UNKNOWN), ("07:01", OK), ("09:00", OK)]
)
def test_another_schedule_matters_where_its_window_opens_before_ours_and_overlaps(
    starts: str, judgement: str
) -> None:
    first = window.parse_start(f"2026-11-28 {starts}")
    other = replace(SATURDAYS, start=first, time_zone="UTC")
    assert link("other schedules", others={"/mc-theirs": other})[0] == judgement


def test_an_arc_machine_needs_no_settings_and_is_told_of_by_its_agent() -> None:
    arc = replace(
        VM, id=f"{GROUP}/Microsoft.HybridCompute/machines/arc-one", settings=None, power="connected"
    )
    right = replace(RIGHT, machine=arc, agent=None)
    assert {each.judgement for each in explained(right).links} == {OK}
    silent = explained(replace(right, machine=replace(arc, power="disconnected")))
    assert [each.name for each in silent.broken] == ["power"]
    assert "azcmagent" in silent.broken[0].cure
    desktop = explained(replace(right, machine=replace(arc, product="Windows 11 Pro")))
    assert [each.name for each in desktop.broken] == ["image"]


def test_of_several_schedules_the_one_counts_that_it_is_on_and_that_opens_first() -> None:
    first = window.parse_start("2026-11-20 02:00")
    fridays = replace(SATURDAYS, start=first, recurrence=recurrence.parse("1Week Friday"))
    once = Schedule("/mc-first", fridays)
    found = explained(replace(RIGHT, schedules=(*RIGHT.schedules, once)))
    assert found.opens is not None
    assert found.opens.utc == OPENS
    both = replace(VM, schedules=(OURS, once.id))
    found = explained(replace(RIGHT, machine=both, schedules=(*RIGHT.schedules, once)))
    assert found.opens is not None
    assert found.opens.utc == OPENS - timedelta(days=1)


# -- as people use it


def test_status_explains_one_machine(cli: Cli) -> None:
    cli.deploy("--no-result-alerts")
    vm = cli.the("Microsoft.Compute/virtualMachines")
    name = vm.body["name"]
    said = cli("status", "--explain", name)
    assert said.code == 0
    assert said.out.splitlines()[-1].endswith("will be patched on Sat 2026-11-28 at 07:00 UTC.")
    cli.change(lambda world: sandbox.stop(world, world.resources[vm.id.lower()]))
    said = cli("status", "--explain", vm.id.upper())
    assert said.code == 5
    assert "broken  power" in said.out
    assert f"cure: az vm start --ids {vm.id}" in said.out
    assert "will not be patched on Sat 2026-11-28 at 07:00 UTC, because it is" in said.out
    document = cli.json("status", "--explain", name, code=5)["explanation"]
    assert document["will_be_patched"] is False
    assert [each["name"] for each in document["links"] if each["judgement"] == "broken"] == [
        "power"
    ]


def test_an_unknown_machine_is_refused_with_those_that_are_called_alike(cli: Cli) -> None:
    cli.deploy("--no-result-alerts")
    name = cli.the("Microsoft.Compute/virtualMachines").body["name"]
    refused = cli("status", "--explain", f"{name}x")
    assert refused.code == 2
    assert f"near it: {name}" in refused.err


def test_the_cure_of_a_machine_that_is_on_no_schedule_leaves_the_others_on_theirs(cli: Cli) -> None:
    fleet = quiet(3)
    cli.store.save(build(fleet))
    one, two, three = fleet.machines
    cli.deploy("--vm", one.name, "--vm", two.name)
    document = cli.json("status", "--explain", three.name, code=5)["explanation"]
    cure = next(each["cure"] for each in document["links"] if each["name"] == "assignment")
    assert cli(*shlex.split(cure)[1:]).code == 0
    for machine in fleet.machines:
        told = cli.json("status", "--explain", machine.name)["explanation"]
        assert told["will_be_patched"]
