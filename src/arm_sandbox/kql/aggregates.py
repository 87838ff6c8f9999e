"""Aggregations of `summarize`: what they make of the rows of one group."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arm_sandbox.kql import values
from arm_sandbox.kql.errors import unfit
from arm_sandbox.kql.expressions import Scope, name_of
from arm_sandbox.kql.syntax import Call, Column, Named, Star, rebuilt
from arm_sandbox.kql.typed import Row, Typed, Work

Rows = Sequence[Row]
Whole = Callable[[Rows], Any]
"""What is made of all the rows of a group."""
ORDERED = (*values.NUMBERS, "datetime", "timespan", "string", "bool")
SUMMED = (*values.NUMBERS, "timespan")


@dataclass(frozen=True)
class Aggregate:
    """Some columns of a summary, and the values of all of them for a group of rows."""

    columns: Mapping[str, str]
    whole: Callable[[Rows], Sequence[Any]]


def aggregate(scope: Scope, item: Named, keys: Collection[str]) -> Aggregate:
    """One item of `summarize`: an aggregation, or an expression that has aggregations inside."""
    expression = item.expression
    if isinstance(expression, Call) and expression.name in ROWS:
        return _row_of_extreme(scope, item.name, expression, keys)
    if isinstance(expression, Call) and expression.name in AGGREGATIONS:
        type, whole = _aggregation(scope, expression)
        return Aggregate({item.name or _name(expression): type}, lambda rows: (whole(rows),))
    return _around(scope, item)


def _around(scope: Scope, item: Named) -> Aggregate:
    """Work out the aggregations inside an expression first, then the expression on them."""
    inner: dict[str, tuple[str, Whole]] = {}

    def lifted(node: Any) -> Column | None:
        if not isinstance(node, Call) or node.name not in AGGREGATIONS:
            return None
        name = f"aggregation {len(inner)}"
        inner[name] = _aggregation(scope, node)
        return Column(name)

    expression = rebuilt(item.expression, lifted)
    found = Scope({n: type for n, (type, _) in inner.items()}, scope.now, scope.step).ready(
        expression
    )
    if not inner:
        raise unfit("'summarize' operator: an expression without an aggregation.")

    def whole(rows: Rows) -> tuple[Any]:
        return (found.work({name: part(rows) for name, (_, part) in inner.items()}),)

    return Aggregate({item.name or name_of(item.expression): found.type}, whole)


def _aggregation(scope: Scope, call: Call) -> tuple[str, Whole]:
    arguments = [scope.ready(argument.expression) for argument in call.arguments]
    prepare, conditional = AGGREGATIONS[call.name]
    if not conditional:
        return prepare(call, arguments)
    if not arguments or arguments[-1].type != "bool":
        raise unfit(f"{call.name}(): the last argument must be a condition.")
    meets = arguments.pop().work
    type, whole = prepare(call, arguments)
    return type, lambda rows: whole([row for row in rows if meets(row)])


def _name(call: Call) -> str:
    prefix = {"make_list": "list", "make_set": "set", "take_any": ""}.get(call.name, call.name)
    of = name_of(call.arguments[0].expression) if call.arguments else ""
    return f"{prefix}_{of}" if prefix else of


# -- aggregations that make one value


def _count(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    if arguments:
        raise unfit(f"{call.name}(): there is an argument too many.")
    return "long", len


def _dcount(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    """Exact here; Kusto's is an estimate that is exact for small numbers."""
    work = _one(call, arguments, ORDERED).work
    return "long", lambda rows: len(set(_found(work, rows)))


