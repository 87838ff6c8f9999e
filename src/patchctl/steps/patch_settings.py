"""The patch settings of machines that stand already, and what they were before.

Nothing else of a machine is written but one tag. It is written first, so that no machine is ever
changed that does not remember how it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from azure.mgmt.compute.models import (
    LinuxConfiguration,
    LinuxPatchSettings,
    LinuxVMGuestPatchAutomaticByPlatformSettings,
    OSProfile,
    PatchSettings,
    VirtualMachineProperties,
    VirtualMachineUpdate,
    WindowsConfiguration,
    WindowsVMGuestPatchAutomaticByPlatformSettings,
)
from azure.mgmt.resource.resources.models import Tags, TagsPatchResource

from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.errors import Partly, PatchctlError
from patchctl.machines import (
    BY_PLATFORM,
    Machine,
    Memory,
    Settings,
    remembered,
    settings_of,
    stranded,
    wanted_settings,
    warning,
)
from patchctl.many import each, try_each
from patchctl.remembered import machines as remembered_machines
from patchctl.report import Finding, Inspection, State, check
from patchctl.translation import translated

NAME = "patch-settings"
NEEDS = ("resource-group",)
UNSET = "Unknown"
"""How a reboot setting is taken back: what is left out of a PATCH stays as it is."""


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if not deployment.own:
        return Inspection(State.READY)
    now = await _seen(clients, deployment.known_machines)
    asked = {machine.id for machine in deployment.machines}
    released = {machine.id for machine in deployment.released}
    setting = [machine for machine in now if machine.id in asked]
    leaving = [machine for machine in now if machine.id in released]
    ours = tuple(m.id for m in now if memory(deployment, m) is not None)
    findings = (*_to_set(deployment, setting), *_to_put_back(deployment, leaving))
    notes = (*_left(deployment), *_warned(setting), *_released(deployment, leaving))
    wrong = any(finding.ok is False for finding in findings)
    return Inspection(State.DIFFERS if wrong else State.READY, ours, findings, notes)


async def apply(clients: Clients, deployment: Deployment) -> None:
    """Set the machines, and put back those that are not asked for any more."""
    asked = await _seen(clients, deployment.machines)
    setting = [machine for machine in asked if not _is_set(deployment, machine)]
    failed = await try_each(setting, lambda m: _set(clients, deployment, m), _shown)
    leaving = await _seen(clients, deployment.released)
    failed += await try_each(leaving, lambda m: _put_back(clients, deployment, m), _shown)
    _require_all([str(failure) for failure in failed])


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Put every machine back that is still as we left it."""
    now = await _seen(clients, deployment.known_machines)
    failed = await try_each(now, lambda m: _put_back(clients, deployment, m), _shown)
    _require_all([str(failure) for failure in failed])


async def memories(clients: Clients, deployment: Deployment) -> dict[str, Memory]:
    """What apply would have machines remember, by their ids in lower case."""
    now = await _seen(clients, deployment.machines)
    setting = [machine for machine in now if not _is_set(deployment, machine)]
    found = {machine.id.lower(): _to_remember(deployment, machine) for machine in setting}
    return {id: memory for id, memory in found.items() if memory is not None}


def memory(deployment: Deployment, machine: Machine) -> Memory | None:
    """What a machine was before: its own tag, or a file that says so."""
    tagged = machine.tag(deployment.machine_tag)
    return remembered(tagged) or deployment.memories.get(machine.id.lower())


def desired(machine: Machine, settings: Settings) -> VirtualMachineUpdate:
    """The settings of a machine as a PATCH, and nothing else of it."""
    if machine.os == "windows":
        windows = WindowsConfiguration(patch_settings=_of_windows(settings))
        profile = OSProfile(windows_configuration=windows)
    else:
        linux = LinuxConfiguration(patch_settings=_of_linux(settings))
        profile = OSProfile(linux_configuration=linux)
    return VirtualMachineUpdate(properties=VirtualMachineProperties(os_profile=profile))


def _of_windows(settings: Settings) -> PatchSettings:
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


def _of_linux(settings: Settings) -> LinuxPatchSettings:
    platform = LinuxVMGuestPatchAutomaticByPlatformSettings(
        bypass_platform_safety_checks_on_user_schedule=settings.bypass,
        reboot_setting=settings.reboot or UNSET,
    )
    return LinuxPatchSettings(
        patch_mode=settings.mode,
        assessment_mode=settings.assessment,
        automatic_by_platform_settings=platform if settings.mode == BY_PLATFORM else None,
    )


# -- what stands


async def _seen(clients: Clients, machines: Iterable[Machine]) -> list[Machine]:
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
    async for machine in machines:
        body = machine.as_dict()
        profile = (body.get("properties") or {}).get("osProfile") or {}
        windows, linux = profile.get("windowsConfiguration"), profile.get("linuxConfiguration")
        os = "windows" if windows is not None else "linux"
        settings = settings_of(os, windows, linux)
        id = str(machine.id)
        found[id.lower()] = Machine(
            id, os, machine.location, settings, tags=dict(machine.tags or {})
        )
    return found


