"""A small table to ask, and what it answers."""

from __future__ import annotations

from typing import Any

from arm_sandbox import kql

NOW = 1_795_435_200.0  # 2026-11-23 12:00 UTC, a Monday
COLUMNS = {
    "id": "string",
    "name": "string",
    "size": "long",
    "share": "real",
    "on": "bool",
    "made": "datetime",
    "bag": "dynamic",
}
DAY = 86_400 * 10_000_000
MADE = int(NOW) * 10_000_000
ROWS: list[dict[str, Any]] = [
    {
        "id": "/subscriptions/S/resourceGroups/one/providers/Microsoft.Compute/virtualMachines/A",
        "name": "Alpha-web",
        "size": 4,
        "share": 0.5,
        "on": True,
        "made": MADE,
        "bag": {
            "os": {"type": "Windows", "disks": [{"gb": 127}, {"gb": 30}]},
            "count": 3,
            "ok": True,
            "when": "2026-11-22T12:00:00Z",
            "list": ["x", "y"],
            "odata.type": "t",
        },
    },
    {
        "id": "/subscriptions/S/resourceGroups/two/providers/Microsoft.Compute/virtualMachines/B",
        "name": "beta web",
        "size": -7,
        "share": None,
        "on": False,
        "made": MADE - DAY,
        "bag": {"os": {"type": "Linux", "disks": []}, "count": 0, "ok": False, "list": []},
    },
    {"id": "/c", "name": "", "size": None, "on": None, "made": None, "bag": None},
]


def result(text: str, dialect: kql.Dialect = kql.GRAPH) -> kql.Result:
    """What a query about `T` (and `U`, which is the same) is answered with."""
    tables = {"t": (COLUMNS, ROWS), "u": (COLUMNS, ROWS)}
    return kql.run(text, tables.__getitem__, NOW, dialect)


def answer(text: str, dialect: kql.Dialect = kql.GRAPH) -> list[dict[str, Any]]:
    return result(text, dialect).rows


def column(text: str) -> list[Any]:
    """One computed column of `T`, row by row."""
    return [row["x"] for row in answer(f"T | project x = {text}")]


def value(text: str) -> Any:
    """An expression that needs no row."""
    return answer(f"T | take 1 | project x = {text}")[0]["x"]


def names(condition: str) -> list[str]:
    """The first letters of the ids of the rows that meet a condition."""
    return [row["id"][-1] for row in answer(f"T | where {condition}")]


def why_not(text: str) -> str:
    """The last detail of a refusal, as `code: message`."""
    try:
        answer(text)
    except kql.QueryError as error:
        return f"{error.details[-1]['code']}: {error.details[-1]['message']}"
    raise AssertionError(f"{text} was answered")
