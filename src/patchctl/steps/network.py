"""The demo machine's network: a subnet, a security group that lets nobody in, an interface.

No public IP address. How the machine gets out to its update source is always said explicitly:
since 2026 a new subnet is private unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Protocol

from azure.mgmt.network.models import (
    AddressSpace,
    NatGateway,
    NatGatewayPropertiesFormat,
    NatGatewaySku,
    NetworkInterface,
    NetworkInterfaceIPConfiguration,
    NetworkInterfaceIPConfigurationPropertiesFormat,
    NetworkInterfacePropertiesFormat,
    NetworkSecurityGroup,
    NetworkSecurityGroupPropertiesFormat,
    PublicIPAddress,
    PublicIPAddressPropertiesFormat,
    PublicIPAddressSku,
    Subnet,
    SubnetPropertiesFormat,
    SubResource,
    TagsObject,
    VirtualNetwork,
    VirtualNetworkPropertiesFormat,
)

from patchctl import actions
from patchctl.actions import Needed
from patchctl.clients import Clients, Deleting, delete, find, find_surely
from patchctl.deployment import NONE_MADE, Deployment
from patchctl.errors import Partly
from patchctl.many import together
from patchctl.report import (
    Finding,
    Inspection,
    Lacking,
    Part,
    State,
    check,
    in_progress,
    joined,
    lacking,
    merged_tags,
    only_tags,
    same,
    tags_check,
    wrong,
)

NAME = "network"
NEEDS = ("resource-group", "resource-providers")
ACTIONS = (
    Needed(
        "Microsoft.Network/networkSecurityGroups",
        "read write delete join/action",
        when=actions.makes_network,
    ),
    Needed(
        "Microsoft.Network/virtualNetworks",
        "read write delete subnets/join/action",
        when=actions.makes_network,
    ),
    Needed(
        "Microsoft.Network/virtualNetworks/subnets",
        "read join/action",
        actions.named_subnet,
        actions.makes_machine,
    ),
    Needed("Microsoft.Network/networkInterfaces", "read write delete", when=actions.makes_machine),
    Needed("Microsoft.Network/natGateways", "read", when=actions.makes_machine),
    Needed("Microsoft.Network/natGateways", "write delete join/action", when=actions.makes_gateway),
    Needed("Microsoft.Network/publicIPAddresses", "read", when=actions.makes_machine),
    Needed(
        "Microsoft.Network/publicIPAddresses",
        "write delete join/action",
        when=actions.makes_gateway,
    ),
    Needed(
        "Microsoft.Network/locations",
        "operations/read",
        actions.subscription,
        actions.makes_machine,
    ),
)
NO_OTHER_NETWORK = (
    "The machine moves to no other network; remove it: patchctl destroy --name {name}"
)
SPACE = "10.60.0.0/24"
SUBNET = "default"
OUTBOUND = {
    "default": "default outbound access: free, and Azure advises against it for production",
    "nat": "a NAT gateway with a public address",
    "none": "none: assessment and patching fail unless you give the subnet a route",
}


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if deployment.own:
        return Inspection(State.READY, notes=(NONE_MADE,))
    named = deployment.config.machine.subnet
    parts = await together(
        _security_group(clients, deployment),
        _unless_named(clients, deployment),
        _interface(clients, deployment),
        _nat_gateway(clients, deployment),
        _nat_address(clients, deployment),
    )
    way = OUTBOUND[_outbound(deployment)] if named is None else f"as {named} has it"
    notes = [f"Outbound: {way}."]
    found = joined([part for part in parts if part is not None], deployment.is_ours, notes)
    if named is None or await _is_there(clients, named):
        return found
    source = deployment.asked.source("machine.subnet")
    return lacking(found, Lacking("subnet", named, source, NO_OTHER_NETWORK))


async def apply(clients: Clients, deployment: Deployment) -> None:
    await together(_make_security_group(clients, deployment), _make_network(clients, deployment))
    await _make_interface(clients, deployment)
    if not _nat(deployment):
        await _remove_nat(clients, deployment)


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Each once nothing uses it any more. Raises Partly where something that is not ours does: the
    rest stays with it, for Azure deletes nothing that is in use."""
    network, group = clients.network, deployment.group
    chain: tuple[tuple[_Operations, str], ...] = (
        (network.network_interfaces, deployment.network_interface),
        (network.virtual_networks, deployment.network),
        (network.nat_gateways, deployment.nat_gateway),
        (network.public_ip_addresses, deployment.nat_address),
        (network.network_security_groups, deployment.security_group),
    )
    theirs = ""
    for operations, name in chain:
        standing = await find_surely(partial(operations.get, group, name))
        if standing is None:
            continue
        ours = deployment.is_ours(standing.tags)
        theirs = theirs or _machine(standing) or ("" if ours else name)
        if ours and theirs:
            raise Partly([f"{name} stays: {theirs} uses it, and is not ours"], step=NAME)
        if ours:
            await delete(operations, group, name)


