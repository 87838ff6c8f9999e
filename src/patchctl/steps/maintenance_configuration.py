"""The maintenance window, and what is installed in it."""

from __future__ import annotations

from collections.abc import Iterable

from azure.mgmt.maintenance.models import (
    InputLinuxParameters,
    InputPatchConfiguration,
    InputWindowsParameters,
    MaintenanceConfiguration,
)

from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.report import Finding, Inspection, Part, check, joined, merged_tags, note, tags_check
from patchctl.schedule import recurrence, window
from patchctl.schedule.patch_schedule import PatchSchedule
from patchctl.schedule.window import Window

NAME = "maintenance-configuration"
NEEDS = ("resource-group", "resource-providers")
ACTIONS = (Needed("Microsoft.Maintenance/maintenanceConfigurations", "read write delete"),)
SCOPE = "InGuestPatch"
CLASSIFICATIONS = "patches.classifications"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    found = [await _part(clients, deployment, schedule) for schedule in deployment.schedules]
    parts = [part for part in found if part is not None]
    return joined(parts, deployment.is_ours, window.warnings(deployment.window))


async def apply(clients: Clients, deployment: Deployment) -> None:
    for schedule in deployment.schedules:
        standing = await _find(clients, deployment, schedule)
        if any(f.ok is False for f in _findings(deployment, schedule, standing)):
            await clients.maintenance.maintenance_configurations.create_or_update(
                deployment.group,
                schedule.configuration,
                desired(deployment, schedule, standing),
            )


async def destroy(clients: Clients, deployment: Deployment) -> None:
    for schedule in deployment.schedules:
        standing = await _find(clients, deployment, schedule)
        if standing is not None and deployment.is_ours(standing.tags):
            await clients.maintenance.maintenance_configurations.delete(
                deployment.group, schedule.configuration
            )


def desired(
    deployment: Deployment,
    schedule: PatchSchedule,
    standing: MaintenanceConfiguration | None = None,
) -> MaintenanceConfiguration:
    """The configuration to write. A start that is in phase is never moved."""
    wanted = schedule.window
    stored = _stored_window(standing) if standing is not None else None
    kept = stored is not None and not schedule.once
    in_phase = kept and stored is not None and window.in_phase(stored, wanted, deployment.now)
    start = stored.start if stored is not None and in_phase else wanted.start
    return MaintenanceConfiguration(
        location=deployment.config.location,
        tags=merged_tags(standing.tags if standing is not None else None, deployment.tags),
        maintenance_scope=SCOPE,
        visibility="Custom",
        # Azure refuses an in-guest scope without this: "must contain Patch mode".
        extension_properties={"InGuestPatchMode": "User"},
        start_date_time=window.format_start(start),
        expiration_date_time=window.format_start(schedule.expires) if schedule.expires else None,
        duration=window.format_duration(wanted.duration),
        time_zone=wanted.time_zone,
        recur_every=str(wanted.recurrence),
        install_patches=_patches(deployment),
    )


def _patches(deployment: Deployment) -> InputPatchConfiguration:
    patches, config = deployment.config.patches, deployment.config
    windows = InputWindowsParameters(
        classifications_to_include=list(config.classifications("windows")),
        kb_numbers_to_include=list(patches.include_kbs) or None,
        kb_numbers_to_exclude=list(patches.exclude_kbs) or None,
    )
    linux = InputLinuxParameters(
        classifications_to_include=list(config.classifications("linux")),
        package_name_masks_to_include=list(patches.include_packages) or None,
        package_name_masks_to_exclude=list(patches.exclude_packages) or None,
    )
    return InputPatchConfiguration(
        reboot_setting=patches.reboot,
        windows_parameters=windows if "windows" in config.systems else None,
        linux_parameters=linux if "linux" in config.systems else None,
    )


async def _find(
    clients: Clients, deployment: Deployment, schedule: PatchSchedule
) -> MaintenanceConfiguration | None:
    configurations = clients.maintenance.maintenance_configurations
    return await find(configurations.get(deployment.group, schedule.configuration))


async def _part(clients: Clients, deployment: Deployment, schedule: PatchSchedule) -> Part | None:
    standing = await _find(clients, deployment, schedule)
    if standing is None and not schedule.wanted:
        return None
    tags = None if standing is None else dict(standing.tags or {})
    findings = tuple(_findings(deployment, schedule, standing))
    return Part(deployment.configuration_id(schedule.configuration), tags, findings)


def _findings(
    deployment: Deployment, schedule: PatchSchedule, standing: MaintenanceConfiguration | None
) -> list[Finding]:
    if schedule.once:
        return _findings_of_the_first(deployment, schedule, standing)
    return _findings_of_all(deployment, standing or MaintenanceConfiguration())


