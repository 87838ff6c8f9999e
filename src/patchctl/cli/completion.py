"""What Tab offers as the value of an option: what the configuration takes at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from patchctl import catalogue
from patchctl.config import LINUX, WINDOWS, Config
from patchctl.schedule import time_zones


def without_blanks(names: Iterable[str]) -> list[str]:
    """bash puts a name on the command line as it is, so that a blank would end it."""
    return [name for name in names if " " not in name]


NAMED: Mapping[str, Callable[[], Iterable[str]]] = {
    "schedule.time_zone": lambda: without_blanks(time_zones.KNOWN.values()),
    "patches.classifications": lambda: dict.fromkeys(WINDOWS + LINUX),
    "code": lambda: (entry.code for entry in catalogue.entries().values()),
}
"""Values that are listed somewhere else than in the configuration's types."""


def offered(place: str) -> list[str]:
    """The values that may stand at a place; of these Typer takes the ones that begin as typed."""
    return sorted(NAMED[place]() if place in NAMED else _choices(place))


def _choices(place: str) -> tuple[str, ...]:
    kind: Any = Config
    for key in place.split("."):
        kind = kind.model_fields[key].annotation
    return get_args(kind)
