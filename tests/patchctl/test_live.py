"""Facts that patchctl leans on and only Azure can settle; docs/unverified.md names these tests.

On the sandbox they show what it makes of a fact; with `--live` they ask Azure. All is asked by
plain SDK calls. None of them has run on Azure yet.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.maintenance.models import (
    ConfigurationAssignment,
    InputPatchConfiguration,
    InputWindowsParameters,
    MaintenanceConfiguration,
)
from azure.mgmt.monitor.models import ActionGroupResource, EmailReceiver, NotificationRequestBody
from azure.mgmt.network.models import (
    AddressSpace,
    Subnet,
    SubnetPropertiesFormat,
    VirtualNetwork,
    VirtualNetworkPropertiesFormat,
)

from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.steps import (
    maintenance_configuration,
    network,
    resource_group,
    resource_providers,
    virtual_machine,
)
from tests.patchctl.conftest import Place

pytestmark = pytest.mark.live

MINUTES = 60.0


def test_first_start_in_a_dst_gap(place: Place) -> None:
    """No. 1: a start that the clocks skip is taken, and comes back as sent.

    When the window then opens, no answer tells: somebody has to watch that night.
    """
    place.deploy(resource_providers, resource_group)
    start = f"{_night_of_the_gap(place.connection.clock().year + 1)} 02:30"
    got = place.connection.run(_configured(place, _configuration(place, start, "1Week Sunday")))
    assert (got.start_date_time, got.time_zone) == (start, "Eastern Standard Time")


def test_week_begins(place: Place) -> None:
    """Nos. 3 and 5: every other weekend is taken, and comes back as sent.

    Whether Saturday and Sunday of one run fall into the same week, only the runs show. From a
    Sunday on, the run after it is 13 days later if weeks begin on Monday, and 6 if on Sunday.
    """
    place.deploy(resource_providers, resource_group)
    recur = "2Weeks Saturday,Sunday"
    start = f"{_night_of_the_gap(place.connection.clock().year + 1)} 05:00"
    got = place.connection.run(_configured(place, _configuration(place, start, recur)))
    assert (got.recur_every, got.start_date_time) == (recur, start)


def test_private_subnet_by_default(place: Place) -> None:
    """No. 17: at 2026-03-01 a subnet that does not say how it gets out is private."""
    place.deploy(resource_group)
    urls, subnet = place.connection.run(_subnet_made(place.clients, place.deployment))
    assert "api-version=2026-03-01" in urls[0]
    assert subnet.properties.default_outbound_access is False


def test_assignment_of_a_new_machine(place: Place) -> None:
    """No. 21: Azure takes it, or refuses it for a while with the sentence that patchctl knows."""
    place.deploy(
        resource_providers, resource_group, network, virtual_machine, maintenance_configuration
    )
    for answer in place.connection.run(_assigned_at_last(place.clients, place.deployment)):
        assert "few minutes after starting" in answer


def test_name_reuse(place: Place) -> None:
    """No. 24: a deleted configuration's name is refused with 409, and taken 20 minutes later."""
    place.deploy(resource_providers, resource_group)
    start = f"{place.connection.clock().year + 1}-01-02 02:00"
    place.connection.run(_reused(place, _configuration(place, start, "1Week Saturday")))


def test_unconfirmed_address(place: Place) -> None:
    """Nos. 31, 32 and 35: nothing tells a new address, whose code nobody entered, from another."""
    place.deploy(resource_providers, resource_group)
    receiver, result = place.connection.run(_tested(place.clients, place.deployment))
    assert receiver.status == "Enabled"
    assert result.state == "Complete"
    assert [(told.name, told.status) for told in result.action_details] == [("new", "Succeeded")]


def _night_of_the_gap(year: int) -> date:
    """The second Sunday of March, on which the eastern United States skip 02:00 to 03:00."""
    first = date(year, 3, 8)
    return first + timedelta(days=6 - first.weekday())


