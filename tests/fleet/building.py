"""A drawn fleet put into a world.

One machine of each form is made as clients make machines, in a world of its own; those of the
fleet are its copies under other names. That copies equal what a PUT would have made is tested.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from itertools import product
from typing import Any

from arm_sandbox import arm, by_hand
from arm_sandbox.app import KINDS, settle
from arm_sandbox.ids import parse
from arm_sandbox.options import Access
from arm_sandbox.providers import assessment, catalogue, machines
from arm_sandbox.providers.patch_rules import CONFIGURATIONS
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World, subscriptions
from tests.arm_sandbox.ask import ask, finish
from tests.fleet.drawing import (
    IMAGES,
    SUBSCRIPTIONS,
    UNSAID,
    UNSUPPORTED,
    Fleet,
    Group,
    Image,
    Machine,
    Schedule,
    Settings,
    Sort,
)

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC, a Monday
MADE = NOON - 100 * 86400
"""When the machines were made."""
COMPUTE, NETWORK, MAINTENANCE = "2026-04-01", "2026-03-01", "2023-04-01"
DISK, GALLERY = "2026-03-02", "2026-03-03"
FORM = Group(f"/subscriptions/{SUBSCRIPTIONS[0]}/resourceGroups/rg-form", "eastus")
NAME, ADDRESS = "vm-form", "10.0.0.4"
SUBNETS = {"default": "10.0.0.0/17", "closed": "10.0.128.0/17"}
"""One leads to the sources of updates, one does not."""
PASSWORD = "Not-a-secret-1"
READER = [
    *("*/read", "Microsoft.Resources/*", "Microsoft.Insights/*", "Microsoft.Authorization/*"),
    *("Microsoft.Maintenance/maintenanceConfigurations/*", "Microsoft.Maintenance/register/action"),
    *("Microsoft.ResourceGraph/*", "Microsoft.ManagedIdentity/*", "Microsoft.AlertsManagement/*"),
    "Microsoft.ResourceHealth/*",
]
"""What the caller may do everywhere in a fleet where some machines are not theirs to change."""
Body = dict[str, Any]


def build(fleet: Fleet, world: World | None = None) -> World:
    """The fleet in a world, by default a new one at noon of Monday, 2026-11-23."""
    world = World(now=NOON) if world is None else world
    world.subscriptions |= subscriptions(len(fleet.subscriptions))
    for group in fleet.groups:
        _make_group(world, group)
    settle(world, world.now + 60)
    for group in {machine.group for machine in fleet.machines if machine.sort in IN_GALLERY}:
        _make_gallery(world, group)
    settle(world, world.now + 60)
    for n, machine in enumerate(fleet.machines):
        (_connect if machine.sort == "arc" else _add)(world, machine, n)
    for schedule in fleet.schedules:
        _register(world, schedule.id)
        put(world, schedule.id, configuration(schedule), MAINTENANCE)
    for machine in fleet.machines:
        _surround(world, machine)
    _restrict(world, fleet)
    return world


def put(world: World, id: str, body: Body, version: str) -> None:
    """What a provider makes of a PUT, without the gates before it."""
    kind, request = KINDS[parse(id).type.lower()], Request("PUT", id, {"api-version": version})
    arm.put(world, kind, parse(id), replace(request, body=body))


# -- what machines need


def _make_group(world: World, group: Group) -> None:
    assert ask(world, "PUT", group.id, {"location": group.location}).status == 201
    subnets = [
        {
            "name": name,
            "properties": {"addressPrefix": prefix, "defaultOutboundAccess": name == "default"},
        }
        for name, prefix in SUBNETS.items()
    ]
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    body = {
        "location": group.location,
        "properties": {"addressSpace": space, "subnets": subnets},
    }
    put(world, f"{group.id}/providers/Microsoft.Network/virtualNetworks/vnet", body, NETWORK)


IN_GALLERY = ("gallery", "specialized")
STATES = {"gallery": "Generalized", "specialized": "Specialized"}


def _make_gallery(world: World, group: Group) -> None:
    """A gallery with an image of each sort, generalized and specialized."""
    gallery = _gallery(group)
    put(world, gallery, {"location": group.location, "properties": {}}, GALLERY)
    for image, sort in product((*IMAGES, *UNSUPPORTED), STATES):
        identifier = dict(zip(("publisher", "offer", "sku"), image.names, strict=True))
        told = {"osType": image.os, "osState": STATES[sort], "identifier": identifier}
        definition = f"{gallery}/images/{_definition(image, sort)}"
        put(world, definition, {"location": group.location, "properties": told}, GALLERY)


def _gallery(group: Group) -> str:
    return f"{group.id}/providers/Microsoft.Compute/galleries/gallery"


def _definition(image: Image, sort: str) -> str:
    return f"{image.offer}-{image.sku}-{sort}"


# -- machines of Arc


def _connect(world: World, machine: Machine, n: int) -> None:
    image = catalogue.require_image(*machine.image.names)
    connected = by_hand.connect(
        world, machine.id, machine.group.location, image, reaches_updates=machine.outbound
    )
    connected.body["tags"] = dict(machine.tags)
    connected.hidden |= {"rebootPending": False, "agentReady": MADE}
    if machine.settings != UNSAID:
        name = CONFIGURATIONS[machine.image.os]
        connected.properties["osProfile"][name] = _patching(machine)
    allowed = str(machine.extensions).lower()
    connected.properties["agentConfiguration"]["extensionsEnabled"] = allowed
    world.registrations[f"{parse(machine.id).subscription}/microsoft.hybridcompute"] = "Registered"
    if machine.power == "silent":
        machines.stop(world, connected)
    assessment.keep_up(world, connected)


# -- virtual machines


def _add(world: World, machine: Machine, n: int) -> None:
    """The machine with its disk and its interface, as copies of a form."""
    subnet = "default" if machine.outbound else "closed"
    address = ip_network(SUBNETS[subnet])[n + 4]
    text = (
        _form(machine.image, machine.sort)
        .replace(FORM.id, machine.group.id)
        .replace(NAME, machine.name)
        .replace(f'"{FORM.location}"', f'"{machine.group.location}"')
        .replace(f"/Locations/{FORM.location}/", f"/Locations/{machine.group.location}/")
        .replace("/subnets/default", f"/subnets/{subnet}")
        .replace(f'"{ADDRESS}"', f'"{address}"')
    )
    for data in json.loads(text):
        resource = world.add(Resource(**data))
        if resource.id == machine.id:
            _settle_in(world, machine, resource)


def _settle_in(world: World, machine: Machine, resource: Resource) -> None:
    """What differs between machines of one form."""
    resource.properties["vmId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, machine.id))
    resource.properties["hardwareProfile"]["vmSize"] = machine.size
    if machine.settings != UNSAID:
        profile = json.loads(_profile(machine.image.os, machine.settings))
        profile[CONFIGURATIONS[machine.image.os]]["provisionVMAgent"] = machine.agent
        resource.properties["osProfile"] = {
            **profile,
            "computerName": _computer_name(machine),
            "allowExtensionOperations": machine.extensions,
        }
    if machine.tags:
        resource.body["tags"] = dict(machine.tags)
    resource.hidden |= {"power": machine.power, "agentReady": MADE, "rebootPending": False}
    assessment.keep_up(world, resource)


def _computer_name(machine: Machine) -> str:
    return machine.name[-15:]


@cache
def _form(image: Image, sort: Sort) -> str:
    """A machine, its disk and its interface as JSON; its patch settings are the image's own."""
    default = Settings("AutomaticByOS" if image.os == "Windows" else "ImageDefault")
    return _made(image, sort, UNSAID if sort in ("specialized", "attached") else default)


