"""Microsoft.Compute: virtual machines, their disks and extensions, sizes and images."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from arm_sandbox import arm
from arm_sandbox.arm import Body, Kind, merge, reference, writable
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.locations import LOCATIONS
from arm_sandbox.operations import LongRunning
from arm_sandbox.patching import installation, on_demand
from arm_sandbox.providers import (
    assessment,
    catalogue,
    compute_rules,
    disks,
    galleries,
    images,
    network_interfaces,
    os_disks,
    public_addresses,
    quota,
    resources,
    virtual_machines,
)
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.providers.disks import DISK
from arm_sandbox.providers.extensions import EXTENSION
from arm_sandbox.providers.instance_view import instance_view
from arm_sandbox.providers.os_disks import Origin
from arm_sandbox.providers.patch_rules import CONFIGURATIONS
from arm_sandbox.providers.virtual_machines import API, EXTENSIONS, MACHINES, VERSIONS
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Operation, Resource, World

SKU_VERSIONS = ("2017-09-01", "2019-04-01", "2021-07-01")

CREATE = LongRunning("compute", (35.0, 110.0))
CREATE_LINUX = LongRunning("compute", (25.0, 60.0))


# -- virtual machines


def _fill_machine(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """The whole document. The disk and the interfaces are taken at once, not when it is made.

    What an update leaves out stays as it was.
    """
    document = writable(body)
    sent = document.get("properties") or {}
    standing = old.properties if old is not None else _first_properties(world, id)
    properties = merge(copy.deepcopy(standing), sent)
    properties |= {name: standing[name] for name in ("vmId", "timeCreated")}
    document["location"] = resources.plain_location(document["location"])
    document["properties"] = properties
    document["etag"] = f'"{_generation(old) + 1}"'
    storage = properties["storageProfile"]
    origin = os_disks.origin(world, storage) if old is None else os_disks.origin_of(world, old)
    _fill_storage(world, id, properties, origin)
    if not origin.specialized:
        properties["osProfile"] = _os_profile(id, properties["osProfile"], origin.image)
    properties.pop("instanceView", None)
    _fill_interfaces(properties["networkProfile"])
    held = virtual_machines.interfaces(world, old) if old is not None else []
    _take_interfaces(world, id, properties["networkProfile"]["networkInterfaces"], held)
    if old is None and origin.kind == "disk":
        disks.attach(world, id, storage["osDisk"])
    elif old is None:
        disks.make(world, id, document, origin)
    return document


def _first_properties(world: World, id: Id) -> Body:
    return {"vmId": world.guid(id.text), "timeCreated": world.stamp}


def _generation(old: Resource | None) -> int:
    """Machines count their etags (recorded), network resources draw theirs."""
    return int(old.body["etag"].strip('"')) if old is not None else 0


def _fill_storage(world: World, id: Id, properties: Body, origin: Origin) -> None:
    storage, image = properties["storageProfile"], origin.image
    if origin.kind == "marketplace":
        found = storage["imageReference"]
        latest = found["version"] == "latest"
        found.setdefault("exactVersion", image.versions[-1] if latest else found["version"])
    size = catalogue.size_named(properties["hardwareProfile"]["vmSize"], "")
    premium = size is None or size.premium
    sent = storage.get("osDisk") or {}
    disk = {"createOption": "FromImage", **{k: v for k, v in sent.items() if v is not None}}
    disk["createOption"] = CREATE_OPTIONS.get(disk["createOption"].lower(), disk["createOption"])
    managed = {"storageAccountType": "Premium_LRS" if premium else "Standard_LRS"}
    managed |= disk.get("managedDisk") or {}
    unique = world.guid(f"{id.text}|disk").replace("-", "")
    attached = str(managed.get("id") or "").rpartition("/")[2]
    disk.setdefault("name", attached or f"{id.name}_OsDisk_1_{unique}")
    managed.setdefault("id", compute_rules.disk_id(id, disk["name"]))
    storage["osDisk"] = {
        "osType": image.os,
        "caching": "ReadWrite",
        "deleteOption": "Detach",
        "diskSizeGB": image.disk_size,
        **disk,
        "managedDisk": managed,
    }
    storage.setdefault("dataDisks", [])


CREATE_OPTIONS = {"fromimage": "FromImage", "attach": "Attach", "empty": "Empty"}
"""As they are told, however they were sent (recorded)."""


def _fill_interfaces(profile: Body) -> None:
    """What is said of an interface is told only where something is said (recorded)."""
    for sent in profile["networkInterfaces"]:
        said = {k: v for k, v in (sent.pop("properties", None) or {}).items() if v is not None}
        if said:
            sent["properties"] = said


def _os_profile(id: Id, profile: Body, image: Image) -> Body:
    """Secrets go to the guest and are never seen again; the rest gets its defaults (recorded)."""
    profile = {k: v for k, v in profile.items() if k not in ("adminPassword", "customData")}
    name = CONFIGURATIONS[image.os]
    configuration = {"provisionVMAgent": True, **(profile.get(name) or {})}
    if image.os == "Windows":
        configuration = {"enableAutomaticUpdates": True, **configuration}
    else:
        configuration = {"disablePasswordAuthentication": False, **configuration}
    configuration["patchSettings"] = _with_defaults(configuration, image)
    return {
        "computerName": id.name,
        "secrets": [],
        "allowExtensionOperations": True,
        "requireGuestProvisionSignal": True,
        **profile,
        name: configuration,
    }


def _with_defaults(configuration: Body, image: Image) -> Body:
    """The table of recorded defaults: only hotpatching brings platform settings of its own."""
    settings = dict(configuration.get("patchSettings") or {})
    settings.setdefault("patchMode", _default_mode(configuration, image))
    settings.setdefault("assessmentMode", "ImageDefault")
    if settings["patchMode"] != "AutomaticByPlatform":
        settings.pop("automaticByPlatformSettings", None)
    elif settings.get("enableHotpatching") or "automaticByPlatformSettings" in settings:
        settings["automaticByPlatformSettings"] = {
            "bypassPlatformSafetyChecksOnUserSchedule": False,
            **(settings.get("automaticByPlatformSettings") or {}),
        }
    return settings


def _default_mode(configuration: Body, image: Image) -> str:
    if image.os == "Linux":
        return "ImageDefault"
    return "AutomaticByOS" if configuration["enableAutomaticUpdates"] else "Manual"


def _take_interfaces(
    world: World, id: Id, references: list[Body], standing: list[Resource]
) -> None:
    wanted = {sent["id"].lower(): sent for sent in references}
    for nic in standing:
        if nic.id.lower() not in wanted:
            network_interfaces.detach(nic)
    for key, sent in wanted.items():
        nic = world.resources[key]
        primary = len(wanted) == 1 or bool((sent.get("properties") or {}).get("primary"))
        network_interfaces.attach(world, nic, id.text, primary=primary)


def _machine_made(world: World, machine: Resource) -> None:
    if "power" not in machine.hidden:
        machine.hidden["provisioned"] = world.stamp
        virtual_machines.start(world, machine)
    assessment.keep_up(world, machine)


def _machine_deleted(world: World, machine: Resource) -> None:
    """Disk and interfaces go along or stay, as their `deleteOption` says; they stay by default."""
    world.freed[machine.id.lower()] = world.now
    disks.detach(world, machine.properties["storageProfile"]["osDisk"])
    references = machine.properties["networkProfile"]["networkInterfaces"]
    for nic in virtual_machines.interfaces(world, machine):
        network_interfaces.detach(nic)
        sent = [found for found in references if same(found["id"], nic.id)]
        if any(reference(world, r, "properties", "deleteOption") == "Delete" for r in sent):
            _delete_interface(world, nic)


def _delete_interface(world: World, nic: Resource) -> None:
    addresses = [
        reference(world, configuration, "properties", "publicIPAddress", "id")
        for configuration in nic.properties["ipConfigurations"]
    ]
    arm.take_away(world, network_interfaces.INTERFACE, nic)
    for id in addresses:
        address = world.find(id)
        if address is not None and address.properties.get("deleteOption") == "Delete":
            arm.take_away(world, public_addresses.ADDRESS, address)


def _action_finished(world: World, machine: Resource, operation: Operation) -> None:
    """An action's time is over: what it was for takes effect."""
    if operation.verb == "assesspatches":
        assessment.assessed(world, machine, operation)
    elif operation.verb == "installpatches":
        on_demand.installed(world, machine, operation)
    else:
        virtual_machines.power_changed(world, machine, operation)


