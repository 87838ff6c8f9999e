"""`patchctl sandbox advance`: a patch night as people play it."""

from __future__ import annotations

from typing import Any

import pytest

from patchctl.views import patch_night
from tests.patchctl.shell import EMAIL, Cli

MACHINE = "vm-demo-daab01"


SAVED: dict[str, bytes] = {}
"""The world after a deployment, by the system of its machine: every test begins with it."""


def deploy(cli: Cli, os: str) -> None:
    if os not in SAVED:
        assert cli("sandbox", "reset", "--at", "2026-11-23T12:00").code == 0
        cli.deploy("--os", os, "--no-result-alerts")
        SAVED[os] = cli.store.file.read_bytes()
    cli.store.directory.mkdir(exist_ok=True)
    cli.store.file.write_bytes(SAVED[os])


@pytest.fixture(params=["windows", "linux"])
def deployed(request: pytest.FixtureRequest, cli: Cli) -> Cli:
    deploy(cli, request.param)
    return cli


def advance(cli: Cli, *arguments: str) -> Any:
    return cli.json("sandbox", "advance", *arguments)


def the_turn(document: Any) -> Any:
    (run,) = document["runs"]
    (turn,) = run["machines"]
    assert turn["machine"].endswith(f"/{MACHINE}")
    return turn


def test_a_good_night(deployed: Cli) -> None:
    opening = advance(deployed, "--to", "next-window")
    assert opening["now"] == "2026-11-28T07:00:00.0000000Z"
    assert the_turn(opening)["status"] == "InProgress"
    after = advance(deployed, "--by", "6h")
    turn = the_turn(after)
    assert (turn["status"], turn["error"]) == ("Succeeded", "")
    (run,) = after["runs"]
    assert (run["status"], run["opens"][:16], run["closes"][:16]) == (
        "Succeeded",
        "2026-11-28T07:00",
        "2026-11-28T09:00",
    )
    done = [step["what"] for step in turn["steps"]]
    assert ("install" in done, done[-1]) == (True, "assess")
    assert all(step["start"] <= step["end"] for step in turn["steps"])
    assert "Installed" in turn["updates"].values()
    assert advance(deployed, "--by", "1h")["runs"] == []


def test_it_is_told_in_lines(deployed: Cli) -> None:
    opening = deployed("sandbox", "advance", "--to", "next-window")
    assert "SANDBOX" in opening.err
    assert "In the sandbox it is now 2026-11-28 07:00:00 UTC." in opening.out
    assert "2026-11-28 07:00 to 09:00 UTC: InProgress" in opening.out
    assert "Next: patchctl sandbox advance --by 6h" in opening.out
    after = deployed("sandbox", "advance", "--by", "6h").out
    assert "2026-11-28 07:00 to 09:00 UTC: Succeeded" in after
    assert f"  {MACHINE}  Succeeded at 07:" in after
    assert "Installed" in after
    assert "Next:" not in after


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("--fail-machine", ("0x80072EE2", "package repositories")),
        ("--stop-machine", ("ShutdownOrUnresponsive",) * 2),
    ],
)
def test_a_bad_night(deployed: Cli, fault: str, error: tuple[str, str]) -> None:
    turn = the_turn(advance(deployed, "--by", "6d", fault, MACHINE))
    assert turn["status"] == "Failed"
    assert any(text in turn["error"] for text in error)


def test_a_run_that_has_ended_is_told_once(deployed: Cli) -> None:
    opening = advance(deployed, "--to", "next-window", "--stop-machine", MACHINE)
    assert the_turn(opening)["status"] == "Failed"
    assert advance(deployed, "--by", "1h")["runs"] == []


def test_what_was_stopped_stays_so_until_it_is_started(deployed: Cli) -> None:
    advance(deployed, "--by", "1d", "--stop-machine", MACHINE)
    assert the_turn(advance(deployed, "--by", "7d"))["status"] == "Failed"
    after = advance(deployed, "--by", "7d", "--start-machine", MACHINE)
    assert the_turn(after)["status"] == "Succeeded"


def test_faults_last_as_long_as_the_command(deployed: Cli) -> None:
    assert (
        the_turn(advance(deployed, "--by", "6d", "--fail-machine", MACHINE))["status"] == "Failed"
    )
    assert the_turn(advance(deployed, "--by", "7d"))["status"] == "Succeeded"


@pytest.mark.parametrize(("os", "update"), [("windows", "KB5067910"), ("linux", "openssl")])
def test_an_update_that_fails(cli: Cli, os: str, update: str) -> None:
    deploy(cli, os)
    turn = the_turn(advance(cli, "--by", "6d", "--fail-update", update))
    assert (turn["status"], turn["updates"][update]) == ("Failed", "Failed")
    assert turn["error"].startswith("Failed to install")


def test_wrong_names_are_refused_all_at_once_and_nothing_moves(deployed: Cli) -> None:
    before = deployed.store.file.read_bytes()
    names = ("--fail-machine", "vm-x", "--stop-machine", "vm-y", "--fail-update", "KB1")
    ended = deployed("sandbox", "advance", "--by", "6d", *names, "--fail-update", "nosuch")
    assert ended.code == 2
    for name in ("vm-x", "vm-y", "KB1", "nosuch"):
        assert name in ended.err
    assert deployed.store.file.read_bytes() == before


@pytest.mark.parametrize("arguments", [(), ("--by", "1d", "--to", "next-window")])
def test_how_far_is_said_once(deployed: Cli, arguments: tuple[str, ...]) -> None:
    ended = deployed("sandbox", "advance", *arguments)
    assert ended.code == 2
    assert "--by" in ended.err
    assert "--to next-window" in ended.err


def test_without_a_schedule_there_is_no_window(cli: Cli) -> None:
    ended = cli("sandbox", "advance", "--to", "next-window")
    assert ended.code == 2
    assert "no window is to come" in ended.err


@pytest.mark.parametrize("minute", [30, 40, 41, 44, 46, 59])
def test_the_first_window_that_a_deploy_shows_is_the_first_that_opens(
    cli: Cli, minute: int
) -> None:
    """The schedule of Saturdays at 07:00 UTC, deployed shortly before that."""
    cli("sandbox", "reset", "--at", f"2026-11-28T06:{minute}")
    document = cli.json("deploy", *EMAIL, "--no-result-alerts")
    shown = document["windows"][0]["start"]
    (run,) = advance(cli, "--to", "next-window")["runs"]
    assert run["opens"][:19] == shown[:19]


def trace(statuses: list[str]) -> dict[str, Any]:
    turn = {"error": "", "steps": [], "updates": {}, "end": "2026-11-24T02:30:00.0000000Z"}
    machines = [{**turn, "machine": f"/x/vm{n}", "status": s} for n, s in enumerate(statuses)]
    return {
        "configuration": "nightly",
        "status": "PartiallySucceeded",
        "opens": "2026-11-24T02:00:00.0000000Z",
        "closes": "2026-11-24T04:00:00.0000000Z",
        "machines": machines,
    }


def test_of_many_machines_those_that_failed_are_shown_first() -> None:
    lines = [line.plain for line in patch_night.runs([trace(["Succeeded"] * 40 + ["Failed"])])]
    assert lines[0] == "Run of nightly, 2026-11-24 02:00 to 04:00 UTC: PartiallySucceeded"
    assert lines[1] == "  vm40  Failed at 02:30"
    assert lines[-1] == "  and 21 more; all are in --output json"
    assert len(lines) == 22
