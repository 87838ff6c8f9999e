"""Microsoft.Network: security groups, networks, subnets, addresses, NAT gateways, interfaces.

What one resource shows of another (a subnet's interfaces, say) is looked up when it is shown.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from arm_sandbox import arm
from arm_sandbox.arm import Body, Kind, reference, require_references, writable
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import resources
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World

Prefix = IPv4Network | IPv6Network

API = "2026-03-01"
PRIVATE_SINCE = "2026-03-01"
"""From this api-version on, a new subnet is private. The docs say "released after 31 March 2026";
on which side 2026-03-01 is, nobody has verified."""
VERSIONS = (
    *("2018-01-01", "2018-11-01", "2021-02-01", "2021-08-01", "2022-01-01", "2022-07-01"),
    *("2022-11-01", "2023-11-01", "2024-01-01", "2024-03-01", "2024-05-01", "2024-07-01"),
    *("2024-10-01", "2025-01-01", "2025-03-01", "2025-05-01"),
)

GROUPS = "Microsoft.Network/networkSecurityGroups"
NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
GATEWAYS = "Microsoft.Network/natGateways"
INTERFACES = "Microsoft.Network/networkInterfaces"

WRITE = LongRunning("network", (2.0, 10.0))
WRITE_GATEWAY = LongRunning("network", (10.0, 30.0))
WRITE_INTERFACE = LongRunning("network", (1.0, 4.0))
DELETE = LongRunning("network", (5.0, 15.0), location=True)


# -- what other providers ask


def has_route(world: World, nic: str) -> bool:
    """Whether a machine with an interface reaches the internet (docs, default outbound access)."""
    interface = world.find(nic)
    return interface is not None and any(_leads_out(world, c) for c in _configurations(interface))


def _leads_out(world: World, configuration: Body) -> bool:
    if reference(world, configuration, "properties", "publicIPAddress", "id"):
        return True
    subnet = world.find(reference(world, configuration, "properties", "subnet", "id"))
    if subnet is None:
        return False
    gateway = world.find(reference(world, subnet.properties, "natGateway", "id"))
    if gateway is not None and (_ids(gateway, "publicIpAddresses", "publicIpPrefixes")):
        return True
    return bool(subnet.properties.get("defaultOutboundAccess", True))


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


# -- alike for all


def _document(world: World, id: Id, body: Body, old: Resource | None, **properties: Any) -> Body:
    """What was sent, with the given properties and those that every network resource has."""
    document = writable(body)
    if "location" in document:
        document["location"] = resources.plain_location(document["location"])
    guid = old.properties["resourceGuid"] if old is not None else world.guid(id.text)
    document["etag"] = _etag(world, id.text)
    document["properties"] = {
        **document.get("properties", {}),
        **properties,
        "resourceGuid": guid,
    }
    return document


def _etag(world: World, id: str) -> str:
    return f'W/"{world.guid(f"{id}|etag")}"'


def _settled(world: World, resource: Resource) -> None:
    """The etag changes when the state does (recorded)."""
    resource.body["etag"] = _etag(world, resource.id)


def _shown(resource: Resource, **found: Any) -> Body:
    """A copy of a document, with what was found about the resource elsewhere, if anything was."""
    body = copy.deepcopy(resource.body)
    body["properties"] |= {name: value for name, value in found.items() if value}
    return body


def _ids(resource: Resource, *names: str) -> list[str]:
    """The ids in lists of references."""
    return [item["id"] for name in names for item in resource.properties.get(name) or []]


def _of_type(world: World, type: str) -> Iterator[Resource]:
    return (found for found in list(world.resources.values()) if found.type == type)


def _referring(world: World, type: str, name: str, id: str) -> list[str]:
    """The ids of the resources of a type whose property `name` refers to `id`."""
    return [
        found.id
        for found in _of_type(world, type)
        if same(reference(world, found.properties, name, "id"), id)
    ]


def _require_references(world: World, id: Id, location: str, *bodies: tuple[Body, str]) -> None:
    ids = [reference(world, body, name, "id") for body, name in bodies]
    require_references(world, ids, referrer=id.text, location=location)


def _located(kind: str, body: Body) -> str:
    return resources.require_location(kind, body["location"])


# -- network security groups


def _check_group(world: World, id: Id, body: Body, old: Resource | None) -> None:
    _located(GROUPS, body)
    taken: dict[tuple[str, int], str] = {}
    for rule in body.get("properties", {}).get("securityRules") or []:
        _require_rule(rule, taken)


def _require_rule(rule: Body, taken: dict[tuple[str, int], str]) -> None:
    properties = rule.get("properties", {})
    priority, direction = properties.get("priority", 0), str(properties.get("direction", ""))
    if not 100 <= priority <= 4096:
        message = (
            f"Security rule has invalid priority value {priority}. Valid values are 100 to 4096."
        )
        raise Refusal(400, "SecurityRuleInvalidPriority", message)
    other = taken.setdefault((direction.lower(), priority), rule.get("name", ""))
    if other is not rule.get("name", ""):
        raise Refusal(
            400,
            "SecurityRuleConflict",
            f"Security rule {rule.get('name')} conflicts with rule {other}. Rules cannot have the "
            "same Priority and Direction.",
        )


def _fill_group(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = _document(world, id, body, old)
    etag, rules = document["etag"], document["properties"].get("securityRules") or []
    document["properties"] |= {
        "securityRules": [_rule(id.text, "securityRules", etag, rule) for rule in rules],
        "defaultSecurityRules": [
            _rule(id.text, "defaultSecurityRules", etag, _default_rule(default))
            for default in DEFAULT_RULES
        ],
    }
    return document


def _rule(group: str, list_name: str, etag: str, rule: Body) -> Body:
    return {
        "name": rule["name"],
        "id": f"{group}/{list_name}/{rule['name']}",
        "etag": etag,
        "type": f"{GROUPS}/{list_name}",
        "properties": {"provisioningState": "Succeeded", **EMPTY_RULE, **rule["properties"]},
    }


EMPTY_RULE: Mapping[str, list[str]] = {
    "sourcePortRanges": [],
    "destinationPortRanges": [],
    "sourceAddressPrefixes": [],
    "destinationAddressPrefixes": [],
}
DEFAULT_RULES = (
    ("AllowVnetInBound", "all VMs in VNET", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
    (
        "AllowAzureLoadBalancerInBound",
        "azure load balancer",
        "AzureLoadBalancer",
        "*",
        "Allow",
        65001,
    ),
    ("DenyAllInBound", "all inbound traffic", "*", "*", "Deny", 65500),
    ("AllowVnetOutBound", "all VMs in VNET", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
    ("AllowInternetOutBound", "all VMs to Internet", "*", "Internet", "Allow", 65001),
    ("DenyAllOutBound", "all outbound traffic", "*", "*", "Deny", 65500),
)


def _default_rule(default: tuple[str, str, str, str, str, int]) -> Body:
    name, what, source, target, access, priority = default
    return {
        "name": name,
        "properties": {
            "description": f"{access} {what}",
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
            "sourceAddressPrefix": source,
            "destinationAddressPrefix": target,
            "access": access,
            "priority": priority,
            "direction": "Inbound" if name.endswith("InBound") else "Outbound",
        },
    }


def _show_group(world: World, resource: Resource, request: Request) -> Body:
    users = {
        name: _referring(world, type, "networkSecurityGroup", resource.id) for name, type in USERS
    }
    return _shown(resource, **{k: [{"id": id} for id in ids] for k, ids in users.items()})


USERS = (("networkInterfaces", INTERFACES), ("subnets", SUBNETS))


def _group_deletable(world: World, group: Resource) -> None:
    users = [
        id for _, type in USERS for id in _referring(world, type, "networkSecurityGroup", group.id)
    ]
    if users:
        raise Refusal(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {group.id} cannot be deleted because it is in use by the "
            f"following resources: {', '.join(users)}. In order to delete the Network security "
            "group, remove the association with the resource(s). To learn how to do this, see "
            "aka.ms/deletensg.",
        )


# -- virtual networks


def _check_network(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = _located(NETWORKS, body)
    properties = body.get("properties", {})
    spaces = [_prefix(id.text, text) for text in _space(properties)]
    if not spaces:
        message = f"Address space of virtual network {id.text} has no address prefix."
        raise Refusal(400, "NoAddressPrefixOrPoolProvided", message)
    standing = {child.id.lower(): child for child in world.below(id.text, SUBNETS)}
    for child in standing:
        arm.require_idle(world, child)
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
    subnets = properties.pop("subnets", None)
    properties["addressSpace"] = {**properties["addressSpace"], "ipamPoolPrefixAllocations": []}
    if not properties.get("enableVmProtection"):
        properties.pop("enableVmProtection", None)  # told only when it is on (recorded)
    if "dhcpOptions" in properties:
        properties["dhcpOptions"] = {"dnsServers": [], **(properties["dhcpOptions"] or {})}
    defaults = {"virtualNetworkPeerings": [], "enableDdosProtection": False}
    document = _document(world, id, {**body, "properties": {**defaults, **properties}}, old)
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
    body = _shown(resource)
    children = sorted(world.below(resource.id, SUBNETS), key=lambda child: child.id.lower())
    body["properties"]["subnets"] = [_show_subnet(world, child, request) for child in children]
    for subnet in body["properties"]["subnets"]:
        subnet["etag"] = body["etag"]
    return body


def _network_made(world: World, network: Resource) -> None:
    _settled(world, network)
    for child in world.below(network.id, SUBNETS):
        child.properties["provisioningState"] = "Succeeded"


def _network_deletable(world: World, network: Resource) -> None:
    for child in world.below(network.id, SUBNETS):
        arm.require_idle(world, child.id)
        _subnet_deletable(world, child)


# -- subnets


def _check_subnet(world: World, id: Id, body: Body, old: Resource | None) -> None:
    network = world.find(id.parent)
    if network is None:
        return
    _require_idle_network(world, network)
    spaces = [_prefix(network.id, text) for text in _space(network.properties)]
    beside = {
        child.body["name"]: [_prefix(child.id, text) for text in _prefixes(child.body)]
        for child in world.below(network.id, SUBNETS)
        if not same(child.id, id.text)
    }
    location = network.body["location"]
    _check_subnet_body(world, id, body, location=location, spaces=spaces, beside=beside)


def _require_idle_network(world: World, network: Resource) -> None:
    """Writes of one network's subnets exclude each other ("this or dependent resource")."""
    arm.require_idle(world, network.id)
    for child in world.below(network.id, SUBNETS):
        arm.require_idle(world, child.id)


