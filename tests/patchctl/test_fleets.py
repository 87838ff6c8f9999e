"""Fleets from the plan to the end: what plan names is what deploy writes and destroy takes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from azure.mgmt.resource.resources.models import ResourceGroup

from arm_sandbox.app import settle
from arm_sandbox.world import Resource
from patchctl.engine import Plan
from patchctl.report import Outcome, StepReport
from patchctl.steps import assignment, patch_settings, resource_group
from tests.comparison import State, differences, state
from tests.fleet.drawing import EVERY, UNSUPPORTED, Fleet, Machine, Settings, draw
from tests.fleet.truth import expectation
from tests.patchctl.foreign_edits import EDITS, edit, lock
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
from tests.seeds import more

SHARED = "rg-shared"
MACHINE = r".*(?:/virtualMachines|\.HybridCompute/machines)/([^/]+)"
WRITES = (
    (rf"PATCH {MACHINE}$", "settings"),
    (rf"PATCH {MACHINE}/providers/Microsoft\.Resources/tags/default$", "tag"),
    (rf"PUT {MACHINE}/providers/Microsoft\.Maintenance/configurationAssignments/", "assignment"),
)
"""What deploy may write to a machine; anything else would be named by its whole path."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5])
def test_two_hundred_machines_in_three_subscriptions(seed: int) -> None:
    """Some of them only Azure knows to be unsupported, and tells when they are written to."""
    fleet = _with_unforeseen(draw(seed, 200, sorts=EVERY))
    able = [machine for machine in fleet.machines if not hindered(machine)]
    late = [machine for machine in able if refused_later(machine)]
    done = [machine for machine in able if machine not in late]
    assert len(late) >= 5
    with at(fleet) as place:
        before = state(place.world, besides=_is_lock)
        plan = place.plan(place.deployment())
        to_change = [machine for machine in able if has_to_change(machine)]
        assert changed(plan, patch_settings.NAME) == shown(to_change)
        assert changed(plan, assignment.NAME) == shown(able)
        reports = place.deploy()
        assert told_of(reports) == {machine.name for machine in late}
        assert all(place.settings(m) == WANTED for m in to_change if m not in late)
        assert place.assigned == {machine.id.lower() for machine in done}
        _nothing_more_to_do(place, late, machines=None)
        ready = {m.id.lower() for m in done if not expectation(m).not_patched}
        place.connection.run(asyncio.sleep(WINDOW + 6 * HOURS - place.world.now))
        settle(place.world, WINDOW + 6 * HOURS)
        assert patched(place.world) & place.assigned == ready
        _is_restored_but_for_what_is_told(place, before, place.destroy())


def _with_unforeseen(fleet: Fleet) -> Fleet:
    """The fleet with every other machine of a gallery of an image that is not supported."""
    machines = list(fleet.machines)
    for n in [n for n, machine in enumerate(machines) if machine.sort == "gallery"][::2]:
        image = next(i for i in UNSUPPORTED if i.os == machines[n].image.os)
        by_itself = Settings("AutomaticByOS" if image.os == "Windows" else "ImageDefault")
        machines[n] = replace(machines[n], image=image, settings=by_itself, schedules=())
    return replace(fleet, machines=tuple(machines))


def _nothing_more_to_do(place: Place, late: Iterable[Machine], **asked: object) -> None:
    """But for what Azure has refused: that is tried again, and nothing else is written."""
    plan, refused = place.plan(place.deployment(**asked)), shown(list(late))
    assert changed(plan, patch_settings.NAME) == refused
    assert changed(plan, assignment.NAME) == refused
    others = {step for step, found in plan.items() if found.writes}
    assert others <= {patch_settings.NAME, assignment.NAME}
    place.deploy(**asked)
    assert set(written(place)) == {machine.name for machine in late}


def _is_restored_but_for_what_is_told(
    place: Place, before: State, reports: list[StepReport]
) -> None:
    """Where that may still succeed, the group stays that remembers it."""
    changed = _changed(before, state(place.world, besides=_is_lock))
    kept = next(report.outcome for report in reports if report.step == resource_group.NAME)
    assert changed - ({""} if kept is Outcome.LEFT else set()) == told_of(reports)


def _is_lock(resource: Resource) -> bool:
    return resource.type.lower() == "microsoft.authorization/locks"


def told_of(reports: list[StepReport]) -> set[str]:
    """Names of the machines that some step could not deal with."""
    notes = [
        note
        for report in reports
        if report.outcome is Outcome.PARTLY
        for note in report.inspection.notes
    ]
    return {note.split(":")[0].split("/")[1] for note in notes}


def _changed(before: State, after: State) -> set[str]:
    """Names of the machines that are not as they were, or have something that they had not."""
    found = (re.search(r"/(?:virtualMachines|machines)/([^/:]+)", line, re.IGNORECASE)
             for line in differences(before, after))  # fmt: skip
    return {match[1] if match else "" for match in found}


