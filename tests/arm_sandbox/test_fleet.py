"""The sandbox held against the rules in plain Python, machine by machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests import comparison
from tests.arm_sandbox.ask import ask, finish
from tests.comparison import differences, patch_settings, state
from tests.fleet.building import NOON, build, create
from tests.fleet.drawing import (
    HOTPATCHING,
    IMAGES,
    LINUX,
    WINDOWS,
    Fleet,
    Group,
    Machine,
    Settings,
    draw,
)
from tests.fleet.truth import effective, expectation, openings

GROUP = Group(
    "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg-app", "westeurope"
)
MANAGED = {
    "patchMode": "AutomaticByPlatform",
    "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": True},
}
SEEDS = range(3)


def one(settings: Settings, **more: Any) -> Machine:
    image = next(
        i
        for i in IMAGES
        if i.os == ("Linux" if settings in LINUX else "Windows")
        and i.hotpatches >= settings.hotpatching
    )
    id = f"{GROUP.id}/providers/Microsoft.Compute/virtualMachines/vm-one"
    return replace(Machine(id, GROUP, image, settings), **more)


def patch(world: World, machine: Machine, settings: object) -> Response:
    name = "linuxConfiguration" if machine.image.os == "Linux" else "windowsConfiguration"
    body = {"properties": {"osProfile": {name: {"patchSettings": settings}}}}
    return ask(world, "PATCH", machine.id, body, version="2026-04-01")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_draws_the_same_fleet(seed: int) -> None:
    assert draw(seed, 50) == draw(seed, 50)
    assert draw(seed, 50) != draw(seed + 100, 50)
    assert build(draw(seed, 50)).saved() == build(draw(seed, 50)).saved()


@pytest.mark.parametrize("settings", [*WINDOWS[::5], HOTPATCHING[1], LINUX[0], LINUX[4]])
def test_a_copy_is_what_a_request_makes(settings: Settings) -> None:
    machine = one(settings, tags={"a": "b"}, size="Standard_D4s_v5", extensions=False)
    copied = build(Fleet((GROUP,), (), (machine,)))
    made = build(Fleet((GROUP,), (), ()))
    create(made, machine)
    unique = ("vmId", "timeCreated", "uniqueId", "resourceGuid", "macAddress", "dnsSettings")

    def plain(world: World) -> comparison.State:
        found = state(world)
        for body in found.values():
            body["properties"] = {k: v for k, v in body["properties"].items() if k not in unique}
        return found

    assert differences(plain(copied), plain(made)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_machines_stand_as_they_were_drawn(seed: int) -> None:
    fleet = draw(seed, 100)
    world = build(fleet)
    for machine in fleet.machines:
        stands = patch_settings(world.resources[machine.id.lower()].body)
        wanted = effective(machine.settings)
        assert stands == {
            "patchMode": wanted.mode,
            "assessmentMode": wanted.assessment,
            "bypass": wanted.bypass,
            "reboot": wanted.reboot or None,
            "hotpatching": wanted.hotpatching,
        }, machine


@pytest.mark.parametrize("seed", SEEDS)
def test_settings_are_taken_from_whom_the_rules_say(seed: int) -> None:
    fleet = draw(seed, 120, trouble=0.15)
    world = build(fleet)
    for machine in fleet.machines:
        response = patch(world, machine, MANAGED)
        refused = expectation(machine).settings_refused
        assert (response.status != 200) == bool(refused), (machine, response.body)
    world.now += 60
    for machine in fleet.machines:
        expected = expectation(machine)
        got = patch_settings(ask(world, "GET", machine.id, version="2026-04-01").body)
        ready = got["patchMode"] == "AutomaticByPlatform" and got["bypass"]
        assert ready == expected.can_be_managed, machine


@pytest.mark.parametrize("settings", [*WINDOWS, *HOTPATCHING, *LINUX])
def test_what_was_changed_can_be_changed_back(settings: Settings) -> None:
    machine = one(settings)
    world = build(Fleet((GROUP,), (), (machine,)))
    before = state(world)
    changed = patch(world, machine, MANAGED)
    if expectation(machine).settings_refused:
        assert changed.status == 400
        assert differences(before, state(world)) == []
        return
    finish(world, changed)
    earlier: dict[str, Any] = {"patchMode": settings.mode, "assessmentMode": settings.assessment}
    if settings.mode == "AutomaticByPlatform":
        earlier["automaticByPlatformSettings"] = {
            "bypassPlatformSafetyChecksOnUserSchedule": bool(settings.bypass)
        }
    finish(world, patch(world, machine, earlier))
    assert differences(before, state(world)) == []


def test_a_difference_is_told_in_a_line() -> None:
    world = build(Fleet((GROUP,), (), (one(WINDOWS[0]),)))
    before = state(world)
    assert differences(before, state(world)) == []
    machine = by_hand.resource(world, "virtualMachines/vm-one")
    by_hand.edit(world, machine, "tags", {"a": "b"})
    disk = by_hand.resource(world, "disks/vm-one-disk")
    by_hand.delete(world, disk)
    assert differences(before, state(world)) == [
        f'changed: {machine.id}: tags.a: null -> "b"',
        f"went: {disk.id}",
    ]
    assert differences(before, state(world, besides=lambda r: r.id == machine.id)) == [
        f"went: {disk.id}",
        f"went: {machine.id}",
    ]


def test_openings_are_worked_out_by_the_calendar() -> None:
    """From 2026-11-23, a Monday, at noon."""
    daily, weekly, monthly = draw(1, 0).schedules
    daily, weekly, monthly = (
        replace(s, start="2026-11-01 02:00") for s in (daily, weekly, monthly)
    )
    hour, day = 3600.0, 86400.0
    assert openings(daily, NOON, 2) == [NOON + 14 * hour, NOON + 14 * hour + day]
    assert openings(weekly, NOON, 13) == [NOON + 4 * day + 14 * hour, NOON + 11 * day + 14 * hour]
    assert openings(monthly, NOON, 28) == [NOON + 26 * day + 14 * hour]
