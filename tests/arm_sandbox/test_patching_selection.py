"""Which updates are installed, left out, and not asked for."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox.patching.selection import choose
from arm_sandbox.patching.updates import Update


def update(name: str, classification: str, **more: Any) -> Update:
    values: dict[str, Any] = {
        **{"id": name, "line": name, "number": 1, "name": name, "version": "", "kb": ""},
        **{"classification": classification, "severity": "", "reboots": False},
        **{"published": 1_800_000_000.0, "minutes": (1.0, 2.0)},
    }
    return Update(**{**values, **more})


CUMULATIVE = update("cumulative", "Security", kb="5067910", reboots=True)
ROLLUP = update("rollup", "UpdateRollUp", kb="890830")
DEFENDER = update("defender", "Definition", kb="2267602")
NAMELESS = update("admin center", "Updates")
KERNEL = update("kernel-core", "Security", version="6.8.0-40", reboots=True)
LIBC = update("libc", "Other", version="1.0.1.1")
ALL = (CUMULATIVE, ROLLUP, DEFENDER, NAMELESS, KERNEL, LIBC)


def chosen(parameters: dict[str, Any], *updates: Update) -> list[str]:
    return [choose(update, parameters) for update in updates]


def test_nothing_said_means_everything() -> None:
    assert set(chosen({}, *ALL)) == {"Selected"}


def test_classifications_are_compared_in_any_case() -> None:
    parameters = {"classificationsToInclude": ["security", "UpdateRollup"]}
    assert chosen(parameters, CUMULATIVE, ROLLUP, DEFENDER, NAMELESS) == [
        "Selected",
        "Selected",
        "NotSelected",
        "NotSelected",
    ]


@pytest.mark.parametrize("given", ["Critical", "Security"])
def test_on_linux_critical_and_security_are_one(given: str) -> None:
    parameters = {"classificationsToInclude": [given]}
    assert chosen(parameters, KERNEL, LIBC) == ["Selected", "NotSelected"]


def test_on_windows_they_are_two() -> None:
    assert chosen({"classificationsToInclude": ["Critical"]}, CUMULATIVE) == ["NotSelected"]


@pytest.mark.parametrize("number", ["KB2267602", "2267602", "kb2267602"])
def test_an_included_kb_comes_on_top(number: str) -> None:
    parameters = {"classificationsToInclude": ["Security"], "kbNumbersToInclude": [number]}
    assert chosen(parameters, CUMULATIVE, DEFENDER, ROLLUP) == [
        "Selected",
        "Selected",
        "NotSelected",
    ]


def test_an_included_kb_alone_leaves_out_the_rest() -> None:
    parameters = {"classificationsToInclude": [], "kbNumbersToInclude": ["890830"]}
    assert chosen(parameters, CUMULATIVE, ROLLUP) == ["NotSelected", "Selected"]


def test_an_excluded_kb_is_not_installed_even_if_included() -> None:
    parameters = {"kbNumbersToInclude": ["5067910"], "kbNumbersToExclude": ["KB5067910"]}
    assert chosen(parameters, CUMULATIVE) == ["Excluded"]


def test_what_nobody_asks_for_is_not_called_excluded() -> None:
    parameters = {"classificationsToInclude": ["Critical"], "kbNumbersToExclude": ["5067910"]}
    assert chosen(parameters, CUMULATIVE) == ["NotSelected"]


def test_an_update_without_a_kb_cannot_be_named() -> None:
    assert chosen({"kbNumbersToExclude": ["", "KB"]}, NAMELESS) == ["Selected"]
    assert chosen({"kbNumbersToInclude": [""]}, NAMELESS) == ["NotSelected"]


def test_kbs_that_ask_for_a_reboot_can_be_excluded() -> None:
    parameters = {"excludeKbsRequiringReboot": True}
    assert chosen(parameters, CUMULATIVE, ROLLUP) == ["Excluded", "Selected"]


@pytest.mark.parametrize(
    ("mask", "fits"),
    [
        ("libc", True),
        ("libc=1.0.1.1", True),
        ("libc = 1.0.*", True),
        ("libc=1.0.1.2", False),
        ("lib*", True),
        ("lib", False),
        ("*", True),
        ("LIBC", False),
    ],
)
def test_a_mask_names_packages(mask: str, fits: bool) -> None:
    parameters = {"packageNameMasksToInclude": [mask]}
    assert chosen(parameters, LIBC) == ["Selected" if fits else "NotSelected"]


def test_a_mask_excludes_packages_of_every_version() -> None:
    parameters = {"packageNameMasksToExclude": ["kernel*", "libc=2.0"]}
    assert chosen(parameters, KERNEL, LIBC) == ["Excluded", "Excluded"]


def test_a_latest_date_of_publication() -> None:
    assert chosen({"maxPatchPublishDate": "2027-01-15T08:00:00Z"}, CUMULATIVE) == ["Selected"]
    assert chosen({"maxPatchPublishDate": "2027-01-15T07:59:59Z"}, CUMULATIVE) == ["NotSelected"]
