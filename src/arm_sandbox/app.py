"""A Resource Manager as one pure function: `respond(world, request) -> response`.

No I/O, no clock and no randomness of its own; it changes the world that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any

from arm_sandbox import access, arm, operations, throttling, tokens
from arm_sandbox.arm import Kind
from arm_sandbox.ids import Id, parse
from arm_sandbox.locations import LOCATIONS
from arm_sandbox.providers import (
    action_groups,
    activity_log,
    activity_log_alerts,
    alerts_management,
    authorization,
    compute,
    deploying,
    deployments,
    hybrid_compute,
    locks,
    log_search_alerts,
    maintenance,
    managed_identity,
    network,
    operational_insights,
    policy,
    registration,
    resource_graph,
    resource_health,
    resources,
    scheduled_query_rules,
    tags,
    template_specs,
)
from arm_sandbox.retention import forget
from arm_sandbox.wire import Refusal, Request, Response, Shape, gateway
from arm_sandbox.world import World

PROVIDERS = (
    authorization,
    locks,
    policy,
    network,
    compute,
    hybrid_compute,
    maintenance,
    action_groups,
    activity_log,
    activity_log_alerts,
    scheduled_query_rules,
    alerts_management,
    resource_health,
    managed_identity,
    operational_insights,
    resource_graph,
    tags,
    template_specs,
)
KINDS: Mapping[str, Kind] = {
    kind.type.lower(): kind for provider in (deployments, *PROVIDERS) for kind in provider.KINDS
}
NAMESPACES = {kind.type.split("/")[0].lower(): kind.type.split("/")[0] for kind in KINDS.values()}


def respond(world: World, request: Request) -> Response:
    """Answer one request at the world's present time."""
    settle(world)
    forget(world)
    told: dict[str, str] = {}
    try:
        response = _answer(world, request, told)
    except Refusal as refusal:
        response = refusal.response(_shape(request))
        told = {} if refusal.by_gateway else told
    settle(world)
    return response.with_headers(standard_headers(world, request) | told)


def _shape(request: Request) -> Shape:
    """How the provider of a resource type words its errors."""
    kind, _ = _kind_and_action(parse(request.path))
    return kind.shape if kind is not None else "arm"


def _answer(world: World, request: Request, told: dict[str, str]) -> Response:
    """Let a request through the gates to its provider; `told` gets what the gates have to say."""
    for gate in GATES:
        told |= gate(world, request) or {}
    return _route(world, request)


def settle(world: World, until: float | None = None) -> None:
    """Let everything happen that is due by `until` (now, when left out), each at its own time."""
    until = world.now if until is None else until
    while (happening := world.take_due(until)) is not None:
        world.now = happening.due
        HAPPENINGS[happening.name](world, **happening.data)
    world.now = until


def _route(world: World, request: Request) -> Response:
    id = parse(request.path)
    answered = resources.answer(world, request, KINDS)
    if answered is not None:
        return access.visible(world, request, answered)
    polled = _poll(world, request)
    if polled is not None:
        return polled
    deployed = deployments.answer(world, request, id, KINDS)
    if deployed is not None:
        return deployed
    for provider in PROVIDERS:
        special: Response | None = provider.answer(world, request, id)
        if special is not None:
            return special
    return _resource(world, request, id)


def _resource(world: World, request: Request, id: Id) -> Response:
    kind, action = _kind_and_action(id)
    if kind is None:
        raise gateway(
            404,
            "InvalidResourceType",
            f"The resource type could not be found in the namespace '{id.namespace}' "
            f"for api version '{request.api_version}'.",
        )
    _require_version(world, request, kind)
    if id.group:
        resources.require_group(world, id, writing=request.method not in ("GET", "HEAD"))
    if action:
        target = parse(request.path.rsplit("/", 1)[0])
        return arm.action(world, kind, target, action, request)
    if not id.name:
        return arm.listed(world, kind, id.scope if len(id.types) == 1 else id.parent, request)
    return _verb(request.method)(world, kind, id, request)


def _require_version(world: World, request: Request, kind: Kind) -> None:
    """Azure looks for a provider in a location, where it knows one (azure-cli#28496,
    pulumi-azure-nextgen#170), and for a type otherwise (azure-sdk-for-go#22888)."""
    if kind.knows(request.api_version):
        return
    namespace, _, type = kind.type.partition("/")
    standing = world.find(request.path)
    location = arm.reference(world, standing.body if standing else request.body, "location")
    offered = f"The supported api-versions are '{', '.join(kind.all_versions)}'."
    if not location:
        raise gateway(
            404,
            "InvalidResourceType",
            f"The resource type '{type}' could not be found in the namespace '{namespace}' for api "
            f"version '{request.api_version}'. {offered}",
        )
    raise gateway(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location}' and API version "
        f"'{request.api_version}' for type '{type}'. {offered} The supported locations are "
        f"'{', '.join(LOCATIONS)}'.",
    )


