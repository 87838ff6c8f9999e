"""Assessments: which updates a virtual machine lacks, and what is told of them.

One is taken when somebody asks for it, at the end of an installation, and, where the assessment
mode is AutomaticByPlatform, every 24 hours (docs, periodic assessment).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from arm_sandbox import operations
from arm_sandbox.arm import Body
from arm_sandbox.operations import LongRunning
from arm_sandbox.patching import rows, updates
from arm_sandbox.patching.updates import Update
from arm_sandbox.providers import machines, virtual_machines
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World, chance, stamp

EVERY = 24 * 3600.0
ASSESSMENT = LongRunning("compute", (60.0, 240.0), location=True)
REBOOT_PENDING = 0.15
"""The share of machines that still wait for the reboot of an earlier update."""


def assess(world: World, machine: Resource, request: Request) -> Response:
    """An assessment waits for an agent that is not ready yet (recorded: one begun seconds after
    creation, while the agent is `Unknown`, succeeds)."""
    if virtual_machines.power_state(machine) != "running":
        message = "Cannot assess patches on the VM when the VM is not running."
        raise Refusal(409, "OperationNotAllowed", message)
    virtual_machines.require_extensions(machine)
    virtual_machines.require_no_conflict(world, machine)
    machines.require_no_installation(machine)
    wait = max(0.0, machine.hidden["agentReady"] - world.now)
    low, high = ASSESSMENT.seconds
    how = replace(ASSESSMENT, seconds=(low + wait, high + wait))
    _, headers = operations.start(world, request, machine.id, how, "assesspatches")
    return Response(202, None, headers)


def assessed(world: World, machine: Resource, operation: Operation) -> None:
    if not machines.agent_ready(world, machine):
        operation.error = no_agent(machine)
        return
    if not machines.is_supported(world, machine):
        operation.error = UNSUPPORTED
        return
    operation.output = take(world, machine, operation.name, operation.started, by="User")


UNSUPPORTED = {
    "code": "VMGuestPatchInternalError",
    "message": "An internal execution error occurred. Please retry later.",
}
"""All that is told of a machine that cannot be patched (azure-rest-api-specs#31144)."""


def no_agent(machine: Resource) -> Body:
    """The error of an operation that the guest agent did not answer (recorded)."""
    return {
        "code": "VMAgentStatusCommunicationError",
        "message": f"VM '{machine.body['name']}' has not reported status for VM agent or "
        "extensions. Please verify the VM has a running VM agent, and can establish outbound "
        "connections to Azure storage.",
    }


def take(world: World, machine: Resource, activity: str, started: float, *, by: str) -> Body:
    """What is found now; the instance view and Resource Graph are told, too."""
    machines.add_patch_extension(world, machine)
    routed = machines.reaches_updates(world, machine)
    found = updates.missing(world, machine) if routed else []
    result = {
        "status": "Succeeded" if routed else "Failed",
        "assessmentActivityId": activity,
        "rebootPending": routed and reboot_pending(world, machine),
        "criticalAndSecurityPatchCount": sum(update.urgent for update in found),
        "otherPatchCount": sum(not update.urgent for update in found),
        "startDateTime": stamp(started),
        "availablePatches": [_patch(world, update, activity) for update in found],
        "error": NO_ERROR if routed else no_route(machines.os_of(machine)),
    }
    machine.hidden.setdefault("patchStatus", {}).update(_patch_status(world, result))
    rows.assessed(world, machine, result, found, by=by)
    return result


def _patch(world: World, update: Update, activity: str) -> Body:
    version = {"version": update.version}
    published = "0001-01-01T00:00:00+00:00" if update.version else stamp(update.published)
    return {
        "patchId": update.id,
        "name": update.name,
        **(version if update.version else {**version, "kbId": update.kb}),
        "classifications": [update.classification],
        "rebootBehavior": rows.reboot_behavior(update),
        "publishedDate": published,
        "activityId": activity,
        "lastModifiedDateTime": world.stamp,
        "assessmentState": "Available",
    }


NO_ERROR: Body = {"details": [], "code": "Success", "message": "0 error/s reported"}
"""A success has an error, too (recorded)."""


def no_route(os: str) -> Body:
    """The error of a search for updates that reached nothing."""
    code, message = (
        ("0x80072EE2", "The operation timed out while searching for updates. HRESULT: 0x80072EE2")
        if os == "Windows"
        else (
            "PACKAGE_MANAGER_FAILURE",
            "Unable to reach the package repositories of this machine.",
        )
    )
    details = [{"code": code, "message": message}]
    return {"details": details, "code": "1", "message": "1 error/s reported. See the details."}


def reboot_pending(world: World, machine: Resource) -> bool:
    if "rebootPending" not in machine.hidden:
        machine.hidden["rebootPending"] = world.draw(machine.id, "reboot") < REBOOT_PENDING
    return bool(machine.hidden["rebootPending"])


def _patch_status(world: World, result: Body) -> Body:
    summary = {
        "status": result["status"],
        "assessmentActivityId": result["assessmentActivityId"],
        "rebootPending": result["rebootPending"],
        "criticalAndSecurityPatchCount": result["criticalAndSecurityPatchCount"],
        "otherPatchCount": result["otherPatchCount"],
        "startTime": result["startDateTime"],
        "lastModifiedTime": world.stamp,
        "error": result["error"],
    }
    ready = [
        {
            "code": f"{name}ConfigurationState/Ready",
            "level": "Info",
            "displayStatus": f"Status_{name}ConfigurationState_Ready",
            "time": world.stamp,
        }
        for name in ("PatchMode", "AssessmentMode")
    ]
    return {"availablePatchSummary": summary, "configurationStatuses": ready}


# -- every 24 hours


def is_periodic(machine: Resource) -> bool:
    return machines.patch_settings(machine).get("assessmentMode") == "AutomaticByPlatform"


def keep_up(world: World, machine: Resource) -> None:
    """Begin periodic assessments if they are asked for and have not begun."""
    if is_periodic(machine) and not machine.hidden.get("periodic"):
        machine.hidden["periodic"] = True
        first = EVERY * chance(world.seed, f"{machine.id.lower()}|periodic")
        world.later(first, "assessment.periodic", machine=machine.id)


def _periodic(world: World, machine: str) -> None:
    standing = world.find(machine)
    if standing is None:
        return
    if not is_periodic(standing):
        standing.hidden["periodic"] = False
        return
    idle = "installing" not in standing.hidden and not operations.running(world, machine)
    if idle and machines.can_be_patched(world, standing):
        take(world, standing, world.guid(f"{machine}|periodic"), world.now, by="Platform")
    world.later(EVERY, "assessment.periodic", machine=machine)


HAPPENINGS: Mapping[str, Callable[..., None]] = {"assessment.periodic": _periodic}
