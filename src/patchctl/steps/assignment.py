"""The link between the machine and its schedule; without it nothing is ever installed."""

from __future__ import annotations

import asyncio

from azure.core.exceptions import HttpResponseError
from azure.mgmt.maintenance.models import ConfigurationAssignment

from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.report import Inspection, absent, check, inspected

NAME = "assignment"
NEEDS = ("resource-group", "virtual-machine", "maintenance-configuration")
MACHINES = ("Microsoft.Compute", "virtualMachines")
JUST_STARTED = "few minutes after starting"
"""Part of what Azure answers about a machine that it does not know yet (terraform retries, too)."""
AGAIN = 30.0


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    assignments = clients.maintenance.configuration_assignments
    names = (deployment.group, *MACHINES, deployment.virtual_machine, deployment.assignment)
    standing = await find(assignments.get(*names))
    got = standing.maintenance_configuration_id if standing is not None else None
    finding = check("schedule", deployment.maintenance_configuration_id, got)
    ids = [deployment.assignment_id]
    return absent([finding], ids) if standing is None else inspected([finding], ids)


async def apply(clients: Clients, deployment: Deployment) -> None:
    while True:
        try:
            return await _assign(clients, deployment)
        except HttpResponseError as error:
            answer = error.response.text() if error.response is not None else ""
            if JUST_STARTED not in answer:
                raise
            await asyncio.sleep(AGAIN)  # the engine's deadline bounds this


async def destroy(clients: Clients, deployment: Deployment) -> None:
    names = (deployment.group, *MACHINES, deployment.virtual_machine, deployment.assignment)
    await clients.maintenance.configuration_assignments.delete(*names)


def desired(deployment: Deployment) -> ConfigurationAssignment:
    return ConfigurationAssignment(
        location=deployment.config.location,
        maintenance_configuration_id=deployment.maintenance_configuration_id,
        resource_id=deployment.virtual_machine_id,
    )


async def _assign(clients: Clients, deployment: Deployment) -> None:
    names = (deployment.group, *MACHINES, deployment.virtual_machine, deployment.assignment)
    await clients.maintenance.configuration_assignments.create_or_update(
        *names, desired(deployment)
    )
