"""Machines that stand elsewhere and are connected by Azure Arc: what patching asks of them.

Their agent makes the connection and sends heartbeats. 15 minutes without one and a machine is
Disconnected, 45 days and it is Expired (docs, Connected Machine agent overview).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox.arm import Body, envelope
from arm_sandbox.ids import parse
from arm_sandbox.providers import catalogue, managed_identity
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.world import Resource, World

MACHINES = "Microsoft.HybridCompute/machines"
SILENT = {"Disconnected": 15 * 60.0, "Expired": 45 * 86400.0}
"""What a machine is called after so many seconds without a heartbeat."""
CONFIGURATIONS = {"Windows": "windowsConfiguration", "Linux": "linuxConfiguration"}

# -- what is asked of any machine; see `machines`

PATCH_EXTENSION = ("Microsoft.SoftwareUpdateManagement", "{os}OsUpdateExtension")
"""Publisher and type of what the service installs with its first operation (docs)."""
REBOOT_AWAITED = 25 * 60.0
"""Seconds for which Update Manager waits for a reboot (docs)."""


def os_of(machine: Resource) -> str:
    return str(machine.properties["osType"]).capitalize()


def image_of(world: World, machine: Resource) -> Image:
    return catalogue.require_image(*machine.hidden["image"])


def agent_ready(world: World, machine: Resource) -> bool:
    return "silent" not in machine.hidden and bool(machine.hidden["agentReady"] <= world.now)


def patch_settings(machine: Resource) -> Body:
    profile = machine.properties.get("osProfile") or {}
    settings: Body = (profile.get(CONFIGURATIONS[os_of(machine)]) or {}).get("patchSettings") or {}
    return settings


def may_be_scheduled(machine: Resource) -> bool:
    """No orchestration has to be set (docs, scheduled patching)."""
    return True


def takes_extensions(machine: Resource) -> bool:
    """Its owner can forbid them at the machine (docs, agent security)."""
    return str(machine.properties["agentConfiguration"]["extensionsEnabled"]).lower() == "true"


def reaches_updates(world: World, machine: Resource) -> bool:
    return bool(machine.hidden["reachesUpdates"])


def stop(world: World, machine: Resource) -> None:
    """It goes silent; an installation on it gets no further."""
    machine.hidden["silent"] = world.now
    if "installing" in machine.hidden:
        machine.hidden["installing"].setdefault("off", world.now)
    for status, seconds in SILENT.items():
        since = world.now
        world.later(seconds, "agent.missed", machine=machine.id, since=since, status=status)


def start(world: World, machine: Resource) -> None:
    """It is heard of again. One that has expired would have to be connected anew (docs)."""
    if machine.properties["status"] != "Expired":
        machine.hidden.pop("silent", None)
        _say(world, machine, "Connected")


# -- what is particular to machines of Arc


def connect(
    world: World, id: str, location: str, image: Image, *, reaches_updates: bool = True
) -> Resource:
    """A machine is connected by its own agent (`azcmagent connect`), not by a client."""
    identity = {
        "type": "SystemAssigned",
        "principalId": managed_identity.appear(world, id),
        "tenantId": world.tenant,
    }
    document = {
        **envelope(parse(id), MACHINES, {}),
        "location": location,
        "tags": {},
        "identity": identity,
        "properties": _told(world, id, image),
    }
    hidden: dict[str, Any] = {"image": list(image.names), "agentReady": world.now}
    hidden["reachesUpdates"] = reaches_updates
    return world.add(Resource(id, MACHINES, document, hidden))


def _told(world: World, id: str, image: Image) -> Body:
    """What its agent tells of itself, as recorded answers show it, without the hardware."""
    name = parse(id).name
    return {
        "provisioningState": "Succeeded",
        "status": "Connected",
        "lastStatusChange": world.stamp,
        "errorDetails": [],
        "agentVersion": "1.52.03039.2243",
        "displayName": name,
        "machineFqdn": name,
        "osName": image.os.lower(),
        "osType": image.os.lower(),
        "osVersion": image.system_version,
        "osSku": image.title,
        "osProfile": {"computerName": name},
        "vmId": world.guid(id),
        "agentConfiguration": dict(AGENT_CONFIGURATION),
        "serviceStatuses": {
            service: {"status": "running", "startupType": "automatic"}
            for service in ("extensionService", "guestConfigurationService")
        },
        "agentUpgrade": {"enableAutomaticUpgrade": False},
        "cloudMetadata": {"provider": "N/A"},
    }


AGENT_CONFIGURATION = {
    "proxyUrl": "",
    "incomingConnectionsPorts": [],
    "extensionsAllowList": [],
    "extensionsBlockList": [],
    "proxyBypass": [],
    "extensionsEnabled": "true",
    "guestConfigurationEnabled": "true",
    "configMode": "full",
}


def _missed(world: World, machine: str, since: float, status: str) -> None:
    """Nothing was heard of a machine for so long that it is called something else."""
    standing = world.find(machine)
    if standing is not None and standing.hidden.get("silent") == since:
        _say(world, standing, status)


def _say(world: World, machine: Resource, status: str) -> None:
    if machine.properties["status"] != status:
        machine.properties.update(status=status, lastStatusChange=world.stamp)


HAPPENINGS: Mapping[str, Callable[..., None]] = {"agent.missed": _missed}
