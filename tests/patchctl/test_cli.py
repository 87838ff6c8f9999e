"""The command line as programs and people meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from patchctl import __version__
from patchctl.cli import app, main
from patchctl.config import Config, Machine, Model, Patches, Schedule
from patchctl.errors import Exit

README = Path(__file__).parents[2] / "README.md"
EMAIL = ("--email", "you@example.com")
HEAVY = {"azure", "arm_sandbox", "msrest", "rich", "asyncio", "requests", "pydantic"}


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATCHCTL_SANDBOX", "1")
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(tmp_path / "sandbox"))


class Shell:
    """Runs commands and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code: object = None
        self.out = self.err = ""

    def run(self, *arguments: str) -> Shell:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        self.code = end.value.code
        self.out, self.err = self._capsys.readouterr()
        return self

    def document(self, *arguments: str) -> dict[str, Any]:
        """The one JSON document that has to be all of stdout."""
        document = json.loads(self.run(*arguments).out)
        assert isinstance(document, dict)
        return document


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def command_named(*path: str) -> Any:
    found: Any = typer.main.get_command(app)
    for name in path:
        found = found.commands[name]
    return found


COMMANDS = sorted(commands(typer.main.get_command(app)))


# -- help


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["-h"],
        ["--version"],
        ["deploy", "--help"],
        ["sandbox", "--help"],
        ["sandbox", "reset", "--help"],
    ],
    ids=" ".join,
)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom patchctl.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {module.split(".")[0] for module in done.stderr.split()}
    assert done.stdout
    assert loaded & HEAVY == set()


def test_version(shell: Shell) -> None:
    shell.run("--version")
    assert (shell.code, shell.out) == (0, f"patchctl {__version__}\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    shell: Shell, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shell.run(*command, "--help")
    assert shell.code == 0
    assert "Example" in shell.out
    assert f"patchctl {' '.join(command)}" in shell.out.split("Example", 1)[1]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_has_help(command: tuple[str, ...]) -> None:
    bare = [p.name for p in command_named(*command).params if not getattr(p, "help", "")]
    assert bare == []


# -- exit codes


def test_exit_codes_are_unique() -> None:
    assert len({int(code) for code in Exit}) == len(Exit.__members__)


@pytest.mark.parametrize("code", Exit, ids=lambda code: code.name)
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert f"| {int(code)} |" in README.read_text(encoding="utf-8")


def test_exit_codes_of_an_ordinary_life(shell: Shell) -> None:
    assert shell.run("validate").code == Exit.NOT_AS_IT_SHOULD_BE
    assert shell.run("plan", *EMAIL).code == Exit.DONE
    assert shell.run("plan", *EMAIL, "--detailed-exitcode").code == Exit.NOT_AS_IT_SHOULD_BE
    assert shell.run("deploy", *EMAIL).code == Exit.DONE
    assert shell.run("plan", "--detailed-exitcode").code == Exit.DONE
    assert shell.run("validate").code == Exit.DONE
    assert shell.run("destroy", "--yes").code == Exit.DONE
    assert shell.run("destroy", "--yes").code == Exit.DONE


# -- output


def test_json_is_one_document_on_stdout(shell: Shell) -> None:
    for arguments, ok in [
        (["deploy", *EMAIL], True),
        (["plan"], True),
        (["validate"], True),
        (["test-notify"], True),
        (["list"], True),
        (["sandbox", "outbox"], True),
        (["sandbox", "advance", "--by", "1h"], True),
        (["sandbox", "edit", "nowhere", "a=b"], False),
        (["plan", "--duration", "05:00"], False),
        (["destroy"], False),
        (["destroy", "--yes"], True),
        (["validate"], False),
        (["sandbox", "reset", "--seed", "7"], True),
    ]:
        document = shell.document(*arguments, "-o", "json")
        assert document["ok"] is ok, arguments
        assert (document["error"] is None) is ok
        assert (shell.code == 0) is ok
        assert document["sandbox"] is True
        assert {"command", "deployment", "steps"} <= set(document)


def test_the_environment_may_ask_for_json(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHCTL_OUTPUT", "json")
    assert shell.document("list")["command"] == "list"


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy", "--bogus", "-o", "json"],
        ["deploy", "--output=json", "--parallelism", "many"],
        ["nope", "--output", "json"],
        ["sandbox", "advance", "-o", "json"],
    ],
    ids=" ".join,
)
def test_usage_errors_have_the_same_form(shell: Shell, arguments: list[str]) -> None:
    document = shell.document(*arguments)
    assert shell.code == Exit.USAGE
    assert document["error"]["code"] == "BadInput"
    assert document["error"]["message"]