def _machine(standing: object) -> str:
    """That which an interface is of: ours has gone before."""
    if not isinstance(standing, NetworkInterface) or standing.properties is None:
        return ""
    machine = standing.properties.virtual_machine
    return (machine.id or "").rsplit("/", 1)[-1] if machine is not None else ""


class _Standing(Protocol):
    """What all that the network client has to do with has."""

    tags: dict[str, str] | None


class _Operations(Deleting, Protocol):
    """What the network client has for each type."""

    def get(self, group: str, name: str, /) -> Awaitable[_Standing]: ...


def _outbound(deployment: Deployment) -> str:
    return deployment.config.machine.outbound


def _nat(deployment: Deployment) -> bool:
    return _outbound(deployment) == "nat"


# -- security group


async def _security_group(clients: Clients, deployment: Deployment) -> Part:
    name = deployment.security_group
    got = await find(clients.network.network_security_groups.get(deployment.group, name))
    id = deployment.id("Microsoft.Network/networkSecurityGroups", name)
    if got is None:
        return Part(id, None, (check("inbound rules", "none", "not there"),))
    rules = (got.properties.security_rules or []) if got.properties is not None else []
    inbound = [r.name for r in rules if r.properties and r.properties.direction == "Inbound"]
    findings = (
        check("inbound rules", "none", inbound),
        _tags(deployment, "security group", got.tags),
    )
    return Part(id, dict(got.tags or {}), findings, in_progress(got.properties))


async def _make_security_group(clients: Clients, deployment: Deployment) -> None:
    groups, name = clients.network.network_security_groups, deployment.security_group
    part = await _security_group(clients, deployment)
    if not wrong(part):
        return
    if only_tags(part):
        await groups.update_tags(deployment.group, name, _merged(deployment, part))
        return
    group = await find(groups.get(deployment.group, name))
    if group is None:
        properties = NetworkSecurityGroupPropertiesFormat(security_rules=[])
        group = NetworkSecurityGroup(location=deployment.config.location, properties=properties)
    group.tags = merged_tags(group.tags, deployment.tags)
    if group.properties is not None:
        rules = group.properties.security_rules or []
        kept = [r for r in rules if r.properties and r.properties.direction != "Inbound"]
        group.properties.security_rules = kept
    await (await groups.begin_create_or_update(deployment.group, name, group)).result()


# -- virtual network and subnet


async def _is_there(clients: Clients, subnet: str) -> bool:
    """Whether the subnet that is named is."""
    _, _, subscription, _, group, _, _, _, network, _, name = subnet.split("/")
    subnets = clients.within(subscription).network.subnets
    return await find(subnets.get(group, network, name)) is not None


async def _unless_named(clients: Clients, deployment: Deployment) -> Part | None:
    """The network of ours; none where a subnet is named."""
    return await _network(clients, deployment) if deployment.config.machine.subnet is None else None


async def _network(clients: Clients, deployment: Deployment) -> Part:
    got = await find(clients.network.virtual_networks.get(deployment.group, deployment.network))
    id = deployment.id("Microsoft.Network/virtualNetworks", deployment.network)
    if got is None:
        return Part(id, None, tuple(_subnet_findings(deployment, SubnetPropertiesFormat())))
    subnets = (got.properties.subnets or []) if got.properties is not None else []
    ours = [s.properties for s in subnets if s.name == SUBNET and s.properties is not None]
    findings = [
        *_subnet_findings(deployment, ours[0] if ours else SubnetPropertiesFormat()),
        _tags(deployment, "virtual network", got.tags),
    ]
    return Part(id, dict(got.tags or {}), tuple(findings), in_progress(got.properties))


def _subnet_findings(deployment: Deployment, subnet: SubnetPropertiesFormat) -> list[Finding]:
    source = deployment.asked.source("machine.outbound")
    wanted = _nat_id(deployment) if _nat(deployment) else "none"
    gateway = subnet.nat_gateway.id if subnet.nat_gateway is not None else None
    if gateway is not None and not _nat(deployment) and not same(gateway, _nat_id(deployment)):
        gateway = None  # somebody else's route to the outside is welcome
    return [
        check("subnet", SPACE, subnet.address_prefix or subnet.address_prefixes),
        check(
            "default outbound access",
            _outbound(deployment) == "default",
            subnet.default_outbound_access is not False if subnet.address_prefix else None,
            source,
        ),
        check("NAT gateway", wanted, gateway, source),
    ]


