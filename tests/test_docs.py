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
PAGES = [
    page for place in (".", "docs", ".github", "benchmarks") for page in ROOT.glob(f"{place}/*.md")
]
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
    assert f"| {int(code)} | {code.meaning} |" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^):\s]+)\)", text):
        path, _, heading = link.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (heading and heading not in headings(file)):
            broken.append(link)
    assert broken == []


def headings(page: Path) -> set[str]:
    """The headings of a page, as links write them."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_index_of_the_docs_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name}" in index} == pages
    assert "(docs/README.md)" in README


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(src/[\w/.]+|benchmarks/)`", README))))
def test_the_map_of_the_source_is_true(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_configuration_in_the_readme_is_valid() -> None:
    toml = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert toml is not None
    assert Config.model_validate(tomllib.loads(toml[1])).name == "web"


def test_the_test_command_of_the_readme_is_what_ci_runs() -> None:
    command = "python -m pytest -n auto"
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
