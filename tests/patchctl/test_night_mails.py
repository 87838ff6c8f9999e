"""What reaches a mailbox after a patch night, good or bad: the truth, once, and nothing else."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arm_sandbox import by_hand, patch_night
from arm_sandbox.patch_night import Faults
from arm_sandbox.store import Store
from arm_sandbox.world import Resource, World
from patchctl import engine
from patchctl.clients import Connection, connect_to_sandbox
from patchctl.deployment import Deployment
from patchctl.engine import Limits
from patchctl.layers import Layer
from patchctl.offers import with_offer
from patchctl.resolving import resolve
from patchctl.steps import STEPS
from tests.patchctl.conftest import ignore

pytestmark = [pytest.mark.world, pytest.mark.slow]

EVENING = datetime(2026, 11, 28, 4, tzinfo=UTC).timestamp()
"""Three hours before Saturday, 02:00 in New York."""
SIX_HOURS = 6 * 3600.0
FEW, MANY = range(3), range(200)

Scene = Callable[[World], Faults]


def deployed(directory: Path, seed: int, os: str, *names: str) -> World:
    """A world in which the deployments of these names stand; each mails to NAME@example.com."""
    store = Store(directory)
    with store.locked():
        store.save(World(seed=str(seed), now=EVENING))
    with connect_to_sandbox(directory, None) as connection:
        for name in names or ("demo",):
            deploy(connection, name, os)
    return store.load()


def deploy(connection: Connection, name: str, os: str) -> None:
    asked = {"name": name, "emails": [f"{name}@example.com"], "machine.os": os}
    run, clients = connection.run, connection.clients
    found = run(
        resolve(
            clients,
            [Layer("the test", asked, {})],
            connection.me,
            connection.clock(),
            connection.draw_suffix,
        )
    )
    deployment: Deployment = run(with_offer(clients, found))
    plan = run(engine.inspect(STEPS, clients, deployment, ignore, Limits()))
    run(engine.deploy(STEPS, clients, deployment, plan, ignore, Limits()))


def night(world: World, scene: Scene) -> list[tuple[str, str, str]]:
    """Let the next window come and six hours pass; to whom what was mailed about, and its text."""
    faults = scene(world)
    until = patch_night.next_window(world)
    assert until is not None
    before = len(world.mails)
    patch_night.advance(world, until, faults)
    patch_night.advance(world, until + SIX_HOURS)
    return [
        (mail["to"], rule(mail["subject"]), mail["text"])
        for mail in world.mails[before:]
        if mail["kind"] == "alert"
    ]


def rule(subject: str) -> str:
    """`Patch-Run-Failed` of `Fired:Sev1 Azure Monitor Alert Patch-Run-Failed-demo-abc123 on ...`"""
    found = re.search(r"^(Fired|Resolved):Sev\d Azure Monitor Alert (\w+-\w+-\w+)", subject)
    assert found is not None
    return found[2] if found[1] == "Fired" else subject


def the(world: World, type: str, name: str = "") -> Resource:
    [found] = [r for r in world.resources.values() if r.type.endswith(type) and name in r.id]
    return found


def good(world: World) -> Faults:
    return patch_night.NONE


def failing(world: World) -> Faults:
    return Faults(machines=(the(world, "/virtualMachines").id,))


def stopped(world: World) -> Faults:
    return Faults(stopped=(the(world, "/virtualMachines").id,))


def unassigned(world: World) -> Faults:
    by_hand.delete(world, the(world, "/configurationAssignments"))
    return patch_night.NONE


def edited(world: World) -> Faults:
    configuration = the(world, "/maintenanceConfigurations")
    by_hand.edit(world, configuration, "properties.maintenanceWindow.duration", "03:00")
    return patch_night.NONE


TOLD = {
    good: [],
    failing: ["Patch-Run-Failed"],
    stopped: ["Patch-Run-Failed"],
    unassigned: ["Maintenance-Assignment-Deleted", "Patch-Run-Missed"],
    edited: ["Patch-Deployment-Activity"],
}
SAID = {
    failing: "1 not patched, 0 of them stopped or not ready",
    stopped: "1 not patched, 1 of them stopped or not ready",
}


def check_night(directory: Path, seed: int, os: str) -> None:
    world = deployed(directory, seed, os)
    for scene, told in TOLD.items():
        mails = night(copy.deepcopy(world), scene)
        assert [about for _, about, _ in mails] == told, scene.__name__
        assert all(SAID.get(scene, "") in text for _, _, text in mails)


def check_two(directory: Path, seed: int, os: str) -> None:
    world = deployed(directory, seed, os, "one", "two")
    for ours in ("one", "two"):

        def scene(world: World, ours: str = ours) -> Faults:
            return Faults(machines=(the(world, "/virtualMachines", f"/vm-{ours}-").id,))

        mails = night(copy.deepcopy(world), scene)
        assert [(to, about) for to, about, _ in mails] == [
            (f"{ours}@example.com", "Patch-Run-Failed")
        ]


@pytest.mark.parametrize("os", ["windows", "linux"])
@pytest.mark.parametrize("seed", FEW)
def test_a_night_is_told_as_it_was(tmp_path: Path, seed: int, os: str) -> None:
    check_night(tmp_path, seed, os)


@pytest.mark.parametrize("os", ["windows", "linux"])
def test_two_deployments_mail_only_their_own(tmp_path: Path, os: str) -> None:
    check_two(tmp_path, 0, os)


@pytest.mark.parametrize("os", ["windows", "linux"])
@pytest.mark.parametrize("seed", MANY)
def test_two_hundred_nights_are_told_as_they_were(tmp_path: Path, seed: int, os: str) -> None:
    check_night(tmp_path / "one", seed, os)
    check_two(tmp_path / "two", seed, os)
