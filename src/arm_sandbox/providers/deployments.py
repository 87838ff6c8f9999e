"""Microsoft.Resources/deployments at a resource group: a template, and what has become of it.

Status codes, bodies and polling are recorded (azure-cli's `group deployment` and `vm create`); what
can be deleted, and how, is from the reference of the REST API.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NoReturn

from arm_sandbox import arm, tokens
from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import deploying, parameters, resources, templates
from arm_sandbox.providers.deploying import Made
from arm_sandbox.providers.expressions import Invalid
from arm_sandbox.providers.templates import Part, no_reference
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World, stamp

TYPE = "Microsoft.Resources/deployments"
VERSIONS = (
    *("2015-01-01", "2015-11-01", "2016-02-01", "2016-06-01", "2016-07-01", "2016-09-01"),
    *("2017-05-10", "2018-02-01", "2018-05-01", "2019-03-01", "2019-05-01", "2019-05-10"),
    *("2019-07-01", "2019-08-01", "2019-10-01", "2020-06-01", "2020-08-01", "2020-10-01"),
    *("2021-01-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-07-01"),
    *("2024-11-01", "2025-03-01"),
)
EXPIRES = 7 * 86400.0
"""Seconds after which a deployment is no longer waited for (issue threads, `DeploymentActive`)."""

Kinds = Mapping[str, Kind]


def answer(world: World, request: Request, id: Id, kinds: Kinds) -> Response | None:
    """What is special about deployments; None for the rest."""
    for method, pattern, handler in ROUTES:
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match and KIND.knows(request.api_version):
            group = resources.require_group(world, id, writing=method == "PUT")
            deployment = parse(f"{group.id}/providers/{TYPE}/{match[1]}")
            return handler(world, request, deployment, kinds, *match.groups()[1:])
    return None


# -- what is asked for


def _asked(world: World, request: Request) -> Body:
    """Template and values of a request, and who sent it: all that is needed later on."""
    body = request.body if isinstance(request.body, dict) else {}
    properties = body.get("properties") or {}
    template, values = properties.get("template"), properties.get("parameters") or {}
    if not isinstance(template, dict):
        raise gateway(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Required property "
            "'template' not found in JSON. Path 'properties'.'.",
        )
    if str(properties.get("mode", "")).lower() != "incremental":
        raise gateway(400, "InvalidDeploymentMode", "The sandbox knows the mode Incremental only.")
    values = {name: value.get("value") for name, value in values.items()}
    return {"template": template, "values": values, "claims": tokens.read(world, request)}


def _planned(world: World, id: Id, asked: Body, kinds: Kinds) -> tuple[list[Part], Body]:
    """Check what can be checked before anything is made; what a deployment shows of its plan."""
    template = asked["template"]
    declared = template.get("parameters") or {}
    parameters.require(declared, asked["values"])
    try:
        scope = deploying.scope(world, id.text, asked)
        plan = templates.parts(template, scope)
        shown = parameters.shown(declared, scope)
    except Invalid as error:
        raise parameters.invalid(str(error)) from None
    refusals = [found for part in plan if (found := _preflight(world, part, kinds)) is not None]
    if refusals:
        _refuse(world, id, refusals)
    outline: Body = {"templateHash": _hash(template), "parameters": shown, "mode": "Incremental"}
    if "parameters" not in template:
        del outline["parameters"]  # recorded: shown only where the template has the word
    return plan, outline


def _preflight(world: World, part: Part, kinds: Kinds) -> Refusal | None:
    """Why a provider will refuse a resource, as far as it can tell without the other ones."""
    id = parse(part.id)
    kind = kinds.get(id.type.lower())
    if part.refers:
        return None
    try:
        body = arm.without_nulls(part.body(no_reference))
        if kind is not None:
            kind.preflight(world, id, body, world.find(part.id))
    except Invalid as error:
        raise templates.refused(part.name, error) from None
    except Refusal as refusal:
        return refusal
    return None


def _refuse(world: World, id: Id, refusals: list[Refusal]) -> NoReturn:
    """Recorded for an image that is not there (errors of azure-cli's `vm create`)."""
    raise gateway(
        400,
        "InvalidTemplateDeployment",
        f"The template deployment '{id.name}' is not valid according to the validation procedure. "
        f"The tracking id is '{world.guid(f'{id.text}|tracking')}'. See inner errors for details.",
        more={"details": [refusal.error for refusal in refusals]},
    )


def _hash(template: Body) -> str:
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return str(int.from_bytes(digest[:8], "big"))


def _providers(plan: list[Part]) -> list[Body]:
    """Which types of which provider are made where, in the order of the template."""
    found: dict[str, dict[str, dict[str | None, None]]] = {}
    for part in plan:
        types = found.setdefault(part.namespace, {})
        types.setdefault(part.type.partition("/")[2], {})[part.location] = None
    return [
        {
            "namespace": namespace,
            "resourceTypes": [
                {"resourceType": type, "locations": list(locations)}
                for type, locations in types.items()
            ],
        }
        for namespace, types in found.items()
    ]


def _dependencies(plan: list[Part]) -> list[Body]:
    return [
        {"dependsOn": [p.target for p in plan if p.id.lower() in part.needs], **part.target}
        for part in plan
        if part.needs
    ]


# -- making and following one


def _put(world: World, request: Request, id: Id, kinds: Kinds) -> Response:
    _require_name(id.name)
    old = world.find(id.text)
    if old is not None:
        _require_ended(world, old)
    asked = _asked(world, request)
    plan, outline = _planned(world, id, asked, kinds)
    document = _document(world, request, id, plan, {**outline, "provisioningState": "Accepted"})
    deployment = world.add(Resource(id.text, TYPE, document, {"number": _number(world)}))
    deploying.begin(world, deployment, asked, plan)
    arm.record(world, id.text, f"{TYPE}/write", "Started")
    url = f"{request.origin}{id.text}/operationStatuses/{deployment.hidden['number']}"
    headers = {"Azure-AsyncOperation": f"{url}?api-version={request.api_version}"}
    return Response(201 if old is None else 200, copy.deepcopy(document), headers)


def _document(world: World, request: Request, id: Id, plan: list[Part], outline: Body) -> Body:
    correlation = request.headers.get("x-ms-correlation-request-id")
    properties = {
        **outline,
        "timestamp": world.stamp,
        "duration": "PT0S",
        "correlationId": correlation or world.guid(f"{id.text}|correlation"),
        "providers": _providers(plan),
        "dependencies": _dependencies(plan),
    }
    return arm.envelope(id, TYPE, {"properties": properties})


def _number(world: World) -> str:
    """The number of an operation counts down with the ticks of .NET (recorded)."""
    ticks = (datetime.fromtimestamp(world.now, UTC) - datetime(1, 1, 1, tzinfo=UTC)).total_seconds()
    world.ordinal += 1  # two in one moment are two
    return f"{2**63 - 1 - int(ticks * 10**7) - world.ordinal:020}"


def _require_name(name: str) -> None:
    """Letters, digits, `-`, `.`, `_` and parentheses, 64 of them at most (REST reference)."""
    if len(name) > 64 or not re.fullmatch(r"[-\w._()]+", name):
        raise gateway(
            400,
            "InvalidDeploymentName",
            f"The provided deployment name '{name}' is not valid. It may have 64 letters, digits, "
            "hyphens, periods, underscores and parentheses.",
        )


def _require_ended(world: World, deployment: Resource) -> None:
    """The words are from issue threads (bicep#14369)."""
    if not deploying.is_running(deployment):
        return
    began = deployment.hidden["began"]
    raise gateway(
        409,
        "DeploymentActive",
        f"Unable to edit or replace deployment '{deployment.body['name']}': previous deployment "
        f"from '{tokens.american(began)}' is still active (expiration time is "
        f"'{tokens.american(began + EXPIRES)}'). Please see "
        "https://aka.ms/arm-deploy-resources for usage details.",
    )


def _validate(world: World, request: Request, id: Id, kinds: Kinds) -> Response:
    plan, outline = _planned(world, id, _asked(world, request), kinds)
    document = _document(world, request, id, plan, {**outline, "provisioningState": "Succeeded"})
    document["properties"] |= {
        "timestamp": "0001-01-01T00:00:00Z",  # recorded in azure-cli#28834
        "validatedResources": [{"id": part.id} for part in plan],
    }
    return Response(200, document, seconds=world.between(id.text, "validate", 0.5, 2))


def _get(world: World, request: Request, id: Id, kinds: Kinds) -> Response:
    return Response(200, _existing(world, id).body)


def _existing(world: World, id: Id) -> Resource:
    found = world.find(id.text)
    if found is None:
        message = f"Deployment '{id.name}' could not be found."
        raise gateway(404, "DeploymentNotFound", message)
    return found


def _cancel(world: World, request: Request, id: Id, kinds: Kinds) -> Response:
    """Resources that are being made are not stopped (docs)."""
    deployment = _existing(world, id)
    if not deploying.is_running(deployment):
        state, began = deployment.properties["provisioningState"], deployment.hidden["began"]
        raise gateway(
            409,
            "DeploymentCannotBeCancelled",
            f"The deployment '{id.name}' cannot be cancelled because it has provisioning state "
            f"'{state}' or it has already expired (expiration time is "
            f"'{tokens.american(began + EXPIRES)}').",
        )
    deploying.end(world, deployment, "Canceled")
    return Response(204)


def _get_status(world: World, request: Request, id: Id, kinds: Kinds, number: str) -> Response:
    deployment = _existing(world, id)
    if deployment.hidden["number"] != number:
        message = f"The operation status '{number}' could not be found."
        raise gateway(404, "DeploymentOperationStatusNotFound", message)
    status = {"status": deployment.properties["provisioningState"]}
    error = {k: v for k, v in deployment.properties.items() if k == "error"}
    return Response(200, status | error)


# -- what was done for it


def _list_operations(world: World, request: Request, id: Id, kinds: Kinds) -> Response:
    return Response(200, {"value": _operations(world, _existing(world, id))})


def _get_operation(world: World, request: Request, id: Id, kinds: Kinds, name: str) -> Response:
    for operation in _operations(world, _existing(world, id)):
        if same(operation["operationId"], name):
            return Response(200, operation)
    message = f"Deployment operation '{name}' could not be found."
    raise gateway(404, "DeploymentOperationNotFound", message)


def _operations(world: World, deployment: Resource) -> list[Body]:
    """One for each resource that was begun, and one for the outputs (recorded)."""
    found = [
        _operation(world, deployment, one["number"], "Create", one)
        for one in deployment.hidden["made"].values()
    ]
    if deployment.properties["provisioningState"] == "Succeeded":
        ended = deployment.hidden["ended"]
        outputs = {"state": "Succeeded", "began": ended, "until": ended, "status": "OK"}
        number = deployment.hidden["number"]
        found.append(_operation(world, deployment, number, "EvaluateDeploymentOutput", outputs))
    return found


def _operation(world: World, deployment: Resource, number: str, what: str, one: Made) -> Body:
    until = min(one["until"], world.now)
    properties = {
        "provisioningOperation": what,
        "provisioningState": one["state"],
        "timestamp": stamp(until),
        "duration": deploying.lasted(until - one["began"]),
        "trackingId": one.get("operation") or number,
        "statusCode": one["status"],
        "statusMessage": one.get("message"),
        "targetResource": one.get("target"),
    }
    return {
        "id": f"{deployment.id}/operations/{number}",
        "operationId": number,
        "properties": {k: v for k, v in properties.items() if v is not None},
    }


_DEPLOYMENT = (
    "/subscriptions/[^/]+/resourcegroups/[^/]+"
    "(?:/providers/microsoft.resources)?/deployments/([^/]+)"
)
_ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("PUT", _DEPLOYMENT, _put),
    ("GET", _DEPLOYMENT, _get),
    ("POST", f"{_DEPLOYMENT}/validate", _validate),
    ("POST", f"{_DEPLOYMENT}/cancel", _cancel),
    ("GET", f"{_DEPLOYMENT}/operationstatuses/([^/]+)", _get_status),
    ("GET", f"{_DEPLOYMENT}/operations", _list_operations),
    ("GET", f"{_DEPLOYMENT}/operations/([^/]+)", _get_operation),
)
ROUTES = tuple((method, re.compile(path, re.IGNORECASE), to) for method, path, to in _ROUTES)
KIND = Kind(
    type=TYPE,
    model="",
    api_version="2025-04-01",
    versions=VERSIONS,
    tracked=False,
    located=False,
    delete=LongRunning("arm", (2.0, 10.0)),
    deletable=_require_ended,
    when_deleted=deploying.forget,
)
KINDS = (KIND,)
