"""Sandbox worlds with as many machines as are wanted, built at once and not by requests.

Chance is drawn from the number of each machine, so the same call makes the same world.
"""

from __future__ import annotations

from typing import Any

from arm_sandbox import tables
from arm_sandbox.tables import DAY
from arm_sandbox.world import Resource, World, stamp

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
COMPUTE = "Microsoft.Compute/virtualMachines"
ASSIGNMENTS = "Microsoft.Maintenance/configurationAssignments"
TITLES = (
    ("Cumulative Update for Windows Server 2022", "5068000", "Security", "Critical"),
    ("Cumulative Update for .NET Framework 4.8.1", "5066100", "Security", "Important"),
    ("Windows Malicious Software Removal Tool", "890830", "UpdateRollup", ""),
    ("Security Intelligence Update for Microsoft Defender", "2267602", "Definition", "Low"),
)
PLATFORM = {
    "patchMode": "AutomaticByPlatform",
    "assessmentMode": "AutomaticByPlatform",
    "automaticByPlatformSettings": {
        "bypassPlatformSafetyChecksOnUserSchedule": True,
        "rebootSetting": "IfRequired",
    },
}


def add_machines(world: World, configuration: str, number: int, *, patches: int = 4) -> None:
    """Machines assigned to a configuration, each assessed and patched in its last run.

    Every 100th is off, every 50th has failed, and what `patches` says is pending and installed.
    """
    for n in range(number):
        id = f"{SUBSCRIPTION}/resourceGroups/rg-fleet-{n // 800}/providers/{COMPUTE}/vm-{n:05}"
        _machine(world, id, off=n % 100 == 7)
        _assign(world, id, configuration)
        _assess(world, id, n, patches)
        _patch(world, id, n, configuration, patches)


def _machine(world: World, id: str, *, off: bool) -> None:
    properties = {
        "provisioningState": "Succeeded",
        "storageProfile": {"osDisk": {"osType": "Windows"}},
        "osProfile": {"windowsConfiguration": {"patchSettings": PLATFORM}},
    }
    body = {"id": id, "name": id.rsplit("/", 1)[1], "location": "eastus", "properties": properties}
    world.add(Resource(id, COMPUTE, body, {"power": "deallocated" if off else "running"}))


def _assign(world: World, machine: str, configuration: str) -> None:
    id = f"{machine}/providers/{ASSIGNMENTS}/assign"
    properties = {
        "maintenanceConfigurationId": configuration.lower(),
        "resourceId": machine.lower(),
    }
    world.add(Resource(id, ASSIGNMENTS, {"id": id, "properties": properties}))


def _assess(world: World, machine: str, n: int, patches: int) -> None:
    latest, pending = f"{machine}/patchAssessmentResults/latest", n % (patches + 1)
    classes = [TITLES[each % len(TITLES)][2] for each in range(pending)]
    properties = {
        "status": "Succeeded",
        "rebootPending": n % 33 == 4,
        "osType": "Windows",
        "lastModifiedDateTime": world.stamp,
        "availablePatchCountByClassification": {
            "security": classes.count("Security"),
            "updateRollup": classes.count("UpdateRollup"),
            "definition": classes.count("Definition"),
        },
    }
    _publish(world, latest, f"{COMPUTE}/patchAssessmentResults", properties)
    for each in range(pending):
        type = f"{COMPUTE}/patchAssessmentResults/softwarePatches"
        _publish(world, f"{latest}/softwarePatches/{each}", type, _update(world, each))


def _patch(world: World, machine: str, n: int, configuration: str, patches: int) -> None:
    id, failed = f"{machine}/patchInstallationResults/{n:032x}", n % 50 == 3
    run = f"{configuration}/providers/Microsoft.Maintenance/applyUpdates/20261121070000".lower()
    properties = {
        "maintenanceRunId": run,
        "status": "Failed" if failed else "Succeeded",
        "startDateTime": stamp(world.now - 2 * DAY),
        "lastModifiedDateTime": stamp(world.now - 2 * DAY + 3600),
        "installedPatchCount": 0 if failed else patches,
        "failedPatchCount": patches if failed else 0,
        "rebootStatus": "Completed",
        "errorDetails": {"message": "1 error reported.", "details": [{"message": "disk full"}]},
    }
    _publish(world, id, f"{COMPUTE}/patchInstallationResults", properties)
    for each in range(patches):
        state = {"installationState": "Failed" if failed else "Installed"}
        type = f"{COMPUTE}/patchInstallationResults/softwarePatches"
        _publish(world, f"{id}/softwarePatches/{each}", type, _update(world, each) | state)


def _update(world: World, each: int) -> dict[str, Any]:
    title, kb, classification, severity = TITLES[each % len(TITLES)]
    age = each // len(TITLES)
    return {
        "patchName": f"{title} ({age}) (KB{kb})",
        "kbId": kb,
        "classifications": [classification],
        "msrcSeverity": severity or None,
        "publishedDateTime": stamp(world.now - (5 + 20 * each) * DAY),
        "lastModifiedDateTime": stamp(world.now - 2 * DAY + 3600),
    }


def _publish(world: World, id: str, type: str, properties: dict[str, Any]) -> None:
    table = type.split("/")[2].lower().removesuffix("results") + "resources"
    row = {"id": id, "name": id.rsplit("/", 1)[1], "type": type, "properties": properties}
    tables.publish(world, table, row, lag=0, keep=30 * DAY)
