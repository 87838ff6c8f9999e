"""The price table: every default is priced, what is unknown says so, and sums add up."""

from __future__ import annotations

from datetime import date

import pytest

from patchctl import prices

SIZES = (
    "Standard_B2s",
    "Standard_B2s_v2",
    "Standard_B2as_v2",
    "Standard_B2ms",
    "Standard_D2s_v5",
    "Standard_D2as_v5",
)


def month(price: prices.Price) -> float:
    assert price.usd_per_month is not None
    return price.usd_per_month


@pytest.mark.parametrize("size", SIZES)
def test_windows_costs_more_than_linux_on_every_default_size(size: str) -> None:
    linux, windows = prices.machine(size, "linux"), prices.machine(size, "windows")
    assert 0 < month(linux) < month(windows)


def test_a_machine_is_priced_for_730_hours() -> None:
    assert prices.machine("Standard_B2s", "windows") == prices.Price(
        "Standard_B2s, windows", 36.21, "$0.0496 an hour"
    )


def test_sizes_are_compared_case_blind() -> None:
    assert month(prices.machine("standard_b2S", "Linux")) == 30.37


@pytest.mark.parametrize(
    "price", [prices.machine("Standard_M416ms_v2", "linux"), prices.disk("solaris")]
)
def test_what_is_not_in_the_table_has_no_price(price: prices.Price) -> None:
    assert price.usd_per_month is None
    assert price.note == "not in the table"


def test_disks_are_billed_as_the_next_size_up() -> None:
    assert prices.disk("windows") == prices.Price("OS disk", 9.6, "Standard SSD E10, 128 GiB")
    assert prices.disk("linux") == prices.Price("OS disk", 2.4, "Standard SSD E4, 32 GiB")


def test_a_nat_gateway_says_that_traffic_comes_on_top() -> None:
    assert month(prices.nat_gateway()) == 32.85
    assert "per GB" in prices.nat_gateway().note


@pytest.mark.parametrize("price", [prices.update_manager(), prices.alerts(), prices.mails()])
def test_patching_and_its_mail_are_free(price: prices.Price) -> None:
    assert price.usd_per_month == 0
    assert "free" in price.note


def test_the_total_adds_what_is_known() -> None:
    known = [prices.machine("Standard_B2s", "windows"), prices.disk("windows")]
    network = [prices.nat_gateway(), prices.public_ip()]
    assert prices.total(known) == 45.81
    assert prices.total(known + network) == 82.31
    assert prices.total([*known, prices.machine("unheard of", "linux")]) == 45.81
    assert prices.total([]) == 0


def test_the_date_of_the_table_is_a_date() -> None:
    assert date.fromisoformat(prices.AS_OF).isoformat() == prices.AS_OF
