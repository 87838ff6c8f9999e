"""What every error ends in: a command that can be run as it stands, and gets one out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchctl import catalogue
from patchctl.catalogue import Entry
from patchctl.cli.advice import COMMAND, CommandLine, advise
from patchctl.errors import BadInput, PatchctlError
from tests.patchctl.shell import EMAIL, Cli

SOURCE = Path(__file__).parents[2] / "src/patchctl"
ENTRIES = catalogue.entries().values()
DEPLOY = CommandLine(("deploy", "--email", "a b@example.com"), "deploy", "web", ("--sandbox",))


def advised(code: str, hint: str = "", line: CommandLine = DEPLOY) -> PatchctlError:
    error = PatchctlError(code, "It failed.", hint)
    advise(error, line)
    return error


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_each_known_code_ends_in_a_command(entry: Entry) -> None:
    assert COMMAND.search(entry.hint)
    error = advised(entry.code)
    assert error.hint.endswith(error.next)
    assert error.next.startswith("patchctl ")
    assert not re.search(r"[{}]", error.hint)


def test_every_code_of_our_own_is_in_the_catalogue() -> None:
    kinds = "PatchctlError|Refused|NotSignedIn|NotAsItShouldBe|Foreign|Unfinished|Interrupted"
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    codes = set(re.findall(rf'\b(?:{kinds})\(\s*"(\w+)"', text))
    assert len(codes) > 25
    assert [code for code in codes if catalogue.find(code) is None] == []


@pytest.mark.parametrize(
    ("code", "hint", "ends"),
    [
        ("Conflict", "", "same command again: patchctl deploy --email 'a b@example.com'"),
        ("Foreign", "", "See what is yours: patchctl list --sandbox"),
        ("SandboxDamaged", "", "Begin a new one: patchctl sandbox reset"),
        ("PlanChanged", "", "Look at the new plan: patchctl plan --email 'a b@example.com'"),
        ("NotAsItShouldBe", "See: patchctl validate --name {name}", "--name web --sandbox"),
        ("Http418", "", "Then: patchctl deploy --email 'a b@example.com'"),
        ("Http418", "Brew.", "Brew. Then: patchctl deploy --email 'a b@example.com'"),
        ("Conflict", "Wait: patchctl status", "Wait: patchctl status --sandbox"),
    ],
)
def test_what_the_command_is(code: str, hint: str, ends: str) -> None:
    if "'" in ends:
        pytest.importorskip("posix", reason="quoted as another shell wants it")
    assert advised(code, hint).hint.endswith(ends)


def test_bad_input_ends_in_the_help_of_its_command() -> None:
    error = BadInput(["--at: no."], "Mend it.")
    advise(error, CommandLine(("sandbox", "advance", "--at", "9"), "sandbox advance"))
    assert error.hint == "Mend it. What can be asked for: patchctl sandbox advance --help"


def test_where_nothing_has_a_name_none_is_asked_for() -> None:
    assert advised("PlanChanged", line=CommandLine(("list",), "list")).next == "patchctl plan"


def test_what_a_command_was_told_of_its_place_holds_for_the_next(cli: Cli) -> None:
    error = cli.json("plan", "--name", "web", "--detailed-exitcode", *EMAIL, code=5)["error"]
    assert error["next"] == "patchctl deploy --name web --email ops@example.com --output json"
    assert error["hint"] == f"Write it: {error['next']}"
    error = cli.json("validate", "--sandbox", "--yes", code=5)["error"]
    assert error["next"].endswith("you@example.com --sandbox --yes --output json")
    assert cli.follow(error).code == 0
    assert cli("validate").code == 0


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("deploy", "--sise", "x"), "deploy"),
        (("deploy", "--at", "25:00"), "deploy"),
        (("sandbox", "advance"), "sandbox advance"),
        (("sandbox", "nothing"), "sandbox"),
        (("nothing",), ""),
    ],
)
def test_help_is_the_way_out_of_what_cannot_be_read(
    cli: Cli, arguments: tuple[str, ...], command: str
) -> None:
    error = cli.json(*arguments, code=2)["error"]
    assert error["next"] == " ".join(("patchctl", *command.split(), "--help"))
    assert cli.follow(error).code == 0
