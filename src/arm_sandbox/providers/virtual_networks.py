"""Virtual networks and their subnets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from arm_sandbox import arm, conflicts
from arm_sandbox.arm import Body
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers import resources
from arm_sandbox.providers.network_documents import (
    API,
    BASE,
    NETWORKS,
    SUBNETS,
    document_of,
    new_etag,
    require_all,
    require_place,
    settled,
    shown,
)
from arm_sandbox.providers.private_addresses import attached, availability, prefixes_of
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

Prefix = IPv4Network | IPv6Network

POOLS_SINCE = "2024-05-01"
PRIVATE_SINCE = "2026-03-01"
"""From this api-version on, a new subnet is private. The docs say "released after 31 March 2026";
on which side 2026-03-01 is, nobody has verified."""


def _check_network(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = require_place(NETWORKS, body)
    properties = body.get("properties", {})
    spaces = [_prefix(id.text, text) for text in _space(properties)]
    if not spaces:
        message = f"Address space of virtual network {id.text} has no address prefix."
        raise Refusal(400, "NoAddressPrefixOrPoolProvided", message)
    standing = {child.id.lower(): child for child in world.below(id.text, SUBNETS)}
    for child in standing:
        conflicts.require_idle(world, child)
    if "subnets" not in properties:
        return
    sent = {f"{id.text}/subnets/{subnet['name']}": subnet for subnet in properties["subnets"] or []}
    for key in standing.keys() - {name.lower() for name in sent}:
        _subnet_deletable(world, standing[key])
    beside: dict[str, list[Prefix]] = {}
    for name, subnet in sent.items():
        _check_subnet_body(
            world, parse(name), subnet, location=location, spaces=spaces, beside=beside
        )


def _space(properties: Body) -> list[str]:
    return list((properties.get("addressSpace") or {}).get("addressPrefixes") or [])


def _prefix(id: str, text: str) -> Prefix:
    try:
        prefix = ip_network(text, strict=False)
    except ValueError:
        raise Refusal(
            400,
            "InvalidAddressPrefixFormat",
            f"Address prefix {text} of resource {id} is not formatted correctly. It should follow "
            "CIDR notation, for example 10.0.0.0/24.",
        ) from None
    if str(prefix) != text:
        raise Refusal(
            400,
            "InvalidCIDRNotation",
            f"The address prefix {text} in resource {id} has an invalid CIDR notation. For the "
            f"given prefix length, the address prefix should be {prefix}.",
        )
    return prefix


def _fill_network(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """The subnets are resources of their own in the world; the network shows them as its part.

    A PUT without `subnets` leaves them alone (Azure updates, 2024), an empty list removes them.
    """
    properties = {"privateEndpointVNetPolicies": "Disabled", **body.get("properties", {})}
    properties["addressSpace"] = {
        k: v for k, v in properties["addressSpace"].items() if k != "ipamPoolPrefixAllocations"
    }
    subnets = properties.pop("subnets", None)
    if not properties.get("enableVmProtection"):
        properties.pop("enableVmProtection", None)  # told only when it is on (recorded)
    if "dhcpOptions" in properties:
        properties["dhcpOptions"] = {"dnsServers": [], **(properties["dhcpOptions"] or {})}
    defaults = {"virtualNetworkPeerings": [], "enableDdosProtection": False}
    document = document_of(world, id, {**body, "properties": {**defaults, **properties}}, old)
    if subnets is not None:
        _replace_subnets(world, id, subnets)
    return document


def _replace_subnets(world: World, id: Id, subnets: list[Body]) -> None:
    kept = {f"{id.text}/subnets/{subnet['name']}".lower(): subnet for subnet in subnets}
    for child in list(world.below(id.text, SUBNETS)):
        if child.id.lower() not in kept:
            world.remove(child.id)
    for subnet in subnets:
        child_id = parse(f"{id.text}/subnets/{subnet['name']}")
        body = _fill_subnet(world, child_id, subnet, world.find(child_id.text))
        body["properties"]["provisioningState"] = "Updating"
        document = {**arm.envelope(child_id, SUBNETS, {}), **body}
        world.add(Resource(child_id.text, SUBNETS, document))


def _show_network(world: World, resource: Resource, request: Request) -> Body:
    body = shown(resource)
    children = sorted(world.below(resource.id, SUBNETS), key=lambda child: child.id.lower())
    body["properties"]["subnets"] = [_show_subnet(world, child, request) for child in children]
    for subnet in body["properties"]["subnets"]:
        subnet["etag"] = body["etag"]
    body["properties"]["addressSpace"] |= _pools(resource)
    return body


def _pools(network: Resource | None) -> Body:
    """Told of networks that were made with a newer api-version, whoever asks (recorded)."""
    made_with = str(network.hidden.get("made with", API)) if network is not None else API
    return {"ipamPoolPrefixAllocations": []} if made_with >= POOLS_SINCE else {}


def _network_made(world: World, network: Resource) -> None:
    settled(world, network)
    for child in world.below(network.id, SUBNETS):
        child.properties["provisioningState"] = "Succeeded"


def _network_deletable(world: World, network: Resource) -> None:
    for child in world.below(network.id, SUBNETS):
        conflicts.require_idle(world, child.id)
        _subnet_deletable(world, child)


# -- subnets


def _check_subnet(world: World, id: Id, body: Body, old: Resource | None) -> None:
    network = world.find(id.parent)
    if network is None:
        return
    _require_idle_network(world, network)
    spaces = [_prefix(network.id, text) for text in _space(network.properties)]
    beside = {
        child.body["name"]: [_prefix(child.id, text) for text in prefixes_of(child.body)]
        for child in world.below(network.id, SUBNETS)
        if not same(child.id, id.text)
    }
    location = network.body["location"]
    _check_subnet_body(world, id, body, location=location, spaces=spaces, beside=beside)


def _require_idle_network(world: World, network: Resource) -> None:
    """Writes of one network's subnets exclude each other ("this or dependent resource")."""
    conflicts.require_idle(world, network.id)
    for child in world.below(network.id, SUBNETS):
        conflicts.require_idle(world, child.id)


