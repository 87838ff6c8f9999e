"""What Compute offers: sizes and where they can be had, and the images of the marketplace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from arm_sandbox.wire import Refusal

ZONES = ("1", "2", "3")
VERSION_DAYS = ("260712", "260811", "260909", "261014")


@dataclass(frozen=True)
class Size:
    name: str
    family: str
    cpus: int
    memory: float
    generations: str = "V1,V2"
    premium: bool = True
    trusted: bool = True
    """Whether it can run with Trusted Launch."""
    disks: int = 4


SIZES = (
    Size("Standard_A2_v2", "standardAv2Family", 2, 4, "V1", premium=False, trusted=False),
    Size("Standard_B1s", "standardBSFamily", 1, 1, disks=2),
    Size("Standard_B2s", "standardBSFamily", 2, 4),
    Size("Standard_B2ms", "standardBSFamily", 2, 8),
    Size("Standard_B4ms", "standardBSFamily", 4, 16, disks=8),
    Size("Standard_B2s_v2", "standardBsv2Family", 2, 8),
    Size("Standard_B2as_v2", "standardBasv2Family", 2, 8),
    Size("Standard_DS1_v2", "standardDSv2Family", 1, 3.5),
    Size("Standard_D2s_v3", "standardDSv3Family", 2, 8),
    Size("Standard_D2s_v5", "standardDSv5Family", 2, 8),
    Size("Standard_D4s_v5", "standardDSv5Family", 4, 16, disks=8),
    Size("Standard_D2as_v5", "standardDASv5Family", 2, 8),
    Size("Standard_D2s_v6", "standardDSv6Family", 2, 8, "V2"),
)
NOT_OFFERED = {
    "Standard_B2s": ("swedencentral",),
    "Standard_D2s_v6": ("japaneast", "uksouth"),
    "Standard_A2_v2": ("swedencentral", "westus3"),
}
RESTRICTED = {
    "Standard_B2s": ("westus3",),
    "Standard_DS1_v2": ("westus3", "eastus2"),
    "Standard_D2s_v3": ("germanywestcentral",),
}
"""Offered, but not to this subscription."""


def sizes_in(location: str) -> list[Size]:
    return [size for size in SIZES if location not in NOT_OFFERED.get(size.name, ())]


def size_named(name: str, location: str) -> Size | None:
    """A size that is offered in a location, restricted or not."""
    return next((s for s in sizes_in(location) if s.name.lower() == name.lower()), None)


def sku_of(size: Size, location: str, restricted: Collection[str]) -> dict[str, Any]:
    """A size in the form of `Microsoft.Compute/skus`; `restricted` are regions without it."""
    return {
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.removeprefix("Standard_"),
        "family": size.family,
        "locations": [location],
        "locationInfo": [{"location": location, "zones": [*ZONES], "zoneDetails": []}],
        "capabilities": [{"name": name, "value": value} for name, value in _capabilities(size)],
        "restrictions": _restrictions(location) if location in restricted else [],
    }


def _capabilities(size: Size) -> list[tuple[str, str]]:
    told = [
        ("MaxResourceVolumeMB", "0"),
        ("OSVhdSizeMB", "1047552"),
        ("vCPUs", str(size.cpus)),
        ("MemoryPreservingMaintenanceSupported", "True"),
        ("HyperVGenerations", size.generations),
        ("CpuArchitectureType", "x64"),
        ("MemoryGB", f"{size.memory:g}"),
        ("MaxDataDiskCount", str(size.disks)),
        ("LowPriorityCapable", str(not size.family.startswith("standardB"))),
        ("PremiumIO", str(size.premium)),
        ("VMDeploymentTypes", "IaaS"),
        ("vCPUsAvailable", str(size.cpus)),
        ("MaxNetworkInterfaces", "2"),
    ]
    return told if size.trusted else [*told, ("TrustedLaunchDisabled", "True")]


def _restrictions(location: str) -> list[dict[str, Any]]:
    info = {"locations": [location], "zones": [*ZONES]}
    restriction = {"type": "Location", "values": [location], "restrictionInfo": info}
    return [{**restriction, "reasonCode": "NotAvailableForSubscription"}]


def vm_size(size: Size) -> dict[str, Any]:
    """A size in the form of `locations/vmSizes`."""
    return {
        "name": size.name,
        "numberOfCores": size.cpus,
        "osDiskSizeInMB": 1047552,
        "resourceDiskSizeInMB": 0,
        "memoryInMB": int(size.memory * 1024),
        "maxDataDiskCount": size.disks,
    }


DISTRIBUTIONS = {
    "ubuntu": "Ubuntu",
    "debian": "Debian GNU/Linux",
    "redhat": "Red Hat Enterprise Linux",
    "sles": "SLES",
    "flatcar": "Flatcar Container Linux",
}
"""Distributions as an instance view names them, and as they name themselves."""


@dataclass(frozen=True)
class Image:
    """A marketplace image. `system` and `system_version` are what an instance view tells of it."""

    publisher: str
    offer: str
    sku: str
    os: str
    generation: str
    system: str
    system_version: str
    build: str
    update_name: str = ""
    """How Windows Update names the product in the titles of its updates."""
    support: Literal["automatic", "scheduled", "none"] = "automatic"
    """What Azure does with its machines: patches them by itself, too, only when told, or never."""

    @property
    def names(self) -> tuple[str, str, str]:
        return self.publisher, self.offer, self.sku

    @property
    def title(self) -> str:
        """The product's own name."""
        name = DISTRIBUTIONS.get(self.system)
        return f"{name} {self.system_version}" if name else self.system

    @property
    def versions(self) -> list[str]:
        """Oldest first; the number follows the monthly release."""
        if self.os == "Linux":
            return [f"{self.build}.20{day}0" for day in VERSION_DAYS]
        return [f"{self.build}.{4000 + 73 * n}.{day}" for n, day in enumerate(VERSION_DAYS)]

    @property
    def disk_size(self) -> int:
        return 30 if self.os == "Linux" else 127


