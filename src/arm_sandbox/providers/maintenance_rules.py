"""What Microsoft.Maintenance refuses of a configuration and of an assignment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import windows
from arm_sandbox.arm import Body
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.patching.runs import CONFIGURATION
from arm_sandbox.providers import machines
from arm_sandbox.providers.resources import require_location
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

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


def check_configuration(world: World, id: Id, body: Body, old: Resource | None) -> None:
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
    window = kept_window(properties)
    if not window and not _is_guest(properties):
        return
    now = datetime.fromtimestamp(world.now, UTC).replace(tzinfo=None)
    complaint = windows.complaint(window, guest=_is_guest(properties), now=now)
    if complaint:
        message = f"Invalid maintenance window. Error: {complaint}"
        raise Refusal(400, "InvalidMaintenanceWindow", message)


def kept_window(properties: Body) -> Body:
    """The window as it is kept: a lone duration is dropped for all scopes but guests (recorded)."""
    sent = properties.get("maintenanceWindow") or {}
    window = {name: value for name, value in sent.items() if value is not None}
    return {} if set(window) <= {"duration"} and not _is_guest(properties) else window


def _require_patches(patches: Body, old: Resource | None) -> None:
    for parameters, known in CLASSIFICATIONS.items():
        for value in (patches.get(parameters) or {}).get("classificationsToInclude") or ():
            _require_one_of("classificationsToInclude", value, known)
    stored = reboot_setting_of(old.properties.get("installPatches") or {}) if old else ""
    setting = reboot_setting_of(patches)
    if setting not in (None, stored):
        _require_one_of("rebootSetting", setting, REBOOT_SETTINGS)


def reboot_setting_of(patches: Body) -> Any:
    return patches.get("rebootSetting")


def check_assignment(world: World, id: Id, body: Body, old: Resource | None) -> None:
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
    if machines.is_machine(machine) and not machines.may_be_scheduled(machine):
        # Refused (terraform#22487, #19747); the wording is ours.
        raise Refusal(
            400,
            "BadRequest",
            f"The prerequisites for scheduled patching are not met by '{machine.id}': patchMode "
            "must be AutomaticByPlatform and bypassPlatformSafetyChecksOnUserSchedule true.",
        )
