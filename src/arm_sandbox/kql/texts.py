"""Functions of strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox.kql.operators import regular


def split(source: str, delimiter: str, index: int | None = None) -> list[str] | None:
    """The parts of a string; with an index an array of that one part, or null if it has none."""
    parts = source.split(delimiter) if delimiter else [source]
    if index is None:
        return parts
    return [parts[index]] if 0 <= index < len(parts) else None


def substring(source: str, start: int, length: int | None = None) -> str:
    """A negative start counts from the end."""
    begin = max(len(source) + start, 0) if start < 0 else start
    return source[begin:] if length is None else source[begin : begin + max(length, 0)]


def indexof(source: str, lookup: str, start: int = 0) -> int:
    return source.find(lookup, start)


def trim(pattern: str, source: str) -> str:
    return trim_end(pattern, trim_start(pattern, source))


def trim_start(pattern: str, source: str) -> str:
    return re.sub(f"^(?:{regular(pattern).pattern})", "", source, count=1)


def trim_end(pattern: str, source: str) -> str:
    return re.sub(f"(?:{regular(pattern).pattern})$", "", source, count=1)


def replace_regex(source: str, pattern: str, rewrite: str) -> str:
    r"""`\1` in the rewrite is the first group; `\0` the whole match."""
    return regular(pattern).sub(re.sub(r"\\0", r"\\g<0>", rewrite), source)


def extract(pattern: str, group: int, source: str) -> str:
    match = regular(pattern).search(source)
    return (match[group] or "") if match is not None and group <= match.re.groups else ""


def countof(source: str, search: str) -> int:
    """Overlapping occurrences count too."""
    return sum(source.startswith(search, at) for at in range(len(source))) if search else 0


FUNCTIONS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "tolower": ("string -> string", str.lower),
    "toupper": ("string -> string", str.upper),
    "strlen": ("string -> long", len),
    "split": ("string, string, long? -> dynamic", split),
    "substring": ("string, long, long? -> string", substring),
    "indexof": ("string, string, long? -> long", indexof),
    "trim": ("string, string -> string", trim),
    "trim_start": ("string, string -> string", trim_start),
    "trim_end": ("string, string -> string", trim_end),
    "replace_string": ("string, string, string -> string", str.replace),
    "replace_regex": ("string, string, string -> string", replace_regex),
    "replace": (
        "string, string, string -> string",
        lambda pattern, rewrite, source: replace_regex(source, pattern, rewrite),
    ),
    "extract": ("string, long, string -> string", extract),
    "countof": ("string, string -> long", countof),
    "reverse": ("string -> string", lambda source: source[::-1]),
    "strrep": ("string, long -> string", lambda source, times: source * times),
}
