"""What Resource Manager does alike for every resource type: PUT, PATCH, GET, DELETE, lists.

A provider declares its types as `Kind`s; the hooks of a kind hold what is special about it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from arm_sandbox import conflicts, failures, operations, schema, tagging
from arm_sandbox.conflicts import Etags
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.operations import LongRunning
from arm_sandbox.wire import Json, Refusal, Request, Response, Shape, gateway
from arm_sandbox.world import Operation, Resource, World

Body = dict[str, Any]


def no_check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """Nothing is special about a write of this kind."""


def keep(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """The service adds nothing to what was sent."""
    return body


def merge(body: Body, patch: Body) -> Body:
    """JSON merge patch (RFC 7396): the way a PATCH is applied."""
    merged = dict(body)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def without_nulls(value: Json) -> Json:
    """A null in a PUT is the same as nothing (azure-cli sends some with each machine, recorded)."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def show_body(world: World, resource: Resource, request: Request) -> Body:
    return resource.body


def nothing(world: World, resource: Resource) -> None:
    """Nothing follows."""


def no_finish(world: World, resource: Resource, operation: Operation) -> None:
    """Nothing of this kind has actions that take time."""


Check = Callable[[World, Id, Body, "Resource | None"], None]
Fill = Callable[[World, Id, Body, "Resource | None"], Body]
Show = Callable[[World, Resource, Request], Body]
Effect = Callable[[World, Resource], None]
Action = Callable[[World, Resource, Request], Response]


@dataclass(frozen=True)
class Kind:
    """A resource type: its schema, its times, and what its provider checks, fills in and shows."""

    type: str
    model: str
    """The SDK model that knows its properties, as `module:class`; empty where none is at hand."""
    api_version: str
    """The api-version that the model describes; unknown properties are refused only there."""
    patch_model: str = ""
    """The model of a PATCH body; empty where a PATCH is not offered."""
    tracked: bool = True
    """Whether it is listed among the resources of its group."""
    patched_at_once: bool = False
    """Whether a PATCH is no long-running operation even where a PUT is (network, recorded)."""
    located: bool = True
    """Whether `location` is required."""
    versions: tuple[str, ...] = ()
    """Other api-versions that clients may use."""
    shape: Shape = "arm"
    created: int = 201
    """Status of a PUT that makes something new (200 for Microsoft.Maintenance, recorded)."""
    updated: int = 200
    """Status of a PUT that changes what stands (201 for policy assignments, recorded)."""
    deleted: int = 200
    etags: Etags = ""
    """In whose words a request is refused that names another etag than stands."""
    returns_deleted: bool = False
    """Whether DELETE answers with what was deleted (Microsoft.Authorization, recorded)."""
    check: Check = no_check
    preflight: Check = no_check
    """What of `check` can be told of a template, before what the resource needs is there."""
    fill: Fill = keep
    """Makes the full document of what was sent: defaults, ids and read-only values."""
    create: LongRunning | None = None
    update: LongRunning | None = None
    delete: LongRunning | None = None
    synchronous: tuple[float, float] = (0.2, 1.5)
    """Seconds that a write without an operation takes."""
    creating: str = "Updating"
    """`provisioningState` while it is being made (network says `Updating` even then)."""
    show: Show = show_body
    since: Mapping[str, str] = field(default_factory=dict)
    """The first api-version whose answers have a property, by its path through the body."""
    deletable: Effect = nothing
    """Raises a Refusal when something else still needs the resource."""
    when_made: Effect = nothing
    """Runs when a PUT or PATCH has taken full effect."""
    when_deleted: Effect = nothing
    action_finished: Callable[[World, Resource, Operation], None] = no_finish
    """Runs when the time of an action is over, by the verb of its operation."""
    action_failed: Callable[[World, Resource, Operation], None] = no_finish
    """Runs instead when its operation has ended in an error."""
    actions: Mapping[str, Action] = field(default_factory=dict)
    """POST actions by lower-cased name."""

    def knows(self, api_version: str) -> bool:
        return api_version in self.all_versions

    @cached_property
    def all_versions(self) -> list[str]:
        """Oldest first."""
        return sorted({self.api_version, *self.versions})


def put(world: World, kind: Kind, id: Id, request: Request) -> Response:
    old = world.find(id.text)
    conflicts.require_match(kind.etags, old, request)
    body = without_nulls(_accepted(kind, kind.model, request))
    _require_location(kind, id, body, old)
    tagging.checked(body.get("tags"))
    conflicts.require_idle(world, id.text)
    kind.check(world, id, body, old)
    return _write(world, kind, id, request, body=body, old=old)


def patch(world: World, kind: Kind, id: Id, request: Request) -> Response:
    old = existing(world, id)
    conflicts.require_match(kind.etags, old, request)
    body = _accepted(kind, kind.patch_model or kind.model, request)
    conflicts.require_idle(world, id.text)
    merged = merge(writable(old.body), body)
    _require_location(kind, id, merged, old)
    tagging.checked(merged.get("tags"))
    kind.check(world, id, merged, old)
    kind = replace(kind, update=None) if kind.patched_at_once else kind
    return _write(world, kind, id, request, body=merged, old=old)


