"""The link between each machine and its schedules; without it nothing is ever installed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from azure.core.exceptions import HttpResponseError
from azure.mgmt.maintenance.models import ConfigurationAssignment

from patchctl import actions
from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.errors import Final
from patchctl.machines import Machine
from patchctl.many import Failure, each, require_all, try_each
from patchctl.report import Inspection, Part, State, check, joined, same, wrong
from patchctl.schedule.patch_schedule import PatchSchedule

NAME = "assignment"
NEEDS = ("resource-group", "virtual-machine", "patch-settings", "maintenance-configuration")
ACTIONS = (
    Needed(
        "Microsoft.Maintenance/configurationAssignments",
        "read write delete",
        actions.scheduled_groups,
    ),
)
TYPE = "Microsoft.Maintenance/configurationAssignments"
JUST_STARTED = "few minutes after starting"
"""Part of what Azure answers about a machine that it does not know yet (terraform retries, too)."""
AGAIN = 30.0


@dataclass(frozen=True)
class Link:
    """A machine and a schedule, and whether they are to be linked."""

    machine: Machine
    schedule: PatchSchedule
    wanted: bool
    released: bool = False
    """Whether the link is to be taken away; if it is not wanted either, it stays as it is."""

    @property
    def names(self) -> tuple[str, str, str, str, str]:
        return (
            self.machine.group,
            *self.machine.kind,
            self.machine.name,
            self.schedule.assignment,
        )

    @property
    def id(self) -> str:
        return f"{self.machine.id}/providers/{TYPE}/{self.schedule.assignment}"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    found = await each(_links(deployment), lambda link: _part(clients, deployment, link))
    parts = [part for part in found if part is not None]
    return joined(parts, deployment.is_ours) if parts else Inspection(State.READY)


async def apply(clients: Clients, deployment: Deployment) -> None:
    """Assign what is to be assigned, and nothing that is not asked for any more."""
    links = _links(deployment)
    _require_all(
        deployment,
        await try_each(links, lambda link: _mend(clients, deployment, link), _shown),
    )


async def destroy(clients: Clients, deployment: Deployment) -> None:
    links = _links(deployment)
    _require_all(
        deployment,
        await try_each(links, lambda link: _take_away(clients, deployment, link), _shown),
    )


def _require_all(deployment: Deployment, failed: list[Failure]) -> None:
    """Of many machines some may be left; of the one that patchctl makes nothing is done then."""
    if failed and not deployment.own:
        raise failed[0].error
    require_all(NAME, failed)


def desired(deployment: Deployment, link: Link) -> ConfigurationAssignment:
    return ConfigurationAssignment(
        location=link.machine.location,
        maintenance_configuration_id=deployment.configuration_id(link.schedule.configuration),
        resource_id=link.machine.id,
    )


def _links(deployment: Deployment) -> list[Link]:
    """Every machine with every schedule. Each is asked for: Resource Graph would know late."""
    asked = {machine.id for machine in deployment.patched}
    released = {machine.id for machine in deployment.released}
    return [
        Link(machine, schedule, machine.id in asked and schedule.wanted, machine.id in released)
        for machine in (deployment.known_machines if deployment.own else deployment.patched)
        for schedule in deployment.schedules
    ]


async def _part(clients: Clients, deployment: Deployment, link: Link) -> Part | None:
    """Assignments have no tags; one of this name is ours."""
    standing = await _standing(clients, link)
    if standing is None and not link.wanted:
        return None
    got = standing.maintenance_configuration_id if standing is not None else None
    subject = "schedule of the first window" if link.schedule.once else "schedule"
    if deployment.own:
        subject = f"{subject} of {link.machine.shown}"
    want = None if link.released else deployment.configuration_id(link.schedule.configuration)
    return Part(
        link.id, None if standing is None else deployment.tags, (check(subject, want, got),)
    )


async def _standing(clients: Clients, link: Link) -> ConfigurationAssignment | None:
    assignments = clients.within(link.machine.subscription).maintenance.configuration_assignments
    return await find(assignments.get(*link.names))


async def _mend(clients: Clients, deployment: Deployment, link: Link) -> None:
    part = await _part(clients, deployment, link)
    if part is None or not wrong(part):
        return
    if link.released:
        await _take_away(clients, deployment, link)
    elif link.wanted:
        await _assign(clients, deployment, link)


async def _take_away(clients: Clients, deployment: Deployment, link: Link) -> None:
    """Only what stands: a lock refuses to delete even what is not there. What somebody has since
    led to another schedule is theirs, unless the machine goes with it."""
    standing = await _standing(clients, link)
    if standing is None:
        return
    ours = deployment.configuration_id(link.schedule.configuration)
    leads = standing.maintenance_configuration_id or ""
    if deployment.own and not same(ours, leads):
        raise Final(
            "PartlyDone",
            f"somebody has led its assignment {link.schedule.assignment} to {leads}; that stays",
        )
    assignments = clients.within(link.machine.subscription).maintenance.configuration_assignments
    await assignments.delete(*link.names)


async def _assign(clients: Clients, deployment: Deployment, link: Link) -> None:
    """The engine's deadline bounds how long a machine may take to be known."""
    assignments = clients.within(link.machine.subscription).maintenance.configuration_assignments
    while True:
        try:
            await assignments.create_or_update(*link.names, desired(deployment, link))
        except HttpResponseError as error:
            answer = error.response.text() if error.response is not None else ""
            if JUST_STARTED not in answer:
                raise
            await asyncio.sleep(AGAIN)
        else:
            return


def _shown(link: Link) -> str:
    return link.machine.shown
