"""Policies: how they are assigned, and what they deny."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox.options import Policy
from arm_sandbox.providers.policy_rules import Judgement, unknown
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish
from tests.arm_sandbox.test_authorization import NSG
from tests.arm_sandbox.test_compute import MACHINE, make_interface, put, windows

VERSION = "2021-06-01"
NETWORK = "2024-05-01"
AUTHORIZATION = "providers/Microsoft.Authorization"
DEFINITIONS = f"/{AUTHORIZATION}/policyDefinitions"
AUDIT = "06a78e20-9358-41c9-923c-fb736d382a4d"
LOCATIONS = "e56962a6-4747-49cd-b67b-bf8b01975c4c"
TAG = "871b6d14-10aa-478d-b590-94f262ecfa99"
SIZES = "cccc23c7-8427-4f53-ad12-b6a63eb452b3"
NO_PUBLIC_ADDRESS = "83a86a26-fd1f-447c-b59d-e51f44264114"


def assign(
    world: World, definition: str, scope: str = GROUP, *, identity: Any = None, **properties: Any
) -> Response:
    body: dict[str, Any] = {
        "properties": {"policyDefinitionId": f"{DEFINITIONS}/{definition}", **properties}
    }
    if identity is not None:
        body |= {"location": "eastus", "identity": identity}
    path = f"{scope}/{AUTHORIZATION}/policyAssignments/mine"
    return ask(world, "PUT", path, body, version=VERSION)


def allow(world: World, *locations: str, scope: str = GROUP, **more: Any) -> Response:
    parameters = {"listOfAllowedLocations": {"value": [*locations]}}
    return assign(world, LOCATIONS, scope, parameters=parameters, **more)


def make(world: World, location: str = "eastus", **body: Any) -> Response:
    return ask(world, "PUT", NSG, {"location": location, **body}, version=NETWORK)


def denied(response: Response) -> Any:
    assert response.status == 403, response.body
    assert response.body["error"]["code"] == "RequestDisallowedByPolicy"
    return response.body["error"]


def test_an_assignment_is_made_changed_and_deleted_as_recorded(world: World) -> None:
    own = {"type": "SystemAssigned"}
    made = assign(world, AUDIT, identity=own, enforcementMode="DoNotEnforce")
    assert made.status == 201
    assert made.body["identity"]["type"] == "SystemAssigned"
    assert made.body["identity"]["tenantId"] == world.tenant
    assert made.body["properties"] == {
        "policyDefinitionId": f"{DEFINITIONS}/{AUDIT}",
        "scope": GROUP,
        "metadata": {
            "createdBy": world.principal["oid"],
            "createdOn": made.body["properties"]["metadata"]["createdOn"],
            "updatedBy": None,
            "updatedOn": None,
        },
        "enforcementMode": "DoNotEnforce",
    }
    again = assign(world, AUDIT, identity={"type": "None"}, description="New")
    assert (again.status, again.body["identity"]) == (201, {"type": "None"})
    assert again.body["properties"]["metadata"]["updatedBy"] == world.principal["oid"]
    assert again.body["properties"]["enforcementMode"] == "Default"
    path = f"{GROUP}/{AUTHORIZATION}/policyAssignments/mine"
    assert ask(world, "GET", path, version=VERSION).body == again.body
    deleted = ask(world, "DELETE", path, version=VERSION)
    assert (deleted.status, deleted.body) == (200, again.body)
    assert world.principals == {}


def test_a_built_in_definition_belongs_to_the_tenant(world: World) -> None:
    found = ask(world, "GET", f"{DEFINITIONS}/{AUDIT}", version=VERSION)
    assert found.body["properties"]["displayName"] == "Audit VMs that do not use managed disks"
    missing = ask(world, "GET", f"{SUBSCRIPTION}{DEFINITIONS}/{AUDIT}", version=VERSION)
    assert (missing.status, missing.body["error"]["code"]) == (404, "PolicyDefinitionNotFound")
    odd = ask(world, "GET", f"{SUBSCRIPTION}{DEFINITIONS}/test/error_policy", version=VERSION)
    assert odd.body["error"] == {
        "code": "ResourceTypeNotSupported",
        "message": "Unsupported resource type: "
        "'Microsoft.Authorization/policyDefinitions/error_policy'.",
    }


def test_a_denied_write_is_refused_with_all_that_azure_tells(world: World) -> None:
    allow(world, "westeurope", "northeurope")
    error = denied(make(world))
    assignment = f"{GROUP}/{AUTHORIZATION}/policyAssignments/mine"
    identifiers = [
        {
            "policyAssignment": {"name": "mine", "id": assignment},
            "policyDefinition": {
                "name": "Allowed locations",
                "id": f"{DEFINITIONS}/{LOCATIONS}",
            },
        }
    ]
    assert error["target"] == "nsg"
    assert error["message"] == (
        "Resource 'nsg' was disallowed by policy. Policy identifiers: "
        f"'{json.dumps(identifiers, separators=(',', ':'))}'."
    )
    ((type, info),) = [found.values() for found in error["additionalInfo"]]
    assert type == "PolicyViolation"
    assert info["policyDefinitionEffect"] == "Deny"
    assert info["policyAssignmentScope"] == GROUP
    assert info["evaluationDetails"]["evaluatedExpressions"][0] == {
        "result": "True",
        "expressionKind": "Field",
        "expression": "location",
        "path": "location",
        "expressionValue": "eastus",
        "targetValue": ["westeurope", "northeurope"],
        "operator": "NotIn",
    }
    assert world.find(NSG) is None
    assert make(world, "West Europe").status == 201


@pytest.mark.parametrize(
    "more", [{"enforcementMode": "DoNotEnforce"}, {"notScopes": [GROUP]}, {"effect": "Audit"}]
)
def test_what_is_not_enforced_denies_nothing(world: World, more: dict[str, Any]) -> None:
    effect = more.pop("effect", "Deny")
    parameters = {"listOfAllowedLocations": {"value": []}, "effect": {"value": effect}}
    assert assign(world, LOCATIONS, SUBSCRIPTION, parameters=parameters, **more).status == 201
    assert make(world).status == 201


def test_an_assignment_above_holds_below_and_not_beside(world: World) -> None:
    allow(world, "westeurope", scope=SUBSCRIPTION)
    denied(make(world))
    other = f"{SUBSCRIPTION}/resourceGroups/other"
    assert ask(world, "PUT", other, {"location": "eastus"}).status == 201


def test_a_change_is_judged_by_its_result(world: World) -> None:
    finish(world, make(world, tags={"owner": "me"}))
    assign(world, TAG, parameters={"tagName": {"value": "owner"}})
    denied(ask(world, "PUT", f"{NSG}2", {"location": "eastus"}, version=NETWORK))
    patched = ask(world, "PATCH", NSG, {"tags": {"OWNER": "you"}}, version=NETWORK)
    assert patched.status == 200
    denied(ask(world, "PATCH", NSG, {"tags": {"owner": None, "OWNER": None}}, version=NETWORK))


def test_aliases_lead_into_the_properties(world: World) -> None:
    make_interface(world, outbound=True)
    assign(world, SIZES, parameters={"listOfAllowedSKUs": {"value": ["Standard_B2ms"]}})
    assert denied(put(world, windows()))["target"] == "vm1"
    assert world.find(MACHINE) is None
    assign(world, SIZES, parameters={"listOfAllowedSKUs": {"value": ["standard_b2s"]}})
    assert put(world, windows()).status == 201


def test_a_condition_on_a_list_holds_for_every_item() -> None:
    rule = {
        "field": "Microsoft.Network/networkInterfaces/ipconfigurations[*].publicIpAddress.id",
        "notLike": "*",
    }

    def holds(*addresses: str | None) -> bool:
        items = [{"publicIPAddress": {"id": a}} if a else {} for a in addresses]
        document = {"properties": {"ipConfigurations": [*items]}}
        return Judgement("Microsoft.Network/networkInterfaces", document, {}).of(rule)

    assert holds()
    assert holds(None, None)
    assert not holds(None, "/an/address")


@pytest.mark.parametrize(
    ("condition", "fulfilled"),
    [
        ({"field": "name", "equals": "THING"}, True),
        ({"field": "name", "notEquals": "thing"}, False),
        ({"field": "name", "like": "th*"}, True),
        ({"field": "name", "contains": "HIN"}, True),
        ({"field": "name", "notContains": "x"}, True),
        ({"field": "tags['a b']", "equals": "1"}, True),
        ({"field": "tags.none", "exists": False}, True),
        ({"field": "tags", "containsKey": "a b"}, True),
        ({"field": "kind", "exists": "true"}, False),
        ({"field": "A/b/count", "greater": 2}, True),
        ({"field": "A/b/count", "lessOrEquals": 2}, False),
        ({"field": "C/d/count", "exists": True}, False),
        ({"value": "[length(field('A/b/list'))]", "equals": 2}, True),
        ({"value": "[parameters('wanted')]", "in": ["x", "y"]}, True),
        ({"anyOf": [{"field": "type", "equals": "c/d"}, {"field": "type", "equals": "a/B"}]}, True),
        ({"not": {"field": "type", "equals": "a/b"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], fulfilled: bool) -> None:
    properties = {"count": 3, "list": [1, 2]}
    document = {"name": "thing", "tags": {"a b": "1"}, "properties": properties}
    assert Judgement("A/b", document, {"wanted": "X"}).of(condition) is fulfilled
    assert [*unknown(condition)] == []


RULE = {"if": {"field": "name", "like": "bad*"}, "then": {"effect": "deny"}}


def test_a_definition_of_ones_own(world: World) -> None:
    path = f"{SUBSCRIPTION}{DEFINITIONS}/names"
    made = ask(world, "PUT", path, {"properties": {"policyRule": RULE}}, version=VERSION)
    assert (made.status, made.body["properties"]["policyType"]) == (201, "Custom")
    assert assign(world, "names", policyDefinitionId=path).status == 201
    bad = NSG.replace("/nsg", "/bad-nsg")
    info = denied(ask(world, "PUT", bad, {"location": "eastus"}, version=NETWORK))
    assert info["additionalInfo"][0]["info"]["policyDefinitionName"] == "names"
    assert make(world).status == 201
    listed = ask(world, "GET", f"{SUBSCRIPTION}{DEFINITIONS}", version=VERSION).body["value"]
    assert [found["name"] for found in listed][:1] == ["names"]
    assert len(listed) > 5


@pytest.mark.parametrize(
    "condition", [{"field": "name", "match": "##"}, {"count": {"field": "a"}, "equals": 1}, {}]
)
def test_what_is_not_understood_is_refused_and_not_guessed_at(
    world: World, condition: dict[str, Any]
) -> None:
    path = f"{SUBSCRIPTION}{DEFINITIONS}/odd"
    rule = {**RULE, "if": {"not": condition} if condition else {}}
    refused = ask(world, "PUT", path, {"properties": {"policyRule": rule}}, version=VERSION)
    assert (refused.status, refused.body["error"]["code"]) == (400, "InvalidPolicyRule")


def test_an_assignment_that_cannot_be_is_refused(world: World) -> None:
    missing = assign(world, LOCATIONS)
    assert missing.body["error"]["code"] == "MissingPolicyParameter"
    assert "'listOfAllowedLocations'" in missing.body["error"]["message"]
    assert assign(world, "none").body["error"]["code"] == "PolicyDefinitionNotFound"


def test_a_world_may_have_policies_from_the_beginning(world: World) -> None:
    allowed = {"listOfAllowedLocations": ["westeurope"]}
    world.options.policies = [Policy("Allowed locations", SUBSCRIPTION, allowed)]
    assert denied(make(world))["additionalInfo"][0]["info"]["policyAssignmentParameters"] == {
        "listOfAllowedLocations": {"value": ["westeurope"]}
    }
    assert make(world, "westeurope").status == 201
