"""Why the sandbox answers some recorded requests otherwise: `differences.toml`, applied."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.fidelity.replay import Compared

FILE = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """`where` and `difference` are patterns: `*` is anything, `[34]` one of two characters."""

    where: str
    difference: str
    reason: str

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        where = re.escape(self.where).replace(r"\*", ".*").replace(r"\[", "[").replace(r"\]", "]")
        return re.compile(where), re.compile(re.escape(self.difference).replace(r"\*", ".*"))

    def explains(self, where: str, difference: str) -> bool:
        place, text = self._patterns
        return bool(place.fullmatch(where) and text.fullmatch(difference))


def read(file: Path = FILE) -> list[Difference]:
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["difference"]
    return [Difference(**entry) for entry in entries]


def explained(
    compared: Iterable[Compared], entries: list[Difference]
) -> tuple[Mapping[str, list[str]], list[str], list[Difference]]:
    """The reasons by exchange, what nothing explains, and the entries that explain nothing."""
    reasons: dict[str, list[str]] = {}
    unexplained: list[str] = []
    used: set[Difference] = set()
    for one in compared:
        for difference in one.differences:
            entry = next((e for e in entries if e.explains(one.where, difference)), None)
            if entry is None:
                unexplained.append(f"{one.where} {one.interaction}: {difference}")
                continue
            used.add(entry)
            if entry.reason not in reasons.setdefault(one.where, []):
                reasons[one.where].append(entry.reason)
    return reasons, unexplained, [entry for entry in entries if entry not in used]
