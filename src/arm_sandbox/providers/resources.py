"""Microsoft.Resources: subscriptions, locations, resource groups and what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from arm_sandbox import failures, operations, tagging
from arm_sandbox.arm import Kind, record, take_away
from arm_sandbox.ids import Id
from arm_sandbox.locations import KNOWN, LOCATIONS
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import listing, registration
from arm_sandbox.wire import Request, Response, gateway
from arm_sandbox.world import Resource, World

GROUP = "Microsoft.Resources/resourceGroups"
GROUP_DELETE = LongRunning("arm", (120.0, 300.0))
"""Two to five minutes for a small group (azure-powershell#334 and others)."""


def answer(world: World, request: Request, kinds: Mapping[str, Kind]) -> Response | None:
    """Answer what concerns subscriptions, providers and groups; None for anything else."""
    for method, pattern, handler in ROUTES:
        if method == request.method and (match := pattern.fullmatch(request.path)):
            return handler(world, request, *match.groups(), kinds=kinds)
    return None


def require_subscription(world: World, subscription: str) -> None:
    if subscription.lower() not in world.subscriptions:
        message = f"The subscription '{subscription}' could not be found."
        raise gateway(404, "SubscriptionNotFound", message)


def require_group(world: World, id: Id, *, writing: bool) -> Resource:
    """The group of an id; Azure answers 404 for a missing one even to a DELETE (recorded).

    To a reader it is as it reads at the moment. A writer needs it to be there as well.
    """
    path = f"/subscriptions/{id.subscription}/resourceGroups/{id.group}"
    seen = world.seen(path)
    group = world.find(path) if writing else seen
    if group is None or seen is None:
        message = f"Resource group '{id.group}' could not be found."
        raise gateway(404, "ResourceGroupNotFound", message)
    if writing and group.properties["provisioningState"] == "Deleting":
        raise gateway(
            409,
            "ResourceGroupBeingDeleted",
            f"The resource group '{id.group}' is in deprovisioning state and cannot perform "
            "this operation.",
        )
    return group


def plain_location(location: str) -> str:
    """`East US` as Azure stores it, `eastus`."""
    return location.replace(" ", "").lower()


def require_location(type: str, location: str) -> str:
    """The plain name of a location where a resource type is offered."""
    plain = plain_location(location)
    if plain not in KNOWN:
        raise gateway(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type '{type}'. "
            f"List of available regions for the resource type is '{','.join(LOCATIONS)}'.",
        )
    return plain


def group_deleted(world: World, group: str, kinds: Mapping[str, Kind]) -> None:
    """The deletion of a group ends: everything in it is gone, extension resources included."""
    for resource in world.below(group):
        if world.find(resource.id) is not None:
            take_away(world, kinds[resource.type.lower()], resource)
    world.remove(group)
    record(world, group, f"{GROUP}/delete", "Succeeded")


def group_stays(group: Resource) -> None:
    """A deletion that was blocked is rolled back (its own message, bicep-registry-modules#1607)."""
    group.properties["provisioningState"] = "Succeeded"


# -- subscriptions and locations


def _list_subscriptions(world: World, request: Request, kinds: Any) -> Response:
    found = [subscription(world, id) for id in world.subscriptions]
    return Response(200, {"value": found, "count": {"type": "Total", "value": len(found)}})


def _get_subscription(world: World, request: Request, id: str, kinds: Any) -> Response:
    return Response(200, subscription(world, id.lower()))


def subscription(world: World, id: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{id}",
        "subscriptionId": id,
        "tenantId": world.tenant,
        "displayName": world.subscriptions[id],
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"spendingLimit": "Off", "quotaId": "PayAsYouGo_2014-09-01"},
    }


def _list_locations(world: World, request: Request, id: str, kinds: Any) -> Response:
    return Response(200, {"value": [_location(id, name) for name in LOCATIONS]})


def _location(subscription: str, name: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription}/locations/{name}",
        "name": name,
        "type": "Region",
        "displayName": LOCATIONS[name],
        "regionalDisplayName": LOCATIONS[name],
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    }


def _list_tenants(world: World, request: Request, kinds: Any) -> Response:
    tenant = {"id": f"/tenants/{world.tenant}", "tenantId": world.tenant, "displayName": "Sandbox"}
    return Response(200, {"value": [tenant]})


# -- resource groups


def _put_group(
    world: World, request: Request, subscription: str, name: str, kinds: Any
) -> Response:
    id = f"/subscriptions/{subscription}/resourceGroups/{name}"
    old = world.find(id)
    body = request.body if isinstance(request.body, dict) else {}
    location = str(body.get("location", "")).replace(" ", "").lower()
    failures.refuse(world, GROUP, "create" if old is None else "update")
    _require_group_location(name, location, old)
    if old is not None:
        require_group(world, Id(id, subscription, name), writing=True)
    document: dict[str, Any] = {
        "id": id if old is None else old.id,
        "name": name if old is None else old.body["name"],
        "type": GROUP,
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }
    if body.get("managedBy"):
        document["managedBy"] = body["managedBy"]
    if "tags" in body:
        document["tags"] = tagging.checked(body["tags"])
    group = world.add(Resource(document["id"], GROUP, document))
    record(world, group.id, f"{GROUP}/write", "Succeeded")
    seconds = world.between(id, "put", 0.5, 2)
    return Response(201 if old is None else 200, _shown_group(group, request), seconds=seconds)


