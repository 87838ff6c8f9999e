"""What goes wrong at one call: what the client gets, and what has happened all the same."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, get_args

import pytest
from azure.core.exceptions import (
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest

from arm_sandbox import clock, faults
from arm_sandbox.app import respond
from arm_sandbox.options import Fault, FaultKind
from arm_sandbox.transport import SandboxCredential, SandboxTransport
from arm_sandbox.wire import Request
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP

VERSION = "2024-11-01"
NSG = "Microsoft.Network/networkSecurityGroups"


def send(world: World, method: str = "PUT", path: str = GROUP, tags: Any = None) -> Any:
    """One request, as a client of the SDK would send it."""

    async def sending() -> Any:
        token = await SandboxCredential(world).get_token("scope")
        request = HttpRequest(
            method,
            f"https://management.azure.com{path}?api-version={VERSION}",
            headers={"Authorization": f"Bearer {token.token}"},
            json={"location": "eastus", "tags": tags or {}} if method == "PUT" else None,
        )
        return await SandboxTransport(world).send(request)

    return clock.run(sending(), world.now)


def strike(world: World, kind: Any, **more: Any) -> None:
    world.options.faults = [Fault(kind, **more)]
    world.attempts.clear()


BEFORE = {"connection-refused": ServiceRequestError, "timeout": ServiceResponseError}
BEFORE |= {"connection-reset": ServiceResponseError}
AFTER = {"answer-lost": ServiceResponseError, "broken-off": IncompleteReadError}


@pytest.mark.parametrize(("kind", "error"), [*BEFORE.items(), *AFTER.items()])
def test_no_answer_comes(world: World, kind: str, error: type[Exception]) -> None:
    world.remove(GROUP)
    strike(world, kind)
    with pytest.raises(error):
        send(world)
    assert (world.find(GROUP) is None) is (kind in BEFORE)
    assert send(world).status_code in (200, 201)


def test_to_wait_for_no_answer_takes_its_time(world: World) -> None:
    async def waiting() -> float:
        strike(world, "timeout")
        transport, loop = SandboxTransport(world), asyncio.get_running_loop()
        with pytest.raises(ServiceResponseError):
            await transport.send(HttpRequest("GET", f"https://management.azure.com{GROUP}"))
        return loop.time()

    assert clock.run(waiting(), world.now) >= faults.READ_TIMEOUT


@pytest.mark.parametrize("kind", sorted(faults.INSTEAD))
def test_a_refusal_has_no_effect(world: World, kind: str) -> None:
    world.remove(GROUP)
    strike(world, kind)
    answer = send(world)
    assert answer.status_code == int(kind[:3])
    assert answer.json()["error"]["code"]
    assert answer.headers["x-ms-request-id"]
    assert ("retry-after" in answer.headers) is (kind == "429-retry-after")
    assert ("www-authenticate" in answer.headers) is (kind == "401")
    assert world.find(GROUP) is None


def test_an_answer_comes_in_another_form_after_the_effect(world: World) -> None:
    for kind, status, type in (
        ("answer-cut", 201, "json"),
        ("not-json", 200, "html"),
        ("504-after", 504, "json"),
    ):
        world.remove(GROUP)
        strike(world, kind)
        answer = send(world)
        assert (answer.status_code, type in answer.headers["Content-Type"]) == (status, True)
        assert world.find(GROUP) is not None
        if kind != "504-after":
            with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
                answer.json()


def test_only_the_request_that_is_meant_is_hit(world: World) -> None:
    strike(world, "503", method="get", path=GROUP.upper(), nth=2, times=2)
    statuses = [send(world, "GET").status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert send(world).status_code == 200
    strike(world, "503", times=0)
    assert {send(world, "GET").status_code for _ in range(5)} == {503}


def delete_the_group(world: World) -> Any:
    assert send(world).status_code in (200, 201)
    return send(world, "DELETE")


@pytest.mark.parametrize(
    ("kind", "ending"), [("operation-failed", "Failed"), ("operation-canceled", "Canceled")]
)
def test_an_operation_ends_badly(world: World, kind: str, ending: str) -> None:
    strike(world, kind, method="DELETE")
    assert delete_the_group(world).status_code == 202
    operation = next(reversed(world.operations.values()))
    assert (operation.ending, bool(operation.error)) == (ending, True)


def test_an_operation_hangs(world: World) -> None:
    strike(world, "operation-endless", method="DELETE")
    delete_the_group(world)
    world.now += 86400
    send(world, "GET", f"{GROUP.rsplit('/', 2)[0]}/resourcegroups")
    assert world.find(GROUP) is not None
    assert world.running


def test_nobody_is_told_where_to_poll(world: World) -> None:
    strike(world, "operation-untold", method="DELETE")
    assert "location" not in delete_the_group(world).headers


@pytest.mark.parametrize(("kind", "times"), [("interrupt", 1), ("interrupt-twice", 2)])
def test_a_signal_comes(world: World, kind: str, times: int) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        faults.before(kind, world, Request("GET", GROUP))
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT] * times


def test_somebody_else_is_at_work(world: World) -> None:
    send(world)
    strike(world, "edited")
    send(world, "GET")
    group = world.find(GROUP)
    assert group is not None
    assert group.body["tags"] == {faults.EDITED[0]: faults.EDITED[1]}
    strike(world, "locked")
    assert send(world, tags={"a": "b"}).status_code == 409
    world.options.locks = []
    strike(world, "denied")
    assert send(world, path=f"{GROUP}/providers/{NSG}/nsg").status_code == 403
    world.options.policies = []
    strike(world, "deleted")
    assert send(world, "GET").status_code == 404


def test_every_kind_is_told_how_it_strikes() -> None:
    known = [*faults.BEFORE, *faults.INSTEAD, *faults.AFTER]
    assert sorted(known) == sorted(get_args(FaultKind))


def test_a_served_world_knows_no_faults(world: World) -> None:
    strike(world, "503")
    answer = respond(world, Request("GET", GROUP, {"api-version": VERSION}))
    assert answer.status == 401
