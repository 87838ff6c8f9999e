"""Virtual machines: what the services that patch machines ask of them, and their power."""

from __future__ import annotations

from collections.abc import Container

from arm_sandbox import conflicts, operations
from arm_sandbox.arm import Body
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import catalogue, network, os_disks
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.providers.patch_rules import CONFIGURATIONS
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World

MACHINES = "Microsoft.Compute/virtualMachines"
EXTENSIONS = f"{MACHINES}/extensions"
API = "2026-04-01"
VERSIONS = (
    *("2015-05-01-preview", "2015-06-15", "2016-03-30", "2016-04-30-preview", "2017-03-30"),
    *("2017-12-01", "2018-04-01", "2018-06-01", "2018-10-01", "2019-03-01", "2019-07-01"),
    *("2019-12-01", "2020-06-01", "2020-12-01", "2021-03-01", "2021-04-01", "2021-07-01"),
    *("2021-11-01", "2022-03-01", "2022-08-01", "2022-11-01", "2023-03-01", "2023-07-01"),
    *("2023-09-01", "2024-03-01", "2024-07-01", "2024-11-01", "2025-04-01", "2025-11-01"),
)
"""Those that Azure's API descriptions have."""

AGENT_READY = (20.0, 60.0)
"""Seconds from the end of creation, or a start, until the guest agent reports (recorded)."""
POWER = {
    "start": ("starting", "running", (15.0, 45.0)),
    "poweroff": ("stopping", "stopped", (10.0, 40.0)),
    "deallocate": ("deallocating", "deallocated", (20.0, 60.0)),
    "restart": ("running", "running", (20.0, 60.0)),
}
"""The power state while an action runs, the one after it, and how many seconds it takes."""


# -- what is asked of any machine; see `machines`

PATCH_EXTENSION = ("Microsoft.CPlat.Core", "{os}PatchExtension")
"""Publisher and type of what the service installs with its first operation (docs)."""
REBOOT_AWAITED = 15 * 60.0
"""Seconds for which Update Manager waits for a reboot (docs)."""


def os_of(machine: Resource) -> str:
    return str(machine.properties["storageProfile"]["osDisk"]["osType"])


def image_of(world: World, machine: Resource) -> Image:
    """The image it was made from, or what is on the disk that it boots."""
    named = catalogue.image_of(machine.body)
    return named or os_disks.image_on(world, machine.properties["storageProfile"]["osDisk"])


def agent_ready(world: World, machine: Resource) -> bool:
    ready = machine.hidden.get("agentReady")
    return power_state(machine) == "running" and ready is not None and bool(ready <= world.now)


def patch_settings(machine: Resource) -> Body:
    profile = machine.properties.get("osProfile") or {}
    configurations = [profile.get(name) or {} for name in CONFIGURATIONS.values()]
    return next((c["patchSettings"] for c in configurations if c.get("patchSettings")), {})


def may_be_scheduled(machine: Resource) -> bool:
    """Only platform mode with its safety checks bypassed makes a machine the customer's."""
    settings = patch_settings(machine)
    platform = settings.get("automaticByPlatformSettings") or {}
    return settings.get("patchMode") == "AutomaticByPlatform" and bool(
        platform.get("bypassPlatformSafetyChecksOnUserSchedule")
    )


def takes_extensions(machine: Resource) -> bool:
    """A machine without a profile has brought its agent on its disk."""
    profile = machine.properties.get("osProfile")
    if profile is None:
        return True
    configuration = profile[CONFIGURATIONS[os_of(machine)]]
    return bool(profile["allowExtensionOperations"] and configuration["provisionVMAgent"])


def reaches_updates(world: World, machine: Resource) -> bool:
    """Whether any of its interfaces has a way to where updates come from."""
    return any(network.has_route(world, nic.id) for nic in interfaces(world, machine))


def stop(world: World, machine: Resource) -> None:
    """It is shut down and deallocated; an installation on it gets no further."""
    machine.hidden["power"] = "deallocated"
    if "installing" in machine.hidden:
        machine.hidden["installing"].setdefault("off", world.now)


def start(world: World, machine: Resource) -> None:
    """It has come up; its agent needs a while more."""
    machine.hidden["power"] = "running"
    machine.hidden["agentReady"] = world.now + world.between(machine.id, "agent", *AGENT_READY)


# -- what is particular to virtual machines


def interfaces(world: World, machine: Resource) -> list[Resource]:
    references = machine.properties["networkProfile"]["networkInterfaces"]
    standing = (world.find(str(reference["id"])) for reference in references)
    return [nic for nic in standing if nic is not None]


def require_no_conflict(world: World, machine: Resource, beside: Container[str] = ()) -> None:
    """A machine does one thing at a time, except that its power may change `beside` some."""
    if any(operation.verb not in beside for operation in operations.running(world, machine.id)):
        raise conflicts.concurrent()


def require_extensions(machine: Resource) -> None:
    if not takes_extensions(machine):
        raise Refusal(
            409,
            "OperationNotAllowed",
            "This operation cannot be performed when extension operations are disallowed. To "
            "allow, please ensure VM Agent is installed on the VM and the "
            "osProfile.allowExtensionOperations property is true.",
        )


# -- power


def power_state(machine: Resource) -> str:
    """`running`, `stopped`, `deallocated`, or on the way to one of them."""
    return str(machine.hidden.get("power", ""))


def change_power(name: str, world: World, machine: Resource, request: Request) -> Response:
    during, _, seconds = POWER[name]
    require_no_conflict(world, machine, beside=("assesspatches", "installpatches"))
    if name != "start":
        stop(world, machine)
    machine.hidden["power"] = during
    machine.properties["provisioningState"] = "Updating"
    how = LongRunning("compute", seconds, location=True)
    _, headers = operations.start(world, request, machine.id, how, name)
    return Response(202, None, headers)


def power_changed(world: World, machine: Resource, operation: Operation) -> None:
    _, after, _ = POWER[operation.verb]
    machine.properties["provisioningState"] = "Succeeded"
    machine.hidden["power"] = after
    if after == "running":
        start(world, machine)
