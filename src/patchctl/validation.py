"""What validate adds to what the steps find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from patchctl.clients import find
from patchctl.deployment import Deployment
from patchctl.engine import Plan
from patchctl.report import Finding, Inspection, State, check, note

if TYPE_CHECKING:
    from patchctl.clients import Clients

RECEIVERS = "action-group"
RULES = "result-alerts"
HEALTHY = "available"


def with_confirmations(plan: Plan, deployment: Deployment) -> Plan:
    """Each address's confirmation, which Azure's interface does not tell: unknown, not right."""
    inspection = plan[RECEIVERS]
    if not inspection.stands:
        return plan
    unknown = tuple(_unknown(email) for email in deployment.config.emails)
    findings = (*inspection.findings, *unknown)
    return {**plan, RECEIVERS: replace(inspection, findings=findings)}


def _unknown(email: str) -> Finding:
    want = "confirmed by the code that Azure has mailed"
    return note(f"confirmation of {email}", want, "unknown: Azure does not tell; try test-notify")


async def with_health(plan: Plan, clients: Clients) -> Plan:
    """What Azure says of the alerts on results: whether their queries can be run."""
    inspection = plan[RULES]
    if not inspection.ready or not inspection.stands:
        return plan
    health = [await _health(clients, id) for id in inspection.resources]
    return {**plan, RULES: _judged(inspection, health)}


async def _health(clients: Clients, rule: str) -> Finding:
    """Of a rule that is new Azure does not know it yet."""
    subject = f"health of {rule.rsplit('/', 1)[-1]}"
    status = await find(clients.health.availability_statuses.get_by_resource(rule))
    told = status.properties if status is not None else None
    state = (told.availability_state or "").lower() if told is not None else ""
    if told is None or state in ("", "unknown"):
        return note(subject, HEALTHY, (told and told.title) or "unknown")
    if state == HEALTHY:
        return check(subject, HEALTHY, HEALTHY)
    return check(subject, HEALTHY, f"{told.title}: {told.summary}")


def _judged(inspection: Inspection, health: Sequence[Finding]) -> Inspection:
    wrong = any(finding.ok is False for finding in health)
    state = State.DIFFERS if wrong else inspection.state
    return replace(inspection, state=state, findings=(*inspection.findings, *health))
