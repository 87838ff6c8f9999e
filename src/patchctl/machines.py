"""Machines that were there before us: what a schedule needs of them, and what cannot be changed.

The rules are those of azure-docs, update-manager/prerequsite-for-schedule-patching.md, and of
azure-compute-docs, automatic-vm-guest-patching.md. Pure: what is known of a machine goes in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from patchctl.report import Finding, check, lowered

BY_PLATFORM = "AutomaticByPlatform"
IMAGE_DEFAULT = "ImageDefault"
READ_ONLY = "ReadOnly"
UNPATCHED = {
    "microsoftwindowsdesktop": "Windows for desktops",
    "kinvolk": "Flatcar",
}
"""Publishers of images that Update Manager never patches (support-matrix-updates.md); of what is
not listed here, Azure itself refuses the settings."""
MOST_TAGS = 50
RUNNING = ("running", "connected")
"""The power of a VM, and the status of an Arc machine, with which it can be patched."""


@dataclass(frozen=True)
class Settings:
    """How a machine is patched in the end, whatever of it is spelled out and whatever is not."""

    mode: str
    assessment: str = IMAGE_DEFAULT
    bypass: bool = False
    reboot: str = ""
    """Empty where it is left to the schedule."""

    @property
    def unmet(self) -> tuple[str, ...]:
        """What a schedule passes the machine by for (prerequsite-for-schedule-patching.md)."""
        mode = f"patchMode is {self.mode or 'none'}, not {BY_PLATFORM}"
        bypass = "bypassPlatformSafetyChecksOnUserSchedule is false, not true"
        wrong = ((mode, self.mode.lower() != BY_PLATFORM.lower()), (bypass, not self.bypass))
        return tuple(what for what, is_so in wrong if is_so)

    @property
    def managed(self) -> bool:
        """Whether schedules may patch the machine, and then nothing but a schedule does."""
        return not self.unmet

    def __str__(self) -> str:
        safety = (", checks bypassed" if self.bypass else ", checks on") * (
            self.mode == BY_PLATFORM
        )
        reboot = f", reboot {self.reboot}" if self.reboot else ""
        return f"{self.mode}{safety}, assessment {self.assessment}{reboot}"


UNSAID = Settings("", "")
"""Those of a machine that is not there, or has no osProfile."""


@dataclass(frozen=True)
class Machine:
    """One machine, as it was seen; an Azure VM, or an Arc machine, which has no settings."""

    id: str
    os: str
    location: str
    settings: Settings | None
    power: str = ""
    tags: Mapping[str, str] | None = None
    hotpatching: bool = False
    agent: bool = True
    extensions: bool = True
    """Whether services may install theirs; Update Manager comes as one."""
    publisher: str = ""
    """Of the image it was made of; empty for one of its owner's."""
    product: str = ""
    """What its system calls itself; of Arc machines only, which have no image."""
    schedules: tuple[str, ...] = ()
    """Ids, in lower case, of the maintenance configurations it is assigned to."""
    assignments: tuple[str, ...] = ()
    """Names, in lower case, of its assignments to them."""
    overlapping: tuple[str, ...] = ()
    """Those of others' whose windows overlap ours."""
    lock: str = ""
    denied: tuple[str, ...] = ()
    """What we would have to do and may not."""
    namesake: bool = False
    """Whether another one has its name, in a group of the same name or as the other kind."""

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    @property
    def subscription(self) -> str:
        return self.id.split("/")[2]

    @property
    def group(self) -> str:
        return self.id.split("/")[4]

    @property
    def group_id(self) -> str:
        return "/".join(self.id.split("/")[:5])

    @property
    def shown(self) -> str:
        """One machine's alone, and short where that is enough."""
        return self.id if self.namesake else self.called

    @property
    def called(self) -> str:
        return f"{self.group}/{self.name}"

    @property
    def arc(self) -> bool:
        return "/microsoft.hybridcompute/" in self.id.lower()

    @property
    def kind(self) -> tuple[str, str]:
        """Its resource provider and its type."""
        return (
            ("Microsoft.HybridCompute", "machines")
            if self.arc
            else ("Microsoft.Compute", "virtualMachines")
        )

    def tag(self, name: str) -> str | None:
        """A tag's value."""
        return lowered(self.tags).get(name.lower())


@dataclass(frozen=True)
class Obstacle:
    """Why a machine cannot be put on a schedule, and what its owner can do about it."""

    reason: str
    cure: str
    command: str = ""
    """The cure, where one command is enough."""

    def __str__(self) -> str:
        return f"{self.reason}; {self.cure}"


