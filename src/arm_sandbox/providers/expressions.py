"""The language inside of templates, `[concat(parameters('name'), '-nic')]`: read and evaluated.

A function that `functions.py` does not have is refused, never guessed at. The words of the refusals
are from issue threads: microservices-reference-implementation#217, vscode-azurearmtools#531,
azure-search-openai-demo#2321.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arm_sandbox.wire import Json


class Invalid(ValueError):
    """What is wrong with an expression, in Azure's words."""


@dataclass(frozen=True)
class Call:
    """A function and what it is called with; its name as it was written."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Member:
    """`of.key` or `of[key]`."""

    of: Node
    key: Node


Node = Call | Member | str | int
Function = Callable[..., Json]
"""Takes the scope, and its arguments as values."""
Reference = Callable[[str, str, bool], Json]
"""Looks a resource up: its name or id, an api-version or none, and whether all of it is wanted."""


@dataclass(frozen=True)
class Scope:
    """What an expression may refer to. Names of parameters and variables are in lower case."""

    group: dict[str, Any]
    subscription: dict[str, Any]
    deployment: str
    parameters: Mapping[str, Json]
    defaults: Mapping[str, Json]
    variables: Mapping[str, Json]
    functions: Mapping[str, Function]
    """By lower-cased name."""
    reference: Reference
    index: int | None = None
    """Which copy of a resource this is, inside of a `copy`."""


def is_expression(text: Json) -> bool:
    """`[[` begins a text that begins with a bracket."""
    return (
        isinstance(text, str)
        and text.startswith("[")
        and not text.startswith("[[")
        and text.endswith("]")
    )


def evaluate(value: Json, scope: Scope) -> Json:
    """A part of a template, every expression in it replaced by its value. Raises Invalid."""
    if isinstance(value, dict):
        return {str(evaluate(name, scope)): evaluate(item, scope) for name, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    if is_expression(value):
        try:
            return value_of(read(value), scope)
        except RecursionError:
            raise Invalid(f"The language expression '{value}' refers to itself.") from None
    return value[1:] if isinstance(value, str) and value.startswith("[[") else value


def calls(value: Json) -> Iterator[Call]:
    """Every function call that is written anywhere in a part of a template."""
    if isinstance(value, dict):
        yield from (call for pair in value.items() for item in pair for call in calls(item))
    elif isinstance(value, list):
        yield from (call for item in value for call in calls(item))
    elif is_expression(value):
        yield from _calls(read(value))


def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call):
        yield node
        for argument in node.arguments:
            yield from _calls(argument)
    elif isinstance(node, Member):
        yield from _calls(node.of)
        yield from _calls(node.key)


# -- values


def value_of(node: Node, scope: Scope) -> Json:
    """What an expression amounts to. Raises Invalid."""
    if isinstance(node, Member):
        key = value_of(node.key, scope)
        return _member(value_of(node.of, scope), key)
    if not isinstance(node, Call):
        return node
    if node.name.lower() == "if":  # the branch that is not taken is not looked at (docs)
        condition, then, otherwise = _three(node)
        taken = then if value_of(condition, scope) else otherwise
        return value_of(taken, scope)
    arguments = [value_of(argument, scope) for argument in node.arguments]
    return _called(node.name, arguments, scope)


def _called(name: str, arguments: list[Json], scope: Scope) -> Json:
    function = scope.functions.get(name.lower())
    if function is None:
        raise Invalid(
            f"The template function '{name}' is not valid. Please see "
            "https://aka.ms/arm-functions for usage details."
        )
    try:
        return function(scope, *arguments)
    except Invalid:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
        raise Invalid(
            f"Unable to evaluate template language function '{name}': its arguments are not valid. "
            "Please see https://aka.ms/arm-functions for usage details."
        ) from None


def _three(node: Call) -> tuple[Node, Node, Node]:
    if len(node.arguments) != 3:
        raise Invalid(
            "Unable to evaluate template language function 'if': function requires 3 argument(s) "
            f"while {len(node.arguments)} were provided."
        )
    return node.arguments[0], node.arguments[1], node.arguments[2]


def _member(value: Json, key: Json) -> Json:
    if isinstance(value, list) and isinstance(key, int):
        if not 0 <= key < len(value):
            raise Invalid(f"The language expression property array index '{key}' is out of bounds.")
        return value[key]
    names = {str(name).lower(): name for name in value} if isinstance(value, dict) else {}
    if str(key).lower() not in names:
        raise Invalid(
            f"The language expression property '{key}' doesn't exist, available properties are "
            f"'{', '.join(map(str, names.values()))}'."
        )
    return value[names[str(key).lower()]]


# -- reading

_TOKENS = re.compile(
    r"\s*(?:(?P<Literal>'(?:[^']|'')*')|(?P<Integer>-?\d+)|(?P<Identifier>[A-Za-z_]\w*)"
    r"|(?P<LeftParenthesis>\()|(?P<RightParenthesis>\))|(?P<LeftSquareBracket>\[)"
    r"|(?P<RightSquareBracket>\])|(?P<Comma>,)|(?P<Dot>\.)|(?P<EndOfData>$)|(?P<Unknown>\S))\s*"
)


def read(text: str) -> Node:
    """Take an expression, brackets included, apart."""
    reader = _Reader(text[1:-1])
    node = reader.node()
    reader.take("EndOfData")
    return node


class _Reader:
    """Reads from left to right; `_kind` and `_text` are the token that comes next."""

    def __init__(self, text: str) -> None:
        self._whole = text
        self._at = 0
        self._advance()

    def node(self) -> Node:
        node = self._primary()
        while self._kind in ("Dot", "LeftSquareBracket"):
            if self._kind == "Dot":
                self._advance()
                node = Member(node, self.take("Identifier"))
            else:
                self._advance()
                node = Member(node, self.node())
                self.take("RightSquareBracket")
        return node

    def _primary(self) -> Node:
        if self._kind == "Literal":
            return self.take("Literal")[1:-1].replace("''", "'")
        if self._kind == "Integer":
            return int(self.take("Integer"))
        name = self.take("Identifier")
        self.take("LeftParenthesis")
        arguments: list[Node] = []
        while self._kind != "RightParenthesis":
            arguments.append(self.node())
            if self._kind != "RightParenthesis":
                self._take_comma()
        self._advance()
        return Call(name, tuple(arguments))

    def _take_comma(self) -> None:
        if self._kind != "Comma":
            self._fail("RightParenthesis")
        self._advance()

    def take(self, kind: str) -> str:
        if self._kind != kind:
            self._fail(kind)
        text = self._text
        self._advance()
        return text

    def _advance(self) -> None:
        match = _TOKENS.match(self._whole, self._at)
        if match is None or match.lastgroup is None:
            raise AssertionError("every text has a next token, the end being one")
        self._kind, self._text = match.lastgroup, match[match.lastgroup]
        self._at = match.end()

    def _fail(self, wanted: str) -> None:
        raise Invalid(
            f"Unable to parse language expression '{self._whole}': expected token '{wanted}' and "
            f"actual '{self._kind}'."
        )
