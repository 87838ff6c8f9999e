"""A scalar expression made ready to be worked out for one row after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arm_sandbox.kql import values
from arm_sandbox.kql.errors import unfit

Row = dict[str, Any]
Columns = Mapping[str, str]
"""The columns of a relation in their order, and their types."""
Work = Callable[[Row], Any]


@dataclass(frozen=True)
class Typed:
    """What an expression answers for a row, of which type, and whether it needs the row at all."""

    type: str
    work: Work
    constant: bool = False

    @property
    def value(self) -> Any:
        """The value of a constant."""
        return self.work({})


def constant(type: str, value: Any) -> Typed:
    return Typed(type, lambda row: value, constant=True)


def combined(type: str, call: Callable[..., Any], of: Iterable[Typed]) -> Typed:
    """A function of some expressions; one of constants only is worked out here and now."""
    parts = tuple(of)
    work = _applied(call, parts)
    return constant(type, work({})) if all(p.constant for p in parts) else Typed(type, work)


def _applied(call: Callable[..., Any], parts: tuple[Typed, ...]) -> Work:
    """What the common cases come to is written out: this runs for every row."""
    works = [part.work for part in parts]
    if len(parts) == 1:
        [one] = works
        return lambda row: call(one(row))
    if len(parts) == 2 and parts[1].constant:
        one, value = works[0], parts[1].value
        return lambda row: call(one(row), value)
    return lambda row: call(*[work(row) for work in works])


def strict(call: Callable[..., Any]) -> Callable[..., Any]:
    """Null for any null: what most functions of Kusto do."""

    def unless_null(*arguments: Any) -> Any:
        return None if None in arguments else call(*arguments)

    return unless_null


def cast(expression: Typed, to: str) -> Typed:
    """An expression turned into another type, null where a value cannot be."""
    if expression.type == to:
        return expression
    source = expression.type
    return combined(to, lambda value: values.converted(source, value, to), [expression])


def as_text(expression: Typed) -> Typed:
    """A dynamic value is read as text where a string is wanted."""
    return cast(expression, "string") if expression.type == "dynamic" else expression


def common_type(where: str, types: Iterable[str]) -> str:
    """The type that holds values of all of some types. Raises QueryError."""
    found = set(types)
    if len(found) == 1:
        return found.pop()
    if found <= set(values.NUMBERS):
        return "real" if "real" in found else "long"
    if "dynamic" in found:
        return "dynamic"
    raise unfit(f"{where}: all values must be of one type; these are {', '.join(sorted(found))}.")