MISSING = Obstacle(
    "it was asked for, and is gone or you may not read it",
    "if it is gone, name those that are left: --vm",
)


def wanted_settings(machine: Machine, reboot: str) -> Settings | None:
    """What a schedule needs; None for an Arc machine, which has nothing to set."""
    return None if machine.arc else scheduled(reboot)


def scheduled(reboot: str) -> Settings:
    """What a schedule needs of a VM."""
    return Settings(BY_PLATFORM, BY_PLATFORM, True, reboot)


def settings_checks(got: Settings | None, reboot: str, source: str = "") -> tuple[Finding, ...]:
    """Each of the settings that a schedule needs; `source` is that of the reboot setting."""
    want, got = scheduled(reboot), got or UNSAID
    return (
        check("patchMode", want.mode, got.mode),
        check("bypassPlatformSafetyChecksOnUserSchedule", want.bypass, got.bypass),
        check("assessmentMode", want.assessment, got.assessment),
        check("rebootSetting", want.reboot, got.reboot, source),
    )


def obstacle(machine: Machine) -> Obstacle | None:
    """What keeps us from putting a machine on a schedule; the first thing to cure."""
    return _of_itself(machine) or _of_rights(machine) or _of_schedules(machine)


def unfit(machine: Machine) -> Obstacle | None:
    """What keeps a machine from being patched that is on a schedule already: nothing is to be
    written to it any more."""
    return _of_itself(machine) or _of_schedules(machine)


def _of_itself(machine: Machine) -> Obstacle | None:
    if machine.arc:
        return None
    return unsettable(machine) or no_agent(machine) or unpatchable(machine)


def unsettable(machine: Machine) -> Obstacle | None:
    """Why the settings that a schedule needs cannot be set."""
    if machine.settings is None:
        return Obstacle(
            "it has no osProfile, since its disk was specialized or swapped",
            "set patchMode in the portal, or make the machine anew",
        )
    if machine.hotpatching:
        return Obstacle(
            "hotpatching is on, and needs the safety checks that a schedule bypasses",
            "turn enableHotpatching off",
            f"az vm update --ids {machine.id} --set "
            "osProfile.windowsConfiguration.patchSettings.enableHotpatching=false",
        )
    return None


def no_agent(machine: Machine) -> Obstacle | None:
    if machine.agent:
        return None
    return Obstacle(
        "it was made without the VM agent, and that is fixed at creation",
        "make the machine anew with provisionVMAgent",
    )


def unpatchable(machine: Machine) -> Obstacle | None:
    """Why Update Manager patches no machine that runs what this one does."""
    what = UNPATCHED.get(machine.publisher.lower()) or _unpatched(machine.product.lower())
    return Obstacle(f"Update Manager does not patch {what}", OWN_UPDATES) if what else None


OWN_UPDATES = "leave it to its own updates"


def _unpatched(product: str) -> str:
    """What an Arc machine runs that is not patched, by what its system calls itself."""
    if "windows" in product and "server" not in product:
        return UNPATCHED["microsoftwindowsdesktop"]
    return UNPATCHED["kinvolk"] if "flatcar" in product else ""


def closed(machine: Machine) -> Obstacle | None:
    """Why Update Manager, which comes as an extension, cannot come to a machine that is set up.

    The owner of an Arc machine says so at the machine itself (azure-arc, security-extensions.md).
    """
    if machine.extensions:
        return None
    if machine.arc:
        return Obstacle(
            "its agent takes no extensions, and Update Manager is one",
            "allow them on the machine",
            "azcmagent config set extensions.enabled true",
        )
    return Obstacle(
        "allowExtensionOperations is false, and Update Manager is an extension",
        "set it to true",
        f"az vm update --ids {machine.id} --set osProfile.allowExtensionOperations=true",
    )


def _of_rights(machine: Machine) -> Obstacle | None:
    if machine.lock == READ_ONLY:
        return Obstacle("a ReadOnly lock is on it", "remove the lock")
    if machine.denied:
        return Obstacle(
            f"you may not {', '.join(machine.denied)}",
            f"ask for Virtual Machine Contributor on {machine.group}",
        )
    return None


def _of_schedules(machine: Machine) -> Obstacle | None:
    if not machine.overlapping:
        return None
    others = ", ".join(id.rsplit("/", 1)[-1] for id in machine.overlapping)
    return Obstacle(
        f"windows of {others} overlap ours, and Azure would use one of the two",
        "choose another time, or take it off that schedule",
    )


