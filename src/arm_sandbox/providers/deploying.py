"""How a deployment goes on: its resources are made in their order, and then it ends.

Template and values are in `world.deploying` until then, and nowhere else: they hold passwords.
"""

from __future__ import annotations

import http
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from arm_sandbox import arm, tokens
from arm_sandbox.arm import Body
from arm_sandbox.ids import parse, same
from arm_sandbox.providers import parameters, registration, resources, templates
from arm_sandbox.providers.expressions import Invalid, Scope
from arm_sandbox.providers.templates import Part
from arm_sandbox.wire import Json, Refusal, Request, Response
from arm_sandbox.world import Resource, World

BEGINS = (0.4, 1.5)
"""Seconds until an accepted deployment runs (recorded: an empty one is over within a second)."""
LOOKS_AGAIN = 5.0
"""Seconds until it looks again whether a resource provider is registered."""
ENDED = ("Succeeded", "Failed", "Canceled")
FORGOTTEN = {
    "code": "DeploymentCanceled",
    "message": "The sandbox was stopped while the deployment ran. It keeps no templates on disk, "
    "because there may be passwords in them. Deploy again.",
}

Send = Callable[[World, Request], Response]
"""Answers a request as if it had come from outside. Raises Refusal."""
Made = dict[str, Any]
"""What has become of one resource: its state, since when, until when, the provider's operation."""


@dataclass(frozen=True)
class Run:
    """A deployment at work: what was asked for, as parts, and how its requests are answered."""

    world: World
    deployment: Resource
    asked: Body
    plan: list[Part]
    send: Send

    @property
    def made(self) -> dict[str, Made]:
        """By the id of the resource, in lower case."""
        made: dict[str, Made] = self.deployment.hidden["made"]
        return made


def scope(world: World, deployment: str, asked: Body) -> Scope:
    """What the expressions of a deployment's template can refer to."""
    id = parse(deployment)
    return templates.scope_of(
        asked["template"],
        asked["values"],
        group=resources.require_group(world, id, writing=False).body,
        subscription=resources.subscription(world, id.subscription.lower()),
        deployment=id.name,
    )


def is_running(deployment: Resource) -> bool:
    return deployment.properties["provisioningState"] not in ENDED


def begin(world: World, deployment: Resource, asked: Body, plan: list[Part]) -> None:
    """A deployment has been accepted. Its resource providers get registered, too (docs)."""
    subscription = parse(deployment.id).subscription
    for namespace in dict.fromkeys(part.namespace for part in plan):
        registration.change(world, subscription, namespace)
    deployment.hidden |= {"began": world.now, "made": {}}
    world.deploying[deployment.id.lower()] = asked
    _later(world, deployment, world.between(deployment.id, "begin", *BEGINS))


def _later(world: World, deployment: Resource, seconds: float) -> None:
    number = deployment.hidden["number"]
    world.later(seconds, "deployment.due", id=deployment.id, number=number)


def go_on(world: World, id: str, number: str, send: Send) -> None:
    """A resource may have been made, or a provider registered. `number` tells runs apart."""
    deployment = world.find(id)
    if deployment is None or deployment.hidden["number"] != number or not is_running(deployment):
        return
    asked = world.deploying.get(id.lower())
    if asked is None:
        end(world, deployment, "Canceled", error=FORGOTTEN)
        return
    plan = templates.parts(asked["template"], scope(world, id, asked))
    _go_on(Run(world, deployment, asked, plan, send))


def _go_on(run: Run) -> None:
    """Begin what can be begun; end when nothing runs and nothing is left to begin."""
    world, made = run.world, run.made
    run.deployment.properties["provisioningState"] = "Running"
    for one in made.values():
        _look(world, one)
    for part in _ready(run):
        if registration.is_done(world, parse(part.id).subscription, part.namespace):
            made[part.id.lower()] = _make(run, part)
    until = [one["until"] for one in made.values() if one["state"] == "Running"]
    if _ready(run):
        until.append(world.now + LOOKS_AGAIN)
    if until:
        _later(world, run.deployment, min(until) - world.now)
    else:
        _finish(run)


def _ready(run: Run) -> list[Part]:
    """Those not begun whose needs all stand; what needs a failed one is never begun."""
    stand = {key for key, one in run.made.items() if one["state"] == "Succeeded"}
    return [part for part in run.plan if part.id.lower() not in run.made and part.needs <= stand]


# -- one resource


def _make(run: Run, part: Part) -> Made:
    """Ask for a resource, as the sender of the deployment."""
    made: Made = {
        "number": run.world.guid(f"{part.id}|operation").replace("-", "")[:16].upper(),
        "target": part.target,
        "state": "Running",
        "began": run.world.now,
    }
    try:
        body = part.body(_reference(run))
        response = run.send(run.world, _request(run, "PUT", part.id, part.api_version, body))
    except Invalid as error:
        message = (
            f"Unable to process template language expressions for resource '{part.id}' at line '0' "
            f"and column '0'. '{error}'"
        )
        return made | _refused(run.world, Refusal(400, "InvalidTemplate", message))
    except Refusal as refusal:
        return made | _refused(run.world, refusal)
    name = urlsplit(response.headers.get("Azure-AsyncOperation", "")).path.rsplit("/", 1)[-1]
    operation = run.world.operations.get(name)
    until = run.world.now + response.seconds if operation is None else operation.due
    return made | {"operation": name, "until": until, "status": phrase(response.status)}


