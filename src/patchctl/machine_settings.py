"""The patch settings of machines, as Compute tells and takes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from azure.mgmt.compute.models import (
    LinuxConfiguration,
    LinuxPatchSettings,
    LinuxVMGuestPatchAutomaticByPlatformSettings,
    OSProfile,
    PatchSettings,
    VirtualMachine,
    VirtualMachineProperties,
    VirtualMachineUpdate,
    WindowsConfiguration,
    WindowsVMGuestPatchAutomaticByPlatformSettings,
)

from patchctl.clients import Clients, once_free
from patchctl.machines import BY_PLATFORM, Machine, Settings, settings_of
from patchctl.many import each

UNSET = "Unknown"
"""How a reboot setting is taken back: what is left out of a PATCH stays as it is."""


async def seen(clients: Clients, machines: Iterable[Machine]) -> list[Machine]:
    """The machines as Compute has them now, in one list a group; Arc machines as they are."""
    known = list(machines)
    groups = sorted({m.group_id.lower() for m in known if not m.arc})
    found: dict[str, Machine] = {}
    for listed in await each(groups, lambda group: _listed(clients, group)):
        found |= listed
    return [m if m.arc else _renewed(m, found.get(m.id.lower())) for m in known]


def _renewed(machine: Machine, now: Machine | None) -> Machine:
    if now is None:
        return replace(machine, settings=None, tags={})
    return replace(machine, settings=now.settings, tags=now.tags)


async def _listed(clients: Clients, group: str) -> dict[str, Machine]:
    _, _, subscription, _, name = group.split("/")
    machines = clients.within(subscription).compute.virtual_machines.list(name)
    found = {}
    async for listed in machines:
        machine = machine_of(listed)
        found[machine.id.lower()] = machine
    return found


def machine_of(found: VirtualMachine) -> Machine:
    """A machine as Compute tells of it."""
    profile = (found.as_dict().get("properties") or {}).get("osProfile") or {}
    windows, linux = profile.get("windowsConfiguration"), profile.get("linuxConfiguration")
    os = "windows" if windows is not None else "linux"
    settings = settings_of(os, windows, linux)
    return Machine(str(found.id), os, found.location, settings, tags=dict(found.tags or {}))


async def patch(clients: Clients, machine: Machine, settings: Settings) -> None:
    machines = clients.within(machine.subscription).compute.virtual_machines
    update = desired(machine, settings)
    updating = await once_free(lambda: machines.begin_update(machine.group, machine.name, update))
    await updating.result()


def desired(machine: Machine, settings: Settings) -> VirtualMachineUpdate:
    """The settings of a machine as a PATCH, and nothing else of it."""
    if machine.os == "windows":
        windows = WindowsConfiguration(patch_settings=of_windows(settings))
        profile = OSProfile(windows_configuration=windows)
    else:
        linux = LinuxConfiguration(patch_settings=of_linux(settings))
        profile = OSProfile(linux_configuration=linux)
    return VirtualMachineUpdate(properties=VirtualMachineProperties(os_profile=profile))


def of_windows(settings: Settings) -> PatchSettings:
    """Azure refuses the platform's settings with any other mode, and forgets them with it."""
    platform = WindowsVMGuestPatchAutomaticByPlatformSettings(
        bypass_platform_safety_checks_on_user_schedule=settings.bypass,
        reboot_setting=settings.reboot or UNSET,
    )
    return PatchSettings(
        patch_mode=settings.mode,
        assessment_mode=settings.assessment,
        automatic_by_platform_settings=platform if settings.mode == BY_PLATFORM else None,
    )


def of_linux(settings: Settings) -> LinuxPatchSettings:
    platform = LinuxVMGuestPatchAutomaticByPlatformSettings(
        bypass_platform_safety_checks_on_user_schedule=settings.bypass,
        reboot_setting=settings.reboot or UNSET,
    )
    return LinuxPatchSettings(
        patch_mode=settings.mode,
        assessment_mode=settings.assessment,
        automatic_by_platform_settings=platform if settings.mode == BY_PLATFORM else None,
    )
