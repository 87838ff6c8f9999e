"""Microsoft.Insights scheduled query rules, which raise log search alerts: how a rule is kept.

What is refused of a rule is in `scheduled_query_limits`, what a rule does in `log_search_alerts`.
Shapes are as recorded.
"""

from __future__ import annotations

from arm_sandbox.arm import Body, Kind, system_data
from arm_sandbox.ids import Id
from arm_sandbox.providers import log_search_alerts, managed_identity
from arm_sandbox.providers.resources import require_location
from arm_sandbox.providers.scheduled_query_limits import RULE, check
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World

VERSIONS = (
    "2021-08-01",
    "2022-06-15",
    "2022-08-01-preview",
    "2023-03-15-preview",
    "2024-01-01-preview",
)
"""Versions before these have other shapes and are not offered here."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Rules are plain resources."""
    return None


ECHOED = (
    "description",
    "displayName",
    "severity",
    "evaluationFrequency",
    "scopes",
    "targetResourceTypes",
    "windowSize",
    "overrideQueryTimeRange",
    "muteActionsDuration",
    "resolveConfiguration",
)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    scope = f"/subscriptions/{id.subscription}/resourceGroups/{id.group}"
    document = {
        "id": f"{scope}/providers/microsoft.insights/scheduledqueryrules/{id.name}",
        "location": require_location(RULE, str(body["location"])),
        "systemData": system_data(world, old),
        "properties": _properties(body["properties"]),
    }
    document |= {name: body[name] for name in ("tags", "kind") if body.get(name)}
    identity = managed_identity.filled(world, id, body.get("identity"), old)
    return {**document, "identity": identity} if identity else document


def _properties(sent: Body) -> Body:
    """Absent members stay absent; actions that name nothing are dropped (recorded)."""
    actions = {k: v for k, v in (sent.get("actions") or {}).items() if v}
    return {
        **{name: sent[name] for name in ECHOED if sent.get(name) is not None},
        "severity": int(sent["severity"]),
        "enabled": sent.get("enabled", True),
        "autoMitigate": sent.get("autoMitigate", True),
        "checkWorkspaceAlertsStorageConfigured": sent.get(
            "checkWorkspaceAlertsStorageConfigured", False
        ),
        "skipQueryValidation": sent.get("skipQueryValidation", False),
        "criteria": {"allOf": [_condition(c) for c in sent["criteria"]["allOf"]]},
        **({"actions": actions} if actions else {}),
    }


def _condition(sent: Body) -> Body:
    once = {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}
    return {
        **{k: v for k, v in sent.items() if v is not None},
        "threshold": float(sent["threshold"]),
        "failingPeriods": {**once, **(sent.get("failingPeriods") or {})},
    }


def _deleted(world: World, rule: Resource) -> None:
    managed_identity.vanish(world, managed_identity.own_principal(rule))


def _made(world: World, rule: Resource) -> None:
    rule.properties["createdWithApiVersion"] = rule.hidden["made with"]
    log_search_alerts.start(world, rule)


KINDS: tuple[Kind, ...] = (
    Kind(
        type=RULE,
        model="azure.mgmt.monitor.models:ScheduledQueryRuleResource",
        api_version="2023-12-01",
        patch_model="azure.mgmt.monitor.models:ScheduledQueryRuleResourcePatch",
        versions=VERSIONS,
        check=check,
        fill=_fill,
        when_made=_made,
        when_deleted=_deleted,
    ),
)
