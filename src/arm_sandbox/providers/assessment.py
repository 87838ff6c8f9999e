"""Assessments: which updates a virtual machine lacks, and what is told of them."""

from __future__ import annotations

from dataclasses import replace

from arm_sandbox import operations
from arm_sandbox.arm import Body
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import machines, patches
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World, stamp

ASSESSMENT = LongRunning("compute", (60.0, 240.0), location=True)
REBOOT_PENDING = 0.15
"""The share of machines that still wait for the reboot of an earlier update."""


def assess(world: World, machine: Resource, request: Request) -> Response:
    """An assessment waits for an agent that is not ready yet (recorded: one begun seconds after
    creation, while the agent is `Unknown`, succeeds)."""
    if machines.power_state(machine) != "running":
        message = "Cannot assess patches on the VM when the VM is not running."
        raise Refusal(409, "OperationNotAllowed", message)
    machines.require_extensions(machine)
    machines.require_no_conflict(world, machine)
    wait = max(0.0, machine.hidden["agentReady"] - world.now)
    low, high = ASSESSMENT.seconds
    how = replace(ASSESSMENT, seconds=(low + wait, high + wait))
    _, headers = operations.start(world, request, machine.id, how, "assesspatches")
    return Response(202, None, headers)


def assessed(world: World, machine: Resource, operation: Operation) -> None:
    if not machines.agent_ready(world, machine):
        operation.error = {
            "code": "VMAgentStatusCommunicationError",
            "message": f"VM '{machine.body['name']}' has not reported status for VM agent or "
            "extensions. Please verify the VM has a running VM agent, and can establish outbound "
            "connections to Azure storage.",
        }
        return
    machines.add_patch_extension(world, machine)
    routed = machines.reaches_updates(world, machine)
    found = patches.available(world, machine) if routed else []
    operation.output = _result(world, machine, operation, found, routed=routed)
    machine.hidden["patchStatus"] = _patch_status(world, operation)


def _result(
    world: World, machine: Resource, operation: Operation, found: list[Body], *, routed: bool
) -> Body:
    urgent, other = patches.counts(found)
    seen = {
        "activityId": operation.name,
        "lastModifiedDateTime": world.stamp,
        "assessmentState": "Available",
    }
    return {
        "status": "Succeeded" if routed else "Failed",
        "assessmentActivityId": operation.name,
        "rebootPending": routed and _reboot_pending(world, machine),
        "criticalAndSecurityPatchCount": urgent,
        "otherPatchCount": other,
        "startDateTime": stamp(operation.started),
        "availablePatches": [{**patch, **seen} for patch in found],
        "error": NO_ERROR if routed else _no_route(machine),
    }


NO_ERROR: Body = {"details": [], "code": "Success", "message": "0 error/s reported"}
"""A success has an error, too (recorded)."""


def _no_route(machine: Resource) -> Body:
    code, message = (
        ("0x80072EE2", "The operation timed out while searching for updates. HRESULT: 0x80072EE2")
        if machines.os_of(machine) == "Windows"
        else (
            "PACKAGE_MANAGER_FAILURE",
            "Unable to reach the package repositories of this machine.",
        )
    )
    details = [{"code": code, "message": message}]
    return {"details": details, "code": "1", "message": "1 error/s reported. See the details."}


def _reboot_pending(world: World, machine: Resource) -> bool:
    if "rebootPending" not in machine.hidden:
        machine.hidden["rebootPending"] = world.draw(machine.id, "reboot") < REBOOT_PENDING
    return bool(machine.hidden["rebootPending"])


def _patch_status(world: World, operation: Operation) -> Body:
    result = operation.output
    summary = {
        "status": result["status"],
        "assessmentActivityId": operation.name,
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
