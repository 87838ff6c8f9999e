"""What is known of a machine decides what may be done with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from patchctl.errors import BadInput
from patchctl.machines import (
    Machine,
    Memory,
    Settings,
    machine,
    obstacle,
    remembered,
    settings_of,
    stranded,
    tag_name,
    wanted_settings,
    warning,
)
from patchctl.remembered import MACHINES, machines_as_tags
from patchctl.remembered import machines as asked
from patchctl.selection import chosen

GROUP = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg-app"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines"
ARC = f"{GROUP}/providers/Microsoft.HybridCompute/machines"
READY = Settings("AutomaticByPlatform", "AutomaticByPlatform", True, "IfRequired")
BY_OS = Settings("AutomaticByOS")
ONE = Machine(f"{VM}/vm-one", "windows", "eastus", BY_OS, power="running")
MODES = ("Manual", "AutomaticByOS", "ImageDefault", "AutomaticByPlatform")
SETTINGS = some.builds(
    Settings,
    some.sampled_from(MODES),
    some.sampled_from(("ImageDefault", "AutomaticByPlatform")),
    some.booleans(),
    some.sampled_from(("", "IfRequired", "Never", "Always")),
)


@pytest.mark.parametrize("scheduled", [0, 1])
@pytest.mark.parametrize(("mode", "bypass"), list(product(MODES, (True, False))))
def test_nothing_is_ever_installed_in_one_case_only(
    mode: str, bypass: bool, scheduled: int
) -> None:
    """The table of update-manager/prerequsite-for-schedule-patching.md."""
    said = stranded(Settings(mode, bypass=bypass), ("mc",) * scheduled)
    assert bool(said) == (mode == "AutomaticByPlatform" and bypass and not scheduled)


@pytest.mark.parametrize("reboot", ["IfRequired", "Never", "Always"])
def test_a_schedule_wants_platform_mode_with_the_checks_bypassed(reboot: str) -> None:
    wanted = wanted_settings(ONE, reboot)
    assert wanted == Settings("AutomaticByPlatform", "AutomaticByPlatform", True, reboot)
    assert wanted.managed
    assert wanted_settings(replace(ONE, id=f"{ARC}/arc-one"), reboot) is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"settings": None}, "osProfile"),
        ({"hotpatching": True}, "hotpatching"),
        ({"agent": False}, "agent"),
        ({"publisher": "MicrosoftWindowsDesktop"}, "desktops"),
        ({"publisher": "kinvolk"}, "Flatcar"),
        ({"lock": "ReadOnly"}, "lock"),
        ({"denied": ("tag it",)}, "may not tag it"),
        ({"overlapping": ("/x/mc-theirs",)}, "mc-theirs overlap"),
    ],
)
def test_what_keeps_a_machine_off_a_schedule(change: dict[str, Any], word: str) -> None:
    found = obstacle(replace(ONE, **change))
    assert found is not None
    assert word in found.reason
    assert found.cure


@pytest.mark.parametrize("change", [{}, {"lock": "CanNotDelete"}, {"power": "deallocated"}])
def test_what_does_not(change: dict[str, Any]) -> None:
    assert obstacle(replace(ONE, **change)) is None


def test_an_arc_machine_has_no_settings_and_needs_none() -> None:
    arc = Machine(f"{ARC}/arc-one", "linux", "eastus", None, power="connected")
    assert obstacle(arc) is None
    assert obstacle(replace(arc, lock="ReadOnly")) is not None
    assert arc.kind == ("Microsoft.HybridCompute", "machines")


def test_what_is_warned_of() -> None:
    assert "deallocated" in warning(replace(ONE, power="deallocated"))
    assert "CanNotDelete" in warning(replace(ONE, lock="CanNotDelete"))
    assert "allowExtensionOperations" in warning(replace(ONE, extensions=False))
    assert warning(ONE) == ""


def test_what_an_arc_machine_is_warned_of_and_not_kept_off_for() -> None:
    arc = Machine(f"{ARC}/arc-one", "windows", "eastus", None, power="connected")
    for system in ("Windows 11 Pro", "Flatcar Container Linux by Kinvolk 3975.2"):
        assert "does not patch" in warning(replace(arc, product=system))
        assert obstacle(replace(arc, product=system)) is None
    assert warning(replace(arc, product="Windows Server 2022 Datacenter")) == ""
    assert "extensions" in warning(replace(arc, extensions=False))


@given(SETTINGS, SETTINGS, some.none() | SETTINGS)
def test_what_was_before_fits_into_a_tag_and_comes_back(
    before: Settings, left: Settings, earlier: Settings | None
) -> None:
    memory = Memory(before, left, earlier)
    assert len(memory.written()) <= 256
    assert remembered(memory.written()) == memory


@given(some.none() | some.text() | some.sampled_from(("[]", "[[],[]]", "[[1,2,3,4],[1,2,3,4]]")))
def test_a_damaged_memory_counts_for_none(text: str | None) -> None:
    assert remembered(text) is None


@pytest.mark.parametrize(
    ("os", "configuration", "wanted"),
    [
        ("windows", {}, Settings("AutomaticByOS")),
        ("windows", {"enableAutomaticUpdates": False}, Settings("Manual")),
        ("linux", {}, Settings("ImageDefault")),
        (
            "linux",
            {
                "patchSettings": {
                    "patchMode": "AutomaticByPlatform",
                    "automaticByPlatformSettings": {"rebootSetting": "Unknown"},
                }
            },
            Settings("AutomaticByPlatform"),
        ),
    ],
)
def test_what_is_not_said_is_azures_default(
    os: str, configuration: dict[str, Any], wanted: Settings
) -> None:
    windows, linux = (configuration, None) if os == "windows" else (None, configuration)
    assert settings_of(os, windows, linux) == wanted


def test_a_row_of_a_machine_without_a_profile() -> None:
    row = {"id": ONE.id, "location": "eastus", "os": "Windows", "power": "PowerState/running"}
    assert machine(row) == Machine(ONE.id, "windows", "eastus", None, "running", {})


def test_the_tag_is_found_however_it_is_spelled() -> None:
    tagged = replace(ONE, tags={"Patchctl-Before-Web-123456": "x"})
    assert tagged.tag(tag_name("web-123456")) == "x"


# -- those that were asked for


def many(number: int) -> list[str]:
    """Ids like those of a company: in some subscriptions and groups, numbered by kind."""
    random = Random(number)
    parts = (("1a", "2b", "3c"), ("app", "web", "sql"), ("prod", "test"), ("weu", "neu", "eus"))
    return [
        f"/subscriptions/{s}5d0000-0000-4000-8000-000000000001"
        f"/resourceGroups/rg-{kind}-{stage}-{place}"
        f"/providers/Microsoft.Compute/virtualMachines/VM{kind}{stage[0]}{n:04}"
        for n in range(number)
        for s, kind, stage, place in [[random.choice(part) for part in parts]]
    ]


@pytest.mark.parametrize("number", [0, 1, 30, 700])
def test_some_hundreds_are_remembered_in_the_tags_of_a_group(number: int) -> None:
    tags = machines_as_tags(many(number), others=20)
    assert all(len(value) <= 256 for value in tags.values())
    assert len(tags) <= 25
    assert asked(tags) == {id.lower() for id in many(number)}


def test_too_many_are_not_remembered_in_part() -> None:
    assert machines_as_tags(many(5000), others=20) == {}
    assert machines_as_tags(many(200), others=44) == {}


@given(some.dictionaries(some.sampled_from([f"{MACHINES}01", f"{MACHINES}02"]), some.text()))
def test_a_damaged_list_counts_for_none(tags: dict[str, str]) -> None:
    assert asked(tags) == frozenset()


# -- patterns


FLEET = [replace(ONE, id=f"{VM}/{name}") for name in ("web-1", "web-2", "db-1")]
TWIN = replace(ONE, id=FLEET[2].id.replace("rg-app", "rg-other"))


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["web-*"], ["web-1", "web-2"]),
        (["WEB-1"], ["web-1"]),
        ([FLEET[1].id.upper()], ["web-2"]),
        (["web-1", "web-?"], ["web-1", "web-2"]),
        (["*/rg-app/*/db-1"], ["db-1"]),
    ],
)
def test_patterns(patterns: list[str], names: list[str]) -> None:
    assert [machine.name for machine in chosen(patterns, [*FLEET, TWIN])] == names


def test_all_that_is_wrong_with_patterns_is_told_at_once() -> None:
    with pytest.raises(BadInput) as told:
        chosen(["web-9", "db-1", "web-1"], [*FLEET, TWIN])
    assert [problem.split(":")[1] for problem in told.value.problems] == [" web-9", " db-1"]
    assert TWIN.id in told.value.problems[1]
