"""What every form of a report says first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from patchctl.figures import AGES_SHOWN, Compliance, Figures, share

TONES = {
    "compliant": "good",
    "succeeded": "good",
    "non-compliant": "bad",
    "failed": "bad",
    "completedwithwarnings": "warn",
    "no data": "warn",
}
OVERDUE = AGES_SHOWN[3:]
"""Ages that are worth a number of their own: more than 30 days."""


@dataclass(frozen=True)
class Tile:
    """One figure, and what it says."""

    figure: str
    says: str
    tone: str = ""


def tone(word: str) -> str:
    """Whether a status or a compliance is good, bad or to be looked at; else empty."""
    return TONES.get(word.lower(), "")


def tiles(figures: Figures) -> list[Tile]:
    return [*(() if figures.run else _now(figures)), *_of_runs(figures)]


def denominators(figures: Figures) -> str:
    """Compliance as a sentence: of those assessed and of all, which differ when some are not."""
    compliant, assessed = figures.count(Compliance.COMPLIANT), figures.assessed
    everyone = len(figures.machines)
    if not assessed:
        return (
            "No assessment of the last seven days was seen: Azure shows a new one within the hour."
        )
    return (
        f"Compliant: {compliant} of {assessed} assessed ({share(compliant, assessed)}), "
        f"{compliant} of all {everyone} ({share(compliant, everyone)})."
    )


def heading(figures: Figures) -> str:
    """Also in documents that can be passed on without it, the sandbox is told."""
    return f"Patch report: {figures.deployment}{' (SANDBOX)' if figures.sandbox else ''}"


def since(figures: Figures) -> str:
    """What time, or which run, the report is about."""
    if figures.run:
        started = next((run.started for run in figures.runs if run.started is not None), None)
        when = f" of {started:%Y-%m-%d %H:%M} UTC" if started is not None else ""
        return f"The run {figures.run.rsplit('/', 1)[-1]}{when}."
    known = figures.known_since
    seen = f" Seen since {known:%Y-%m-%d}." if known is not None else ""
    return f"{figures.since:%Y-%m-%d} to {figures.now:%Y-%m-%d %H:%M} UTC.{seen}"


def subject(figures: Figures) -> str:
    """One line, as for a mail."""
    compliant, everyone = figures.count(Compliance.COMPLIANT), len(figures.machines)
    failed, warnings = _went_wrong(figures)
    said = [
        f"run {figures.run.rsplit('/', 1)[-1]}"
        if figures.run
        else f"{compliant} of {everyone} compliant",
        f"{failed} failed",
        f"{warnings} warnings" if warnings else "",
    ]
    sandbox = "[SANDBOX] " if figures.sandbox else ""
    return f"{sandbox}Patch report {figures.deployment}: {', '.join(part for part in said if part)}"


def _went_wrong(figures: Figures) -> tuple[int, int]:
    """Machines' runs that failed, and those that ended with warnings."""
    runs = figures.runs
    return sum(run.failed for run in runs), sum(run.warnings for run in runs)


def _now(figures: Figures) -> Iterable[Tile]:
    compliant, assessed = figures.count(Compliance.COMPLIANT), figures.assessed
    good = "good" if compliant == len(figures.machines) else "bad"
    yield Tile(share(compliant, assessed), "of assessed compliant", good if assessed else "")
    yield Tile(f"{assessed} of {len(figures.machines)}", "assessed within 7 days")
    overdue = sum(sum(figures.ages[age].values()) for age in OVERDUE)
    yield Tile(str(overdue), "updates pending for over 30 days", "bad" if overdue else "good")


def _of_runs(figures: Figures) -> Iterable[Tile]:
    failed, warnings = _went_wrong(figures)
    yield Tile(str(failed), "machine runs failed", "bad" if failed else "good")
    if figures.run:
        yield Tile(str(len(figures.machines)), "machines took part")
        yield Tile(str(warnings), "ended with warnings", "warn" if warnings else "good")
    yield Tile(str(sum(run.installed for run in figures.runs)), "updates installed on machines")