# -- random fleets, drifts and obstacles


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_fleets(seed: int) -> None:
    _is_as_planned_and_restored(seed)


@pytest.mark.parametrize("seed", more(3, 300, for_ci=20))
def test_many_random_fleets(seed: int) -> None:
    _is_as_planned_and_restored(seed)


def _is_as_planned_and_restored(seed: int) -> None:
    random = Random(seed)
    fleet = draw(f"fleet-{seed}", 12, groups=2, trouble=0.1, sorts=EVERY)
    with at(fleet) as place:
        groups = place.connection.clients.resources.resource_groups
        place.connection.run(groups.create_or_update(SHARED, ResourceGroup(location="westus2")))
        tagging, borrowing = random.random() < 0.5, random.random() < 0.5
        place.asked["machine_tags"] = tagging
        place.asked["resource_group"] = SHARED if borrowing else None
        able = [m for m in fleet.machines if not hindered(m, tagging=tagging)]
        late = [machine for machine in able if refused_later(machine)]
        before = state(place.world, besides=_is_lock)
        _writes_what_is_planned(place)
        assert tagging or not any(map(_is_tagged, place.world.resources.values()))
        _nothing_more_to_do(place, late)
        for machine in _some(random, fleet, place):
            edit(place.world, machine, random.choice(("settings", "assignment gone")), random)
        _writes_what_is_planned(place)
        _nothing_more_to_do(place, late, machines=None)
        for machine in _some(random, fleet, place):
            lock(place.world, machine, random.choice(("ReadOnly", "CanNotDelete")))
        for machine in _some(random, fleet, place):
            edit(place.world, machine, "settings", random)
        _is_restored_but_for_what_is_told(place, before, place.destroy())


def _is_tagged(resource: Resource) -> bool:
    return any(tag.startswith("patchctl-before") for tag in resource.body.get("tags") or {})


def _some(random: Random, fleet: Fleet, place: Place) -> list[Machine]:
    """Some of the machines that we have assigned."""
    ours = [machine for machine in fleet.machines if machine.id.lower() in place.assigned]
    return [machine for machine in ours if random.random() < 0.3]


def _writes_what_is_planned(place: Place) -> None:
    """Machine by machine; also of what Azure then refuses, just what plan has named is tried."""
    plan = place.plan(place.deployment())
    place.deploy()
    settings = {"settings", "tag"} if place.asked.get("machine_tags", True) else {"settings"}
    assert written(place) == _named(plan, settings)


def _named(plan: Plan, settings: set[str]) -> dict[str, set[str]]:
    """What plan says will be written to each machine."""
    named: dict[str, set[str]] = {}
    for step, what in ((patch_settings.NAME, settings), (assignment.NAME, {"assignment"})):
        for subject in changed(plan, step):
            named.setdefault(subject.split("/")[1], set()).update(what)
    return named


def written(place: Place) -> dict[str, set[str]]:
    """What the last deploy has asked Azure to write to each machine."""
    found: dict[str, set[str]] = {}
    for write in place.writes:
        if re.search(MACHINE, write, re.IGNORECASE):
            machine, what = _write(write)
            found.setdefault(machine, set()).add(what)
    return found


def _write(write: str) -> tuple[str, str]:
    for pattern, what in WRITES:
        if match := re.match(pattern, write, re.IGNORECASE):
            return match[1], what
    return write, "something else"


# -- what others have changed in between


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_foreign_edits(seed: int) -> None:
    _foreign_edits_stay_and_are_told(seed)


@pytest.mark.parametrize("seed", more(3, 100, for_ci=10))
def test_many_foreign_edits(seed: int) -> None:
    _foreign_edits_stay_and_are_told(seed)


def _foreign_edits_stay_and_are_told(seed: int) -> None:
    """Whatever others do to a machine between deploy and destroy, in the end it is as they left it;
    what was ours to put back and can no longer be is told."""
    random = Random(seed)
    fleet = draw(f"edits-{seed}", 12, groups=2, trouble=0, sorts=EVERY)
    with at(fleet) as place:
        place.deploy()
        made = {
            (machine.name, kind): done
            for machine in _some(random, fleet, place)
            for kind in [random.choice(EDITS)]
            if (done := edit(place.world, machine, kind, random)) is not None
        }
        reports = place.destroy()
        assert [what for what, done in made.items() if not done.holds(place.world)] == []
        told = {name for (name, _), done in made.items() if done.told}
        stays = {m.name for m in fleet.machines if not hindered(m) and stays_managed(m)}
        assert told <= told_of(reports) <= told | stays


def stays_managed(machine: Machine) -> bool:
    """Azure does not let a machine go back to its own times that it has no such times for."""
    scheduled = machine.sort != "arc" and machine.support == "scheduled"
    mode = machine.settings.mode
    return scheduled and mode == WANTED["patchMode"] and not machine.settings.bypass
