"""The series of updates that there are for each system: the ground of `updates`."""

from __future__ import annotations

from dataclasses import dataclass

from arm_sandbox.providers.catalogue import Image

HOUR, DAY = 3600.0, 86400.0
PATCH_TUESDAY = 0.0
"""Stands for the rhythm of a line that has none of its own."""
FEWEST = {"Windows": 2, "Linux": 4}
"""Lines that every machine has; how many more it has is up to the seed."""


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


UBUNTU = (
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
DEBIAN = (
    _package("linux-image-cloud-amd64", "5.10.{n}-1", "Security", 30, reboots=True),
    _package("openssl", "1.1.1w-0+deb11u{n}", "Security", 60),
    _package("openssh-server", "1:8.4p1-5+deb11u{n}", "Security", 75),
    _package("curl", "7.74.0-1.3+deb11u{n}", "Security", 50),
    _package("libgnutls30", "3.7.1-5+deb11u{n}", "Security", 80),
    _package("tzdata", "2026{letter}-0+deb11u1", "Other", 120),
)
REDHAT = (
    _package("kernel", "{major}-{n}.el{release}", "Security", 25, reboots=True),
    _package("openssl-libs", "1:3.2.2-{n}.el{release}", "Security", 50),
    _package("openssh-server", "8.7p1-{n}.el{release}", "Security", 60),
    _package("curl", "7.76.1-{n}.el{release}", "Security", 45),
    _package("python3-libs", "3.9.18-{n}.el{release}", "Security", 55),
    _package("glibc", "2.34-{n}.el{release}", "Other", 70, reboots=True),
    _package("tzdata", "2026{letter}-1.el{release}", "Other", 120),
)
SLES = (
    _package("kernel-default", "5.14.21-150500.55.{n}.1", "Security", 25, reboots=True),
    _package("libopenssl1_1", "1.1.1l-150500.17.{n}.1", "Security", 50),
    _package("openssh", "8.4p1-150300.3.{n}.1", "Security", 60),
    _package("curl", "8.0.1-150400.5.{n}.1", "Security", 45),
    _package("glibc", "2.31-150300.{n}.1", "Other", 70, reboots=True),
    _package("timezone", "2026{letter}-150000.75.31.1", "Other", 120),
)
PACKAGES = {"ubuntu": UBUNTU, "debian": DEBIAN, "redhat": REDHAT, "sles": SLES}
"""By distribution; one that is not here has nothing to install."""


def lines_of(image: Image) -> tuple[Line, ...]:
    return WINDOWS if image.os == "Windows" else PACKAGES.get(image.system, ())
