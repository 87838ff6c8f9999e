"""What cannot be is refused before anything is touched, in words that say what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from arm_sandbox.store import Store
from patchctl.cli import main

EMAIL = ("--email", "you@example.com")


@dataclass
class Desk:
    """A directory to work in, with a sandbox in it."""

    directory: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def store(self) -> Store:
        return Store(self.directory / "sandbox")

    def run(self, *arguments: str) -> tuple[object, str]:
        """Run a command; its exit code and what it said to people."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        return end.value.code, self.capsys.readouterr().err

    def refused(self, *arguments: str) -> str:
        """Run a command that has to be refused with nothing touched; the words it found."""
        before = self.standing()
        code, said = self.run(*arguments)
        assert code == 2, said
        assert self.standing() == before
        assert "Traceback" not in said
        return said

    def standing(self) -> object:
        if not self.store.file.exists():
            return {}, [], [], {}
        world = self.store.load()
        bodies = {id: resource.body for id, resource in world.resources.items()}
        return bodies, world.events, world.mails, world.registrations


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATCHCTL_SANDBOX", "1")
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(tmp_path / "sandbox"))
    return Desk(tmp_path, capsys)


REFUSED = {
    "no e-mail address": (["--email", "nobody"], ["--email", "'nobody'", "you@example.com"]),
    "e-mail without a domain": (["--email", "a@b"], ["--email", "'a@b'", "you@example.com"]),
    "e-mail of a domain in letters of its own": (
        ["--email", "ops@exämple.com"],
        ["--email", "'ops@exämple.com'", "ASCII", "xn--"],
    ),
    "e-mail of a name in letters of its own": (
        ["--email", "ä@example.com"],
        ["--email", "'ä@example.com'", "ASCII"],
    ),
    "e-mail with a colon": (["--email", "ops:a@example.com"], ["--email", "'ops:a@example.com'"]),
    "e-mail too long": (
        ["--email", f"{'x' * 60}@example.com"],
        ["--email", "72 characters", "takes 64"],
    ),
    "window too long": (["--duration", "05:00"], ["--duration", "05:00", "01:30 to 03:55"]),
    "window too short": (["--duration", "01:25"], ["--duration", "01:25", "01:30 to 03:55"]),
    "no duration": (["--duration", "long"], ["--duration", "'long'", "HH:MM"]),
    "no time of day": (["--at", "25:00"], ["--at", "25:00", "HH:MM"]),
    "month without a day": (["--recur", "Month"], ["--recur", "1Month day15"]),
    "abbreviated zone": (["--time-zone", "EST5"], ["--time-zone", "EST5", "Eastern Standard Time"]),
    "first day in the past": (["--first", "2020-01-01"], ["--first", "2020-01-01", "later day"]),
    "no date": (["--first", "soon"], ["--first", "'soon'", "2027-01-02"]),
    "name with other characters": (["--name", "Web_1"], ["--name", "'Web_1'", "web-1"]),
    "name too long": (["--name", "x" * 51], ["--name", "51 characters", "takes 50"]),
    "unknown location": (["--location", "mars"], ["--location", "'mars'", "eastus"]),
    "size not offered": (
        ["--size", "Standard_Huge"],
        ["--size", "'Standard_Huge' is not offered", "Standard_B2s"],
    ),
    "packages for Windows": (["--exclude-package", "vim"], ["--exclude-package: ", "linux only"]),
    "empty id": (["--subnet="], ["--subnet: '' is no id", "/subscriptions/ID"]),
    "id of another kind": (
        ["--subnet", "/subscriptions/1/resourceGroups/g/providers/Microsoft.Network/subnets/s"],
        ["--subnet", "/virtualNetworks/NETWORK/subnets/NAME"],
    ),
    "unknown system": (["--os", "beos"], ["--os", "'beos'", "windows", "linux"]),
    "tag without a value": (["--tag", "owner"], ["--tag", "'owner'", "owner=platform"]),
    "tag name too long": (["--tag", f"{'k' * 513}=v"], ["--tag", "512 characters"]),
    "tag name with a slash": (["--tag", "a/b=v"], ["--tag", "'a/b'", "none of <>%&\\?/"]),
    "tag value too long": (["--tag", f"k={'v' * 257}"], ["--tag", "'k'", "257", "takes 256"]),
    "reserved tag": (["--tag", "managed-by=me"], ["--tag", "'managed-by'", "reserved"]),
    "too many tags": (
        [word for n in range(26) for word in ("--tag", f"t{n}=v")],
        ["--tag", "26 tags", "room for 25"],
    ),
    "no number": (
        ["--parallelism", "many"],
        ["--parallelism: 'many' is not possible; a whole number from 1 to 64 is wanted"],
    ),
    "number too small": (
        ["--timeout", "0"],
        ["--timeout: '0' is not possible; a number from 1 to 1440 is wanted\n"],
    ),
    "no file of machines": (
        ["--vm", "@missing.txt"],
        ["error: --vm @missing.txt: No such file or directory\n"],
    ),
    "unknown option": (["--emial", "you@example.com"], ["--emial", "--email", "deploy --help"]),
    "unknown output": (
        ["--output", "xml"],
        ["error: --output: 'xml' is not one of 'text', 'json'\n", "deploy --help"],
    ),
    "unknown subscription": (
        ["--subscription", "Nowhere"],
        ["--subscription", "'Nowhere'", "Sandbox"],
    ),
}


