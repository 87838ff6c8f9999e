"""Any rows, any condition, any join: the language against plain Python that shares no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arm_sandbox import kql

Row = dict[str, Any]
COLUMNS = {"k": "string", "n": "long", "d": "dynamic"}
NUMBERS = st.one_of(st.none(), st.integers(-3, 3))
WORDS = st.sampled_from(["", "a", "A", "b", "a-b", "ab", "b a"])
ROWS = st.lists(
    st.fixed_dictionaries({"k": WORDS, "n": NUMBERS, "d": st.one_of(NUMBERS, WORDS)}), max_size=12
)
FEW = settings(max_examples=120)


def ask(text: str, **tables: list[Row]) -> list[Row]:
    return kql.run(text, lambda name: (COLUMNS, tables[name]), now=0).rows


# -- conditions, each as Kusto writes it and as Python says it; None is "not known"

Truth = bool | None
Condition = tuple[str, Callable[[Row], Truth]]


def number_condition(operator: str, limit: int) -> Condition:
    return f"n {operator} {limit}", lambda row: compared(operator, row["n"], limit)


def compared(operator: str, value: int | None, limit: int) -> Truth:
    if value is None:
        return True if operator == "!=" else None
    return {
        "==": value == limit,
        "!=": value != limit,
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
    }[operator]


def word_condition(operator: str, word: str) -> Condition:
    return f"k {operator} '{word}'", lambda row: found(operator, row["k"], word)


def found(operator: str, text: str, word: str) -> bool:
    small, part = text.lower(), word.lower()
    terms = small.replace("-", " ").split(" ")
    return {
        "==": text == word,
        "!=": text != word,
        "=~": small == part,
        "!~": small != part,
        "contains": part in small,
        "startswith": small.startswith(part),
        "endswith": small.endswith(part),
        "has": part in terms if part.isalpha() else part in small,
    }[operator]


def dynamic_condition(limit: int) -> Condition:
    def holds(row: Row) -> Truth:
        return row["d"] > limit if isinstance(row["d"], int) else None

    return f"d > {limit}", holds


def negated(condition: Condition) -> Condition:
    text, holds = condition

    def other(row: Row) -> Truth:
        truth = holds(row)
        return None if truth is None else not truth

    return f"not({text})", other


def both(one: Condition, other: Condition) -> Condition:
    def holds(row: Row) -> Truth:
        truths = (one[1](row), other[1](row))
        return False if False in truths else None if None in truths else True

    return f"({one[0]} and {other[0]})", holds


def either(one: Condition, other: Condition) -> Condition:
    def holds(row: Row) -> Truth:
        truths = (one[1](row), other[1](row))
        return True if True in truths else None if None in truths else False

    return f"({one[0]} or {other[0]})", holds


RELATIONS = ["==", "!=", "<", "<=", ">", ">="]
MATCHES = ["==", "!=", "=~", "!~", "contains", "startswith", "endswith", "has"]
SIMPLE = st.one_of(
    st.builds(
        number_condition, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(0, 3)
    ),
    st.builds(
        word_condition,
        st.sampled_from(MATCHES),
        st.sampled_from(["a", "A", "b", "ab", "a-b"]),
    ),
    st.builds(dynamic_condition, st.integers(0, 2)),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(negated, inner), st.builds(both, inner, inner), st.builds(either, inner, inner)
    ),
    max_leaves=5,
)


@FEW
@given(ROWS, CONDITIONS)
def test_where_keeps_what_is_true(rows: list[Row], condition: Condition) -> None:
    text, holds = condition
    assert ask(f"T | where {text}", t=rows) == [row for row in rows if holds(row) is True]


@FEW
@given(ROWS, CONDITIONS)
def test_a_condition_counts_and_shows_the_same(rows: list[Row], condition: Condition) -> None:
    text, holds = condition
    kept = [row for row in rows if holds(row) is True]
    assert ask(f"T | summarize x = countif({text})", t=rows) == [{"x": len(kept)}]
    assert [r["x"] for r in ask(f"T | extend x = {text}", t=rows)] == [holds(r) for r in rows]


@FEW
@given(ROWS)
def test_summarize_makes_one_row_of_each_group(rows: list[Row]) -> None:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row["k"]].append(row["n"])
    expected = {}
    for key, numbers in groups.items():
        known = [n for n in numbers if n is not None]
        expected[key] = {
            "k": key,
            "c": len(numbers),
            "s": sum(known),
            "lo": min(known, default=None),
            "hi": max(known, default=None),
            "dc": len(set(known)),
            "l": known,
            "mean": sum(known) / len(known) if known else None,
        }
    text = (
        "T | summarize c=count(), s=sum(n), lo=min(n), hi=max(n), dc=dcount(n), l=make_list(n), "
        "mean=avg(n) by k"
    )
    assert {row["k"]: row for row in ask(text, t=rows)} == expected


@FEW
@given(ROWS)
def test_arg_max_takes_a_whole_row(rows: list[Row]) -> None:
    for row in ask("T | summarize arg_max(n, *) by k", t=rows):
        known = [r for r in rows if r["k"] == row["k"] and r["n"] is not None]
        if known:
            assert row in rows
            assert row["n"] == max(r["n"] for r in known)
        else:
            assert (row["n"], row["d"]) == (None, None)


@FEW
@given(ROWS, ROWS, st.sampled_from(["inner", "innerunique", "leftouter", "fullouter"]))
def test_join_is_a_loop_within_a_loop(left: list[Row], right: list[Row], kind: str) -> None:
    expected = []
    used: set[str] = set()
    for one in left:
        if kind == "innerunique" and one["k"] in used:
            continue
        used.add(one["k"])
        pairs = [(one["k"], one["n"], other["n"]) for other in right if other["k"] == one["k"]]
        expected += pairs or ([(one["k"], one["n"], None)] if kind.endswith("outer") else [])
    if kind == "fullouter":
        expected += [("", None, other["n"]) for other in right if other["k"] not in used]
    text = f"T | join kind={kind} (U | project k, m=n) on k | project k, n, m"
    got = [(row["k"], row["n"], row["m"]) for row in ask(text, t=left, u=right)]
    assert sorted(got, key=str) == sorted(expected, key=str)


@FEW
@given(ROWS, st.booleans(), st.booleans())
def test_order_is_stable_and_keeps_every_row(rows: list[Row], down: bool, first: bool) -> None:
    known = [row for row in rows if row["n"] is not None]
    known.sort(key=lambda row: row["n"], reverse=down)
    nulls = [row for row in rows if row["n"] is None]
    direction = f"{'desc' if down else 'asc'} nulls {'first' if first else 'last'}"
    expected = nulls + known if first else known + nulls
    assert ask(f"T | order by n {direction}", t=rows) == expected
    assert ask(f"T | top 3 by n {direction}", t=rows) == expected[:3]


@FEW
@given(ROWS)
def test_distinct_union_and_count(rows: list[Row]) -> None:
    keys = ask("T | union U | distinct k", t=rows, u=rows)
    assert [row["k"] for row in keys] == list(dict.fromkeys(row["k"] for row in rows))
    assert ask("T | union U | count", t=rows, u=rows) == [{"Count": 2 * len(rows)}]


@FEW
@given(
    st.text(alphabet="aB-/. '\"\\\n", max_size=8), st.text(alphabet="aB-/.", min_size=1, max_size=3)
)
def test_any_text_can_be_written_and_taken_apart(text: str, delimiter: str) -> None:
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    rows: list[Row] = [{"k": text}]
    query = f"T | where k == {quoted} | project x=split(k, '{delimiter}'), y=strlen({quoted})"
    assert ask(query, t=rows) == [{"x": text.split(delimiter), "y": len(text)}]