def _windows(sku: str, generation: str, year: int, build: str) -> Image:
    system = f"Windows Server {year} Datacenter"
    system = f"{system} Azure Edition" if "azure-edition" in sku else system
    names = {
        2016: "Windows Server 2016 for x64-based Systems",
        2019: "Windows Server 2019 for x64-based Systems",
        2022: "Microsoft server operating system version 21H2 for x64-based Systems",
        2025: "Microsoft server operating system version 24H2 for x64-based Systems",
    }
    return Image(
        publisher="MicrosoftWindowsServer",
        offer="WindowsServer",
        sku=sku,
        os="Windows",
        generation=generation,
        system=system,
        system_version=f"10.0.{build}",
        build=build,
        update_name=names[year],
    )


def _ubuntu(offer: str, sku: str, generation: str, release: str) -> Image:
    return Image("Canonical", offer, sku, "Linux", generation, "ubuntu", release, release)


IMAGES = (
    _windows("2016-datacenter", "V1", 2016, "14393"),
    _windows("2019-datacenter", "V1", 2019, "17763"),
    _windows("2019-datacenter-gensecond", "V2", 2019, "17763"),
    _windows("2022-datacenter", "V1", 2022, "20348"),
    _windows("2022-datacenter-g2", "V2", 2022, "20348"),
    _windows("2022-datacenter-azure-edition", "V2", 2022, "20348"),
    _windows("2022-datacenter-azure-edition-core", "V2", 2022, "20348"),
    _windows("2025-datacenter-g2", "V2", 2025, "26100"),
    _windows("2025-datacenter-azure-edition", "V2", 2025, "26100"),
    _ubuntu("ubuntu-24_04-lts", "server", "V2", "24.04"),
    _ubuntu("0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "V2", "22.04"),
    _ubuntu("0001-com-ubuntu-server-jammy", "22_04-lts", "V1", "22.04"),
    _ubuntu("0001-com-ubuntu-server-focal", "20_04-lts-gen2", "V2", "20.04"),
    _ubuntu("0001-com-ubuntu-server-focal", "20_04-lts", "V1", "20.04"),
    _ubuntu("UbuntuServer", "18_04-lts-gen2", "V2", "18.04"),
    _ubuntu("UbuntuServer", "18.04-LTS", "V1", "18.04"),
    Image("RedHat", "RHEL", "8-lvm-gen2", "Linux", "V2", "redhat", "8.10", "8.10"),
    Image("RedHat", "RHEL", "9-lvm-gen2", "Linux", "V2", "redhat", "9.4", "9.4"),
    Image("SUSE", "sles-12-sp5", "gen2", "Linux", "V2", "sles", "12.5", "2026.07"),
    Image(
        *("SUSE", "sles-15-sp5", "gen2", "Linux", "V2", "sles", "15.5", "2026.07"),
        support="scheduled",
    ),
    Image(
        *("Debian", "debian-11", "11-gen2", "Linux", "V2", "debian", "11", "0"),
        support="scheduled",
    ),
    Image(
        *("kinvolk", "flatcar-container-linux-free", "stable-gen2", "Linux", "V2", "flatcar"),
        *("3975.2.1", "3975.2"),
        support="none",
    ),
    Image(
        *("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro", "Windows", "V2"),
        *("Windows 11 Pro", "10.0.22631", "22631"),
        support="none",
    ),
)
"""What each is supported for is from the support matrix of Update Manager and the list of images
of automatic guest patching; Flatcar and Windows clients are on neither."""
GUESTS = {"Windows": "2022-datacenter-g2", "Linux": "server"}
"""What is taken for the guest of a disk that nothing is known of but its operating system."""


def guest_of(os: str) -> Image:
    return next(image for image in IMAGES if image.sku == GUESTS[os])


def images_named(*names: str) -> list[Image]:
    """Those of a publisher, of one of its offers, or of one of that offer's skus."""
    wanted = [name.lower() for name in names]
    return [i for i in IMAGES if [name.lower() for name in i.names[: len(names)]] == wanted]


@cache
def image_named(publisher: str, offer: str, sku: str) -> Image | None:
    return next(iter(images_named(publisher, offer, sku)), None)


def image_of(machine: dict[str, Any]) -> Image | None:
    """The image that the body of a virtual machine refers to."""
    storage = (machine.get("properties") or {}).get("storageProfile") or {}
    found = storage.get("imageReference") or {}
    return image_named(*(str(found.get(key, "")) for key in ("publisher", "offer", "sku")))


def is_linux(machine: Any) -> bool:
    image = image_of(machine) if isinstance(machine, dict) else None
    return image is not None and image.os == "Linux"


def require_image(publisher: str, offer: str, sku: str) -> Image:
    image = image_named(publisher, offer, sku)
    if image is None:
        raise Refusal(404, "NotFound", "Artifact: VMImage was not found.")
    return image


def image_path(subscription: str, location: str, *names: str) -> str:
    """The id of an image version, or of what it is below: publisher, offer, sku.

    Its words begin with capitals (azure-cli#17599).
    """
    words = ("Publishers", "ArtifactTypes/VMImage/Offers", "Skus", "Versions")
    below = (f"/{word}/{name}" for word, name in zip(words, names, strict=False))
    place = f"/Subscriptions/{subscription}/Providers/Microsoft.Compute/Locations/{location}"
    return place + "".join(below)


def image_at(path: str) -> Image | None:
    """The image that the id of one of its versions names."""
    parts = path.strip("/").split("/")
    named = dict(zip(map(str.lower, parts[0::2]), parts[1::2], strict=False))
    return image_named(*(named.get(word, "") for word in ("publishers", "offers", "skus")))


def image_version(image: Image, id: str, location: str) -> dict[str, Any]:
    trusted = {"name": "SecurityType", "value": "TrustedLaunchSupported"}
    properties = {
        "osDiskImage": {"operatingSystem": image.os, "sizeInGb": image.disk_size},
        "dataDiskImages": [],
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": True},
        "hyperVGeneration": image.generation,
        "features": [trusted] if image.generation == "V2" else [],
        "architecture": "x64",
    }
    return {"location": location, "name": id.rsplit("/", 1)[1], "id": id, "properties": properties}
