"""Tab completes commands, options and values, in each shell that there is a script for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from patchctl.cli import main
from patchctl.cli.options import PATHS, WANTED
from patchctl.config import Config
from patchctl.schedule import time_zones
from tests.patchctl.test_cli import command_named

SHELLS = ("bash", "zsh", "fish", "powershell")
Ask = Callable[..., list[str]]


def asked(shell: str, line: str) -> dict[str, str]:
    """What a shell's script puts into the environment for a line with the cursor at its end."""
    words = line.split(" ")
    return {
        "_PATCHCTL_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1],
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    def answer(line: str, shell: str = "bash") -> list[str]:
        for name, value in asked(shell, line).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            main([])
        assert end.value.code == 0
        return capsys.readouterr().out.removesuffix("\n").split("\n")

    return answer


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_is_answered_in_its_own_form(ask: Ask, shell: str) -> None:
    found = "\n".join(ask("patchctl dep", shell))
    form = {
        "bash": "deploy",
        "zsh": '"deploy":"Set up',
        "fish": "deploy\tSet up",
        "powershell": "deploy:::Set up",
    }
    assert form[shell] in found
    assert "destroy" not in found


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("patchctl sandbox re", ["reset"]),
        ("patchctl deploy --time-z", ["--time-zone"]),
        ("patchctl deploy --time-zone Europe/Berl", ["Europe/Berlin"]),
        ("patchctl deploy --os ", ["linux", "windows"]),
        ("patchctl plan --classification Se", ["Security", "ServicePack"]),
        ("patchctl deploy --output ", ["text", "json"]),
        ("patchctl report --format e", ["eml"]),
        ("patchctl explain ScopeL", ["ScopeLocked"]),
        ("patchctl sandbox advance --to ", ["next-window"]),
        ("patchctl sandbox env --shell p", ["powershell"]),
        ("patchctl deploy --email ", [""]),
    ],
)
def test_values_are_offered(ask: Ask, line: str, offered: list[str]) -> None:
    assert ask(line) == offered


def choices(place: str) -> set[str]:
    kind: Any = Config
    for key in place.split("."):
        kind = kind.model_fields[key].annotation
    return set(get_args(kind)) if get_origin(kind) is Literal else set()


@pytest.mark.parametrize("option", [o for o, place in PATHS.items() if choices(place)])
def test_every_choice_of_the_configuration_is_offered_and_shown(ask: Ask, option: str) -> None:
    name = f"--{option.replace('_', '-')}"
    assert set(ask(f"patchctl deploy {name} ")) == choices(PATHS[option])
    [shown] = [p.metavar for p in command_named("deploy").params if p.name == option]
    assert set(shown.split("|")) == choices(PATHS[option])


def test_time_zones_are_offered_in_words_that_every_shell_takes(ask: Ask) -> None:
    found = ask("patchctl deploy --time-zone ")
    assert len(found) > 300
    assert not any(" " in zone for zone in found)
    assert all(time_zones.windows_name(zone) for zone in found)


def test_every_option_is_offered(ask: Ask) -> None:
    offered = set(ask("patchctl deploy --"))
    assert {f"--{option.replace('_', '-')}" for option in WANTED} - {"--result-alerts"} <= offered


# -- in the shells themselves


def run(shell: str, *words: str, path: Path | None = None) -> str:
    if shutil.which(shell) is None or os.name == "nt":
        pytest.skip(f"{shell} is not installed here")
    variables = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.defpath}
    done = subprocess.run(
        [shell, *words], env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Path]:
    """Writes the script of a shell, and beside it a `patchctl` for it to call."""
    stub = tmp_path / "patchctl"
    call = "from patchctl.cli import main; main()"
    stub.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{call}' \"$@\"\n")
    stub.chmod(0o755)

    def written(shell: str) -> Path:
        monkeypatch.setenv("_PATCHCTL_COMPLETE", f"source_{shell}")
        with pytest.raises(SystemExit) as end:
            main([])
        monkeypatch.delenv("_PATCHCTL_COMPLETE")
        assert end.value.code == 0
        file = tmp_path / f"completion.{shell}"
        file.write_text(capsys.readouterr().out)
        return file

    return written


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_calls_patchctl_back(script: Callable[[str], Path], shell: str) -> None:
    text = script(shell).read_text()
    assert f"complete_{shell}" in text
    assert "patchctl" in text


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "-n")])
def test_the_shell_can_read_its_script(
    script: Callable[[str], Path], shell: str, check: str
) -> None:
    run(shell, check, str(script(shell)))


def test_bash_completes(script: Callable[[str], Path], tmp_path: Path) -> None:
    line = "COMP_WORDS=(patchctl deploy --reboot N) COMP_CWORD=3"
    code = f"source {script('bash')}; {line}; _patchctl_completion patchctl; echo $COMPREPLY"
    assert run("bash", "--norc", "-c", code, path=tmp_path) == "Never\n"


def test_fish_completes(script: Callable[[str], Path], tmp_path: Path) -> None:
    code = f"source {script('fish')}; complete -C 'patchctl deploy --reboot N'"
    assert run("fish", "--no-config", "-c", code, path=tmp_path) == "Never\n"