def _check_subnet_body(
    world: World,
    id: Id,
    body: Body,
    *,
    location: str,
    spaces: list[Prefix],
    beside: dict[str, list[Prefix]],
) -> None:
    """One subnet against its network, those `beside` it (which it joins), and its references."""
    network = id.names[0]
    prefixes = [_prefix(id.text, text) for text in prefixes_of(body)]
    if not prefixes or not all(
        any(_inside(prefix, space) for space in spaces) for prefix in prefixes
    ):
        message = f"Subnet '{id.name}' is not valid in virtual network '{network}'."
        raise Refusal(400, "NetcfgInvalidSubnet", message)
    for others in beside.values():
        if any(one.overlaps(other) for one in prefixes for other in others):
            raise Refusal(
                400,
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{id.name}' is not valid because its IP address range overlaps with that "
                f"of an existing subnet in virtual network '{network}'.",
            )
    beside[id.name] = prefixes
    _require_prefix_free(world, id, prefixes)
    properties = body["properties"]
    require_all(
        world, id, location, (properties, "networkSecurityGroup"), (properties, "natGateway")
    )


def _inside(prefix: Prefix, space: Prefix) -> bool:
    if isinstance(prefix, IPv4Network) and isinstance(space, IPv4Network):
        return prefix.subnet_of(space)
    return (
        isinstance(prefix, IPv6Network)
        and isinstance(space, IPv6Network)
        and prefix.subnet_of(space)
    )


def _require_prefix_free(world: World, id: Id, prefixes: list[Prefix]) -> None:
    for _, configuration in attached(world, id.text):
        address = ip_address(configuration["properties"]["privateIPAddress"])
        if not any(address in prefix for prefix in prefixes):
            old = world.find(id.text)
            before = ", ".join(prefixes_of(old.body if old else {}))
            raise Refusal(
                400,
                "InUsePrefixCannotBeDeleted",
                f"IpPrefix {before} on Subnet {id.name} has active allocations and cannot be "
                "deleted.",
            )