def get(world: World, kind: Kind, id: Id, request: Request) -> Response:
    body = shown(world, kind, standing(id, world.seen(id.text)), request)
    return Response(200, body, {"ETag": body["etag"]} if body.get("etag") else {})


def shown(world: World, kind: Kind, resource: Resource, request: Request) -> Body:
    """What an answer shows of a resource, as far as its api-version knows it; a copy."""
    body = copy.deepcopy(kind.show(world, resource, request))
    for path, first in kind.since.items():
        if request.api_version < first:
            _leave_out(body, path.split("."))
    return body


def _leave_out(body: Json, path: list[str]) -> None:
    if isinstance(body, list):
        for item in body:
            _leave_out(item, path)
    elif isinstance(body, dict) and len(path) == 1:
        body.pop(path[0], None)
    elif isinstance(body, dict):
        _leave_out(body.get(path[0]), path[1:])


def head(world: World, kind: Kind, id: Id, request: Request) -> Response:
    """Whether it stands (REST reference, `Resources - Check Existence By Id`)."""
    return Response(404 if world.seen(id.text) is None else 204)


def delete(world: World, kind: Kind, id: Id, request: Request) -> Response:
    resource = world.find(id.text)
    if resource is None:
        return Response(204)
    conflicts.require_match(kind.etags, resource, request)
    conflicts.require_idle(world, id.text)
    kind.deletable(world, resource)
    failures.refuse(world, kind.type, "delete", begins=kind.delete is not None)
    record(world, resource.id, f"{kind.type}/delete", "Started")
    if kind.delete is None:
        take_away(world, kind, resource)
        last = shown(world, kind, resource, request) if kind.returns_deleted else None
        return Response(kind.deleted, last, seconds=_took(world, kind, id, "delete"))
    resource.properties["provisioningState"] = "Deleting"
    _, headers = operations.start(world, request, resource.id, kind.delete, "delete")
    return Response(202, None, headers)


def take_away(world: World, kind: Kind, resource: Resource) -> None:
    """Remove a resource and everything below it, and tell the activity log."""
    world.remove(resource.id)
    for child in world.below(resource.id):
        world.remove(child.id)
    record(world, resource.id, f"{kind.type}/delete", "Succeeded")
    kind.when_deleted(world, resource)


def listed(world: World, kind: Kind, scope: str, request: Request) -> Response:
    found = world.listed(scope, kind.type)
    return Response(200, {"value": [shown(world, kind, resource, request) for resource in found]})


def action(world: World, kind: Kind, id: Id, name: str, request: Request) -> Response:
    resource = existing(world, id)
    if request.method != "POST" or name.lower() not in kind.actions:
        raise gateway(404, "InvalidResourceType", f"The action '{name}' could not be found.")
    response = kind.actions[name.lower()](world, resource, request)
    record(world, resource.id, f"{kind.type}/{name}/action", "Succeeded")
    return response


def made(world: World, kind: Kind, resource: Resource) -> None:
    """A write has taken full effect."""
    if kind.create is not None:
        resource.properties["provisioningState"] = "Succeeded"
    record(world, resource.id, f"{kind.type}/write", "Succeeded")
    kind.when_made(world, resource)


def failed(world: World, resource: Resource, operation: Operation) -> None:
    """An operation has ended in its error: what it was about stands, and says so."""
    verbs = {"create": "write", "update": "write", "delete": "delete"}
    if operation.verb in verbs:
        resource.properties["provisioningState"] = operation.ending
    verb = verbs.get(operation.verb, f"{operation.verb}/action")
    record(world, resource.id, f"{resource.type}/{verb}", operation.ending)


def record(world: World, id: str, operation: str, status: str) -> None:
    """Write an event into the activity log, and let the alert rules see it."""
    group = id.split("/")[4] if id.lower().count("/resourcegroups/") else ""
    event = {
        "eventDataId": world.guid(f"{id}|{operation}|event"),
        "eventTimestamp": world.stamp,
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "operationName": {"value": operation, "localizedValue": operation},
        "status": {"value": status, "localizedValue": status},
        "resourceId": id,
        "resourceGroupName": group,
        "subscriptionId": id.split("/")[2],
        "caller": world.principal["upn"],
        "level": "Informational",
    }
    world.events.append(event)
    world.later(0, "activity.recorded", event=event)


