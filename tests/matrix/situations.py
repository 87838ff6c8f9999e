"""Every command in every situation that makes a difference, and the worlds they begin in.

A command added later is in the matrix by being a command: `test_matrix.py` fails until it has a
situation here, or is shown to speak to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from arm_sandbox.world import World
from tests.fleet.building import NOON, build
from tests.fleet.drawing import EVERY, draw
from tests.matrix.shell import WORLD, Saved, Shell

EMAIL = ("--email", "you@example.com")
"""The address that hints name where they know none."""
FLEET = draw("matrix 4", 3, subscriptions=2, groups=1, trouble=0.0, sorts=EVERY)
MACHINES = tuple(part for m in FLEET.machines for part in ("--vm", m.id))
DEPLOY = ("deploy", *EMAIL)
DESTROY = ("destroy", "--yes")
OTHER = ("deploy", "--name", "other", *EMAIL)
"""A deployment that is not the one at work: what is foreign, and stays as it is."""


@dataclass(frozen=True)
class Start:
    """A world, and what was done in it before."""

    fleet: bool = False
    commands: tuple[tuple[str, ...], ...] = ()


NIGHT = (("sandbox", "advance", "--to", "next-window"), ("sandbox", "advance", "--by", "6h"))
STARTS: Mapping[str, Start] = {
    "nothing": Start(commands=(OTHER,)),
    "deployed": Start(commands=(OTHER, DEPLOY)),
    "patched": Start(commands=(OTHER, DEPLOY, *NIGHT)),
    "fleet": Start(fleet=True),
    "fleet-deployed": Start(fleet=True, commands=((*DEPLOY, *MACHINES),)),
}


LOOKING = ("plan", "doctor", "validate", "status", "report", "list")


@dataclass(frozen=True)
class Situation:
    """A command, where it begins, and what undoes it."""

    name: str
    start: str
    command: tuple[str, ...]
    like: str = ""
    """The situation of the same command that it differs from in some of its calls only."""
    repeats: bool = False
    """Whether it does its work anew each time: a test mail is sent again."""

    @property
    def looks(self) -> bool:
        """Whether it only looks, and writes nothing."""
        return self.command[0] in LOOKING

    @property
    def mended(self) -> tuple[str, ...]:
        """The command that makes what it looks at."""
        return (*DEPLOY, *MACHINES) if self.start.startswith("fleet") else DEPLOY

    @property
    def whole(self) -> str:
        """The world in which nothing of ours stands."""
        return "fleet" if self.start.startswith("fleet") else "nothing"


SITUATIONS: tuple[Situation, ...] = (
    Situation("deploy", "nothing", DEPLOY),
    Situation("deploy again", "deployed", ("deploy",)),
    Situation("deploy a change", "deployed", ("deploy", "--duration", "03:00"), "deploy"),
    Situation("deploy machines", "fleet", (*DEPLOY, *MACHINES), "deploy"),
    Situation("plan", "nothing", ("plan", *EMAIL)),
    Situation("plan again", "deployed", ("plan",)),
    Situation("validate", "deployed", ("validate",)),
    Situation("validate machines", "fleet-deployed", ("validate",), "validate"),
    Situation("status", "patched", ("status",)),
    Situation("report", "patched", ("report",)),
    Situation("list", "deployed", ("list",)),
    Situation("test-notify", "deployed", ("test-notify",), repeats=True),
    Situation("assess", "deployed", ("assess",), repeats=True),
    Situation("assess machines", "fleet-deployed", ("assess",), "assess", True),
    Situation("install", "deployed", ("install", "--now", "--yes"), repeats=True),
    Situation("explain", "fleet-deployed", ("status", "--explain", FLEET.machines[0].name)),
    Situation("doctor", "nothing", ("doctor", *EMAIL)),
    Situation("doctor again", "deployed", ("doctor",), "doctor"),
    Situation("destroy", "deployed", DESTROY),
    Situation("destroy again", "nothing", DESTROY),
    Situation("destroy machines", "fleet-deployed", DESTROY, "destroy"),
)
LOCAL = {"schema", "rehearse", "sandbox", "explain"}
"""Commands that speak to no Azure, or to a world of their own that nobody else can disturb."""


@cache
def start(name: str, shell: Shell) -> Saved:
    """The world in which a situation begins. It is made once."""
    made = STARTS[name]
    world = World(now=NOON)
    if made.fleet:
        build(FLEET, world)
    shell.restore({WORLD: world.saved().encode()})
    for command in made.commands:
        ended = shell.run(*command)
        assert ended.code == 0, (command, ended.out, ended.err)
    saved = shell.keep()
    data = json.loads(saved[WORLD])
    data["attempts"] = {}
    return {**saved, WORLD: json.dumps(data).encode()}
