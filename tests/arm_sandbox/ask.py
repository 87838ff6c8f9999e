"""Plain requests to a world, as a client that knows nothing of the SDK would send them."""

from __future__ import annotations

import json
from typing import Any

from arm_sandbox import tokens
from arm_sandbox.app import respond
from arm_sandbox.recording import recorders
from arm_sandbox.transport import SandboxTransport, Watcher
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World

RECORDERS = recorders("PATCHCTL_SANDBOX_RECORD")
"""They see the traffic of the tests, when it is recorded."""

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-test"


def signed_in(world: World, **who: str) -> dict[str, str]:
    """The header of somebody who has signed in: the world's principal, or who `oid` says."""
    return {"Authorization": f"Bearer {tokens.unsigned(tokens.claims(world) | who)}"}


def send(world: World, request: Request) -> Response:
    """One exchange, whatever the request looks like."""
    response = respond(world, request)
    for recorder in RECORDERS:
        recorder(request, response)
    return response


def transport_to(world: World, *watchers: Watcher) -> SandboxTransport:
    """For the SDK's clients."""
    return SandboxTransport(world, (*watchers, *RECORDERS))


def ask(
    world: World,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str = "2025-04-01",
    query: str = "",
    who: dict[str, str] | None = None,
) -> Response:
    url = f"https://management.azure.com{path}?api-version={version}{query}"
    content = b"" if body is None else json.dumps(body).encode()
    return send(world, Request.parse(method, url, signed_in(world, **(who or {})), content))


def wait(world: World, seconds: float) -> None:
    """Let time pass; what is due by then happens at the next request."""
    world.now += seconds


def finish(world: World, response: Response) -> Response:
    """Poll the operation that a response began until it has ended; the last poll's answer."""
    url = response.headers.get("Azure-AsyncOperation") or response.headers["Location"]
    for _ in range(200):
        answer = send(world, Request.parse("GET", url, signed_in(world), b""))
        status = (answer.body or {}).get("status", "Succeeded")
        if answer.status != 202 and status not in ("InProgress", "Accepted", "Running"):
            return answer
        wait(world, float(answer.headers.get("Retry-After", 5)))
    raise AssertionError(f"{url} never ended")
