"""A report as CSV, a row an update on a machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields

from patchctl.ledger import Entry

COLUMNS = tuple(field.name for field in fields(Entry))
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell begins that a spreadsheet program would work out instead of showing it."""


def spreadsheet(entries: Iterable[Entry]) -> Iterator[str]:
    """The lines, one by one, the first with the names of the columns."""
    yield _line(COLUMNS)
    for entry in entries:
        yield _line(astuple(entry))


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(f"'{cell}" if cell.startswith(FORMULAS) else cell for cell in cells)
    return line.getvalue()