def _refused(world: World, refusal: Refusal) -> Made:
    message, status = {"error": refusal.error}, phrase(refusal.status)
    return {"state": "Failed", "until": world.now, "status": status, "message": message}


def _look(world: World, made: Made) -> None:
    """See whether a resource that was begun stands by now."""
    running = world.running.get(made["target"]["id"].lower(), [])
    if made["state"] != "Running" or made["until"] > world.now or made["operation"] in running:
        return
    operation = world.operations.get(made["operation"])
    made["state"] = "Succeeded"
    if operation is not None and operation.error is not None:
        message = {"status": "Failed", "error": _terminal(made, operation.error)}
        made |= {"state": "Failed", "status": "Conflict", "message": message}


def _terminal(made: Made, error: Json) -> Body:
    return {
        "code": "ResourceDeploymentFailure",
        "target": made["target"]["id"],
        "message": "The resource write operation failed to complete successfully, because it "
        "reached terminal provisioning state 'Failed'.",
        "details": [error],
    }


def _request(run: Run, method: str, path: str, api_version: str, body: Json = None) -> Request:
    claims = {**run.asked["claims"], "exp": run.world.now + tokens.HOUR}
    headers = {
        "authorization": f"Bearer {tokens.unsigned(claims)}",
        "x-ms-correlation-request-id": run.deployment.properties["correlationId"],
    }
    return Request(method, path, {"api-version": api_version}, headers, body)


def _reference(run: Run) -> Callable[[str, str, bool], Json]:
    """Finds a resource of the template by its name, and any by its id."""

    def look_up(what: str, api_version: str, full: bool) -> Json:
        named = next((p for p in run.plan if same(what, p.id) or same(what, p.name)), None)
        path, version = (what, "") if named is None else (named.id, named.api_version)
        try:
            found = run.send(run.world, _request(run, "GET", path, api_version or version))
        except Refusal as refusal:
            raise Invalid(refusal.message) from None
        return found.body if full else found.body.get("properties")

    return look_up


def phrase(status: int) -> str:
    """`BadRequest` for 400: statuses in a deployment are told by their names."""
    return http.HTTPStatus(status).phrase.replace(" ", "")


# -- the end


def _finish(run: Run) -> None:
    errors = [one["message"]["error"] for one in run.made.values() if one["state"] == "Failed"]
    if errors:
        message = (
            "At least one resource deployment operation failed. Please list deployment operations "
            "for details. Please see https://aka.ms/arm-deployment-operations for usage details."
        )
        _fail(run, "DeploymentFailed", message, errors)
        return
    try:
        outputs = _outputs(run)
    except Invalid as error:
        message = (
            f"Unable to evaluate template outputs: '{', '.join(run.asked['template']['outputs'])}'."
            " Please see error details and deployment operations. Please see "
            "https://aka.ms/arm-common-errors for usage details."
        )
        code = "DeploymentOutputEvaluationFailed"
        _fail(run, code, message, [{"code": code, "message": str(error)}])
        return
    ids = sorted((one["target"]["id"] for one in run.made.values()), key=str.lower)
    made = {"outputResources": [{"id": id} for id in ids]}
    end(run.world, run.deployment, "Succeeded", **outputs, **made)


def _outputs(run: Run) -> Body:
    """Shown where the template has the word, even without any (recorded)."""
    template = run.asked["template"]
    if "outputs" not in template:
        return {}
    known = replace(scope(run.world, run.deployment.id, run.asked), reference=_reference(run))
    return {"outputs": parameters.outputs(template["outputs"] or {}, known)}


def _fail(run: Run, code: str, message: str, details: list[Json]) -> None:
    target = run.deployment.id
    error = {"code": code, "target": target, "message": message, "details": details}
    end(run.world, run.deployment, "Failed", error=error)


def end(world: World, deployment: Resource, state: str, **shown: Json) -> None:
    """A deployment is over; its template is forgotten."""
    duration = lasted(world.now - deployment.hidden["began"])
    ended = {"provisioningState": state, "timestamp": world.stamp, "duration": duration}
    deployment.properties.update(ended, **shown)
    deployment.hidden["ended"] = world.now
    forget(world, deployment)
    status = "Succeeded" if state == "Succeeded" else "Failed"
    arm.record(world, deployment.id, f"{deployment.type}/write", status)


def forget(world: World, deployment: Resource) -> None:
    world.deploying.pop(deployment.id.lower(), None)


def lasted(seconds: float) -> str:
    """`PT1M8.17S`."""
    minutes, rest = divmod(seconds, 60)
    return f"PT{int(minutes)}M{rest:.7g}S" if minutes else f"PT{rest:.7g}S"
