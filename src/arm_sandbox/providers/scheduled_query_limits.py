"""What is refused of a scheduled query rule.

Limits are those of the documentation. A refusal whose words somebody has reported names the
thread that they come from; other words are ours.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from arm_sandbox.arm import Body
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers import managed_identity
from arm_sandbox.providers.resources import require_location
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

RULE = "Microsoft.Insights/scheduledQueryRules"

GRANULARITIES = (5, 10, 15, 30, 45, 60, 120, 180, 240, 300, 360, 1440, 2880)
"""Minutes that every duration of a rule may have (azure-rest-api-specs#21258)."""
FURTHER = {"EvaluationFrequency": (1,), "WindowSize": (1,), "OverrideQueryTimeRange": (20,)}
"""More minutes that a single duration may have (the list of terraform-provider-azurerm)."""
LOOK_BACK = 2880
"""Most minutes that the periods of a rule look back together: two days (docs)."""
STATEFUL = 720
"""Most minutes between the evaluations of a rule that resolves its alerts itself (docs)."""
PERIODS, DIMENSIONS, GROUPS, SEVERITY = 6, 6, 5, 4
SIZE, DESCRIPTION = 64 * 1024, 4096

OPERATORS = ("Equal", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")
"""The API description says `Equals`, and the service refuses that (azure-rest-api-specs#21794)."""
AGGREGATIONS = ("Count", "Average", "Minimum", "Maximum", "Total")
SCOPES = ("microsoft.operationalinsights/workspaces", "microsoft.compute/virtualmachines")
"""Resources that a rule may be about, beside a subscription and a group."""

RESOURCE_GRAPH = re.compile(r"\barg\s*\(", re.IGNORECASE)
CROSS_SERVICE = re.compile(r"\b(adx|arg)\s*\(", re.IGNORECASE)
"""What a rule needs an identity for."""
NOT_EACH_MINUTE = re.compile(
    r"\b(adx|arg|ingestion_time)\s*\(|\b(search|union|take|limit)\b", re.IGNORECASE
)
NOT_IN_RULES = re.compile(r"\b(bag_unpack|pivot|narrow)\s*\(|\bAggregatedValue\b")
BARRED_IN_NAMES = re.compile(r"[#<>%&:\\?/{}*]")

_DURATION = TypeAdapter(timedelta)


def seconds(duration: str) -> float:
    """The length of an ISO 8601 duration. Raises ValueError for what is none."""
    if not str(duration).startswith("P"):
        raise ValueError(duration)
    return _DURATION.validate_python(duration).total_seconds()


def asks_resource_graph(query: str) -> bool:
    return RESOURCE_GRAPH.search(query) is not None


def _invalid(message: str) -> Refusal:
    """The service's way to say that it could not make sense of a property (azure-cli#26581)."""
    text = f"The request content was invalid and could not be deserialized: '{message}'"
    return Refusal(400, "InvalidRequestContent", text)


def _bad(world: World, id: Id, message: str) -> Refusal:
    activity = world.guid(f"{id.text}/activity")
    return Refusal(400, "BadRequest", f"{message} Activity ID: {activity}.")


def check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    require_location(RULE, str(body["location"]))
    _require_name(id, body)
    _require_kind(body)
    _require_plain_values(properties)
    _require_scope(world, properties.get("scopes"))
    condition = _require_condition(properties.get("criteria") or {})
    _require_times(properties, condition)
    _require_groups(world, properties.get("actions") or {})
    managed_identity.require(world, id, body.get("identity"))
    _require_query(world, id, body, condition)


def _require_name(id: Id, body: Body) -> None:
    """1 to 260 characters, some of them barred (API description); `;` with an identity (docs)."""
    barred = BARRED_IN_NAMES.search(id.name) or id.name.endswith((" ", "."))
    if barred or len(id.name) > 260 or (";" in id.name and body.get("identity")):
        raise _invalid(f"The rule name '{id.name}' is not valid")


def _require_kind(body: Body) -> None:
    if not same(str(body.get("kind") or "LogAlert"), "LogAlert"):
        raise _invalid(f"Rules of kind '{body['kind']}' are not known to this service")
    size = len(json.dumps(body.get("properties") or {}))
    if size > SIZE:
        raise _invalid(f"The properties of the rule have {size} bytes, more than {SIZE}")


def _require_plain_values(properties: Body) -> None:
    severity = properties.get("severity")
    if isinstance(severity, bool) or severity not in range(SEVERITY + 1):
        raise _invalid(f"Severity must be a number from 0 to {SEVERITY}")
    if len(str(properties.get("description") or "")) > DESCRIPTION:
        raise _invalid(f"Description has more than {DESCRIPTION} characters")


def _require_scope(world: World, scopes: Any) -> None:
    """One scope (azure-dev-docs#1131), which stands and is of a kind that rules know."""
    if not isinstance(scopes, list) or len(scopes) != 1:
        raise _invalid("Scopes list should contain exactly 1 resource Id")
    scope = parse(str(scopes[0]))
    known = (not scope.namespace and scope.subscription) or scope.type.lower() in SCOPES
    if not known:
        raise _invalid(f"The scope '{scopes[0]}' is of a type that log alerts are not raised on")
    subscription = scope.text.count("/") == 2 and scope.subscription.lower() in world.subscriptions
    if not subscription and world.find(scope.text) is None:
        raise Refusal(400, "ScopeNotFound", f"The scope '{scopes[0]}' was not found.")


def _require_condition(criteria: Body) -> Body:
    conditions = criteria.get("allOf")
    if not isinstance(conditions, list) or len(conditions) != 1:
        raise _invalid("Criteria should contain exactly 1 condition")
    condition: Body = conditions[0]
    _require_one_of(str(condition.get("operator")), OPERATORS)
    _require_one_of(str(condition.get("timeAggregation")), AGGREGATIONS)
    counts = same(condition["timeAggregation"], "Count")
    if not counts and not condition.get("metricMeasureColumn"):
        raise _invalid("MetricMeasureColumn is required unless rows are counted")
    if not isinstance(condition.get("threshold"), int | float):
        raise _invalid("Threshold must be a number")
    _require_dimensions(condition.get("dimensions") or [])
    return condition


def _require_one_of(value: str, allowed: tuple[str, ...]) -> None:
    """The words of azure-cli#31615."""
    if value.lower() not in (name.lower() for name in allowed):
        raise _invalid(f"Requested value '{value}' was not found.")


def _require_dimensions(dimensions: list[Body]) -> None:
    if len(dimensions) > DIMENSIONS:
        raise _invalid(f"A condition can have at most {DIMENSIONS} dimensions")
    for dimension in dimensions:
        _require_one_of(str(dimension.get("operator")), ("Include", "Exclude"))
        if not dimension.get("name") or not dimension.get("values"):
            raise _invalid("A dimension must have a name and values")


def _require_times(properties: Body, condition: Body) -> None:
    frequency = _minutes(properties, "EvaluationFrequency")
    window = _minutes(properties, "WindowSize")
    if frequency is None or window is None:
        raise _invalid("EvaluationFrequency and WindowSize are required")
    _minutes(properties, "OverrideQueryTimeRange")
    _require_periods(condition.get("failingPeriods") or {}, window)
    stateful = properties.get("autoMitigate", True) is not False
    mute = _minutes(properties, "MuteActionsDuration")
    if stateful and mute is not None:
        message = "Auto mitigation must be disabled when action suppression is set"
        raise Refusal(400, "BadRequest", message)  # azure-powershell#22583
    if mute is not None and mute < frequency:
        raise _invalid("EvaluationFrequency cannot be greater than MuteActionsDuration")
    if stateful and frequency > STATEFUL:
        raise _invalid("Auto mitigation is not supported for a frequency of more than 12 hours")


def _minutes(properties: Body, name: str) -> int | None:
    """The minutes of a duration, one of those that are supported (azure-powershell#17796)."""
    text = properties.get(name[0].lower() + name[1:])
    if text is None:
        return None
    try:
        found = seconds(text) / 60
    except (ValueError, ValidationError):
        raise _invalid(f"{name} '{text}' is not an ISO 8601 duration") from None
    supported = sorted((*FURTHER.get(name, ()), *GRANULARITIES))
    if found not in supported:
        values = ", ".join(map(str, supported))
        what = f"{name} of {found:g} minutes is not supported. Supported values are: {values}"
        raise _invalid(what)
    return int(found)


def _require_periods(failing: Body, window: int) -> None:
    periods = failing.get("numberOfEvaluationPeriods", 1)
    violations = failing.get("minFailingPeriodsToAlert", 1)
    if periods not in range(1, PERIODS + 1) or violations not in range(1, periods + 1):
        raise _invalid(
            f"NumberOfEvaluationPeriods must be 1 to {PERIODS}, MinFailingPeriodsToAlert no more"
        )
    if periods * window > LOOK_BACK:
        raise _invalid("WindowSize times NumberOfEvaluationPeriods cannot exceed 48 hours")


def _require_groups(world: World, actions: Body) -> None:
    groups = actions.get("actionGroups") or []
    if len(groups) > GROUPS:
        raise _invalid(f"A rule can have at most {GROUPS} action groups")
    for group in groups:
        if world.find(str(group)) is None:
            raise Refusal(400, "ActionGroupNotFound", f"The action group '{group}' was not found.")


def _require_query(world: World, id: Id, body: Body, condition: Body) -> None:
    query = str(condition.get("query") or "")
    if not query:
        raise _invalid("Query is required")
    each_minute = seconds(body["properties"]["evaluationFrequency"]) == 60
    if each_minute and NOT_EACH_MINUTE.search(query):
        raise _bad(  # azure-docs#120598
            world,
            id,
            "One-minute frequency is not supported for this query. Either switch to five-minute "
            "frequency or adapt the query. Learn more https://aka.ms/lsa_1m_limits.",
        )
    if CROSS_SERVICE.search(query) and not body.get("identity"):
        raise _bad(  # azure-cli-extensions#8364
            world,
            id,
            "The 'adx' pattern cannot be used with the current authentication scheme. The request "
            "had some invalid properties",
        )
    barred = NOT_IN_RULES.search(query)
    if barred:
        raise _bad(world, id, f"The query of an alert rule cannot use '{barred[0]}'.")
