"""The grammar: what can be read, and where it says no."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox.kql import QueryError, syntax
from arm_sandbox.kql.parser import parse
from arm_sandbox.kql.syntax import Call, Column, Literal, Member, Named, Operation
from tests.arm_sandbox.kql.table import answer


def expression(text: str) -> Any:
    [step] = parse(f"T | where {text}").steps
    assert isinstance(step, syntax.Where)
    return step.condition


def text(value: str) -> Literal:
    return Literal("string", value)


def number(value: int) -> Literal:
    return Literal("long", value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a", Column("a")),
        ("['a b']", Column("a b")),
        ("type", Column("type")),
        ("kind", Column("kind")),
        ("count", Column("count")),
        ("['where']", Column("where")),
        ("a.b", Member(Column("a"), text("b"))),
        ("a.['odata.type']", Member(Column("a"), text("odata.type"))),
        ("a[0]['k']", Member(Member(Column("a"), number(0)), text("k"))),
        ("a.count", Member(Column("a"), text("count"))),
        ("f()", Call("f", ())),
        ("f(n = 1)", Call("f", (Named("n", number(1)),))),
        ("1.5", Literal("real", 1.5)),
        ("7d", Literal("timespan", 7 * 864_000_000_000)),
        ("90m", Literal("timespan", 54_000_000_000)),
        ("1.5h", Literal("timespan", 54_000_000_000)),
        ("500ms", Literal("timespan", 5_000_000)),
        ("timespan(1.02:03:04)", Literal("timespan", 937_840_000_000)),
        ("time(5)", Literal("timespan", 5 * 864_000_000_000)),
        ("datetime(1970-01-02)", Literal("datetime", 864_000_000_000)),
        ("datetime(null)", Literal("datetime", None)),
        ("bool(null)", Literal("bool", None)),
        ("int(7)", Literal("int", 7)),
        ("true", Literal("bool", True)),
        ("'a\\'b\\n'", text("a'b\n")),
        ('"\\u00e9"', text("é")),
        (r"@'a\b''c'", text(r"a\b'c")),
        ("h'secret'", text("secret")),
        (
            "dynamic({'a': [1, -2, 3.5, true, null], 'b': {}})",
            Literal("dynamic", {"a": [1, -2, 3.5, True, None], "b": {}}),
        ),
        ("dynamic(null)", Literal("dynamic", None)),
        ("dynamic == 1", Operation("==", (Column("dynamic"), number(1)))),
        ("-a", Operation("-", (Column("a"),))),
        ("a matches   regex 'x'", Operation("matches regex", (Column("a"), text("x")))),
        ("a !in~ ('x')", Operation("!in~", (Column("a"), text("x")))),
        ("a has_any ('x', 'y')", Operation("has_any", (Column("a"), text("x"), text("y")))),
        ("a between (1 .. 5)", Operation("between", (Column("a"), number(1), number(5)))),
    ],
)
def test_expressions_are_read(written: str, meant: Any) -> None:
    assert expression(written) == meant


@pytest.mark.parametrize(
    ("written", "with_brackets"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a and b or c", "(a and b) or c"),
        ("a == 1 and b == 2", "(a == 1) and (b == 2)"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("a + b == c * d", "(a + b) == (c * d)"),
        ("-a * b", "(-a) * b"),
        ("a.b > ago(1d) - 5m", "(a.b) > ((ago(1d)) - 5m)"),
    ],
)
def test_operators_bind_as_in_kusto(written: str, with_brackets: str) -> None:
    assert expression(written) == expression(with_brackets)


def test_long_chains_of_conditions_are_read() -> None:
    chain = " or ".join(f"a == {n}" for n in range(2000))
    assert len(expression(chain).operands) == 2000
    assert len(answer(f"T | where {chain.replace('a ', 'size ')}")) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("T | sort by a", "T | order by a desc nulls last"),
        ("T | order by a asc", "T | order by a asc nulls first"),
        ("T | limit 3", "T | take 3"),
        ("where a == 1", "resources | where a == 1"),
        ("T | mvexpand a", "T | mv-expand a"),
        ("T | filter a", "T | where a"),
        ("T | join U on a", "T | join (U) on $left.a == $right.a"),
        ("T | join U on $right.b == $left.a, c", "T | join U on $left.a == $right.b and c"),
        ("T // a remark\n| count", "T|count"),
        ("(T | count)", "T | count"),
    ],
)
def test_two_ways_to_say_the_same(one: str, other: str) -> None:
    assert flat(parse(one)) == flat(parse(other))


def flat(query: syntax.Query) -> list[Any]:
    """A query without the brackets around its sources."""
    source = query.source if isinstance(query.source, syntax.Table) else flat(query.source)
    front = source if isinstance(source, list) else [source]
    return [*front, *(unwrapped(step) for step in query.steps)]


def unwrapped(step: Any) -> Any:
    if not isinstance(step, syntax.Join):
        return step
    right = step.right if isinstance(step.right, syntax.Table) else flat(step.right)[0]
    return (right, step.on, step.parameters)


@pytest.mark.parametrize(
    ("query", "line", "position", "token"),
    [
        ("where where", 1, 11, "<EOF>"),
        ("T | where", 1, 9, "<EOF>"),
        ("T | where a ==", 1, 14, "<EOF>"),
        ("T | where (a", 1, 12, "<EOF>"),
        ("T\n| where a <\n  < b", 3, 2, "<"),
        ("T | frobnicate", 1, 4, "frobnicate"),
        ("T U", 1, 2, "U"),
        ("T | where a = 1", 1, 12, "="),
        ("T | where a == 'x", 1, 15, "'"),
        ("", 1, 0, "<EOF>"),
        ("let a = 1; T", 1, 4, "a"),
        ("T | count | ", 1, 11, "<EOF>"),
        ("T | project a,", 1, 14, "<EOF>"),
        ("T | take x", 1, 9, "x"),
    ],
)
def test_a_refusal_says_where(query: str, line: int, position: int, token: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    invalid, failure = caught.value.details
    assert invalid["code"] == "InvalidQuery"
    assert failure["code"] == "ParserFailure"
    told = (failure["line"], failure["characterPositionInLine"], failure["token"])
    assert told == (line, position, token)


def test_the_one_thing_that_could_stand_there_is_named() -> None:
    with pytest.raises(QueryError) as caught:
        parse("T | order a")
    assert caught.value.details[-1]["expectedToken"] == "by"


@pytest.mark.parametrize("operator", ["render x", "project-keep a", "mv-apply a on (count)"])
def test_operators_of_kusto_alone_are_told_apart(operator: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(f"T\n| {operator}")
    detail = caught.value.details[-1]
    assert detail["code"] == "InvalidQueryLanguage"
    assert (detail["line"], detail["token"]) == (-1, operator.split(maxsplit=1)[0])
