"""What the rows of a rule's query come to."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox.log_search_measure import Failing, Reading, Table, measure
from arm_sandbox.world import stamp

COLUMNS = {"run": "string", "failed": "long", "ended": "datetime", "more": "dynamic"}
NOW, WINDOW = 10_000.0, 900.0


def row(run: str, failed: int | None = 1, ago: float = 0.0) -> dict[str, Any]:
    return {"run": run, "failed": failed, "ended": stamp(NOW - ago), "more": {}}


THREE = (row("a", 2), row("b", 7), row("a", None))


def readings(
    *rows: dict[str, Any], by: str = "", values: tuple[str, ...] = ("*",), **members: Any
) -> dict[str, tuple[float, bool]]:
    """Value and verdict by the value of the dimension."""
    operator = members.pop("taken", "Include")
    condition = {
        "timeAggregation": "Count",
        "operator": "GreaterThan",
        "threshold": 0.0,
        "dimensions": [{"name": by, "operator": operator, "values": [*values]}] if by else [],
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
        **members,
    }
    found = measure(condition, Table(COLUMNS, rows), NOW, WINDOW)
    return {reading.dimensions.get(by, ""): (reading.value, reading.met) for reading in found}


def test_rows_are_counted_even_where_there_are_none() -> None:
    assert readings(*THREE) == {"": (3.0, True)}
    assert readings() == {"": (0.0, False)}
    assert readings(operator="LessThan", threshold=1.0) == {"": (0.0, True)}


def test_each_combination_of_dimension_values_is_counted_for_itself() -> None:
    assert readings(*THREE, by="run") == {"a": (2.0, True), "b": (1.0, True)}
    assert readings(*THREE, by="run", threshold=1.0)["b"] == (1.0, False)
    assert readings(by="run") == {}
    assert readings(*THREE, by="failed") == {"2": (1.0, True), "7": (1.0, True), "": (1.0, True)}


@pytest.mark.parametrize(
    ("taken", "values", "kept"),
    [
        ("Include", ("a",), {"a"}),
        ("Include", ("a", "b"), {"a", "b"}),
        ("Exclude", ("a",), {"b"}),
        ("Exclude", ("*",), set()),
    ],
)
def test_values_can_be_chosen(taken: str, values: tuple[str, ...], kept: set[str]) -> None:
    assert set(readings(*THREE, by="run", values=values, taken=taken)) == kept


@pytest.mark.parametrize(
    ("how", "value"), [("Total", 9.0), ("Average", 4.5), ("Minimum", 2.0), ("Maximum", 7.0)]
)
def test_numbers_are_aggregated_without_nulls(how: str, value: float) -> None:
    found = readings(*THREE, timeAggregation=how, metricMeasureColumn="failed", threshold=4.5)
    assert found == {"": (value, value > 4.5)}
    assert readings(timeAggregation=how, metricMeasureColumn="failed") == {}


@pytest.mark.parametrize(
    ("operator", "met"),
    [
        ("Equal", (False, True, False)),
        ("GreaterThan", (False, False, True)),
        ("GreaterThanOrEqual", (False, True, True)),
        ("LessThan", (True, False, False)),
        ("LessThanOrEqual", (True, True, False)),
    ],
)
def test_the_value_is_held_against_the_threshold(operator: str, met: tuple[bool, ...]) -> None:
    found = [readings(*THREE[:n], operator=operator, threshold=2.0)[""][1] for n in (1, 2, 3)]
    assert found == [*met]


def test_violations_are_counted_over_periods_of_the_rows_own_times() -> None:
    periods = {"numberOfEvaluationPeriods": 3, "minFailingPeriodsToAlert": 2}
    rows = (row("a", ago=10), row("a", ago=899), row("a", ago=1800), row("a", ago=2700))
    assert readings(*rows, failingPeriods=periods) == {"": (2.0, True)}
    assert readings(*rows[:2], failingPeriods=periods) == {"": (2.0, False)}
    assert readings(*rows[2:], failingPeriods=periods) == {"": (0.0, False)}


def test_the_resource_that_a_row_is_about_becomes_the_target() -> None:
    condition = {
        "timeAggregation": "Count",
        "operator": "GreaterThan",
        "threshold": 0.0,
        "resourceIdColumn": "run",
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
    }
    found = measure(condition, Table(COLUMNS, THREE), NOW, WINDOW)
    assert found == [Reading({}, 2.0, True, "a"), Reading({}, 1.0, True, "b")]


@pytest.mark.parametrize(
    ("members", "column"),
    [
        ({"by": "more"}, "more"),
        ({"by": "ended"}, "ended"),
        ({"by": "missing"}, "missing"),
        ({"timeAggregation": "Total", "metricMeasureColumn": "run"}, "run"),
    ],
)
def test_columns_that_do_not_fit(members: dict[str, Any], column: str) -> None:
    with pytest.raises(Failing, match=f"Semantic error: .*'{column}'"):
        readings(*THREE, **members)


def test_periods_without_a_column_of_times() -> None:
    condition = {
        "timeAggregation": "Count",
        "operator": "GreaterThan",
        "threshold": 0.0,
        "failingPeriods": {"numberOfEvaluationPeriods": 2, "minFailingPeriodsToAlert": 1},
    }
    with pytest.raises(Failing, match="no datetime column"):
        measure(condition, Table({"run": "string"}, [{"run": "a"}]), NOW, WINDOW)


def test_a_query_that_came_to_nothing_fits_every_rule() -> None:
    condition = {
        "timeAggregation": "Count",
        "operator": "LessThan",
        "threshold": 1.0,
        "dimensions": [{"name": "run", "operator": "Include", "values": ["*"]}],
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
    }
    assert measure(condition, Table({}, []), NOW, WINDOW) == []
    whole = measure({**condition, "dimensions": []}, Table({}, []), NOW, WINDOW)
    assert whole == [Reading({}, 0.0, True)]