def _configuration(place: Place, start: str, recur: str) -> MaintenanceConfiguration:
    windows = InputWindowsParameters(classifications_to_include=["Critical"])
    return MaintenanceConfiguration(
        location=place.deployment.config.location,
        maintenance_scope="InGuestPatch",
        extension_properties={"InGuestPatchMode": "User"},
        start_date_time=start,
        duration="02:00",
        time_zone="Eastern Standard Time",
        recur_every=recur,
        install_patches=InputPatchConfiguration(
            reboot_setting="IfRequired", windows_parameters=windows
        ),
    )


async def _configured(place: Place, wanted: MaintenanceConfiguration) -> MaintenanceConfiguration:
    configurations = place.clients.maintenance.maintenance_configurations
    names = place.deployment.group, place.deployment.maintenance_configuration
    await configurations.create_or_update(*names, wanted)
    return await configurations.get(*names)


async def _reused(place: Place, wanted: MaintenanceConfiguration) -> None:
    configurations = place.clients.maintenance.maintenance_configurations
    names = place.deployment.group, place.deployment.maintenance_configuration
    await configurations.create_or_update(*names, wanted)
    await configurations.delete(*names)
    with pytest.raises(HttpResponseError) as refused:
        await configurations.create_or_update(*names, wanted)
    assert refused.value.status_code == 409
    await asyncio.sleep(21 * MINUTES)
    await configurations.create_or_update(*names, wanted)


async def _subnet_made(clients: Clients, d: Deployment) -> tuple[list[str], Any]:
    """The addresses that the PUT of the subnet went to, and the subnet."""
    urls: list[str] = []
    space = AddressSpace(address_prefixes=["10.61.0.0/24"])
    wanted = VirtualNetwork(
        location=d.config.location, properties=VirtualNetworkPropertiesFormat(address_space=space)
    )
    networks = clients.network.virtual_networks
    await (await networks.begin_create_or_update(d.group, d.network, wanted)).result()
    making = await clients.network.subnets.begin_create_or_update(
        d.group,
        d.network,
        "new",
        Subnet(properties=SubnetPropertiesFormat(address_prefix="10.61.0.0/25")),
        raw_request_hook=lambda asked: urls.append(asked.http_request.url),
    )
    await making.result()
    return urls, await clients.network.subnets.get(d.group, d.network, "new")


async def _assigned_at_last(clients: Clients, d: Deployment) -> list[str]:
    """What Azure answered until it took the assignment; it is asked for half an hour."""
    machine = (d.group, "Microsoft.Compute", "virtualMachines", d.virtual_machine)
    wanted = ConfigurationAssignment(
        location=d.config.location,
        maintenance_configuration_id=d.maintenance_configuration_id,
        resource_id=d.virtual_machine_id,
    )
    answers: list[str] = []
    assignments = clients.maintenance.configuration_assignments
    async with asyncio.timeout(30 * MINUTES):
        while True:
            try:
                await assignments.create_or_update(*machine, d.schedules[0].assignment, wanted)
            except HttpResponseError as error:
                answers.append(str(error))
                if "few minutes after starting" not in answers[-1]:
                    return answers
                await asyncio.sleep(30)
            else:
                return answers


async def _tested(clients: Clients, d: Deployment) -> tuple[Any, Any]:
    """The receiver with a new address as the group shows it, and what a test says of it."""
    groups = clients.monitor.action_groups
    # New to the tenant: the suffix is drawn for each live run.
    receiver = EmailReceiver(name="new", email_address=f"new-{d.suffix}@example.com")
    wanted = ActionGroupResource(
        location="Global", group_short_name="Live", email_receivers=[receiver]
    )
    await groups.create_or_update(d.group, d.action_group, wanted)
    test = NotificationRequestBody(alert_type="activitylog", email_receivers=[receiver])
    async with asyncio.timeout(10 * MINUTES):
        sending = await groups.begin_create_notifications_at_action_group_resource_level(
            d.group, d.action_group, test
        )
        result = await sending.result()
    group = await groups.get(d.group, d.action_group)
    [shown] = group.email_receivers or []
    return shown, result
