"""Network interfaces: what ties a machine to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from arm_sandbox import arm
from arm_sandbox.arm import Body, reference, require_references
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers.network_documents import (
    BASE,
    INTERFACES,
    document_of,
    require_all,
    require_place,
    settled,
)
from arm_sandbox.providers.private_addresses import (
    attached,
    configurations_of,
    free_addresses,
    prefixes_of,
)
from arm_sandbox.providers.public_addresses import allocate, require_address_free
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

WRITE = LongRunning("network", (1.0, 4.0))


def attach(world: World, nic: Resource, machine: str, *, primary: bool) -> None:
    """A virtual machine takes an interface."""
    number = int(world.draw(nic.id, "macAddress") * 0x1000000)
    mac = f"00-0D-3A-{number >> 16:02X}-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"
    nic.properties.setdefault("macAddress", mac)
    nic.properties.update(primary=primary, virtualMachine={"id": machine})


def detach(nic: Resource) -> None:
    """A virtual machine lets go of an interface."""
    for name in ("macAddress", "primary", "virtualMachine"):
        nic.properties.pop(name, None)


def _check_interface(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = require_place(INTERFACES, body)
    properties = body.get("properties", {})
    configurations = properties.get("ipConfigurations") or []
    if not configurations:
        message = f"Network interface {id.text} must have one or more IP configurations."
        raise Refusal(400, "NetworkInterfaceMustHaveIpConfiguration", message)
    for at, configuration in enumerate(configurations):
        _check_configuration(world, id, at, configuration, location)
    require_all(world, id, location, (properties, "networkSecurityGroup"))


def _check_configuration(world: World, id: Id, at: int, configuration: Body, location: str) -> None:
    properties = configuration.get("properties") or {}
    subnet = reference(world, properties, "subnet", "id")
    if not subnet:
        path = f"properties.ipConfigurations[{at}].properties.subnet"
        message = f"Value for reference id is missing. Path {path}."
        raise Refusal(400, "MissingJsonReferenceId", message)
    require_all(world, id, location, (properties, "publicIPAddress"))
    require_references(world, [subnet], referrer=id.text)
    require_references(world, [parse(subnet).parent], referrer=id.text, location=location)
    address = reference(world, properties, "publicIPAddress", "id")
    if address:
        user = f"{id.text}/ipConfigurations/{configuration.get('name')}"
        require_address_free(world, address, user)
    if properties.get("privateIPAllocationMethod") == "Static":
        _require_private_address(world, id, subnet, properties.get("privateIPAddress"))


def _require_private_address(world: World, id: Id, subnet: str, address: str | None) -> None:
    standing = world.find(subnet)
    prefixes = [ip_network(text) for text in prefixes_of(standing.body)] if standing else []
    try:
        inside = any(ip_address(address or "") in prefix for prefix in prefixes)
    except ValueError:
        inside = False
    if not inside:
        message = (
            f"Private static IP address {address} does not belong to the range of subnet {subnet}."
        )
        raise Refusal(400, "PrivateIPAddressNotInSubnet", message)
    for nic, configuration in attached(world, subnet):
        if configuration["properties"]["privateIPAddress"] == address and not same(nic.id, id.text):
            message = (
                f"IP configuration {id.text} is using the private IP address {address} which is "
                f"already allocated to resource {configuration['id']}."
            )
            raise Refusal(400, "PrivateIPAddressIsAllocated", message)


def _fill_interface(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = document_of(world, id, body, old)
    standing = old.properties if old is not None else {}
    kept = ("macAddress", "primary", "virtualMachine")
    properties = {
        **DEFAULT_INTERFACE,
        **{k: v for k, v in document["properties"].items() if k not in kept},
        **{k: v for k, v in standing.items() if k in kept},
    }
    properties["dnsSettings"] = {
        **(properties.get("dnsSettings") or {}),
        "dnsServers": (properties.get("dnsSettings") or {}).get("dnsServers") or [],
        "appliedDnsServers": [],
        "internalDomainNameSuffix": _suffix(world, old, id),
    }
    used: set[str] = set()
    properties["ipConfigurations"] = [
        _configuration(world, id, at, sent, etag=document["etag"], old=old, used=used)
        for at, sent in enumerate(properties["ipConfigurations"])
    ]
    return {**document, "kind": "Regular", "properties": properties}


DEFAULT_INTERFACE: Mapping[str, Any] = {
    "enableAcceleratedNetworking": False,
    "vnetEncryptionSupported": False,
    "enableIPForwarding": False,
    "disableTcpStateTracking": False,
    "hostedWorkloads": [],
    "tapConfigurations": [],
    "nicType": "Standard",
    "allowPort25Out": True,
    "auxiliaryMode": "None",
    "auxiliarySku": "None",
}


def _suffix(world: World, old: Resource | None, id: Id) -> str:
    if old is not None:
        return str(old.properties["dnsSettings"]["internalDomainNameSuffix"])
    return f"{world.guid(f'{id.text}|dns').replace('-', '')[:26]}.bx.internal.cloudapp.net"


def _configuration(
    world: World, id: Id, at: int, sent: Body, *, etag: str, old: Resource | None, used: set[str]
) -> Body:
    properties = dict(sent["properties"])
    name = sent.get("name") or f"ipconfig{at + 1}"
    address = reference(world, properties, "publicIPAddress", "id")
    if address:
        _note_delete_option(world, properties["publicIPAddress"])
        properties["publicIPAddress"] = {"id": address}
    properties = {
        "privateIPAllocationMethod": "Dynamic",
        "primary": at == 0,
        "privateIPAddressVersion": "IPv4",
        **properties,
        "subnet": {"id": properties["subnet"]["id"]},
        "provisioningState": "Succeeded",
    }
    if properties["privateIPAllocationMethod"] != "Static":
        properties["privateIPAddress"] = _free_address(world, name, properties, old, used)
    used.add(properties["privateIPAddress"])
    own = f"{id.text}/ipConfigurations/{name}"
    type = f"{INTERFACES}/ipConfigurations"
    return {"name": name, "id": own, "etag": etag, "type": type, "properties": properties}


def _note_delete_option(world: World, sent: Body) -> None:
    """What becomes of a public address when its machine goes is the address's own property."""
    option = reference(world, sent, "properties", "deleteOption")
    address = world.find(sent["id"])
    if option and address is not None:
        address.properties["deleteOption"] = option


