"""Fleets from the plan to the end: what plan names is what deploy writes and destroy takes back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from random import Random

import pytest
from azure.mgmt.resource.resources.models import ResourceGroup

from arm_sandbox import by_hand
from arm_sandbox.app import settle
from arm_sandbox.world import Resource
from patchctl.report import Outcome, StepReport
from patchctl.steps import assignment, patch_settings
from tests.comparison import State, differences, state
from tests.fleet.drawing import EVERY, Fleet, Machine, draw
from tests.fleet.truth import expectation
from tests.patchctl.own_machines import (
    HOURS,
    WANTED,
    WINDOW,
    Place,
    at,
    changed,
    has_to_change,
    hindered,
    patched,
    refused_later,
    shown,
)

SHARED = "rg-shared"


@pytest.mark.parametrize("seed", [5])
def test_two_hundred_machines_in_three_subscriptions(seed: int) -> None:
    drawn = draw(seed, 210, sorts=EVERY)
    machines = tuple(machine for machine in drawn.machines if not refused_later(machine))[:200]
    fleet = replace(drawn, machines=machines)
    able = [machine for machine in fleet.machines if not hindered(machine)]
    with at(fleet) as place:
        before = state(place.world)
        plan = place.plan(place.deployment())
        to_change = [machine for machine in able if has_to_change(machine)]
        assert changed(plan, patch_settings.NAME) == shown(to_change)
        assert changed(plan, assignment.NAME) == shown(able)
        place.deploy()
        assert all(place.settings(machine) == WANTED for machine in to_change)
        assert place.assigned == {machine.id.lower() for machine in able}
        _nothing_more_to_do(place)
        ready = {m.id.lower() for m in able if not expectation(m).not_patched}
        place.connection.run(asyncio.sleep(WINDOW + 6 * HOURS - place.world.now))
        settle(place.world, WINDOW + 6 * HOURS)
        assert patched(place.world) & place.assigned == ready
        reports = place.destroy()
        _is_as_before(place, before, fleet, reports)


def _nothing_more_to_do(place: Place) -> None:
    again = place.deployment()
    assert not any(found.writes for found in place.plan(again).values())
    place.deploy()
    assert place.writes == []
    kept = place.deployment(machines=None)
    assert kept.own
    assert not kept.released
    assert {machine.id for machine in kept.machines} <= {m.id for m in again.machines}


def _is_as_before(place: Place, before: State, fleet: Fleet, reports: list[StepReport]) -> None:
    """But for what a lock or Azure itself keeps us from taking back, and that is told."""
    locked = {m.name for m in fleet.machines if m.lock and m.id.lower() in place.assigned}
    kept = {m.name for m in fleet.machines if not hindered(m) and stays_managed(m)}
    assert told_of(reports, assignment.NAME) == locked
    assert told_of(reports, patch_settings.NAME) == kept
    assert _changed(before, state(place.world)) == locked | kept


def stays_managed(machine: Machine) -> bool:
    """Azure does not let a machine go back to its own times that it has no such times for."""
    scheduled = machine.sort != "arc" and machine.support == "scheduled"
    return (
        scheduled and machine.settings.mode == WANTED["patchMode"] and not machine.settings.bypass
    )


def told_of(reports: list[StepReport], step: str) -> set[str]:
    """Names of the machines that a step could not deal with."""
    report = next(report for report in reports if report.step == step)
    notes = report.inspection.notes if report.outcome is Outcome.PARTLY else ()
    return {note.split(":")[0].split("/")[1] for note in notes}


def _changed(before: State, after: State) -> set[str]:
    """Names of the machines that are not as they were, or have something that they had not."""
    found = (re.search(r"/(?:virtualMachines|machines)/([^/:]+)", line, re.IGNORECASE)
             for line in differences(before, after))  # fmt: skip
    return {match[1] if match else "" for match in found}


@pytest.mark.parametrize("seed", range(3))
def test_random_fleets(seed: int) -> None:
    _is_restored_after_drifts(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 300))
def test_many_random_fleets(seed: int) -> None:
    _is_restored_after_drifts(seed)


def _is_restored_after_drifts(seed: int) -> None:
    """Somebody edits some machines after deploy: those edits stay, and all others are put back."""
    random = Random(seed)
    fleet = draw(f"drift-{seed}", 12, groups=2, trouble=0.1, sorts=EVERY)
    tagging, borrowing = (Random(f"{what}-{seed}").random() < 0.5 for what in ("tags", "group"))
    with at(fleet) as place:
        groups = place.connection.clients.resources.resource_groups
        place.connection.run(groups.create_or_update(SHARED, ResourceGroup(location="westus2")))
        before = state(place.world)
        place.asked["machine_tags"] = tagging
        place.asked["resource_group"] = SHARED if borrowing else None
        planned = place.plan(place.deployment())
        place.deploy()
        late = shown([machine for machine in fleet.machines if refused_later(machine)])
        done = shown([m for m in fleet.machines if m.id.lower() in place.assigned])
        assert done == changed(planned, assignment.NAME) - late
        assert tagging or not any(map(_is_tagged, place.world.resources.values()))
        edited = _edit_some(place, fleet, random)
        theirs = {id: place.world.resources[id].body["properties"]["osProfile"] for id in edited}
        reports = place.destroy()
        for id, profile in theirs.items():
            assert place.world.resources[id].body["properties"]["osProfile"] == profile
        named = {place.world.resources[id].body["name"] for id in edited}
        able = [m for m in fleet.machines if not hindered(m, tagging=tagging)]
        kept = {m.name for m in able if stays_managed(m)}
        locked = {m.name for m in fleet.machines if m.lock}
        told = told_of(reports, patch_settings.NAME)
        assert told == named | kept
        assert _changed(before, state(place.world)) <= told | locked


def _is_tagged(resource: Resource) -> bool:
    return any(tag.startswith("patchctl-before") for tag in resource.body.get("tags") or {})


def _edit_some(place: Place, fleet: Fleet, random: Random) -> list[str]:
    """Their owners ask for no restarts on some of those that were changed."""
    edited = []
    for machine in fleet.machines:
        resource = place.world.resources[machine.id.lower()]
        ours = machine.id.lower() in place.assigned and has_to_change(machine)
        if ours and not refused_later(machine) and random.random() < 0.3:
            os = "windows" if machine.image.os == "Windows" else "linux"
            path = f"properties.osProfile.{os}Configuration.patchSettings"
            platform = f"{path}.automaticByPlatformSettings.rebootSetting"
            by_hand.edit(place.world, resource, platform, _other(machine.settings.reboot))
            edited.append(resource.id.lower())
    return edited


def _other(reboot: str | None) -> str:
    """A setting that is neither the one before nor ours: back to before is no difference."""
    return "Always" if reboot == "Never" else "Never"
