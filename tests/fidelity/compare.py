"""Two answers side by side: status, polling headers, and the shape and letters of the body.

What a service draws anew each time (ids, etags, times, addresses) is the same if it is of the same
kind. All other values have to be equal to the letter, case included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
HEADERS = (
    "azure-asyncoperation",
    "azure-asyncnotification",
    "etag",
    "location",
    "x-ms-failure-cause",
)
"""Have to be there on both sides or on neither. `retry-after` is told by few recorders: only what
is told is compared."""
DRAWN = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<guid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "<time>"),
    (r"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])", "<hex>"),
    (r"(?<![\w.])(20|40|13|52)(\.\d{1,3}){3}(?![\w.])", "<public address>"),
    (r"\b([0-9A-F]{2}-){5}[0-9A-F]{2}\b", "<mac>"),
    (r"[0-9a-z]{26}\.[a-z]{2}\.internal", "<zone>.internal"),
    (r"(?<=\.)[0-9a-z]{16}(?=\.)", "<hash>"),
    (r"^PT(\d+M)?[\d.]+S$", "<duration>"),
    (r"^\d+(\.\d+)+$", "<version>"),
    (r"^\d{17,20}$", "<number>"),
)


def differences(recorded: Mapping[str, Any], status: int, headers: Any, body: Json) -> list[str]:
    """What the sandbox answered otherwise than Azure did; `recorded` is one line of a recording."""
    if status != recorded["status"]:
        return [f"status: {recorded['status']} became {status} {_code(body)}".rstrip()]
    told = {name.lower(): value for name, value in recorded["response"]["headers"].items()}
    ours = {name.lower(): value for name, value in headers.items()}
    found = [
        f"header: {name} {_where(name in told)}" for name in HEADERS if _differs(name, told, ours)
    ]
    if told.get("retry-after", ours.get("retry-after")) != ours.get("retry-after"):
        found.append(f"header: retry-after {told['retry-after']} {ours.get('retry-after')}")
    return [*found, *_compare(recorded["response"]["body"], body, "body")]


def _differs(name: str, told: dict[str, str], ours: dict[str, str]) -> bool:
    return (name in told) != (name in ours)


def _where(at_azure: bool) -> str:
    return "is missing" if at_azure else "is one too many"


def _code(body: Json) -> str:
    error = body.get("error", body) if isinstance(body, dict) else {}
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _compare(azure: Json, ours: Json, at: str) -> Iterator[str]:
    if azure in (None, "") and ours in (None, ""):
        return
    if isinstance(azure, dict) and isinstance(ours, dict):
        yield from _objects(azure, ours, at)
    elif isinstance(azure, list) and isinstance(ours, list):
        yield from _lists(azure, ours, at)
    elif type(azure) is not type(ours):
        yield f"{at}: {type(azure).__name__} became {type(ours).__name__}"
    elif plain(azure) != plain(ours):
        yield f"{at}: {plain(azure)!r} became {plain(ours)!r}"


def _objects(azure: dict[str, Json], ours: dict[str, Json], at: str) -> Iterator[str]:
    for name in sorted(azure.keys() | ours.keys()):
        if name not in ours:
            yield f"{at}.{name}: is missing"
        elif name not in azure:
            yield f"{at}.{name}: is one too many"
        else:
            yield from _compare(azure[name], ours[name], f"{at}.{name}")


def _lists(azure: list[Json], ours: list[Json], at: str) -> Iterator[str]:
    """Azure's lists are in no order: things with an id are compared by it, others as they come."""
    one, other = _by_key(azure), _by_key(ours)
    if one.keys() != other.keys():
        yield f"{at}: {len(azure)} items became {len(ours)}"
    for key in sorted(one.keys() & other.keys()):
        yield from _compare(one[key], other[key], f"{at}[{key}]")


def _by_key(items: list[Json]) -> dict[str, Json]:
    """The items by id or name without what is drawn, by the whole of it where that is not enough,
    and by their place where they have neither."""
    if not all(isinstance(item, dict) and item.keys() & {"id", "name"} for item in items):
        return {str(at): item for at, item in enumerate(items)}
    names = [str(item.get("id", item.get("name"))).lower() for item in items]
    short = [str(plain(name)).rsplit("/", 1)[-1] for name in names]
    return dict(zip(short if len(set(short)) == len(short) else names, items, strict=True))


def plain(value: Json) -> Json:
    """A value without what is drawn anew each time."""
    if isinstance(value, str):
        for pattern, kind in DRAWN:
            value = re.sub(pattern, kind, value)
    return value
