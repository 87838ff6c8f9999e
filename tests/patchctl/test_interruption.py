"""Ctrl-C once and twice, SIGTERM, and readers that go away: at any call, in every command."""

from __future__ import annotations

import gc
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox import transport
from arm_sandbox.app import respond
from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl.errors import Exit
from patchctl.steps import STEPS
from tests.patchctl.shell import EMAIL, Cli, outcomes

pytestmark = [pytest.mark.world, pytest.mark.slow]

PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")
IN_HAND = 16
"""So much is asked at once at most, and may be on its way when the signal comes."""
MACHINES = "microsoft.compute/virtualmachines"
MAKES_A_MACHINE = re.compile("^PUT .*/virtualMachines/[^/]+$")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows can send no signal to a process")


@dataclass
class Striking:
    """Stands before the sandbox, and raises signals in the middle of the `nth` request."""

    nth: int = 0
    signals: tuple[signal.Signals, ...] = ()
    asked: list[str] = field(default_factory=list)

    def respond(self, world: World, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.path}")
        response = respond(world, request)
        if len(self.asked) == self.nth:
            for number in self.signals:
                signal.raise_signal(number)
        return response

    def at(self, nth: int, *signals: signal.Signals) -> None:
        self.nth, self.signals = nth, signals
        self.asked.clear()


@pytest.fixture
def strike(monkeypatch: pytest.MonkeyPatch) -> Striking:
    striking = Striking()
    monkeypatch.setattr(transport, "respond", striking.respond)
    return striking


def calls_of(cli: Cli, strike: Striking, *command: str) -> int:
    """How many requests a command makes that nobody disturbs."""
    strike.at(0)
    assert cli(*command).code == 0
    return len(strike.asked)


def interrupted(cli: Cli, *command: str) -> Any:
    """The error of a command that is interrupted."""
    error = cli.json(*command, code=Exit.INTERRUPTED)["error"]
    assert error["code"] == "Interrupted"
    assert error["next"].startswith(f"patchctl {command[0]} ")
    return error


def the_same_again(cli: Cli) -> None:
    """The same command goes on, and ends with everything, once of each."""
    cli.deploy()
    assert set(outcomes(cli.json("deploy", *EMAIL)).values()) == {"unchanged"}
    assert len(cli.world.of_type[MACHINES]) == 1


# -- at any call


def test_ctrl_c_in_a_deploy(cli: Cli, strike: Striking) -> None:
    _disturb_deploys(cli, strike, (signal.SIGINT,), times=2)


def test_ctrl_c_twice_in_a_deploy(cli: Cli, strike: Striking) -> None:
    _disturb_deploys(cli, strike, (signal.SIGINT, signal.SIGINT), times=1)


def test_sigterm_in_a_deploy(cli: Cli, strike: Striking) -> None:
    _disturb_deploys(cli, strike, (signal.SIGTERM,), times=1)


@pytest.mark.nightly
@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGINT)])
def test_at_every_call(cli: Cli, strike: Striking, signals: tuple[signal.Signals, ...]) -> None:
    """The matrix has all of it too; this one looks at what is still asked for afterwards."""
    _disturb_deploys(cli, strike, signals, times=1000)


def _disturb_deploys(
    cli: Cli, strike: Striking, signals: tuple[signal.Signals, ...], times: int
) -> None:
    """At its first call, at its last, and at some between."""
    command = ("deploy", *EMAIL)
    last = calls_of(cli, strike, *command)
    chosen = random.Random(7).sample(range(2, last), min(times, last - 2))
    for nth in (1, *sorted(chosen), last):
        assert cli("sandbox", "reset").code == 0
        strike.at(nth, *signals)
        interrupted(cli, *command)
        gc.collect()  # what is left unfinished would tell of it now
        assert len(strike.asked[nth:]) <= (0 if len(signals) > 1 else IN_HAND)
        strike.at(0)
        the_same_again(cli)


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT)])
def test_in_a_destroy(cli: Cli, strike: Striking, signals: tuple[signal.Signals, ...]) -> None:
    cli.deploy()
    stood = json.loads(cli.world.saved())
    last = calls_of(cli, strike, "destroy", "--yes")
    for nth in range(1, last, 9):
        cli.store.save(World.from_json(stood))
        strike.at(nth, *signals)
        interrupted(cli, "destroy", "--yes")
        strike.at(0)
        assert cli("destroy", "--yes").code == 0
        assert not cli.world.resources


