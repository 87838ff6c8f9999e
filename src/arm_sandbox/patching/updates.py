"""What vendors release, and when; what of it a machine lacks.

Every update belongs to a line, and of a line only the newest release counts: cumulative updates
replace each other, packages do, definitions do. Windows follows Patch Tuesday, the second Tuesday
of a month at 10:00 in Redmond; definitions come every eight hours; out-of-band updates rarely. The
same seed gives every machine of a product the same releases. Titles look like Azure's, the numbers
of KBs mean nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from arm_sandbox.patching.lines import (
    DAY,
    FEWEST,
    PACKAGES,
    WINDOWS,
    Line,
    lines_of,
)
from arm_sandbox.providers.catalogue import DISTRIBUTIONS, Image
from arm_sandbox.providers.machines import image_of
from arm_sandbox.world import Resource, World, chance

EPOCH = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""When the releases of the lines with a rhythm of their own begin to be counted."""
BEGUN = 2014 * 12
"""The month from which those of Patch Tuesday are counted."""
OUT_OF_BAND = 0.08
"""The share of months in which the cumulative update is released once more, some days later."""
URGENT = ("Critical", "Security")


@dataclass(frozen=True)
class Update:
    """A release of a line, for a product. `published` is in seconds since 1970."""

    id: str
    line: str
    number: int
    """Of the release within its line; grows with every release."""
    name: str
    version: str
    kb: str
    classification: str
    severity: str
    reboots: bool
    published: float
    minutes: tuple[float, float]

    @property
    def label(self) -> str:
        """What people call it: `KB5068137` or the package."""
        return f"KB{self.kb}" if self.kb else self.name

    @property
    def urgent(self) -> bool:
        return self.classification in URGENT

    @property
    def service_pack(self) -> bool:
        return self.classification == "ServicePack"


def missing(world: World, machine: Resource) -> list[Update]:
    """The newest releases that a machine lacks."""
    image = image_of(world, machine)
    lines, fewest = lines_of(image), FEWEST[image.os]
    installed = machine.hidden.get("installed") or {}
    more = len(lines) - fewest + 1
    number = fewest + int(chance(world.seed, f"{machine.id.lower()}|lines") * more)
    newest = (release(world.seed, line, image, world.now) for line in lines[:number])
    return [update for update in newest if update.number > installed.get(update.line, -1)]


def install(machine: Resource, update: Update) -> None:
    machine.hidden.setdefault("installed", {})[update.line] = update.number


def recall(world: World, machine: Resource, line: str, number: int, published: float) -> Update:
    """A release that was found on a machine before."""
    image = image_of(world, machine)
    found = next(each for each in lines_of(image) if each.key == line)
    return _update(world.seed, found, image, number, published)


def known_names(world: World, until: float) -> Iterator[str]:
    """KBs like `KB5068137` and packages that can be installed from now until then."""
    weeks = int((until - world.now) // (7 * DAY))
    for moment in (*(world.now + 7 * DAY * week for week in range(weeks + 1)), until):
        yield from (f"KB{release(world.seed, line, None, moment).kb}" for line in WINDOWS)
    yield from {line.key for lines in PACKAGES.values() for line in lines}


# -- releases


def release(seed: str, line: Line, image: Image | None, now: float) -> Update:
    """The newest release of a line."""
    number, published = _monthly(seed, line, now) if not line.every else _own(seed, line, now)
    return _update(seed, line, image, number, published)


def _own(seed: str, line: Line, now: float) -> tuple[int, float]:
    """Number and time of the newest release of a line with a rhythm of its own."""
    begin = EPOCH - round(chance(seed, f"{line.key}|rhythm") * line.every)
    number = int((now - begin) // line.every)
    return number, begin + number * line.every


def _monthly(seed: str, line: Line, now: float) -> tuple[int, float]:
    """The same for Patch Tuesday; an odd number is an out-of-band release."""
    released = patch_day(now)
    number = 2 * (released.year * 12 + released.month)
    if line.key == "cumulative":
        again = _out_of_band(seed, released)
        if again is not None and again.timestamp() <= now:
            return number + 1, again.timestamp()
    return number, released.timestamp()


def _out_of_band(seed: str, released: datetime) -> datetime | None:
    month = f"out-of-band|{released:%Y-%m}"
    if chance(seed, month) >= OUT_OF_BAND:
        return None
    return released + timedelta(days=3 + int(chance(seed, f"{month}|day") * 10))


@lru_cache(maxsize=4096)
def _update(seed: str, line: Line, image: Image | None, number: int, published: float) -> Update:
    count = number if line.every else number - 2 * BEGUN
    kb = line.kb + 61 * count if line.renumbered else line.kb
    name = line.title.format(
        month=f"{datetime.fromtimestamp(published, UTC):%Y-%m}",
        product=image.update_name if image is not None else "",
        kb=kb,
        n=count if line.every else count // 2,
    )
    system = image.system_version if image is not None else ""
    release = system.partition(".")[0]
    version = line.version.format(
        n=number,
        letter="abcdefgh"[number % 8],
        release=release,
        major="4.18.0" if release == "8" else "5.14.0",
    )
    unique = f"{seed}|{line.key}|{system}|{number}"
    return Update(
        id=_id(unique, name, version, image),
        line=line.key,
        number=number,
        name=name,
        version=version,
        kb=str(kb) if kb else "",
        classification=line.classification,
        severity=line.severity,
        reboots=line.reboots,
        published=published,
        minutes=line.minutes,
    )


def _id(unique: str, name: str, version: str, image: Image | None) -> str:
    """A GUID on Windows; on Linux package, version and distribution (recorded for Ubuntu)."""
    if version and image is not None:
        distribution = DISTRIBUTIONS[image.system]
        return f"{name}_{version}_{distribution}_{image.system_version}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, unique))


def patch_day(now: float) -> datetime:
    """The last second Tuesday of a month, 18:00 UTC, that has passed."""
    moment = datetime.fromtimestamp(now, UTC)
    day = _second_tuesday(moment.year, moment.month)
    return day if day <= moment else _second_tuesday(*_month_before(moment))


def _second_tuesday(year: int, month: int) -> datetime:
    first = datetime(year, month, 1, 18, tzinfo=UTC)
    return first + timedelta(days=(1 - first.weekday()) % 7 + 7)


def _month_before(moment: datetime) -> tuple[int, int]:
    before = moment.replace(day=1) - timedelta(days=1)
    return before.year, before.month