def _to_set(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    for machine in machines:
        if not machine.arc:
            got = machine.settings or "not there"
            wanted = got if _is_set(deployment, machine) else _wanted(deployment, machine)
            yield check(machine.shown, wanted, got)


def _to_put_back(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    for machine in machines:
        if (remembers := memory(deployment, machine)) is not None:
            yield check(machine.shown, f"put back to {remembers.before}", machine.settings)


def _left(deployment: Deployment) -> Iterable[str]:
    for shown, reason in deployment.left:
        yield f"{shown} is left as it is: {reason}."
    if deployment.asked_machines and not remembered_machines(deployment.keeper_tags):
        yield "These machines are too many to be remembered: name them each time."


def _warned(machines: Iterable[Machine]) -> Iterable[str]:
    for machine in machines:
        if said := warning(machine):
            yield f"{machine.shown}: {said}."


def _released(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[str]:
    for machine in machines:
        yield f"{machine.shown} is released: it is not asked for any more."
        if said := after_release(deployment, machine):
            yield f"{machine.shown}: {said}."


def after_release(deployment: Deployment, machine: Machine) -> str:
    """What has to be said of a machine once it is off our schedules."""
    remembers = memory(deployment, machine)
    as_left = remembers is not None and machine.settings == remembers.left
    settings = remembers.before if remembers is not None and as_left else machine.settings
    others = set(machine.schedules).difference(deployment.configuration_ids)
    said = stranded(settings, others)
    return said and f"once off this schedule {said}"


def _wanted(deployment: Deployment, machine: Machine) -> Settings | None:
    return wanted_settings(machine, deployment.config.patches.reboot)


def _is_set(deployment: Deployment, machine: Machine) -> bool:
    """With a report only, what a schedule cannot do without is enough."""
    if deployment.config.prerequisites == "report":
        return machine.arc or (machine.settings is not None and machine.settings.managed)
    return machine.settings == _wanted(deployment, machine)


def _shown(machine: Machine) -> str:
    return machine.shown


# -- making it so


async def _set(clients: Clients, deployment: Deployment, machine: Machine) -> None:
    remembers = _to_remember(deployment, machine)
    if remembers is None:
        raise PatchctlError("NotThere", "it is not there any more, or has no osProfile")
    await _tag(clients, deployment, machine, "Merge", remembers.written())
    await _patch(clients, machine, remembers.left)


def _to_remember(deployment: Deployment, machine: Machine) -> Memory | None:
    wanted = _wanted(deployment, machine)
    if wanted is None or machine.settings is None:
        return None
    known = memory(deployment, machine)
    return Memory(known.before if known is not None else machine.settings, wanted)


async def _put_back(clients: Clients, deployment: Deployment, machine: Machine) -> None:
    """What somebody else has set since is theirs, and stays."""
    remembers = memory(deployment, machine)
    if remembers is None or machine.settings is None:
        return
    changed = machine.settings not in (remembers.left, remembers.before)
    if machine.settings == remembers.left != remembers.before:
        await _restore(clients, deployment, machine, remembers)
    if (tagged := machine.tag(deployment.machine_tag)) is not None:
        await _tag(clients, deployment, machine, "Delete", tagged)
    if changed:
        raise PatchctlError(
            "ChangedSince",
            f"somebody has changed it since, to {machine.settings}; that stays. "
            f"Before patchctl it was {remembers.before}",
        )


async def _restore(
    clients: Clients, deployment: Deployment, machine: Machine, remembers: Memory
) -> None:
    """Azure does not take back everything: images that it patches on schedules only are refused to
    leave the schedules for its own times. The tag then stays, for the machine's owner."""
    try:
        await translated(_patch(clients, machine, remembers.before))
    except PatchctlError as error:
        others = set(machine.schedules).difference(deployment.configuration_ids)
        said = stranded(remembers.left, others)
        raise PatchctlError(
            error.code,
            f"it could not be put back to {remembers.before}: {error.message}"
            + (f" As it is now, {said}." if said else ""),
        ) from error


async def _patch(clients: Clients, machine: Machine, settings: Settings) -> None:
    machines = clients.within(machine.subscription).compute.virtual_machines
    update = desired(machine, settings)
    await (await machines.begin_update(machine.group, machine.name, update)).result()


async def _tag(
    clients: Clients, deployment: Deployment, machine: Machine, operation: str, value: str
) -> None:
    """By themselves, so that tags which others write meanwhile are not lost."""
    tags = clients.within(machine.subscription).resources.tags
    patch = TagsPatchResource(
        operation=operation, properties=Tags(tags={deployment.machine_tag: value})
    )
    await (await tags.begin_update_at_scope(machine.id, patch)).result()


def _require_all(failures: list[str]) -> None:
    if failures:
        raise Partly(failures, step=NAME)
