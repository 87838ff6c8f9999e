"""Managed disks: those of operating systems, and those that somebody makes by themselves."""

from __future__ import annotations

from arm_sandbox import arm
from arm_sandbox.arm import Body, Kind, reference, writable
from arm_sandbox.ids import Id, parse
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import catalogue, resources
from arm_sandbox.providers.os_disks import Origin
from arm_sandbox.providers.refusals import missing
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

DISKS = "Microsoft.Compute/disks"
API = "2026-03-02"
VERSIONS = (
    *("2016-04-30-preview", "2017-03-30", "2018-04-01", "2018-06-01", "2018-09-30", "2019-03-01"),
    *("2019-07-01", "2019-11-01", "2020-05-01", "2020-06-30", "2020-09-30", "2020-12-01"),
    *("2021-04-01", "2021-08-01", "2021-12-01", "2022-03-02", "2022-07-02", "2023-01-02"),
    *("2023-04-02", "2023-10-02", "2024-03-02", "2025-01-02"),
)
"""Those that Azure's API descriptions have."""


def make(world: World, id: Id, machine: Body, origin: Origin) -> None:
    """The OS disk of a new machine.

    It does not get the machine's tags (recorded: a list by tag leaves it out).
    """
    disk = machine["properties"]["storageProfile"]["osDisk"]
    sku = disk["managedDisk"]["storageAccountType"]
    document: Body = {
        **arm.envelope(parse(disk["managedDisk"]["id"]), DISKS, {}),
        "location": machine["location"],
        "managedBy": id.text,
        "sku": {"name": sku, "tier": sku.split("_")[0].removesuffix("SSD")},
        "properties": {
            "osType": origin.image.os,
            "hyperVGeneration": origin.image.generation,
            "creationData": _creation(id, machine, origin),
            "diskSizeGB": disk["diskSizeGB"],
            "diskSizeBytes": disk["diskSizeGB"] * 2**30,
            "timeCreated": world.stamp,
            "provisioningState": "Succeeded",
            "diskState": "Attached",
            "uniqueId": world.guid(disk["managedDisk"]["id"]),
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
        },
    }
    hidden = {"image": list(origin.image.names)}
    world.add(Resource(document["id"], DISKS, document, hidden))


def _creation(id: Id, machine: Body, origin: Origin) -> Body:
    found = machine["properties"]["storageProfile"]["imageReference"]
    if origin.kind == "gallery":
        return {"createOption": "FromImage", "galleryImageReference": {"id": found["id"]}}
    names = (*origin.image.names, found["exactVersion"])
    source = catalogue.image_path(id.subscription, machine["location"], *names)
    return {"createOption": "FromImage", "imageReference": {"id": source}}


def attach(world: World, id: Id, disk: Body) -> None:
    """A machine takes a disk that is there."""
    standing = world.resources[disk["managedDisk"]["id"].lower()]
    standing.body["managedBy"] = id.text
    standing.properties["diskState"] = "Attached"


def detach(world: World, disk: Body) -> None:
    """The machine of an OS disk goes; the disk goes along or stays, as its `deleteOption` says."""
    standing = world.find(disk["managedDisk"]["id"])
    if standing is not None:
        standing.body.pop("managedBy", None)
        standing.properties["diskState"] = "Unattached"
        if disk["deleteOption"] == "Delete":
            arm.take_away(world, DISK, standing)


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    resources.require_location(DISKS, body["location"])
    if not reference(world, body, "properties", "creationData", "createOption"):
        missing("disk.creationData")


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = writable(body)
    document["location"] = resources.plain_location(document["location"])
    standing = old.properties if old is not None else {"timeCreated": world.stamp}
    properties = {"diskState": "Unattached", **standing, **(document.get("properties") or {})}
    kept = {"managedBy": old.body["managedBy"]} if old and "managedBy" in old.body else {}
    sku = {"name": "Standard_LRS", **(document.get("sku") or {})}
    return {**document, **kept, "sku": sku, "properties": properties}


def _deletable(world: World, disk: Resource) -> None:
    if disk.body.get("managedBy"):
        message = f"Disk {disk.body['name']} is attached to VM {disk.body['managedBy']}."
        raise Refusal(409, "OperationNotAllowed", message)


DISK = Kind(
    type=DISKS,
    model="azure.mgmt.compute.models:Disk",
    patch_model="azure.mgmt.compute.models:DiskUpdate",
    api_version=API,
    versions=VERSIONS,
    created=202,
    check=_check,
    fill=_fill,
    create=LongRunning("compute", (1.0, 5.0), location=True),
    update=LongRunning("compute", (1.0, 5.0), location=True),
    delete=LongRunning("compute", (1.0, 6.0), location=True),
    deletable=_deletable,
)
