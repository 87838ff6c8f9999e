"""From text to the tree of `syntax`, by the grammar in kql.lark."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from arm_sandbox.kql import errors, syntax, values
from arm_sandbox.kql.syntax import Call, Column, Literal, Member, Named, Operation, Query

ELSEWHERE_IN_KUSTO = re.compile(
    r"(as|consume|evaluate|facet|find|fork|getschema|graph-\w+|invoke|lookup|make-graph|make-series"
    r"|mv-apply|parse-kv|parse-where|partition|project-keep|project-rename|project-reorder|reduce"
    r"|render|sample|sample-distinct|scan|search|serialize|top-hitters|top-nested)\b"
)
"""Operators that Kusto has and the documents of Resource Graph do not list."""


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """Read a query. Raises QueryError where it does not follow the grammar."""
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _refusal(text, error) from None
    query: Query = _built(tree)
    return query


@cache
def _grammar() -> Lark:
    return Lark.open(
        "kql.lark", rel_to=__file__, parser="lalr", lexer="contextual", maybe_placeholders=True
    )


# -- the tree


def _built(node: Any) -> Any:
    if not isinstance(node, Tree):
        return node
    return RULES[node.data](*(_built(child) for child in node.children))


def _query(first: Any, *steps: Any) -> Query:
    """A query without a source asks `resources` (query-language.md)."""
    if isinstance(first, syntax.Table | Query):
        return Query(first, steps)
    return Query(syntax.Table("resources"), (first, *steps))


def _parted(kind: type[Any], items: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """Parameters in front, and what follows them."""
    front = [item for item in items if isinstance(item, kind)]
    return front, [item for item in items if not isinstance(item, kind)]


class _Parameter(tuple[str, str]):
    """A name and a value, told apart from other pairs."""


def _expand(*items: Any) -> syntax.Expand:
    parameters, (*expansions, limit) = _parted(_Parameter, items)
    return syntax.Expand(
        tuple(parameters), tuple(expansions), None if limit is None else int(limit)
    )


def _join(*items: Any) -> syntax.Join:
    parameters, (right, *on) = _parted(_Parameter, items)
    return syntax.Join(tuple(parameters), right, tuple(on))


def _union(*items: Any) -> syntax.Union:
    parameters, legs = _parted(_Parameter, items)
    return syntax.Union(tuple(parameters), tuple(legs))


def _parse(*items: Any) -> syntax.Parse:
    parameters, (expression, *pieces) = _parted(_Parameter, items)
    return syntax.Parse(tuple(parameters), expression, tuple(pieces))


def _sides(one: str, left: str, other: str, right: str) -> tuple[str, str]:
    """`$left.a == $right.b`, in either order."""
    if one == other:
        raise errors.unfit("join: each equality needs $left on one side and $right on the other.")
    return (left, right) if one == "$left" else (right, left)


def _ordering(expression: Any, direction: Token | None, nulls: Token | None) -> syntax.Ordering:
    """Descending, and nulls last, unless told otherwise; nulls come first when ascending."""
    descending = direction != "asc"
    return syntax.Ordering(
        expression, descending, not descending if nulls is None else nulls == "first"
    )


def _call(name: Token, *arguments: Any) -> Call:
    return Call(str(name), tuple(a for a in arguments if a is not None))


def _text(token: Token) -> str:
    """The value of a string literal; backslashes mean nothing after an `@`."""
    written = str(token).lstrip("hH")
    quote = written[-1]
    if written.startswith("@"):
        return written[2:-1].replace(quote * 2, quote)
    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescaped, written[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}.get(escape, escape)


def _typed(token: Token) -> Literal:
    """`datetime(2026-01-01)`, `timespan(1.02:03:04)`, `int(null)` and the like."""
    name, inside = str(token).rstrip(")").split("(", 1)
    type = values.LITERALS[name.strip()]
    text = inside.strip()
    if type == "datetime" and not text:
        raise errors.unfit("datetime() needs a value.")
    value = None if text == "null" else values.converted("string", text, type)
    if value is None and text != "null":
        raise errors.unfit(f"{text} is not a {type}.")
    return Literal(type, value)


def _string(token: Token) -> Literal:
    return Literal("string", _text(token))


def _bag(*pairs: Any) -> dict[str, Any]:
    return dict(pair for pair in pairs if pair is not None)


def _piece(piece: Any) -> Any:
    return piece.value if isinstance(piece, Literal) else piece


RULES: Mapping[str, Callable[..., Any]] = {
    "start": lambda query: query,
    "query": _query,
    "table": lambda name: syntax.Table(str(name)),
    "nested": lambda query: query,
    "arg_table": lambda scope, name: syntax.Table(str(name), through_arg=True),
    "where": syntax.Where,
    "project": lambda *items: syntax.Project(items),
    "project_away": lambda *patterns: syntax.ProjectAway(patterns),
    "extend": lambda *items: syntax.Extend(items),
    "summarize": lambda aggregates, keys: syntax.Summarize(aggregates, keys or ()),
    "summarize_by": lambda keys: syntax.Summarize((), keys),
    "order": syntax.Order,
    "take": lambda number: syntax.Take(int(number)),
    "top": lambda number, by: syntax.Top(int(number), by),
    "distinct_all": lambda: syntax.Distinct(()),
    "distinct": lambda *items: syntax.Distinct(items),
    "count": syntax.Count,
    "expand": _expand,
    "join": _join,
    "union": _union,
    "parse": _parse,
    "parameter": lambda name, value: _Parameter((name.lower(), str(value))),
    "pattern": str,
    "aggregates": lambda *items: items,
    "keys": lambda *items: items,
    "orderings": lambda *items: items,
    "ordering": _ordering,
    "expansion": lambda item, type: syntax.Expansion(item, str(type or "dynamic")),
    "same_name": lambda name: (name, name),
    "sides": _sides,
    "piece": _piece,
    "skip": syntax.Star,
    "capture": lambda name, type: syntax.Capture(str(name), str(type or "string")),
    "named": lambda name, expression: Named(name or "", expression),
    "plain_name": str,
    "quoted_name": _text,
    "either": lambda *sides: Operation("or", sides),
    "both": lambda *sides: Operation("and", sides),
    "compare": lambda left, operator, right: Operation(" ".join(operator.split()), (left, right)),
    "membership": lambda value, operator, *options: Operation(str(operator), (value, *options)),
    "between": lambda value, operator, low, high: Operation(str(operator), (value, low, high)),
    "arithmetic": lambda left, operator, right: Operation(str(operator), (left, right)),
    "negative": lambda sign, value: Operation("-", (value,)),
    "member": lambda of, key: Member(of, Literal("string", str(key))),
    "member_quoted": lambda of, key: Member(of, _string(key)),
    "index": Member,
    "column": Column,
    "call": _call,
    "argument": lambda argument: argument,
    "all_columns": lambda: Named("", syntax.Star()),
    "string": _string,
    "long": lambda token: Literal("long", int(token)),
    "real": lambda token: Literal("real", float(token)),
    "timespan": lambda token: Literal("timespan", values.duration(str(token))),
    "typed": _typed,
    "true": lambda token: Literal("bool", True),
    "false": lambda token: Literal("bool", False),
    "dynamic": lambda value: Literal("dynamic", value),
    "json_string": _text,
    "json_long": int,
    "json_real": float,
    "json_minus": lambda number: -int(number),
    "json_true": lambda token: True,
    "json_false": lambda token: False,
    "json_null": lambda: None,
    "json_array": lambda *items: [] if items == (None,) else list(items),
    "json_bag": _bag,
    "pair": lambda key, value: (_text(key), value),
}
"""What each rule of the grammar makes of what is below it."""


# -- where the grammar ends


def _refusal(text: str, error: UnexpectedInput) -> errors.QueryError:
    at, token = len(text.rstrip()), "<EOF>"
    if isinstance(error, UnexpectedCharacters):
        at = int(error.pos_in_stream or 0)
        token = text[at]
    elif isinstance(error, UnexpectedToken) and error.token.type != "$END":
        at, token = int(error.token.start_pos or 0), str(error.token)
    operator = ELSEWHERE_IN_KUSTO.match(text, at)
    if operator and text[:at].rstrip().endswith("|"):
        return errors.unknown_operator(operator[0])
    line = text.count("\n", 0, at) + 1
    return errors.unparsed(line, at - (text.rfind("\n", 0, at) + 1), token, _expected(error))


def _expected(error: UnexpectedInput) -> str:
    """The one terminal that could have stood there, as it is written, or nothing.

    For a bracket, the number of its kind was recorded instead, as a character.
    """
    accepted = error.accepts or set() if isinstance(error, UnexpectedToken) else set()
    if len(accepted) != 1:
        return ""
    [name] = accepted
    pattern = next((t.pattern for t in _grammar().terminals if t.name == name), None)
    if name == "LPAR" or pattern is None or pattern.type != "str":
        return "Ǐ" if name == "LPAR" else ""
    return pattern.value
