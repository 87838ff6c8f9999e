"""What is wrong with a value, in our words; those of pydantic are for programmers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "greater_than_equal": "a number",
    "less_than_equal": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text in quotes",
    "string_too_short": "some text",
    "tuple_type": "a list in square brackets",
    "list_type": "a list in square brackets",
    "too_long": "a shorter list",
    "dict_type": "a table",
    "model_type": "a table",
    "dataclass_type": "a table",
}
"""What is wanted instead, by pydantic's type of error."""
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def said(problem: Mapping[str, Any], limits: Mapping[str, Any] | None = None) -> str:
    """An error of pydantic: what was given, and what is wanted. `limits` are `ge` and `le` of the
    value; the error itself knows only the one that it breaks."""
    kind, context = problem["type"], problem.get("ctx", {})
    impossible = f"{_shown(problem['input'])} is not possible"
    if kind in EXPECTED:
        return f"{impossible}; {EXPECTED[kind]}{_range({**(limits or {}), **context})} is wanted"
    if kind == "literal_error":
        return f"{impossible}; choose from {context['expected']}"
    if kind in UNKNOWN:
        return "no such key"
    if kind == "missing":
        last = problem["loc"][-1]
        return "one more value is wanted" if isinstance(last, int) else f"{last} is missing"
    return str(problem["msg"]).removeprefix("Value error, ")


def limits_of(metadata: list[Any]) -> dict[str, Any]:
    """The limits of a field, as pydantic keeps them."""
    return {
        name: getattr(each, name)
        for each in metadata
        for name in ("ge", "le")
        if hasattr(each, name)
    }


def _range(limits: Mapping[str, Any]) -> str:
    least, most = limits.get("ge"), limits.get("le")
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    if least is not None:
        return f" of at least {least:g}"
    return f" of at most {most:g}" if most is not None else ""


def _shown(given: Any) -> str:
    """As one would have typed it."""
    if isinstance(given, bool):
        return str(given).lower()
    return f"'{given}'" if isinstance(given, str) else repr(given)