@pytest.mark.parametrize(
    ("output", "arguments", "json"),
    [
        ("json", ["deploy", "--bogus"], True),
        ("json", ["deploy", "--bogus", "--output", "text"], False),
        ("json", ["deploy", "--bogus", "-otext"], False),
        ("text", ["deploy", "--bogus", "-ojson"], True),
        ("text", ["deploy", "--bogus", "--output=text", "-o", "json"], True),
        ("", ["explain", "json", "--bogus"], False),
        ("", ["deploy", "--output"], False),
    ],
)
def test_usage_errors_come_as_the_line_says_or_the_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, output: str, arguments: list[str], json: bool
) -> None:
    monkeypatch.setenv("PATCHCTL_OUTPUT", output)
    shell.run(*arguments)
    assert shell.code == Exit.USAGE
    assert shell.out.startswith("{") is json
    assert bool(shell.err) is not json


@pytest.mark.parametrize(
    ("variable", "arguments", "sandbox"),
    [
        ("1", "status --nope", True),
        ("", "status --nope", False),
        ("false", "status --nope --sandbox", True),
        ("", "sandbox advance --to never", True),
        ("perhaps", "status --nope", False),
        ("1", "explain --nope", False),
        ("1", "destroy --name", True),
    ],
)
def test_usage_errors_say_whether_it_is_the_sandbox(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, arguments: str, sandbox: bool
) -> None:
    monkeypatch.setenv("PATCHCTL_SANDBOX", variable)
    monkeypatch.setenv("PATCHCTL_OUTPUT", "json")
    assert shell.document(*arguments.split())["sandbox"] is sandbox


def test_usage_errors_for_people_are_on_stderr(shell: Shell) -> None:
    shell.run("deploy", "--bogus")
    assert (shell.code, shell.out) == (Exit.USAGE, "")
    assert "--bogus" in shell.err


def test_the_first_line_says_where_whoever_asked_for_it(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is asked for cannot be."""
    file = tmp_path / "web.toml"
    file.write_text('sandbox = true\ncloud = "china"\nname = "W"\n', encoding="utf-8")
    asked = ("list", "--config", str(file))
    monkeypatch.delenv("PATCHCTL_SANDBOX")
    assert shell.run(*asked).err.startswith("patchctl 0.1.0 · SANDBOX\n")
    monkeypatch.setenv("PATCHCTL_SANDBOX", "false")
    assert shell.run(*asked).err.startswith("patchctl 0.1.0 · Azure (china)\n")
    assert shell.run(*asked, "--cloud", "usgov").err.startswith("patchctl 0.1.0 · Azure (usgov)\n")
    assert shell.code == Exit.USAGE


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_a_closed_standard_input_is_nobody_to_ask(
    shell: Shell, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("deploy", "--email", "you@example.com", "--yes")
    monkeypatch.setattr("sys.stdin", None)
    assert shell.run(command).code == (Exit.DONE if command == "deploy" else Exit.USAGE)
    assert shell.run("deploy", "--vm", "-", "--name", "own").code == Exit.USAGE
    assert "standard input is closed" in shell.err


def test_what_comes_next_stays_where_one_was(shell: Shell) -> None:
    shell.run("deploy", "--email", "you@example.com", "--yes", "--sandbox")
    assert shell.out.endswith("Next: patchctl validate --name demo --sandbox\n")


def test_no_colours_without_a_terminal(shell: Shell) -> None:
    for arguments in (["--help"], ["deploy", *EMAIL], ["validate"], ["deploy", "--bogus"],
                      ["test-notify"], ["destroy", "--yes"]):  # fmt: skip
        shell.run(*arguments)
        assert "\x1b" not in shell.out + shell.err


def test_talk_is_on_stderr_and_says_sandbox(shell: Shell) -> None:
    shell.run("deploy", *EMAIL)
    assert "SANDBOX" in shell.err.splitlines()[0]
    assert "SANDBOX" not in shell.out
    assert "Plan for demo" in shell.out


def test_where_a_value_comes_from_is_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("patchctl.toml").write_text('[schedule]\nduration = "03:00"\nat = "04:00"\n', "utf-8")
    monkeypatch.setenv("PATCHCTL_TIME_ZONE", "UTC")
    monkeypatch.setenv("PATCHCTL_RECUR", "1Day")
    out = shell.run("plan", *EMAIL, "--recur", "2Weeks Sunday").out
    assert "duration: 03:00  (schedule.duration in patchctl.toml)" in out
    assert "time zone: UTC  (PATCHCTL_TIME_ZONE)" in out
    assert "recurrence: 2Weeks Sunday  (--recur)" in out


# -- schema


def test_schema(shell: Shell) -> None:
    document = shell.document("schema")
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(document["properties"]) == set(Config.model_fields)
    assert document["additionalProperties"] is False
    sections: list[type[Model]] = [Schedule, Patches, Machine]
    for section in sections:
        described = document["$defs"][section.__name__]
        assert set(described["properties"]) == set(section.model_fields)
        assert described["additionalProperties"] is False
        assert all("description" in key for key in described["properties"].values())
