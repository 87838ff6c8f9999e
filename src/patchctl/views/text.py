"""Plans, findings, windows and errors as text for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from patchctl.catalogue import Entry
from patchctl.errors import PatchctlError
from patchctl.prices import AS_OF, Price, total
from patchctl.report import Finding, Inspection, Outcome
from patchctl.schedule.window import Occurrence

CHANGES = {
    Outcome.CREATE: ("+", "green"),
    Outcome.UPDATE: ("~", "yellow"),
    Outcome.UNCHANGED: ("=", "dim"),
    Outcome.FOREIGN: ("!", "bold red"),
    Outcome.WITHHELD: ("?", "bold yellow"),
}


def plan(inspections: Mapping[str, Inspection]) -> Iterator[Text]:
    """A line a step, and below it what would change."""
    for step, inspection in inspections.items():
        mark, style = CHANGES[inspection.change]
        yield Text(f"{mark} {step:<26} {inspection.change}", style)
        for finding in inspection.findings:
            if finding.ok is not True and inspection.writes:
                yield _change(finding, created=inspection.change is Outcome.CREATE)
        for sentence in inspection.notes:
            yield Text(f"      note: {sentence}", "dim")


def _change(finding: Finding, *, created: bool) -> Text:
    source = f"  ({finding.source})" if finding.source not in ("", "default") else ""
    if finding.ok is None:
        return Text(f"      {finding.subject}: {finding.got}", "dim")
    want, got = short(finding.want), short(finding.got)
    return Text(f"      {finding.subject}: {want if created else f'{got} -> {want}'}{source}")


def short(value: str) -> str:
    """Ids without what all of them begin with; for people only."""
    group = "/subscriptions/[^/]+/resourcegroups/"
    below = re.sub(rf"{group}[^/]+/providers/[^/]+/", "", value, flags=re.IGNORECASE)
    return re.sub(group, "", below, flags=re.IGNORECASE)


def counted(inspections: Mapping[str, Inspection]) -> str:
    numbers = Counter(inspection.change for inspection in inspections.values())
    return ", ".join(_counted(change, numbers[change]) for change in CHANGES if numbers[change])


def _counted(change: Outcome, number: int) -> str:
    to = "to " if change in (Outcome.CREATE, Outcome.UPDATE) else ""
    return f"{number} {to}{change}"


def windows(coming: Sequence[Occurrence], time_zone: str) -> Iterator[Text]:
    """The next windows, in the schedule's zone and in UTC."""
    yield Text(f"Next windows ({time_zone}):", "bold")
    for window in coming:
        local = f"{window.local:%a %Y-%m-%d %H:%M %z}"
        yield Text(f"  {local}  =  {window.utc:%a %Y-%m-%d %H:%M} to {window.end_utc:%H:%M} UTC")
        if window.note:
            yield Text(f"      note: {window.note}", "yellow")


def first_window(window: Occurrence, then: str) -> Iterator[Text]:
    """The one window that opens to try the schedule out, and the command that shows what came of
    it."""
    local = f"{window.local:%a %Y-%m-%d %H:%M %z}"
    yield Text("And one window to try it out:", "bold")
    yield Text(f"  {local}  =  {window.utc:%a %Y-%m-%d %H:%M} to {window.end_utc:%H:%M} UTC")
    yield Text(f"  Its results come up to an hour after its end: {then}")


def cost(prices: Sequence[Price]) -> Iterator[Text]:
    """What it costs a month, by a dated table of list prices."""
    yield Text(f"About {total(prices):.2f} USD a month (list prices East US, {AS_OF}):", "bold")
    for price in prices:
        amount = "?" if price.usd_per_month is None else f"{price.usd_per_month:.2f}"
        yield Text(f"  {amount:>8}  {price.what}{f' ({price.note})' if price.note else ''}")


def findings(inspections: Mapping[str, Inspection]) -> Table:
    """Every check with what is expected and what was found, step by step."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "check", "expected", "found"):
        table.add_column(title, overflow="fold")
    for step, inspection in inspections.items():
        table.add_row("", Text(step, "bold"))
        for finding in inspection.findings:
            word, style = _verdict(finding)
            cells = (word, f"  {finding.subject}", short(finding.want), short(finding.got))
            table.add_row(*(Text(cell) for cell in cells), style=style)
    return table


def _verdict(finding: Finding) -> tuple[str, str]:
    if finding.ok is None:
        return "unknown", "yellow"
    return ("ok", "") if finding.ok else ("WRONG", "bold red")


def error(error: PatchctlError) -> Iterator[Text]:
    """What failed, where, why, and what to do next."""
    first, *rest = error.message.splitlines()
    yield Text(f"error: {first}", "bold red")
    yield from (Text(f"       {line}", "bold red") for line in rest)
    places = {"step": error.step, "resource": error.resource, "request id": error.request_id}
    yield from (Text(f"  {name}: {place}") for name, place in places.items() if place)
    if error.code not in ("BadInput",):
        yield Text(f"  code: {error.code}")
    if error.hint:
        yield Text(f"  next: {error.hint}")


def explained(entry: Entry) -> Iterator[Text]:
    """An error of the catalogue."""
    yield Text(entry.code, "bold")
    yield Text(entry.cause)
    yield Text(f"  next: {entry.hint}")
    yield Text(f"  source: {entry.source}", "dim")


def listed(rows: Iterable[Sequence[str]], *titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
