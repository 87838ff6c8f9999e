"""A report as text: for a terminal, a file or a log, or the plain half of a mail."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from patchctl.figures import Failure, Figures, MachineLine, UpdateLine
from patchctl.observation import SEVERITIES
from patchctl.views.documents.summary import denominators, heading, since, tiles

MOST = 20
"""Lines of one table; the other forms have all of them."""
PENDING = ("update", "KB or version", "severity", "days", "machines")
FAILED = ("machine", "ended", "status", "why")
MACHINES = ("machine", "compliance", "assessed", "urgent", "other", "last run")
INSTALLED = ("update", "KB or version", "classification", "last", "machines")
Rows = Sequence[Sequence[str]]


def plain_text(figures: Figures, width: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False, markup=False)
    for part in _parts(figures):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _parts(figures: Figures) -> Iterable[RenderableType]:
    yield heading(figures)
    yield since(figures)
    if not figures.run:
        yield denominators(figures)
    for tile in tiles(figures):
        yield f"  {tile.figure:>10}  {tile.says}"
    yield from _table("Pending by age in days", _ages(figures), "", *SEVERITIES)
    yield from _table(
        "Pending updates, the oldest first",
        [
            (*_named(each), each.severity, str((figures.now - each.first).days), str(each.machines))
            for each in figures.pending
            if each.first is not None
        ],
        *PENDING,
    )
    yield from _table(
        "Failures and warnings",
        [(each.machine, _day(each.ended), each.status, _why(each)) for each in figures.failures],
        *FAILED,
    )
    yield from _table(
        "Machines",
        [_machine(each) for each in figures.machines],
        *MACHINES,
    )
    yield from _table(
        "Installed",
        [
            (*_named(each), each.classification, _day(each.last), str(each.machines))
            for each in figures.installed
        ],
        *INSTALLED,
    )


def _table(title: str, rows: Rows, *columns: str) -> Iterable[RenderableType]:
    """A titled table, or nothing where there are no rows."""
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(*(Text(cell) for cell in row))
    yield f"\n{title}"
    yield table
    if len(rows) > MOST:
        yield f"and {len(rows) - MOST} more: --format html, csv or json"


def _ages(figures: Figures) -> Rows:
    if not figures.pending:
        return ()
    return [
        (age, *(str(counts[severity]) for severity in SEVERITIES))
        for age, counts in figures.ages.items()
    ]


def _named(update: UpdateLine) -> tuple[str, str]:
    return update.name, f"KB{update.kb}" if update.kb else update.version


def _why(failure: Failure) -> str:
    """The reason often names the updates already."""
    unnamed = [update for update in failure.updates if update not in failure.reason]
    return "; ".join((failure.reason, *unnamed))


def _machine(machine: MachineLine) -> tuple[str, ...]:
    last = f"{machine.last_status} {_day(machine.last_ended)}" if machine.last_status else "none"
    return (
        machine.name,
        machine.compliance.value,
        _day(machine.assessed),
        str(machine.urgent),
        str(machine.other),
        last,
    )


def _day(at: object) -> str:
    return f"{at:%Y-%m-%d}" if at is not None else "not seen"
