"""The link between the machine and its schedules; without it nothing is ever installed."""

from __future__ import annotations

import asyncio

from azure.core.exceptions import HttpResponseError
from azure.mgmt.maintenance.models import ConfigurationAssignment

from patchctl.clients import Clients, find
from patchctl.deployment import Deployment, PatchSchedule
from patchctl.report import Inspection, Part, check, joined, wrong

NAME = "assignment"
NEEDS = ("resource-group", "virtual-machine", "maintenance-configuration")
MACHINES = ("Microsoft.Compute", "virtualMachines")
TYPE = "Microsoft.Maintenance/configurationAssignments"
JUST_STARTED = "few minutes after starting"
"""Part of what Azure answers about a machine that it does not know yet (terraform retries, too)."""
AGAIN = 30.0


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    found = [await _part(clients, deployment, schedule) for schedule in deployment.schedules]
    return joined([part for part in found if part is not None], deployment.is_ours)


async def apply(clients: Clients, deployment: Deployment) -> None:
    for schedule in deployment.schedules:
        part = await _part(clients, deployment, schedule)
        if schedule.wanted and part is not None and wrong(part):
            await _assign(clients, deployment, schedule)


async def destroy(clients: Clients, deployment: Deployment) -> None:
    for schedule in deployment.schedules:
        await clients.maintenance.configuration_assignments.delete(*_names(deployment, schedule))


def desired(deployment: Deployment, schedule: PatchSchedule) -> ConfigurationAssignment:
    return ConfigurationAssignment(
        location=deployment.config.location,
        maintenance_configuration_id=deployment.configuration_id(schedule.configuration),
        resource_id=deployment.virtual_machine_id,
    )


def _names(deployment: Deployment, schedule: PatchSchedule) -> tuple[str, str, str, str, str]:
    return (deployment.group, *MACHINES, deployment.virtual_machine, schedule.assignment)


async def _part(clients: Clients, deployment: Deployment, schedule: PatchSchedule) -> Part | None:
    """Assignments have no tags; one of this name on a machine of ours is ours."""
    assignments = clients.maintenance.configuration_assignments
    standing = await find(assignments.get(*_names(deployment, schedule)))
    if standing is None and not schedule.wanted:
        return None
    got = standing.maintenance_configuration_id if standing is not None else None
    subject = "schedule of the first window" if schedule.once else "schedule"
    finding = check(subject, deployment.configuration_id(schedule.configuration), got)
    id = f"{deployment.virtual_machine_id}/providers/{TYPE}/{schedule.assignment}"
    return Part(id, None if standing is None else deployment.tags, (finding,))


async def _assign(clients: Clients, deployment: Deployment, schedule: PatchSchedule) -> None:
    """The engine's deadline bounds how long a machine may take to be known."""
    while True:
        try:
            await clients.maintenance.configuration_assignments.create_or_update(
                *_names(deployment, schedule), desired(deployment, schedule)
            )
        except HttpResponseError as error:
            answer = error.response.text() if error.response is not None else ""
            if JUST_STARTED not in answer:
                raise
            await asyncio.sleep(AGAIN)
        else:
            return
