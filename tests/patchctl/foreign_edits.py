"""What people who know nothing of patchctl do to machines that it has set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from arm_sandbox import by_hand
from arm_sandbox.world import Resource, World
from tests.comparison import patch_settings
from tests.fleet.building import put
from tests.fleet.drawing import Machine
from tests.patchctl.own_machines import has_to_change

ASSIGNMENTS = "/providers/microsoft.maintenance/configurationassignments/assign-mc-"
MEMORY = "patchctl-before-"


@dataclass(frozen=True)
class Edit:
    """Something that was edited: how to see it, and how it was left."""

    see: Callable[[World], Any]
    left: Any
    told: bool
    """Whether it keeps us from putting back what we have changed, so that it has to be told."""

    def holds(self, world: World) -> bool:
        return bool(self.see(world) == self.left)


def edit(world: World, machine: Machine, kind: str, random: Random) -> Edit | None:
    """Do it; None where there is nothing of the kind on the machine."""
    return KINDS[kind](world, machine, random)


def lock(world: World, machine: Machine, level: str) -> None:
    id = f"{machine.id}/providers/Microsoft.Authorization/locks/theirs"
    put(world, id, {"properties": {"level": level}}, "2020-05-01")


def _settings(world: World, machine: Machine, random: Random) -> Edit | None:
    """Another way to be patched, neither the one before nor ours: going back is no edit."""
    resource = world.resources[machine.id.lower()]
    if not has_to_change(machine):
        return None
    for name in ("windowsConfiguration", "linuxConfiguration"):
        if name in resource.properties["osProfile"]:
            path = f"properties.osProfile.{name}.patchSettings.automaticByPlatformSettings"
            reboot = random.choice([r for r in ("Never", "Always") if r != machine.settings.reboot])
            by_hand.edit(world, resource, f"{path}.rebootSetting", reboot)
    return _as_it_is(world, lambda world: patch_settings(_machine(world, machine).body), told=True)


def _their_tag(world: World, machine: Machine, random: Random) -> Edit:
    resource = world.resources[machine.id.lower()]
    resource.body.setdefault("tags", {})["owner"] = random.choice(("alice", "bob"))
    return _as_it_is(world, lambda world: _machine(world, machine).body["tags"]["owner"])


def _size(world: World, machine: Machine, random: Random) -> Edit | None:
    if machine.sort == "arc":
        return None
    by_hand.edit(
        world, _machine(world, machine), "properties.hardwareProfile.vmSize", "Standard_D2as_v5"
    )
    return _as_it_is(world, lambda world: _machine(world, machine).properties["hardwareProfile"])


def _damaged_memory(world: World, machine: Machine, random: Random) -> Edit | None:
    """A tool that rewrites the values of tags."""
    tags = world.resources[machine.id.lower()].body.get("tags") or {}
    name = _memory(_machine(world, machine))
    if name is None:
        return None
    tags[name] = tags[name].upper()
    return _as_it_is(world, lambda world: patch_settings(_machine(world, machine).body), told=True)


def _unassigned(world: World, machine: Machine, random: Random) -> Edit:
    for resource in _assignments(world, machine):
        by_hand.delete(world, resource)
    return _as_it_is(world, lambda world: len(_assignments(world, machine)))


def _assigned_elsewhere(world: World, machine: Machine, random: Random) -> Edit:
    """Our assignment now leads to a schedule of theirs."""
    for resource in _assignments(world, machine):
        ours = str(resource.properties["maintenanceConfigurationId"])
        resource.properties["maintenanceConfigurationId"] = f"{ours.rpartition('/')[0]}/mc-theirs"
    return _as_it_is(world, lambda world: _leading(world, machine), told=True)


def _assigned_besides(world: World, machine: Machine, random: Random) -> Edit:
    """Another assignment to our schedule, by somebody else's hand."""
    configuration = _leading(world, machine)[0]
    id = f"{machine.id}/providers/Microsoft.Maintenance/configurationAssignments/by-hand"
    properties = {"maintenanceConfigurationId": configuration, "resourceId": machine.id}
    put(world, id, {"location": machine.group.location, "properties": properties}, "2023-04-01")
    return _as_it_is(world, lambda world: world.resources[id.lower()].body)


KINDS: Mapping[str, Callable[[World, Machine, Random], Edit | None]] = {
    "settings": _settings,
    "tag": _their_tag,
    "size": _size,
    "memory damaged": _damaged_memory,
    "assignment gone": _unassigned,
    "assigned elsewhere": _assigned_elsewhere,
    "assigned besides": _assigned_besides,
}
EDITS = tuple(KINDS)


def _as_it_is(world: World, see: Callable[[World], Any], *, told: bool = False) -> Edit:
    return Edit(see, see(world), told)


def _machine(world: World, machine: Machine) -> Resource:
    return world.resources[machine.id.lower()]


def _memory(resource: Resource) -> str | None:
    """The name of the tag that remembers how a machine was before."""
    return next((t for t in resource.body.get("tags") or {} if t.startswith(MEMORY)), None)


def _assignments(world: World, machine: Machine) -> list[Resource]:
    """Ours of a machine."""
    ours = f"{machine.id}{ASSIGNMENTS}".lower()
    return [resource for key, resource in world.resources.items() if key.startswith(ours)]


def _leading(world: World, machine: Machine) -> list[str]:
    """Where our assignments of a machine lead to."""
    return [str(r.properties["maintenanceConfigurationId"]) for r in _assignments(world, machine)]
