"""What an installation on demand is to install, on which machines, and for how long at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from patchctl.config import Patches, classifications, patch_problems, placed, validated
from patchctl.errors import BadInput
from patchctl.layers import Layer
from patchctl.machines import Machine

CHOOSING = ("classifications", "include_kbs", "include_packages")
EXCLUDING = ("exclude_kbs", "exclude_packages")
SPELLING = {
    "classifications": "--classification",
    "include_kbs": "--kb",
    "exclude_kbs": "--exclude-kb",
    "include_packages": "--package",
    "exclude_packages": "--exclude-package",
}
ON_DEMAND = {"UpdateRollup": "UpdateRollUp"}
"""What installPatches spells otherwise than a schedule does (API description of both services)."""
NAMED = {"windows": ("kbNumbers", "kbs"), "linux": ("packageNameMasks", "packages")}
"""What single updates are called there and here."""
FOR_A_RESTART = timedelta(minutes=15)
"""Kept at the end, on Linux; of Windows it is 10 minutes (update-manager/scheduled-patching.md)."""
MOST = timedelta(hours=4)
"""As in the API description, and recorded to be taken (azure-powershell, ConnectedMachine); the
portal stops at 3:55 (update-manager/deploy-updates.md)."""


@dataclass(frozen=True)
class Order:
    """What is to be installed. What is to be included adds to the classifications."""

    patches: Patches
    longest: timedelta

    def parameters(self, os: str) -> dict[str, list[str]]:
        """As both services take them for an operating system; empty where nothing is asked of it.

        Empty they must not be sent: Azure would then install everything.
        """
        if os not in NAMED:
            return {}
        kind, plural = NAMED[os]
        included = getattr(self.patches, f"include_{plural}")
        excluded = getattr(self.patches, f"exclude_{plural}")
        classes = [ON_DEMAND.get(name, name) for name in classifications(os, self.patches)]
        if not (classes or included):
            return {}
        lists = {
            "classificationsToInclude": classes,
            f"{kind}ToInclude": list(included),
            f"{kind}ToExclude": list(excluded),
        }
        return {name: values for name, values in lists.items() if values}


def ordered(
    standing: Patches, given: Mapping[str, Any], longest: timedelta, machines: Sequence[Machine]
) -> Order:
    """What the command line names, just that, else what the schedule installs; never what either
    excludes. Raises BadInput."""
    named = {name: given[name] for name in SPELLING if given[name]}
    layer = Layer("the command line", named, SPELLING)
    owner = dict.fromkeys(named, layer)
    asked = validated(Patches, named, owner)
    systems = tuple(os for os in NAMED if os in {machine.os for machine in machines})
    if problems := patch_problems(systems, asked):
        raise BadInput([placed(problem, owner) for problem in problems])
    chosen = {name: getattr(asked, name) or () for name in CHOOSING}
    excluded = {name: (*getattr(standing, name), *getattr(asked, name)) for name in EXCLUDING}
    return Order(
        standing.model_copy(update={**excluded, **(chosen if any(chosen.values()) else {})}),
        longest,
    )


def parted(order: Order, machines: Iterable[Machine]) -> tuple[list[Machine], list[Machine]]:
    """The machines that something is asked of, and the others."""
    sides: tuple[list[Machine], list[Machine]] = ([], [])
    for machine in machines:
        sides[not order.parameters(machine.os)].append(machine)
    return sides


def duration(text: str) -> timedelta:
    """Like PT3H, PT90M or PT1H30M. Raises BadInput."""
    problem = f"--longest: '{text}' is not possible; write it like PT2H or PT90M"
    try:
        found = TypeAdapter(timedelta).validate_python(text if text[:2] == "PT" else None)
    except ValidationError:
        raise BadInput([problem]) from None
    if not FOR_A_RESTART < found <= MOST:
        raise BadInput(
            [f"{problem}, longer than PT15M, which is kept for a restart, and up to PT4H"]
        )
    return found
