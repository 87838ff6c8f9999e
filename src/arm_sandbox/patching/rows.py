"""What Resource Graph is told of assessments and installations, and when.

The fields are those of azure-docs update-manager/query-logs.md. Rows come late: a demonstration
of Microsoft's shows 10 to 30 minutes, and people report up to an hour.
"""

from __future__ import annotations

from typing import Any

from arm_sandbox import tables
from arm_sandbox.patching.updates import Update
from arm_sandbox.providers.machines import image_of, os_of
from arm_sandbox.world import Resource, World, chance, stamp

ASSESSMENT_LAG = (600.0, 1800.0)
"""Seconds from an assessment until its rows can be seen, which come together."""

ASSESSMENTS, INSTALLATIONS = "patchassessmentresources", "patchinstallationresources"
CLASSIFICATIONS = (
    *("critical", "security", "updateRollup", "featurePack", "servicePack"),
    *("definition", "tools", "updates", "other"),
)
SERVICES = {"ubuntu": "APT", "debian": "APT", "redhat": "YUM", "sles": "Zypper"}
WINDOWS_SERVICE = "WU-WSUS"


def lag(world: World, subject: str, between: tuple[float, float]) -> float:
    low, high = between
    return round(low + (high - low) * chance(world.seed, f"{subject}|lag"), 3)


def assessed(
    world: World, machine: Resource, result: dict[str, Any], found: list[Update], *, by: str
) -> None:
    """An assessment has ended; one that failed leaves what an earlier one has found."""
    late = lag(world, result["assessmentActivityId"], ASSESSMENT_LAG)
    properties = {
        "status": result["status"],
        "rebootPending": result["rebootPending"],
        "patchServiceUsed": service(world, machine),
        "osType": os_of(machine),
        "startDateTime": result["startDateTime"],
        "lastModifiedDateTime": world.stamp,
        "startedBy": by,
        "errorDetails": result["error"],
        "availablePatchCountByClassification": _counts(found),
    }
    latest = f"{machine.id}/patchAssessmentResults/latest"
    kept = tables.ASSESSMENTS_KEPT
    row = _row(machine, latest, "patchassessmentresults", properties)
    tables.publish(world, ASSESSMENTS, row, late, kept)
    if result["status"] == "Failed":
        return
    type, below = "patchassessmentresults/softwarepatches", f"{latest}/softwarePatches"
    for update in found:
        row = _row(machine, f"{below}/{update.id}", type, _patch(world, update))
        tables.publish(world, ASSESSMENTS, row, late, kept)
    ids = [update.id for update in found]
    for gone in set(machine.hidden.get("assessed", ())).difference(ids):
        tables.retract(world, ASSESSMENTS, f"{below}/{gone}", late)
    machine.hidden["assessed"] = ids


def installation(
    world: World, machine: Resource, properties: dict[str, Any], states: dict[Update, str]
) -> None:
    """An installation has begun, or ended: then `states` tells what became of its updates."""
    id = f"{machine.id}/patchInstallationResults/{properties['installationActivityId']}"
    late = lag(world, id, world.options.result_lag)
    kept = tables.INSTALLATIONS_KEPT
    told = {
        **properties,
        "patchServiceUsed": service(world, machine),
        "osType": os_of(machine),
        "lastModifiedDateTime": world.stamp,
    }
    row = _row(machine, id, "patchinstallationresults", told)
    tables.publish(world, INSTALLATIONS, row, late, kept)
    for update, state in states.items():
        patch = {**_patch(world, update), "installationState": state}
        below = f"{id}/softwarePatches/{update.id}"
        row = _row(machine, below, "patchinstallationresults/softwarepatches", patch)
        tables.publish(world, INSTALLATIONS, row, late, kept)


def service(world: World, machine: Resource) -> str:
    """Where its updates come from."""
    return SERVICES.get(image_of(world, machine).system, WINDOWS_SERVICE)


def _patch(world: World, update: Update) -> dict[str, Any]:
    """The publication of a package is not known to Linux, its severity only to Windows."""
    told = {
        "patchName": update.name,
        "classifications": [update.classification],
        "rebootRequired": update.reboots,
        "rebootBehavior": reboot_behavior(update),
        "publishedDateTime": None if update.version else stamp(update.published),
        "lastModifiedDateTime": world.stamp,
    }
    own = {"version": update.version} if update.version else {"kbId": update.kb}
    severity = {"msrcSeverity": update.severity} if update.severity else {}
    return {**told, **own, **severity}


def reboot_behavior(update: Update) -> str:
    """Linux says that nothing reboots, of kernels as of anything else (recorded)."""
    return "CanRequestReboot" if update.reboots and not update.version else "NeverReboots"


def _counts(found: list[Update]) -> dict[str, int]:
    classes = [update.classification.lower() for update in found]
    return {name: classes.count(name.lower()) for name in CLASSIFICATIONS}


def _row(machine: Resource, id: str, type: str, properties: dict[str, Any]) -> tables.Row:
    return {
        "id": id,
        "name": id.rsplit("/", 1)[1],
        "type": f"{machine.type.lower()}/{type}",
        "location": machine.body["location"],
        "tags": machine.body.get("tags"),
        "properties": properties,
    }