@pytest.mark.parametrize(
    "command",
    [
        ("plan",),
        ("validate",),
        ("status",),
        ("report",),
        ("list",),
        ("test-notify",),
        pytest.param(("rehearse",), marks=pytest.mark.slow),
    ],
    ids=lambda command: command[0],
)
def test_in_every_other_command(cli: Cli, strike: Striking, command: tuple[str, ...]) -> None:
    cli.deploy()
    last, before = calls_of(cli, strike, *command), cli.world.events
    for nth in (1, last // 3, last // 2):
        strike.at(nth, signal.SIGTERM)
        interrupted(cli, *command)
        assert len(strike.asked) <= nth + IN_HAND
    if command != ("test-notify",):
        assert cli.world.events == before


def test_what_was_made_for_a_test_is_taken_away_again(cli: Cli, strike: Striking) -> None:
    cli.deploy()
    cli("sandbox", "advance", "--by", "15m")
    before = set(cli.world.resources)
    calls_of(cli, strike, "test-notify", "--end-to-end")
    made = next(n for n, asked in enumerate(strike.asked, 1) if asked.startswith("PUT "))
    for nth in (made, made + 1):
        strike.at(nth, signal.SIGINT)
        interrupted(cli, "test-notify", "--end-to-end")
        assert set(cli.world.resources) == before


# -- what is said


def test_what_azure_goes_on_with_is_named(cli: Cli, strike: Striking) -> None:
    calls_of(cli, strike, "deploy", *EMAIL)
    [machine] = [asked for asked in strike.asked if MAKES_A_MACHINE.search(asked)]
    made = strike.asked.index(machine) + 1
    cli("sandbox", "reset")
    strike.at(made, signal.SIGINT)
    ended = cli("deploy", *EMAIL)
    assert ended.code == Exit.INTERRUPTED
    assert "error: Interrupted while at work on " in ended.err
    assert re.search(r"Done: resource-providers, .*network", ended.err)
    name = machine.rpartition("/")[2]
    assert f"Azure goes on making virtualMachines/{name}" in ended.err
    assert "register" not in ended.err
    assert "next: Run the same command again to finish: patchctl deploy --email " in ended.err


@pytest.mark.parametrize("asked", ["POST .*/register$", "GET .*/providers/Microsoft.Maintenance$"])
def test_a_registration_that_azure_goes_on_with_is_named(
    cli: Cli, strike: Striking, asked: str
) -> None:
    calls_of(cli, strike, "deploy", *EMAIL)
    last = max(n for n, each in enumerate(strike.asked, 1) if "/register" in each)
    found = [n for n, each in enumerate(strike.asked, 1) if re.search(asked, each) and n >= last]
    cli("sandbox", "reset")
    strike.at(found[0], signal.SIGINT)
    ended = cli("deploy", *EMAIL)
    assert ended.code == Exit.INTERRUPTED
    assert "with register of providers/Microsoft.Maintenance" in ended.err
    assert "providers/Microsoft.Compute" not in ended.err


def test_every_step_has_an_outcome(cli: Cli, strike: Striking) -> None:
    last = calls_of(cli, strike, "deploy", *EMAIL)
    cli("sandbox", "reset")
    strike.at(last // 2, signal.SIGINT)
    document = cli.json("deploy", *EMAIL, code=Exit.INTERRUPTED)
    assert [step["step"] for step in document["steps"]] == [step.NAME for step in STEPS]
    assert "interrupted" in outcomes(document).values()


# -- processes


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_ends_in_order(cli: Cli, number: signal.Signals) -> None:
    paced = {**os.environ, "PATCHCTL_SANDBOX_PACE": "10"}
    command = [*PATCHCTL, "deploy", *EMAIL, "--yes"]
    with subprocess.Popen(command, env=paced, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "virtual-machine ..." not in process.stderr.readline():
            pass
        process.send_signal(number)
        told = process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert "error: Interrupted while at work on " in told
    the_same_again(cli)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes a request and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@posix
def test_nobody_waits_for_a_server_that_never_answers(silent: str) -> None:
    command = [*PATCHCTL, "list", "--endpoint", silent]
    environment = {k: v for k, v in os.environ.items() if k != "PATCHCTL_SANDBOX"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "patchctl" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == Exit.INTERRUPTED
        assert process.stderr.read().startswith("error: Interrupted. ")


# -- readers that go away


@posix
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_nobody_listens(cli: Cli, closed: str) -> None:
    """The command does its work to the end, and says nothing of Python's."""
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writing}
    command, out, err = [*PATCHCTL, "deploy", *EMAIL], streams["stdout"], streams["stderr"]
    done = subprocess.run(command, stdout=out, stderr=err, text=True, check=False)
    os.close(writing)
    assert done.returncode == Exit.DONE
    assert "Traceback" not in (done.stderr or "")
    assert "BrokenPipe" not in (done.stderr or "")
    assert len(cli.world.of_type[MACHINES]) == 1


@posix
def test_streams_that_are_closed_from_the_start(cli: Cli) -> None:
    words = " ".join(f"'{word}'" for word in PATCHCTL)
    planned = f"{words} plan --email ops@example.com >&- 2>&-"
    assert subprocess.run(["sh", "-c", planned], check=False).returncode == Exit.DONE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("form", [pytest.param("text", marks=pytest.mark.slow), "json"])
def test_a_result_that_cannot_be_written_is_told(cli: Cli, form: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*PATCHCTL, "plan", *EMAIL, "--output", form],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == Exit.FAILED
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_world_is_whole_after_all(cli: Cli, strike: Striking) -> None:
    strike.at(3, signal.SIGINT, signal.SIGINT)
    interrupted(cli, "deploy", *EMAIL)
    assert Store(cli.store.directory).load().now >= cli.world.now