def _prefixes(subnet: Body) -> list[str]:
    properties = subnet.get("properties") or {}
    single = properties.get("addressPrefix")
    return [single] if single else list(properties.get("addressPrefixes") or [])


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
    prefixes = [_prefix(id.text, text) for text in _prefixes(body)]
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
    _require_references(
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
    for _, configuration in _attached(world, id.text):
        address = ip_address(configuration["properties"]["privateIPAddress"])
        if not any(address in prefix for prefix in prefixes):
            old = world.find(id.text)
            raise Refusal(
                400,
                "InUsePrefixCannotBeDeleted",
                f"IpPrefix {', '.join(_prefixes(old.body if old else {}))} on Subnet {id.name} has "
                "active allocations and cannot be deleted.",
            )


def _fill_subnet(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    properties = {**DEFAULT_SUBNET, **(body.get("properties") or {})}
    if old is not None and "defaultOutboundAccess" in old.properties:
        properties.setdefault("defaultOutboundAccess", old.properties["defaultOutboundAccess"])
    properties.pop("ipConfigurations", None)
    return {"etag": _etag(world, id.text), "properties": properties}


DEFAULT_SUBNET: Mapping[str, Any] = {
    "ipamPoolPrefixAllocations": [],
    "delegations": [],
    "privateEndpointNetworkPolicies": "Disabled",
    "privateLinkServiceNetworkPolicies": "Enabled",
}


def _show_subnet(world: World, resource: Resource, request: Request) -> Body:
    """The interfaces in a subnet are told from the group's name on in upper case (recorded)."""
    users = [
        {"id": _loud(configuration["id"])} for _, configuration in _attached(world, resource.id)
    ]
    return _shown(resource, ipConfigurations=users)


def _loud(id: str) -> str:
    parts = id.split("/")
    for at in (4, 8, 10):
        parts[at] = parts[at].upper()
    return "/".join(parts)


def _subnet_made(world: World, subnet: Resource) -> None:
    _settled(world, subnet)
    network = world.find(parse(subnet.id).parent)
    if network is not None:
        network.body["etag"] = subnet.body["etag"]


def _subnet_deletable(world: World, subnet: Resource) -> None:
    network = world.find(parse(subnet.id).parent)
    if network is not None:
        arm.require_idle(world, network.id)
    for _, configuration in _attached(world, subnet.id):
        raise Refusal(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet.body['name']} is in use by {configuration['id']} and cannot be "
            "deleted. In order to delete the subnet, delete all the resources within the subnet. "
            "See aka.ms/deletesubnet.",
        )


def _attached(world: World, subnet: str) -> list[tuple[Resource, Body]]:
    """The interfaces, with their ip configurations, that are in a subnet."""
    return [
        (nic, configuration)
        for nic in _of_type(world, INTERFACES)
        for configuration in _configurations(nic)
        if same(reference(world, configuration, "properties", "subnet", "id"), subnet)
    ]


def _require_network(world: World, request: Request, id: Id) -> None:
    """A subnet without its network: a read names the network (recorded), a write its own want."""
    network = parse(id.parent)
    if world.find(network.text) is not None:
        return
    if request.method == "GET":
        raise arm.not_found(NETWORKS, network.name, id.group)
    raise gateway(
        404,
        "ParentResourceNotFound",
        "Failed to perform 'write' on resource(s) of type 'virtualNetworks/subnets', because the "
        f"parent resource '{network.text}' could not be found.",
    )


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


# -- public IP addresses


def _check_address(world: World, id: Id, body: Body, old: Resource | None) -> None:
    _located(ADDRESSES, body)
    if (body.get("sku") or {}).get("name", "Basic") == "Basic":
        raise Refusal(
            400,
            "IPv4BasicSkuPublicIpCountLimitReached",
            "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in "
            "this region.",
        )
    if body.get("properties", {}).get("publicIPAllocationMethod", "Dynamic") != "Static":
        raise Refusal(
            400,
            "StandardAndStandardV2SkuPublicIPAddressesMustBeStatic",
            f"Standard sku publicIp {id.text} must have AllocationMethod set to Static.",
        )


def _fill_address(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = _document(world, id, body, old)
    defaults = {
        "publicIPAddressVersion": "IPv4",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
        "ddosSettings": {"protectionMode": "VirtualNetworkInherited"},
    }
    properties = {**defaults, **document["properties"]}
    for name in ("ipAddress", "ipConfiguration", "natGateway"):
        properties.pop(name, None)
    if old is not None and "ipAddress" in old.properties:
        properties["ipAddress"] = old.properties["ipAddress"]
    if reference(world, properties, "dnsSettings", "domainNameLabel"):
        fqdn = _host_name(id, properties["dnsSettings"], document["location"])
        properties["dnsSettings"] = {**properties["dnsSettings"], "fqdn": fqdn}
    return {**document, "properties": properties, "sku": {"tier": "Regional", **document["sku"]}}


def _host_name(id: Id, settings: Body, location: str) -> str:
    """A label with a scope of its own gets a hash of 16 letters beside it (docs, recorded)."""
    label = settings["domainNameLabel"]
    if settings.get("domainNameLabelScope"):
        label += f".{base64.b32encode(sha256(id.key.encode()).digest())[:16].decode().lower()}"
    return f"{label}.{location}.cloudapp.azure.com"


def _address_made(world: World, address: Resource) -> None:
    _settled(world, address)
    if "ipAddress" not in address.properties:
        number = int(world.draw(address.id, "ipAddress") * 2**24)
        octets = (20, 8 + (number >> 16) % 240, number >> 8 & 0xFF, 1 + number % 254)
        address.properties["ipAddress"] = ".".join(str(octet) for octet in octets)


def _show_address(world: World, resource: Resource, request: Request) -> Body:
    user = _address_user(world, resource.id)
    name = "natGateway" if same(parse(user).type, GATEWAYS) else "ipConfiguration"
    return _shown(resource, **{name: {"id": user} if user else None})


def _address_user(world: World, address: str) -> str:
    """The ip configuration or NAT gateway that has an address, or an empty string."""
    for nic in _of_type(world, INTERFACES):
        for configuration in _configurations(nic):
            used = reference(world, configuration, "properties", "publicIPAddress", "id")
            if same(used, address):
                return str(configuration["id"])
    for nat in _of_type(world, GATEWAYS):
        if any(same(id, address) for id in _ids(nat, "publicIpAddresses")):
            return nat.id
    return ""


def _address_deletable(world: World, address: Resource) -> None:
    user = _address_user(world, address.id)
    if user:
        raise Refusal(
            400,
            "PublicIPAddressCannotBeDeleted",
            f"Public IP address {address.id} can not be deleted since it is still allocated to "
            f"resource {user}. In order to delete the public IP, disassociate/detach the Public IP "
            "address from the resource.  To learn how to do this, see aka.ms/deletepublicip.",
        )


def _require_address_free(world: World, address: str, user: str) -> None:
    other = _address_user(world, address)
    if other and not same(other, user):
        raise Refusal(
            400,
            "PublicIPAddressInUse",
            f"Resource {user} is referencing public IP address {address} that is already allocated "
            f"to resource {other}.",
        )


# -- NAT gateways


def _check_gateway(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = _located(GATEWAYS, body)
    addresses = [item["id"] for item in body.get("properties", {}).get("publicIpAddresses") or []]
    require_references(world, addresses, referrer=id.text, location=location)
    for address in addresses:
        _require_address_free(world, address, id.text)


def _fill_gateway(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = _document(world, id, body, old)
    document["properties"] = {"idleTimeoutInMinutes": 4, **document["properties"]}
    document["properties"].pop("subnets", None)
    sku = {"name": "Standard", **(document.get("sku") or {})}
    return {**document, "sku": sku}


def _show_gateway(world: World, resource: Resource, request: Request) -> Body:
    subnets = _referring(world, SUBNETS, "natGateway", resource.id)
    return _shown(resource, subnets=[{"id": id} for id in subnets])


def _gateway_deletable(world: World, gateway: Resource) -> None:
    subnets = _referring(world, SUBNETS, "natGateway", gateway.id)
    if subnets:
        raise Refusal(
            400,
            "InUseNatGatewayCannotBeDeleted",
            f"Nat gateway {gateway.id} cannot be deleted because it is in use by the following "
            f"resources: {', '.join(subnets)}. In order to delete the Nat gateway, remove the "
            "association with the resource(s).",
        )


# -- network interfaces


def _configurations(nic: Resource) -> list[Body]:
    return nic.properties.get("ipConfigurations") or []


def _check_interface(world: World, id: Id, body: Body, old: Resource | None) -> None:
    location = _located(INTERFACES, body)
    properties = body.get("properties", {})
    configurations = properties.get("ipConfigurations") or []
    if not configurations:
        message = f"Network interface {id.text} must have one or more IP configurations."
        raise Refusal(400, "NetworkInterfaceMustHaveIpConfiguration", message)
    for at, configuration in enumerate(configurations):
        _check_configuration(world, id, at, configuration, location)
    _require_references(world, id, location, (properties, "networkSecurityGroup"))


def _check_configuration(world: World, id: Id, at: int, configuration: Body, location: str) -> None:
    properties = configuration.get("properties") or {}
    subnet = reference(world, properties, "subnet", "id")
    if not subnet:
        path = f"properties.ipConfigurations[{at}].properties.subnet"
        message = f"Value for reference id is missing. Path {path}."
        raise Refusal(400, "MissingJsonReferenceId", message)
    _require_references(world, id, location, (properties, "publicIPAddress"))
    require_references(world, [subnet], referrer=id.text)
    require_references(world, [parse(subnet).parent], referrer=id.text, location=location)
    address = reference(world, properties, "publicIPAddress", "id")
    if address:
        user = f"{id.text}/ipConfigurations/{configuration.get('name')}"
        _require_address_free(world, address, user)
    if properties.get("privateIPAllocationMethod") == "Static":
        _require_private_address(world, id, subnet, properties.get("privateIPAddress"))


def _require_private_address(world: World, id: Id, subnet: str, address: str | None) -> None:
    standing = world.find(subnet)
    prefixes = [ip_network(text) for text in _prefixes(standing.body)] if standing else []
    try:
        inside = any(ip_address(address or "") in prefix for prefix in prefixes)
    except ValueError:
        inside = False
    if not inside:
        message = (
            f"Private static IP address {address} does not belong to the range of subnet {subnet}."
        )
        raise Refusal(400, "PrivateIPAddressNotInSubnet", message)
    for nic, configuration in _attached(world, subnet):
        if configuration["properties"]["privateIPAddress"] == address and not same(nic.id, id.text):
            message = (
                f"IP configuration {id.text} is using the private IP address {address} which is "
                f"already allocated to resource {configuration['id']}."
            )
            raise Refusal(400, "PrivateIPAddressIsAllocated", message)


def _fill_interface(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = _document(world, id, body, old)
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
    """The lowest free address of the subnet; Azure keeps the first four and the last (docs)."""
    subnet = properties["subnet"]["id"]
    for configuration in _configurations(old) if old is not None else []:
        before = configuration["properties"]
        if configuration["name"] == name and same(before["subnet"]["id"], subnet):
            return str(before["privateIPAddress"])
    taken = {c["properties"]["privateIPAddress"] for _, c in _attached(world, subnet)} | used
    standing = world.find(subnet)
    prefix = ip_network(_prefixes(standing.body if standing else {})[0])
    for offset in range(4, prefix.num_addresses - 1):
        if str(prefix[offset]) not in taken:
            return str(prefix[offset])
    message = f"Subnet {subnet} does not have enough capacity for 1 IP addresses."
    raise Refusal(400, "SubnetIsFull", message)


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


# -- routes


def answer(world: World, request: Request, id: Id) -> Response | None:
    """What is special about networks and subnets; None for the rest."""
    kind = next((kind for kind in (NETWORK, SUBNET) if same(kind.type, id.type)), None)
    if kind is None or not id.group or not kind.knows(request.api_version):
        return None
    resources.require_group(world, id, writing=request.method != "GET")
    if kind is SUBNET:
        _require_network(world, request, id)
    if request.method == "PUT" and id.name:
        return arm.put(world, kind, id, _private(world, request, id))
    if request.method == "GET" and kind is SUBNET and id.name and world.find(id.text) is None:
        raise Refusal(404, "NotFound", f"Resource {id.text} not found.")
    return None


GROUP = Kind(
    type=GROUPS,
    model="azure.mgmt.network.models:NetworkSecurityGroup",
    patch_model="azure.mgmt.network.models:TagsObject",
    patched_at_once=True,
    api_version=API,
    versions=VERSIONS,
    check=_check_group,
    fill=_fill_group,
    create=WRITE,
    update=WRITE,
    delete=DELETE,
    show=_show_group,
    deletable=_group_deletable,
    when_made=_settled,
)
NETWORK = replace(
    GROUP,
    type=NETWORKS,
    model="azure.mgmt.network.models:VirtualNetwork",
    check=_check_network,
    fill=_fill_network,
    show=_show_network,
    deletable=_network_deletable,
    when_made=_network_made,
)
SUBNET = replace(
    GROUP,
    type=SUBNETS,
    model="azure.mgmt.network.models:Subnet",
    patch_model="",
    patched_at_once=False,
    tracked=False,
    located=False,
    check=_check_subnet,
    fill=_fill_subnet,
    show=_show_subnet,
    deletable=_subnet_deletable,
    when_made=_subnet_made,
)
ADDRESS = replace(
    GROUP,
    type=ADDRESSES,
    model="azure.mgmt.network.models:PublicIPAddress",
    check=_check_address,
    fill=_fill_address,
    show=_show_address,
    deletable=_address_deletable,
    when_made=_address_made,
)
GATEWAY = replace(
    GROUP,
    type=GATEWAYS,
    model="azure.mgmt.network.models:NatGateway",
    create=WRITE_GATEWAY,
    update=WRITE_GATEWAY,
    check=_check_gateway,
    fill=_fill_gateway,
    show=_show_gateway,
    deletable=_gateway_deletable,
)
INTERFACE = replace(
    GROUP,
    type=INTERFACES,
    model="azure.mgmt.network.models:NetworkInterface",
    create=WRITE_INTERFACE,
    update=WRITE_INTERFACE,
    creating="Succeeded",  # recorded, with and without an operation
    check=_check_interface,
    fill=_fill_interface,
    show=arm.show_body,
    deletable=_interface_deletable,
)
KINDS: tuple[Kind, ...] = (GROUP, NETWORK, SUBNET, ADDRESS, GATEWAY, INTERFACE)
HAPPENINGS: Mapping[str, Callable[..., None]] = {}
