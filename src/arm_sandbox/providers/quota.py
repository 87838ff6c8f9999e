"""How many cores a subscription may use in a region, and which sizes it cannot have.

A machine counts whether it runs or not (docs, "Check vCPU quotas"). The refusal is reported with
409 `OperationNotAllowed` (cb-spider#1558, neonKUBE#1671); the validation of a template calls it
`QuotaExceeded` in the same words (fahclient-azure-vm#3, azure-powershell#1925).
"""

from __future__ import annotations

from typing import Any

from arm_sandbox.ids import Id, same
from arm_sandbox.providers import catalogue
from arm_sandbox.providers.catalogue import Size
from arm_sandbox.wire import Refusal
from arm_sandbox.world import World

MACHINES = "Microsoft.Compute/virtualMachines"
CORES = "cores"
REFUSED = "OperationNotAllowed"
REFUSED_IN_TEMPLATE = "QuotaExceeded"
AMPLE = 1000
"""The limit where the world's options set none."""


def restricted(world: World, size: Size) -> tuple[str, ...]:
    """Where a size is offered, but not to this subscription, or is sold out."""
    listed = {name.lower(): regions for name, regions in world.options.restricted.items()}
    return (*catalogue.RESTRICTED.get(size.name, ()), *listed.get(size.name.lower(), ()))


def require(world: World, id: Id, size: Size, location: str, code: str) -> None:
    """Refuse a machine whose cores are more than what is left of its region or its family."""
    sizes = _sizes(world, id.subscription, location, besides=id.text)
    for name, family in ((CORES, ""), (size.family, size.family)):
        used = sum(other.cpus for other in sizes if family in ("", other.family))
        limit = _limit(world, name)
        if used + size.cpus > limit:
            raise _exceeded(code, name, location, limit, used, size.cpus)


def _exceeded(code: str, name: str, location: str, limit: int, used: int, more: int) -> Refusal:
    what = "Total Regional Cores" if name == CORES else f"{name} Cores"
    return Refusal(
        409,
        code,
        f"Operation could not be completed as it results in exceeding approved {what} quota. "
        f"Additional details - Deployment Model: Resource Manager, Location: {location}, Current "
        f"Limit: {limit}, Current Usage: {used}, Additional Required: {more}, (Minimum) New Limit "
        f"Required: {used + more}. Setup Alerts when Quota reaches threshold. Learn more at "
        "https://aka.ms/quotamonitoringalerting . Submit a request for Quota increase at "
        "https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView by "
        "specifying parameters listed in the \u2018Details\u2019 section for deployment to "
        "succeed. Please read more about quota limits at "
        "https://docs.microsoft.com/en-us/azure/azure-supportability/"
        f"{'regional' if name == CORES else 'per-vm'}-quota-requests",
    )


def usages(world: World, subscription: str, location: str) -> list[dict[str, Any]]:
    """What is used of each limit in a region, as Compute lists it."""
    sizes = _sizes(world, subscription, location)
    families = sorted({size.family for size in catalogue.sizes_in(location)})
    used = {name: sum(s.cpus for s in sizes if s.family == name) for name in families}
    return [
        _usage("virtualMachines", "Virtual Machines", len(sizes), 25000),
        _usage(CORES, "Total Regional vCPUs", sum(used.values()), _limit(world, CORES)),
        *(_usage(name, f"{name} vCPUs", used[name], _limit(world, name)) for name in families),
    ]


def _usage(name: str, shown: str, used: int, limit: int) -> dict[str, Any]:
    named = {"value": name, "localizedValue": shown}
    return {"limit": limit, "unit": "Count", "currentValue": used, "name": named}


def _limit(world: World, name: str) -> int:
    return world.options.quota.get(name, AMPLE)


def _sizes(world: World, subscription: str, location: str, besides: str = "") -> list[Size]:
    """The size of every machine in a region but one."""
    standing = world.below(f"/subscriptions/{subscription}", MACHINES)
    names = [
        machine.properties["hardwareProfile"]["vmSize"]
        for machine in standing
        if machine.body["location"] == location and not same(machine.id, besides)
    ]
    return [size for name in names if (size := catalogue.size_named(name, location))]
