"""Whatever a file, the environment or a command line says, patchctl answers in its own words.

What is refused ends with exit code 2 and a message that names its place: the option, the variable
or the key. The usual run tries a few cases, `pytest -m slow` many more.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchctl.cli import main
from patchctl.config import SECTIONS, Config, Model
from patchctl.errors import Exit
from tests.patchctl.test_cli import COMMANDS, command_named

# The folder and the captured output are of a test, not of a case; each case cleans up behind it.
FEW = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(FEW, max_examples=2000)

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
ODD = st.sampled_from(
    ["", " ", "-", "--", "@", "@nowhere", "*", "0", "-1", "1e9", "9" * 30, "NaN", "null", "[]",
     "{}", "[bold]", "[/]", "%s", "{0}", "{again}", "=", "a=", "=b", "\n", "\x1b[31m",
     "x" * 5000, "日本", "00:00", "23:60", "24:00", "0Days", "999Weeks", "Month day99",
     "2027-02-29", "9999-12-31"]
)  # fmt: skip
FILES = st.sampled_from(["", ".", "nowhere", "nowhere/at/all", "there", "there/below", "x" * 300])
"""Files are named within the folder of the test only; `there` holds what is no configuration."""


class Room:
    """A folder with a sandbox of its own for every case."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, out: Any) -> None:
        self.directory, self.monkeypatch, self._out = directory, monkeypatch, out
        self._cases = 0

    def run(self, words: list[str], variables: Mapping[str, str], file: bytes | None) -> str:
        """Run a command where it may be refused but may not break; what it said on stderr."""
        self._cases += 1
        place = self.directory / str(self._cases)
        place.mkdir()
        (place / "there").write_bytes(b"\xff\x00 = nothing")
        if file is not None:
            (place / "patchctl.toml").write_bytes(file)
        with self.monkeypatch.context() as patch:
            patch.chdir(place)
            patch.setattr("sys.stdin", io.StringIO("one\ntwo\n"))
            patch.setenv("PATCHCTL_SANDBOX_DIR", str(place / "sandbox"))
            patch.setenv("PATCHCTL_STATE_DIR", str(place / "state"))
            for name, value in {"PATCHCTL_SANDBOX": "1", **variables}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main(words)
        said = str(self._out.readouterr().err)
        assert end.value.code in list(Exit), said
        assert "Traceback" not in said
        assert "patchctl has a fault" not in said
        if end.value.code == Exit.USAGE:
            assert "error: " in said
        return said if end.value.code == Exit.USAGE else ""


@pytest.fixture
def room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Room:
    return Room(tmp_path, monkeypatch, capsys)


# -- flags and variables


def values(parameter: Any) -> st.SearchStrategy[str]:
    """What somebody might write there, sensible or not."""
    if parameter.metavar == "FILE":
        return FILES
    if parameter.name in ("port", "speed"):  # a right one would serve until somebody stops it
        return WORDS.filter(lambda word: not any(c.isnumeric() for c in word)).filter(bool)
    return WORDS | ODD


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[str], dict[str, str], list[str]]:
    """A command line, its variables, and the names by which they may be called in a refusal."""
    path = draw(st.sampled_from(COMMANDS))
    parameters = [p for p in command_named(*path).params if p.name != "help"]
    needed = [p for p in parameters if p.required or p.name in ("port",)]
    chosen = draw(st.lists(st.sampled_from(parameters), max_size=3)) if parameters else []
    words, variables, names = list(path), {}, []
    for parameter in dict.fromkeys([*needed, *chosen]):
        value = draw(values(parameter))
        if parameter.metavar == "FILE":  # a file is a place by itself
            names.append(f"{Path(value)}: ")
        if not hasattr(parameter, "is_flag"):
            words.append(value)
            name = (parameter.metavar or "").rstrip(".") or value
            names += [value, as_option(value), parameter.opts[0], name]
        elif parameter.envvar and draw(st.booleans()):
            variables[parameter.envvar] = value
            names += [parameter.envvar, parameter.opts[0]]
        else:
            words += [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], value]
            names.append(parameter.opts[0])
    return words, variables, names


def as_option(word: str) -> str:
    """What click names of a word that it takes for an option, or for several in one."""
    if word.startswith("--"):
        return word.partition("=")[0]
    return word[:2] if word.startswith("-") else word


PLACE = re.compile(r"(?<!\w)--?\w|PATCHCTL_|^emails: ")
"""An option, a variable, or the one key that has to be somewhere."""


def located(said: str, names: list[str]) -> bool:
    """Whether a refusal names its place, and not only in the command that it ends in."""
    problem = said.partition("error: ")[2].partition("  next: ")[0]
    return (
        not said
        or any(squeezed(name) in squeezed(problem) for name in names)
        or bool(PLACE.search(problem))
    )


def squeezed(text: str) -> str:
    """Without blanks and line ends, at which messages are set anew, and what cannot be shown."""
    return "".join(c for c in text if c.isprintable() and not c.isspace())


def check_line(room: Room, line: tuple[list[str], dict[str, str], list[str]]) -> None:
    words, variables, names = line
    said = room.run(words, variables, None)
    assert located(said, names), said


@FEW
@given(line=lines())
def test_no_line_breaks_it(room: Room, line: tuple[list[str], dict[str, str], list[str]]) -> None:
    check_line(room, line)


@pytest.mark.slow
@MANY
@given(line=lines())
def test_none_of_many_lines_breaks_it(
    room: Room, line: tuple[list[str], dict[str, str], list[str]]
) -> None:
    check_line(room, line)


# -- the file

SCALARS = st.one_of(
    WORDS, ODD, st.integers(), st.floats(), st.booleans(), st.dates(), st.times(), st.datetimes()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, (str, bool)):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def keys() -> list[str]:
    def of(model: type[Model], before: str) -> list[str]:
        return [f"{before}{key}" for key in model.model_fields]

    inner = [key for section, model in SECTIONS.items() for key in of(model, f"{section}.")]
    return [*of(Config, ""), *inner, "nothing", "schedule.nothing"]


FILE = st.dictionaries(st.sampled_from(keys()), VALUES, min_size=1, max_size=3)


def check_file(room: Room, written: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in written.items())
    said = room.run(["plan", "--email", "you@example.com"], {}, text.encode())
    named = [key.split(".")[0] for key in written]
    assert located(said, ["patchctl.toml", *named]), said


@FEW
@given(written=FILE)
def test_no_file_breaks_it(room: Room, written: dict[str, Any]) -> None:
    check_file(room, written)


@pytest.mark.slow
@MANY
@given(written=FILE)
def test_none_of_many_files_breaks_it(room: Room, written: dict[str, Any]) -> None:
    check_file(room, written)


@FEW
@given(content=st.binary(max_size=200))
def test_no_bytes_break_it(room: Room, content: bytes) -> None:
    said = room.run(["plan", "--email", "you@example.com"], {}, content)
    assert not said or "patchctl.toml" in said
