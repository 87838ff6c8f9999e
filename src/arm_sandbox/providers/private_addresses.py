"""Private IP addresses: which a subnet has, who uses them, and which are free."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import islice

from arm_sandbox.arm import Body, reference
from arm_sandbox.ids import same
from arm_sandbox.providers.network_documents import INTERFACES, SUBNETS, of_type
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World

RESERVED = 4
"""Azure keeps the first four addresses of a subnet, and the last (docs)."""


def configurations_of(nic: Resource) -> list[Body]:
    """The ip configurations of an interface."""
    return nic.properties.get("ipConfigurations") or []


def attached(world: World, subnet: str) -> list[tuple[Resource, Body]]:
    """The interfaces, with their ip configurations, that are in a subnet."""
    return [
        (nic, configuration)
        for nic in of_type(world, INTERFACES)
        for configuration in configurations_of(nic)
        if same(reference(world, configuration, "properties", "subnet", "id"), subnet)
    ]


def prefixes_of(subnet: Body) -> list[str]:
    properties = subnet.get("properties") or {}
    single = properties.get("addressPrefix")
    return [single] if single else list(properties.get("addressPrefixes") or [])


def free_addresses(world: World, subnet: str) -> Iterator[str]:
    """The addresses that an interface in a subnet could get, lowest first."""
    taken = {c["properties"]["privateIPAddress"] for _, c in attached(world, subnet)}
    standing = world.find(subnet)
    prefix = ip_network(prefixes_of(standing.body if standing else {})[0])
    for offset in range(RESERVED, prefix.num_addresses - 1):
        if str(prefix[offset]) not in taken:
            yield str(prefix[offset])


def availability(world: World, network: Resource, request: Request) -> Response:
    """Whether an address of a network is free, and five that are if it is not (recorded)."""
    asked = request.query.get("ipaddress", "")
    for subnet in world.below(network.id, SUBNETS):
        prefix = ip_network(prefixes_of(subnet.body)[0])
        if ip_address(asked) not in prefix:
            continue
        free = list(free_addresses(world, subnet.id))
        reserved = asked in [str(prefix[at]) for at in (*range(RESERVED), -1)]
        if asked in free:
            return Response(200, {"available": True, "isPlatformReserved": False})
        near = list(islice(free, 5))
        found = {"available": False, "availableIPAddresses": near, "isPlatformReserved": reserved}
        return Response(200, found)
    return Response(200, {"available": False, "isPlatformReserved": False})
