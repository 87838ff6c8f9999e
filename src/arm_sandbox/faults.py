"""What goes wrong at one call, on the way to Azure, in Azure or on the way back.

`failures` are of a service and its operations. A fault is of the network, of a gateway, of the
process that asks, or somebody else's work at the wrong moment; it strikes where the options of a
world say, and is met by clients in this process only: `patchctl sandbox serve` knows no faults.

The exceptions are those that azure-core's transport over `requests` raises for the same mishap.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import (
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

from arm_sandbox import by_hand, tokens
from arm_sandbox.app import standard_headers
from arm_sandbox.ids import parse, same
from arm_sandbox.options import Fault, Lock, Policy
from arm_sandbox.providers import virtual_machines
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import World

KILLED = 137
"""The exit code of a process that was killed, as a shell tells it."""
READ_TIMEOUT = 300.0
"""Seconds that azure-core waits for an answer."""
POLLED = ("azure-asyncoperation", "location")
"""Headers that say where an operation is polled."""
EDITS: Mapping[str, tuple[str, Any]] = {
    "microsoft.maintenance/maintenanceconfigurations": (
        "properties.maintenanceWindow.duration",
        "01:30",
    ),
    "microsoft.insights/actiongroups": ("properties.enabled", False),
    "microsoft.insights/activitylogalerts": ("properties.enabled", False),
    "microsoft.insights/scheduledqueryrules": ("properties.enabled", False),
}
"""What somebody changes in what stands; a tag in all else that has tags."""
EDITED = ("edited-by", "somebody")


def strike(world: World, request: Request) -> str:
    """Count a request, and answer with the fault that hits it; "" for none."""
    hit = ""
    for number, fault in enumerate(world.options.faults):
        if _is_meant(fault, request):
            key = f"fault {number}"
            count = world.attempts[key] = world.attempts.get(key, 0) + 1
            past = count - fault.nth
            if not hit and past >= 0 and (fault.times == 0 or past < fault.times):
                hit = fault.kind
    return hit


def waits(kind: str) -> tuple[float, float]:
    """Seconds that a client waits in vain, before the effect and after it."""
    before = READ_TIMEOUT if kind == "timeout" else 0.0
    return before, READ_TIMEOUT if kind in ("answer-lost", "504-after") else 0.0


def before(kind: str, world: World, request: Request) -> None:
    """Let happen what comes before Azure has the request. Raises what the transport would."""
    if kind in BEFORE:
        BEFORE[kind](world, request)


def instead(kind: str, world: World, request: Request) -> Response | None:
    """The answer to a request that never comes to its provider."""
    if kind not in INSTEAD:
        return None
    refusal = INSTEAD[kind](world, request)
    return refusal.response().with_headers(standard_headers(world, request))


def after(kind: str, world: World, request: Request, response: Response) -> Response:
    """What of an answer arrives. Raises what the transport would where none does."""
    return AFTER[kind](world, request, response) if kind in AFTER else response


def _is_meant(fault: Fault, request: Request) -> bool:
    method = not fault.method or same(fault.method, request.method)
    return method and (not fault.path or same(fault.path, request.path))


# -- before the effect


def _refuse(world: World, request: Request) -> None:
    raise ServiceRequestError("Failed to establish a new connection: [Errno 111] refused")


def _reset(world: World, request: Request) -> None:
    raise ServiceResponseError("Connection aborted: [Errno 104] Connection reset by peer")


def _time_out(world: World, request: Request) -> None:
    raise ServiceResponseError("Read timed out.")


def _kill(*_: Any) -> Response:
    os._exit(KILLED)


def _interrupt(world: World, request: Request) -> None:
    signal.raise_signal(signal.SIGINT)


def _interrupt_twice(world: World, request: Request) -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


def _terminate(world: World, request: Request) -> None:
    signal.raise_signal(signal.SIGTERM)


def _delete(world: World, request: Request) -> None:
    found = world.find(request.path)
    if found is not None:
        by_hand.delete(world, found)


def _edit(world: World, request: Request) -> None:
    found = world.find(request.path)
    if found is None:
        return
    if found.type.lower() in EDITS:
        by_hand.edit(world, found, *EDITS[found.type.lower()])
    elif "tags" in found.body:
        key, value = EDITED
        by_hand.edit(world, found, "tags", {**(found.body["tags"] or {}), key: value})


def _stop(world: World, request: Request) -> None:
    """Somebody shuts every machine down."""
    for resource in world.of_type.get("microsoft.compute/virtualmachines", {}).values():
        virtual_machines.stop(world, resource)


def _lock(world: World, request: Request) -> None:
    """An administrator makes the subscription read-only."""
    scope = f"/subscriptions/{parse(request.path).subscription or next(iter(world.subscriptions))}"
    world.options.locks.append(Lock(scope, "ReadOnly"))


def _deny(world: World, request: Request) -> None:
    """An administrator allows no location any longer but one that nobody uses."""
    scope = f"/subscriptions/{parse(request.path).subscription or next(iter(world.subscriptions))}"
    allowed = {"listOfAllowedLocations": ["antarctica"]}
    world.options.policies.append(Policy("Allowed locations", scope, allowed))


BEFORE: Mapping[str, Callable[[World, Request], Any]] = {
    "connection-refused": _refuse,
    "connection-reset": _reset,
    "timeout": _time_out,
    "killed-before": _kill,
    "interrupt": _interrupt,
    "interrupt-twice": _interrupt_twice,
    "terminate": _terminate,
    "deleted": _delete,
    "edited": _edit,
    "stopped": _stop,
    "locked": _lock,
    "denied": _deny,
}


# -- instead of the effect


def _expire(world: World, request: Request) -> Refusal:
    """A token that Azure no longer takes; it says where to sign in."""
    return tokens.expired(world, request, world.now)


def _refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Callable[[World, Request], Refusal]:
    return lambda world, request: Refusal(status, code, message, headers=headers)


INSTEAD: Mapping[str, Callable[[World, Request], Refusal]] = {
    "400": _refusal(400, "InvalidParameter", "The value of a parameter is invalid."),
    "401": _expire,
    "403": _refusal(
        403,
        "AuthorizationFailed",
        "The client does not have authorization to perform the action over the scope, or the scope "
        "is invalid. If access was recently granted, please refresh your credentials.",
    ),
    "404": _refusal(404, "ResourceNotFound", "The Resource was not found."),
    "408": _refusal(408, "RequestTimeout", "The request timed out."),
    "409-in-progress": _refusal(
        409,
        "AnotherOperationInProgress",
        "Another operation on this or dependent resource is in progress.",
    ),
    "409-conflict": _refusal(409, "Conflict", "The request conflicts with the present state."),
    "412": _refusal(412, "PreconditionFailed", "The condition in If-Match was not met."),
    "429": _refusal(429, "TooManyRequests", "Too many requests."),
    "429-retry-after": _refusal(
        429, "TooManyRequests", "Too many requests.", {"Retry-After": "17"}
    ),
    "500": _refusal(500, "InternalServerError", "Encountered an internal server error."),
    "503": _refusal(503, "ServiceUnavailable", "The service is unavailable."),
}


# -- after the effect


def _lose(world: World, request: Request, response: Response) -> Response:
    raise ServiceResponseError("Read timed out.")


def _break_off(world: World, request: Request, response: Response) -> Response:
    raise IncompleteReadError("Connection broken: IncompleteRead(17 bytes read, more expected)")


def _cut(world: World, request: Request, response: Response) -> Response:
    """Half of the body, by a proxy that calls it whole."""
    text = response.content.decode()
    return Response(response.status, None, response.headers, text=text[: len(text) // 2] or "{")


def _show_a_page(world: World, request: Request, response: Response) -> Response:
    """What the sign-in page of a hotel answers to everything."""
    headers = {"Content-Type": "text/html"}
    return Response(200, None, headers, text="<html><body>Please accept our terms</body></html>")


def _time_out_at_the_gateway(world: World, request: Request, response: Response) -> Response:
    refusal = Refusal(504, "GatewayTimeout", "The gateway did not receive a response in time.")
    return refusal.response().with_headers(standard_headers(world, request))


def _end(world: World, request: Request, response: Response, ending: str) -> Response:
    """Let the operation that the request began come to a bad end."""
    if name := _begun(world, request, response):
        operation = world.operations[name]
        code = "OperationPreempted" if ending == "Canceled" else "InternalExecutionError"
        operation.error = {"code": code, "message": "The operation could not be finished."}
        operation.ending = ending
    return response


def _fail(world: World, request: Request, response: Response) -> Response:
    return _end(world, request, response, "Failed")


def _cancel(world: World, request: Request, response: Response) -> Response:
    return _end(world, request, response, "Canceled")


def _never_end(world: World, request: Request, response: Response) -> Response:
    """Let the operation that the request began hang for a week, after which it fails."""
    if name := _begun(world, request, response):
        world.operations[name].due = world.now + 7 * 86400
        for happening in world.happenings:
            if happening.data.get("name") == name:
                happening.due = world.operations[name].due
        world.happenings.sort()
        _fail(world, request, response)
    return response


def _untell(world: World, request: Request, response: Response) -> Response:
    """Without a word of where to poll."""
    kept = {k: v for k, v in response.headers.items() if k.lower() not in POLLED}
    return Response(response.status, response.body, kept)


def _begun(world: World, request: Request, response: Response) -> str | None:
    """The operation that a request has begun."""
    if request.method in ("GET", "HEAD") or not _tells_where_to_poll(response):
        return None
    return next(reversed(world.operations), None)


def _tells_where_to_poll(response: Response) -> bool:
    return any(name.lower() in POLLED for name in response.headers)


AFTER: Mapping[str, Callable[[World, Request, Response], Response]] = {
    "answer-lost": _lose,
    "broken-off": _break_off,
    "answer-cut": _cut,
    "not-json": _show_a_page,
    "504-after": _time_out_at_the_gateway,
    "operation-failed": _fail,
    "operation-canceled": _cancel,
    "operation-endless": _never_end,
    "operation-untold": _untell,
    "killed-after": _kill,
}
