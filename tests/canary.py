"""Secrets stay where they belong. What the tests plant or make up is looked for while they run
and when they have ended: in answers, in what they print and log, in the record, in every file.

Planted secrets hold MARK. The passwords that patchctl makes up are recognised by their form, and
known because they were seen on their way into the sandbox.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox import recording
from arm_sandbox.wire import Request, Response

MARK = "C4n4ry"
LEAKS = "leaks"
RECORD = "PATCHCTL_SANDBOX_RECORD"
MADE_UP = re.compile(r"[a-z][A-Z]\d[-_.+](?<![A-Za-z0-9].{4})[A-Za-z0-9_.+-]{32}(?![A-Za-z0-9])")
"""A password of `patchctl.steps.virtual_machine`, which never makes the same one twice. What stands
before it is looked at late, for this searches gigabytes."""

TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.")


class Canary:
    """Watches the traffic of the tests; `leaks` says where a secret was seen."""

    def __init__(self) -> None:
        self.made_up: set[str] = set()
        self.leaks: list[str] = []
        self._latest: deque[str] = deque(maxlen=4)
        """What an answer could show: older ones were sent into other worlds."""

    def held(self, text: str) -> bool:
        """Whether a text has a secret in it."""
        return MARK in text or not self.made_up.isdisjoint(MADE_UP.findall(text))

    def watch(self, request: Request, response: Response) -> None:
        """See an exchange as it is, before anything is left out of it."""
        if request.body is not None:
            self._note(MADE_UP.findall(json.dumps(request.body)))
        answer = json.dumps([response.body, response.headers])
        if MARK in answer or any(secret in answer for secret in self._latest):
            self.leaks.append(f"the answer to {request.method} {request.path}")

    def _note(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            self.made_up.add(secret)
            self._latest.append(secret)

    def hear(self, test: str, texts: Iterable[str]) -> None:
        """Hear what a test has printed and logged."""
        if any(map(self.held, texts)):
            self.leaks.append(f"the output of {test}")

    def search(self, files: Iterable[Path]) -> None:
        for file in files:
            if self.held(file.read_text(encoding="utf-8", errors="replace")):
                self.leaks.append(f"the file {file}")


class CanaryPlugin:
    """Gives the traffic of the tests to a canary, and fails the session when it was seen."""

    def __init__(self, record: Path) -> None:
        self.canary = Canary()
        self._record = record
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(recording, "exchange", self._watching(recording.exchange))
        self.places: list[Path] = []
        """Where the tests write."""

    def _watching(self, exchange: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def watched(request: Request, response: Response) -> dict[str, Any]:
            self.canary.watch(request, response)
            return exchange(request, response)

        return watched

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.canary.hear(report.nodeid, (text for _, text in report.sections))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._patch.undo()
        self.canary.search(written(self.places))
        self.canary.search([self._record] if self._record.exists() else [])
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[LEAKS] = self.canary.leaks
        if self.canary.leaks:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear what a worker of pytest-xdist has seen, which has no summary of its own."""
        self.canary.leaks += getattr(node, "workeroutput", {}).get(LEAKS, [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for leak in self.canary.leaks:
            terminalreporter.write_line(f"SECRET SEEN in {leak}", red=True)


def written(places: Iterable[Path]) -> Iterator[Path]:
    return (file for place in places for file in place.rglob("*") if file.is_file())
