"""The README is kept true: its commands, options, codes, paths and configuration all exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from patchctl.cli import COMMANDS
from patchctl.config import Config
from patchctl.errors import Exit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [line for line in README.splitlines() if "patchctl" in line]
OPTIONS = {o for line in LINES for o in re.findall(r"(?<= )--[a-z-]+", line)} - {
    "--upgrade",
    "--group",
}


def test_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_every_command_is_shown_and_every_shown_command_exists() -> None:
    shown = set(re.findall(r"patchctl ([a-z][a-z-]+)", README)) - {"has"}
    assert shown == COMMANDS


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_shown_options_exist(option: str) -> None:
    sources = "".join(file.read_text() for file in (ROOT / "src/patchctl/cli").glob("*.py"))
    name = option.removeprefix("--").replace("-", "_")
    assert f'"{option}"' in sources or re.search(rf"\b{name}: ", sources)


@pytest.mark.parametrize("code", list(Exit))
def test_exit_codes_are_documented(code: Exit) -> None:
    assert f"| {int(code)} |" in README


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^):]+)\)", README))))
def test_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(src/[\w/.]+|benchmarks/)`", README))))
def test_the_map_of_the_source_is_true(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_configuration_in_the_readme_is_valid() -> None:
    toml = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert toml is not None
    assert Config.model_validate(tomllib.loads(toml[1])).name == "web"


def test_the_test_command_of_the_readme_is_what_ci_runs() -> None:
    command = "python -m pytest"
    assert f".venv/bin/{command}\n" in README
    assert f"\n{command}" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_every_unverified_fact_names_a_test_that_exists_or_says_none() -> None:
    register = (ROOT / "docs/unverified.md").read_text(encoding="utf-8")
    live = (ROOT / "tests/patchctl/test_live.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"test_live\.py::(\w+)", register)):
        assert f"def {name}(" in live
    rows = re.findall(r"^\| \d+ \|.*$", register, re.MULTILINE)
    settled = [row.rstrip(" |").rsplit("|", 1)[1] for row in rows]
    assert all("test_" in cell or "None" in cell for cell in settled)
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", register, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
