"""Histories of made-up fleets, for the tests and pictures of reports. No chance in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from patchctl.figures import Figures, Wanted, figures
from patchctl.history import History
from patchctl.observation import Assessment, Machine, Run, Update

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RUNS = (
    "/subscriptions/s/resourcegroups/g/providers/microsoft.maintenance/maintenanceconfigurations/c"
    "/providers/microsoft.maintenance/applyupdates"
)
CATALOGUE = (
    ("2026-11 Cumulative Update for Windows Server 2022", "5068000", "Security", "Critical", 20),
    ("2026-11 .NET 8.0.22 Update for x64 Server", "5069300", "Updates", "Important", 20),
    ("2026-09 Cumulative Update for .NET Framework", "5066100", "Security", "Moderate", 83),
    ("Windows Malicious Software Removal Tool x64 - v5.139", "890830", "UpdateRollup", "", 12),
    ("Security Intelligence Update for Microsoft Defender", "2267602", "Definition", "Low", 2),
    ("2026-06 Security Update for Secure Boot", "5071200", "Critical", "", 174),
)
"""Name, KB, classification, Microsoft's rating, days since its publication."""


def machine(number: int, name: str = "") -> Machine:
    name = name or f"vm-web-{number:04}"
    id = f"/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/{name}"
    return Machine(id.lower(), name, "windows", "westeurope", "running", (), None)


def update(which: int, on: Machine, run: str = "", state: str = "") -> Update:
    title, kb, classification, rating, days = CATALOGUE[which % len(CATALOGUE)]
    name = f"{title} (KB{kb})"
    security = classification in ("Critical", "Security")
    severity = rating or ("Security, unrated" if security else "Other")
    published = NOW - days * DAY
    return Update(on.id, name, kb, "", classification, severity, published, run, state)


def looked_at(
    file: Path, machines: int, *, weeks: int = 4, failing: int = 0, name: str = "", reason: str = ""
) -> History:
    """As if report had been run after each of some Saturdays. Every tenth machine lags behind."""
    fleet = [machine(number, name if number == 0 else "") for number in range(machines)]
    history = History(file, _refuse)
    history.saw(fleet)
    history.merge(NOW - weeks * 7 * DAY, updates=True)
    for week in reversed(range(weeks)):
        history.close()
        at = NOW - week * 7 * DAY
        history = History(file, _refuse)
        history.saw(fleet)
        for number, each in enumerate(fleet):
            _week(history, each, number, at, week, reason if number < failing else None)
        history.merge(at, updates=True)
    return history


def _week(
    history: History, each: Machine, number: int, at: datetime, week: int, reason: str | None
) -> None:
    lagging = number % 10 == 3 or reason is not None
    found = [update(which, each) for which in range(1 + (number + week) % len(CATALOGUE))]
    pending = found if lagging else found[: number % 2 and week]
    urgent = sum(each.classification in ("Critical", "Security") for each in pending)
    counts = {"security": urgent, "other": len(pending) - urgent}
    if number % 50 != 49:
        history.saw(
            [Assessment(each.id, at - timedelta(hours=3), "Succeeded", lagging, counts, "")]
        )
        history.saw(pending)
    history.saw([run := _run(each, at, number, reason, len(found))])
    state = "Installed" if reason is None else "Failed"
    history.saw([replace(u, run=run.id, state=state) for u in found])


def _run(each: Machine, at: datetime, number: int, reason: str | None, updates: int) -> Run:
    started = at.replace(hour=2) - 2 * DAY
    status = "Failed" if reason is not None else "Succeeded"
    if reason is None and number % 17 == 5:
        status = "CompletedWithWarnings"
    done = 0 if reason is not None else updates
    return Run(
        each.id, f"{number:08x}-{started:%m%d}", f"{RUNS}/{started:%Y%m%d%H%M%S}", started,
        started + timedelta(minutes=40), status, "Required" if "Warn" in status else "Completed",
        False, done, updates - done, 0, 0, 0, reason or "",
    )  # fmt: skip


def _refuse(sentence: str) -> None:
    raise AssertionError(sentence)


def wanted(days: int = 30, run: str = "") -> Wanted:
    return Wanted(NOW, NOW - days * DAY, run)


def reported(history: History, *, days: int = 30, sandbox: bool = True, run: str = "") -> Figures:
    return figures(history, wanted(days, run), deployment="web", sandbox=sandbox)
