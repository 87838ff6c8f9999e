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

from arm_sandbox.providers.catalogue import Image, image_of
from arm_sandbox.providers.machines import os_of
from arm_sandbox.world import Resource, World, chance

HOUR, DAY = 3600.0, 86400.0
EPOCH = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""When the releases of the lines with a rhythm of their own begin to be counted."""
PATCH_TUESDAY = 0.0
"""Stands for the rhythm of a line that has none of its own."""
BEGUN = 2014 * 12
"""The month from which those of Patch Tuesday are counted."""
OUT_OF_BAND = 0.08
"""The share of months in which the cumulative update is released once more, some days later."""
FEWEST = {"Windows": 2, "Linux": 4}
"""Lines that every machine has; how many more it has is up to the seed."""
URGENT = ("Critical", "Security")


@dataclass(frozen=True)
class Line:
    """One series of updates. `every` is in seconds, or `PATCH_TUESDAY`; `minutes` to install."""

    key: str
    title: str
    classification: str
    every: float
    minutes: tuple[float, float]
    reboots: bool = False
    severity: str = ""
    kb: int = 0
    renumbered: bool = False
    """Whether each release has a KB of its own, counted from `kb` on."""
    version: str = ""


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


WINDOWS = (
    Line(
        key="cumulative",
        title="{month} Cumulative Update for {product} (KB{kb})",
        classification="Security",
        every=PATCH_TUESDAY,
        minutes=(14, 26),
        reboots=True,
        severity="Critical",
        kb=5049000,
        renumbered=True,
    ),
    Line(
        key="defender-definitions",
        title="Security Intelligence Update for Microsoft Defender Antivirus - KB2267602 "
        "(Version 1.447.{n}.0) - Current Channel (Broad)",
        classification="Definition",
        every=8 * HOUR,
        minutes=(1, 2),
        kb=2267602,
    ),
    Line(
        key="net-framework",
        title="{month} Cumulative Update for .NET Framework 4.8.1 for {product} (KB{kb})",
        classification="Security",
        every=PATCH_TUESDAY,
        minutes=(4, 8),
        reboots=True,
        severity="Important",
        kb=5047100,
        renumbered=True,
    ),
    Line(
        key="malicious-software-removal",
        title="Windows Malicious Software Removal Tool x64 - v5.{n} (KB890830)",
        classification="UpdateRollUp",
        every=PATCH_TUESDAY,
        minutes=(1, 3),
        kb=890830,
    ),
    Line(
        key="secure-boot",
        title="{month} Security Update for Windows Secure Boot for {product} (KB{kb})",
        classification="Critical",
        every=120 * DAY,
        minutes=(2, 4),
        reboots=True,
        severity="Critical",
        kb=5069000,
        renumbered=True,
    ),
    Line(
        key="security-platform",
        title="Update for Windows Security platform - KB5007651 (Version 10.0.29{n}.1)",
        classification="Definition",
        every=60 * DAY,
        minutes=(1, 2),
        kb=5007651,
    ),
    Line(
        key="net",
        title="{month} .NET 8.0 Update for x64 Server (KB{kb})",
        classification="Updates",
        every=PATCH_TUESDAY,
        minutes=(2, 4),
        kb=5050300,
        renumbered=True,
    ),
    Line(
        key="defender-platform",
        title="Update for Microsoft Defender Antivirus antimalware platform - KB4052623 "
        "(Version 4.18.26{n}.5) - Current Channel (Broad)",
        classification="Definition",
        every=30 * DAY,
        minutes=(1, 2),
        kb=4052623,
    ),
)


def _package(
    name: str, version: str, classification: str, days: float, *, reboots: bool = False
) -> Line:
    return Line(
        key=name,
        title=name,
        classification=classification,
        every=days * DAY,
        minutes=(0.3, 1.5),
        reboots=reboots,
        version=version,
    )


LINUX = (
    _package("linux-image-azure", "6.8.0-{n}.38", "Security", 21, reboots=True),
    _package("openssl", "3.0.13-0ubuntu3.{n}", "Security", 45),
    _package("libssl3t64", "3.0.13-0ubuntu3.{n}", "Security", 45),
    _package("openssh-server", "1:9.6p1-3ubuntu13.{n}", "Security", 60),
    _package("curl", "8.5.0-2ubuntu10.{n}", "Security", 40),
    _package("python3.12", "3.12.3-1ubuntu0.{n}", "Security", 50),
    _package("libgnutls30t64", "3.8.3-1.1ubuntu3.{n}", "Security", 75),
    _package("vim", "2:9.1.0016-1ubuntu7.{n}", "Security", 30),
    _package("snapd", "2.71+ubuntu24.04.{n}", "Other", 35),
    _package("systemd", "255.4-1ubuntu8.{n}", "Other", 55, reboots=True),
    _package("cloud-init", "25.2-0ubuntu1~24.04.{n}", "Other", 60),
    _package("tzdata", "2026{letter}-0ubuntu0.24.04", "Other", 120),
)
LINES = {"Windows": WINDOWS, "Linux": LINUX}


def missing(world: World, machine: Resource) -> list[Update]:
    """The newest releases that a machine lacks."""
    image, os = image_of(machine.body), os_of(machine)
    installed = machine.hidden.get("installed") or {}
    more = len(LINES[os]) - FEWEST[os] + 1
    number = FEWEST[os] + int(chance(world.seed, f"{machine.id.lower()}|lines") * more)
    newest = (release(world.seed, line, image, world.now) for line in LINES[os][:number])
    return [update for update in newest if update.number > installed.get(update.line, -1)]


def install(machine: Resource, update: Update) -> None:
    machine.hidden.setdefault("installed", {})[update.line] = update.number


def recall(world: World, machine: Resource, line: str, number: int, published: float) -> Update:
    """A release that was found on a machine before."""
    found = next(each for each in LINES[os_of(machine)] if each.key == line)
    return _update(world.seed, found, image_of(machine.body), number, published)


def known_names(world: World, until: float) -> Iterator[str]:
    """KBs like `KB5068137` and packages that can be installed from now until then."""
    weeks = int((until - world.now) // (7 * DAY))
    for moment in (*(world.now + 7 * DAY * week for week in range(weeks + 1)), until):
        yield from (f"KB{release(world.seed, line, None, moment).kb}" for line in WINDOWS)
    yield from (line.key for line in LINUX)


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
    version = line.version.format(n=number, letter="abcdefgh"[number % 8])
    system = image.system_version if image is not None else ""
    unique = f"{seed}|{line.key}|{system}|{number}"
    return Update(
        id=_id(unique, name, version, system),
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


def _id(unique: str, name: str, version: str, system: str) -> str:
    """A GUID on Windows; on Linux package, version and distribution (recorded)."""
    if version:
        return f"{name}_{version}_Ubuntu_{system}"
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
