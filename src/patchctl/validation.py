"""What validate adds to what the steps find."""

from __future__ import annotations

from dataclasses import replace

from patchctl.deployment import Deployment
from patchctl.engine import Plan
from patchctl.report import Finding, note

RECEIVERS = "action-group"


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
