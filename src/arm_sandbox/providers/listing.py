"""Resource Manager's own lists of groups and of resources, and their filters.

What can be filtered by is from the REST reference, `Resources - List`. One form of it is here:
comparisons joined by `and`, as azure-cli and the SDKs write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from arm_sandbox.ids import parse, same
from arm_sandbox.wire import Refusal, Request
from arm_sandbox.world import Resource

Body = dict[str, Any]
Told = Callable[[Resource], str]
Wanted = Callable[[Resource], bool]

OUTSIDE = ("location", "kind", "sku", "managedBy", "identity", "zones")
PROPERTIES: Mapping[str, Told] = {
    "resourcetype": lambda resource: resource.type,
    "name": lambda resource: "/".join(parse(resource.id).names),
    "resourcegroup": lambda resource: parse(resource.id).group,
    "location": lambda resource: str(resource.body.get("location", "")),
}
"""What resources can be compared by, besides their tags."""
_TEXT = r"'((?:[^']|'')*)'"
_COMPARISON = re.compile(rf"(\w+)\s+(eq|ne)\s+{_TEXT}", re.IGNORECASE)
_PART = re.compile(rf"substringof\(\s*{_TEXT}\s*,\s*(\w+)\s*\)", re.IGNORECASE)
_JOINED = re.compile(rf"({_COMPARISON.pattern}|{_PART.pattern})(\s+and\s+|$)", re.IGNORECASE)


def filtered(
    resources: Iterable[Resource], request: Request, properties: Mapping[str, Told] = PROPERTIES
) -> Iterator[Resource]:
    """Those that `$filter` lets through. Raises Refusal for a filter that is not known."""
    conditions = list(_conditions(request.query.get("$filter", "").strip(), properties))
    return (one for one in resources if all(wanted(one) for wanted in conditions))


def asks_for_tags(request: Request) -> bool:
    """Whether a list is asked for by a tag: then it tells no tags (docs, and recorded)."""
    return re.match(r"\s*tagname\s", request.query.get("$filter", ""), re.IGNORECASE) is not None


def outside(resource: Resource, *, tags: bool) -> Body:
    """A list of resources shows the outside of each, without its properties."""
    shown = (*OUTSIDE, "tags") if tags else OUTSIDE
    body = {k: v for k, v in resource.body.items() if k in shown and v is not None}
    name = PROPERTIES["name"](resource)
    return {"id": resource.id, "name": name, "type": resource.type, **body}


# -- filters


def _conditions(text: str, properties: Mapping[str, Told]) -> Iterator[Wanted]:
    at, tag = 0, ""
    while at < len(text):
        match = _JOINED.match(text, at)
        wanted = None if match is None else _condition(match[1], tag, properties)
        if match is None or wanted is None:
            message = f"Invalid $filter '{text}' specified."
            raise Refusal(400, "InvalidFilterInQueryString", message)
        yield wanted
        at, tag = match.end(), match[1]


def _condition(clause: str, before: str, properties: Mapping[str, Told]) -> Wanted | None:
    """What one clause wants; the value of a tag stands behind its name."""
    part, comparison = _PART.fullmatch(clause), _COMPARISON.fullmatch(clause)
    if part is not None:
        whole = properties.get(part[2].lower())
        return None if whole is None else lambda one: _plain(part[1]) in whole(one).lower()
    if comparison is None:
        return None
    name, value = comparison[1].lower(), comparison[3].replace("''", "'")
    if name == "tagname":
        return lambda one: value.lower() in _tags(one)
    tag = re.fullmatch(rf"tagname\s+eq\s+{_TEXT}", before, re.IGNORECASE)
    if name == "tagvalue" and tag is not None:
        return lambda one: _tags(one).get(_plain(tag[1])) == value
    told, equal = properties.get(name), comparison[2].lower() == "eq"
    wanted = value.replace(" ", "") if name == "location" else value
    return None if told is None else lambda one: same(told(one), wanted) == equal


def _plain(value: str) -> str:
    return value.replace("''", "'").lower()


def _tags(resource: Resource) -> dict[str, str]:
    return {k.lower(): v for k, v in (resource.body.get("tags") or {}).items()}
