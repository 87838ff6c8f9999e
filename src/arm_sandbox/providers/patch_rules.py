"""What Compute refuses of the settings by which a virtual machine is patched."""

from __future__ import annotations

from typing import Any, NoReturn

from arm_sandbox.arm import Body
from arm_sandbox.providers.os_disks import Origin
from arm_sandbox.providers.refusals import invalid
from arm_sandbox.world import Resource

CONFIGURATIONS = {"Windows": "windowsConfiguration", "Linux": "linuxConfiguration"}
MODES = {
    "Windows": ("Manual", "AutomaticByOS", "AutomaticByPlatform"),
    "Linux": ("ImageDefault", "AutomaticByPlatform"),
}
ASSESSMENT_MODES = ("ImageDefault", "AutomaticByPlatform")
COMPATIBILITY = "Learn more at: https://aka.ms/VMGuestPatchingCompatibility"


def require(profile: Body, origin: Origin, old: Resource | None) -> None:
    """Raise what is wrong with the patch settings of an `osProfile`."""
    os = origin.image.os
    name = CONFIGURATIONS[os]
    configuration = profile.get(name) or {}
    settings, target = configuration.get("patchSettings") or {}, f"{name}.patchSettings"
    mode, assessment = settings.get("patchMode"), settings.get("assessmentMode")
    if mode is not None and mode not in MODES[os]:
        invalid(f"The value '{mode}' of parameter 'patchMode' is invalid.", f"{target}.patchMode")
    if assessment is not None and assessment not in ASSESSMENT_MODES:
        message = f"The value '{assessment}' of parameter 'assessmentMode' is invalid."
        invalid(message, f"{target}.assessmentMode")
    if os == "Windows":
        _require_windows_mode(configuration, mode, old)
    elif mode == "AutomaticByPlatform" and configuration.get("provisionVMAgent") is False:
        _require_set(mode, "property 'provisionVMAgent'", "true", name)
    _require_platform_settings(settings, target, old)
    _require_hotpatching(settings, target)
    _require_support(settings, target, origin, old)


def _require_windows_mode(configuration: Body, mode: str | None, old: Resource | None) -> None:
    """A machine without automatic updates can be switched to the platform's mode and back to
    `Manual`, one with them between that mode and `AutomaticByOS` (docs, automatic guest patching).
    That none is made so is from the API description.
    """
    updates = configuration.get("enableAutomaticUpdates", True)
    agent = configuration.get("provisionVMAgent", True)
    name = "windowsConfiguration"
    if mode == "AutomaticByPlatform" and not (agent and (updates or old is not None)):
        both = "properties 'provisionVMAgent' and 'enableAutomaticUpdates'"
        _require_set(mode, both, "true", name)
    if mode == "AutomaticByOS" and not updates:
        _require_set(mode, "property 'enableAutomaticUpdates'", "true", name)
    if mode == "Manual" and updates:
        _require_set(mode, "property 'enableAutomaticUpdates'", "false", name)


def _require_set(mode: str, what: str, value: str, configuration: str) -> NoReturn:
    """Worded as in kumarvna/terraform-azurerm-virtual-machine#13."""
    invalid(
        f"The patchMode '{mode}' is invalid. For patchMode '{mode}', the {what} must be set to "
        f"{value}.",
        f"{configuration}.patchSettings.patchMode",
    )


def _require_platform_settings(settings: Body, target: str, old: Resource | None) -> None:
    platform = settings.get("automaticByPlatformSettings")
    left_over = old is not None and platform == _platform_settings(old)
    if settings.get("patchMode") != "AutomaticByPlatform" and platform and not left_over:
        invalid(
            "AutomaticByPlatformSettings cannot be set if the PatchMode is not "
            "'AutomaticByPlatform'.",
            f"{target}.automaticByPlatformSettings",
        )


def _require_hotpatching(settings: Body, target: str) -> None:
    """The words are those of claranet/terraform-azurerm-windows-vm#4. That hotpatching wants the
    platform's mode is from the API description, and worded by us."""
    if not settings.get("enableHotpatching"):
        return
    if settings.get("patchMode") != "AutomaticByPlatform":
        message = "Hotpatching requires the PatchMode 'AutomaticByPlatform'."
        invalid(message, f"{target}.enableHotpatching")
    platform = settings.get("automaticByPlatformSettings") or {}
    if platform.get("bypassPlatformSafetyChecksOnUserSchedule"):
        invalid(
            "Hotpatch updates require platform safety checks. The "
            "'BypassPlatformSafetyChecksOnUserSchedule' flag must be set to false to enable "
            "hotpatching.",
            f"{target}.automaticByPlatformSettings.bypassPlatformSafetyChecksOnUserSchedule",
        )


def _require_support(settings: Body, target: str, origin: Origin, old: Resource | None) -> None:
    """Machines of some images are never patched (packer-plugin-azure#453), others only when they
    are told to be (terraform-azurerm-avm-res-compute-virtualmachine#343)."""
    if settings.get("patchMode") != "AutomaticByPlatform" or origin.support == "automatic":
        return
    if origin.support == "none":
        invalid(
            f"The selected VM image is not supported for VM Guest patch operations. "
            f"{COMPATIBILITY}",
            f"{target}.patchMode",
        )
    platform = settings.get("automaticByPlatformSettings")
    left_over = old is not None and platform == _platform_settings(old)
    bypassed = (platform or {}).get("bypassPlatformSafetyChecksOnUserSchedule")
    if platform is not None and not bypassed and not left_over:
        invalid(
            "BypassPlatformSafetyChecksOnUserSchedule cannot be set to false on images that are "
            f"currently unsupported with Azure-Orchestrated Safe Orchestration. {COMPATIBILITY}",
            f"{target}.automaticByPlatformSettings.bypassPlatformSafetyChecksOnUserSchedule",
        )


def _platform_settings(machine: Resource) -> Any:
    profile = machine.properties.get("osProfile") or {}
    configurations = (profile.get(name) or {} for name in CONFIGURATIONS.values())
    settings = (c.get("patchSettings") or {} for c in configurations)
    found = (each.get("automaticByPlatformSettings") for each in settings)
    return next((platform for platform in found if platform), None)
