"""Over random fleets: an explanation is right if the sandbox then does what it says."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.app import settle
from arm_sandbox.patching.runs import CONFIGURATION
from arm_sandbox.patching.scopes import ASSIGNMENT
from arm_sandbox.providers import machines as sandbox
from arm_sandbox.world import Resource, World
from patchctl import evidence
from patchctl.explanation import UNKNOWN, Explanation, explained
from tests.arm_sandbox.ask import ask
from tests.fleet.building import COMPUTE, MAINTENANCE, configuration, put
from tests.fleet.drawing import EVERY, Fleet, Machine, Schedule, draw
from tests.patchctl.own_machines import HOURS, WINDOW, Place, at
from tests.seeds import more

GOOD = ("Succeeded", "CompletedWithWarnings")
ARC = "2025-01-13"
OPENING = ("06:00", "07:00", "08:00")
"""In UTC: an hour before the first window of ours, with it, and an hour after."""
BEFORE = (1.5, 6.5, 20)
"""Hours until that window when it is asked: at none of these anybody's schedule is at work, and a
machine that is being patched could not be assessed."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_it_is_as_the_next_window_shows(seed: int) -> None:
    told = _agrees(seed)
    assert {each.will_be_patched for each in told.values()} == {True, False}


@pytest.mark.parametrize("seed", more(3, 300, for_ci=15))
def test_it_is_as_many_next_windows_show(seed: int) -> None:
    _agrees(seed)


def _agrees(seed: int) -> dict[str, Explanation]:
    """Somebody changes some machines after deploy, each in a way that matters or does not."""
    random = Random(seed)
    fleet = draw(f"explain-{seed}", 14, groups=2, trouble=0.08, sorts=EVERY)
    with at(fleet) as place:
        place.deploy()
        for machine in fleet.machines:
            if random.random() < 0.5:
                random.choice(CHANGES)(place.world, machine, random.choice(OPENING))
        _wait_until(place, WINDOW - random.choice(BEFORE) * HOURS)
        for machine in fleet.machines:
            if random.random() < 0.15:
                _make_anew(place.world, machine)
        told = _told(place, fleet)
        _wait_until(place, WINDOW + 6 * HOURS)
        _happened(place.world, told)
    return told


def _told(place: Place, fleet: Fleet) -> dict[str, Explanation]:
    """Of every machine. Where nobody knows of updates they are looked for, as it says."""
    told = {machine.id: _explained(place, machine.id) for machine in fleet.machines}
    unknown = [id for id, each in told.items() if "updates" in _unknown(each)]
    for id in unknown:
        version = ARC if "HybridCompute" in id else COMPUTE
        ask(place.world, "POST", f"{id}/assessPatches", version=version)
    _wait_until(place, place.world.now + 0.6 * HOURS)
    return told | {id: _explained(place, id) for id in unknown}


def _happened(world: World, told: dict[str, Explanation]) -> None:
    ours, anyone = _patched(world, "mc-weekly"), _patched(world, "")
    for id, explanation in told.items():
        assert explanation.opens is not None
        assert explanation.opens.utc.timestamp() == WINDOW
        if explanation.certain:
            assert explanation.will_be_patched == (id.lower() in ours), explanation
        elif "assignment" in _unknown(explanation):
            assert id.lower() not in ours, explanation
        else:
            assert _unknown(explanation) == {"other schedules"}, explanation
            assert id.lower() in anyone, explanation


def _explained(place: Place, id: str) -> Explanation:
    clients, deployment = place.connection.clients, place.deployment(machines=None)
    return explained(place.connection.run(evidence.of(clients, deployment, id)))


def _unknown(explanation: Explanation) -> set[str]:
    return {link.name for link in explanation.links if link.judgement is UNKNOWN}


def _wait_until(place: Place, moment: float) -> None:
    place.connection.run(asyncio.sleep(moment - place.world.now))
    settle(place.world, moment)


def _patched(world: World, configuration: str) -> set[str]:
    """The machines on which a run ended well while the window was open, or soon after."""
    return {
        id
        for run in world.runs
        if configuration in run["id"]
        for id, turn in run["turns"].items()
        if turn["status"] in GOOD and WINDOW < turn["end"] < WINDOW + 4 * HOURS
    }


# -- what somebody does to a machine


def _lose_bypass(world: World, machine: Machine, opening: str) -> None:
    if machine.sort != "arc" and _resource(world, machine).body["properties"].get("osProfile"):
        settings = _patch_settings(world, machine)
        settings["automaticByPlatformSettings"] = {"rebootSetting": "IfRequired"}


def _patched_by_the_system(world: World, machine: Machine, opening: str) -> None:
    if machine.sort != "arc" and _resource(world, machine).body["properties"].get("osProfile"):
        mode = "AutomaticByOS" if machine.image.os == "Windows" else "ImageDefault"
        _patch_settings(world, machine).update(patchMode=mode, automaticByPlatformSettings=None)


def _turn_off(world: World, machine: Machine, opening: str) -> None:
    sandbox.stop(world, _resource(world, machine))


def _take_off(world: World, machine: Machine, opening: str) -> None:
    ours = f"{machine.id}/providers/microsoft.maintenance/".lower()
    for key in [key for key in world.resources if key.startswith(ours)]:
        by_hand.delete(world, world.resources[key])


def _put_on_theirs(world: World, machine: Machine, opening: str) -> None:
    """On somebody else's schedule, whose windows overlap ours."""
    if not sandbox.may_be_scheduled(_resource(world, machine)):
        return
    id = f"{machine.group.id}/providers/{CONFIGURATION}/mc-late-{machine.name}"
    schedule = Schedule(id, f"2026-11-01 {opening}", "Day", "01:30")
    put(world, schedule.id, configuration(schedule), MAINTENANCE)
    put(world, f"{machine.id}/providers/{ASSIGNMENT}/late", {
        "location": machine.group.location,
        "properties": {"maintenanceConfigurationId": schedule.id, "resourceId": machine.id},
    }, MAINTENANCE)  # fmt: skip


def _make_anew(world: World, machine: Machine) -> None:
    """It was deleted, and stands again under its old id."""
    if machine.sort != "arc":
        world.freed[machine.id.lower()] = world.now
        _resource(world, machine).body["properties"]["timeCreated"] = world.stamp


def _forbid_extensions(world: World, machine: Machine, opening: str) -> None:
    properties = _resource(world, machine).body["properties"]
    if machine.sort == "arc":
        properties["agentConfiguration"]["extensionsEnabled"] = "false"
    elif properties.get("osProfile"):
        properties["osProfile"]["allowExtensionOperations"] = False


def _tell_to_reboot(world: World, machine: Machine, opening: str) -> None:
    """A drift that keeps nothing from being patched."""
    settings = _patch_settings(world, machine) if machine.sort != "arc" else {}
    if settings.get("automaticByPlatformSettings"):
        settings["automaticByPlatformSettings"]["rebootSetting"] = "Always"


CHANGES = (
    _lose_bypass,
    _patched_by_the_system,
    _turn_off,
    _take_off,
    _put_on_theirs,
    _forbid_extensions,
    _tell_to_reboot,
)


def _resource(world: World, machine: Machine) -> Resource:
    return world.resources[machine.id.lower()]


def _patch_settings(world: World, machine: Machine) -> dict[str, Any]:
    return sandbox.patch_settings(_resource(world, machine))
