"""The log of requests: all of them, for one's own eyes, and nothing that is to stay secret."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox.options import Failure, Options
from tests.patchctl.shell import EMAIL, Cli

pytestmark = pytest.mark.world


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_request_is_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, seen = tmp_path / "debug.jsonl", tmp_path / "seen.jsonl"
    monkeypatch.setenv("PATCHCTL_SANDBOX_RECORD", str(seen))
    assert cli("deploy", *EMAIL, "--debug-log", str(file)).code == 0
    told = lines(file)
    assert len(told) == len(lines(seen))
    assert len({line["request_id"] for line in told}) == len(told)
    for line in told:
        assert {"at", "method", "url", "status", "seconds", "request_id", "azure_time"} <= set(line)
        assert (line["status"] >= 400) is ("errors" in line)


def test_nobody_else_may_read_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "debug.jsonl"
    file.write_text('{"at": "before"}\n', encoding="utf-8")
    file.chmod(0o644)
    assert cli("list", "--debug-log", str(file)).code == 0
    assert lines(file)[0] == {"at": "before"}
    assert len(lines(file)) > 1
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="a named pipe stands for a device")
def test_a_device_stays_everybodys(cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "device"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert cli("list", "--debug-log", str(pipe)).code == 0
        assert os.read(reader, 1)
    finally:
        os.close(reader)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o666


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_full_disk_stops_nothing(cli: Cli) -> None:
    assert cli("list", "--debug-log", "/dev/full").code == 0


def test_no_secret_is_in_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "debug.jsonl"
    cli("deploy", *EMAIL, "--debug-log", str(file))
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"bearer|password|\beyJ", text, re.IGNORECASE)
    kept = {"api-version", "$filter", "$expand", "$top"}
    queries = [line["url"].partition("?")[2] for line in lines(file)]
    others = [pair for q in queries for pair in q.split("&") if pair.partition("=")[0] not in kept]
    assert others
    assert {pair.partition("=")[2] for pair in others} == {"REMOVED"}


def test_what_is_shown_of_an_error_is_in_it(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "debug.jsonl"
    failure = Failure("Microsoft.Insights/actionGroups", times=99, message="Out of order.")
    cli.change(lambda world: setattr(world, "options", Options(failures=[failure])))
    error = cli.json("deploy", *EMAIL, "--debug-log", str(file), code=1)["error"]
    [line] = [line for line in lines(file) if line.get("request_id") == error["request_id"]]
    assert line["errors"][-1]["message"] == error["message"] == "Out of order."


@pytest.mark.parametrize("logged", [True, False])
def test_an_operation_ends_alike_with_it_and_without(
    cli: Cli, tmp_path: Path, logged: bool
) -> None:
    """To log an answer is to read it; what begins an operation comes unread otherwise."""
    code = "MissingSubscriptionRegistration"
    failure = Failure("Microsoft.Network/virtualNetworks", refused=409, times=99, code=code)
    cli.change(lambda world: setattr(world, "options", Options(failures=[failure])))
    log = ("--debug-log", str(tmp_path / "debug.jsonl")) if logged else ()
    error = cli.json("deploy", *EMAIL, *log, code=4)["error"]
    assert error["code"] == code
    assert error["request_id"]
    assert error["resource"].rpartition("/")[0].endswith("/virtualNetworks")


def test_a_place_that_cannot_be_written_is_named(cli: Cli, tmp_path: Path) -> None:
    error = cli.json("list", "--debug-log", str(tmp_path), code=2)["error"]
    assert str(tmp_path) in error["message"]
    assert cli.follow(error).code == 0
