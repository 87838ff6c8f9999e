"""Every command in terminals of all sorts: narrow, without colour, without anybody to answer."""

from __future__ import annotations

import re
import shutil
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchctl.cli import main
from patchctl.errors import Exit
from tests.patchctl.shell import Ended
from tests.patchctl.test_cli import COMMANDS

pytestmark = pytest.mark.slow

EMAIL = "--email you@example.com"
LINES = {
    "deploy": f"{EMAIL} --at 03:00",
    "plan": f"{EMAIL} --at 03:00",
    "doctor": "",
    "validate": "",
    "test-notify": "",
    "status": "",
    "report": "",
    "assess": "",
    "install": "--now",
    "rehearse": "",
    "destroy": "",
    "list": "",
    "explain": "",
    "schema": "",
    "sandbox outbox": "",
    "sandbox advance": "--to next-window",
    "sandbox edit": "rg-patching-demo tags.by=hand",
    "sandbox delete": "rg-patching-demo",
    "sandbox reset": "--seed 7",
    "sandbox serve": "--port {taken}",
    "sandbox env": "",
}
"""Every command on a deployment that stands, as it is typed where nobody can be asked."""
EVERY = pytest.mark.parametrize("command", LINES)

STYLE = re.compile(r"\x1b\[[\d;]*m")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d[;m]")
MOVING = re.compile(r"\r(?!\n)|\x1b\[[?\d;]*[A-HJKhl]")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox with a deployment in it, and a setting of it that somebody has changed."""
    directory = tmp_path_factory.mktemp("deployed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setenv("PATCHCTL_SANDBOX", "1")
        patch.setenv("PATCHCTL_SANDBOX_DIR", str(directory / "sandbox"))
        for line in ("sandbox reset --at 2027-01-01T12:00", f"deploy {EMAIL}"):
            with pytest.raises(SystemExit) as end:
                main(line.split())
            assert end.value.code == Exit.DONE
    return directory


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


Typed = Callable[..., Ended]


@pytest.fixture
def typed(
    deployed: Path,
    taken: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typed:
    """Types a command's line on a copy of the deployment, in a terminal of some sort."""

    def run(command: str, **variables: str) -> Ended:
        place = tmp_path / "here"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(deployed, place)
        with monkeypatch.context() as patch:
            patch.chdir(place)
            settings = {"SANDBOX": "1", "SANDBOX_DIR": f"{place}/sandbox", "STATE_DIR": f"{place}"}
            for name, value in {f"PATCHCTL_{k}": v for k, v in settings.items()}.items():
                patch.setenv(name, value)
            for name, value in {"TERM": "xterm-256color", **variables}.items():
                patch.setenv(name, value)
            words = LINES[command].format(taken=taken).split()
            with pytest.raises(SystemExit) as end:
                main([*command.split(), *words])
        said = capsys.readouterr()
        assert end.value.code in list(Exit)
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, said.out, said.err)

    return run


def characters(text: str) -> Counter[str]:
    """What is left of a text however it is folded and ruled."""
    return Counter("".join(STYLE.sub("", text).split()))


def test_every_command_is_typed() -> None:
    assert set(LINES) == {" ".join(path) for path in COMMANDS}


@EVERY
def test_a_narrow_terminal_without_colour_loses_nothing(typed: Typed, command: str) -> None:
    wide = typed(command, FORCE_COLOR="1", COLUMNS="200")
    narrow = typed(command, FORCE_COLOR="1", NO_COLOR="1", COLUMNS="40")
    assert COLOUR.findall(narrow.out + narrow.err) == []
    assert narrow.code == wide.code
    assert "…" not in narrow.out
    assert characters(narrow.out) == characters(wide.out)
    shown = defaultdict(set)
    for line in wide.out.splitlines():
        shown[STYLE.sub("", line).strip()].add(line.strip())
    assert [words for words, styles in shown.items() if len(styles) > 1] == []


@EVERY
def test_nobody_is_asked_without_a_terminal(typed: Typed, command: str) -> None:
    """Standard input cannot be read here, so that a question would be a fault."""
    ended = typed(command)
    assert "patchctl has a fault" not in ended.err
    assert re.search(r"\[y/N\]|Type \S+ to go on", ended.out + ended.err) is None
    if ended.code == Exit.USAGE:
        assert "--yes" in ended.err


def test_without_a_terminal_no_row_is_folded(typed: Typed) -> None:
    """There are as many lines as where there is room for everything."""
    wide = typed("validate", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="5000").out
    narrow = typed("validate", COLUMNS="40").out
    assert [STYLE.sub("", line).rstrip() for line in wide.splitlines()] == narrow.splitlines()


def test_what_cannot_be_undone_wants_to_be_told_without_a_terminal(typed: Typed) -> None:
    assert typed("destroy").code == Exit.USAGE


@pytest.mark.parametrize("still", [{"TERM": "dumb"}, {"TTY_INTERACTIVE": "0"}], ids=str)
def test_nothing_moves_where_a_voice_reads_it(typed: Typed, still: dict[str, str]) -> None:
    ended = typed("deploy", **{"FORCE_COLOR": "1", **still})
    assert ended.code == Exit.DONE
    assert MOVING.findall(ended.out + ended.err) == []
    said = STYLE.sub("", ended.err)
    assert "  maintenance-configuration ...\n" in said
    assert re.search(r"maintenance-configuration +updated", said)


def test_on_a_terminal_the_steps_that_run_are_shown_together(typed: Typed) -> None:
    """So that the test above can fail."""
    assert MOVING.search(typed("deploy", FORCE_COLOR="1").err)