def _sum(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of = _one(call, arguments, SUMMED)
    return "long" if of.type == "int" else of.type, lambda rows: sum(_found(of.work, rows))


def _average(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of = _one(call, arguments, values.NUMBERS)

    def whole(rows: Rows) -> float | None:
        found = _found(of.work, rows)
        return sum(found) / len(found) if found else None

    return "real", whole


def _extreme(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of = _one(call, arguments, ORDERED)
    pick, nothing = (min if call.name.startswith("min") else max), values.empty(of.type)
    return of.type, lambda rows: pick(_found(of.work, rows), default=nothing)


def _any(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of = _one(call, arguments, (*ORDERED, "dynamic"))
    nothing = values.empty(of.type)
    return of.type, lambda rows: next(iter(_found(of.work, rows)), nothing)


def _list(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of, most = _listed(call, arguments)
    return "dynamic", lambda rows: [values.boxed(of.type, v) for v in _found(of.work, rows)][:most]


def _set(call: Call, arguments: list[Typed]) -> tuple[str, Whole]:
    of, most = _listed(call, arguments)

    def whole(rows: Rows) -> list[Any]:
        unique = {json.dumps(v, sort_keys=True): v for v in _found(of.work, rows)}
        return [values.boxed(of.type, value) for value in unique.values()][:most]

    return "dynamic", whole


def _listed(call: Call, arguments: list[Typed]) -> tuple[Typed, int | None]:
    """What is collected, and how much of it at most."""
    most = None
    if len(arguments) == 2 and arguments[1].constant and arguments[1].type == "long":
        most = arguments.pop().value
    return _one(call, arguments, (*ORDERED, "dynamic")), most


def _one(call: Call, arguments: list[Typed], fitting: Sequence[str]) -> Typed:
    if len(arguments) != 1:
        raise unfit(f"{call.name}(): the number of arguments is not one that it takes.")
    if arguments[0].type not in fitting:
        raise unfit(f"{call.name}(): not of a {arguments[0].type}; use an explicit cast.")
    return arguments[0]


def _found(work: Work, rows: Iterable[Row]) -> list[Any]:
    """The values that are not null: aggregations pass over nulls."""
    return [value for value in map(work, rows) if value is not None]


Prepare = Callable[[Call, list[Typed]], tuple[str, Whole]]
AGGREGATIONS: Mapping[str, tuple[Prepare, bool]] = {
    "count": (_count, False),
    "dcount": (_dcount, False),
    "sum": (_sum, False),
    "avg": (_average, False),
    "min": (_extreme, False),
    "max": (_extreme, False),
    "take_any": (_any, False),
    "any": (_any, False),
    "make_list": (_list, False),
    "make_set": (_set, False),
    "countif": (_count, True),
    "dcountif": (_dcount, True),
    "sumif": (_sum, True),
    "avgif": (_average, True),
    "minif": (_extreme, True),
    "maxif": (_extreme, True),
    "make_list_if": (_list, True),
    "make_set_if": (_set, True),
}
"""How each is made ready, and whether its last argument is a condition on the rows."""


# -- aggregations that take values of one row

ROWS = ("arg_max", "arg_min")


def _row_of_extreme(scope: Scope, name: str, call: Call, keys: Collection[str]) -> Aggregate:
    """`arg_max(x, *)` or `arg_max(x, a, b)`: values of the row in which x is largest."""
    if len(call.arguments) < 2:
        raise unfit(f"{call.name}(): takes two arguments or more.")
    first, *others = call.arguments
    by = scope.key(first.expression)
    shown = {name or first.name or name_of(first.expression) or call.name: by}
    for other in others:
        shown |= _shown_of_row(scope, other, [*keys, *shown])
    nothing = [values.empty(of.type) for of in shown.values()]
    pick = max if call.name == "arg_max" else min

    def whole(rows: Rows) -> list[Any]:
        known = [row for row in rows if by.work(row) is not None]
        row = pick(known, key=by.work, default=None)
        return nothing if row is None else [of.work(row) for of in shown.values()]

    return Aggregate({n: of.type for n, of in shown.items()}, whole)


def _shown_of_row(scope: Scope, other: Named, taken: Collection[str]) -> dict[str, Typed]:
    if isinstance(other.expression, Star):
        return {n: scope.ready(Column(n)) for n in scope.columns if n not in taken}
    return {other.name or name_of(other.expression): scope.ready(other.expression)}
