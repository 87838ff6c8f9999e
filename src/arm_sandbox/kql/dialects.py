"""What may be asked where: of Resource Graph itself, and by an alert rule through `arg`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from arm_sandbox.kql import errors, syntax
from arm_sandbox.kql.syntax import Query, Table

MOST_JOINS = 3
MOST_EXPANSIONS = 3
"""Joins and unions together, and mv-expands, of one query (query-language.md)."""
FREELY_JOINED = ("resources", "resourcecontainers")


@dataclass(frozen=True)
class Dialect:
    """A way of asking."""

    name: str
    through_arg: bool = False
    """Whether tables are written `arg("").table`."""
    without: frozenset[str] = frozenset()
    """Functions that are not known there."""
    joins: bool = True
    most_rows: int | None = None
    silent: bool = False
    """Whether an error is answered with nothing at all instead of being told."""


GRAPH = Dialect("Azure Resource Graph")
ALERT_RULE = Dialect(
    "log alert rule",
    through_arg=True,
    without=frozenset(
        ("arg_max", "arg_min", "avg", "avgif", "countif", "sumif", "bag_keys", "bag_has_key")
    ),
    joins=False,
    most_rows=1000,
    silent=True,
)
"""Sources: azure-monitor-data-explorer-proxy.md ("Azure Resource Graph cross-service query
limitations") and troubleshoot/alerts.md. The second also lists `now()` and `ago()`, which published
rules use all the same. Tables of Resource Graph cannot be joined with each other, with a hint or
without."""


def check(query: Query, dialect: Dialect) -> None:
    """Raises QueryError for a query that is well formed and still not allowed in a dialect."""
    nodes = list(syntax.walk(query))
    for node in nodes:
        if isinstance(node, Table) and node.through_arg != dialect.through_arg:
            raise errors.unknown_table("arg" if node.through_arg else node.name)
        if isinstance(node, syntax.Call) and node.name in dialect.without:
            raise errors.unknown_function(node.name)
    joins = [node for node in nodes if isinstance(node, syntax.Join)]
    if joins and not dialect.joins:
        raise errors.unfit("join: tables of Resource Graph cannot be joined here.")
    _require_few(joins, nodes)
    _require_no_hints(joins)
    _require_joinable(query, joins)


def _require_few(joins: list[syntax.Join], nodes: list[object]) -> None:
    together = len(joins) + sum(isinstance(node, syntax.Union) for node in nodes)
    if together > MOST_JOINS:
        raise errors.invalid(
            "DisallowedMaxNumberOfJoins", f"A query has at most {MOST_JOINS} joins and unions."
        )
    if sum(isinstance(node, syntax.Expand) for node in nodes) > MOST_EXPANSIONS:
        raise errors.invalid(
            "DisallowedMaxNumberOfMvExpands", f"A query has at most {MOST_EXPANSIONS} mv-expands."
        )


def _require_no_hints(joins: list[syntax.Join]) -> None:
    if any(name.startswith("hint.") for join in joins for name, _ in join.parameters):
        raise errors.unfit("join: custom join strategies are not allowed.")


def _require_joinable(query: Query, joins: list[syntax.Join]) -> None:
    """A query may cross over to one table other than its own, and to that once.

    `resources` and `resourcecontainers` may be joined with each other as they like.
    """
    own = source_of(query).lower()
    crossed = Counter(source_of(join.right).lower() for join in joins)
    if {own, *crossed} <= set(FREELY_JOINED):
        return
    if sum(number for table, number in crossed.items() if table != own) > 1:
        raise errors.invalid(
            "DisallowedMaxNumberOfRemoteTables",
            "A query joins one table other than its own, and that once.",
        )


def source_of(source: Table | Query) -> str:
    """The table that a query begins with."""
    return source.name if isinstance(source, Table) else source_of(source.source)