def _free_address(
    world: World, name: str, properties: Body, old: Resource | None, used: set[str]
) -> str:
    """The lowest free address of the subnet, or the one that the configuration has already."""
    subnet = properties["subnet"]["id"]
    for configuration in configurations_of(old) if old is not None else []:
        before = configuration["properties"]
        if configuration["name"] == name and same(before["subnet"]["id"], subnet):
            return str(before["privateIPAddress"])
    found = next((a for a in free_addresses(world, subnet) if a not in used), None)
    if found is None:
        message = f"Subnet {subnet} does not have enough capacity for 1 IP addresses."
        raise Refusal(400, "SubnetIsFull", message)
    return found


def _interface_made(world: World, nic: Resource) -> None:
    settled(world, nic)
    for configuration in configurations_of(nic):
        used = reference(world, configuration, "properties", "publicIPAddress", "id")
        address = world.find(used) if used else None
        if address is not None:
            allocate(world, address)


def _interface_deletable(world: World, nic: Resource) -> None:
    machine = reference(world, nic.properties, "virtualMachine", "id")
    if machine:
        raise Refusal(
            400,
            "NicInUse",
            f"Network Interface {nic.id} is used by existing resource {machine}. In order to "
            "delete the network interface, it must be dissociated from the resource. To learn "
            "more, see aka.ms/deletenic.",
        )


INTERFACE = replace(
    BASE,
    type=INTERFACES,
    model="azure.mgmt.network.models:NetworkInterface",
    create=WRITE,
    update=WRITE,
    creating="Succeeded",  # recorded, with and without an operation
    check=_check_interface,
    fill=_fill_interface,
    show=arm.show_body,
    since={
        "properties.hostedWorkloads": "2018-12-01",
        "properties.tapConfigurations": "2018-08-01",
        "properties.nicType": "2020-06-01",
        "properties.allowPort25Out": "2021-02-01",
        "properties.vnetEncryptionSupported": "2021-08-01",
        "properties.auxiliaryMode": "2022-01-01",
        "properties.disableTcpStateTracking": "2022-11-01",
        "properties.enableAcceleratedNetworking": "2022-11-01",
        "properties.auxiliarySku": "2023-02-01",
        "kind": "2020-06-01",
    },
    when_made=_interface_made,
    deletable=_interface_deletable,
)
