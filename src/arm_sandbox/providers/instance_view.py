"""The instance view of a virtual machine: what is known of it at the moment."""

from __future__ import annotations

import copy

from arm_sandbox import operations
from arm_sandbox.arm import Body
from arm_sandbox.providers.virtual_machines import (
    EXTENSIONS,
    agent_ready,
    image_of,
    os_of,
    power_state,
)
from arm_sandbox.world import Resource, World


def instance_view(world: World, machine: Resource) -> Body:
    image = image_of(world, machine)
    disk = machine.properties["storageProfile"]["osDisk"]["name"]
    at = machine.hidden.get("provisioned", world.stamp)
    view: Body = {
        "disks": [{"name": disk, "statuses": [_status("ProvisioningState", "succeeded", at)]}],
        "hyperVGeneration": image.generation,
        "statuses": _statuses(machine, at),
    }
    if power_state(machine) not in ("deallocating", "deallocated"):
        view["vmAgent"] = _agent(world, machine)
    if agent_ready(world, machine):
        profile = machine.properties.get("osProfile") or {}
        view["computerName"] = profile.get("computerName", machine.body["name"])
        view |= {"osName": image.system, "osVersion": image.system_version}
    extensions = [_extension_view(child) for child in world.below(machine.id, EXTENSIONS)]
    if extensions:
        view["extensions"] = extensions
    patches = copy.deepcopy(machine.hidden.get("patchStatus", {}))
    if _is_assessed_now(world, machine):
        patches.setdefault("availablePatchSummary", {})["status"] = "InProgress"
    if patches:
        view["patchStatus"] = patches
    return view


def _is_assessed_now(world: World, machine: Resource) -> bool:
    """The summary's status "will remain InProgress until the operation completes" (REST reference);
    it is the extension's word, which has to be at work for it."""
    verbs = [operation.verb for operation in operations.running(world, machine.id)]
    return "assesspatches" in verbs and agent_ready(world, machine)


def _statuses(machine: Resource, at: str) -> list[Body]:
    state = str(machine.properties["provisioningState"]).lower()
    statuses = [_status("ProvisioningState", state, at)]
    if power_state(machine):
        power = {"code": f"PowerState/{power_state(machine)}", "level": "Info"}
        statuses.append({**power, "displayStatus": f"VM {power_state(machine)}"})
    return statuses


def _status(name: str, value: str, at: str) -> Body:
    said = "Provisioning succeeded" if value == "succeeded" else value.capitalize()
    return {"code": f"{name}/{value}", "level": "Info", "displayStatus": said, "time": at}


def _agent(world: World, machine: Resource) -> Body:
    """Until the agent has reported, the platform knows nothing of it (recorded)."""
    if not agent_ready(world, machine):
        status = {
            "code": "ProvisioningState/Unavailable",
            "level": "Warning",
            "displayStatus": "Not Ready",
            "message": "VM status blob is found but not yet populated.",
            "time": world.stamp,
        }
        return {"vmAgentVersion": "Unknown", "statuses": [status]}
    status = {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Ready",
        "message": "Guest Agent is running",
        "time": world.stamp,
    }
    version = "2.7.41491.1176" if os_of(machine) == "Windows" else "2.15.0.1"
    return {"vmAgentVersion": version, "statuses": [status], "extensionHandlers": []}


def _extension_view(extension: Resource) -> Body:
    properties = extension.properties
    return {
        "name": extension.body["name"],
        "type": f"{properties['publisher']}.{properties['type']}",
        "typeHandlerVersion": properties["typeHandlerVersion"],
        "statuses": [_status("ProvisioningState", "succeeded", extension.hidden.get("at", ""))],
    }
