"""What an assessment finds on a machine: a set of updates that the seed and the month decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from arm_sandbox.providers.catalogue import image_of
from arm_sandbox.world import Resource, World, stamp

Patch = dict[str, Any]
URGENT = ("Critical", "Security")

WINDOWS = (
    ("{month} Cumulative Update for {product} (KB{kb})", 5068000, "Security", True),
    (
        "Security Intelligence Update for Microsoft Defender Antivirus - KB2267602 "
        "(Version 1.447.{day}.0) - Current Channel (Broad)",
        2267602,
        "Definition",
        False,
    ),
    (
        "{month} Cumulative Update for .NET Framework 4.8.1 for {product} (KB{kb})",
        5066100,
        "Security",
        True,
    ),
    (
        "Windows Malicious Software Removal Tool x64 - v5.{day} (KB890830)",
        890830,
        "UpdateRollUp",
        True,
    ),
    (
        "{month} Security Update for Windows Secure Boot for {product} (KB{kb})",
        5071200,
        "Critical",
        True,
    ),
    (
        "Update for Windows Security platform - KB5007651 (Version 10.0.29{day}.1)",
        5007651,
        "Definition",
        False,
    ),
    ("{month} .NET 8.0 Update for x64 Server (KB{kb})", 5069300, "Updates", False),
    (
        "Update for Microsoft Defender Antivirus antimalware platform - KB4052623 "
        "(Version 4.18.26{day}.5) - Current Channel (Broad)",
        4052623,
        "Definition",
        False,
    ),
)
"""Title, KB (of the first month; those below 5060000 never change), classification, reboot."""

LINUX = (
    ("linux-image-azure", "6.8.0-{n}.38", "Security"),
    ("openssl", "3.0.13-0ubuntu3.{n}", "Security"),
    ("libssl3t64", "3.0.13-0ubuntu3.{n}", "Security"),
    ("openssh-server", "1:9.6p1-3ubuntu13.{n}", "Security"),
    ("curl", "8.5.0-2ubuntu10.{n}", "Security"),
    ("python3.12", "3.12.3-1ubuntu0.{n}", "Security"),
    ("libgnutls30t64", "3.8.3-1.1ubuntu3.{n}", "Security"),
    ("vim", "2:9.1.0016-1ubuntu7.{n}", "Security"),
    ("snapd", "2.71+ubuntu24.04.{n}", "Other"),
    ("systemd", "255.4-1ubuntu8.{n}", "Other"),
    ("cloud-init", "25.2-0ubuntu1~24.04.{n}", "Other"),
    ("tzdata", "2026{letter}-0ubuntu0.24.04", "Other"),
)


def available(world: World, machine: Resource) -> list[Patch]:
    """The updates that a machine lacks, decided once and then kept until they are installed."""
    if "patches" not in machine.hidden:
        image = image_of(machine.body)
        linux = image is not None and image.os == "Linux"
        machine.hidden["patches"] = (_linux if linux else _windows)(world, machine)
    patches: list[Patch] = machine.hidden["patches"]
    return patches


def counts(patches: list[Patch]) -> tuple[int, int]:
    """How many are critical or for security, and how many are something else."""
    urgent = sum(any(c in URGENT for c in patch["classifications"]) for patch in patches)
    return urgent, len(patches) - urgent


def _windows(world: World, machine: Resource) -> list[Patch]:
    """Two to eight updates, the month's cumulative one always among them."""
    image = image_of(machine.body)
    released = patch_day(world.now)
    months = (released.year - 2026) * 12 + released.month
    number = 2 + int(world.draw(machine.id, "patches") * (len(WINDOWS) - 1))
    found = []
    for title, first_kb, classification, reboots in WINDOWS[:number]:
        kb = first_kb + (months * 137 if first_kb > 5060000 else 0)
        name = title.format(
            month=f"{released:%Y-%m}", product=image.update_name if image else "", kb=kb, day=months
        )
        found.append(
            {
                "patchId": world.guid(f"{machine.id}|{title}"),
                "name": name,
                "version": "",
                "kbId": str(kb),
                "classifications": [classification],
                "rebootBehavior": "CanRequestReboot" if reboots else "NeverReboots",
                "publishedDate": stamp(released.timestamp()),
            }
        )
    return found


def _linux(world: World, machine: Resource) -> list[Patch]:
    image = image_of(machine.body)
    release = image.system_version if image is not None else "24.04"
    number = 4 + int(world.draw(machine.id, "patches") * (len(LINUX) - 3))
    found = []
    for name, version, classification in LINUX[:number]:
        n = int(world.between(machine.id, name, 2, 40))
        exact = version.format(n=n, letter="bc"[n % 2])
        found.append(
            {
                "patchId": f"{name}_{exact}_Ubuntu_{release}",
                "name": name,
                "version": exact,
                "classifications": [classification],
                "rebootBehavior": "NeverReboots",  # recorded, for kernels as for anything else
                "publishedDate": "0001-01-01T00:00:00+00:00",
            }
        )
    return found


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