def _shown_group(group: Resource, request: Request) -> dict[str, Any]:
    """The oldest api-versions do not tell the type (recorded)."""
    body = group.body
    return body if request.api_version > "2017" else {k: body[k] for k in body if k != "type"}


def _require_group_location(name: str, location: str, old: Resource | None) -> None:
    if not location:
        raise gateway(
            400, "LocationRequired", "The location property is required for this definition."
        )
    if location not in KNOWN:
        raise gateway(
            400,
            "LocationNotAvailableForResourceGroup",
            f"The provided location '{location}' is not available for resource group. "
            f"List of available regions is '{','.join(LOCATIONS)}'.",
        )
    if old is not None and old.body["location"] != location:
        raise gateway(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in "
            f"location '{old.body['location']}'.",
        )


def _patch_group(
    world: World, request: Request, subscription: str, name: str, kinds: Any
) -> Response:
    id = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group = require_group(world, Id(id, subscription, name), writing=True)
    if "tags" in (request.body or {}):
        body = {**group.body, "tags": tagging.checked(request.body["tags"])}
        group = world.add(replace(group, body=body))
    record(world, group.id, f"{GROUP}/write", "Succeeded")
    seconds = world.between(id, "patch", 0.5, 2)
    return Response(200, _shown_group(group, request), seconds=seconds)


def _get_group(
    world: World, request: Request, subscription: str, name: str, kinds: Any
) -> Response:
    group = require_group(world, Id("", subscription, name), writing=False)
    return Response(200, _shown_group(group, request))


def _head_group(
    world: World, request: Request, subscription: str, name: str, kinds: Any
) -> Response:
    """Never a body; what is missing is told by the gateway (recorded)."""
    if world.seen(f"/subscriptions/{subscription}/resourceGroups/{name}") is None:
        return Response(404, headers={"x-ms-failure-cause": "gateway"})
    return Response(204)


def _delete_group(
    world: World, request: Request, subscription: str, name: str, kinds: Any
) -> Response:
    shown = require_group(world, Id("", subscription, name), writing=False)
    group = world.find(shown.id) or shown
    running = operations.running(world, group.id)
    group.properties["provisioningState"] = "Deleting"
    if running:
        return Response(202, None, operations.first_headers(world, request, running[0]))
    record(world, group.id, f"{GROUP}/delete", "Started")
    _, headers = operations.start(world, request, group.id, GROUP_DELETE, "delete")
    return Response(202, None, headers)


def _list_groups(world: World, request: Request, subscription: str, kinds: Any) -> Response:
    standing = world.listed(f"/subscriptions/{subscription}", GROUP)
    groups = listing.filtered(standing, request, {})  # by tags only
    return Response(200, {"value": [_shown_group(group, request) for group in groups]})


def _list_resources(
    world: World, request: Request, subscription: str, group: str | None, kinds: Mapping[str, Kind]
) -> Response:
    scope = f"/subscriptions/{subscription}"
    if group:
        require_group(world, Id("", subscription, group), writing=False)
        scope = f"{scope}/resourceGroups/{group}"
    standing = (
        resource
        for resource in world.listed(scope)
        if resource.type != GROUP and kinds[resource.type.lower()].tracked
    )
    tags = not listing.asks_for_tags(request)
    found = listing.filtered(standing, request)
    return Response(200, {"value": [listing.outside(resource, tags=tags) for resource in found]})


_SUBSCRIPTION = "/subscriptions/([^/]+)"
_GROUP = f"{_SUBSCRIPTION}/resourcegroups/([^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", "/subscriptions", _list_subscriptions),
    ("GET", "/tenants", _list_tenants),
    ("GET", _SUBSCRIPTION, _get_subscription),
    ("GET", f"{_SUBSCRIPTION}/locations", _list_locations),
    *registration.ROUTES,
    ("GET", f"{_SUBSCRIPTION}/resourcegroups", _list_groups),
    ("GET", _GROUP, _get_group),
    ("HEAD", _GROUP, _head_group),
    ("PUT", _GROUP, _put_group),
    ("PATCH", _GROUP, _patch_group),
    ("DELETE", _GROUP, _delete_group),
    ("GET", f"{_SUBSCRIPTION}(?:/resourcegroups/([^/]+))?/resources", _list_resources),
)
ROUTES = tuple((method, re.compile(path, re.IGNORECASE), to) for method, path, to in _ROUTES)

HAPPENINGS: Mapping[str, Callable[..., None]] = registration.HAPPENINGS
