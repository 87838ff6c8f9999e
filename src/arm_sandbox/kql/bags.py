"""Functions of dynamic values: arrays and property bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox.kql.values import inner_text


def at(value: Any, key: Any) -> Any:
    """`value.key` or `value[key]`: null where there is nothing of that name or number."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else None
    return None


def array_length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def keys(value: Any) -> list[str] | None:
    return list(value) if isinstance(value, dict) else None


def has_key(value: Any, key: str) -> bool | None:
    return key in value if isinstance(value, dict) else None


def merged(*bags: Any) -> dict[str, Any] | None:
    """Of two values of one key the first bag's wins."""
    if not all(isinstance(bag, dict) for bag in bags):
        return None
    return {key: value for bag in reversed(bags) for key, value in bag.items()}


def concatenated(*arrays: Any) -> list[Any] | None:
    if not all(isinstance(array, list) for array in arrays):
        return None
    return [each for array in arrays for each in array]


def index_of(array: Any, value: Any) -> int | None:
    if not isinstance(array, list):
        return None
    return next((n for n, each in enumerate(array) if _same(each, value)), -1)


def has_element(array: Any, value: Any) -> bool | None:
    found = index_of(array, value)
    return None if found is None else found >= 0


def sliced(array: Any, start: int, end: int) -> list[Any] | None:
    """The end is inside; negative numbers count from the end of the array."""
    if not isinstance(array, list):
        return None
    first = max(start + len(array), 0) if start < 0 else start
    last = end + len(array) if end < 0 else end
    return array[first : last + 1]


def joined(array: Any, delimiter: str) -> str:
    return delimiter.join(inner_text(each) for each in array) if isinstance(array, list) else ""


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


FUNCTIONS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "array_length": ("dynamic -> long", array_length),
    "array_concat": ("dynamic, ... -> dynamic", concatenated),
    "array_index_of": ("dynamic, any -> long", index_of),
    "array_slice": ("dynamic, long, long -> dynamic", sliced),
    "set_has_element": ("dynamic, any -> bool", has_element),
    "strcat_array": ("dynamic, string -> string", joined),
    "bag_keys": ("dynamic -> dynamic", keys),
    "bag_has_key": ("dynamic, string -> bool", has_key),
    "bag_merge": ("dynamic, ... -> dynamic", merged),
}
