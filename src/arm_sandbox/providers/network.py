"""Microsoft.Network: its resource types, and whether a machine reaches the internet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arm_sandbox import arm
from arm_sandbox.arm import Body, Kind, reference
from arm_sandbox.ids import Id
from arm_sandbox.providers import network_security_groups, resources, virtual_networks
from arm_sandbox.providers.network_documents import ids_in
from arm_sandbox.providers.network_interfaces import INTERFACE
from arm_sandbox.providers.network_security_groups import GROUP, RULE
from arm_sandbox.providers.private_addresses import configurations_of
from arm_sandbox.providers.public_addresses import ADDRESS, GATEWAY
from arm_sandbox.providers.virtual_networks import NETWORK, SUBNET
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import World


def has_route(world: World, nic: str) -> bool:
    """Whether a machine with an interface reaches the internet (docs, default outbound access)."""
    interface = world.find(nic)
    return interface is not None and any(_leads_out(world, c) for c in configurations_of(interface))


def _leads_out(world: World, configuration: Body) -> bool:
    if reference(world, configuration, "properties", "publicIPAddress", "id"):
        return True
    subnet = world.find(reference(world, configuration, "properties", "subnet", "id"))
    if subnet is None:
        return False
    gateway = world.find(reference(world, subnet.properties, "natGateway", "id"))
    if gateway is not None and (ids_in(gateway, "publicIpAddresses", "publicIpPrefixes")):
        return True
    return bool(subnet.properties.get("defaultOutboundAccess", True))


def answer(world: World, request: Request, id: Id) -> Response | None:
    """What is special about networks and groups, and about what is a part of them."""
    kind = CHILDREN.get(id.type.lower())
    if kind is not None and id.group and kind.knows(request.api_version):
        resources.require_group(world, id, writing=request.method != "GET")
        arm.require_parent(world, request, id)
        if request.method == "GET" and id.name and world.find(id.text) is None:
            raise Refusal(404, "NotFound", f"Resource {id.text} not found.")
    return virtual_networks.answer(world, request, id) or network_security_groups.answer(
        world, request, id
    )


CHILDREN = {kind.type.lower(): kind for kind in (SUBNET, RULE)}
KINDS: tuple[Kind, ...] = (GROUP, RULE, NETWORK, SUBNET, ADDRESS, GATEWAY, INTERFACE)
HAPPENINGS: Mapping[str, Callable[..., None]] = {}
