"""Microsoft.Maintenance: maintenance configurations, and their assignment to machines and scopes.

Everything here is synchronous, slow, and worded in PascalCase when refused (recorded).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import arm, windows
from arm_sandbox.arm import Body, Kind, not_found
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers.machines import is_customer_managed
from arm_sandbox.providers.resources import plain_location, require_group, require_location
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"
ASSIGNMENT = "Microsoft.Maintenance/configurationAssignments"
VERSIONS = (
    *("2018-06-01-preview", "2020-04-01", "2020-07-01-preview", "2021-04-01-preview"),
    *("2021-05-01", "2021-09-01-preview", "2022-07-01-preview", "2022-11-01-preview"),
    *("2023-09-01-preview", "2023-10-01-preview", "2025-10-01-preview", "2025-11-01"),
)
SCOPES = (
    "Host",
    "OSImage",
    "Extension",
    "InGuestPatch",
    "SQLDB",
    "SQLManagedInstance",
)
VISIBILITIES = ("Custom", "Public")
PATCH_MODES = ("User", "Platform")
CLASSIFICATIONS = {
    "windowsParameters": (
        "Critical",
        "Security",
        "UpdateRollup",
        "FeaturePack",
        "ServicePack",
        "Definition",
        "Tools",
        "Updates",
    ),
    "linuxParameters": ("Critical", "Security", "Other"),
}
REBOOT_SETTINGS = {
    "ifrequired": "IfRequired",
    "always": "AlwaysReboot",
    "never": "NeverReboot",
}
"""What is sent, and what it is stored as (AlwaysReboot recorded, NeverReboot specs#22872)."""
NAME_FREE_AFTER = 20 * 60.0
"""Seconds until the name of a deleted configuration can be used again (docs)."""
LONGEST_NAME = 127

HAPPENINGS: Mapping[str, Callable[..., None]] = {}


def answer(world: World, request: Request, id: Id) -> Response | None:
    """An assignment hangs on another resource, which has to stand; the rest are plain resources."""
    if not same(id.type, ASSIGNMENT):
        return None
    _require_target(world, id, writing=request.method != "GET")
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


def _check_configuration(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    require_location(CONFIGURATION, str(body["location"]))
    _require_name(world, id, old)
    _require_scope(properties)
    _require_one_of("visibility", properties.get("visibility", "Custom"), VISIBILITIES)
    if _is_guest(properties):
        _require_patch_mode(properties)
    _require_window(world, properties)
    _require_patches(properties.get("installPatches") or {}, old)


def _require_name(world: World, id: Id, old: Resource | None) -> None:
    if len(id.name) > LONGEST_NAME:
        raise Refusal(400, "InvalidParameter", "The name must have fewer than 128 characters.")
    freed = world.freed.get(id.key)
    if old is None and freed is not None and world.now < freed + NAME_FREE_AFTER:
        raise Refusal(
            409,
            "Conflict",
            f"The maintenance configuration '{id.name}' was deleted less than 20 minutes ago. "
            "Its name cannot be used again yet.",
        )


def _require_scope(properties: Body) -> None:
    scope = str(properties.get("maintenanceScope") or "")
    if same(scope, "Resource"):
        # In the API description, and refused all the same (azure-rest-api-specs#34327).
        raise Refusal(
            400, "", "Given Maintenance Subscope is not supported for Maintenance Scope Resource"
        )
    _require_one_of("maintenanceScope", scope, SCOPES)


def _require_one_of(name: str, value: Any, known: Iterable[str]) -> None:
    if str(value).lower() not in {each.lower() for each in known}:
        raise Refusal(400, "InvalidParameter", f"The value '{value}' of '{name}' is not valid.")


def _is_guest(properties: Body) -> bool:
    return same(str(properties.get("maintenanceScope")), "InGuestPatch")


def _require_patch_mode(properties: Body) -> None:
    extension = properties.get("extensionProperties") or {}
    mode = {key.lower(): value for key, value in extension.items()}.get("inguestpatchmode")
    if mode is None:
        # bicep#8959
        raise Refusal(400, "InvalidParameter", "Extension properties must contain Patch mode")
    _require_one_of("InGuestPatchMode", mode, PATCH_MODES)


def _require_window(world: World, properties: Body) -> None:
    window = _window(properties)
    if not window and not _is_guest(properties):
        return
    now = datetime.fromtimestamp(world.now, UTC).replace(tzinfo=None)
    complaint = windows.complaint(window, guest=_is_guest(properties), now=now)
    if complaint:
        message = f"Invalid maintenance window. Error: {complaint}"
        raise Refusal(400, "InvalidMaintenanceWindow", message)


def _window(properties: Body) -> Body:
    """The window as it is kept: a lone duration is dropped for all scopes but guests (recorded)."""
    sent = properties.get("maintenanceWindow") or {}
    window = {name: value for name, value in sent.items() if value is not None}
    return {} if set(window) <= {"duration"} and not _is_guest(properties) else window


def _require_patches(patches: Body, old: Resource | None) -> None:
    for parameters, known in CLASSIFICATIONS.items():
        for value in (patches.get(parameters) or {}).get("classificationsToInclude") or ():
            _require_one_of("classificationsToInclude", value, known)
    stored = _reboot_setting(old.properties.get("installPatches") or {}) if old else ""
    setting = _reboot_setting(patches)
    if setting not in (None, stored):
        _require_one_of("rebootSetting", setting, REBOOT_SETTINGS)


def _reboot_setting(patches: Body) -> Any:
    return patches.get("rebootSetting")


def _fill_configuration(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body.get("properties") or {}
    properties = {
        "namespace": sent.get("namespace"),
        "extensionProperties": _camel_case(sent.get("extensionProperties") or {}),
        "maintenanceScope": sent["maintenanceScope"],
        "maintenanceWindow": _window(sent) or None,
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
    setting = str(_reboot_setting(sent) or "")
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


# -- assignments


def _check_assignment(world: World, id: Id, body: Body, old: Resource | None) -> None:
    configuration = _assigned(world, body.get("properties") or {})
    target = world.find(id.scope) if parse(id.scope).namespace else None
    if target is None:
        return  # a dynamic scope: a subscription or a group
    if not body.get("location"):
        raise Refusal(400, "InvalidParameter", "The location of the assignment is required.")
    _require_ready(target)
    if _is_guest(configuration.properties):
        _require_customer_managed(target)


def _assigned(world: World, properties: Body) -> Resource:
    reference = str(properties.get("maintenanceConfigurationId") or "")
    if not reference:
        message = "The property 'maintenanceConfigurationId' is required."
        raise Refusal(400, "InvalidParameter", message)
    configuration = world.find(reference)
    if configuration is None or not same(configuration.type, CONFIGURATION):
        message = f"The maintenance configuration '{reference}' was not found."
        raise Refusal(404, "ResourceNotFound", message)
    return configuration


def _require_ready(machine: Resource) -> None:
    if machine.properties.get("provisioningState") in ("Creating", "Updating"):
        # The sentence that terraform waits for before it tries again.
        raise Refusal(
            400,
            "BadRequest",
            f"The resource '{machine.id}' is not available. It may take a few minutes after "
            "starting a VM for it to become available to assign to a configuration.",
        )


def _require_customer_managed(machine: Resource) -> None:
    if not is_customer_managed(machine.body):
        # Refused (terraform#22487, #19747); the wording is ours.
        raise Refusal(
            400,
            "BadRequest",
            f"The prerequisites for scheduled patching are not met by '{machine.id}': patchMode "
            "must be AutomaticByPlatform and bypassPlatformSafetyChecksOnUserSchedule true.",
        )


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
    check=_check_configuration,
    fill=_fill_configuration,
    show=_shown_configuration,
    synchronous=(2.0, 8.0),
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
    check=_check_assignment,
    fill=_fill_assignment,
    show=_shown_assignment,
    since={
        "properties.filter.resourceIds": "2023-09-01",
        "properties.filter.availabilityZones": "2023-09-01",
    },
    synchronous=(5.0, 20.0),
)
KINDS: tuple[Kind, ...] = (CONFIGURATIONS, ASSIGNMENTS)
