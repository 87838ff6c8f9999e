"""Log search alerts: what the rows of a query come to, for each combination of dimension values.

Sources: "Create or edit a log search alert rule" for dimensions, aggregation and number of
violations; a rule that counts rows counts 0 where there is none and nothing splits it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Condition = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """An answered query: the types of its columns by name, and its rows as JSON values.

    A query that came to nothing has neither (errors of Resource Graph are not told).
    """

    columns: Mapping[str, str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Reading:
    """One combination of dimension values: its latest value, and whether it meets the condition."""

    dimensions: dict[str, str]
    value: float
    met: bool
    resource: str = ""
    """The id in the column that tells what an alert is about, if the rule names one."""


class Failing(Exception):
    """An evaluation that comes to nothing; `title` is what the rule's health says (docs)."""

    def __init__(self, title: str, summary: str) -> None:
        super().__init__(f"{title}: {summary}")
        self.title, self.summary = title, summary


SPLITTING = ("string", "int", "long", "real")
MEASURED = ("int", "long", "real")
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "equal": operator.eq,
    "greaterthan": operator.gt,
    "greaterthanorequal": operator.ge,
    "lessthan": operator.lt,
    "lessthanorequal": operator.le,
}
AGGREGATIONS: Mapping[str, Callable[[list[float]], float]] = {
    "average": lambda numbers: sum(numbers) / len(numbers),
    "minimum": min,
    "maximum": max,
    "total": sum,
}


def measure(condition: Condition, table: Table, now: float, window: float) -> list[Reading]:
    """The readings of a condition. Raises Failing where the query does not fit it."""
    resource_column = condition.get("resourceIdColumn") or ""
    dimensions = [str(d["name"]) for d in condition.get("dimensions") or ()]
    keys = [*dimensions, *([resource_column] if resource_column else [])]
    for name in keys:
        _require(table, name, SPLITTING)
    if not _counts(condition):
        _require(table, condition["metricMeasureColumn"], MEASURED)
    readings = []
    for values, rows in _groups(condition, keys, table).items():
        found = _violations(condition, _periods(condition, table, rows, now, window))
        if found is not None:
            named = dict(zip(keys, values, strict=True))
            resource = named.pop(resource_column, "") if resource_column else ""
            readings.append(Reading(named, *found, resource))
    return readings


def _require(table: Table, column: str, types: tuple[str, ...]) -> None:
    found = table.columns.get(column)
    if table.columns and found not in types:
        what = f"the column '{column}' is {found or 'not in its result'}"
        raise Failing("Semantic error", f"The query does not fit the rule: {what}.")


def _groups(
    condition: Condition, keys: list[str], table: Table
) -> dict[tuple[str, ...], list[Row]]:
    """The rows by their values; without a column to split by, all of them, be there any or none."""
    groups: dict[tuple[str, ...], list[Row]] = {} if keys else {(): []}
    for row in table.rows:
        if all(_taken(d, _text(row[d["name"]])) for d in condition.get("dimensions") or ()):
            groups.setdefault(tuple(_text(row[key]) for key in keys), []).append(row)
    return groups


def _taken(dimension: Mapping[str, Any], value: str) -> bool:
    named = "*" in dimension["values"] or value in dimension["values"]
    return named == (str(dimension["operator"]).lower() == "include")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _periods(
    condition: Condition, table: Table, rows: list[Row], now: float, window: float
) -> list[list[Row]]:
    """The rows of each evaluation period, the latest first.

    One period takes all rows, for the service knows no time of theirs. Several need a column
    of times (docs, "number of violations").
    """
    periods = condition["failingPeriods"]["numberOfEvaluationPeriods"]
    if periods == 1:
        return [rows]
    time = next((name for name, type in table.columns.items() if type == "datetime"), "")
    if table.columns and not time:
        raise Failing("Semantic error", "The query has no datetime column to part periods by.")
    parted: list[list[Row]] = [[] for _ in range(periods)]
    for row in rows:
        age = now - datetime.fromisoformat(row[time]).timestamp() if row[time] else -1.0
        if 0 <= age < periods * window:
            parted[int(age // window)].append(row)
    return parted


def _violations(condition: Condition, periods: list[list[Row]]) -> tuple[float, bool] | None:
    """The value of the latest period that has one, and whether enough of them violate."""
    values = [v for v in (_aggregate(condition, rows) for rows in periods) if v is not None]
    if not values:
        return None
    violates = OPERATORS[str(condition["operator"]).lower()]
    violations = sum(violates(value, condition["threshold"]) for value in values)
    return values[0], violations >= condition["failingPeriods"]["minFailingPeriodsToAlert"]


def _aggregate(condition: Condition, rows: Iterable[Row]) -> float | None:
    rows = list(rows)
    if _counts(condition):
        return float(len(rows))
    column = condition["metricMeasureColumn"]
    numbers = [float(row[column]) for row in rows if row[column] is not None]
    how = AGGREGATIONS[str(condition["timeAggregation"]).lower()]
    return float(how(numbers)) if numbers else None


def _counts(condition: Condition) -> bool:
    return str(condition["timeAggregation"]).lower() == "count"