def warning(machine: Machine) -> str:
    """What has to be known of a machine that can be set up all the same."""
    if machine.lock:
        return f"a {machine.lock} lock is on it: what is made here stays until the lock is gone"
    if off := idle(machine.power):
        return f"{off}: start it before the window"
    found = closed(machine) or (unpatchable(machine) if machine.arc else None)
    return str(found) if found is not None else ""


def idle(power: str) -> str:
    """Why a machine is passed by that is not on; empty for one that is, and where Azure does not
    tell."""
    return f"it is {power}, and Azure does not start it" if power not in ("", *RUNNING) else ""


def stranded(settings: Settings | None, schedules: object) -> str:
    """What to say of a machine that nothing will ever be installed on; empty for others."""
    if settings is None or not settings.managed or schedules:
        return ""
    return (
        "it is in platform mode with the checks bypassed and on no schedule: nothing is ever "
        "installed on it"
    )


# -- what was before


def tag_name(deployment: str) -> str:
    """The tag by which a machine remembers what its settings were before a deployment."""
    return f"patchctl-before-{deployment}"


@dataclass(frozen=True)
class Memory:
    """A machine's settings before our first write, as our last write leaves them, and, until that
    has come to its end, as the one before had left them."""

    before: Settings
    left: Settings
    earlier: Settings | None = None

    def is_ours(self, settings: Settings | None) -> bool:
        """Whether a write of ours has left them so."""
        return settings is not None and settings in (self.left, self.earlier)

    def written(self) -> str:
        """As a tag's value: below the 256 characters that Azure takes."""
        settings = (self.before, self.left, *([self.earlier] if self.earlier else []))
        return json.dumps([astuple(each) for each in settings], separators=(",", ":"))


def remembered(text: str | None) -> Memory | None:
    """None where nothing is remembered, or it has been damaged."""
    try:
        return Memory(*map(_checked, json.loads(text or "")))
    except (ValueError, TypeError):
        return None


def _checked(values: Any) -> Settings:
    mode, assessment, bypass, reboot = values
    if not (isinstance(bypass, bool) and all(isinstance(v, str) for v in (mode, assessment))):
        raise TypeError("not settings")
    return Settings(mode, assessment, bypass, str(reboot))


# -- from what Azure answers


def settings_of(os: str, windows: Any, linux: Any) -> Settings | None:
    """The settings in a machine's `windowsConfiguration` or `linuxConfiguration`."""
    if windows is None and linux is None:
        return None
    found = windows if os == "windows" else linux
    patching = (found or {}).get("patchSettings") or {}
    platform = patching.get("automaticByPlatformSettings") or {}
    reboot = str(platform.get("rebootSetting") or "")
    return Settings(
        mode=str(patching.get("patchMode") or _default(os, found or {})),
        assessment=str(patching.get("assessmentMode") or IMAGE_DEFAULT),
        bypass=platform.get("bypassPlatformSafetyChecksOnUserSchedule") is True,
        reboot="" if reboot == "Unknown" else reboot,
    )


def _default(os: str, configuration: Mapping[str, Any]) -> str:
    if os == "linux":
        return IMAGE_DEFAULT
    return "Manual" if configuration.get("enableAutomaticUpdates") is False else "AutomaticByOS"


def machine(row: Mapping[str, Any]) -> Machine:
    """A row of `queries.every_machine`."""
    os = str(row.get("os") or "").lower()
    windows, linux = row.get("windows"), row.get("linux")
    configuration = windows or linux or {}
    found = Machine(
        id=str(row["id"]),
        os=os,
        location=str(row["location"]),
        settings=settings_of(os, windows, linux),
        power=str(row.get("power") or "").lower().removeprefix("powerstate/"),
        tags=row.get("tags") or {},
        hotpatching=(configuration.get("patchSettings") or {}).get("enableHotpatching") is True,
        agent=configuration.get("provisionVMAgent") is not False,
        extensions=str(row.get("extensions")).lower() != "false",
        publisher=str(row.get("publisher") or ""),
        product=str(row.get("product") or ""),
    )
    return replace(found, settings=None) if found.arc else found


def never_came_up(machine: Any) -> bool:
    """Whether the properties of a machine, its instance view among them, say that it is of no use:
    failed, and without any power state, since it has never been switched on.

    A start or an update that failed leaves a machine that is running, stopped or deallocated.
    """
    if (machine.provisioning_state or "").lower() != "failed":
        return False
    view = machine.instance_view
    codes = [status.code or "" for status in view.statuses or []] if view is not None else []
    return not any(code.startswith("PowerState/") for code in codes)
