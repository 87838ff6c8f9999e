"""The scalar types of a query and their values.

In Python a `string` is a str (never null, as in Kusto), an `int` or `long` an int, a `real` a
float, a `bool` a bool, a `dynamic` any JSON value; a `datetime` is a number of ticks of 100 ns
since 1970 and a `timespan` a number of ticks. Null is None.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

TICKS = 10_000_000
"""Ticks of one second."""
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
UNITS = {
    **dict.fromkeys(("d", "day", "days"), SECONDS["d"] * TICKS),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), SECONDS["h"] * TICKS),
    **dict.fromkeys(("m", "min", "minute", "minutes"), SECONDS["m"] * TICKS),
    **dict.fromkeys(("s", "sec", "second", "seconds"), TICKS),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), TICKS // 1000),
    **dict.fromkeys(("microsecond", "microseconds"), TICKS // 1000000),
    **dict.fromkeys(("tick", "ticks"), 1),
}
LITERALS = {
    "datetime": "datetime",
    "date": "datetime",
    "timespan": "timespan",
    "time": "timespan",
    "int": "int",
    "long": "long",
    "real": "real",
    "double": "real",
    "bool": "bool",
    "boolean": "bool",
    "string": "string",
    "dynamic": "dynamic",
}
"""The names of types as a query may write them, and the types."""
NUMBERS = ("int", "long", "real")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7})\d*)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
SPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")
LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)\s*([a-z]*)")


def empty(type: str) -> Any:
    """What a column of a type holds where there is nothing."""
    return "" if type == "string" else None


# -- from text and to text


def moment(text: str) -> int | None:
    """A time as ISO 8601 writes it, or null. A time without an offset is UTC."""
    match = MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    *numbers, fraction, offset = match.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    since = whole - EPOCH - _offset(offset or "Z")
    ticks = (since.days * SECONDS["d"] + since.seconds) * TICKS
    return ticks + int((fraction or "").ljust(7, "0"))


def _offset(text: str) -> timedelta:
    if text.upper() == "Z":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def duration(text: str) -> int | None:
    """A timespan as `1.02:03:04.5` or as `90m`, or null; a bare number counts days."""
    match = SPAN.fullmatch(text.strip())
    if match is not None:
        sign, days, hours, minutes, seconds, fraction = match.groups()
        whole = sum(
            int(n or 0) * s
            for n, s in zip((days, hours, minutes, seconds), SECONDS.values(), strict=True)
        )
        ticks = whole * TICKS + int((fraction or "").ljust(7, "0"))
        return -ticks if sign else ticks
    length = LENGTH.fullmatch(text.strip())
    unit = UNITS.get(length[2] or "d") if length is not None else None
    return None if length is None or unit is None else round(float(length[1]) * unit)


def show_moment(ticks: int) -> str:
    """`2026-11-23T12:00:00.0000000Z`"""
    seconds, fraction = divmod(ticks, TICKS)
    return f"{(EPOCH + timedelta(seconds=seconds)).isoformat()[:19]}.{fraction:07d}Z"


def show_duration(ticks: int) -> str:
    """`1.02:03:04.5000000`, days and fraction only where there are any."""
    seconds, fraction = divmod(abs(ticks), TICKS)
    days, rest = divmod(seconds, SECONDS["d"])
    shown = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    shown = f"{days}.{shown}" if days else shown
    shown = f"{shown}.{fraction:07d}" if fraction else shown
    return f"-{shown}" if ticks < 0 else shown


def text(type: str, value: Any) -> str:
    """What `tostring` makes of a value; null becomes an empty string."""
    if value is None:
        return ""
    if type == "datetime":
        return show_moment(value)
    if type == "timespan":
        return show_duration(value)
    return inner_text(value)


def inner_text(value: Any) -> str:
    """What is inside a dynamic value as text: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- from type to type


def converted(type: str, value: Any, to: str) -> Any:
    """What `toint`, `todatetime` and the like make of a value; null where they cannot."""
    if to == "string":
        return text(type, value)
    if value is None or type == to:
        return value
    if to == "dynamic":
        return boxed(type, value)
    return CONVERSIONS[to](value)


def boxed(type: str, value: Any) -> Any:
    """A value as it is held inside a dynamic one."""
    return text(type, value) if type in ("datetime", "timespan") and value is not None else value


def parsed_json(source: str) -> Any:
    """A string that is no JSON stays the string that it is (`parse_json`)."""
    try:
        return json.loads(source)
    except ValueError:
        return source or None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool | int | float):
        return int(value)
    match = re.fullmatch(r"\s*([+-]?\d+)\s*", value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def _fractional(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool | int | float):
        return bool(value)
    known = {"true": True, "false": False, "1": True, "0": False}
    return known.get(value.strip().lower()) if isinstance(value, str) else None


def _moment_of(value: Any) -> int | None:
    return moment(value) if isinstance(value, str) else None


def _duration_of(value: Any) -> int | None:
    return duration(value) if isinstance(value, str) else None


CONVERSIONS = {
    "int": _whole,
    "long": _whole,
    "real": _fractional,
    "bool": _truth,
    "datetime": _moment_of,
    "timespan": _duration_of,
}


# -- to JSON

JSON_TYPES = {
    "string": "string",
    "int": "integer",
    "long": "integer",
    "real": "number",
    "bool": "boolean",
    "datetime": "datetime",
    "timespan": "string",
    "dynamic": "object",
}
"""The types as the columns of a table format are told (ColumnDataType of the API description)."""


def shown(type: str, value: Any) -> Any:
    """A value as it stands in an answer."""
    if value is None or type not in ("datetime", "timespan"):
        return value
    return (
        re.sub(r"\.?0+Z$", "Z", show_moment(value)) if type == "datetime" else show_duration(value)
    )