@pytest.mark.parametrize("command", ["deploy", "plan"])
@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(desk: Desk, command: str, arguments: list[str], words: list[str]) -> None:
    said = desk.refused(command, *([] if "--email" in arguments else EMAIL), *arguments)
    for word in words:
        assert word.replace("deploy", command) in said


def test_nobody_to_mail(desk: Desk) -> None:
    assert "--email you@example.com" in desk.refused("deploy")


def test_every_problem_is_told_at_once(desk: Desk) -> None:
    said = desk.refused(
        *("deploy", "--email", "nobody", "--duration", "05:00", "--recur", "Month"),
        *("--name", "Web_1", "--tag", "a/b=v"),
    )
    for option in ("--email", "--duration", "--recur", "--name", "--tag"):
        assert f"{option}: " in said


def test_what_does_not_fit_together_is_told_with_what_is_wrong_by_itself(desk: Desk) -> None:
    said = desk.refused("deploy", "--email", "nobody", "--classification", "Sundries")
    assert "--email: " in said
    assert "--classification: 'Sundries' is not known for windows" in said


def test_a_system_that_is_wrong_itself_is_no_reason_to_blame_another_key(desk: Desk) -> None:
    text = '[machine]\nos = "beos"\n[patches]\ninclude_packages = ["bash"]'
    (desk.directory / "patchctl.toml").write_text(text, encoding="utf-8")
    said = desk.refused("deploy", *EMAIL)
    assert "machine.os in patchctl.toml: " in said
    assert "include_packages" not in said


def test_what_is_no_text_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHCTL_NAME", "w\udcff")
    said = desk.refused("deploy", "--email", "a\udcff@example.com", "--tag", "a=\udcff")
    assert "PATCHCTL_NAME: 'w\\udcff' is not text in UTF-8" in said
    assert said.count("the command line: ") == 2


def test_a_record_that_cannot_be_kept_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATCHCTL_SANDBOX_RECORD", str(tmp_path / "nowhere" / "record.jsonl"))
    assert "PATCHCTL_SANDBOX_RECORD: " in desk.refused("deploy", *EMAIL)


@pytest.mark.parametrize(
    ("variable", "value", "right"),
    [
        ("PATCHCTL_DURATION", "05:00", "01:30 to 03:55"),
        ("PATCHCTL_EMAIL", "nobody", "you@example.com"),
        ("PATCHCTL_NAME", "Web_1", "web-1"),
    ],
)
def test_the_environment_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, right: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = desk.refused("deploy", *([] if variable == "PATCHCTL_EMAIL" else EMAIL))
    assert f"{variable}: " in said
    assert right in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('emials = ["you@example.com"]', ["emials in patchctl.toml", "no such key", "emails"]),
        ('[schedule]\ntime = "02:00"', ["schedule.time in patchctl.toml", "no such key", "at"]),
        ('[schedule]\nduration = "05:00"', ["schedule.duration in patchctl.toml", "03:55"]),
        ("emails = [", ["patchctl.toml", "not TOML"]),
        ('schedule = "daily"', ["schedule in patchctl.toml: 'daily'", "a table is wanted"]),
        (
            '[patches]\nexclude_kbs = "KB5031364"',
            ["patches.exclude_kbs in patchctl.toml: 'KB5031364'", "a list in square brackets"],
        ),
        ("[schedule]\nat = 2", ["schedule.at in patchctl.toml: 2", "text in quotes is wanted"]),
        ("[[machines]]\nvmm = 1", ["vm is missing", "no such key; known are vm\n"]),
        ("timeout = 1.5", ["timeout in patchctl.toml: 1.5", "a whole number from 1 to 1440"]),
    ],
    ids=[
        *("unknown key", "unknown key in a section", "bad value", "not TOML", "no section"),
        *("no list", "no text", "unknown key of a machine", "no whole number"),
    ],
)
def test_a_file_that_cannot_be_used(desk: Desk, text: str, words: list[str]) -> None:
    (desk.directory / "patchctl.toml").write_text(text, encoding="utf-8")
    said = desk.refused("deploy", *EMAIL)
    for word in words:
        assert word in said


