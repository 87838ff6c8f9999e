"""`status` and `report` as people and schedulers meet them, on the sandbox."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from arm_sandbox import by_hand, patch_night
from arm_sandbox.world import Resource, World
from patchctl.errors import Exit
from tests.patchctl.shell import EMAIL, Cli, files_in, put

pytestmark = [pytest.mark.world, pytest.mark.slow]

MACHINE = "Microsoft.Compute/virtualMachines"
CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"
ASSIGNMENT = "Microsoft.Maintenance/configurationAssignments"
START = ("sandbox", "reset", "--at", "2026-11-27T12:00")
"""A Friday; the first window opens on Saturday, 07:00 UTC, and closes at 09:00."""


STANDING: dict[Path, bytes] = {}


@pytest.fixture
def deployed(cli: Cli) -> Cli:
    """It is deployed once for all tests of a process."""
    if not STANDING:
        cli(*START)
        cli.deploy()
        STANDING.update(files_in(cli.store.directory))
    put(STANDING, cli.store.directory)
    return cli


def advance(cli: Cli, to: str) -> None:
    world = cli.world
    patch_night.advance(world, datetime.fromisoformat(f"{to}+00:00").timestamp())
    cli.store.save(world)


def without_runs(cli: Cli) -> None:
    """Take the assignment away, so that nothing runs."""
    cli.change(lambda world: by_hand.delete(world, _only(world, ASSIGNMENT)))


def _only(world: World, type: str) -> Resource:
    (found,) = (r for r in world.resources.values() if r.type.lower() == type.lower())
    return found


# -- status


def test_status_of_a_new_deployment(deployed: Cli) -> None:
    ended = deployed("status")
    assert ended.code == Exit.DONE
    assert "Next window: Sat 2026-11-28 02:00 -0500 = 07:00 to 09:00 UTC, in 18 hours." in ended.out
    assert "1 machine" in ended.out
    assert max(len(line) for line in ended.out.splitlines()) <= 80


def test_an_assessment_that_is_not_to_be_seen_is_not_called_none(deployed: Cli) -> None:
    """It was made by deploy; Azure shows it late, and forgets it in the end."""
    said = deployed("status").out
    assert re.search(r"vm-demo-\w+ +not seen +unknown", said)
    assert "Not seen: Azure shows an assessment within the hour and keeps it for 7 days." in said
    report = deployed("report").out
    assert "No assessment of the last seven days was seen: Azure shows a new one within " in report
    assert "never" not in said + report
    advance(deployed, "2026-11-27T14:00")
    assert "ot seen" not in deployed("status").out + deployed("report").out


def test_status_for_programs(deployed: Cli) -> None:
    found = deployed.json("status")["status"]
    (schedule,) = found["schedules"]
    assert schedule["next_window"]["utc"] == "2026-11-28T07:00:00+00:00"
    assert schedule["next_window"]["local"] == "2026-11-28T02:00:00-05:00"
    assert schedule["last_window"]["past"] == "none"
    (machine,) = found["machines"]
    assert machine["machine"]["power"] == "running"
    assert machine["obstacles"] == []
    assert all(finding["ok"] for finding in machine["settings"])


def test_nothing_deployed(cli: Cli) -> None:
    for command in ("status", "report"):
        document = cli.json(command, code=Exit.NOT_AS_IT_SHOULD_BE)
        assert document["error"]["code"] == "NotDeployed"
        assert "patchctl deploy" in document["error"]["hint"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda m: m.hidden.update(power="deallocated"), "it is deallocated"),
        (
            lambda m: m.properties["osProfile"]["windowsConfiguration"]["patchSettings"].update(
                patchMode="AutomaticByOS"
            ),
            "patchMode is AutomaticByOS, not AutomaticByPlatform",
        ),
    ],
    ids=["off", "drifted"],
)
def test_what_is_in_the_way_is_said(
    deployed: Cli, spoil: Callable[[Resource], None], said: str
) -> None:
    deployed.change(lambda world: spoil(_only(world, MACHINE)))
    ended = deployed("status")
    assert ended.code == Exit.DONE
    assert said in " ".join(ended.out.split())
    assert "1 with something in the way" in ended.out


def test_a_missing_assignment_is_said(deployed: Cli) -> None:
    without_runs(deployed)
    assert "it is not assigned to the schedule" in deployed("status").out


def test_a_machine_that_is_gone_is_said(deployed: Cli) -> None:
    deployed.change(lambda world: by_hand.delete(world, _only(world, MACHINE)))
    assert "it is not there" in deployed("status").out


def test_a_missed_window_fails_once_rows_cannot_be_late(deployed: Cli) -> None:
    without_runs(deployed)
    watch = ("status", "--fail-if-missed")
    assert deployed(*watch).code == Exit.DONE
    advance(deployed, "2026-11-28T09:20")
    early = deployed(*watch)
    assert early.code == Exit.DONE
    assert "its run is not to be seen yet" in " ".join(early.out.split())
    advance(deployed, "2026-11-28T10:20")
    ended = deployed(*watch)
    assert ended.code == Exit.NOT_AS_IT_SHOULD_BE
    assert "has passed, and nothing ran" in " ".join(ended.err.split())
    assert deployed("status").code == Exit.DONE


def test_a_schedule_that_will_never_run_fails_too(deployed: Cli) -> None:
    deployed.change(lambda world: by_hand.delete(world, _only(world, CONFIGURATION)))
    ended = deployed("status", "--fail-if-missed")
    assert ended.code == Exit.NOT_AS_IT_SHOULD_BE
    assert "Nothing will run: its maintenance configuration is gone." in ended.out
    assert "as they should be" not in ended.out


def test_a_schedule_that_expires_is_told(deployed: Cli) -> None:
    def expire(world: World) -> None:
        window = _only(world, CONFIGURATION).properties["maintenanceWindow"]
        window["expirationDateTime"] = "2026-11-24 00:00"

    deployed.change(expire)
    assert "it expired at 2026-11-24 00:00:00 (Eastern Standard Time)" in " ".join(
        deployed("status").out.split()
    )


# -- patch night


def night(cli: Cli, *faults: str) -> None:
    """The next window, and four hours more: every row is there."""
    assert cli("sandbox", "advance", "--to", "next-window", *faults).code == Exit.DONE
    assert cli("sandbox", "advance", "--by", "4h").code == Exit.DONE


def the_machine(cli: Cli) -> str:
    return cli.the(MACHINE).id.rsplit("/", 1)[1]


@pytest.mark.parametrize("os", ["windows", "linux"])
def test_a_good_night(cli: Cli, os: str) -> None:
    cli(*START)
    cli.deploy("--os", os)
    night(cli)
    ended = cli("status", "--fail-if-missed")
    assert ended.code == Exit.DONE
    assert "Sat 2026-11-28 07:00 UTC: Succeeded, 1 of 1 machines succeeded." in ended.out
    assert "Settings, assignment and power are as they should be." in ended.out
    report = cli.json("report")["report"]
    assert report["compliance"]["compliant"] == report["compliance"]["machines"] == 1
    (run,) = report["runs"]
    assert (run["machines"], run["succeeded"], run["failed"]) == (1, 1, 0)
    assert run["installed"] == sum(update["machines"] for update in report["installed"]) > 0
    named = "kb" if os == "windows" else "version"
    assert all(update[named] and update["classification"] for update in report["installed"])
    assert report["failures"] == []


def test_a_window_that_is_open_is_said(deployed: Cli) -> None:
    deployed("sandbox", "advance", "--to", "next-window")
    assert "A window is open until 09:00 UTC." in deployed("status").out


def test_an_update_that_failed_is_named_with_its_reason(deployed: Cli) -> None:
    advance(deployed, "2026-11-27T14:00")
    lacking = deployed.json("report")["report"]["pending"]
    patch = next(update for update in lacking if update["classification"] == "Security")
    night(deployed, "--fail-update", f"KB{patch['kb']}")
    (failure,) = deployed.json("report")["report"]["failures"]
    assert failure["updates"] == [patch["name"]]
    assert failure["reason"].startswith("Failed to install")
    out = " ".join(deployed("status").out.split())
    assert f"{the_machine(deployed)}: the last run ended Failed: Failed to install" in out


def test_a_machine_that_is_off_is_said_before_and_after(deployed: Cli) -> None:
    night(deployed, "--stop-machine", the_machine(deployed))
    out = " ".join(deployed("status", "--fail-if-missed").out.split())
    assert "Failed, 0 of 1 machines succeeded." in out
    assert "it is deallocated, and Azure does not start it." in out
    (failure,) = deployed.json("report")["report"]["failures"]
    assert "ShutdownOrUnresponsive" in failure["reason"]
    assert failure["updates"] == []


def test_a_report_of_one_night(deployed: Cli) -> None:
    night(deployed)
    night(deployed, "--stop-machine", the_machine(deployed))
    runs = deployed.json("report")["report"]["runs"]
    assert [run["id"].rsplit("/", 1)[1] for run in runs] == ["20261205070000", "20261128070000"]
    report = deployed.json("report", "--run", "20261128070000")["report"]
    assert report["run"] == runs[1]["id"]
    assert (report["failures"], len(report["installed"])) == ([], runs[1]["installed"])


def test_what_azure_has_forgotten_the_history_knows(cli: Cli) -> None:
    cli(*START)
    cli.deploy("--no-result-alerts")
    night(cli)
    before = cli.json("report")["report"]
    cli("sandbox", "advance", "--by", "5w", "--stop-machine", the_machine(cli))
    after = cli.json("report", "--since", "10w")["report"]
    (first,) = (run for run in after["runs"] if run["id"] == before["runs"][0]["id"])
    assert first == before["runs"][0]
    names = {update["name"] for update in after["installed"]}
    assert names >= {update["name"] for update in before["installed"]}
    assert after["compliance"]["no_data"] == 1
    assert cli.json("report")["report"]["installed"] == []


def test_the_first_window_is_a_schedule_like_the_other(deployed: Cli) -> None:
    deployed.deploy("--first", "now")
    found = deployed.json("status")["status"]["schedules"]
    assert [schedule["next_window"]["utc"][:10] for schedule in found] == [
        "2026-11-28",
        "2026-11-27",
    ]
    night(deployed)
    found = deployed.json("status", "--fail-if-missed")["status"]["schedules"]
    assert [schedule["last_window"]["past"] for schedule in found] == ["none", "ran"]


@pytest.mark.parametrize("form", ["text", "html", "csv", "json", "eml"])
def test_every_form_tells_of_the_night(deployed: Cli, form: str) -> None:
    night(deployed)
    out = deployed("report", "--format", form).out
    assert the_machine(deployed) in out or form == "eml"
    assert "KB890830" in out or "890830" in out


# -- report


FORMATS = {
    "text": b"Patch report: demo (SANDBOX)",
    "html": b"<!doctype html>",
    "csv": b"machine,machine_id,os",
    "json": b'{\n  "compliance"',
    "eml": b"Subject: [SANDBOX] Patch report demo",
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_to_stdout_and_to_a_file(deployed: Cli, tmp_path: Path, form: str) -> None:
    ended = deployed("report", "--format", form)
    assert ended.code == Exit.DONE
    assert ended.out.encode().startswith(FORMATS[form])
    file = tmp_path / f"report.{form}"
    assert deployed("report", "--format", form, "--out", str(file)).code == Exit.DONE
    assert file.read_bytes().startswith(FORMATS[form])


def test_names_are_folded_in_terminals_only(
    deployed: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance(deployed, "2026-11-27T14:00")
    pending = deployed.json("report")["report"]["pending"]
    names = {each["name"] for each in pending}
    assert max(len(name) for name in names) > 60
    file = tmp_path / "report.txt"
    deployed("report", "--out", str(file))
    for said in (deployed("report").out, file.read_text("utf-8")):
        assert all(name in said for name in names)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "70")
    assert max(len(line) for line in deployed("report").out.splitlines()) <= 70


def test_the_ending_of_the_file_says_the_format(deployed: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.HTML"
    assert deployed("report", "--out", str(file)).code == Exit.DONE
    assert file.read_bytes().startswith(b"<!doctype html>")
    other = tmp_path / "report.txt"
    deployed("report", "--out", str(other))
    assert other.read_text("utf-8").startswith("Patch report: demo")


def test_an_older_file_is_replaced_whole(deployed: Cli, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    file.write_text("x" * 100_000)
    deployed("report", "--out", str(file))
    assert file.read_bytes().startswith(b"machine,")
    assert [each.name for each in tmp_path.glob(".report*")] == []


def test_json_of_the_command_holds_the_report_and_names_the_file(
    deployed: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    document = deployed.json("report", "--out", str(file))
    assert document["file"] == str(file)
    assert document["report"]["compliance"]["machines"] == 1
    assert deployed.json("report")["report"]["deployment"] == "demo"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--since", "long"], "--since"),
        (["--run", "20260101000000"], "--run"),
        (["--out", "nowhere/report.html"], "--out"),
        (["--out", "."], "--out"),
        (["--format", "csv", "--output", "json"], "stdout holds the document"),
        (["--format", "docx"], "docx"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_for(deployed: Cli, arguments: list[str], problem: str) -> None:
    ended = deployed("report", *arguments)
    assert ended.code == Exit.USAGE
    assert problem in ended.out + ended.err


def test_a_disk_that_is_full_leaves_the_old_file(
    deployed: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, replace = tmp_path / "report.html", os.replace
    file.write_text("old")

    def refuse(half: Path, whole: Path) -> None:
        if whole == file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(half, whole)

    monkeypatch.setattr("os.replace", refuse)
    ended = deployed("report", "--out", str(file))
    assert ended.code == Exit.FAILED
    assert f"{file} cannot be written: No space left on device" in " ".join(ended.err.split())
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.glob(".report*")] == []


# -- history


def histories(cli: Cli) -> list[Path]:
    return sorted((cli.store.directory / "history").rglob("*.sqlite"))


def test_each_look_is_kept_beside_the_world_of_the_sandbox(deployed: Cli) -> None:
    deployed("status")
    deployed("report")
    (file,) = histories(deployed)
    assert file.stem == "demo"
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*), sum(here) FROM machine").fetchall() == [(1, 1)]
    connection.close()
    deployed(*START)
    assert histories(deployed) == []


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_damaged_history_is_told_and_stops_nothing(deployed: Cli, command: str) -> None:
    deployed(command)
    (file,) = histories(deployed)
    file.write_bytes(b"not a database" * 1000)
    ended = deployed(command)
    assert ended.code == Exit.DONE
    assert f"The history in {file} cannot be used" in " ".join(ended.err.split())
    assert "vm-demo" in ended.out


def test_a_history_holds_no_secrets(deployed: Cli) -> None:
    deployed("report")
    (file,) = histories(deployed)
    content = file.read_bytes()
    for word in (b"eyJ", b"password", EMAIL[1].encode(), b"Bearer"):
        assert word not in content
