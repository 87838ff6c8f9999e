"""What somebody else does to the world: edits and deletes, as if in the portal."""

from __future__ import annotations

from typing import Any

from arm_sandbox import arm
from arm_sandbox.app import KINDS, settle
from arm_sandbox.providers import connected_machines, machines
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.providers.patch_rules import CONFIGURATIONS
from arm_sandbox.providers.resources import GROUP, group_deleted
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World


def resource(world: World, name: str) -> Resource:
    """The resource of an id, or of an id's unmistakable end. Raises LookupError."""
    exact = world.find(name)
    if exact is not None:
        return exact
    ending = f"/{name}".lower()
    found = [r for key, r in world.resources.items() if key.endswith(ending)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise LookupError(f"nothing in the sandbox has an id that ends in {name}")
    raise LookupError(f"{name} may be any of {', '.join(r.id for r in found)}")


def edit(world: World, edited: Resource, path: str, value: Any) -> None:
    """Set one value, like `properties.enabled` or `properties.subnets.0.name`.

    Raises LookupError when the path leads nowhere, or to something of another kind.
    """
    *parents, last = path.split(".")
    if not parents and last in ("id", "name", "type"):
        raise LookupError(f"{path} is what the resource is; it cannot be edited")
    node: Any = edited.body
    for part in parents:
        node = _child(node, part, path)
    if not isinstance(node, (dict, list)):
        raise LookupError(f"{path} leads nowhere in {edited.id}")
    key: Any = last if isinstance(node, dict) else _place(node, last, path)
    before = node.get(key) if isinstance(node, dict) else node[key]
    if before is not None and value is not None and _sort(before) != _sort(value):
        raise LookupError(f"{path} is {_sort(before)}, and cannot be {_sort(value)}")
    node[key] = value
    kind = KINDS.get(edited.type.lower())
    if kind is not None:
        kind.when_made(world, edited)
    arm.record(world, edited.id, f"{edited.type}/write", "Succeeded")
    settle(world)


def require_deletable(world: World, resource: Resource) -> None:
    """Raises LookupError where the portal, too, would be refused: it is in use."""
    kind = KINDS.get(resource.type.lower())
    try:
        if kind is not None:
            kind.deletable(world, resource)
    except Refusal as refusal:
        raise LookupError(f"{resource.id} cannot be deleted: {refusal.message}") from None


def delete(world: World, deleted: Resource) -> None:
    """Remove a resource at once, with everything below it."""
    if deleted.type == GROUP:
        group_deleted(world, deleted.id, KINDS)
    else:
        arm.take_away(world, KINDS[deleted.type.lower()], deleted)
    settle(world)


def connect(
    world: World, id: str, location: str, image: Image, *, reaches_updates: bool = True
) -> Resource:
    """The agent on a machine that stands elsewhere connects it to Azure Arc."""
    machine = connected_machines.connect(
        world, id, location, image, reaches_updates=reaches_updates
    )
    arm.made(world, KINDS[machine.type.lower()], machine)
    settle(world)
    return machine


def enforce(world: World, machine: Resource, settings: dict[str, Any]) -> None:
    """A policy resets how a machine is patched: members of its `patchSettings`.

    It is written without asking what the service would refuse, as `Modify` is before it.
    """
    name = CONFIGURATIONS[machines.os_of(machine)]
    for member, value in settings.items():
        edit(world, machine, f"properties.osProfile.{name}.patchSettings.{member}", value)


def _child(node: Any, part: str, path: str) -> Any:
    if isinstance(node, list):
        return node[_place(node, part, path)]
    if not isinstance(node, dict) or part not in node:
        raise LookupError(f"there is no {part} on the way to {path}")
    return node[part]


def _place(items: list[Any], part: str, path: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise LookupError(f"there is no {part} on the way to {path}: a list of {len(items)}")
    return int(part)


def _sort(value: Any) -> str:
    """What JSON calls a value."""
    names = {
        dict: "an object",
        list: "a list",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "a string")