def _fill_subnet(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    properties = {**DEFAULT_SUBNET, **(body.get("properties") or {})}
    if old is not None and "defaultOutboundAccess" in old.properties:
        properties.setdefault("defaultOutboundAccess", old.properties["defaultOutboundAccess"])
    for told in ("ipConfigurations", "ipamPoolPrefixAllocations"):
        properties.pop(told, None)
    return {"etag": new_etag(world, id.text), "properties": properties}


DEFAULT_SUBNET: Mapping[str, Any] = {
    "delegations": [],
    "privateEndpointNetworkPolicies": "Disabled",
    "privateLinkServiceNetworkPolicies": "Enabled",
}


def _show_subnet(world: World, resource: Resource, request: Request) -> Body:
    """A read tells the interfaces in it from the group's name on in upper case (recorded)."""
    told = _loud if request.method == "GET" else str
    users = [{"id": told(configuration["id"])} for _, configuration in attached(world, resource.id)]
    body = shown(resource, ipConfigurations=users)
    body["properties"] |= _pools(world.find(parse(resource.id).parent))
    return body


def _loud(id: str) -> str:
    parts = id.split("/")
    for at in (4, 8, 10):
        parts[at] = parts[at].upper()
    return "/".join(parts)


def _subnet_made(world: World, subnet: Resource) -> None:
    settled(world, subnet)
    network = world.find(parse(subnet.id).parent)
    if network is not None:
        network.body["etag"] = subnet.body["etag"]


def _subnet_deletable(world: World, subnet: Resource) -> None:
    network = world.find(parse(subnet.id).parent)
    if network is not None:
        conflicts.require_idle(world, network.id)
    for _, configuration in attached(world, subnet.id):
        raise Refusal(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet.body['name']} is in use by {configuration['id']} and cannot be "
            "deleted. In order to delete the subnet, delete all the resources within the subnet. "
            "See aka.ms/deletesubnet.",
        )


# -- routes


def _private(world: World, request: Request, id: Id) -> Request:
    """New subnets of newer api-versions are private unless the request says otherwise (docs)."""
    body = request.body
    if request.api_version < PRIVATE_SINCE or not isinstance(body, dict):
        return request
    body = copy.deepcopy(body)
    properties = body.get("properties") or {}
    children = [body] if same(id.type, SUBNETS) else properties.get("subnets") or []
    for child in children:
        name = id.text if child is body else f"{id.text}/subnets/{child.get('name')}"
        if world.find(name) is None:
            child["properties"] = {
                "defaultOutboundAccess": False,
                **(child.get("properties") or {}),
            }
    return replace(request, body=body)


def answer(world: World, request: Request, id: Id) -> Response | None:
    """What is special about networks and subnets; None for the rest."""
    if same(id.type, f"{NETWORKS}/CheckIPAddressAvailability") and request.method == "GET":
        resources.require_group(world, id, writing=False)
        return availability(world, arm.existing(world, parse(id.parent)), request)
    kind = next((kind for kind in (NETWORK, SUBNET) if same(kind.type, id.type)), None)
    if kind is None or not id.group or not kind.knows(request.api_version):
        return None
    resources.require_group(world, id, writing=request.method != "GET")
    if request.method == "PUT" and id.name:
        return arm.put(world, kind, id, _private(world, request, id))
    return None


SUBNET_SINCE = {
    "properties.delegations": "2018-08-01",
    "properties.privateEndpointNetworkPolicies": "2019-04-01",
    "properties.privateLinkServiceNetworkPolicies": "2019-04-01",
}
NETWORK = replace(
    BASE,
    type=NETWORKS,
    model="azure.mgmt.network.models:VirtualNetwork",
    check=_check_network,
    fill=_fill_network,
    show=_show_network,
    since={
        "properties.privateEndpointVNetPolicies": "2024-03-01",
        "properties.enableDdosProtection": "2017-09-01",
        "properties.virtualNetworkPeerings": "2016-06-01",
        **{f"properties.subnets.{path}": first for path, first in SUBNET_SINCE.items()},
    },
    deletable=_network_deletable,
    when_made=_network_made,
)
SUBNET = replace(
    BASE,
    type=SUBNETS,
    model="azure.mgmt.network.models:Subnet",
    patch_model="",
    patched_at_once=False,
    tracked=False,
    located=False,
    check=_check_subnet,
    fill=_fill_subnet,
    show=_show_subnet,
    since=SUBNET_SINCE,
    deletable=_subnet_deletable,
    when_made=_subnet_made,
)
