"""What an alert tells those who are notified: the common alert schema, for log search alerts.

Source: "Common alert schema" and its samples with `monitoringService` "Log Alerts V2". Rows of the
query are never in it; whoever wants them follows a link.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from arm_sandbox.ids import parse
from arm_sandbox.world import Resource, World, stamp

Payload = dict[str, Any]
CONFIGURATION_ITEMS = ("_ResourceId", "ResourceId", "Resource", "Computer")
"""Dimensions that name the affected resource, the first that is there counts."""


@dataclass(frozen=True)
class Alert:
    """One alert of a rule: what about, since when, and whether it is over (0 while it is not)."""

    id: str
    rule: Resource
    dimensions: dict[str, str]
    value: float
    target: str
    window: tuple[float, float]
    fired: float
    resolved: float = 0.0


def payload(world: World, alert: Alert) -> Payload:
    data = {
        "essentials": _essentials(alert),
        "alertContext": _context(world, alert),
        "customProperties": _actions(alert).get("customProperties"),
    }
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def _actions(alert: Alert) -> Payload:
    actions: Payload = alert.rule.properties.get("actions") or {}
    return actions


def _essentials(alert: Alert) -> Payload:
    target, rule = parse(alert.target), alert.rule
    item = next((alert.dimensions[n] for n in CONFIGURATION_ITEMS if n in alert.dimensions), "")
    subscription = rule.id.split("/")[2]
    found = {
        "alertId": f"/subscriptions/{subscription}/providers/Microsoft.AlertsManagement/alerts/"
        f"{alert.id}",
        "alertRule": rule.body["name"],
        "alertRuleID": rule.id,
        "severity": f"Sev{rule.properties['severity']}",
        "signalType": "Log",
        "monitorCondition": "Resolved" if alert.resolved else "Fired",
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": [alert.target.lower()],
        "configurationItems": [item or alert.target.rsplit("/", 1)[-1]],
        "originAlertId": alert.id,
        "firedDateTime": stamp(alert.fired),
        "description": rule.properties.get("description") or "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
        "targetResourceGroup": target.group.lower(),
        "targetResourceType": _type(alert.target),
    }
    return {**found, "resolvedDateTime": stamp(alert.resolved)} if alert.resolved else found


def _type(target: str) -> str:
    id = parse(target)
    if id.namespace:
        return id.type.lower()
    return f"microsoft.resources/{'resourcegroups' if id.group else 'subscriptions'}"


def _context(world: World, alert: Alert) -> Payload:
    properties = alert.rule.properties
    condition = properties["criteria"]["allOf"][0]
    start, end = (stamp(moment)[:19] + "Z" for moment in alert.window)
    measured = {
        "searchQuery": condition["query"],
        "metricMeasureColumn": condition.get("metricMeasureColumn"),
        "targetResourceTypes": json.dumps(properties.get("targetResourceTypes") or []),
        "operator": condition["operator"],
        "threshold": f"{condition['threshold']:g}",
        "timeAggregation": condition["timeAggregation"],
        "dimensions": [{"name": n, "value": v} for n, v in alert.dimensions.items()],
        "metricValue": alert.value,
        "failingPeriods": condition["failingPeriods"],
        **_links(world, alert, condition["query"], f"{start}/{end}"),
    }
    return {
        "properties": _actions(alert).get("customProperties"),
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": properties["windowSize"],
            "allOf": [measured],
            "windowStartTime": start,
            "windowEndTime": end,
        },
    }


def _links(world: World, alert: Alert, query: str, timespan: str) -> Payload:
    narrowed = "".join(
        f"\n| where tostring({name}) == {json.dumps(value)}"
        for name, value in alert.dimensions.items()
    )
    links = {}
    for name, text in (("SearchResults", query), ("FilteredSearchResults", query + narrowed)):
        links[f"linkTo{name}UI"] = _portal(world, alert.target, text, timespan)
        links[f"linkTo{name}API"] = (
            f"https://api.loganalytics.io/v1{quote(alert.target)}/query"
            f"?query={quote(text, safe='')}&timespan={quote(timespan, safe='')}"
        )
    return links


def _portal(world: World, target: str, query: str, timespan: str) -> str:
    """The portal takes a query packed by zlib and written in base 64 (docs, samples)."""
    scope = json.dumps({"resources": [{"resourceId": target}]}, separators=(",", ":"))
    packed = base64.b64encode(zlib.compress(query.encode())).decode()
    return (
        f"https://portal.azure.com#@{world.tenant}/blade/Microsoft_Azure_Monitoring_Logs/LogsBlade"
        f"/source/Alerts.EmailLinks/scope/{quote(scope, safe='')}/q/{quote(packed, safe='')}"
        f"/prettify/1/timespan/{quote(timespan, safe='')}"
    )


def managed(alert: Payload) -> Payload:
    """The essentials of a kept alert as Microsoft.AlertsManagement words them."""
    told = alert["payload"]["data"]["essentials"]
    target = told["alertTargetIDs"][0]
    shown = {
        "severity": told["severity"],
        "signalType": told["signalType"],
        "alertState": "New",
        "monitorCondition": told["monitorCondition"],
        "monitorService": told["monitoringService"],
        "targetResource": target,
        "targetResourceName": target.rsplit("/", 1)[-1],
        "targetResourceGroup": told["targetResourceGroup"],
        "targetResourceType": told["targetResourceType"],
        "alertRule": told["alertRuleID"],
        "sourceCreatedId": told["originAlertId"],
        "startDateTime": told["firedDateTime"],
        "lastModifiedDateTime": stamp(alert["at"]),
        "lastModifiedUserName": "System",
        "actionStatus": {"isSuppressed": False},
        "description": told["description"],
    }
    resolved = told.get("resolvedDateTime")
    return {**shown, "monitorConditionResolvedDateTime": resolved} if resolved else shown


# -- `${data.essentials.severity}`


def filled_in(text: str, payload: Payload) -> str:
    """Put values of a payload where a text names them by path (docs, custom email subjects)."""
    return re.sub(r"\$\{([^}]*)\}", lambda match: _at(payload, match[1]), text)


def _at(payload: Any, path: str) -> str:
    for name in re.findall(r"[^.\[\]]+", path.strip()):
        if isinstance(payload, list) and name.isdigit() and int(name) < len(payload):
            payload = payload[int(name)]
        elif isinstance(payload, dict) and name in payload:
            payload = payload[name]
        else:
            return ""
    return payload if isinstance(payload, str) else json.dumps(payload)
