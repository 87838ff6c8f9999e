"""Counts what the matrix has played, and says so at the end."""

from __future__ import annotations

import time

import pytest

from tests.matrix.faults import KINDS

BEGAN = time.monotonic()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A plugin's hook: with pytest-xdist the process that prints collects nothing itself."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    told = [dict(r.user_properties) for r in reports if "scenarios" in dict(r.user_properties)]
    if told:
        calls, scenarios = (sum(t[what] for t in told) for what in ("calls", "scenarios"))
        minutes = (time.monotonic() - BEGAN) / 60
        terminalreporter.write_line(
            f"matrix: {calls} calls x {len(KINDS)} kinds of fault = {scenarios} scenarios, "
            f"in {minutes:.1f} minutes"
        )
