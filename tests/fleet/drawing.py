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
Sort = Literal["marketplace", "gallery", "specialized", "attached", "arc"]
"""What a virtual machine is made from, or that it is no virtual machine but one of Arc."""


@dataclass(frozen=True)
class Image:
    """A marketplace image, and what Update Manager does with its machines (support matrix)."""

    publisher: str
    offer: str
    sku: str
    os: str
    support: Support = "automatic"
    hotpatches: bool = False

    @property
    def names(self) -> tuple[str, str, str]:
        return self.publisher, self.offer, self.sku


SERVER = ("MicrosoftWindowsServer", "WindowsServer")
IMAGES = (
    Image(*SERVER, "2019-datacenter-gensecond", "Windows"),
    Image(*SERVER, "2022-datacenter-g2", "Windows"),
    Image(*SERVER, "2022-datacenter-azure-edition-core", "Windows", hotpatches=True),
    Image("Canonical", "ubuntu-24_04-lts", "server", "Linux"),
    Image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "Linux"),
    Image("RedHat", "RHEL", "9-lvm-gen2", "Linux"),
    Image("SUSE", "sles-15-sp5", "gen2", "Linux", "scheduled"),
    Image("Debian", "debian-11", "11-gen2", "Linux", "scheduled"),
)
UNSUPPORTED = (
    Image("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro", "Windows", "none"),
    Image("kinvolk", "flatcar-container-linux-free", "stable-gen2", "Linux", "none"),
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
UNSAID = Settings("", "")
"""Of a machine that has no profile, and of one of Arc: nobody has said how it is patched."""
ARC = (UNSAID, *(Settings(m, a) for m in ("Manual", "AutomaticByPlatform") for a in ASSESSMENTS))
"""Settings of machines of Arc, which do not matter to schedules."""


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
    sort: Sort = "marketplace"
    size: str = SIZES[0]
    tags: dict[str, str] = field(default_factory=dict)
    power: str = "running"
    """`running`, `stopped`, `deallocated`, or of a machine of Arc `silent`."""
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

    @property
    def support(self) -> Support:
        """Azure patches machines of marketplace images only without being told when."""
        own = self.sort in ("gallery", "specialized", "attached")
        return "scheduled" if own and self.image.support == "automatic" else self.image.support


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
    sorts: tuple[Sort, ...] = ("marketplace",),
) -> Fleet:
    """A fleet of machines of some sorts, those of the marketplace most often.

    Each thing that can be wrong with a machine is, with the chance of `trouble`.
    """
    random = Random(seed)
    drawn = tuple(_groups(random, SUBSCRIPTIONS[:subscriptions], groups, trouble))
    schedules = tuple(_schedules(random, drawn))
    machines = (_Draw(random, drawn, schedules, trouble, sorts).machine(n) for n in range(number))
    return Fleet(drawn, schedules, tuple(machines))


EVERY: tuple[Sort, ...] = ("marketplace", "gallery", "specialized", "attached", "arc")
OFTEN = {"marketplace": 12, "gallery": 2, "specialized": 1, "attached": 1, "arc": 4}


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


@dataclass(frozen=True)
class _Draw:
    """One machine after the other."""

    random: Random
    groups: tuple[Group, ...]
    schedules: tuple[Schedule, ...]
    trouble: float
    sorts: tuple[Sort, ...]

    def machine(self, n: int) -> Machine:
        random, unlucky = self.random, self.unlucky
        group, sort = random.choice(self.groups), self.sort()
        image = random.choice(UNSUPPORTED if unlucky() else IMAGES)
        agent = sort == "arc" or not unlucky()
        settings = self.settings(sort, image, agent=agent, hotpatching=unlucky())
        assignable = sort == "arc" or settings.bypass
        return Machine(
            id=_id(group, sort, n),
            group=group,
            image=image,
            settings=settings,
            sort=sort,
            size=random.choice(SIZES),
            tags=_tags(random, full=unlucky()),
            power=random.choice(OFF[sort == "arc"]) if unlucky() else "running",
            agent=agent,
            extensions=not unlucky() or settings == UNSAID,
            outbound=not unlucky(),
            lock=random.choice(("CanNotDelete", "ReadOnly")) if unlucky() else "",
            schedules=tuple(s for s in self.schedules if assignable and random.random() < 0.2),
        )

    def unlucky(self) -> bool:
        return self.random.random() < self.trouble

    def sort(self) -> Sort:
        if len(self.sorts) == 1:
            return self.sorts[0]
        return self.random.choices(self.sorts, [OFTEN[sort] for sort in self.sorts])[0]

    def settings(self, sort: Sort, image: Image, *, agent: bool, hotpatching: bool) -> Settings:
        if sort in ("specialized", "attached"):
            return UNSAID
        if sort == "arc":
            return self.random.choice(ARC)
        if hotpatching and image.hotpatches and agent and sort == "marketplace":
            return self.random.choice(HOTPATCHING)
        return self.random.choice(legal(image, sort, agent=agent))


OFF = {True: ("silent",), False: ("stopped", "deallocated")}


def legal(image: Image, sort: Sort = "marketplace", *, agent: bool = True) -> list[Settings]:
    """The settings that a machine can have without hotpatching."""
    support = "scheduled" if sort == "gallery" and image.support == "automatic" else image.support
    platform = agent and support != "none"
    return [
        settings
        for settings in (WINDOWS if image.os == "Windows" else LINUX)
        if settings.mode != "AutomaticByPlatform"
        or (platform and (support == "automatic" or settings.bypass is not False))
    ]


def _id(group: Group, sort: Sort, n: int) -> str:
    if sort == "arc":
        return f"{group.id}/providers/Microsoft.HybridCompute/machines/arc-{n:05}"
    return f"{group.id}/providers/Microsoft.Compute/virtualMachines/vm-{n:05}"


def _tags(random: Random, *, full: bool) -> dict[str, str]:
    """Some, or as many as Azure takes."""
    tags = {"owner": random.choice(("ops", "web", "data")), "Env": random.choice(("dev", "prod"))}
    named = {name: value for name, value in tags.items() if random.random() < 0.7}
    return named | {f"note-{n}": str(n) for n in range(50 - len(named) if full else 0)}
