"""A relation: columns with types, and rows that are worked out when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from arm_sandbox.kql.syntax import Query, Table
from arm_sandbox.kql.typed import Columns, Row


@dataclass(frozen=True)
class Relation:
    """Each row has exactly the columns. The rows can be read once."""

    columns: Columns
    rows: Iterable[Row]


@dataclass(frozen=True)
class Reading:
    """What a query is answered from: the present in ticks, and the relations by their sources."""

    now: int
    relation: Callable[[Table | Query], Relation]


def free_name(name: str, taken: Collection[str]) -> str:
    """A name as it is, or with the first number behind it that nobody has."""
    if name not in taken:
        return name
    return next(n for n in (f"{name}{number}" for number in range(1, 1000)) if n not in taken)


def default_names(names: Iterable[str], taken: Collection[str] = ()) -> Iterator[str]:
    """Names of columns without doubles; `Column1` and so on where there is none."""
    used = set(taken)
    for name in names:
        chosen = free_name(name, used) if name else free_name("Column", {*used, "Column"})
        used.add(chosen)
        yield chosen
