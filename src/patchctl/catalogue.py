"""The errors that are known: what causes each, what to do next, and who says so.

They stand in `catalogue.toml`, which is read when it is first asked for.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

PART = 3
"""So many letters, at least, are looked for within the codes."""
MOST = 5
"""So many codes at most are named for one that is unknown."""


@dataclass(frozen=True)
class Entry:
    """One code. `hint` is what to do, and ends in a command; see the head of `catalogue.toml`."""

    code: str
    cause: str
    hint: str
    source: str


@cache
def entries() -> Mapping[str, Entry]:
    """All of them, by their codes in small letters."""
    text = files("patchctl").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {code.lower(): Entry(code, **entry) for code, entry in tomllib.loads(text).items()}


def find(code: str) -> Entry | None:
    return entries().get(code.lower())


def spelled(entry: Entry) -> Entry:
    """As it reads where nothing has failed: what only a failed command knows is left open."""
    hint = entry.hint.replace("{again}", "patchctl ...").replace("{help}", "patchctl ... --help")
    return replace(entry, hint=hint.replace("{name}", "NAME"))


def near(code: str) -> list[str]:
    """Known codes that look like an unknown one, the likeliest first."""
    known = entries()
    close = difflib.get_close_matches(code.lower(), known, n=3, cutoff=0.6)
    within = (each for each in known if len(code) >= PART and code.lower() in each)
    return [known[each].code for each in dict.fromkeys((*close, *within))][:MOST]
