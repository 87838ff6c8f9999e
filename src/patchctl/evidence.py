"""What is known of one machine, asked of the services themselves where Resource Graph lags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from patchctl import machines, queries, selection, standing
from patchctl.clients import find
from patchctl.errors import BadInput
from patchctl.explanation import DEPLOY, Agent, Evidence
from patchctl.graph import Graph
from patchctl.machines import Machine
from patchctl.observation import Assessment, assessment, reason
from patchctl.queries import Fleet
from patchctl.report import same, text

if TYPE_CHECKING:
    from azure.mgmt.compute.models import VirtualMachine, VirtualMachineInstanceView

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

SOURCE = "--explain"
READY = "ProvisioningState/succeeded"
POWER = "PowerState/"
EXTENSION = "PatchExtension"
FAILED = "provisioningstate/failed"


@dataclass(frozen=True)
class Seen:
    """A machine as it is now; the rest as far as it is told."""

    machine: Machine
    agent: Agent | None = None
    made: datetime | None = None
    assessment: Assessment | None = None


async def of(clients: Clients, deployment: Deployment, asked: str) -> Evidence:
    """Find a machine by its name or id, and everything that decides on its next patching.

    Raises BadInput for one that is not there.
    """
    everything = await selection.look(clients)
    known = {machine.id.lower() for machine in everything.machines}
    unseen = [machine for machine in deployment.patched if machine.id.lower() not in known]
    meant = selection.one(asked, [*everything.machines, *unseen], SOURCE)
    seen = Seen(meant) if meant.arc else await _now(clients, meant)
    found = replace(seen.machine, schedules=await _schedules(clients, meant))
    (machine,) = await selection.judged(clients, deployment, [found], everything.windows)
    others = set(machine.schedules).difference(deployment.configuration_ids)
    return Evidence(
        machine=machine,
        agent=seen.agent,
        made=seen.made,
        schedules=await standing.schedules(clients, deployment),
        others={id: everything.windows.get(id) for id in others},
        assessment=seen.assessment or await _latest(clients, machine),
        obstacle=selection.in_the_way(deployment, machine),
        deploy=_deploy(deployment, machine),
        now=deployment.now,
    )


async def _now(clients: Clients, machine: Machine) -> Seen:
    """A virtual machine as Compute has it."""
    all_machines = clients.within(machine.subscription).compute.virtual_machines
    getting = all_machines.get(machine.group, machine.name, expand="instanceView")
    if (standing := await find(getting)) is None:
        raise BadInput([f"{SOURCE}: {machine.id}: it is not there any more"])
    properties = standing.properties
    view = properties.instance_view if properties is not None else None
    made = properties.time_created if properties is not None else None
    now = machines.machine(_row(standing, view))
    found = replace(
        machine,
        settings=now.settings,
        power=now.power,
        tags=now.tags,
        hotpatching=now.hotpatching,
        agent=now.agent,
        extensions=now.extensions,
        publisher=now.publisher,
    )
    if view is None:
        return Seen(found, made=made)
    return Seen(found, _agent(view), made, _assessment(machine, view))


def _row(standing: VirtualMachine, view: VirtualMachineInstanceView | None) -> Mapping[str, Any]:
    """A machine in the columns of `queries.every_machine`."""
    body = standing.as_dict()
    properties = body["properties"]
    profile, storage = properties.get("osProfile") or {}, properties.get("storageProfile") or {}
    codes = [status.code or "" for status in (view.statuses if view else None) or ()]
    return {
        "id": body["id"],
        "location": body["location"],
        "tags": body.get("tags"),
        "os": (storage.get("osDisk") or {}).get("osType"),
        "power": next((code for code in codes if code.startswith(POWER)), ""),
        "windows": profile.get("windowsConfiguration"),
        "linux": profile.get("linuxConfiguration"),
        "extensions": profile.get("allowExtensionOperations"),
        "publisher": (storage.get("imageReference") or {}).get("publisher"),
    }


def _agent(view: VirtualMachineInstanceView) -> Agent | None:
    statuses = view.vm_agent.statuses if view.vm_agent is not None else None
    if not statuses:
        return None
    said = statuses[0].message or statuses[0].display_status or ""
    ready = same(statuses[0].code or "", READY)
    return Agent(ready, said.rstrip("."), _failed_extension(view))


def _failed_extension(view: VirtualMachineInstanceView) -> str:
    """The name of Update Manager's own, where it is to be removed so that it can come anew
    (azure-docs, update-manager/troubleshoot.md)."""
    for extension in view.extensions or ():
        codes = [status.code or "" for status in extension.statuses or ()]
        ours = (extension.type or "").endswith(EXTENSION)
        if ours and any(code.lower().startswith(FAILED) for code in codes):
            return extension.name or ""
    return ""


def _assessment(machine: Machine, view: VirtualMachineInstanceView) -> Assessment | None:
    """The last one that has ended. It tells urgent updates from others, and no more."""
    summary = view.patch_status.available_patch_summary if view.patch_status is not None else None
    if summary is None or summary.last_modified_time is None or summary.status == "InProgress":
        return None
    pending = {
        "security": summary.critical_and_security_patch_count or 0,
        "other": summary.other_patch_count or 0,
    }
    return Assessment(
        machine=machine.id.lower(),
        at=summary.last_modified_time.astimezone(UTC),
        status=text(summary.status),
        reboot_pending=bool(summary.reboot_pending),
        pending=pending,
        error=reason(summary.error.as_dict()) if summary.error is not None else "",
    )


async def _schedules(clients: Clients, machine: Machine) -> tuple[str, ...]:
    """The ids, in lower case, of the maintenance configurations that it is assigned to."""

    async def listed() -> list[str]:
        assignments = clients.within(machine.subscription).maintenance.configuration_assignments
        found = assignments.list(machine.group, *machine.kind, machine.name)
        return [str(each.maintenance_configuration_id).lower() async for each in found]

    return tuple(sorted(await find(listed()) or ()))


async def _latest(clients: Clients, machine: Machine) -> Assessment | None:
    """The latest that Resource Graph has; it keeps them for seven days."""
    graph = Graph(clients, [machine.subscription])
    asking = queries.assessments(Fleet((), (machine.id,), (machine.subscription,)))
    rows = [row async for page in graph.rows(asking) for row in page]
    return next((found for row in rows if (found := assessment(row)) is not None), None)


def _deploy(deployment: Deployment, machine: Machine) -> str:
    """The command that puts it on the schedule, and leaves those on it that were asked for."""
    named = [*deployment.patched, *(each for each, _ in deployment.hindered)]
    if machine.id.lower() in {each.id.lower() for each in named}:
        return DEPLOY
    if not deployment.own:  # it takes no machines but the one that it has made
        return f"patchctl deploy --name fleet --vm {machine.id} --email you@example.com"
    return " ".join((DEPLOY, *(f"--vm {each.id}" for each in (*named, machine))))
