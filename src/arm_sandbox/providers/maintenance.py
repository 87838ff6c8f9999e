"""Microsoft.Maintenance: maintenance configurations, and their assignment to machines and scopes.

Everything here is synchronous, slow, and worded in PascalCase when refused (recorded).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arm_sandbox import arm
from arm_sandbox.arm import Body, Kind, not_found
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.patching import runs
from arm_sandbox.patching.runs import APPLY_UPDATES, CONFIGURATION
from arm_sandbox.patching.scopes import ASSIGNMENT
from arm_sandbox.providers import apply_updates
from arm_sandbox.providers.maintenance_rules import (
    REBOOT_SETTINGS,
    check_assignment,
    check_configuration,
    kept_window,
    reboot_setting_of,
)
from arm_sandbox.providers.resources import plain_location, require_group
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World

VERSIONS = (
    *("2018-06-01-preview", "2020-04-01", "2020-07-01-preview", "2021-04-01-preview"),
    *("2021-05-01", "2021-09-01-preview", "2022-07-01-preview", "2022-11-01-preview"),
    *("2023-09-01-preview", "2023-10-01-preview", "2025-10-01-preview", "2025-11-01"),
)
UPDATES = "Microsoft.Maintenance/updates"
HAPPENINGS: Mapping[str, Callable[..., None]] = {**runs.HAPPENINGS}


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Assignments and updates hang on a resource, which has to stand; the rest is as elsewhere."""
    if id.type.lower() not in (ASSIGNMENT.lower(), APPLY_UPDATES.lower(), UPDATES.lower()):
        return None
    _require_target(world, id, writing=request.method != "GET")
    target = world.find(id.scope)
    if same(id.type, APPLY_UPDATES):
        return apply_updates.answer(world, request, id, target) if target else None
    if same(id.type, UPDATES):
        # Of the platform, not of the guest: there is never one pending here.
        return Response(200, {"value": []}) if request.method == "GET" and not id.name else None
    if id.name or request.method != "GET" or not ASSIGNMENTS.knows(request.api_version):
        return None
    standing = (a for a in world.listed(id.scope, ASSIGNMENT) if same(parse(a.id).scope, id.scope))
    return Response(200, {"value": [arm.shown(world, ASSIGNMENTS, a, request) for a in standing]})


def _require_target(world: World, id: Id, *, writing: bool) -> None:
    if id.group:
        require_group(world, id, writing=writing)
    target = parse(id.scope)
    if target.namespace and world.find(id.scope) is None:
        raise not_found(target.type, "/".join(target.names), target.group)


# -- configurations


def _fill_configuration(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body.get("properties") or {}
    properties = {
        "namespace": sent.get("namespace"),
        "extensionProperties": _camel_case(sent.get("extensionProperties") or {}),
        "maintenanceScope": sent["maintenanceScope"],
        "maintenanceWindow": kept_window(sent) or None,
        "visibility": sent.get("visibility", "Custom"),
        "installPatches": _stored_patches(sent.get("installPatches")),
        "configurationType": "Regular",
    }
    return {
        "location": plain_location(body["location"]),
        "tags": body.get("tags") or {},
        "properties": {name: value for name, value in properties.items() if value is not None},
        "id": id.text,
        "name": id.name,
        "type": CONFIGURATION,
    }


def _camel_case(extension: Body) -> Body:
    """`InGuestPatchMode` comes back as `inGuestPatchMode` (recorded with 2023-04-01)."""
    return {key[:1].lower() + key[1:]: value for key, value in extension.items()}


def _stored_patches(sent: Body | None) -> Body | None:
    if sent is None:
        return None
    setting = str(reboot_setting_of(sent) or "")
    stored = {"rebootSetting": REBOOT_SETTINGS.get(setting.lower(), setting)} if setting else {}
    return {**sent, **stored}


def _shown_configuration(world: World, resource: Resource, request: Request) -> Body:
    """A PUT and a list name the group in lower case, GET and PATCH the provider (recorded)."""
    asked = parse(request.path)
    type = CONFIGURATION
    if asked.name and request.method != "PUT":
        type = type.lower()
    id = parse(resource.id)
    scope = f"/subscriptions/{id.subscription}/resourcegroups/{id.group}"
    return {**resource.body, "id": f"{scope}/providers/{type}/{id.name}"}


def _free_name(world: World, resource: Resource) -> None:
    world.freed[resource.id.lower()] = world.now


def _remember(world: World, assignment: Resource) -> None:
    """Since when it stands: one that is too young is not part of the next run."""
    assignment.hidden.setdefault("since", world.now)


# -- assignments


def _fill_assignment(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body.get("properties") or {}
    properties = {
        "maintenanceConfigurationId": sent["maintenanceConfigurationId"],
        "resourceId": sent.get("resourceId") or _quiet(id.scope),
    }
    if parse(id.scope).namespace:
        properties = {name: value.lower() for name, value in properties.items()}
    elif sent.get("filter") is not None:
        properties["filter"] = {**dict.fromkeys(FILTER_MEMBERS), **sent["filter"]}
    document = {"properties": properties, "id": id.text, "name": id.name, "type": ASSIGNMENT}
    return {"location": body["location"], **document} if body.get("location") else document


def _quiet(scope: str) -> str:
    """A scope as the service spells it (recorded)."""
    return scope.replace("/resourceGroups/", "/resourcegroups/")


FILTER_MEMBERS = (
    *("tagSettings", "resourceTypes", "locations", "resourceGroups", "osTypes"),
    *("resourceIds", "availabilityZones"),
)
"""Come back as null when they were not sent; nobody has described the last two (recorded)."""


def _shown_assignment(world: World, resource: Resource, request: Request) -> Body:
    """What differs between an assignment to a resource and one to a scope is all recorded."""
    id = parse(resource.id)
    if not parse(id.scope).namespace:
        type = ASSIGNMENT.lower()
        own = f"{_quiet(id.scope)}/providers/{type}/{id.name}"
        return {**resource.body, "id": own, "type": type}
    if request.method == "PUT":
        return {**resource.body, "id": f"{id.scope.lower()}/providers/{ASSIGNMENT}/{id.name}"}
    shown = {name: value for name, value in resource.body.items() if name != "location"}
    return {**shown, "id": f"{parse(request.path).scope}/providers/{ASSIGNMENT}/{id.name}"}


CONFIGURATIONS = Kind(
    type=CONFIGURATION,
    model="azure.mgmt.maintenance.models:MaintenanceConfiguration",
    api_version="2023-04-01",
    versions=VERSIONS,
    shape="maintenance",
    created=200,
    check=check_configuration,
    fill=_fill_configuration,
    show=_shown_configuration,
    synchronous=(2.0, 8.0),
    when_made=runs.written,
    when_deleted=_free_name,
)
ASSIGNMENTS = Kind(
    type=ASSIGNMENT,
    model="azure.mgmt.maintenance.models:ConfigurationAssignment",
    api_version="2023-04-01",
    versions=VERSIONS,
    tracked=False,
    located=False,
    shape="maintenance",
    created=200,
    check=check_assignment,
    fill=_fill_assignment,
    show=_shown_assignment,
    since={
        "properties.filter.resourceIds": "2023-09-01",
        "properties.filter.availabilityZones": "2023-09-01",
    },
    synchronous=(5.0, 20.0),
    when_made=_remember,
)
KINDS: tuple[Kind, ...] = (CONFIGURATIONS, ASSIGNMENTS)
