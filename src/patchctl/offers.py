"""What the location offers, checked before anything is made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patchctl.clients import find
from patchctl.deployment import Deployment
from patchctl.errors import BadInput, Unregistered
from patchctl.machines import never_came_up
from patchctl.report import text

if TYPE_CHECKING:
    from azure.mgmt.compute.models import ResourceSku

    from patchctl.clients import Clients

SIZES = (
    "Standard_B2s",
    "Standard_B2as_v2",
    "Standard_B2s_v2",
    "Standard_D2as_v5",
    "Standard_D2s_v5",
)
"""The recipe's size first; its series is ageing, so newer ones follow."""
IMAGES = {
    "windows": (
        ("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"),
        ("MicrosoftWindowsServer", "WindowsServer", "2025-datacenter-g2"),
    ),
    "linux": (
        ("Canonical", "ubuntu-24_04-lts", "server"),
        ("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
    ),
}


@dataclass(frozen=True)
class Offer:
    """A VM size and an image that the location offers; `image` is publisher, offer and SKU."""

    size: str
    image: tuple[str, str, str]


async def with_offer(clients: Clients, deployment: Deployment) -> Deployment:
    """Say what a new machine would be made of; a machine that stands is left as it is.

    Raises BadInput when the location, the size or every image is not offered.
    """
    if await standing_size(clients, deployment) is not None:
        return deployment
    await require_location(clients, deployment)
    if deployment.own:
        return deployment
    try:
        size, image = await asyncio.gather(
            _size(clients, deployment), find_image(clients, deployment)
        )
    except Unregistered:
        # A subscription that has never had a machine tells nothing until Compute is registered.
        size, image = _unchecked(deployment)
    return replace(deployment, offer=Offer(size, image))


async def standing_size(clients: Clients, deployment: Deployment) -> str | None:
    """The size of the machine of ours that stands and is of use; None where one has to be made.

    Raises BadInput when it is asked for in another.
    """
    if deployment.own or not deployment.stands:
        return None
    machines = clients.compute.virtual_machines
    machine = await find(
        machines.get(deployment.group, deployment.virtual_machine, expand="instanceView")
    )
    properties = machine.properties if machine is not None else None
    if properties is None or never_came_up(properties):
        return None
    size = text(properties.hardware_profile.vm_size if properties.hardware_profile else None)
    _refuse_other_size(deployment, size)
    return size


def _unchecked(deployment: Deployment) -> tuple[str, tuple[str, str, str]]:
    machine = deployment.config.machine
    return machine.size or SIZES[0], IMAGES[machine.os][0]


def _refuse_other_size(deployment: Deployment, standing: str) -> None:
    asked = deployment.config.machine.size
    if asked is not None and asked.lower() != standing.lower():
        source = deployment.asked.source("machine.size")
        raise BadInput(
            [f"{source}: {asked} is asked for, and the machine stands as {standing}"],
            "Resize it with az vm resize, or give the new one another --name.",
        )


async def require_location(clients: Clients, deployment: Deployment) -> None:
    wanted = deployment.config.location
    found = clients.subscriptions.subscriptions.list_locations(deployment.subscription)
    known = sorted([location.name or "" async for location in found])
    if wanted not in known:
        source = deployment.asked.source("location")
        raise BadInput([f"{source}: there is no location '{wanted}'; known are {', '.join(known)}"])


async def _size(clients: Clients, deployment: Deployment) -> str:
    return (await find_size(clients, deployment)).name or ""


async def find_size(clients: Clients, deployment: Deployment) -> ResourceSku:
    """The size that is asked for, or the first of ours that is offered. Raises BadInput."""
    location, asked = deployment.config.location, deployment.config.machine.size
    found = clients.compute.resource_skus.list(filter=f"location eq '{location}'")
    offered = {
        (sku.name or "").lower(): sku
        async for sku in found
        if sku.resource_type == "virtualMachines" and _is_offered(sku) and _fits(sku)
    }
    wanted = (asked,) if asked is not None else SIZES
    for size in wanted:
        if size.lower() in offered:
            return offered[size.lower()]
    source = deployment.asked.source("machine.size")
    some = ", ".join(sorted(sku.name or "" for sku in offered.values())[:12])
    problem = f"'{asked}' is not" if asked is not None else f"none of {', '.join(SIZES)} is"
    raise BadInput(
        [
            f"{source}: {problem} offered to you in {location} for our images "
            f"(x64, generation 2, trusted launch); offered are {some}"
        ]
    )


def _is_offered(sku: ResourceSku) -> bool:
    """A restriction to some zones does not matter to a machine without a zone."""
    return not any(restriction.type == "Location" for restriction in sku.restrictions or [])


def _fits(sku: ResourceSku) -> bool:
    """Whether the size starts our images: x64, generation 2, with trusted launch."""
    able = {c.name or "": (c.value or "") for c in sku.capabilities or []}
    return (
        able.get("CpuArchitectureType", "x64").lower() == "x64"
        and "V2" in able.get("HyperVGenerations", "V1,V2")
        and able.get("TrustedLaunchDisabled", "False").lower() != "true"
    )


async def find_image(clients: Clients, deployment: Deployment) -> tuple[str, str, str]:
    """The first of ours that is offered. Raises BadInput; and Unregistered, which `find` would take
    for an image that is not there."""
    from azure.core.exceptions import ResourceNotFoundError

    location, os = deployment.config.location, deployment.config.machine.os
    for image in IMAGES[os]:
        with suppress(ResourceNotFoundError):
            if await clients.compute.virtual_machine_images.list(location, *image):
                return image
    listed = "; ".join(":".join(image) for image in IMAGES[os])
    raise BadInput([f"machine.os: {location} offers none of the images {listed}"])
