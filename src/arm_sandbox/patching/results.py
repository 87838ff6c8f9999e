"""What an installation tells: to who asked for it, to the instance view and to Resource Graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from arm_sandbox.patching.timeline import Timeline
from arm_sandbox.patching.updates import Update
from arm_sandbox.providers.assessment import NO_ERROR, no_route
from arm_sandbox.world import stamp

if TYPE_CHECKING:
    from arm_sandbox.patching.installation import Installation

ERRORS_TOLD = 5
"""Of more errors only the first are told (docs, query logs)."""
SUMMARIZED = (
    *("status", "installationActivityId", "maintenanceWindowExceeded", "excludedPatchCount"),
    *("notSelectedPatchCount", "pendingPatchCount", "installedPatchCount", "failedPatchCount"),
)
STATES = ("Installed", "Failed", "Pending", "Excluded", "NotSelected")

Error = dict[str, str]


def properties(installation: Installation, *, ended: bool) -> dict[str, Any]:
    """An installation in the words of Resource Graph, which knows little before it has ended."""
    order, line = installation.order, installation.line
    told = installation if ended else replace(installation, line=Timeline(line.begin))
    states = list(told.states.values())
    counts = {f"{name[0].lower()}{name[1:]}PatchCount": states.count(name) for name in STATES}
    return {
        "status": line.status if ended else "InProgress",
        "installationActivityId": order.activity,
        "maintenanceRunId": order.run or None,
        "maintenanceWindowExceeded": told.line.exceeded,
        "rebootStatus": told.line.reboot,
        "startDateTime": stamp(line.begin),
        "startedBy": order.by,
        **counts,
        "errorDetails": _error(told),
    }


def summary(installation: Installation, now: str) -> dict[str, Any]:
    """An installation that has ended, in the words of the instance view."""
    told = properties(installation, ended=True)
    return {
        **{name: told[name] for name in SUMMARIZED},
        "startTime": told["startDateTime"],
        "lastModifiedTime": now,
        "error": told["errorDetails"],
    }


def answer(installation: Installation) -> dict[str, Any]:
    """What an installation answers to who asked for it (recorded)."""
    told = properties(installation, ended=True)
    return {
        **{name: told[name] for name in (*SUMMARIZED, "rebootStatus", "startDateTime")},
        "patches": [_patch(update, state) for update, state in installation.states.items()],
        "error": told["errorDetails"],
    }


def first_error(installation: Installation) -> str:
    """The first of what went wrong, or an empty string."""
    errors = _errors(installation)
    return errors[0]["message"] if errors else ""


def _error(installation: Installation) -> dict[str, Any]:
    errors = _errors(installation)
    if not errors:
        return NO_ERROR
    told = errors[:ERRORS_TOLD]
    message = f"{len(errors)} error/s reported. The latest {len(told)} are shared in detail."
    return {"code": "1", "message": message, "details": told}


def _errors(installation: Installation) -> list[Error]:
    """What went wrong. The words on time and reboots are those of LinuxPatchExtension."""
    line = installation.line
    told = [] if line.searched else [no_route(installation.os)["details"][0]]
    told += [
        {"code": code, "message": message}
        for true, code, message in (
            (line.interrupted, "VM_STOPPED", "The machine was turned off meanwhile."),
            (line.exceeded, "MAINTENANCE_WINDOW_EXCEEDED", EXCEEDED),
            (line.reboot == "Failed", "REBOOT_FAILED", REBOOT_FAILED),
            (line.status == "CompletedWithWarnings", "REBOOT_REQUIRED", REBOOT_REQUIRED),
        )
        if true
    ]
    failed = [update for update, state in installation.states.items() if state == "Failed"]
    return told + [
        {"code": _failure_code(update), "message": f"Failed to install {update.name}."}
        for update in failed
    ]


EXCEEDED = "Stopped patch installation as it is past the maintenance window cutoff time."
REBOOT_FAILED = "Reboot failed to proceed on the machine in a timely manner."
REBOOT_REQUIRED = (
    "Machine is Required to reboot. However, the customer-specified reboot setting doesn't allow "
    "reboots."
)


def _failure_code(update: Update) -> str:
    return "PACKAGE_MANAGER_FAILURE" if update.version else "0x80070643"


def _patch(update: Update, state: str) -> dict[str, Any]:
    own = {"version": update.version} if update.version else {"kbId": update.kb}
    severity = {"msrcSeverity": update.severity} if update.severity else {}
    return {
        "patchId": update.id,
        "name": update.name,
        **own,
        "classifications": [update.classification],
        "installationState": state,
        **severity,
    }
