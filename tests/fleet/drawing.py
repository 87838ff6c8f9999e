"""A fleet as plain data: groups in several subscriptions, machines of all sorts, others' schedules.

The same seed draws the same fleet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Literal

SUBSCRIPTIONS = tuple(f"5a4d0000-0000-4000-8000-{n:012}" for n in range(1, 11))
LOCATIONS = ("eastus", "westeurope")
Support = Literal["automatic", "scheduled", "none"]
Lock = Literal["", "CanNotDelete", "ReadOnly"]


@dataclass(frozen=True)
class Image:
    """A marketplace image, and what Update Manager does with its machines (support matrix)."""

    publisher: str
    offer: str
    sku: str
    os: str
    support: Support = "automatic"
    hotpatches: bool = False


IMAGES = (
    Image("MicrosoftWindowsServer", "WindowsServer", "2019-datacenter-gensecond", "Windows"),
    Image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2", "Windows"),
    Image(
        "MicrosoftWindowsServer",
        "WindowsServer",
        "2022-datacenter-azure-edition-core",
        "Windows",
        hotpatches=True,
    ),
    Image("Canonical", "ubuntu-24_04-lts", "server", "Linux"),
    Image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "Linux"),
)
SIZES = ("Standard_B2s_v2", "Standard_D2s_v5", "Standard_D4s_v5")


@dataclass(frozen=True)
class Settings:
    """How a machine is patched, as its owner has set it; None where nothing was said."""

    mode: str
    assessment: str = "ImageDefault"
    bypass: bool | None = None
    reboot: str | None = None
    hotpatching: bool = False
    updates: bool = True
    """`enableAutomaticUpdates`, of Windows only."""


ASSESSMENTS = ("ImageDefault", "AutomaticByPlatform")
PLATFORM = [
    (None, None),
    *product((False, True), (None, "IfRequired", "Never", "Always")),
]
"""The settings of the platform mode: bypass, and reboot."""
WINDOWS = (
    *(Settings("AutomaticByOS", a) for a in ASSESSMENTS),
    *(Settings("Manual", a, updates=False) for a in ASSESSMENTS),
    *(
        Settings("AutomaticByPlatform", a, bypass, reboot, updates=updates)
        for a, (bypass, reboot), updates in product(ASSESSMENTS, PLATFORM, (True, False))
    ),
)
HOTPATCHING = tuple(
    Settings("AutomaticByPlatform", a, bypass, reboot, hotpatching=True)
    for a, (bypass, reboot) in product(ASSESSMENTS, PLATFORM)
    if not bypass
)
LINUX = (
    *(Settings("ImageDefault", a) for a in ASSESSMENTS),
    *(
        Settings("AutomaticByPlatform", a, bypass, reboot)
        for a, (bypass, reboot) in product(ASSESSMENTS, PLATFORM)
    ),
)
"""Every combination that Azure takes."""


@dataclass(frozen=True)
class Group:
    id: str
    location: str
    writable: bool = True
    """Whether the caller may do more than read in it."""


@dataclass(frozen=True)
class Schedule:
    """Somebody else's maintenance configuration."""

    id: str
    start: str
    recurs: str
    duration: str
    zone: str = "UTC"


@dataclass(frozen=True)
class Machine:
    id: str
    group: Group
    image: Image
    settings: Settings
    size: str = SIZES[0]
    tags: dict[str, str] = field(default_factory=dict)
    power: str = "running"
    agent: bool = True
    """`provisionVMAgent`"""
    extensions: bool = True
    """`allowExtensionOperations`"""
    outbound: bool = True
    """Whether it reaches its source of updates."""
    lock: Lock = ""
    schedules: tuple[Schedule, ...] = ()
    """That it is assigned to."""

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[1]


@dataclass(frozen=True)
class Fleet:
    groups: tuple[Group, ...]
    schedules: tuple[Schedule, ...]
    machines: tuple[Machine, ...]

    @property
    def subscriptions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(group.id.split("/")[2] for group in self.groups))


def draw(
    seed: int | str,
    number: int = 200,
    *,
    subscriptions: int = 3,
    groups: int = 4,
    trouble: float = 0.04,
) -> Fleet:
    """A fleet. Each thing that can be wrong with a machine is, with the chance of `trouble`."""
    random = Random(seed)
    drawn = tuple(_groups(random, SUBSCRIPTIONS[:subscriptions], groups, trouble))
    schedules = tuple(_schedules(random, drawn))
    machines = (_machine(random, n, drawn, schedules, trouble) for n in range(number))
    return Fleet(drawn, schedules, tuple(machines))


def _groups(
    random: Random, subscriptions: tuple[str, ...], number: int, trouble: float
) -> Iterator[Group]:
    """Some in each subscription; the caller may not write in one of a fleet that has trouble."""
    closed = random.randrange(1, number * len(subscriptions)) if trouble else -1
    for at, (subscription, n) in enumerate(product(subscriptions, range(number))):
        id = f"/subscriptions/{subscription}/resourceGroups/rg-app-{n}"
        yield Group(id, random.choice(LOCATIONS), writable=at != closed)


def _schedules(random: Random, groups: tuple[Group, ...]) -> Iterator[Schedule]:
    configurations = "providers/Microsoft.Maintenance/maintenanceConfigurations"
    for n, recurs in enumerate(("Day", "1Week Saturday", "1Month Third Sunday")):
        start = f"2026-11-01 {random.choice(('01:00', '02:00', '03:30', '22:00'))}"
        id = f"{random.choice(groups).id}/{configurations}/mc-theirs-{n}"
        yield Schedule(id, start, recurs, random.choice(("01:30", "02:00", "03:55")))


def _machine(
    random: Random,
    n: int,
    groups: tuple[Group, ...],
    schedules: tuple[Schedule, ...],
    trouble: float,
) -> Machine:
    def unlucky() -> bool:
        return random.random() < trouble

    group, image = random.choice(groups), random.choice(IMAGES)
    settings = _settings(random, image, agent := not unlucky(), hotpatching=unlucky())
    assigned = [s for s in schedules if settings.bypass and random.random() < 0.2]
    return Machine(
        id=f"{group.id}/providers/Microsoft.Compute/virtualMachines/vm-{n:05}",
        group=group,
        image=image,
        settings=settings,
        size=random.choice(SIZES),
        tags=_tags(random, full=unlucky()),
        power=random.choice(("stopped", "deallocated")) if unlucky() else "running",
        agent=agent,
        extensions=not unlucky(),
        outbound=not unlucky(),
        lock=random.choice(("CanNotDelete", "ReadOnly")) if unlucky() else "",
        schedules=tuple(assigned),
    )


def _settings(random: Random, image: Image, agent: bool, *, hotpatching: bool) -> Settings:
    if hotpatching and image.hotpatches and agent:
        return random.choice(HOTPATCHING)
    legal = WINDOWS if image.os == "Windows" else LINUX
    return random.choice([s for s in legal if agent or s.mode != "AutomaticByPlatform"])


def _tags(random: Random, *, full: bool) -> dict[str, str]:
    """Some, or as many as Azure takes."""
    tags = {"owner": random.choice(("ops", "web", "data")), "Env": random.choice(("dev", "prod"))}
    named = {name: value for name, value in tags.items() if random.random() < 0.7}
    return named | {f"note-{n}": str(n) for n in range(50 - len(named) if full else 0)}
