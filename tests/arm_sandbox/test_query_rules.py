"""Scheduled query rules as resources: their shapes, and what is refused of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait

PROVIDERS = f"{GROUP}/providers"
ACTION_GROUP = f"{PROVIDERS}/microsoft.insights/actionGroups/ag_you"
IDENTITY = f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/id-alerts"
WORKSPACE = f"{PROVIDERS}/Microsoft.OperationalInsights/workspaces/logs"
RULES = f"{PROVIDERS}/Microsoft.Insights/scheduledQueryRules"
RULE = f"{RULES}/run-failed"
VERSION = "2023-12-01"
QUERY = 'arg("").patchinstallationresources | where properties.status =~ "Failed"'
CONDITION: dict[str, Any] = {
    "query": QUERY,
    "timeAggregation": "Count",
    "dimensions": [{"name": "run", "operator": "Include", "values": ["*"]}],
    "operator": "GreaterThan",
    "threshold": 0,
    "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
}
BODY: dict[str, Any] = {
    "location": "eastus",
    "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
    "properties": {
        "severity": 1,
        "enabled": True,
        "scopes": [GROUP],
        "evaluationFrequency": "PT15M",
        "windowSize": "PT15M",
        "criteria": {"allOf": [CONDITION]},
        "autoMitigate": True,
        "actions": {"actionGroups": [ACTION_GROUP]},
    },
}


@pytest.fixture
def ground(world: World) -> World:
    """A world with what a rule refers to: an action group and an identity."""
    group = {"location": "Global", "properties": {"groupShortName": "you", "enabled": True}}
    assert ask(world, "PUT", ACTION_GROUP, group, version="2023-01-01").status == 201
    identity = ask(world, "PUT", IDENTITY, {"location": "eastus"}, version="2024-11-30")
    assert identity.status == 201
    return world


def put(world: World, body: dict[str, Any] = BODY, path: str = RULE, version: str = VERSION) -> Any:
    return ask(world, "PUT", path, body, version=version)


def changed(**properties: Any) -> dict[str, Any]:
    """The body of these tests with other properties; None takes one away."""
    made = copy.deepcopy(BODY)
    made["properties"] |= properties
    made["properties"] = {k: v for k, v in made["properties"].items() if v is not None}
    return made


def with_condition(**members: Any) -> dict[str, Any]:
    return changed(criteria={"allOf": [{**CONDITION, **members}]})


def refused(response: Response, code: str = "InvalidRequestContent") -> str:
    assert response.status == 400
    assert response.body["error"]["code"] == code
    return str(response.body["error"]["message"])


def test_a_rule_is_shown_as_recorded(ground: World) -> None:
    made = put(ground, version="2021-08-01")
    assert made.status == 201
    body = made.body
    assert body["id"] == f"{PROVIDERS}/microsoft.insights/scheduledqueryrules/run-failed"
    assert (body["name"], body["type"]) == ("run-failed", "Microsoft.Insights/scheduledQueryRules")
    assert body["systemData"]["createdAt"] == body["systemData"]["lastModifiedAt"]
    assert body["properties"]["createdWithApiVersion"] == "2021-08-01"
    assert repr(body["properties"]["criteria"]["allOf"][0]["threshold"]) == "0.0"
    assert body["properties"]["checkWorkspaceAlertsStorageConfigured"] is False
    assert "tags" not in body
    principal = ground.find(IDENTITY)
    assert principal is not None
    shown = body["identity"]["userAssignedIdentities"][IDENTITY]
    assert shown["principalId"] == principal.properties["principalId"]


def test_actions_that_name_nothing_are_dropped(ground: World) -> None:
    nothing = changed(actions={"actionGroups": [], "customProperties": {}})
    assert "actions" not in put(ground, nothing).body["properties"]


def test_a_rule_is_changed_listed_and_deleted(ground: World) -> None:
    made = put(ground).body
    wait(ground, 60)
    again = put(ground, changed(severity=3, description="Test rule"), version="2022-06-15")
    assert again.status == 200
    assert again.body["properties"]["createdWithApiVersion"] == VERSION
    assert again.body["systemData"]["createdAt"] == made["systemData"]["createdAt"]
    assert again.body["systemData"]["lastModifiedAt"] > made["systemData"]["lastModifiedAt"]

    patched = ask(ground, "PATCH", RULE, {"properties": {"enabled": False}}, version=VERSION)
    assert patched.status == 200
    assert patched.body["properties"] == {**again.body["properties"], "enabled": False}
    assert patched.body["identity"] == made["identity"]

    listed = ask(ground, "GET", RULES, version=VERSION).body["value"]
    everywhere = f"{SUBSCRIPTION}/providers/Microsoft.Insights/scheduledQueryRules"
    assert listed == ask(ground, "GET", everywhere, version=VERSION).body["value"]
    assert listed == [patched.body]
    assert ask(ground, "DELETE", RULE, version=VERSION).status == 200
    assert ask(ground, "DELETE", RULE, version=VERSION).status == 204


def test_a_put_without_the_identity_takes_it_away(ground: World) -> None:
    plain = with_condition(query="Heartbeat")
    put(ground, plain)
    dropped = put(ground, {k: v for k, v in plain.items() if k != "identity"})
    assert "identity" not in dropped.body


def test_a_system_assigned_identity_lives_as_long_as_the_rule_has_it(ground: World) -> None:
    own = {**BODY, "identity": {"type": "SystemAssigned"}}
    principal = put(ground, own).body["identity"]["principalId"]
    assert principal in ground.principals
    assert put(ground, own).body["identity"]["principalId"] == principal
    put(ground, BODY)
    assert principal not in ground.principals
    other = put(ground, own).body["identity"]["principalId"]
    assert other != principal
    ask(ground, "DELETE", RULE, version=VERSION)
    assert other not in ground.principals


def test_resource_graph_cannot_be_asked_without_an_identity(ground: World) -> None:
    nobody = {k: v for k, v in BODY.items() if k != "identity"}
    message = refused(put(ground, nobody), "BadRequest")
    assert message.startswith("The 'adx' pattern cannot be used with the current authentication")
    assert put(ground, {**nobody, "identity": {"type": "None"}}).status == 201


def test_an_identity_has_a_type_and_stands(ground: World) -> None:
    untyped = {**BODY, "identity": {"userAssignedIdentities": {IDENTITY: {}}}}
    assert "Path 'identity'" in refused(put(ground, untyped))
    missing = {"type": "UserAssigned", "userAssignedIdentities": {f"{IDENTITY}2": {}}}
    message = refused(put(ground, {**BODY, "identity": missing}), "FailedIdentityOperation")
    assert f"Resource '{IDENTITY}2' was not found." in message


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"scopes": []}, "Scopes list should contain exactly 1 resource Id"),
        ({"scopes": [GROUP, SUBSCRIPTION]}, "Scopes list should contain exactly 1 resource Id"),
        ({"scopes": [ACTION_GROUP]}, "of a type that log alerts are not raised on"),
        ({"evaluationFrequency": None}, "EvaluationFrequency and WindowSize are required"),
        ({"evaluationFrequency": "15 minutes"}, "is not an ISO 8601 duration"),
        ({"evaluationFrequency": "PT7M"}, "EvaluationFrequency of 7 minutes is not supported"),
        ({"windowSize": "P3D"}, "WindowSize of 4320 minutes is not supported"),
        ({"evaluationFrequency": "P1D"}, "not supported for a frequency of more than 12 hours"),
        ({"severity": 5}, "Severity must be a number from 0 to 4"),
        ({"severity": None}, "Severity must be a number from 0 to 4"),
        ({"description": "x" * 4097}, "Description has more than 4096 characters"),
        ({"criteria": {"allOf": []}}, "Criteria should contain exactly 1 condition"),
        (
            {"autoMitigate": False, "muteActionsDuration": "PT0S"},
            "MuteActionsDuration of 0 minutes is not supported. Supported values are: 5, 10, 15, ",
        ),
        (
            {"autoMitigate": False, "muteActionsDuration": "PT5M"},
            "EvaluationFrequency cannot be greater than MuteActionsDuration",
        ),
        ({"actions": {"actionGroups": [ACTION_GROUP] * 6}}, "at most 5 action groups"),
        ({"targetResourceTypes": ["x" * 66000]}, "bytes, more than 65536"),
    ],
)
def test_what_a_rule_cannot_be(ground: World, properties: dict[str, Any], words: str) -> None:
    assert words in refused(put(ground, changed(**properties)))
    assert put(ground).status == 201


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"query": ""}, "Query is required"),
        ({"operator": "Equals"}, "Requested value 'Equals' was not found."),
        ({"timeAggregation": "Average"}, "MetricMeasureColumn is required"),
        ({"threshold": None}, "Threshold must be a number"),
        ({"dimensions": CONDITION["dimensions"] * 7}, "at most 6 dimensions"),
        ({"dimensions": [{"name": "run", "operator": "Include"}]}, "must have a name and values"),
        (
            {"failingPeriods": {"numberOfEvaluationPeriods": 2, "minFailingPeriodsToAlert": 3}},
            "MinFailingPeriodsToAlert no more",
        ),
    ],
)
def test_what_a_condition_cannot_be(ground: World, members: dict[str, Any], words: str) -> None:
    assert words in refused(put(ground, with_condition(**members)))
    assert put(ground, with_condition(operator="Equal")).status == 201


def test_periods_look_back_two_days_at_most(ground: World) -> None:
    twice = {"numberOfEvaluationPeriods": 2, "minFailingPeriodsToAlert": 1}
    days = with_condition(failingPeriods=twice)
    days["properties"]["windowSize"] = "P2D"
    assert "cannot exceed 48 hours" in refused(put(ground, days))
    days["properties"]["windowSize"] = "P1D"
    assert put(ground, days).status == 201


def test_muting_is_for_rules_that_do_not_resolve_their_alerts(ground: World) -> None:
    message = refused(put(ground, changed(muteActionsDuration="PT1H")), "BadRequest")
    assert message == "Auto mitigation must be disabled when action suppression is set"
    muted = changed(muteActionsDuration="PT1H", autoMitigate=False)
    assert put(ground, muted).body["properties"]["muteActionsDuration"] == "PT1H"


@pytest.mark.parametrize("query", [QUERY, "search Error", "union Event, Syslog", "Event | take 5"])
def test_not_every_query_can_run_each_minute(ground: World, query: str) -> None:
    each_minute = with_condition(query=query)
    each_minute["properties"]["evaluationFrequency"] = "PT1M"
    assert "One-minute frequency is not supported" in refused(
        put(ground, each_minute), "BadRequest"
    )
    each_minute["properties"]["criteria"]["allOf"][0]["query"] = "Heartbeat"
    assert put(ground, each_minute).status == 201


@pytest.mark.parametrize("call", ["bag_unpack(x)", "pivot (x)", "narrow()", "AggregatedValue"])
def test_what_the_query_of_a_rule_cannot_use(ground: World, call: str) -> None:
    message = refused(put(ground, with_condition(query=f"{QUERY} | {call}")), "BadRequest")
    assert call.split("(", 1)[0] in message


@pytest.mark.parametrize("name", ["a%3Cb", "a%3A", "x" * 261, "a."])
def test_names_that_are_barred(ground: World, name: str) -> None:
    assert "is not valid" in refused(put(ground, path=f"{RULES}/{name}"))


def test_with_an_identity_a_name_has_no_semicolon(ground: World) -> None:
    assert "is not valid" in refused(put(ground, path=f"{RULES}/a;b"))
    plain = {k: v for k, v in with_condition(query="Heartbeat").items() if k != "identity"}
    assert put(ground, plain, f"{RULES}/a;b").status == 201


def test_scope_and_action_groups_must_stand(ground: World) -> None:
    assert WORKSPACE in refused(put(ground, changed(scopes=[WORKSPACE])), "ScopeNotFound")
    other = {"actionGroups": [f"{ACTION_GROUP}2"]}
    assert f"{ACTION_GROUP}2" in refused(put(ground, changed(actions=other)), "ActionGroupNotFound")
    assert put(ground, changed(scopes=[SUBSCRIPTION])).status == 201
    assert put(ground, changed(scopes=[GROUP])).status == 200


def test_a_workspace_is_made_as_recorded_and_can_be_the_scope(ground: World) -> None:
    body = {"location": "eastus", "properties": {"sku": {"name": "PerGB2018"}}}
    made = ask(ground, "PUT", WORKSPACE, body, version="2021-12-01-preview")
    assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Creating")
    wait(ground, 60)
    read = ask(ground, "GET", WORKSPACE, version="2021-12-01-preview").body
    assert read["properties"]["provisioningState"] == "Succeeded"
    again = ask(ground, "PUT", WORKSPACE, body, version="2021-12-01-preview")
    assert again.status == 200
    assert again.body["properties"]["customerId"] == made.body["properties"]["customerId"]
    assert put(ground, changed(scopes=[WORKSPACE])).status == 201