def reference(world: World, body: Json, *path: str) -> str:
    """The id at a path inside a body, or an empty string."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def require_references(
    world: World, ids: Iterable[str], *, referrer: str, location: str = ""
) -> None:
    """Refuse a write that refers to something that does not stand, or stands in another region.

    The words are the network provider's (MicrosoftLearning AZ-103#91).
    """
    for id in ids:
        found = world.find(id) if id else None
        elsewhere = found and location and found.body.get("location", location) != location
        if id and (found is None or elsewhere):
            raise Refusal(
                400,
                "InvalidResourceReference",
                f"Resource {id} referenced by resource {referrer} was not found. Please make "
                "sure that the referenced resource exists, and that both resources are in the "
                "same region.",
            )


def writable(body: Body) -> Body:
    """A stored document as the base of a PATCH."""
    return {k: copy.deepcopy(v) for k, v in body.items() if k not in ("id", "name", "type", "etag")}


def canonical(kind: Kind, id: Id) -> Id:
    """An id as Resource Manager spells it, however the client did; names keep their case."""
    namespace, *types = kind.type.split("/")
    scope = re.sub("/resourcegroups/", "/resourceGroups/", id.scope, flags=re.IGNORECASE)
    below = "".join(f"/{type}/{name}" for type, name in zip(types, id.names, strict=True))
    return parse(f"{scope}/providers/{namespace}{below}")


def envelope(id: Id, kind_type: str, body: Body) -> Body:
    """`id`, `name` and `type` in front of what was sent."""
    return {"id": id.text, "name": id.name, "type": kind_type, **body}


def _write(
    world: World, kind: Kind, id: Id, request: Request, *, body: Body, old: Resource | None
) -> Response:
    verb, how = ("create", kind.create) if old is None else ("update", kind.update)
    failures.refuse(world, kind.type, verb, begins=how is not None)
    id = canonical(kind, id) if old is None else parse(old.id)
    document = {**envelope(id, kind.type, {}), **kind.fill(world, id, body, old)}
    hidden = old.hidden if old is not None else {"made with": request.api_version}
    resource = world.add(Resource(document["id"], kind.type, document, hidden))
    changed = 200 if request.method == "PATCH" else kind.updated
    status = kind.created if old is None else changed
    record(world, resource.id, f"{kind.type}/write", "Started")
    if how is None:
        made(world, kind, resource)
        body = shown(world, kind, resource, request)
        return Response(status, body, seconds=_took(world, kind, id, "write"))
    resource.properties["provisioningState"] = kind.creating if old is None else "Updating"
    _, headers = operations.start(world, request, resource.id, how, verb)
    return Response(status, shown(world, kind, resource, request), headers)


def system_data(world: World, old: Resource | None) -> Body:
    """Who made something and who changed it last, of the services that tell."""
    now = {"By": world.principal["upn"], "ByType": "User", "At": world.stamp}
    modified = {f"lastModified{name}": value for name, value in now.items()}
    created = {f"created{name}": value for name, value in now.items()}
    return {**created, **(old.body["systemData"] if old else {}), **modified}


def _accepted(kind: Kind, model: str, request: Request) -> Body:
    if not isinstance(request.body, dict):
        message = (
            "The request content was invalid and could not be deserialized: "
            "'an object was expected'."
        )
        raise gateway(400, "InvalidRequestContent", message)
    if not model or request.api_version != kind.api_version:
        return copy.deepcopy(request.body)
    return copy.deepcopy(schema.accept(model, request.body))


def _require_location(kind: Kind, id: Id, body: Body, old: Resource | None) -> None:
    if not kind.located:
        return
    location = str(body.get("location") or "")
    if not location:
        message = "The location property is required for this definition."
        raise gateway(400, "LocationRequired", message)
    if old is not None and not same(_plain(old.body.get("location", location)), _plain(location)):
        raise gateway(
            409,
            "InvalidResourceLocation",
            f"The resource '{id.name}' already exists in location '{old.body['location']}' in "
            f"resource group '{id.group}'. A resource with the same name cannot be created in "
            f"location '{location}'. Please select a new resource name.",
        )


def _plain(location: str) -> str:
    return location.replace(" ", "")


def existing(world: World, id: Id) -> Resource:
    return standing(id, world.find(id.text))


def standing(id: Id, resource: Resource | None) -> Resource:
    """What was found for an id. Raises a Refusal (404) where nothing was."""
    if resource is not None:
        return resource
    if id.scope and not within(
        id.scope, f"/subscriptions/{id.subscription}/resourcegroups/{id.group}"
    ):
        raise not_found(id.type, id.name, id.group)
    raise not_found(id.type, "/".join(id.names), id.group)


def not_found(type: str, name: str, group: str) -> Refusal:
    return gateway(
        404,
        "ResourceNotFound",
        f"The Resource '{type}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def require_parent(world: World, request: Request, id: Id) -> None:
    """A child without its parent: a read names the parent (recorded), a write its own want."""
    parent = parse(id.parent)
    if world.find(parent.text) is not None:
        return
    if request.method == "GET":
        raise not_found(parent.type, "/".join(parent.names), id.group)
    verb = "delete" if request.method == "DELETE" else "write"
    raise gateway(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{'/'.join(id.types)}', because the "
        f"parent resource '{parent.text}' could not be found.",
    )


def _took(world: World, kind: Kind, id: Id, verb: str) -> float:
    return world.between(id.text, f"synchronous {verb}", *kind.synchronous)
