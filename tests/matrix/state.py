"""What stands in a world, in words that are equal where the difference means nothing.

Names end in a suffix that is drawn anew with each new deployment, identities and assignments have
GUIDs, and times depend on how long it took.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from arm_sandbox.world import World
from tests import comparison
from tests.matrix.shell import WORLD, Saved

State = Counter[str]
"""A line for each resource; two that differ in their suffix only are the same line twice."""

GUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?")
DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
MAC = re.compile(r"\b[0-9A-F]{2}(-[0-9A-F]{2}){5}\b")
SUFFIX = re.compile(r'"patchctl-suffix": "([0-9a-f]{6})"')
DOMAIN = re.compile(r"[0-9a-z]{20,}(?=\.bx\.internal\.cloudapp\.net)")
ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?!/)")
SOMEBODYS = "edited-by"
"""A tag of somebody else, who edits what is ours; patchctl lets it stand."""


def standing(saved: Saved, *, dated: bool = True) -> State:
    """`dated`: whether the days count, as those of the first window."""
    world = World.from_json(from_json(saved[WORLD]))
    bodies = comparison.state(world).values()
    suffixes = _suffixes(json.dumps(list(bodies)))
    lines = (_line(body, suffixes) for body in bodies)
    return Counter(lines if dated else (DAY.sub("DAY", line) for line in lines))


def moment(saved: Saved) -> float:
    """When it is, in seconds since 1970."""
    now: float = from_json(saved[WORLD])["now"]
    return now


def pending(saved: Saved) -> str:
    """A digest of all that decides what a command will meet: what stands and what is under way."""
    world = from_json(saved[WORLD])
    resources = [json.dumps(r, sort_keys=True) for r in world["resources"].values()]
    suffixes = _suffixes("\n".join(resources))
    texts = [
        *resources,
        *(f"{o} {len(names)}" for o, names in world["running"].items()),
        json.dumps([world["registrations"], world["options"], world["freed"]], sort_keys=True),
        *(c.decode(errors="replace") for name, c in saved.items() if name != WORLD),
    ]
    return hashlib.sha256(
        "\n".join(sorted(_plain(t, suffixes) for t in texts)).encode()
    ).hexdigest()


def differences(wanted: State, got: State) -> Iterator[str]:
    """One line for each thing that is missing, too much or other; none where both are equal."""
    missing, surplus = (
        sorted((one - two).elements()) for one, two in ((wanted, got), (got, wanted))
    )
    for line in missing:
        other = next((each for each in surplus if _id(each) == _id(line)), None)
        if other is None:
            yield f"missing: {_id(line)}"
        else:
            surplus.remove(other)
            yield f"other: {_id(line)}: {_where(line, other)}"
    yield from (f"too much: {_id(line)}" for line in surplus)


def _id(line: str) -> str:
    found = re.search(r'"id": "([^"]*)"', line)
    return found[1] if found else line


def _where(wanted: str, got: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), 0)
    return (
        f"...{wanted[max(0, at - 40) : at + 60]}... became ...{got[max(0, at - 40) : at + 60]}..."
    )


def types(state: State) -> Counter[str]:
    """How many of each type there are."""
    counted: Counter[str] = Counter()
    for line, number in state.items():
        counted[line.split(" ", 1)[0]] += number
    return counted


def _line(body: dict[str, Any], suffixes: frozenset[str]) -> str:
    tags = {k: v for k, v in (body.get("tags") or {}).items() if k != SOMEBODYS}
    kept = json.dumps({**body, "tags": tags}, sort_keys=True)
    return f"{body.get('type', 'group')} {_plain(kept, suffixes)}"


def _suffixes(text: str) -> frozenset[str]:
    return frozenset(SUFFIX.findall(text))


@lru_cache(maxsize=50_000)
def _plain(text: str, suffixes: frozenset[str]) -> str:
    text = TIME.sub("TIME", GUID.sub("GUID", DOMAIN.sub("DOMAIN", text)))
    text = MAC.sub("MAC", ADDRESS.sub("ADDRESS", text))
    for suffix in suffixes:
        text = text.replace(suffix, "SUFFIX")
    return text
