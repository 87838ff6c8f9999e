"""What the services that work on a virtual machine ask of it, and its power."""

from __future__ import annotations

from collections.abc import Container

from arm_sandbox import arm, operations
from arm_sandbox.arm import Body
from arm_sandbox.ids import parse
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import compute_rules, network
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World

MACHINES = compute_rules.MACHINES
EXTENSIONS = f"{MACHINES}/extensions"

AGENT_READY = (20.0, 60.0)
"""Seconds from the end of creation, or a start, until the guest agent reports (recorded)."""
POWER = {
    "start": ("starting", "running", (15.0, 45.0)),
    "poweroff": ("stopping", "stopped", (10.0, 40.0)),
    "deallocate": ("deallocating", "deallocated", (20.0, 60.0)),
    "restart": ("running", "running", (20.0, 60.0)),
}
"""The power state while an action runs, the one after it, and how many seconds it takes."""


def os_of(machine: Resource) -> str:
    """`Windows` or `Linux`."""
    return str(machine.properties["storageProfile"]["osDisk"]["osType"])


def is_customer_managed(machine: Body) -> bool:
    """Whether a schedule may patch a machine: platform mode, and its safety checks bypassed."""
    settings = patch_settings(machine)
    platform = settings.get("automaticByPlatformSettings") or {}
    return settings.get("patchMode") == "AutomaticByPlatform" and bool(
        platform.get("bypassPlatformSafetyChecksOnUserSchedule")
    )


def patch_settings(machine: Body) -> Body:
    profile = (machine.get("properties") or {}).get("osProfile") or {}
    configurations = [profile.get(name) or {} for name in compute_rules.CONFIGURATIONS.values()]
    return next((c["patchSettings"] for c in configurations if c.get("patchSettings")), {})


def takes_extensions(machine: Resource) -> bool:
    """Whether a service may install its extension: without one nothing is assessed or patched."""
    profile = machine.properties["osProfile"]
    configuration = profile[compute_rules.CONFIGURATIONS[os_of(machine)]]
    return bool(profile["allowExtensionOperations"] and configuration["provisionVMAgent"])


def reaches_updates(world: World, machine: Resource) -> bool:
    """Whether any of its interfaces has a way to where updates come from."""
    return any(network.has_route(world, nic.id) for nic in interfaces(world, machine))


def interfaces(world: World, machine: Resource) -> list[Resource]:
    references = machine.properties["networkProfile"]["networkInterfaces"]
    standing = (world.find(str(reference["id"])) for reference in references)
    return [nic for nic in standing if nic is not None]


def require_no_conflict(world: World, machine: Resource, beside: Container[str] = ()) -> None:
    """A machine does one thing at a time, except that its power may change `beside` some."""
    if any(operation.verb not in beside for operation in operations.running(world, machine.id)):
        raise _conflict()


def require_no_installation(machine: Resource) -> None:
    """One operation on patches at a time, those of a schedule included."""
    if "installing" in machine.hidden:
        raise _conflict()


def _conflict() -> Refusal:
    return Refusal(
        409,
        "Conflict",
        "The request failed due to conflict with a concurrent request. To resolve it, please "
        "refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
    )


def require_extensions(machine: Resource) -> None:
    if not takes_extensions(machine):
        raise Refusal(
            409,
            "OperationNotAllowed",
            "This operation cannot be performed when extension operations are disallowed. To "
            "allow, please ensure VM Agent is installed on the VM and the "
            "osProfile.allowExtensionOperations property is true.",
        )


def add_patch_extension(world: World, machine: Resource) -> None:
    """The service installs its extension with the first operation (docs, prerequisites)."""
    name = f"{os_of(machine)}PatchExtension"
    id = f"{machine.id}/extensions/{name}"
    if world.find(id) is not None:
        return
    document = {
        **arm.envelope(parse(id), EXTENSIONS, {}),
        "location": machine.body["location"],
        "properties": {
            "autoUpgradeMinorVersion": True,
            "publisher": "Microsoft.CPlat.Core",
            "type": name,
            "typeHandlerVersion": "1.5" if os_of(machine) == "Windows" else "1.6",
            "provisioningState": "Succeeded",
        },
    }
    world.add(Resource(id, EXTENSIONS, document, {"at": world.stamp}))


# -- power


def power_state(machine: Resource) -> str:
    """`running`, `stopped`, `deallocated`, or on the way to one of them."""
    return str(machine.hidden.get("power", ""))


def agent_ready(world: World, machine: Resource) -> bool:
    """Whether the guest agent can take orders."""
    ready = machine.hidden.get("agentReady")
    return power_state(machine) == "running" and ready is not None and bool(ready <= world.now)


def runs(world: World, machine: Resource) -> None:
    """It has come up; its agent needs a while more."""
    machine.hidden["power"] = "running"
    machine.hidden["agentReady"] = world.now + world.between(machine.id, "agent", *AGENT_READY)


def turn_off(world: World, machine: Resource) -> None:
    """It is shut down and deallocated; an installation on it gets no further."""
    machine.hidden["power"] = "deallocated"
    if "installing" in machine.hidden:
        machine.hidden["installing"].setdefault("off", world.now)


def change_power(name: str, world: World, machine: Resource, request: Request) -> Response:
    during, _, seconds = POWER[name]
    require_no_conflict(world, machine, beside=("assesspatches", "installpatches"))
    if name != "start":
        turn_off(world, machine)
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
        runs(world, machine)
