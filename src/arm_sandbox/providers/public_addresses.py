"""Public IP addresses, and the NAT gateways that share them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from arm_sandbox.arm import Body, reference, require_references
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers.network_documents import (
    ADDRESSES,
    BASE,
    GATEWAYS,
    INTERFACES,
    SUBNETS,
    document_of,
    ids_in,
    of_type,
    referring,
    require_place,
    settled,
    shown,
)
from arm_sandbox.providers.private_addresses import configurations_of
from arm_sandbox.wire import Refusal, Request
from arm_sandbox.world import Resource, World

BASIC_RETIRED = datetime(2025, 9, 30, tzinfo=UTC).timestamp()
"""From then on there are no new addresses of the Basic SKU (docs, retirement)."""
WRITE_GATEWAY = LongRunning("network", (10.0, 30.0))


def _check_address(world: World, id: Id, body: Body, old: Resource | None) -> None:
    require_place(ADDRESSES, body)
    if _sku(body) == "Basic":
        _require_not_retired(world)
    elif _allocation(body) != "Static":
        raise Refusal(
            400,
            "StandardAndStandardV2SkuPublicIPAddressesMustBeStatic",
            f"Standard sku publicIp {id.text} must have AllocationMethod set to Static.",
        )


def _sku(body: Body) -> str:
    return str((body.get("sku") or {}).get("name") or "Basic")


def _allocation(body: Body) -> str:
    return str(body.get("properties", {}).get("publicIPAllocationMethod") or "Dynamic")


def _require_not_retired(world: World) -> None:
    if world.now >= BASIC_RETIRED:
        raise Refusal(
            400,
            "IPv4BasicSkuPublicIpCountLimitReached",
            "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in "
            "this region.",
        )


def _fill_address(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = document_of(world, id, body, old)
    defaults = {
        "publicIPAddressVersion": "IPv4",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
        "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
    }
    allocation = {"publicIPAllocationMethod": _allocation(body)}
    properties = {**defaults, **document["properties"], **allocation}
    for name in ("ipAddress", "ipConfiguration", "natGateway"):
        properties.pop(name, None)
    if old is not None and "ipAddress" in old.properties:
        properties["ipAddress"] = old.properties["ipAddress"]
    if reference(world, properties, "dnsSettings", "domainNameLabel"):
        fqdn = _host_name(id, properties["dnsSettings"], document["location"])
        properties["dnsSettings"] = {**properties["dnsSettings"], "fqdn": fqdn}
    sku = {"name": _sku(body), "tier": "Regional", **(document.get("sku") or {})}
    return {**document, "properties": properties, "sku": sku}


def _host_name(id: Id, settings: Body, location: str) -> str:
    """A label with a scope of its own gets a hash of 16 letters beside it (docs, recorded)."""
    label = settings["domainNameLabel"]
    if settings.get("domainNameLabelScope"):
        label += f".{base64.b32encode(sha256(id.key.encode()).digest())[:16].decode().lower()}"
    return f"{label}.{location}.cloudapp.azure.com"


def _address_made(world: World, address: Resource) -> None:
    settled(world, address)
    if address.properties["publicIPAllocationMethod"] == "Static":
        allocate(world, address)


def allocate(world: World, address: Resource) -> None:
    """Give an address its number; a dynamic one gets it when somebody uses it (docs)."""
    if "ipAddress" not in address.properties:
        number = int(world.draw(address.id, "ipAddress") * 2**24)
        octets = (20, 8 + (number >> 16) % 240, number >> 8 & 0xFF, 1 + number % 254)
        address.properties["ipAddress"] = ".".join(str(octet) for octet in octets)


def _show_address(world: World, resource: Resource, request: Request) -> Body:
    user = address_user(world, resource.id)
    name = "natGateway" if same(parse(user).type, GATEWAYS) else "ipConfiguration"
    return shown(resource, **{name: {"id": user} if user else None})


def address_user(world: World, address: str) -> str:
    """The ip configuration or NAT gateway that has an address, or an empty string."""
    for nic in of_type(world, INTERFACES):
        for configuration in configurations_of(nic):
            used = reference(world, configuration, "properties", "publicIPAddress", "id")
            if same(used, address):
                return str(configuration["id"])
    for nat in of_type(world, GATEWAYS):
        if any(same(id, address) for id in ids_in(nat, "publicIpAddresses")):
            return nat.id
    return ""


def require_address_free(world: World, address: str, user: str) -> None:
    other = address_user(world, address)
    if other and not same(other, user):
        raise Refusal(
            400,
            "PublicIPAddressInUse",
            f"Resource {user} is referencing public IP address {address} that is already allocated "
            f"to resource {other}.",
        )


def _address_deletable(world: World, address: Resource) -> None:
    user = address_user(world, address.id)
    if user:
        raise Refusal(
            400,
            "PublicIPAddressCannotBeDeleted",
            f"Public IP address {address.id} can not be deleted since it is still allocated to "
            f"resource {user}. In order to delete the public IP, disassociate/detach the Public IP "
            "address from the resource.  To learn how to do this, see aka.ms/deletepublicip.",
        )


# -- NAT gateways


def _check_gateway(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = require_place(GATEWAYS, body)
    addresses = [item["id"] for item in body.get("properties", {}).get("publicIpAddresses") or []]
    require_references(world, addresses, referrer=id.text, location=location)
    for address in addresses:
        require_address_free(world, address, id.text)


def _fill_gateway(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = document_of(world, id, body, old)
    document["properties"] = {"idleTimeoutInMinutes": 4, **document["properties"]}
    document["properties"].pop("subnets", None)
    sku = {"name": "Standard", **(document.get("sku") or {})}
    return {**document, "sku": sku}


def _show_gateway(world: World, resource: Resource, request: Request) -> Body:
    subnets = referring(world, SUBNETS, "natGateway", resource.id)
    return shown(resource, subnets=[{"id": id} for id in subnets])


def _gateway_deletable(world: World, gateway: Resource) -> None:
    subnets = referring(world, SUBNETS, "natGateway", gateway.id)
    if subnets:
        raise Refusal(
            400,
            "InUseNatGatewayCannotBeDeleted",
            f"Nat gateway {gateway.id} cannot be deleted because it is in use by the following "
            f"resources: {', '.join(subnets)}. In order to delete the Nat gateway, remove the "
            "association with the resource(s).",
        )


ADDRESS = replace(
    BASE,
    type=ADDRESSES,
    model="azure.mgmt.network.models:PublicIPAddress",
    check=_check_address,
    fill=_fill_address,
    show=_show_address,
    since={
        "sku": "2017-08-01",
        "sku.tier": "2020-07-01",
        "properties.ipTags": "2017-11-01",
        "properties.ddosSettings": "2022-05-01",
    },
    deletable=_address_deletable,
    when_made=_address_made,
)
GATEWAY = replace(
    BASE,
    type=GATEWAYS,
    model="azure.mgmt.network.models:NatGateway",
    create=WRITE_GATEWAY,
    update=WRITE_GATEWAY,
    check=_check_gateway,
    fill=_fill_gateway,
    show=_show_gateway,
    deletable=_gateway_deletable,
)
