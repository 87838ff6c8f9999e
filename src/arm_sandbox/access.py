"""Who may do what: the action that a request stands for, and whether its caller may take it.

The wording of the refusals is recorded (AuthorizationFailed) or reported
(LinkedAuthorizationFailed, cloud-provider-azure#1999).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.providers.authorization import allowed, knows
from arm_sandbox.tokens import Caller, caller
from arm_sandbox.wire import Json, Refusal, Request, Response, gateway
from arm_sandbox.world import World

VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
OVERVIEWS = ("", "resourcegroups", "resources")
"""What of a subscription everybody may ask for who may do anything in it."""
LINKED = {
    "microsoft.network/virtualnetworks/subnets": "join",
    "microsoft.network/networksecuritygroups": "join",
    "microsoft.network/publicipaddresses": "join",
    "microsoft.network/natgateways": "join",
    "microsoft.network/networkinterfaces": "join",
    "microsoft.managedidentity/userassignedidentities": "assign",
}
"""What one also needs on a resource that a written one refers to (docs, RBAC permissions)."""


def require(world: World, request: Request) -> None:
    """Refuse what the caller may not do, or may not do to what the body refers to."""
    id = parse(request.path)
    action, scope = action_and_scope(request, id)
    asking = caller(world, request)
    if action and not allowed(world, asking.oid, action, scope):
        if _is_overview(request, id) and knows(world, asking.oid, scope):
            return
        raise gateway(
            403,
            "AuthorizationFailed",
            f"The client '{asking.name}' with object id '{asking.oid}' does not have "
            f"authorization to perform action '{action}' over scope '{scope}' or the scope is "
            "invalid. If access was recently granted, please refresh your credentials.",
        )
    if request.method in ("PUT", "PATCH"):
        for needed, linked in needed_beside(request.body, id):
            if not allowed(world, asking.oid, needed, linked):
                raise _not_linked(asking, action, scope, needed, linked)


def visible(world: World, request: Request, response: Response) -> Response:
    """Resource Manager's own lists show everybody what they may read (docs), not all there is."""
    id = parse(request.path)
    if not (response.body and "value" in response.body and _is_overview(request, id)):
        return response
    action, scope = action_and_scope(request, id)
    oid = caller(world, request).oid
    if action and allowed(world, oid, action, scope):
        return response
    shown = [item for item in response.body["value"] if _may_see(world, oid, item)]
    return replace(response, body={**response.body, "value": shown})


def _is_overview(request: Request, id: Id) -> bool:
    """A subscription, or the list of those, of the groups in one, or of all its resources."""
    parts = id.text.lower().strip("/").split("/")
    at = "/".join(parts[2:])
    return request.method == "GET" and parts[0] == "subscriptions" and at in OVERVIEWS


def _may_see(world: World, oid: str, item: Json) -> bool:
    if "subscriptionId" in item:
        return knows(world, oid, item["id"])
    type = item["type"].replace("/resourceGroups", "/subscriptions/resourceGroups")
    return allowed(world, oid, f"{type}/read", item["id"])


def action_and_scope(request: Request, id: Id) -> tuple[str, str]:
    """`Microsoft.Compute/virtualMachines/write` and the id it is about.

    Both are empty for what needs no permission: lists and queries of the tenant, which show
    everybody what is theirs. What is not of a provider is of Microsoft.Resources, which names
    its types by the whole path.
    """
    namespace, types, scope = id.namespace, list(id.types), id.text
    if not types:
        namespace, types, scope = _of_resource_manager(id)
    elif not id.name:
        scope = id.scope if len(types) == 1 else id.parent
    if not types or not scope or _is_free(request, id):
        return "", ""
    verb = VERBS.get(request.method, "action")
    return "/".join([namespace, *types, verb]), scope


def _is_free(request: Request, id: Id) -> bool:
    """Everybody may read what Azure itself has defined (recorded)."""
    definition = [*map(str.lower, id.types)] in (["roledefinitions"], ["policydefinitions"])
    return definition and not id.scope and request.method == "GET"


def _of_resource_manager(id: Id) -> tuple[str, list[str], str]:
    parts = id.text.strip("/").split("/")
    types = ["resourceGroups" if same(t, "resourcegroups") else t for t in parts[0::2]]
    nameless = len(parts) % 2 == 1 or bool(id.namespace)
    scope = "/".join(["", *parts[: len(types) * 2 - 2]]) if nameless else id.text
    return "Microsoft.Resources", types, scope


def needed_beside(body: Json, id: Id) -> Iterator[tuple[str, str]]:
    """The actions that a body calls for on other resources, each with its id.

    What a template refers to is asked for when the template's own resources are made.
    """
    if same(id.type, "Microsoft.Resources/deployments"):
        return
    for linked in _references(body):
        type = parse(linked).type
        verb = LINKED.get(type.lower())
        if verb and not within(linked, id.text):
            yield f"{type}/{verb}/action", linked


def _references(body: Json) -> Iterator[str]:
    if isinstance(body, list):
        for item in body:
            yield from _references(item)
    elif isinstance(body, dict):
        for key, value in body.items():
            if key == "id" and isinstance(value, str):
                yield value
            elif key == "userAssignedIdentities" and isinstance(value, dict):
                yield from value
            else:
                yield from _references(value)


def _not_linked(asking: Caller, action: str, scope: str, needed: str, linked: str) -> Refusal:
    return gateway(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{asking.name}' with object id '{asking.oid}' has permission to perform "
        f"action '{action}' on scope '{scope}'; however, it does not have permission to perform "
        f"action '{needed}' on the linked scope(s) '{linked}' or the linked scope(s) are invalid.",
    )
