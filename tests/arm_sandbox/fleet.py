"""Machines and schedules to patch them by: two machines are made as clients make them, others are
copies of these."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from arm_sandbox import patch_night, tables
from arm_sandbox.ids import parse
from arm_sandbox.patch_night import NONE, Faults
from arm_sandbox.patching.runs import Run
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish
from tests.arm_sandbox.conftest import NOON
from tests.arm_sandbox.test_compute import PLATFORM, linux, make_interface, windows

COMPUTE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines"
CONFIGURATIONS = f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations"
VERSION = "2023-04-01"
Body = dict[str, Any]


@cache
def _template() -> str:
    """A saved world with the machines `windows` and `linux`, both ready, in a network."""
    world = World(now=NOON - 3600)
    for namespace in ("microsoft.maintenance", "microsoft.insights"):
        world.registrations[f"{SUBSCRIPTION[15:]}/{namespace}"] = "Registered"
    assert ask(world, "PUT", GROUP, {"location": "eastus"}).status == 201
    for name, body in (("windows", windows(**PLATFORM)), ("linux", linux(**PLATFORM))):
        nic = f"nic-{name}"
        make_interface(world, outbound=True, name=nic)
        body["properties"]["networkProfile"]["networkInterfaces"] = [
            {"id": f"{GROUP}/providers/Microsoft.Network/networkInterfaces/{nic}"}
        ]
        body["properties"]["osProfile"]["computerName"] = name
        made = ask(world, "PUT", f"{COMPUTE}/{name}", body, version="2026-04-01")
        assert finish(world, made).body["status"] == "Succeeded"
    patch_night.advance(world, NOON)
    return world.saved()


def town(seed: str = "patchctl", **options: Any) -> World:
    """A world at noon of Monday, 2026-11-23, with a Windows and a Linux machine."""
    world = World.from_json(json.loads(_template()))
    world.seed = seed
    for name in ("windows", "linux"):
        machine(world, name).hidden["rebootPending"] = False
    for name, value in options.items():
        setattr(world.options, name, value)
    return world


def add(world: World, name: str, *, like: str = "windows", **tags: str) -> Resource:
    """One more machine, on the interface of the one that it is a copy of."""
    original = world.resources[f"{COMPUTE}/{like}".lower()]
    body = {**copy.deepcopy(original.body), "id": f"{COMPUTE}/{name}", "name": name, "tags": tags}
    hidden = {"power": "running", "agentReady": 0.0, "rebootPending": False}
    return world.add(Resource(body["id"], original.type, body, hidden))


def machine(world: World, name: str) -> Resource:
    return world.resources[f"{COMPUTE}/{name}".lower()]


def schedule(
    world: World,
    start: str = "2026-11-24 02:00",
    *,
    name: str = "nightly",
    recurs: str = "Day",
    zone: str = "UTC",
    duration: str = "02:00",
    mode: str = "User",
    **patches: Any,
) -> str:
    """Write a maintenance configuration; its id. Keywords are members of `installPatches`."""
    window = {"startDateTime": start, "duration": duration, "timeZone": zone, "recurEvery": recurs}
    body = {
        "location": "eastus",
        "properties": {
            "maintenanceScope": "InGuestPatch",
            "extensionProperties": {"InGuestPatchMode": mode},
            "maintenanceWindow": window,
            "installPatches": {"rebootSetting": "IfRequired", **patches},
        },
    }
    id = f"{CONFIGURATIONS}/{name}"
    response = ask(world, "PUT", id, body, version=VERSION)
    assert response.status == 200, response.body
    return id


def assign(world: World, configuration: str, *names: str) -> None:
    for name in names:
        id = f"{COMPUTE}/{name}/providers/Microsoft.Maintenance/configurationAssignments"
        properties = {
            "maintenanceConfigurationId": configuration,
            "resourceId": f"{COMPUTE}/{name}",
        }
        sent = {"location": "eastus", "properties": properties}
        path = f"{id}/{parse(configuration).name}-{name}"
        response = ask(world, "PUT", path, sent, version=VERSION)
        assert response.status == 200, response.body


def at(text: str) -> float:
    """UTC, like `2026-11-24 02:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def go(world: World, until: str, faults: Faults = NONE) -> list[Run]:
    return patch_night.advance(world, at(until), faults)


def the_turn(world: World, name: str) -> dict[str, Any]:
    """A machine's turn in the only run that there was."""
    (run,) = world.runs
    turn: dict[str, Any] = run["turns"][f"{COMPUTE}/{name}".lower()]
    return turn


def told(world: World, table: str, type: str) -> list[Body]:
    """The visible rows of a type in a table of Resource Graph."""
    return [row for row in tables.rows(world, table) if row["type"] == type.lower()]
