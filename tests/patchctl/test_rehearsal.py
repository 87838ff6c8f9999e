"""`patchctl rehearse`: a copy plays the night, and what stands is left alone."""

from __future__ import annotations

import re

import pytest

from arm_sandbox import by_hand
from arm_sandbox.world import World
from tests.fleet.building import build
from tests.patchctl.own_machines import quiet
from tests.patchctl.shell import EMAIL, Cli

pytestmark = [pytest.mark.world, pytest.mark.slow]


def subjects(document: dict[str, object]) -> list[str]:
    rehearsal = document["rehearsal"]
    assert isinstance(rehearsal, dict)
    return [mail["subject"].split("Alert ")[1].split(" on ")[0] for mail in rehearsal["mails"]]


def turns(document: dict[str, object]) -> list[dict[str, str]]:
    rehearsal = document["rehearsal"]
    assert isinstance(rehearsal, dict)
    return [turn for run in rehearsal["runs"] for turn in run["machines"]]


def change(cli: Cli, name: str, path: str, value: object) -> None:
    def edit(world: World) -> None:
        by_hand.edit(world, by_hand.resource(world, name), path, value)

    cli.change(edit)


def test_what_is_asked_for_needs_nothing_that_stands(cli: Cli) -> None:
    document = cli.json("rehearse", "--planned", *EMAIL)
    assert [turn["status"] for turn in turns(document)] == ["Succeeded"]
    assert subjects(document) == []
    assert not cli.world.resources


def test_a_file_alone_is_enough(cli: Cli) -> None:
    (cli.store.directory / "patchctl.toml").write_text(
        'emails = ["ops@example.com"]\n[machine]\nos = "linux"\n[schedule]\nrecur = "1Day"\n',
        encoding="utf-8",
    )
    ended = cli("rehearse", "--planned")
    assert ended.code == 0
    assert "SANDBOX" in ended.out
    assert "reboots" in ended.out or "is assessed" in ended.out


def test_wishes_come_true(cli: Cli) -> None:
    cli.deploy()
    machine = "vm-demo-daab01"
    failed = cli.json("rehearse", "--fail-machine", machine)
    assert subjects(failed) == ["Patch-Run-Failed-demo-daab01"]
    stopped = cli.json("rehearse", "--stop-machine", machine)
    assert "ShutdownOrUnresponsive" in turns(stopped)[0]["error"]
    assert subjects(stopped) == ["Patch-Run-Failed-demo-daab01"]


def test_names_that_nothing_has_are_refused(cli: Cli) -> None:
    ended = cli("rehearse", "--planned", *EMAIL, "--stop-machine", "nobody", "--fail-update", "KB1")
    assert ended.code == 2
    assert "nobody" in ended.err
    assert "KB1" in ended.err


def test_what_stands_is_copied_with_its_drift_and_left_alone(cli: Cli) -> None:
    cli.deploy()
    [vm] = [r for r in cli.world.resources.values() if r.type.endswith("/virtualMachines")]
    settings = "properties.osProfile.windowsConfiguration.patchSettings"
    change(cli, vm.id, f"{settings}.automaticByPlatformSettings", None)
    before = cli.world.resources
    document = cli.json("rehearse")
    assert turns(document)[0]["status"] == "Failed"
    assert subjects(document) == ["Patch-Run-Failed-demo-daab01"]
    assert cli.world.resources == before


def test_a_missing_assignment_is_mailed_as_a_missing_run(cli: Cli) -> None:
    cli.deploy()
    cli.change(
        lambda world: by_hand.delete(
            world, by_hand.resource(world, "assign-mc-weekly-patches-daab01")
        )
    )
    document = cli.json("rehearse")
    assert turns(document) == []
    assert subjects(document) == ["Patch-Run-Missed-demo-daab01"]
    assert "Nothing runs" in cli("rehearse").out


def test_without_rules_nobody_is_mailed(cli: Cli) -> None:
    cli.deploy("--no-result-alerts")
    assert subjects(cli.json("rehearse", "--fail-machine", "vm-demo-daab01")) == []


def test_your_own_machines_are_refused_in_words(cli: Cli) -> None:
    (cli.store.directory / "patchctl.toml").write_text(
        'name = "fleet"\nemails = ["ops@example.com"]\n[[machines]]\nvm = "web-*"\n',
        encoding="utf-8",
    )
    ended = cli("rehearse", "--planned")
    assert ended.code == 2
    assert "machines in patchctl.toml: your own machines cannot be rehearsed yet" in ended.err
    assert ended.err.rstrip().endswith("patchctl plan --name fleet")


def test_your_own_machines_that_stand_are_looked_at_by_their_name(cli: Cli) -> None:
    cli.store.save(build(quiet(1)))
    assert cli("deploy", "--name", "fleet", "--vm", "*", *EMAIL).code == 0
    error = cli.json("rehearse", "--name", "fleet", code=2)["error"]
    assert error["next"] == "patchctl status --name fleet --output json"
    assert cli.follow(error).code == 0


def test_the_help_says_that_your_own_machines_are_refused(cli: Cli) -> None:
    said = " ".join(cli("rehearse", "--help").out.split())
    assert re.search(r"--vm ID\|NAME Refused: your own machines cannot be rehearsed yet", said)