@cache
def _profile(os: str, settings: Settings) -> str:
    """The `osProfile` of a machine, as JSON."""
    image = next(i for i in IMAGES if i.os == os and i.hotpatches >= settings.hotpatching)
    made = json.loads(_made(image, "marketplace", settings))
    return json.dumps(made[-1]["body"]["properties"]["osProfile"])


def _made(image: Image, sort: Sort, settings: Settings) -> str:
    """An interface, a disk and a machine, made by requests in a world with nothing else."""
    world = World(now=MADE)
    _make_group(world, FORM)
    if sort in IN_GALLERY:
        _make_gallery(world, FORM)
    settle(world, world.now + 60)
    id = f"{FORM.id}/providers/Microsoft.Compute/virtualMachines/{NAME}"
    create(world, Machine(id, FORM, image, settings, sort))
    found = [r for r in world.resources.values() if NAME in r.id]
    return json.dumps(sorted(found, key=lambda r: r.id == id), default=vars)


def create(world: World, machine: Machine) -> None:
    """Make a machine by requests, in a group with its network, and wait for it."""
    subnet = "default" if machine.outbound else "closed"
    network = f"{machine.group.id}/providers/Microsoft.Network"
    inside = {"subnet": {"id": f"{network}/virtualNetworks/vnet/subnets/{subnet}"}}
    interface = {"ipConfigurations": [{"name": "ipconfig1", "properties": inside}]}
    nic = f"{network}/networkInterfaces/{machine.name}-nic"
    body = {"location": machine.group.location, "properties": interface}
    _finish(world, ask(world, "PUT", nic, body, version=NETWORK))
    if machine.sort == "attached":
        _finish(world, ask(world, "PUT", _disk(machine), _disk_body(machine), version=DISK))
    body = vm_body(machine, nic)
    _finish(world, ask(world, "PUT", machine.id, body, version=COMPUTE))
    if not machine.settings.updates and machine.settings.mode == "AutomaticByPlatform":
        # That mode cannot be had with the PUT that makes a machine without automatic updates.
        sent = {"properties": {"osProfile": {"windowsConfiguration": _patching(machine)}}}
        _finish(world, ask(world, "PATCH", machine.id, sent, version=COMPUTE))


def _finish(world: World, response: Response) -> None:
    assert response.status in (200, 201, 202), response.body
    if "Azure-AsyncOperation" in response.headers:
        assert finish(world, response).body["status"] == "Succeeded"


