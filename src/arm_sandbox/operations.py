"""Long-running operations: starting one, and what a poll of its URL answers.

Sources: recorded traffic. Network answers 3 to 10 seconds of Retry-After, compute none, the
deletion of a group 15, machines of Arc 60; a failed operation is polled with HTTP 200.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from arm_sandbox import failures
from arm_sandbox.ids import parse
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, World, offset_stamp

Style = Literal["network", "compute", "arm", "hybrid"]
RETRY_AFTER: dict[Style, int | None] = {
    "network": 10,
    "compute": None,
    "arm": 15,
    "hybrid": 60,
}
NETWORK_VERSION = "2024-03-01"
"""Of the operations of Network, however new the api-version of the request is (recorded)."""


@dataclass(frozen=True)
class LongRunning:
    """How long an operation takes, in seconds, and in whose style it is polled."""

    style: Style
    seconds: tuple[float, float]
    location: bool = False
    """Whether the first answer has a `Location` beside `Azure-AsyncOperation`."""


def start(
    world: World, request: Request, resource: str, how: LongRunning, verb: str, *, name: str = ""
) -> tuple[Operation, dict[str, str]]:
    """Begin an operation on a resource; answers it with the headers of the first response.

    `name` is for an operation that is known by it before it begins.
    """
    seconds = world.between(resource, verb, *how.seconds)
    operation = Operation(
        name=name or world.guid(f"{resource}/{verb}"),
        style=how.style,
        verb=verb,
        resource=resource,
        subscription=resource.split("/")[2],
        started=world.now,
        due=world.now + seconds,
        retry_after=RETRY_AFTER[how.style],
    )
    found = world.find(resource)
    type = found.type if found is not None else parse(resource).type
    failure = failures.strike(world, type, verb, at_once=False)
    if failure is not None:
        operation.error, operation.ending = failures.error(world, failure, type), failure.status
    world.operations[operation.name] = operation
    world.running.setdefault(resource.lower(), []).append(operation.name)
    world.later(seconds, "operation.due", name=operation.name)
    return operation, first_headers(world, request, operation, location=how.location)


def running(world: World, resource: str) -> list[Operation]:
    """The operations in progress on a resource, oldest first."""
    return [world.operations[name] for name in world.running.get(resource.lower(), ())]


def ended(world: World, name: str) -> Operation:
    """Take an operation out of those in progress; it can still be polled."""
    operation = world.operations[name]
    names = world.running.get(operation.resource.lower(), [])
    names[:] = [each for each in names if each != name]
    if not names:
        world.running.pop(operation.resource.lower(), None)
    return operation


def poll(world: World, request: Request, name: str) -> Response:
    """Answer a GET of an operation URL."""
    operation = world.operations.get(name)
    if operation is None:
        raise Refusal(404, "NotFound", f"The operation '{name}' was not found.")
    if operation.style == "hybrid":
        return _poll_hybrid(world, request, operation)
    if operation.style == "arm" or "/operationresults/" in request.path.lower():
        return _poll_location(world, request, operation)
    if request.query.get("monitor") == "true":
        return _poll_monitor(world, request, operation)
    return Response(200, _status(world, operation), _again(world, operation))


def first_headers(
    world: World, request: Request, operation: Operation, *, location: bool = False
) -> dict[str, str]:
    """Where to poll an operation, as the answer to the request that began it says."""
    headers = _retry_after(operation)
    if operation.style == "arm":
        return {**headers, "Location": _url(world, request, operation, "operationresults")}
    if operation.style == "hybrid":
        there = _url(world, request, operation, "updateCenterOperationResults")
        return {**headers, "Location": there}
    headers["azure-asyncnotification"] = "Enabled"
    if operation.style == "compute":
        headers["x-ms-request-id"] = operation.name  # recorded: they are the same
    headers["Azure-AsyncOperation"] = _url(world, request, operation, "operations")
    if location and operation.style == "network":
        headers["Location"] = _url(world, request, operation, "operationResults")
    elif location:
        headers["Location"] = headers["Azure-AsyncOperation"] + "&monitor=true"
    return headers


def _url(world: World, request: Request, operation: Operation, what: str) -> str:
    base = f"{request.origin}/subscriptions/{operation.subscription}"
    if operation.style == "arm":
        token = base64.urlsafe_b64encode(operation.name.encode()).decode().rstrip("=")
        return f"{base}/operationresults/{token}?api-version={request.api_version}"
    location = _location(world, operation.resource)
    if operation.style == "network":
        version = min(request.api_version, NETWORK_VERSION)
        url = f"{base}/providers/Microsoft.Network/locations/{location}/{what}/{operation.name}"
        return f"{url}?api-version={version}"
    if operation.style == "hybrid":
        url = f"{base}/providers/Microsoft.HybridCompute/locations/{location}/{what}"
        return f"{url}/{operation.name}?api-version={request.api_version}"
    url = f"{base}/providers/Microsoft.Compute/locations/{location}/{what}/{operation.name}"
    return f"{url}?p={_partition(base + location)}&api-version={request.api_version}"


def _partition(place: str) -> str:
    """Where Compute keeps the operations of a place; its URLs carry it (recorded)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, place))


def _location(world: World, resource: str) -> str:
    """Where a resource is; a child such as a subnet is where its parent is."""
    found = world.find(resource)
    if found is not None and "location" in found.body:
        return str(found.body["location"])
    above = resource.rsplit("/", 2)[0]
    return _location(world, above) if "/providers/" in above else "eastus"


def arm_operation_name(token: str) -> str:
    """The operation behind the opaque last segment of Resource Manager's own operation URLs."""
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        return token


def _poll_location(world: World, request: Request, operation: Operation) -> Response:
    """Network tells where to poll even when there is no more to be had (recorded)."""
    if operation.due > world.now:
        return Response(202, None, first_headers(world, request, operation, location=True))
    if operation.style == "arm" and operation.error is not None:
        return Response(409, {"error": operation.error})  # azure-powershell#6318
    if operation.style == "arm":
        is_group = "/providers/" not in operation.resource
        return Response(200 if is_group else 204)  # recorded, and for deployments documented
    headers = first_headers(world, request, operation, location=True)
    return Response(204, None, {k: v for k, v in headers.items() if k != "Retry-After"})


def _poll_hybrid(world: World, request: Request, operation: Operation) -> Response:
    if operation.due > world.now:
        return Response(202, None, first_headers(world, request, operation))
    failed = {"status": operation.ending, "errorDetails": operation.error}
    return Response(200, failed if operation.error else operation.output)


def _poll_monitor(world: World, request: Request, operation: Operation) -> Response:
    if operation.due > world.now:
        here = {"Location": _url(world, request, operation, "operations") + "&monitor=true"}
        return Response(202, None, here)
    return Response(200, operation.output)


def _status(world: World, operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "InProgress"}
    if operation.due <= world.now:
        body["status"] = operation.ending if operation.error else "Succeeded"
        if operation.error:
            body["error"] = operation.error
    if operation.style == "compute":
        body |= {"startTime": offset_stamp(operation.started), "name": operation.name}
        if operation.due <= world.now:
            body["endTime"] = offset_stamp(operation.due)
            if operation.output is not None:
                body["properties"] = {"output": operation.output}
    return body


def _again(world: World, operation: Operation) -> dict[str, str]:
    return _retry_after(operation) if operation.due > world.now else {}


def _retry_after(operation: Operation) -> dict[str, str]:
    return {} if operation.retry_after is None else {"Retry-After": str(operation.retry_after)}