async def _make_network(clients: Clients, deployment: Deployment) -> None:
    if deployment.config.machine.subnet is not None:
        return
    if _nat(deployment):
        await _make_nat_gateway(clients, deployment)
    networks, name = clients.network.virtual_networks, deployment.network
    part = await _network(clients, deployment)
    if not wrong(part):
        return
    if only_tags(part):
        await networks.update_tags(deployment.group, name, _merged(deployment, part))
        return
    network = await find(networks.get(deployment.group, name))
    if network is None:
        space = AddressSpace(address_prefixes=[SPACE])
        properties = VirtualNetworkPropertiesFormat(address_space=space, subnets=[])
        network = VirtualNetwork(location=deployment.config.location, properties=properties)
    network.tags = merged_tags(network.tags, deployment.tags)
    if network.properties is not None:
        subnets = network.properties.subnets or []
        ours = next((s for s in subnets if s.name == SUBNET), Subnet(name=SUBNET))
        others = [subnet for subnet in subnets if subnet.name != SUBNET]
        network.properties.subnets = [_subnet(deployment, ours), *others]
    await (await networks.begin_create_or_update(deployment.group, name, network)).result()


def _subnet(deployment: Deployment, subnet: Subnet) -> Subnet:
    """The subnet with our settings; routes and whatever else it has been given stay."""
    properties = SubnetPropertiesFormat() if subnet.properties is None else subnet.properties
    properties.address_prefix = SPACE
    properties.default_outbound_access = _outbound(deployment) == "default"
    gateway = properties.nat_gateway
    foreign = gateway is not None and not same(gateway.id or "", _nat_id(deployment))
    if _nat(deployment):
        properties.nat_gateway = SubResource(id=_nat_id(deployment))
    elif not foreign:
        properties.nat_gateway = None
    subnet.properties = properties
    return subnet


def _subnet_id(deployment: Deployment) -> str:
    if deployment.config.machine.subnet is not None:
        return deployment.config.machine.subnet
    network = deployment.id("Microsoft.Network/virtualNetworks", deployment.network)
    return f"{network}/subnets/{SUBNET}"


# -- interface


async def _interface(clients: Clients, deployment: Deployment) -> Part:
    name, id = deployment.network_interface, deployment.network_interface_id
    got = await find(clients.network.network_interfaces.get(deployment.group, name))
    if got is None or got.properties is None:
        return Part(
            id, None, tuple(_interface_findings(deployment, NetworkInterfacePropertiesFormat()))
        )
    findings = [
        *_interface_findings(deployment, got.properties),
        _tags(deployment, "network interface", got.tags),
    ]
    return Part(id, dict(got.tags or {}), tuple(findings), in_progress(got.properties))


def _interface_findings(
    deployment: Deployment, properties: NetworkInterfacePropertiesFormat
) -> list[Finding]:
    configurations = [c.properties for c in properties.ip_configurations or [] if c.properties]
    subnets = [c.subnet.id for c in configurations if c.subnet is not None]
    addresses = [c.public_ip_address.id for c in configurations if c.public_ip_address is not None]
    guard = properties.network_security_group
    return [
        check("interface's subnet", _subnet_id(deployment), subnets),
        check("interface's security group", _guard_id(deployment), guard.id if guard else None),
        check("public IP address", "none", addresses),
    ]


def _guard_id(deployment: Deployment) -> str:
    return deployment.id("Microsoft.Network/networkSecurityGroups", deployment.security_group)


async def _make_interface(clients: Clients, deployment: Deployment) -> None:
    interfaces, name = clients.network.network_interfaces, deployment.network_interface
    part = await _interface(clients, deployment)
    if not wrong(part):
        return
    if only_tags(part):
        await interfaces.update_tags(deployment.group, name, _merged(deployment, part))
        return
    # Made anew: a GET of an interface shows properties that no contract knows, and a PUT of
    # those may be refused (recorded: kind, allowPort25Out).
    interface = NetworkInterface(
        location=deployment.config.location,
        tags=merged_tags(part.tags, deployment.tags),
        properties=NetworkInterfacePropertiesFormat(
            ip_configurations=[_ip_configuration(deployment)],
            network_security_group=NetworkSecurityGroup(id=_guard_id(deployment)),
        ),
    )
    await (await interfaces.begin_create_or_update(deployment.group, name, interface)).result()


