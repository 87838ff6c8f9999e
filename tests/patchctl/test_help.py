"""Every command's help is a page of a manual: what for, how, with which options, how it ends."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import Any

import pytest

from patchctl.cli import main
from patchctl.errors import Exit
from tests.patchctl.test_cli import COMMANDS, command_named

EVERY = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def shown(*words: str, columns: int = 80) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        return capsys.readouterr().out

    return shown


@pytest.mark.parametrize("group", [(), ("sandbox",)], ids=["patchctl", "sandbox"])
def test_no_summary_is_cut_in_the_list_of_commands(page: Any, group: tuple[str, ...]) -> None:
    assert "..." not in page(*group).partition("Commands:")[2]


@EVERY
def test_the_first_sentence_says_what_for(command: tuple[str, ...]) -> None:
    first = command_named(*command).help.splitlines()[0]
    assert re.fullmatch(r"[A-Z].*\.", first)


def examples(command: tuple[str, ...]) -> list[list[str]]:
    """The lines that the help shows, without what a shell does with them."""
    text = command_named(*command).help.partition("Example")[2]
    lines = re.findall(r"^ *(patchctl .*)$", text, re.MULTILINE)
    return [shlex.split(re.split(r" [>|] ", line)[0])[1:] for line in lines]


@EVERY
def test_every_example_is_a_line_that_the_parser_takes(command: tuple[str, ...]) -> None:
    shown = examples(command)
    assert shown
    for words in shown:
        assert tuple(words[: len(command)]) == command
        found = command_named(*command)
        assert found.make_context(command[-1], words[len(command) :]).params is not None


@EVERY
def test_everything_that_can_be_said_is_described(page: Any, command: tuple[str, ...]) -> None:
    text = " ".join(page(*command).split())
    for parameter in command_named(*command).params:
        assert parameter.help
        assert parameter.help.split(" [")[0][:30] in text


@EVERY
def test_the_exit_codes_are_told(page: Any, command: tuple[str, ...]) -> None:
    text = " ".join(page(*command).split())
    assert all(f"{code} {code.meaning}" in text for code in Exit)


@EVERY
def test_a_narrow_terminal_cuts_nothing_off(page: Any, command: tuple[str, ...]) -> None:
    narrow, wide = page(*command, columns=40), page(*command, columns=200)
    assert Counter("".join(narrow.split())) == Counter("".join(wide.split()))
