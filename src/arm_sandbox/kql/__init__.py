"""The part of the Kusto Query Language that Resource Graph knows: parsed, checked, answered.

    result = run("resources | where name has 'web' | count", read, now=world.now)

What is not known is refused with the details of the service's error, never answered differently
from the service. kql.lark is the grammar, `functions` and `aggregates` list what can be called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from arm_sandbox.kql import values
from arm_sandbox.kql.dialects import ALERT_RULE, GRAPH, Dialect, check
from arm_sandbox.kql.errors import QueryError, unknown_table
from arm_sandbox.kql.parser import parse
from arm_sandbox.kql.relation import Reading, Relation
from arm_sandbox.kql.steps import applied
from arm_sandbox.kql.syntax import (
    Extend,
    Order,
    Parse,
    Project,
    ProjectAway,
    Query,
    Table,
    Take,
    Top,
    Where,
)
from arm_sandbox.kql.typed import Columns, Row

__all__ = [
    "ALERT_RULE",
    "GRAPH",
    "Columns",
    "Dialect",
    "QueryError",
    "Result",
    "Row",
    "Source",
    "run",
]

Source = Callable[[str], tuple[Columns, Iterable[Row]]]
"""The columns and the rows of a table by its lower-cased name; raises KeyError. A row may leave
out columns that are empty."""


@dataclass(frozen=True)
class Result:
    """Columns with their types, and rows as JSON values."""

    columns: Columns
    rows: list[Row]
    ordered: bool = False
    """Whether the query says in which order the rows stand."""
    limited: bool = False
    """Whether the query says how many rows it wants (`take`, `limit`)."""


def run(query: str, source: Source, now: float, dialect: Dialect = GRAPH) -> Result:
    """Answer a query at a time in seconds since 1970.

    Raises QueryError, except in a dialect that is silent about errors: there the answer is empty.
    """
    try:
        return _answer(_allowed(query, dialect), source, round(now * values.TICKS), dialect)
    except QueryError:
        if dialect.silent:
            return Result({}, [])
        raise


@lru_cache(maxsize=256)
def _allowed(text: str, dialect: Dialect) -> Query:
    """A query read and checked; alert rules ask the same one thousands of times."""
    query = parse(text)
    check(query, dialect)
    return query


def _answer(query: Query, source: Source, now: int, dialect: Dialect) -> Result:
    reading = Reading(now, lambda asked: _relation(asked, source, reading))
    relation = reading.relation(query)
    rows = islice(relation.rows, dialect.most_rows)
    written = {n: t for n, t in relation.columns.items() if t in ("datetime", "timespan")}
    return Result(
        relation.columns,
        [_shown(row, written) for row in rows],
        ordered=_is_ordered(query),
        limited=any(isinstance(step, Take) for step in query.steps),
    )


def _is_ordered(query: Query) -> bool:
    """Whether the last step that makes an order is not followed by one that loses it."""
    orders = [isinstance(s, Order | Top) for s in query.steps if not isinstance(s, KEEPING_ORDER)]
    return orders[-1:] == [True]


KEEPING_ORDER = (Where, Project, ProjectAway, Extend, Take, Parse)


def _relation(asked: Table | Query, source: Source, reading: Reading) -> Relation:
    if isinstance(asked, Table):
        return _table(asked.name, source)
    relation = reading.relation(asked.source)
    for step in asked.steps:
        relation = applied(step, relation, reading)
    return relation


def _table(name: str, source: Source) -> Relation:
    try:
        columns, rows = source(name.lower())
    except KeyError:
        raise unknown_table(name) from None
    nothing = {column: values.empty(type) for column, type in columns.items()}
    return Relation(columns, (nothing | row for row in rows))


def _shown(row: Row, written: Columns) -> Row:
    if not written:
        return row
    return {n: values.shown(written.get(n, ""), value) for n, value in row.items()}