def _kind_and_action(id: Id) -> tuple[Kind | None, str]:
    """A path with a type too many is a list of children, or an action on the resource above."""
    kind = KINDS.get(id.type.lower())
    if kind is None and len(id.types) > len(id.names) and len(id.types) > 1:
        above = "/".join((id.namespace, *id.types[:-1])).lower()
        return KINDS.get(above), id.types[-1]
    return kind, ""


def _verb(method: str) -> Callable[[World, Kind, Id, Request], Response]:
    verbs = {
        "GET": arm.get,
        "HEAD": arm.head,
        "PUT": arm.put,
        "PATCH": arm.patch,
        "DELETE": arm.delete,
    }
    if method not in verbs:
        raise gateway(405, "HttpMethodNotAllowed", f"The HTTP method '{method}' is not supported.")
    return verbs[method]


def _poll(world: World, request: Request) -> Response | None:
    parts = request.path.split("/")
    if len(parts) == 5 and parts[3].lower() == "operationresults":
        return operations.poll(world, request, operations.arm_operation_name(parts[4]))
    located = len(parts) == 9 and parts[5].lower() == "locations"
    if located and parts[7].lower() in POLLED:
        return operations.poll(world, request, parts[8])
    return None


POLLED = ("operations", "operationresults", "updatecenteroperationresults")
"""What the services call the operations in a location."""


def _operation_due(world: World, name: str) -> None:
    """An operation reaches its end: what it was about takes effect."""
    operation = operations.ended(world, name)
    resource = world.find(operation.resource)
    if resource is None:
        return
    if operation.error is not None:
        arm.failed(world, resource, operation)
        if resource.type == resources.GROUP:
            resources.group_stays(resource)
        elif (kind := KINDS.get(resource.type.lower())) is not None:
            kind.action_failed(world, resource, operation)
    elif resource.type == resources.GROUP:
        resources.group_deleted(world, operation.resource, KINDS)
    elif operation.verb == "delete":
        arm.take_away(world, KINDS[resource.type.lower()], resource)
    elif operation.verb in ("create", "update"):
        arm.made(world, KINDS[resource.type.lower()], resource)
    else:
        KINDS[resource.type.lower()].action_finished(world, resource, operation)


HAPPENINGS: Mapping[str, Callable[..., None]] = {
    "operation.due": _operation_due,
    "deployment.due": partial(deploying.go_on, send=partial(_answer, told={})),
    **resources.HAPPENINGS,
    **authorization.HAPPENINGS,
    **network.HAPPENINGS,
    **compute.HAPPENINGS,
    **hybrid_compute.HAPPENINGS,
    **maintenance.HAPPENINGS,
    **action_groups.HAPPENINGS,
    **activity_log_alerts.HAPPENINGS,
    **log_search_alerts.HAPPENINGS,
    **operational_insights.HAPPENINGS,
}


def _require_token(world: World, request: Request) -> None:
    tokens.read(world, request)


def _require_api_version(world: World, request: Request) -> None:
    if not request.api_version:
        raise gateway(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(-[a-z]+)?", request.api_version):
        offered = deployments.KIND.all_versions[::-1]  # worded as in azure-powershell#12278
        raise gateway(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{request.api_version}' is invalid. The supported versions are "
            f"'{','.join(offered)}'.",
        )


def _require_readable(world: World, request: Request) -> None:
    if request.complaint:
        raise gateway(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: "
            f"'{request.complaint}'.",
        )


def _require_subscription(world: World, request: Request) -> None:
    subscription = parse(request.path).subscription
    if subscription:
        resources.require_subscription(world, subscription)


def _require_registration(world: World, request: Request) -> None:
    """Nothing of a provider answers before it is registered, registering itself excepted."""
    id = parse(request.path)
    if id.subscription and id.types and not registration.changes(request, id):
        namespace = NAMESPACES.get(id.namespace.lower(), id.namespace)
        registration.require(world, id.subscription, namespace)


def _require_compliant(world: World, request: Request) -> None:
    kind, _ = _kind_and_action(parse(request.path))
    policy.require_compliant(world, request, indexed=kind is not None and kind.tracked)


Gate = Callable[[World, Request], "dict[str, str] | None"]
GATES: tuple[Gate, ...] = (
    _require_token,
    _require_api_version,
    _require_readable,
    throttling.admit,
    _require_subscription,
    access.require,
    locks.require_unlocked,
    _require_registration,
    _require_compliant,
    throttling.admit_to_provider,
)
"""What every request has to pass, in this order, before a provider sees it.

That Resource Manager authenticates, validates and throttles before anything else, and that a
provider throttles what has come through, is documented ("Troubleshoot throttling errors",
"Request limits and throttling"). A gate may answer with headers for the response.
"""


def standard_headers(world: World, request: Request) -> dict[str, str]:
    """What stands on every answer. The clock of the world is its `Date`."""
    id = world.guid("request")
    moment = world.stamp[:19].replace("-", "").replace(":", "")
    headers: dict[str, Any] = {
        "Date": format_datetime(datetime.fromtimestamp(int(world.now), UTC), usegmt=True),
        "x-ms-request-id": id,
        "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", id),
        "x-ms-routing-request-id": f"EASTUS:{moment}Z:{id}",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Content-Type": "application/json; charset=utf-8",
    }
    return headers
