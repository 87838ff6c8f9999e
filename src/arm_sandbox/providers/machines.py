"""What the services that patch machines ask of one, be it a virtual machine or one of Arc.

Each sort of machine is a module that has the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from arm_sandbox import arm, conflicts
from arm_sandbox.arm import Body
from arm_sandbox.ids import parse
from arm_sandbox.providers import connected_machines, virtual_machines
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.world import Resource, World


class Sort(Protocol):
    """The functions below say what each is about."""

    PATCH_EXTENSION: tuple[str, str]
    REBOOT_AWAITED: float

    def os_of(self, machine: Resource) -> str: ...
    def image_of(self, world: World, machine: Resource) -> Image: ...
    def agent_ready(self, world: World, machine: Resource) -> bool: ...
    def patch_settings(self, machine: Resource) -> Body: ...
    def may_be_scheduled(self, machine: Resource) -> bool: ...
    def takes_extensions(self, machine: Resource) -> bool: ...
    def reaches_updates(self, world: World, machine: Resource) -> bool: ...
    def stop(self, world: World, machine: Resource) -> None: ...
    def start(self, world: World, machine: Resource) -> None: ...


SORTS: Mapping[str, Sort] = {
    virtual_machines.MACHINES: virtual_machines,
    connected_machines.MACHINES: connected_machines,
}


def is_machine(resource: Resource) -> bool:
    return resource.type in SORTS


def os_of(machine: Resource) -> str:
    """`Windows` or `Linux`."""
    return SORTS[machine.type].os_of(machine)


def image_of(world: World, machine: Resource) -> Image:
    """What its guest runs, as an image of the marketplace."""
    return SORTS[machine.type].image_of(world, machine)


def is_supported(world: World, machine: Resource) -> bool:
    """Whether Update Manager can patch what it runs (docs, support matrix)."""
    return image_of(world, machine).support != "none"


def agent_ready(world: World, machine: Resource) -> bool:
    """Whether it is on, and its agent can take orders."""
    return SORTS[machine.type].agent_ready(world, machine)


def patch_settings(machine: Resource) -> Body:
    return SORTS[machine.type].patch_settings(machine)


def may_be_scheduled(machine: Resource) -> bool:
    """Whether its settings let a schedule patch it."""
    return SORTS[machine.type].may_be_scheduled(machine)


def takes_extensions(machine: Resource) -> bool:
    """Whether a service may install its extension: without one nothing is assessed or patched."""
    return SORTS[machine.type].takes_extensions(machine)


def can_be_patched(world: World, machine: Resource) -> bool:
    """Whether an order to assess or to patch it would be carried out at all."""
    ready = agent_ready(world, machine) and takes_extensions(machine)
    return ready and is_supported(world, machine)


def reaches_updates(world: World, machine: Resource) -> bool:
    """Whether it has a way to where updates come from."""
    return SORTS[machine.type].reaches_updates(world, machine)


def reboot_awaited(machine: Resource) -> float:
    """For how many seconds Update Manager waits for a reboot (docs)."""
    return SORTS[machine.type].REBOOT_AWAITED


def stop(world: World, machine: Resource) -> None:
    """Somebody turns it off."""
    SORTS[machine.type].stop(world, machine)


def start(world: World, machine: Resource) -> None:
    """Somebody turns it on."""
    SORTS[machine.type].start(world, machine)


def require_no_installation(machine: Resource) -> None:
    """One operation on patches at a time, those of a schedule included."""
    if "installing" in machine.hidden:
        raise conflicts.concurrent()


def add_patch_extension(world: World, machine: Resource) -> None:
    """The service installs its extension with the first operation (docs, prerequisites)."""
    publisher, name = SORTS[machine.type].PATCH_EXTENSION
    name = name.format(os=os_of(machine))
    id, type = f"{machine.id}/extensions/{name}", f"{machine.type}/extensions"
    if world.find(id) is not None:
        return
    document = {
        **arm.envelope(parse(id), type, {}),
        "location": machine.body["location"],
        "properties": {
            "autoUpgradeMinorVersion": True,
            "publisher": publisher,
            "type": name,
            "typeHandlerVersion": "1.5" if os_of(machine) == "Windows" else "1.6",
            "provisioningState": "Succeeded",
        },
    }
    world.add(Resource(id, type, document, {"at": world.stamp}))
