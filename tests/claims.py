"""The table of claims in docs/sandbox.md, and whether its witnesses have spoken.

A row is `| behaviour | modelled, simplified or absent | witnesses, or why not |`. Each claim of
something modelled names the tests that would fail if it were not so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs/sandbox.md"
STATES = ("modelled", "simplified", "absent")
ROW = re.compile(rf"^\| (.+?) \| ({'|'.join(STATES)}) \| (.*) \|$", re.MULTILINE)
WITNESS = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@dataclass(frozen=True)
class Claim:
    behaviour: str
    state: str
    remark: str

    @property
    def witnesses(self) -> list[str]:
        return [f"{file}::{test}" for file, test in WITNESS.findall(self.remark)]


def claims(text: str) -> list[Claim]:
    return [Claim(*found) for found in ROW.findall(text)]


def standing(file: Path = TABLE) -> list[Claim]:
    return claims(file.read_text(encoding="utf-8"))


def silent(made: Iterable[Claim], outcomes: Mapping[str, set[str]]) -> list[str]:
    """The witnesses that did not run, or not to a good end; outcomes are by file and function."""
    return [
        f"{witness} ({claim.behaviour})"
        for claim in made
        for witness in claim.witnesses
        if "passed" not in outcomes.get(witness, set()) or "failed" in outcomes[witness]
    ]


class WitnessPlugin:
    """Fails a session of the whole suite in which a witness has not spoken."""

    def __init__(self) -> None:
        self.outcomes: dict[str, set[str]] = {}
        self.silent: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome == "failed":
            function = report.nodeid.partition("[")[0]
            self.outcomes.setdefault(function, set()).add(report.outcome)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if is_whole(session.config):
            self.silent = silent(standing(), self.outcomes)
        if self.silent:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for witness in self.silent:
            terminalreporter.write_line(f"NO WITNESS: {witness}", red=True)


def is_whole(config: pytest.Config) -> bool:
    """Whether all tests that usually run were asked for, and asked to run here to their end."""
    option, usual = config.option, config.getini("addopts")
    marked = option.markexpr != usual[usual.index("-m") + 1]
    part = option.keyword or marked or option.collectonly or option.live
    all_of_them = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return all_of_them and not part and not option.maxfail and not getattr(option, "lf", False)
