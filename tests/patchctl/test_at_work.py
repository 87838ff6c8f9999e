"""The note that somebody is at work: who sees it, that it bars nobody, and that it goes away."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from arm_sandbox import transport
from arm_sandbox.app import respond
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl.errors import Exit
from patchctl.remembered import AT_WORK
from tests.patchctl.shell import EMAIL, GROUP, Cli, outcomes

pytestmark = [pytest.mark.world, pytest.mark.slow]

OTHER = "ops@example.com"


def note(world: World) -> str | None:
    """What the group says of who is at work."""
    [group] = [r for id, r in world.resources.items() if id.endswith(f"/{GROUP}")]
    found: str | None = group.body["tags"].get(AT_WORK)
    return found


def leave(cli: Cli, who: str, *, hours: float) -> str:
    """A note as a run that was cut off leaves it, believed for so long."""
    now = datetime.fromtimestamp(cli.world.now, UTC)
    times = (now - timedelta(minutes=5), now + timedelta(hours=hours))
    text = " ".join([*(f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in times), who])

    def change(world: World) -> None:
        [group] = [r for id, r in world.resources.items() if id.endswith(f"/{GROUP}")]
        group.body["tags"][AT_WORK] = text

    cli.change(change)
    return text


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The note after each request, while there is a group."""
    notes: list[str | None] = []

    def watched(world: World, request: Request) -> Response:
        response = respond(world, request)
        if any(id.endswith(f"/{GROUP}") for id in world.resources):
            notes.append(note(world))
        return response

    monkeypatch.setattr(transport, "respond", watched)
    return notes


def test_it_stands_from_the_first_write_to_the_last(cli: Cli, seen: list[str | None]) -> None:
    cli.deploy()
    assert len(set(seen)) == 2
    assert seen[-1] is None
    assert str(seen[0]).endswith(" you@sandbox.example")
    seen.clear()
    cli.deploy("--at", "04:00")
    assert None in seen[:-1]
    assert any(str(text).endswith(" you@sandbox.example") for text in seen)
    assert seen[-1] is None


def test_where_there_is_nothing_to_write_nobody_is_at_work(
    cli: Cli, seen: list[str | None]
) -> None:
    cli.deploy()
    seen.clear()
    for command in (("deploy", *EMAIL), ("plan",), ("validate",), ("status",)):
        assert cli(*command).code == 0
    assert set(seen) == {None}


def test_it_goes_with_the_deployment(cli: Cli, seen: list[str | None]) -> None:
    cli.deploy()
    seen.clear()
    assert cli("destroy", "--yes").code == 0
    assert str(seen[-1]).endswith(" you@sandbox.example")
    assert not cli.world.resources


def test_it_is_taken_off_a_group_that_stays(cli: Cli) -> None:
    cli.deploy()
    cli.leave_a_foreign_address()
    assert cli("destroy", "--yes").code == 0
    assert note(cli.world) is None
    before = cli.world.events
    assert cli("destroy", "--yes").code == 0, "nothing of ours is left but the group"
    assert cli.world.events == before


def test_the_next_one_is_told_and_not_barred(cli: Cli) -> None:
    cli.deploy()
    text = leave(cli, OTHER, hours=1)
    for command in (("plan",), ("validate",), ("status",), ("deploy", *EMAIL)):
        ended = cli(*command)
        assert ended.code == 0
        assert f"{OTHER} is at work on demo since 20" in ended.err
    assert note(cli.world) == text, "it is not ours, and may be true"
    assert set(outcomes(cli.json("deploy", *EMAIL)).values()) == {"unchanged"}


def test_nobody_believes_it_for_ever(cli: Cli) -> None:
    cli.deploy()
    leave(cli, OTHER, hours=-0.01)
    assert "at work on" not in cli("plan").err
    assert set(outcomes(cli.json("deploy", *EMAIL)).values()) == {"unchanged"}
    assert note(cli.world) is None


def test_what_a_run_of_ours_has_left_behind_is_taken_away(cli: Cli) -> None:
    cli.deploy()
    leave(cli, "you@sandbox.example", hours=1)
    assert "You are at work on demo since 20" in cli("plan").err
    cli.deploy()
    assert note(cli.world) is None
    before = cli.world.events
    cli.deploy()
    assert cli.world.events == before


def test_who_is_interrupted_does_not_wait_for_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though Azure takes no write for a while."""
    began = cli.world.now
    refused: list[str] = []

    def busy(world: World, request: Request) -> Response:
        if request.method == "PUT" and "/virtualNetworks/" in request.path and not refused:
            refused.append(request.path)
            return Response(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "3000"})
        if refused and request.method == "GET":
            os.kill(os.getpid(), signal.SIGINT)
        return respond(world, request)

    monkeypatch.setattr(transport, "respond", busy)
    assert cli("deploy", *EMAIL).code == Exit.INTERRUPTED
    assert cli.world.now < began + 600


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-25T12:00:00Z soon somebody", "x" * 256])
def test_a_damaged_note_is_none(cli: Cli, text: str) -> None:
    cli.deploy()

    def change(world: World) -> None:
        [group] = [r for id, r in world.resources.items() if id.endswith(f"/{GROUP}")]
        group.body["tags"][AT_WORK] = text

    cli.change(change)
    assert cli("validate").code == 0
    assert "at work on" not in cli("plan").err
    assert cli("deploy", "--at", "04:00").code == 0
    assert note(cli.world) is None


def test_what_goes_wrong_with_it_stops_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(world: World, request: Request) -> Response:
        if request.path.lower().endswith("microsoft.resources/tags/default"):
            return Response(500, {"error": {"code": "InternalServerError", "message": "oh"}})
        return respond(world, request)

    cli.deploy()
    monkeypatch.setattr(transport, "respond", refusing)
    assert cli.deploy("--at", "04:00")["maintenance-configuration"] == "updated"
    assert cli("destroy", "--yes").code == Exit.DONE


def test_nobody_waits_for_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    polled = 0

    def accepting(world: World, request: Request) -> Response:
        nonlocal polled
        if request.path.endswith("/of-a-note"):
            polled += 1
            return Response(202, None) if polled % 9 else Response(200, {})
        response = respond(world, request)
        if request.path.lower().endswith("microsoft.resources/tags/default"):
            where = f"https://management.azure.com{request.path}/of-a-note"
            return Response(202, None, {**response.headers, "Location": where})
        return response

    cli.deploy()
    monkeypatch.setattr(transport, "respond", accepting)
    assert cli.deploy("--at", "04:00")["maintenance-configuration"] == "updated"
    assert note(cli.world) is None
    assert cli("destroy", "--yes").code == Exit.DONE
    assert polled == 0


def test_nothing_is_said_of_it_when_interrupted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def accepting(world: World, request: Request) -> Response:
        response = respond(world, request)
        if request.path.lower().endswith("microsoft.resources/tags/default"):
            where = f"https://management.azure.com{request.path}/of-a-note"
            return Response(202, None, {**response.headers, "Location": where})
        if request.method == "PUT" and "/maintenanceconfigurations/" in request.path.lower():
            signal.raise_signal(signal.SIGINT)
        return response

    cli.deploy()
    monkeypatch.setattr(transport, "respond", accepting)
    error = cli.json("deploy", "--at", "04:00", code=Exit.INTERRUPTED)["error"]
    assert "Azure goes on" not in error["message"]
