"""A first look at what the machine is missing; Azure repeats it every 24 hours."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute.models import (
    AvailablePatchSummary,
    VirtualMachineAssessPatchesResult,
    VirtualMachineInstanceView,
)

from patchctl import actions
from patchctl.actions import Needed
from patchctl.clients import Clients, ended, find
from patchctl.deployment import Deployment
from patchctl.errors import PatchctlError
from patchctl.report import Finding, Inspection, State, absent, ago, check, inspected, note, text

NAME = "assessment"
NEEDS = ("virtual-machine",)
BY_HAND = "assess and install cannot be used"
ACTIONS = (
    Needed(
        "Microsoft.Compute/virtualMachines",
        "instanceView/read assessPatches/action",
        when=actions.makes_machine,
    ),
    Needed(
        "Microsoft.Compute/virtualMachines",
        "installPatches/action",
        when=actions.makes_machine,
        without=BY_HAND,
    ),
    Needed(
        "Microsoft.Compute/virtualMachines",
        "assessPatches/action installPatches/action",
        actions.vm_groups,
        without=BY_HAND,
    ),
    Needed(
        "Microsoft.HybridCompute/machines",
        "assessPatches/action installPatches/action",
        actions.arc_groups,
        without=BY_HAND,
    ),
    Needed(
        "Microsoft.HybridCompute/locations",
        "updateCenterOperationResults/read",
        actions.arc_subscriptions,
        without=BY_HAND,
    ),
)
DONE = ("Succeeded", "CompletedWithWarnings")
PASSING = ("VMAgentStatusCommunicationError", "Conflict")
"""A new machine's agent may take minutes to report, and only then can be seen that an assessment
that an earlier run has begun is still at work."""
TRIES = 10
AGAIN = 30.0
"""Ten tries, half a minute apart."""


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if deployment.own:
        return Inspection(State.READY, notes=("Azure looks at each machine within a day.",))
    return await _look(clients, deployment)


async def _look(clients: Clients, deployment: Deployment) -> Inspection:
    ids = [deployment.virtual_machine_id]
    machines, group = clients.compute.virtual_machines, deployment.group
    view = await find(machines.instance_view(group, deployment.virtual_machine))
    if view is None:
        return absent([_wanted("never")], ids)
    summary = view.patch_status.available_patch_summary if view.patch_status is not None else None
    power = _power(view)
    stopped = [note("power", "running", f"{power}: it is not patched while it is")]
    warnings = [] if power == "running" else stopped
    if summary is not None and text(summary.status) == "InProgress":
        return Inspection(State.IN_PROGRESS, tuple(ids), (_wanted("in progress"),))
    if summary is not None and text(summary.status) in DONE:
        return inspected([_done(summary, deployment.now), *warnings], ids)
    if warnings:
        return inspected([note("assessment", "succeeded", "not possible"), *warnings], ids)
    if summary is None:
        return absent([_wanted("never")], ids)
    return inspected([_wanted(f"{text(summary.status)}{_reason(summary)}")], ids)


async def apply(clients: Clients, deployment: Deployment) -> None:
    for attempt in range(1, TRIES + 1):
        try:
            _require_success(await _assess(clients, deployment), deployment)
            break
        except HttpResponseError as error:
            code = error.error.code if error.error is not None else ""
            if code not in PASSING or attempt == TRIES:
                raise
            await asyncio.sleep(AGAIN)


destroy = None  # an assessment is no resource; it goes with its machine


async def _assess(clients: Clients, deployment: Deployment) -> VirtualMachineAssessPatchesResult:
    machines = clients.compute.virtual_machines
    assessing = await machines.begin_assess_patches(deployment.group, deployment.virtual_machine)
    return await ended(assessing, "the assessment")


def _require_success(result: VirtualMachineAssessPatchesResult, deployment: Deployment) -> None:
    """The operation may succeed while its result says that the assessment failed."""
    if text(result.status) in DONE:
        return
    reason = result.error.message if result.error is not None else "no reason was given"
    raise PatchctlError(
        "AssessmentFailed",
        f"The machine could not be assessed: {reason}",
        "See that it runs and reaches its update source; patchctl can let it out: "
        "{again} --outbound default",
        step=NAME,
        resource=deployment.virtual_machine_id,
    )


def _wanted(got: str) -> Finding:
    return check("assessment", "succeeded", got)


def _done(summary: AvailablePatchSummary, now: datetime) -> Finding:
    at = summary.last_modified_time or summary.start_time
    age = f", {ago(now - at.astimezone(UTC))}" if at is not None else ""
    important, other = summary.critical_and_security_patch_count, summary.other_patch_count
    got = f"succeeded{age}: {important or 0} critical and security, {other or 0} other updates"
    return Finding("assessment", "succeeded", got, True)


def _reason(summary: AvailablePatchSummary) -> str:
    return f": {summary.error.message}" if summary.error is not None else ""


def _power(view: VirtualMachineInstanceView) -> str:
    codes = [status.code or "" for status in view.statuses or []]
    power = [code.removeprefix("PowerState/") for code in codes if code.startswith("PowerState/")]
    return power[0] if power else "running"  # not told yet, seconds after the creation