def _show_machine(world: World, machine: Resource, request: Request) -> Body:
    body = copy.deepcopy(machine.body)
    children = [copy.deepcopy(child.body) for child in world.below(machine.id, EXTENSIONS)]
    if children:
        body["resources"] = children
    if request.query.get("$expand", "").lower() == "instanceview":
        body["properties"]["instanceView"] = instance_view(world, machine)
    return body


# -- routes that are no resources


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Sizes, images, instance views, and what is special about machines; None for the rest."""
    for pattern, versions, handler in ROUTES:
        if request.method == "GET" and (match := pattern.fullmatch(request.path)):
            _require_version(request, id, versions)
            return handler(world, request, *match.groups())
    if id.group and same(id.type, MACHINES) and id.name and MACHINE.knows(request.api_version):
        return _answer_machine(world, request, id)
    if id.group and id.type.lower() in CHILDREN:
        resources.require_group(world, id, writing=request.method != "GET")
        arm.require_parent(world, request, id)
    return None


def _require_version(request: Request, id: Id, versions: tuple[str, ...]) -> None:
    if request.api_version not in versions:
        raise gateway(
            404,
            "InvalidResourceType",
            f"The resource type could not be found in the namespace '{id.namespace}' for api "
            f"version '{request.api_version}'.",
        )


def _answer_machine(world: World, request: Request, id: Id) -> Response | None:
    """The service overlooks the `location` in a PATCH (docs), and Linux is made sooner."""
    resources.require_group(world, id, writing=request.method != "GET")
    if request.method == "PATCH" and isinstance(request.body, dict):
        body = {k: v for k, v in request.body.items() if k != "location"}
        return arm.patch(world, MACHINE, id, replace(request, body=body))
    if request.method == "PUT" and catalogue.is_linux(request.body):
        return arm.put(world, replace(MACHINE, create=CREATE_LINUX), id, request)
    return None


def _get_instance_view(world: World, request: Request, machine: str) -> Response:
    id = parse(machine)
    resources.require_group(world, id, writing=False)
    found = world.find(machine)
    if found is None:
        raise arm.not_found(MACHINES, id.name, id.group)
    return Response(200, instance_view(world, found))


def _list_skus(world: World, request: Request) -> Response:
    text = request.query.get("$filter", "").strip()
    match = re.fullmatch(r"location eq '([^']*)'", text)
    if text and match is None:
        raise Refusal(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified.")
    wanted = resources.plain_location(match[1]) if match else None
    found = [
        catalogue.sku_of(size, location, quota.restricted(world, size))
        for location in LOCATIONS
        if wanted in (None, location)
        for size in catalogue.sizes_in(location)
    ]
    return Response(200, {"value": found})


def _list_sizes(world: World, request: Request, location: str) -> Response:
    place = resources.require_location("locations/vmSizes", location)
    return Response(200, {"value": [catalogue.vm_size(s) for s in catalogue.sizes_in(place)]})


def _list_usages(world: World, request: Request, subscription: str, location: str) -> Response:
    place = resources.require_location("locations/usages", location)
    return Response(200, {"value": quota.usages(world, subscription, place)})


_COMPUTE = "/subscriptions/[^/]+/providers/microsoft.compute"
_LOCATED = "/providers/microsoft.compute/locations/([^/]+)"
_MACHINE = (
    "(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft.compute/virtualmachines/[^/]+)"
)
_ROUTES: tuple[tuple[str, tuple[str, ...], Callable[..., Response]], ...] = (
    (f"{_COMPUTE}/skus", SKU_VERSIONS, _list_skus),
    (f"{_COMPUTE}/locations/([^/]+)/vmsizes", (API, *VERSIONS), _list_sizes),
    (f"/subscriptions/([^/]+){_LOCATED}/usages", (API, *VERSIONS), _list_usages),
    *((pattern, (API, *VERSIONS), handler) for pattern, handler in images.LOOK_UPS),
    (f"{_MACHINE}/instanceview", (API, *VERSIONS), _get_instance_view),
)
ROUTES = tuple((re.compile(path, re.IGNORECASE), versions, to) for path, versions, to in _ROUTES)

MACHINE = Kind(
    type=MACHINES,
    model="azure.mgmt.compute.models:VirtualMachine",
    patch_model="azure.mgmt.compute.models:VirtualMachineUpdate",
    api_version=API,
    versions=VERSIONS,
    check=compute_rules.check,
    preflight=compute_rules.preflight,
    fill=_fill_machine,
    create=CREATE,
    update=LongRunning("compute", (5.0, 15.0)),
    delete=LongRunning("compute", (20.0, 60.0), location=True),
    creating="Creating",
    etags="compute",
    show=_show_machine,
    since={
        "etag": "2024-07-01",
        "properties.timeCreated": "2021-11-01",
        "properties.storageProfile.osDisk.deleteOption": "2021-07-01",
        "properties.storageProfile.imageReference.exactVersion": "2019-12-01",
        "properties.osProfile.requireGuestProvisionSignal": "2019-03-01",
        **{
            f"properties.osProfile.{name}.patchSettings": "2020-12-01"
            for name in CONFIGURATIONS.values()
        },
        **{
            f"properties.osProfile.{name}.patchSettings.assessmentMode": "2021-03-01"
            for name in CONFIGURATIONS.values()
        },
    },
    when_made=_machine_made,
    when_deleted=_machine_deleted,
    action_finished=_action_finished,
    action_failed=installation.operation_failed,
    actions={"assesspatches": assessment.assess, "installpatches": on_demand.install}
    | {name: partial(virtual_machines.change_power, name) for name in virtual_machines.POWER},
)
KINDS: tuple[Kind, ...] = (MACHINE, DISK, EXTENSION, *galleries.KINDS)
CHILDREN = {t.lower() for t in (EXTENSIONS, galleries.DEFINITION, galleries.VERSION)}
HAPPENINGS: Mapping[str, Callable[..., None]] = {
    **assessment.HAPPENINGS,
    "installation.reboots": installation.reboots,
}
