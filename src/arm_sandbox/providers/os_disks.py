"""Where the operating system of a virtual machine comes from.

From an image of the marketplace; from an image of somebody's gallery, generalized or specialized;
or from a disk that is attached as it is. A specialized image and an attached disk bring a system
that has been set up: such a machine has no `osProfile` (docs, "Create a VM from a specialized
image"), and cannot be given one later (azure-docs#21850).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from arm_sandbox.arm import Body, reference
from arm_sandbox.ids import parse, same
from arm_sandbox.providers import catalogue
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.providers.galleries import DEFINITION, VERSION
from arm_sandbox.providers.refusals import missing
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

Kind = Literal["marketplace", "gallery", "disk"]


@dataclass(frozen=True)
class Origin:
    """`image` is what the guest runs, whatever its disk was made from."""

    image: Image
    kind: Kind = "marketplace"
    specialized: bool = False

    @property
    def support(self) -> str:
        """Azure patches machines of marketplace images only without being told when (docs)."""
        if self.kind == "marketplace" or self.image.support == "none":
            return self.image.support
        return "scheduled"


def origin(world: World, storage: Body) -> Origin:
    """What a `storageProfile` begins with. Raises a Refusal where that is not to be had."""
    sent = storage.get("imageReference") or {}
    disk = storage.get("osDisk") or {}
    if sent.get("id"):
        return _in_gallery(world, str(sent["id"]))
    if sent:
        return Origin(_in_marketplace(sent))
    if not same(str(disk.get("createOption") or ""), "Attach"):
        missing("storageProfile.imageReference")
    return Origin(image_on(world, disk), "disk", specialized=True)


def origin_of(world: World, machine: Resource) -> Origin:
    """The same of a machine that stands, whatever has become of its image."""
    storage = machine.properties["storageProfile"]
    sent = storage.get("imageReference")
    image = catalogue.image_of(machine.body) or image_on(world, storage["osDisk"])
    kind: Kind = "disk" if not sent else "gallery" if sent.get("id") else "marketplace"
    return Origin(image, kind, specialized="osProfile" not in machine.properties)


def _in_marketplace(sent: Body) -> Image:
    names = [str(sent.get(key) or "") for key in ("publisher", "offer", "sku", "version")]
    image = catalogue.image_named(*names[:3])
    if image is None or names[3] not in ("latest", *image.versions):
        raise Refusal(
            404,
            "PlatformImageNotFound",
            f"The platform image '{':'.join(names)}' is not available. Verify that all fields in "
            "the storage profile are correct. For more details about storage profile information, "
            "please refer to https://aka.ms/storageprofile",
            target="imageReference",
        )
    return image


def _in_gallery(world: World, id: str) -> Origin:
    """By the id of an image definition, or of one of its versions."""
    found = world.find(id)
    definition = world.find(parse(id).parent) if found and found.type == VERSION else found
    if definition is None or definition.type != DEFINITION:
        message = f"The gallery image {id} is not available. Verify that the image exists."
        raise Refusal(404, "GalleryImageNotFound", message, target="imageReference")
    properties = definition.properties
    identifier = properties["identifier"]
    image = catalogue.image_named(*(identifier[name] for name in ("publisher", "offer", "sku")))
    return Origin(
        image or catalogue.guest_of(properties["osType"]),
        "gallery",
        specialized=properties["osState"] == "Specialized",
    )


def image_on(world: World, disk: Body) -> Image:
    """What is installed on a disk, as far as the disk tells where it came from."""
    standing = world.find(reference(world, disk, "managedDisk", "id"))
    if standing is None:
        return catalogue.guest_of(str(disk.get("osType") or "Windows"))
    return catalogue.image_named(*standing.hidden.get("image", ("", "", ""))) or _of_disk(standing)


def _of_disk(disk: Resource) -> Image:
    created: Any = disk.properties.get("creationData") or {}
    path = str((created.get("imageReference") or {}).get("id") or "")
    system = str(disk.properties.get("osType") or "Windows")
    return catalogue.image_at(path) or catalogue.guest_of(system)