def _findings_of_the_first(
    deployment: Deployment, schedule: PatchSchedule, standing: MaintenanceConfiguration | None
) -> list[Finding]:
    """The window that opens once is written anew only when it is asked for and over."""
    want = "opens about 20 minutes after it is written" if schedule.wanted else "none"
    if standing is None:
        return [check("first window", want, "none")] if schedule.wanted else []
    stored = _stored_window(standing)
    began = f"{standing.start_date_time} {standing.time_zone}"
    if stored is not None and stored.first.end_utc > deployment.now:
        return [note("first window", want, f"opens {began}")]
    got = f"over, it opened {began}"
    return [
        check("first window", want, got) if schedule.wanted else note("first window", want, got)
    ]


def _findings_of_all(deployment: Deployment, standing: MaintenanceConfiguration) -> list[Finding]:
    source = deployment.asked.source
    # The key's case changes on its way through Azure (recorded).
    extension = {k.lower(): v for k, v in (standing.extension_properties or {}).items()}
    return [
        check("scope", SCOPE, standing.maintenance_scope),
        check("visibility", "Custom", standing.visibility),
        check("expires", "never", _expiry(standing)),
        check("InGuestPatchMode", "User", extension.get("inguestpatchmode")),
        check(
            "recurrence",
            deployment.config.schedule.recur,
            _rule(standing),
            source("schedule.recur"),
        ),
        _start(deployment, standing),
        check(
            "duration",
            deployment.config.schedule.duration,
            standing.duration,
            source("schedule.duration"),
        ),
        check(
            "time zone",
            deployment.config.schedule.time_zone,
            standing.time_zone,
            source("schedule.time_zone"),
        ),
        *_patch_findings(deployment, standing.install_patches or InputPatchConfiguration()),
        tags_check("configuration's tags", deployment.tags, standing.tags),
    ]


def _expiry(standing: MaintenanceConfiguration) -> str:
    """After it nothing runs, and nobody is told. Azure's default is the year 9999."""
    expiry = standing.expiration_date_time
    return "never" if expiry is None or expiry.startswith("9999") else expiry


def _start(deployment: Deployment, standing: MaintenanceConfiguration) -> Finding:
    """A start of long ago is as good as a new one, if its windows are the same."""
    wanted, stored = deployment.window, _stored_window(standing)
    got = standing.start_date_time
    if stored is not None and window.in_phase(stored, wanted, deployment.now):
        got = window.format_start(wanted.start)
    source = deployment.asked.source("schedule.first")
    if source == "computed":  # of the time of day, which may have been asked for
        source = deployment.asked.source("schedule.at")
    return check("start", window.format_start(wanted.start), got, source)


def _stored_window(standing: MaintenanceConfiguration) -> Window | None:
    return window.read(
        standing.start_date_time, standing.duration, standing.time_zone, standing.recur_every
    )


def _rule(standing: MaintenanceConfiguration) -> str | None:
    try:
        return str(recurrence.parse(standing.recur_every or ""))
    except ValueError:
        return standing.recur_every


def _patch_findings(deployment: Deployment, got: InputPatchConfiguration) -> list[Finding]:
    reboot = (got.reboot_setting or "").removesuffix("Reboot")  # comes back as AlwaysReboot
    source = deployment.asked.source("patches.reboot")
    findings = [check("reboot", deployment.config.patches.reboot, reboot, source)]
    if "windows" in deployment.config.systems:
        findings += _windows_findings(deployment, got.windows_parameters)
    if "linux" in deployment.config.systems:
        findings += _linux_findings(deployment, got.linux_parameters)
    return findings


def _windows_findings(
    deployment: Deployment, standing: InputWindowsParameters | None
) -> list[Finding]:
    patches, source = deployment.config.patches, deployment.asked.source
    got = standing or InputWindowsParameters()
    include, exclude = _kbs(got.kb_numbers_to_include), _kbs(got.kb_numbers_to_exclude)
    return [
        check("included KBs", patches.include_kbs, include, source("patches.include_kbs")),
        check("excluded KBs", patches.exclude_kbs, exclude, source("patches.exclude_kbs")),
        _classes(deployment, "windows", got.classifications_to_include),
    ]


def _linux_findings(deployment: Deployment, standing: InputLinuxParameters | None) -> list[Finding]:
    patches, source = deployment.config.patches, deployment.asked.source
    got = standing or InputLinuxParameters()
    include, exclude = got.package_name_masks_to_include, got.package_name_masks_to_exclude
    included, excluded = source("patches.include_packages"), source("patches.exclude_packages")
    return [
        check("included packages", patches.include_packages, include, included),
        check("excluded packages", patches.exclude_packages, exclude, excluded),
        _classes(deployment, "linux", got.classifications_to_include),
    ]


def _classes(deployment: Deployment, os: str, got: Iterable[str] | None) -> Finding:
    subject = "classifications" if len(deployment.config.systems) == 1 else f"{os} classifications"
    wanted = deployment.config.classifications(os)
    return check(subject, wanted, list(got or ()), deployment.asked.source(CLASSIFICATIONS))


def _kbs(numbers: Iterable[str] | None) -> list[str]:
    return [f"KB{number.lower().removeprefix('kb')}" for number in numbers or []]
