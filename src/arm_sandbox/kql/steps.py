"""The tabular operators: what each makes of the relation before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from arm_sandbox.kql import syntax
from arm_sandbox.kql.aggregates import aggregate
from arm_sandbox.kql.errors import unknown_column
from arm_sandbox.kql.expressions import Scope, name_of
from arm_sandbox.kql.joins import joined, united
from arm_sandbox.kql.relation import Reading, Relation, default_names
from arm_sandbox.kql.typed import Row, Work
from arm_sandbox.kql.unfolding import expanded, named_items, parsed


def _where(step: syntax.Where, relation: Relation, reading: Reading) -> Relation:
    meets = Scope(relation.columns, reading.now, "where").condition(step.condition).work
    return Relation(relation.columns, filter(meets, relation.rows))


def _project(step: syntax.Project, relation: Relation, reading: Reading) -> Relation:
    shown = named_items(step.items, relation, reading, "project")
    works = [(name, of.work) for name, of in shown.items()]
    rows = ({name: work(row) for name, work in works} for row in relation.rows)
    return Relation({name: of.type for name, of in shown.items()}, rows)


def _project_away(step: syntax.ProjectAway, relation: Relation, reading: Reading) -> Relation:
    """Names, or patterns with `*`. A name that is not there is refused."""
    away: set[str] = set()
    for pattern in step.patterns:
        shape = re.compile(re.escape(pattern).replace(r"\*", ".*"))
        found = {name for name in relation.columns if shape.fullmatch(name)}
        if not found and "*" not in pattern:
            raise unknown_column("project-away", pattern)
        away |= found
    return _only(relation, [name for name in relation.columns if name not in away])


def _only(relation: Relation, names: Iterable[str]) -> Relation:
    columns = {name: relation.columns[name] for name in names}
    return Relation(columns, ({name: row[name] for name in columns} for row in relation.rows))


def _extend(step: syntax.Extend, relation: Relation, reading: Reading) -> Relation:
    """A column that exists is replaced, and moves to the end (extend operator)."""
    new = named_items(step.items, relation, reading, "extend")
    works = [(name, of.work) for name, of in new.items()]
    kept = {name: type for name, type in relation.columns.items() if name not in new}
    rows = (row | {name: work(row) for name, work in works} for row in relation.rows)
    return Relation({**kept, **{name: of.type for name, of in new.items()}}, rows)


# -- summaries


def _summarize(step: syntax.Summarize, relation: Relation, reading: Reading) -> Relation:
    scope = Scope(relation.columns, reading.now, "summarize")
    names = list(default_names(key.name or name_of(key.expression) for key in step.keys))
    keys = [scope.key(key.expression) for key in step.keys]
    made = [aggregate(scope, item, names) for item in step.aggregates]
    of_made = list(default_names((name for part in made for name in part.columns), names))
    types = [*(key.type for key in keys), *(t for part in made for t in part.columns.values())]
    columns = dict(zip([*names, *of_made], types, strict=True))

    def rows() -> Iterator[Row]:
        for key, group in _grouped(relation.rows, [key.work for key in keys]).items():
            found = [value for part in made for value in part.whole(group)]
            yield dict(zip(columns, [*key, *found], strict=True))

    return Relation(columns, rows())


def _grouped(rows: Iterable[Row], keys: list[Work]) -> Mapping[tuple[Any, ...], list[Row]]:
    """Groups in the order in which they appear; without keys there is one, even of no rows."""
    groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
    for row in rows:
        groups.setdefault(tuple(key(row) for key in keys), []).append(row)
    return groups


def _distinct(step: syntax.Distinct, relation: Relation, reading: Reading) -> Relation:
    items = step.items or tuple(syntax.Named("", syntax.Column(n)) for n in relation.columns)
    return _summarize(syntax.Summarize((), items), relation, reading)


def _count(step: syntax.Count, relation: Relation, reading: Reading) -> Relation:
    def rows() -> Iterator[Row]:
        yield {"Count": sum(1 for _ in relation.rows)}

    return Relation({"Count": "long"}, rows())


# -- order and number


def _order(step: syntax.Order, relation: Relation, reading: Reading) -> Relation:
    return _sorted(step.by, relation, reading, "order")


def _top(step: syntax.Top, relation: Relation, reading: Reading) -> Relation:
    ordered = _sorted(step.by, relation, reading, "top")
    return Relation(ordered.columns, islice(ordered.rows, step.number))


def _take(step: syntax.Take, relation: Relation, reading: Reading) -> Relation:
    return Relation(relation.columns, islice(relation.rows, step.number))


def _sorted(
    by: tuple[syntax.Ordering, ...], relation: Relation, reading: Reading, step: str
) -> Relation:
    """Sorts by the last key first: an order that is there already outlasts the next sorting."""
    scope = Scope(relation.columns, reading.now, step)
    keys = [(scope.key(ordering.expression).work, ordering) for ordering in reversed(by)]

    def rows() -> Iterator[Row]:
        found = list(relation.rows)
        for work, ordering in keys:
            found = _sorted_once(found, work, ordering)
        yield from found

    return Relation(relation.columns, rows())


def _sorted_once(rows: list[Row], work: Work, ordering: syntax.Ordering) -> list[Row]:
    nulls = [row for row in rows if work(row) is None]
    known = [row for row in rows if work(row) is not None] if nulls else rows
    known.sort(key=work, reverse=ordering.descending)
    return nulls + known if ordering.nulls_first else known + nulls


STEPS: Mapping[type, Callable[[Any, Relation, Reading], Relation]] = {
    syntax.Where: _where,
    syntax.Project: _project,
    syntax.ProjectAway: _project_away,
    syntax.Extend: _extend,
    syntax.Summarize: _summarize,
    syntax.Distinct: _distinct,
    syntax.Count: _count,
    syntax.Order: _order,
    syntax.Top: _top,
    syntax.Take: _take,
    syntax.Expand: expanded,
    syntax.Parse: parsed,
    syntax.Join: joined,
    syntax.Union: united,
}


def applied(step: syntax.Step, relation: Relation, reading: Reading) -> Relation:
    """What an operator makes of a relation. Raises QueryError where it does not fit it."""
    return STEPS[type(step)](step, relation, reading)
