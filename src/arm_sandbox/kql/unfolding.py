"""Operators that take one value apart: `mv-expand` into rows, `parse` into columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from arm_sandbox.kql import syntax, values
from arm_sandbox.kql.errors import unfit
from arm_sandbox.kql.expressions import Scope, known_type, name_of
from arm_sandbox.kql.relation import Reading, Relation, default_names
from arm_sandbox.kql.typed import Row, Typed, as_text

EXPANDED = 128
MOST_EXPANDED = 400
"""Rows that `mv-expand` makes of one, unless asked for more, and at most (query-language.md)."""


def named_items(
    items: Iterable[syntax.Named], relation: Relation, reading: Reading, step: str
) -> dict[str, Typed]:
    """Items with their names; nothing in one `extend` sees another item of it."""
    scope, items = Scope(relation.columns, reading.now, step), list(items)
    names = default_names(item.name or name_of(item.expression) for item in items)
    return {name: scope.ready(i.expression) for name, i in zip(names, items, strict=True)}


# -- one row into several


def expanded(step: syntax.Expand, relation: Relation, reading: Reading) -> Relation:
    """Arrays are expanded side by side; a null makes one row, an empty array none."""
    items = named_items((i.item for i in step.items), relation, reading, "mv-expand")
    if any(item.type != "dynamic" for item in items.values()):
        raise unfit("'mv-expand' operator: the expanded expression expected to have dynamic type")
    limit = EXPANDED if step.limit is None else step.limit
    if limit > MOST_EXPANDED:
        raise unfit(f"'mv-expand' operator: the row limit is at most {MOST_EXPANDED}.")
    parameters = dict(step.parameters)
    as_pairs = "array" in (parameters.get("kind"), parameters.get("bagexpansion"))
    index = parameters.get("with_itemindex", "")
    types = dict(zip(items, (known_type(i.type, "mv-expand") for i in step.items), strict=True))

    def rows() -> Iterator[Row]:
        for row in relation.rows:
            lists = {name: _elements(item.work(row), as_pairs) for name, item in items.items()}
            for number in range(min(limit, max(map(len, lists.values())))):
                new = {
                    n: _fitting(found[number : number + 1], types[n]) for n, found in lists.items()
                }
                yield row | new | ({index: number} if index else {})

    return Relation({**relation.columns, **types, **({index: "long"} if index else {})}, rows())


def _elements(value: Any, as_pairs: bool) -> list[Any]:
    if isinstance(value, dict):
        return [[k, v] if as_pairs else {k: v} for k, v in value.items()]
    return value if isinstance(value, list) else [value]


def _fitting(element: list[Any], type: str) -> Any:
    """An element, or none, as the type that `to typeof()` names: cast, not read from text."""
    value = element[0] if element else None
    if isinstance(value, str) and type in (*values.NUMBERS, "bool"):
        return None
    return values.converted("dynamic", value, type)


# -- text into columns

NUMERIC = {"int": r"(-?\d+)", "long": r"(-?\d+)", "real": r"(-?\d+(?:\.\d+)?)"}


def parsed(step: syntax.Parse, relation: Relation, reading: Reading) -> Relation:
    """`parse` in its simple mode: the pattern meets the whole text, or all columns are empty.

    The modes `regex` and `relaxed` are refused: what is greedy in them is documented both ways.
    """
    if dict(step.parameters).get("kind", "simple") != "simple":
        raise unfit("'parse' operator: the sandbox knows kind=simple only.")
    text = as_text(Scope(relation.columns, reading.now, "parse").ready(step.expression))
    if text.type != "string":
        raise unfit("'parse' operator: the expression must be a string.")
    captures = [piece for piece in step.pieces if isinstance(piece, syntax.Capture)]
    types = {c.name: known_type(c.type, "parse") for c in captures}
    shape = _shape(step.pieces)

    def rows() -> Iterator[Row]:
        for row in relation.rows:
            yield row | _captured(shape.fullmatch(text.work(row)), types)

    kept = {name: type for name, type in relation.columns.items() if name not in types}
    return Relation({**kept, **types}, rows())


def _shape(pieces: tuple[Any, ...]) -> re.Pattern[str]:
    for piece, follower in pairwise(pieces):
        loose = isinstance(piece, syntax.Capture) and piece.type not in NUMERIC
        if loose and not isinstance(follower, str):
            raise unfit(f"'parse' operator: a text must follow the column '{piece.name}'.")
    return re.compile("".join(_pattern(piece) for piece in pieces), re.DOTALL)


def _pattern(piece: str | syntax.Capture | syntax.Star) -> str:
    """A column or a `*` takes as little as it can."""
    if isinstance(piece, str):
        return re.escape(piece)
    if isinstance(piece, syntax.Star):
        return ".*?"
    return NUMERIC.get(piece.type, "(.*?)")


def _captured(match: re.Match[str] | None, types: Mapping[str, str]) -> Row:
    nothing = {name: values.empty(type) for name, type in types.items()}
    if match is None:
        return nothing
    pairs = zip(types.items(), match.groups(), strict=True)
    found = {name: values.converted("string", text, type) for (name, type), text in pairs}
    return nothing if None in found.values() else found