def _ip_configuration(deployment: Deployment) -> NetworkInterfaceIPConfiguration:
    properties = NetworkInterfaceIPConfigurationPropertiesFormat(
        subnet=Subnet(id=_subnet_id(deployment)),
        private_ip_allocation_method="Dynamic",
        primary=True,
    )
    return NetworkInterfaceIPConfiguration(name="primary", properties=properties)


# -- NAT gateway


def _nat_id(deployment: Deployment) -> str:
    return deployment.id("Microsoft.Network/natGateways", deployment.nat_gateway)


def _address_id(deployment: Deployment) -> str:
    return deployment.id("Microsoft.Network/publicIPAddresses", deployment.nat_address)


async def _nat_gateway(clients: Clients, deployment: Deployment) -> Part | None:
    """The gateway, None where none is wanted and none stands."""
    got = await find(clients.network.nat_gateways.get(deployment.group, deployment.nat_gateway))
    id, wanted = _nat_id(deployment), _address_id(deployment)
    if got is None:
        missing = check("NAT gateway's address", wanted, "not there")
        return Part(id, None, (missing,)) if _nat(deployment) else None
    tags = dict(got.tags or {})
    if not _nat(deployment):
        return Part(id, tags, (check("leftover NAT gateway", "gone", "stands, and costs"),))
    addresses = (got.properties.public_ip_addresses or []) if got.properties is not None else []
    findings = (
        check("NAT gateway's address", wanted, [address.id for address in addresses]),
        _tags(deployment, "NAT gateway", got.tags),
    )
    return Part(id, tags, findings, in_progress(got.properties))


async def _nat_address(clients: Clients, deployment: Deployment) -> Part | None:
    """The gateway's public address, None where none is wanted and none stands."""
    addresses = clients.network.public_ip_addresses
    got = await find(addresses.get(deployment.group, deployment.nat_address))
    id = _address_id(deployment)
    if got is None:
        missing = check("NAT gateway's public address", "there", "not there")
        return Part(id, None, (missing,)) if _nat(deployment) else None
    tags = dict(got.tags or {})
    if not _nat(deployment):
        return Part(id, tags, (check("leftover public address", "gone", "stands, and costs"),))
    found = _tags(deployment, "NAT gateway's public address", got.tags)
    return Part(id, tags, (found,), in_progress(got.properties))


async def _remove_nat(clients: Clients, deployment: Deployment) -> None:
    """Delete the gateway and then its address; what is not there is not asked for."""
    network, group = clients.network, deployment.group
    if await find(network.nat_gateways.get(group, deployment.nat_gateway)) is not None:
        await delete(network.nat_gateways, group, deployment.nat_gateway)
    if await find(network.public_ip_addresses.get(group, deployment.nat_address)) is not None:
        await delete(network.public_ip_addresses, group, deployment.nat_address)


async def _make_nat_gateway(clients: Clients, deployment: Deployment) -> None:
    gateways, addresses = clients.network.nat_gateways, clients.network.public_ip_addresses
    parts = (await _nat_gateway(clients, deployment), await _nat_address(clients, deployment))
    if not any(part is not None and wrong(part) for part in parts):
        return
    gateway_tags, address_tags = (part.tags if part is not None else None for part in parts)
    address = PublicIPAddress(
        location=deployment.config.location,
        tags=merged_tags(address_tags, deployment.tags),
        sku=PublicIPAddressSku(name="Standard"),
        properties=PublicIPAddressPropertiesFormat(public_ip_allocation_method="Static"),
    )
    await (
        await addresses.begin_create_or_update(deployment.group, deployment.nat_address, address)
    ).result()
    gateway = NatGateway(
        location=deployment.config.location,
        tags=merged_tags(gateway_tags, deployment.tags),
        sku=NatGatewaySku(name="Standard"),
        properties=NatGatewayPropertiesFormat(
            public_ip_addresses=[SubResource(id=_address_id(deployment))]
        ),
    )
    await (
        await gateways.begin_create_or_update(deployment.group, deployment.nat_gateway, gateway)
    ).result()


def _merged(deployment: Deployment, part: Part) -> TagsObject:
    return TagsObject(tags=merged_tags(part.tags, deployment.tags))


def _tags(deployment: Deployment, subject: str, got: dict[str, str] | None) -> Finding:
    return tags_check(f"{subject}'s tags", deployment.tags, got)
