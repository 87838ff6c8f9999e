"""A patch night by hand: the clock goes on, and what was asked for goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from arm_sandbox.app import settle
from arm_sandbox.patching.runs import Run, Turn, next_window
from arm_sandbox.patching.updates import known_names
from arm_sandbox.providers import machines
from arm_sandbox.world import Resource, World, stamp


@dataclass(frozen=True)
class Faults:
    """What is to go wrong: machines by name or id, updates by KB or package.

    `machines` and `updates` fail in the installations that begin while the clock is moved. A
    machine that is stopped stays so, until it is among those to be started.
    """

    machines: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    started: tuple[str, ...] = ()


NONE = Faults()
__all__ = ["Faults", "advance", "next_window", "problems", "trace"]


def problems(world: World, until: float, faults: Faults) -> list[str]:
    """All that is wrong with the names in some faults, in sentences."""
    names = dict.fromkeys((*faults.machines, *faults.stopped, *faults.started))
    counted = {name: len(_called(world, name)) for name in names}
    known = {name.lower(): name for name in known_names(world, until)} if faults.updates else {}
    return [
        *(f"no machine is called {name}" for name, number in counted.items() if number == 0),
        *(f"{n} machines are called {name}: give an id" for name, n in counted.items() if n > 1),
        *(
            f"no update is called {name}: by then there are {', '.join(sorted(known.values()))}"
            for name in dict.fromkeys(faults.updates)
            if _label(name).lower() not in known
        ),
    ]


def advance(world: World, until: float, faults: Faults = NONE) -> list[Run]:
    """Move the clock; whatever is due by then happens. The runs that were under way meanwhile.

    Raises IndexError for a machine that is not there; see `problems`.
    """
    since = world.now
    for name in faults.stopped:
        machines.stop(world, _called(world, name)[0])
    for name in faults.started:
        machines.start(world, _called(world, name)[0])
    world.failing = {
        "machines": [_called(world, name)[0].id.lower() for name in faults.machines],
        "updates": [_label(name).lower() for name in faults.updates],
    }
    settle(world, until)
    world.failing = {}
    return [run for run in world.runs if _end(run) > since]


def trace(run: Run) -> dict[str, Any]:
    """What a run did and when, machine by machine; `steps` are those of a `timeline`."""
    return {
        "id": run["id"],
        "configuration": run["configuration"]["name"],
        "status": run["status"],
        "opens": stamp(run["start"]),
        "closes": stamp(run["end"]),
        "machines": [_turn(machine, turn) for machine, turn in run["turns"].items()],
    }


def _turn(machine: str, turn: Turn) -> dict[str, Any]:
    return {
        "machine": machine,
        "status": turn["status"],
        "error": turn["error"],
        "start": stamp(turn["start"]),
        "end": stamp(turn["end"]) if turn["end"] is not None else None,
        "steps": [
            {**step, "start": stamp(step["start"]), "end": stamp(step["end"])}
            for step in turn["steps"]
        ],
        "updates": turn["states"],
    }


def _called(world: World, name: str) -> list[Resource]:
    """The machines with a name, or the one with an id."""
    ending = name.lower() if name.startswith("/") else f"/{name}".lower()
    found = (machine for id, machine in world.resources.items() if id.endswith(ending))
    return [machine for machine in found if machines.is_machine(machine)]


def _label(name: str) -> str:
    """A KB may be given by its number alone."""
    return f"KB{name}" if name.isdigit() else name


def _end(run: Run) -> float:
    return inf if run["open"] else max(turn["end"] for turn in run["turns"].values())
