"""Long-running operations: starting one, and what a poll of its URL answers.

Sources: recorded traffic. Network answers 3 to 10 seconds of Retry-After, compute none, the
deletion of a group 15; a failed operation is polled with HTTP 200.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal

from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, World, stamp

Style = Literal["network", "compute", "group"]
RETRY_AFTER: dict[Style, int | None] = {"network": 10, "compute": None, "group": 15}
VERSIONS: dict[Style, str] = {
    "network": "2024-03-01",
    "compute": "2026-04-01",
    "group": "2025-04-01",
}


@dataclass(frozen=True)
class LongRunning:
    """How long an operation takes, in seconds, and in whose style it is polled."""

    style: Style
    seconds: tuple[float, float]
    location: bool = False
    """Whether the first answer has a `Location` beside `Azure-AsyncOperation`."""


def start(
    world: World, request: Request, resource: str, how: LongRunning, verb: str
) -> tuple[Operation, dict[str, str]]:
    """Begin an operation on a resource; answers it with the headers of the first response."""
    seconds = world.between(resource, verb, *how.seconds)
    operation = Operation(
        name=world.guid(f"{resource}/{verb}"),
        style=how.style,
        verb=verb,
        resource=resource,
        subscription=resource.split("/")[2],
        started=world.now,
        due=world.now + seconds,
        retry_after=RETRY_AFTER[how.style],
    )
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
    if operation.style == "group" or "/operationresults/" in request.path.lower():
        return _poll_location(world, request, operation)
    if request.query.get("monitor") == "true":
        return _poll_monitor(world, request, operation)
    return Response(200, _status(world, operation), _again(world, operation))


def first_headers(
    world: World, request: Request, operation: Operation, *, location: bool = False
) -> dict[str, str]:
    """Where to poll an operation, as the answer to the request that began it says."""
    headers = _retry_after(operation)
    if operation.style == "group":
        return {**headers, "Location": _url(world, request, operation, "operationresults")}
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
    if operation.style == "group":
        token = base64.urlsafe_b64encode(operation.name.encode()).decode().rstrip("=")
        return f"{base}/operationresults/{token}?api-version={VERSIONS['group']}"
    namespace = {"network": "Microsoft.Network", "compute": "Microsoft.Compute"}[operation.style]
    location = _location(world, operation.resource)
    version = VERSIONS["network" if operation.style == "network" else "compute"]
    return (
        f"{base}/providers/{namespace}/locations/{location}/{what}/{operation.name}"
        f"?api-version={version}"
    )


def _location(world: World, resource: str) -> str:
    """Where a resource is; a child such as a subnet is where its parent is."""
    found = world.find(resource)
    if found is not None and "location" in found.body:
        return str(found.body["location"])
    above = resource.rsplit("/", 2)[0]
    return _location(world, above) if "/providers/" in above else "eastus"


def group_operation_name(token: str) -> str:
    """The operation behind the opaque last segment of a group's operation URL."""
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        return token


def _poll_location(world: World, request: Request, operation: Operation) -> Response:
    if operation.due > world.now:
        here = {"Location": _url(world, request, operation, "operationResults")}
        return Response(202, None, {**here, **_retry_after(operation)})
    return Response(200 if operation.style == "group" else 204)


def _poll_monitor(world: World, request: Request, operation: Operation) -> Response:
    if operation.due > world.now:
        here = {"Location": _url(world, request, operation, "operations") + "&monitor=true"}
        return Response(202, None, here)
    return Response(200, operation.output)


def _status(world: World, operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "InProgress"}
    if operation.due <= world.now:
        body["status"] = "Failed" if operation.error else "Succeeded"
        if operation.error:
            body["error"] = operation.error
    if operation.style == "compute":
        body |= {"startTime": stamp(operation.started), "name": operation.name}
        if operation.due <= world.now:
            body["endTime"] = stamp(operation.due)
            if operation.output is not None:
                body["properties"] = {"output": operation.output}
    return body


def _again(world: World, operation: Operation) -> dict[str, str]:
    return _retry_after(operation) if operation.due > world.now else {}


def _retry_after(operation: Operation) -> dict[str, str]:
    return {} if operation.retry_after is None else {"Retry-After": str(operation.retry_after)}