def vm_body(machine: Machine, nic: str) -> Body:
    properties = {
        "hardwareProfile": {"vmSize": machine.size},
        "storageProfile": _storage(machine),
        "networkProfile": {"networkInterfaces": [{"id": nic}]},
    }
    if machine.settings != UNSAID:
        properties["osProfile"] = {
            "computerName": _computer_name(machine),
            "adminUsername": "patcher",
            "allowExtensionOperations": machine.extensions,
            **_configuration_of(machine),
        }
    body: Body = {"location": machine.group.location, "properties": properties}
    return {**body, "tags": dict(machine.tags)} if machine.tags else body


def _storage(machine: Machine) -> Body:
    if machine.sort == "attached":
        managed = {"id": _disk(machine)}
        disk = {"createOption": "Attach", "osType": machine.image.os, "managedDisk": managed}
        return {"osDisk": disk}
    disk = {"name": f"{machine.name}-disk", "createOption": "FromImage"}
    if machine.sort in IN_GALLERY:
        definition = _definition(machine.image, machine.sort)
        return {
            "imageReference": {"id": f"{_gallery(machine.group)}/images/{definition}"},
            "osDisk": disk,
        }
    image = dict(zip(("publisher", "offer", "sku"), machine.image.names, strict=True))
    return {"imageReference": {**image, "version": "latest"}, "osDisk": disk}


def _disk(machine: Machine) -> str:
    return f"{machine.group.id}/providers/Microsoft.Compute/disks/{machine.name}-disk"


def _disk_body(machine: Machine) -> Body:
    """A disk that was restored, say, and has an image of the marketplace on it."""
    image = catalogue.require_image(*machine.image.names)
    place, names = machine.group.location, (*image.names, image.versions[0])
    source = {"id": catalogue.image_path(SUBSCRIPTIONS[0], place, *names)}
    properties = {
        "osType": machine.image.os,
        "creationData": {"createOption": "FromImage", "imageReference": source},
        "diskSizeGB": 64,
    }
    return {"location": place, "properties": properties}


def _configuration_of(machine: Machine) -> Body:
    """The part of `osProfile` that depends on the operating system."""
    settings = machine.settings
    if machine.image.os == "Linux":
        key = {"path": "/home/patcher/.ssh/authorized_keys", "keyData": "ssh-ed25519 AAAA x"}
        signing_in = {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}}
        agent = {"provisionVMAgent": machine.agent}
        return {"linuxConfiguration": {**agent, **signing_in, **_patching(machine)}}
    late = not settings.updates and settings.mode == "AutomaticByPlatform"
    windows = {"provisionVMAgent": machine.agent, "enableAutomaticUpdates": settings.updates}
    windows |= {} if late else _patching(machine)
    return {"adminPassword": PASSWORD, "windowsConfiguration": windows}


def _patching(machine: Machine) -> Body:
    settings = machine.settings
    sent: Body = {"patchMode": settings.mode, "assessmentMode": settings.assessment}
    if settings.bypass is not None:
        reboot = {"rebootSetting": settings.reboot} if settings.reboot else {}
        bypass = {"bypassPlatformSafetyChecksOnUserSchedule": settings.bypass}
        sent["automaticByPlatformSettings"] = bypass | reboot
    if settings.hotpatching:
        sent["enableHotpatching"] = True
    return {"patchSettings": sent}


# -- what others have set up around them


def _register(world: World, id: str) -> None:
    world.registrations[f"{parse(id).subscription}/microsoft.maintenance"] = "Registered"


def configuration(schedule: Schedule) -> Body:
    window = {
        "startDateTime": schedule.start,
        "duration": schedule.duration,
        "timeZone": schedule.zone,
        "recurEvery": schedule.recurs,
    }
    classes = {"classificationsToInclude": ["Critical", "Security"]}
    patches = {"windowsParameters": classes, "linuxParameters": classes}
    return {
        "location": "eastus",
        "tags": {"owner": "somebody else"},
        "properties": {
            "maintenanceScope": "InGuestPatch",
            "extensionProperties": {"InGuestPatchMode": "User"},
            "maintenanceWindow": window,
            "installPatches": {"rebootSetting": "IfRequired", **patches},
        },
    }


def _surround(world: World, machine: Machine) -> None:
    """Assignments to schedules, and a lock."""
    for schedule in machine.schedules:
        _register(world, machine.id)
        name = parse(schedule.id).name
        id = f"{machine.id}/providers/Microsoft.Maintenance/configurationAssignments/{name}"
        properties = {"maintenanceConfigurationId": schedule.id, "resourceId": machine.id}
        body = {"location": machine.group.location, "properties": properties}
        put(world, id, body, MAINTENANCE)
    if machine.lock:
        id = f"{machine.id}/providers/Microsoft.Authorization/locks/theirs"
        put(world, id, {"properties": {"level": machine.lock}}, "2020-05-01")


def _restrict(world: World, fleet: Fleet) -> None:
    """Where some groups are not the caller's to change, they own the others only."""
    if all(group.writable for group in fleet.groups):
        return
    everywhere = Access(actions=READER)
    own = [Access(role="Owner", scope=group.id) for group in fleet.groups if group.writable]
    world.options.access = [everywhere, *own]
