"""Microsoft.Resources/tags: the tags of a subscription, a group or a resource by themselves.

From the REST reference, `Tags - Create Or Update At Scope` and its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox import arm, tagging
from arm_sandbox.arm import Kind
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers import resources
from arm_sandbox.tagging import Tags
from arm_sandbox.wire import Request, Response, gateway
from arm_sandbox.world import Resource, World

TYPE = "Microsoft.Resources/tags"
VERSIONS = ("2019-10-01", "2020-06-01", "2021-01-01", "2021-04-01", "2022-09-01", "2024-11-01")


def answer(world: World, request: Request, id: Id) -> Response | None:
    """The tags of a scope, and how often each is used in a subscription; None for the rest."""
    parts = request.path.strip("/").split("/")
    if len(parts) == 3 and same(parts[2], "tagNames") and request.method == "GET":
        return Response(200, {"value": _used(world, f"/subscriptions/{id.subscription}")})
    verb = VERBS.get(request.method)
    if verb is None or not same(id.type, TYPE) or id.name.lower() != "default":
        return None
    if not KIND.knows(request.api_version):
        return None
    holder = _holder(world, id, writing=request.method != "GET")
    tags = verb(dict(holder.body.get("tags") or {}), request)
    if request.method != "GET":
        _set(world, holder, tags)
    if request.method == "DELETE":
        return Response(200)
    document = {"id": f"{id.scope}/providers/{TYPE}/default", "name": "default", "type": TYPE}
    return Response(200, {**document, "properties": {"tags": tags}})


def _holder(world: World, id: Id, *, writing: bool) -> Resource:
    """What has the tags. A subscription has no body of its own here: its tags are a resource."""
    if id.group and not parse(id.scope).namespace:
        return resources.require_group(world, id, writing=writing)
    if id.group:
        resources.require_group(world, id, writing=writing)
        return arm.standing(parse(id.scope), world.find(id.scope))
    own = f"/subscriptions/{id.subscription}/providers/{TYPE}/default"
    return world.find(own) or Resource(own, TYPE, {"tags": {}})


def _set(world: World, holder: Resource, tags: Tags) -> None:
    holder.body["tags"] = tagging.checked(tags)
    world.add(holder)
    scope = holder.id.removesuffix(f"/providers/{TYPE}/default")
    arm.record(world, f"{scope}/providers/{TYPE}/default", f"{TYPE}/write", "Succeeded")


def _sent(request: Request) -> Tags:
    body = request.body if isinstance(request.body, dict) else {}
    tags = (body.get("properties") or {}).get("tags")
    return dict(tags) if isinstance(tags, dict) else {}


def _patched(tags: Tags, request: Request) -> Tags:
    """`Merge` adds and changes, `Replace` puts all anew, `Delete` removes those of equal value."""
    operation = str((request.body or {}).get("operation", "")).lower()
    sent = _sent(request)
    if operation == "merge":
        return tagging.merged(tags, sent)
    if operation == "replace":
        return sent
    if operation == "delete":
        return tagging.without(tags, sent)
    raise gateway(
        400,
        "InvalidTagsPatchOperation",
        f"The tags patch operation '{(request.body or {}).get('operation')}' is not supported. The "
        "supported operations are 'Replace', 'Merge' and 'Delete'.",
    )


VERBS: Mapping[str, Callable[[Tags, Request], Tags]] = {
    "GET": lambda tags, request: tags,
    "PUT": lambda tags, request: _sent(request),
    "PATCH": _patched,
    "DELETE": lambda tags, request: {},
}


def _used(world: World, subscription: str) -> list[dict[str, Any]]:
    """Every name and value that a group or a resource in the subscription has."""
    found: dict[str, Counter[str]] = {}
    for resource in world.below(subscription):
        for name, value in (resource.body.get("tags") or {}).items():
            found.setdefault(name, Counter())[value] += 1
    return [
        {
            "id": f"{subscription}/tagNames/{name}",
            "tagName": name,
            "count": {"type": "Total", "value": values.total()},
            "values": [
                {
                    "id": f"{subscription}/tagNames/{name}/tagValues/{value}",
                    "tagValue": value,
                    "count": {"type": "Total", "value": count},
                }
                for value, count in values.items()
            ],
        }
        for name, values in found.items()
    ]


KIND = Kind(
    type=TYPE,
    model="",
    api_version="2025-04-01",
    versions=VERSIONS,
    tracked=False,
    located=False,
)
KINDS = (KIND,)
HAPPENINGS: Mapping[str, Callable[..., None]] = {}
