"""What a query says, as a tree of plain values; nothing here knows tables or types of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

# -- scalar expressions


@dataclass(frozen=True)
class Literal:
    type: str
    value: Any


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Star:
    """All columns, as the last argument of `arg_max`."""


@dataclass(frozen=True)
class Member:
    """One value inside a dynamic one: `of.key`, `of['key']`, `of[0]` or `of[expression]`."""

    of: Expression
    key: Expression


@dataclass(frozen=True)
class Named:
    """`name = expression`, or an expression whose name follows from itself."""

    name: str
    expression: Expression


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Named, ...]


@dataclass(frozen=True)
class Operation:
    """A binary operator, `in` and `between` included: they have two operands and more."""

    operator: str
    operands: tuple[Expression, ...]


Expression = Literal | Column | Star | Member | Call | Operation

# -- tabular expressions

Parameters = tuple[tuple[str, str], ...]
"""What stands before the operands of an operator, like `kind=inner`, by lower-cased name."""


@dataclass(frozen=True)
class Table:
    name: str
    through_arg: bool = False
    """Whether it was written `arg("").name`, as only alert rules do."""


@dataclass(frozen=True)
class Where:
    condition: Expression


@dataclass(frozen=True)
class Project:
    items: tuple[Named, ...]


@dataclass(frozen=True)
class ProjectAway:
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Extend:
    items: tuple[Named, ...]


@dataclass(frozen=True)
class Summarize:
    aggregates: tuple[Named, ...]
    keys: tuple[Named, ...]


@dataclass(frozen=True)
class Ordering:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Order:
    by: tuple[Ordering, ...]


@dataclass(frozen=True)
class Take:
    number: int


@dataclass(frozen=True)
class Top:
    number: int
    by: tuple[Ordering, ...]


@dataclass(frozen=True)
class Distinct:
    items: tuple[Named, ...]
    """Empty for `distinct *`."""


@dataclass(frozen=True)
class Count:
    """The number of rows, in the column `Count`."""


@dataclass(frozen=True)
class Expansion:
    item: Named
    type: str


@dataclass(frozen=True)
class Expand:
    parameters: Parameters
    items: tuple[Expansion, ...]
    limit: int | None


@dataclass(frozen=True)
class Join:
    parameters: Parameters
    right: Table | Query
    on: tuple[tuple[str, str], ...]
    """Names of a left and a right column."""


@dataclass(frozen=True)
class Union:
    parameters: Parameters
    legs: tuple[Table | Query, ...]


@dataclass(frozen=True)
class Capture:
    name: str
    type: str


@dataclass(frozen=True)
class Parse:
    parameters: Parameters
    expression: Expression
    pieces: tuple[str | Capture | Star, ...]


Step = (
    Where
    | Project
    | ProjectAway
    | Extend
    | Summarize
    | Order
    | Take
    | Top
    | Distinct
    | Count
    | Expand
    | Join
    | Union
    | Parse
)


@dataclass(frozen=True)
class Query:
    source: Table | Query
    steps: tuple[Step, ...]


# -- walking the tree


def parts(node: Any) -> Iterator[Any]:
    """The nodes right below a node."""
    for field in fields(node):
        value = getattr(node, field.name)
        below = value if isinstance(value, tuple) else (value,)
        yield from (each for each in below if hasattr(each, "__dataclass_fields__"))


def walk(node: Any) -> Iterator[Any]:
    """A node and everything below it, from the top."""
    yield node
    for part in parts(node):
        yield from walk(part)


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of an expression in which `change` has had its say on each node, from the top.

    `change` answers None where a node stays and what is below it is to be looked at.
    """
    changed = change(node)
    if changed is not None:
        return changed
    new = {}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            new[field.name] = tuple(_rebuilt_part(each, change) for each in value)
        else:
            new[field.name] = _rebuilt_part(value, change)
    return replace(node, **new)


def _rebuilt_part(value: Any, change: Callable[[Any], Any]) -> Any:
    return rebuilt(value, change) if hasattr(value, "__dataclass_fields__") else value
