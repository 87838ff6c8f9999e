"""What validate adds to what the steps find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from patchctl import access
from patchctl.clients import find
from patchctl.deployment import Deployment
from patchctl.engine import Plan
from patchctl.remembered import tags_back
from patchctl.report import Finding, Inspection, State, check, note

if TYPE_CHECKING:
    from azure.mgmt.resourcehealth.models import AvailabilityStatusProperties

    from patchctl.clients import Clients

RECEIVERS = "action-group"
RULES = "result-alerts"
SETTINGS = "patch-settings"
HEALTHY = "available"
PATCHED = "patched by the schedule"
SPREAD = timedelta(minutes=30)
"""A role may take ten minutes to be honoured everywhere (docs), and a rule asks every fifteen."""


def with_confirmations(plan: Plan, deployment: Deployment) -> Plan:
    """Whether they confirmed it, who are mailed, Azure's interface does not tell: unknown."""
    inspection = plan[RECEIVERS]
    if not inspection.stands:
        return plan
    unknown = tuple(_unknown(mailed) for mailed in deployment.mailed)
    findings = (*inspection.findings, *unknown)
    return {**plan, RECEIVERS: replace(inspection, findings=findings)}


def _unknown(mailed: str) -> Finding:
    want = "confirmed by the code that Azure has mailed"
    return note(f"confirmation of {mailed}", want, "unknown: Azure does not tell; try test-notify")


def with_stranded(plan: Plan, deployment: Deployment) -> Plan:
    """Machines, whoever has set them so, on which nothing is ever installed.

    Of others' only worth knowing: a dynamic scope may take them in, which no row tells.
    """
    ours = {machine.id for machine in deployment.known_machines}
    want = "on a schedule, or in another patch mode"
    found = tuple(
        Finding(
            m.shown, want, "on none: nothing is ever installed", False if m.id in ours else None
        )
        for m in deployment.stranded
    )
    return {**plan, SETTINGS: _judged(plan[SETTINGS], found)}


def with_left(plan: Plan, deployment: Deployment) -> Plan:
    """Machines that were asked for, and that deploy leaves as they are."""
    found = [Finding(shown, PATCHED, str(reason), False) for shown, reason in deployment.left]
    return {**plan, SETTINGS: _judged(plan[SETTINGS], found)}


def cure(plan: Plan, deployment: Deployment) -> str:
    """What helps, by what the steps have found: deploy does, but with no machine that it leaves."""
    named = f"--name {deployment.name}"
    if lacks := next((i.lacks for i in plan.values() if i.lacks is not None), None):
        return lacks.cure
    if foreign := next((id for i in plan.values() for id in i.foreign), None):
        return f"{tags_back(foreign, deployment.name)} See what is yours: patchctl list"
    if not deployment.left or not all(inspection.ready for inspection in plan.values()):
        return f"Make it so: patchctl deploy {named}"
    if deployment.hindered:
        machine, _ = deployment.hindered[0]
        return f"See what is in the way: patchctl status {named} --explain {machine.id}"
    return f"See which are left, and name those with --vm: patchctl status {named}"


async def with_health(plan: Plan, clients: Clients, deployment: Deployment) -> Plan:
    """What Azure says of the alerts on results: whether their queries can be run."""
    inspection = plan[RULES]
    if not inspection.ready or not inspection.stands:
        return plan
    statuses = [await _status(clients, id) for id in inspection.resources]
    principal = await access.principal(clients, deployment)
    if principal is None:  # it was there a moment ago
        gone = check("identity of the alerts", deployment.alert_identity_id, "not there")
        return {**plan, RULES: _judged(inspection, [gone])}
    spreading = await _is_spreading(clients, deployment, principal)
    health = [
        _health(id, status, spreading=spreading)
        for id, status in zip(inspection.resources, statuses, strict=True)
    ]
    return {**plan, RULES: _judged(inspection, health)}


async def _status(clients: Clients, rule: str) -> AvailabilityStatusProperties | None:
    status = await find(clients.health.availability_statuses.get_by_resource(rule))
    return status.properties if status is not None else None


async def _is_spreading(clients: Clients, deployment: Deployment, principal: str) -> bool:
    """Whether the identity's role is so new that Azure may not honour it everywhere yet."""
    roles = await access.reading(clients, deployment.group_id, principal)
    return bool(roles) and all(_is_new(role.created_on, deployment.now) for role in roles)


def _is_new(made: datetime | None, now: datetime) -> bool:
    return made is not None and now - made < SPREAD


def _health(rule: str, status: AvailabilityStatusProperties | None, *, spreading: bool) -> Finding:
    """Of a rule that is new Azure does not know it yet."""
    subject = f"health of {rule.rsplit('/', 1)[-1]}"
    state = (status.availability_state or "").lower() if status is not None else ""
    if status is None or state in ("", "unknown"):
        return note(subject, HEALTHY, (status and status.title) or "unknown")
    if state == HEALTHY:
        return check(subject, HEALTHY, HEALTHY)
    told = f"{status.title}: {status.summary}"
    if spreading:
        return note(subject, HEALTHY, f"{told} Its role was granted just now; look again later.")
    return check(subject, HEALTHY, told)


def _judged(inspection: Inspection, health: Sequence[Finding]) -> Inspection:
    wrong = any(finding.ok is False for finding in health)
    state = State.DIFFERS if wrong else inspection.state
    return replace(inspection, state=state, findings=(*inspection.findings, *health))
