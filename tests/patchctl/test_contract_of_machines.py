"""What the steps promise of machines that stand already: a VM of somebody's, and one of Arc.

On the sandbox, or on Azure with `--live` (no machine of Arc can be made there). What is drifted and
what is left in the end is made and read with plain SDK calls, as in `test_contract`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.maintenance.models import ConfigurationAssignment
from azure.mgmt.resource.resources.models import ResourceGroup

from arm_sandbox import by_hand
from arm_sandbox.providers import catalogue
from arm_sandbox.transport import SandboxTransport
from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.errors import BadInput
from patchctl.layers import Layer
from patchctl.report import Outcome, State
from patchctl.resolving import resolve
from patchctl.selection import with_machines
from patchctl.steps import assignment, patch_settings, virtual_machine
from tests.patchctl.conftest import EMAIL, Place, delete_group
from tests.patchctl.test_contract import (
    is_made,
    is_taken_away,
    mends_drift,
    needed,
    patch_by_os,
)

KNOWN_WITHIN = 900.0
"""Seconds that Resource Graph may take to know of a machine."""


@pytest.fixture
def live(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--live"))


@pytest.fixture
def with_vm(place: Place, *, live: bool) -> Iterator[Place]:
    """A deployment that is asked to patch a VM which stands in another group and is set by its
    owner to be patched by its system."""
    place.deploy(*needed(virtual_machine), virtual_machine)
    made = place.deployment
    place.connection.run(patch_by_os(place.clients, made.group, made.virtual_machine))
    owned = Place(place.connection, _patching(place, made.virtual_machine_id), place.writes)
    yield owned
    if live:
        place.connection.run(delete_group(owned))


@pytest.fixture
def with_arc(place: Place) -> Place:
    """A deployment that is asked to patch a machine of Arc."""
    transport = place.clients.transport
    assert isinstance(transport, SandboxTransport)
    groups = place.clients.resources.resource_groups
    making = groups.create_or_update("rg-site", ResourceGroup(location="eastus"))
    group = place.connection.run(making).id
    image = catalogue.require_image("Canonical", "ubuntu-24_04-lts", "server")
    id = f"{group}/providers/Microsoft.HybridCompute/machines/arc-one"
    by_hand.connect(transport.world, id, "eastus", image)
    return Place(place.connection, _patching(place, id), place.writes)


def _patching(place: Place, machine: str) -> Deployment:
    run, clients, connection = place.connection.run, place.clients, place.connection
    asked = {"name": f"{place.deployment.name}-own", "emails": [EMAIL], "machines": [machine]}
    layer, me, now = Layer("the test", asked, {}), connection.me, connection.clock()
    found = run(resolve(clients, [layer], me, now, connection.draw_suffix))
    patience = time.monotonic() + KNOWN_WITHIN
    while True:
        try:
            return run(with_machines(clients, found))
        except BadInput:
            if connection.sandbox or time.monotonic() > patience:
                raise
            time.sleep(15)


@pytest.mark.live
def test_patch_settings_of_a_vm(with_vm: Place, *, live: bool) -> None:
    with_vm.deploy(*needed(patch_settings))
    is_made(patch_settings, with_vm, live=live)
    [machine] = with_vm.deployment.machines
    mends_drift(patch_settings, with_vm, _reset, machine.shown)
    is_taken_away(patch_settings, with_vm, [_set])


@pytest.mark.live
def test_settings_that_somebody_has_changed_stay(with_vm: Place) -> None:
    with_vm.deploy(*needed(patch_settings), patch_settings)
    run, clients, deployment = with_vm.connection.run, with_vm.clients, with_vm.deployment
    run(_let_it_never_restart(clients, deployment))
    [report] = with_vm.destroy([patch_settings])
    assert report.outcome is Outcome.PARTLY
    [note] = report.inspection.notes
    assert "somebody has changed it since" in note
    vm = run(_vm(clients, deployment))
    settings = vm.os_profile.windows_configuration.patch_settings
    assert settings.automatic_by_platform_settings.reboot_setting == "Never"
    assert not [tag for tag in vm.tags if tag.startswith("patchctl-before")]


@pytest.mark.live
def test_assignment_of_a_vm(with_vm: Place, *, live: bool) -> None:
    _keeps_its_promise(with_vm, live=live)


@pytest.mark.world
def test_assignment_of_a_machine_of_arc(with_arc: Place) -> None:
    _keeps_its_promise(with_arc, live=False)


def _keeps_its_promise(place: Place, *, live: bool) -> None:
    place.deploy(*needed(assignment))
    is_made(assignment, place, live=live)
    [machine] = place.deployment.machines
    mends_drift(assignment, place, _unassign, f"schedule of {machine.shown}")
    _leaves_what_leads_elsewhere(place)
    is_taken_away(assignment, place, [_assignment])


def _leaves_what_leads_elsewhere(place: Place) -> None:
    run, clients, deployment = place.connection.run, place.clients, place.deployment
    run(_lead_elsewhere(clients, deployment))
    [report] = place.destroy([assignment])
    assert report.outcome is Outcome.PARTLY
    assert run(_assignment(clients, deployment)).maintenance_configuration_id.endswith("/theirs")
    place.deploy(assignment)
    assert place.inspect(assignment).ready


@pytest.mark.world
def test_a_machine_of_arc_has_nothing_to_set(with_arc: Place) -> None:
    with_arc.deploy(*needed(patch_settings))
    assert with_arc.inspect(patch_settings).state is State.READY
    with_arc.writes.clear()
    with_arc.deploy(patch_settings)
    [report] = with_arc.destroy([patch_settings])
    assert report.outcome is Outcome.ABSENT
    assert not with_arc.writes


# -- by plain calls


async def _vm(clients: Clients, d: Deployment) -> Any:
    [machine] = d.machines
    return await clients.compute.virtual_machines.get(machine.group, machine.name)


async def _set(clients: Clients, d: Deployment) -> None:
    """Raises ResourceNotFoundError where nothing of what we have set is left."""
    vm = await _vm(clients, d)
    settings = vm.os_profile.windows_configuration.patch_settings
    tagged = [tag for tag in vm.tags if tag.startswith("patchctl-before")]
    if settings.patch_mode == "AutomaticByOS" and not tagged:
        raise ResourceNotFoundError("as it was before")


async def _reset(clients: Clients, d: Deployment) -> None:
    [machine] = d.machines
    await patch_by_os(clients, machine.group, machine.name)


async def _let_it_never_restart(clients: Clients, d: Deployment) -> None:
    [machine] = d.machines
    settings = {"automaticByPlatformSettings": {"rebootSetting": "Never"}}
    profile = {"windowsConfiguration": {"patchSettings": settings}}
    update: Any = {"properties": {"osProfile": profile}}
    machines = clients.compute.virtual_machines
    await (await machines.begin_update(machine.group, machine.name, update)).result()


def _names(d: Deployment) -> tuple[str, str, str, str, str]:
    [machine] = d.machines
    return machine.group, *machine.kind, machine.name, d.schedules[0].assignment


async def _assignment(clients: Clients, d: Deployment) -> Any:
    return await clients.maintenance.configuration_assignments.get(*_names(d))


async def _unassign(clients: Clients, d: Deployment) -> None:
    await clients.maintenance.configuration_assignments.delete(*_names(d))


async def _lead_elsewhere(clients: Clients, d: Deployment) -> None:
    """Another schedule of the same kind, and our assignment to that."""
    configurations = clients.maintenance.maintenance_configurations
    ours = await configurations.get(d.group, d.maintenance_configuration)
    theirs = await configurations.create_or_update(d.group, "theirs", ours)
    [machine] = d.machines
    led = ConfigurationAssignment(
        location=machine.location,
        maintenance_configuration_id=theirs.id,
        resource_id=machine.id,
    )
    await clients.maintenance.configuration_assignments.create_or_update(*_names(d), led)
