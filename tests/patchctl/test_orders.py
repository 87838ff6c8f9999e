"""What an installation on demand asks of each machine, and what it cannot be asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from patchctl.config import Patches
from patchctl.errors import BadInput
from patchctl.machines import Machine
from patchctl.orders import SPELLING, Order, duration, ordered, parted

GROUP = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines"
WINDOWS = Machine(f"{GROUP}/win", "windows", "eastus", None)
LINUX = Machine(f"{GROUP}/lin", "linux", "eastus", None)
UNTOLD = Machine(f"{GROUP}/new", "", "eastus", None)
STANDING = Patches(
    classifications=("Critical", "Security", "UpdateRollup"),
    include_kbs=("KB1111111",),
    exclude_kbs=("KB2222222",),
    exclude_packages=("kernel*",),
)


def order(*machines: Machine, **given: Any) -> Order:
    nothing = dict.fromkeys(SPELLING)
    return ordered(STANDING, nothing | given, timedelta(hours=2), machines)


def test_what_the_schedule_installs_where_nothing_is_named() -> None:
    found = order(WINDOWS, LINUX)
    assert found.parameters("windows") == {
        "classificationsToInclude": ["Critical", "Security", "UpdateRollUp"],
        "kbNumbersToInclude": ["KB1111111"],
        "kbNumbersToExclude": ["KB2222222"],
    }
    assert found.parameters("linux") == {
        "classificationsToInclude": ["Critical", "Security"],
        "packageNameMasksToExclude": ["kernel*"],
    }


def test_what_is_named_and_nothing_else() -> None:
    found = order(WINDOWS, LINUX, include_kbs=["5031364"], exclude_kbs=["KB3333333"])
    assert found.parameters("windows") == {
        "kbNumbersToInclude": ["KB5031364"],
        "kbNumbersToExclude": ["KB2222222", "KB3333333"],
    }


def test_machines_of_which_nothing_is_asked_are_left() -> None:
    """An order without anything to include would install everything."""
    machines = [WINDOWS, LINUX, UNTOLD]
    assert parted(order(*machines), machines) == ([WINDOWS, LINUX], [UNTOLD])
    assert parted(order(*machines, include_kbs=["5031364"]), machines) == (
        [WINDOWS],
        [LINUX, UNTOLD],
    )
    masks = order(*machines, include_packages=["openssl*"])
    assert parted(masks, machines) == ([LINUX], [WINDOWS, UNTOLD])
    tools = order(*machines, classifications=["Tools"])
    assert parted(tools, machines) == ([WINDOWS], [LINUX, UNTOLD])


@pytest.mark.parametrize(
    ("machine", "given", "problem"),
    [
        (WINDOWS, {"include_kbs": ["windows"]}, "--kb: 'windows' is no KB number"),
        (LINUX, {"include_packages": ["a b"]}, "--package: 'a b' is no package mask"),
        (LINUX, {"include_kbs": ["5031364"]}, "^--kb: kbs can be named for windows only"),
        (
            WINDOWS,
            {"include_packages": ["openssl"]},
            "^--package: packages can be named for linux only",
        ),
        (
            WINDOWS,
            {"classifications": ["Urgent"]},
            "^--classification: 'Urgent' is not known for windows",
        ),
        (
            LINUX,
            {"classifications": ["Security"]},
            "^--classification: Linux wants both of Critical and Security",
        ),
    ],
)
def test_what_cannot_be_asked_for(machine: Machine, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem.replace("*", r"\*")):
        order(machine, **given)


def test_how_long_it_may_take() -> None:
    assert duration("PT4H") == timedelta(hours=4)
    assert duration("PT90M") == timedelta(minutes=90)
    for text in ("PT4H1M", "PT15M", "2 hours", "02:00", "P1D", "PT", ""):
        with pytest.raises(BadInput, match="--longest"):
            duration(text)
