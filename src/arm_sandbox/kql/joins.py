"""Operators that bring relations together: `join` and `union`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from arm_sandbox.kql import syntax, values
from arm_sandbox.kql.errors import unfit, unknown_column, unsupported_join
from arm_sandbox.kql.relation import Reading, Relation, free_name
from arm_sandbox.kql.typed import Columns, Row

FLAVOURS = ("innerunique", "inner", "leftouter", "fullouter")
"""The flavours of join that Resource Graph documents; the first is the default."""
REFUSED = {
    "leftsemi": "LeftSemi",
    "leftanti": "LeftAnti",
    "leftantisemi": "LeftAntiSemi",
    "anti": "Anti",
    "rightouter": "RightOuter",
    "rightsemi": "RightSemi",
    "rightanti": "RightAnti",
    "rightantisemi": "RightAntiSemi",
}
"""Kusto's others, as the refusal writes them (azure-docs#45495)."""
Key = Callable[[Row], tuple[Any, ...] | None]


def joined(step: syntax.Join, left: Relation, reading: Reading) -> Relation:
    """Every left column, then every right one under a name that is free."""
    flavour = dict(step.parameters).get("kind", "innerunique")
    if flavour not in FLAVOURS:
        raise unsupported_join(REFUSED.get(flavour, flavour))
    right = reading.relation(step.right)
    for one, other in step.on:
        _require_same_type(left.columns, one, right.columns, other)
    names: dict[str, str] = {}
    for name in right.columns:
        names[name] = free_name(name, {*left.columns, *names.values()})
    columns = {**left.columns, **{new: right.columns[old] for old, new in names.items()}}
    left_key, right_key = (_key([pair[side] for pair in step.on]) for side in (0, 1))

    def rows() -> Iterator[Row]:
        matches = _matches(right.rows, right_key, names)
        yield from _pairs(flavour, left, left_key, matches, columns)

    return Relation(columns, rows())


def _require_same_type(left: Columns, one: str, right: Columns, other: str) -> None:
    for columns, name in ((left, one), (right, other)):
        if name not in columns:
            raise unknown_column("join", name)
        if columns[name] == "dynamic":
            raise unfit(
                f"join key '{name}' is of a 'dynamic' type. Please use an explicit cast using "
                "extend operator in the join legs, as join on a 'dynamic' type is not supported."
            )
    types = {left[one], right[other]}
    if len(types) > 1 and not types <= {"int", "long"}:
        raise unfit(f"join: '{one}' is a {left[one]} and '{other}' is a {right[other]}.")


def _key(names: Iterable[str]) -> Key:
    """The values that have to be equal, or None where one is null, which equals nothing."""
    wanted = tuple(names)

    def key(row: Row) -> tuple[Any, ...] | None:
        found = tuple(row[name] for name in wanted)
        return None if None in found else found

    return key


def _matches(
    rows: Iterable[Row], key: Key, names: Mapping[str, str]
) -> dict[tuple[Any, ...] | None, list[Row]]:
    found: dict[tuple[Any, ...] | None, list[Row]] = {}
    for row in rows:
        renamed = {new: row[old] for old, new in names.items()}
        found.setdefault(key(row), []).append(renamed)
    return found


def _pairs(
    flavour: str,
    left: Relation,
    left_key: Key,
    matches: dict[tuple[Any, ...] | None, list[Row]],
    columns: Columns,
) -> Iterator[Row]:
    outer = flavour in ("leftouter", "fullouter")
    nothing = {name: values.empty(type) for name, type in columns.items()}
    seen: set[tuple[Any, ...] | None] = set()
    for row in left.rows:
        key = left_key(row)
        again, met = key in seen, key is not None and key in matches
        seen.add(key)
        if met and not (again and flavour == "innerunique"):
            yield from (row | match for match in matches[key])
        elif outer and not met:
            yield {**nothing, **row}
    if flavour == "fullouter":
        alone = (rows for key, rows in matches.items() if key is None or key not in seen)
        yield from ({**nothing, **match} for rows in alone for match in rows)


def united(step: syntax.Union, first: Relation, reading: Reading) -> Relation:
    """The rows of all legs; `outer`, the default, shows the columns of any, `inner` those of all.

    Resource Graph knows `kind` and `withsource` only. A name with two types is refused: Kusto
    would make two columns of it.
    """
    parameters = dict(step.parameters)
    if set(parameters) - {"kind"} or parameters.get("kind", "outer") not in ("outer", "inner"):
        raise unfit("'union' operator: the sandbox knows kind=outer and kind=inner only.")
    legs = [first, *(reading.relation(leg) for leg in step.legs)]
    columns: dict[str, str] = {}
    for leg in legs:
        for name, type in leg.columns.items():
            if columns.setdefault(name, type) != type:
                raise unfit(f"'union' operator: '{name}' is of different types in its legs.")
    if parameters.get("kind") == "inner":
        columns = {n: t for n, t in columns.items() if all(n in leg.columns for leg in legs)}
    nothing = {name: values.empty(type) for name, type in columns.items()}

    def rows() -> Iterator[Row]:
        for leg in legs:
            for row in leg.rows:
                yield nothing | {name: value for name, value in row.items() if name in columns}

    return Relation(columns, rows())
