"""Microsoft.Authorization: policy definitions, their assignment, and what they deny.

Assignments are recorded, deletion and identity included; the built-in definitions are Microsoft's
own (github.com/Azure/azure-policy, a few of them). How a refusal looks is documented ("Enforce job
execution on Azure Automation Hybrid Runbook Worker"). Of the effects only `deny` does anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from arm_sandbox.arm import Body, Kind, merge, reference, system_data, writable
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.providers import built_in_policies, managed_identity
from arm_sandbox.providers.authorization import require_scope
from arm_sandbox.providers.built_in_policies import DEFINITION
from arm_sandbox.providers.policy_rules import Judgement, unknown
from arm_sandbox.providers.resources import plain_location
from arm_sandbox.wire import Json, Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World

ASSIGNMENT = "Microsoft.Authorization/policyAssignments"
VERSIONS = (
    *("2016-12-01", "2018-03-01", "2018-05-01", "2019-01-01", "2019-06-01", "2019-09-01"),
    *("2020-03-01", "2020-09-01", "2021-06-01", "2022-06-01", "2023-04-01", "2024-04-01"),
    *("2024-05-01", "2025-01-01"),
)
GROUP = "Microsoft.Resources/subscriptions/resourceGroups"
WRITES = ("PUT", "PATCH")
EXEMPT = "microsoft.authorization/polic"
"""Policies do not judge what they themselves are made of."""


# -- the gate


def require_compliant(world: World, request: Request, *, indexed: bool) -> None:
    """Refuse a write whose result an assigned policy denies.

    `indexed`: the type has tags and a location; definitions of that mode judge no other (docs).
    """
    id = parse(request.path)
    if request.method not in WRITES or not id.subscription or id.type.lower().startswith(EXEMPT):
        return
    type, document = _written(world, request, id)
    violations = [
        found
        for assignment in _assignments(world)
        if _applies(assignment, id.text)
        and (found := _violation(world, assignment, type, document, indexed)) is not None
    ]
    if violations:
        raise _denied(document["name"], violations)


def _written(world: World, request: Request, id: Id) -> tuple[str, Body]:
    """The type of what is written, and how it would be."""
    sent = request.body if isinstance(request.body, dict) else {}
    standing = world.find(id.text)
    if request.method == "PATCH" and standing is not None:
        sent = merge(writable(standing.body), sent)
    names = id.names or tuple(id.text.strip("/").split("/")[1::2])
    outside = {"id": id.text, "name": names[-1], "fullName": "/".join(names)}
    if isinstance(sent.get("location"), str):
        outside["location"] = plain_location(sent["location"])
    return id.type if id.types else GROUP, {**sent, **outside}


def _assignments(world: World) -> Iterator[Body]:
    """The properties of what is assigned, with `id` and `name`: by hand, and by the options."""
    for option in world.options.policies:
        guid = built_in_policies.named(option.definition)
        yield {
            "id": f"{option.scope}/providers/{ASSIGNMENT}/{option.definition}",
            "name": option.definition,
            "scope": option.scope,
            "policyDefinitionId": f"/providers/{DEFINITION}/{guid}",
            "parameters": {name: {"value": value} for name, value in option.parameters.items()},
        }
    for assignment in world.below("", ASSIGNMENT):
        yield {"id": assignment.id, "name": assignment.body["name"], **assignment.properties}


def _applies(assignment: Body, id: str) -> bool:
    left_out = any(within(id, scope) for scope in assignment.get("notScopes") or ())
    enforced = same(assignment.get("enforcementMode", "Default"), "Default")
    return enforced and not left_out and within(id, assignment["scope"])


def _violation(
    world: World, assignment: Body, type: str, document: Body, indexed: bool
) -> Body | None:
    """What an assignment has against a document, if it denies it."""
    definition = _definition(world, assignment["policyDefinitionId"])
    properties = definition["properties"]
    if same(properties.get("mode", "All"), "Indexed") and not indexed:
        return None
    judgement = Judgement(type, document, _parameters(properties, assignment))
    rule = properties["policyRule"]
    if not same(judgement.effect(rule["then"]), "deny") or not judgement.of(rule["if"]):
        return None
    shown = properties.get("displayName")
    return {
        **({"policyDefinitionDisplayName": shown} if shown else {}),
        "evaluationDetails": {"evaluatedExpressions": judgement.seen},
        "policyDefinitionId": definition["id"],
        "policyDefinitionName": definition["name"],
        "policyDefinitionEffect": judgement.effect(rule["then"]),
        "policyAssignmentId": assignment["id"],
        "policyAssignmentName": assignment["name"],
        "policyAssignmentDisplayName": assignment.get("displayName") or assignment["name"],
        "policyAssignmentScope": assignment["scope"],
        "policyAssignmentParameters": assignment.get("parameters") or {},
    }


def _parameters(definition: Body, assignment: Body) -> dict[str, Json]:
    """What was assigned, and the defaults of the rest, by name in lower case."""
    declared = definition.get("parameters") or {}
    defaults = {n.lower(): p["defaultValue"] for n, p in declared.items() if "defaultValue" in p}
    given = assignment.get("parameters") or {}
    return {**defaults, **{name.lower(): item["value"] for name, item in given.items()}}


def _denied(name: str, violations: list[Body]) -> Refusal:
    identifiers = [
        {
            "policyAssignment": {
                "name": found["policyAssignmentDisplayName"],
                "id": found["policyAssignmentId"],
            },
            "policyDefinition": {
                "name": found.get("policyDefinitionDisplayName", found["policyDefinitionName"]),
                "id": found["policyDefinitionId"],
            },
        }
        for found in violations
    ]
    listed = json.dumps(identifiers, separators=(",", ":"))
    return gateway(
        403,
        "RequestDisallowedByPolicy",
        f"Resource '{name}' was disallowed by policy. Policy identifiers: '{listed}'.",
        target=name,
        more={"additionalInfo": [{"type": "PolicyViolation", "info": info} for info in violations]},
    )


# -- definitions


def _definition(world: World, id: str) -> dict[str, Any]:
    """A definition by its id: a built-in one belongs to the tenant, another to a subscription."""
    name = id.rsplit("/", 1)[-1]
    standing = world.find(id)
    if standing is not None and same(standing.type, DEFINITION):
        return standing.body
    if parse(id).subscription or name.lower() not in built_in_policies.shown():
        message = f"The policy definition '{name}' could not be found."
        raise Refusal(404, "PolicyDefinitionNotFound", message)
    return built_in_policies.shown()[name.lower()]


def _check_definition(world: World, id: Id, body: Body, old: Resource | None) -> None:
    rule = (body.get("properties") or {}).get("policyRule") or {}
    if not (rule.get("if") and reference(world, rule, "then", "effect")):
        message = f"The policy definition '{id.name}' is invalid. It needs an 'if' and a 'then'."
        raise Refusal(400, "InvalidPolicyRule", message)
    for name in unknown(rule["if"]):
        message = f"The policy definition '{id.name}' uses '{name}', which the sandbox lacks."
        raise Refusal(400, "InvalidPolicyRule", message)


def _fill_definition(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    properties = {"policyType": "Custom", "mode": "All", "parameters": {}, **body["properties"]}
    properties["metadata"] = _metadata(world, body["properties"], old)
    return {"properties": properties, "systemData": system_data(world, old)}


def _metadata(world: World, sent: Body, old: Resource | None) -> Body:
    """Who made it and when stays; who wrote it last is told from the second time on (recorded)."""
    stands = old is not None
    oid = world.principal["oid"]
    made = {"createdBy": oid, "createdOn": world.stamp}
    kept = {name: old.properties["metadata"][name] for name in made} if old is not None else made
    written = {"updatedBy": oid if stands else None, "updatedOn": world.stamp if stands else None}
    return {**(sent.get("metadata") or {}), **kept, **written}


# -- assignments


def _check_assignment(world: World, id: Id, body: Body, old: Resource | None) -> None:
    sent = body.get("properties") or {}
    definition = _definition(world, str(sent.get("policyDefinitionId", "")))
    declared = definition["properties"].get("parameters") or {}
    missing = [
        name
        for name, parameter in declared.items()
        if "defaultValue" not in parameter and name not in (sent.get("parameters") or {})
    ]
    if missing:
        raise Refusal(
            400,
            "MissingPolicyParameter",
            f"The policy assignment '{id.name}' is missing the parameter(s) '{','.join(missing)}' "
            f"as defined in the policy definition '{definition['name']}'.",
        )


def _fill_assignment(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body["properties"]
    definition = {"policyDefinitionId": sent["policyDefinitionId"], "scope": id.scope}
    properties = {
        **definition,
        **{name: value for name, value in sent.items() if name not in definition},
        "metadata": _metadata(world, sent, old),
        "enforcementMode": sent.get("enforcementMode", "Default"),
    }
    identity = managed_identity.filled(world, id, body.get("identity"), old)
    return {
        **({"identity": identity} if identity else {}),
        "properties": properties,
        **({"location": body["location"]} if body.get("location") else {}),
        "systemData": system_data(world, old),
    }


def _assignment_deleted(world: World, assignment: Resource) -> None:
    managed_identity.vanish(world, managed_identity.own_principal(assignment))


# -- routes that are no resources


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Built-in definitions, and lists with what is inherited; None for anything else."""
    type = id.type.lower()
    if type.startswith(f"{DEFINITION}/".lower()):
        message = f"Unsupported resource type: '{id.type}'."
        raise Refusal(404, "ResourceTypeNotSupported", message)
    if type == DEFINITION.lower() and request.method == "GET":
        return _answer_definitions(world, id)
    if type == ASSIGNMENT.lower():
        require_scope(world, id)
        if not id.name and request.method == "GET":
            made = world.listed("", ASSIGNMENT)
            found = [a.body for a in made if within(id.scope, a.properties["scope"])]
            return Response(200, {"value": found})
    return None


def _answer_definitions(world: World, id: Id) -> Response:
    if id.name:
        return Response(200, _definition(world, id.text))
    own = [made.body for made in world.listed(id.scope, DEFINITION)] if id.scope else []
    return Response(200, {"value": [*own, *built_in_policies.shown().values()]})


KINDS: tuple[Kind, ...] = (
    Kind(
        type=DEFINITION,
        model="",
        api_version="2025-03-01",
        versions=VERSIONS,
        tracked=False,
        located=False,
        updated=201,
        returns_deleted=True,
        check=_check_definition,
        fill=_fill_definition,
    ),
    Kind(
        type=ASSIGNMENT,
        model="",
        api_version="2025-03-01",
        versions=VERSIONS,
        tracked=False,
        located=False,
        updated=201,
        returns_deleted=True,
        check=_check_assignment,
        fill=_fill_assignment,
        when_deleted=_assignment_deleted,
    ),
)