def test_a_file_that_is_not_there(desk: Desk) -> None:
    said = desk.refused("deploy", *EMAIL, "--config", "nowhere.toml")
    assert "nowhere.toml: No such file" in said
    assert "--config" in said


def test_an_unknown_command(desk: Desk) -> None:
    assert "nope" in desk.refused("nope")


def test_destroy_with_nobody_to_ask(desk: Desk) -> None:
    assert desk.run("deploy", *EMAIL)[0] == 0
    assert "--yes" in desk.refused("destroy")


def test_a_deployment_that_stands_keeps_its_place_and_system(desk: Desk) -> None:
    assert desk.run("deploy", *EMAIL)[0] == 0
    assert "--location: westeurope is asked for and eastus stands" in desk.refused(
        "deploy", "--location", "westeurope"
    )
    assert "--os: linux is asked for and windows stands" in desk.refused("deploy", "--os", "linux")
    assert "--size: Standard_B1s is asked for" in desk.refused("deploy", "--size", "Standard_B1s")


def test_a_file_to_restore_from_that_cannot_be_used(desk: Desk) -> None:
    restoring = ("destroy", "--yes", "--restore-from")
    assert "error: --restore-from nofile: No such file" in desk.refused(*restoring, "nofile")
    (desk.directory / "empty.json").write_text("{}", encoding="utf-8")
    assert "empty.json: no file that deploy has kept" in desk.refused(*restoring, "empty.json")


@pytest.mark.parametrize(
    ("arguments", "said", "help"),
    [
        ("report --format pdf", "--format: 'pdf' is not one of 'text', 'html'", "report"),
        ("sandbox advance --to never", "--to: 'never' is not one of", "sandbox advance"),
        ("sandbox outbox -1", "No such option: -1", "sandbox outbox"),
        ("sandbox outbox one", "number: 'one' is not possible; a whole", "sandbox outbox"),
        ("sandbox reset --subscriptions 0", "a number from 1 to 200", "sandbox reset"),
        ("sandbox serve --speed 0", "a number of at least 1 is wanted", "sandbox serve"),
        ("sandbox nope", "No such command 'nope'", "sandbox"),
    ],
)
def test_what_the_parser_refuses_is_told_as_all_else(
    desk: Desk, arguments: str, said: str, help: str
) -> None:
    words = desk.refused(*arguments.split())
    assert said in words
    assert f"patchctl {help} --help\n" in words


def test_the_parser_names_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHCTL_YES", "perhaps")
    said = desk.refused("destroy")
    assert "PATCHCTL_YES: 'perhaps' is not possible; true or false is wanted" in said


def test_what_is_wrong_with_a_world_is_told_as_all_else(desk: Desk) -> None:
    text = 'speed = 3\nread_lag = "x"\n[[failures]]\nnth = "x"\n[[faults]]\nkind = "bad"\n'
    (desk.directory / "world.toml").write_text(text, encoding="utf-8")
    said = desk.refused("sandbox", "reset", "--with", "world.toml")
    for words in (
        "speed: no such key",
        "read_lag: 'x' is not possible; a list in square brackets is wanted",
        "failures.0.type: type is missing",
        "failures.0.nth: 'x' is not possible; a whole number is wanted",
        "faults.0.kind: 'bad' is not possible; choose from 'connection-refused', ",
    ):
        assert f"--with world.toml: {words}" in said


@pytest.mark.parametrize("ending", ["pdf", "2026-11"])
def test_a_report_is_not_written_into_a_file_of_another_kind(desk: Desk, ending: str) -> None:
    assert desk.run("deploy", *EMAIL)[0] == 0
    said = desk.refused("report", "--out", f"x.{ending}")
    assert f"--out: .{ending} is no ending of a report" in said
    assert "choose from .txt, .html, .csv, .json, .eml\n" in said
    assert "--format" in said
    assert "where it is" not in said  # nobody has been asked yet
    assert not Path(f"x.{ending}").exists()
    assert desk.run("report", "--out", f"x.{ending}", "--format", "csv")[0] == 0
    assert desk.run("report", "--out", "x.TXT")[0] == 0
