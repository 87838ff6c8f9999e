"""How many cores a subscription may use, and which sizes it cannot have."""

from __future__ import annotations

import pytest

from arm_sandbox.world import World
from tests.arm_sandbox.ask import SUBSCRIPTION, ask, finish
from tests.arm_sandbox.test_compute import (
    API,
    MACHINE,
    changed,
    make,
    make_interface,
    put,
    refused,
    windows,
)

OTHER = f"{MACHINE}2"
FAMILY = "standardBSFamily"


@pytest.fixture
def site(world: World) -> World:
    make_interface(world, outbound=True)
    return world


def usages(world: World, location: str = "eastus") -> dict[str, tuple[int, int]]:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/{location}/usages"
    listed = ask(world, "GET", path, version=API).body["value"]
    return {usage["name"]["value"]: (usage["currentValue"], usage["limit"]) for usage in listed}


def test_a_region_has_so_many_cores(site: World) -> None:
    site.options.quota = {"cores": 3}
    make(site, windows())
    error = refused(put(site, windows(), OTHER), 409, "OperationNotAllowed")
    assert error["message"].startswith(
        "Operation could not be completed as it results in exceeding approved Total Regional Cores "
        "quota. Additional details - Deployment Model: Resource Manager, Location: eastus, Current "
        "Limit: 3, Current Usage: 2, Additional Required: 2, (Minimum) New Limit Required: 4."
    )


def test_a_machine_may_be_written_again_within_its_own_cores(site: World) -> None:
    site.options.quota = {"cores": 2}
    make(site, windows())
    again = put(site, windows())
    assert again.status == 200
    finish(site, again)
    larger = changed(windows(), "hardwareProfile.vmSize", "Standard_B4ms")
    refused(put(site, larger), 409, "OperationNotAllowed")


def test_a_family_of_sizes_has_a_limit_of_its_own(site: World) -> None:
    site.options.quota = {FAMILY: 1}
    error = refused(put(site, windows()), 409, "OperationNotAllowed")
    assert f"exceeding approved {FAMILY} Cores quota" in error["message"]
    assert put(site, changed(windows(), "hardwareProfile.vmSize", "Standard_D2s_v5")).status == 201


def test_the_usages_say_what_the_refusals_say(site: World) -> None:
    site.options.quota = {"cores": 4, FAMILY: 3}
    assert usages(site)["cores"] == (0, 4)
    make(site, windows())
    assert usages(site)["virtualMachines"] == (1, 25000)
    assert usages(site)["cores"] == (2, 4)
    assert usages(site)[FAMILY] == (2, 3)
    assert usages(site)["standardDSv5Family"][0] == 0
    assert usages(site, "westeurope")["cores"] == (0, 4)


def test_a_size_may_be_sold_out(site: World) -> None:
    site.options.restricted = {"standard_b2s": ["eastus"]}
    error = refused(put(site, windows()), 409, "SkuNotAvailable")
    assert "Capacity Restrictions: Standard_B2s' is currently not available" in error["message"]
    path = f"{SUBSCRIPTION}/providers/Microsoft.Compute/skus"
    query = "&$filter=location eq 'eastus'"
    skus = ask(site, "GET", path, version="2021-07-01", query=query).body["value"]
    restrictions = {sku["name"]: sku["restrictions"] for sku in skus}
    assert restrictions["Standard_B2s"][0]["reasonCode"] == "NotAvailableForSubscription"
    assert restrictions["Standard_B2ms"] == []
