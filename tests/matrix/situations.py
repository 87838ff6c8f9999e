"""Every command in every situation that makes a difference, and the worlds they begin in.

A command added later is in the matrix by being a command: `test_matrix.py` fails until it has a
situation here, or is shown to speak to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from arm_sandbox.app import settle
from arm_sandbox.world import World
from patchctl.remembered import DEPLOYMENT, MANAGED_BY
from tests.arm_sandbox.ask import ask
from tests.fleet.building import NETWORK, NOON, build, put
from tests.fleet.drawing import EVERY, draw
from tests.matrix.faults import CROWDED, THEIRS
from tests.matrix.shell import WORLD, Broken, Saved, Shell

EMAIL = ("--email", "you@example.com")
"""The address that hints name where they know none."""
FLEET = draw("matrix 4", 4, subscriptions=2, groups=1, trouble=0.0, sorts=EVERY)
*_OURS, _OTHERS = FLEET.machines
MACHINES = tuple(part for m in _OURS for part in ("--vm", m.id))
DEPLOY = ("deploy", *EMAIL)
DESTROY = ("destroy", "--yes")
INSTALL = ("install", "--now", "--yes")
OTHER = ("deploy", "--name", "other", *EMAIL)
"""A deployment that is not the one at work: what is foreign, and stays as it is."""
NO_TAGS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Ground:
    """What stands before there is anything of ours, and the commands that make and undo that."""

    make: Callable[[World], object]
    deploy: tuple[str, ...] = DEPLOY
    destroy: tuple[str, ...] = DESTROY
    commands: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Start:
    """What a situation begins with: what was done on some ground before, by command or by hand."""

    ground: str
    done: tuple[tuple[str, ...] | Callable[[World], object], ...] = ()
    whole: str = ""
    """The world in which nothing of ours stands, if it is not the ground."""


def _make_group(world: World) -> None:
    """A group of somebody's, with something in it, in another region than the default."""
    group = f"/subscriptions/{next(iter(world.subscriptions))}/resourceGroups/{THEIRS}"
    assert ask(world, "PUT", group, {"location": "westeurope"}).status == 201
    _make_network(world, THEIRS)


def _lag(world: World) -> None:
    """Reads may not know yet of what was written."""
    world.options.read_lag = (0.0, 8.0)


def _make_network(world: World, group: str, tags: Mapping[str, str] = NO_TAGS) -> None:
    """Something that is not ours in a group, be it a group of ours."""
    network = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    body = {"location": "westeurope", "tags": dict(tags), "properties": network}
    put(world, _network(world, group), body, NETWORK)
    settle(world, world.now + 60)


def _see_network(world: World, group: str) -> None:
    """Raises Broken where it is gone."""
    if world.find(_network(world, group)) is None:
        raise Broken(f"what is not ours in {group} is gone")


def _network(world: World, group: str) -> str:
    subscription = next(iter(world.subscriptions))
    networks = "providers/Microsoft.Network/virtualNetworks"
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{networks}/vnet"


_build = partial(build, FLEET)
BESIDE = ((*OTHER, "--vm", _OTHERS.id),)
GROUNDS: Mapping[str, Ground] = {
    "nothing": Ground(lambda world: None, commands=(OTHER,)),
    "fleet": Ground(_build, (*DEPLOY, *MACHINES), commands=BESIDE),
    "untagged": Ground(
        _build,
        ("deploy", "--name", "untagged", *EMAIL, *MACHINES, "--no-machine-tags"),
        ("destroy", "--name", "untagged", "--yes"),
        BESIDE,
    ),
    "group": Ground(_make_group, (*DEPLOY, "--resource-group", THEIRS, "--outbound", "nat")),
    "crowd": Ground(
        lambda world: None,
        ("deploy", "--name", "crowded", *EMAIL),
        ("destroy", "--name", "crowded", "--yes"),
    ),
    "lag": Ground(
        _lag, ("deploy", "--name", "late", *EMAIL), ("destroy", "--name", "late", "--yes")
    ),
}
CROWD = (
    GROUNDS["crowd"].deploy,
    partial(_make_network, group=CROWDED, tags={MANAGED_BY: "patchctl", DEPLOYMENT: "other"}),
)
NIGHT = (("sandbox", "advance", "--to", "next-window"), ("sandbox", "advance", "--by", "6h"))
STARTS: Mapping[str, Start] = {
    **{name: Start(name) for name in GROUNDS},
    "deployed": Start("nothing", (DEPLOY,)),
    "patched": Start("nothing", (DEPLOY, *NIGHT)),
    "fleet-deployed": Start("fleet", (GROUNDS["fleet"].deploy,)),
    "untagged-deployed": Start("untagged", (GROUNDS["untagged"].deploy,)),
    "group-deployed": Start("group", (GROUNDS["group"].deploy,)),
    "crowd-deployed": Start("crowd", CROWD, whole="crowd-left"),
    "crowd-left": Start(
        "crowd", (*CROWD, GROUNDS["crowd"].destroy, partial(_see_network, group=CROWDED))
    ),
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
    meanwhile: str = ""
    """The type of the one thing that stands only while it is at work."""

    @property
    def looks(self) -> bool:
        """Whether it only looks, and writes nothing."""
        return self.command[0] in LOOKING

    @property
    def later(self) -> bool:
        """Whether a window has passed: what is made anew then begins with another one."""
        return STARTS[self.start].done[-len(NIGHT) :] == NIGHT

    @property
    def whole(self) -> str:
        """The world in which nothing of ours stands."""
        return STARTS[self.start].whole or STARTS[self.start].ground

    @property
    def mended(self) -> tuple[str, ...]:
        """The command that makes what it looks at."""
        return GROUNDS[STARTS[self.start].ground].deploy

    @property
    def undone(self) -> tuple[str, ...]:
        """The command that takes everything of ours away."""
        return GROUNDS[STARTS[self.start].ground].destroy


SITUATIONS: tuple[Situation, ...] = (
    Situation("deploy", "nothing", DEPLOY),
    Situation("deploy again", "deployed", ("deploy",)),
    Situation("deploy a change", "deployed", ("deploy", "--duration", "03:00"), "deploy"),
    Situation("deploy and patch soon", "nothing", (*DEPLOY, "--first", "now"), "deploy"),
    Situation("deploy machines", "fleet", GROUNDS["fleet"].deploy, "deploy"),
    Situation(
        "deploy machines again",
        "fleet-deployed",
        (*GROUNDS["fleet"].deploy, "--reboot", "Never"),
        "deploy again",
    ),
    Situation(
        "deploy untagged machines", "untagged", GROUNDS["untagged"].deploy, "deploy machines"
    ),
    Situation("deploy where reads lag", "lag", GROUNDS["lag"].deploy, "deploy"),
    Situation("deploy into a group", "group", GROUNDS["group"].deploy, "deploy"),
    Situation("plan", "nothing", ("plan", *EMAIL)),
    Situation("plan again", "deployed", ("plan",)),
    Situation("validate", "deployed", ("validate",)),
    Situation("validate machines", "fleet-deployed", ("validate",), "validate"),
    Situation("status", "patched", ("status",)),
    Situation("report", "patched", ("report",)),
    Situation("list", "deployed", ("list",)),
    Situation("test-notify", "deployed", ("test-notify",), repeats=True),
    Situation(
        "test-notify end to end",
        "deployed",
        ("test-notify", "--end-to-end"),
        "test-notify",
        repeats=True,
        meanwhile="Microsoft.Insights/scheduledQueryRules",
    ),
    Situation("assess", "deployed", ("assess",), repeats=True),
    Situation("assess machines", "fleet-deployed", ("assess",), "assess", True),
    Situation("install", "deployed", INSTALL, repeats=True),
    Situation("install machines", "fleet-deployed", INSTALL, "install", True),
    Situation("explain", "fleet-deployed", ("status", "--explain", FLEET.machines[0].name)),
    Situation("doctor", "nothing", ("doctor", *EMAIL)),
    Situation("doctor again", "deployed", ("doctor",), "doctor"),
    Situation("destroy", "deployed", DESTROY),
    Situation("destroy again", "nothing", DESTROY),
    Situation("destroy machines", "fleet-deployed", DESTROY, "destroy"),
    Situation("destroy untagged machines", "untagged-deployed", GROUNDS["untagged"].destroy),
    Situation("destroy in a group", "group-deployed", DESTROY, "destroy"),
    Situation("destroy in a crowd", "crowd-deployed", GROUNDS["crowd"].destroy, "destroy"),
)
LOCAL = {"schema", "rehearse", "sandbox", "explain"}
"""Commands that speak to no Azure, or to a world of their own that nobody else can disturb."""


@cache
def start(name: str, shell: Shell) -> Saved:
    """The world in which a situation begins. It is made once."""
    made = STARTS[name]
    ground = GROUNDS[made.ground]
    world = World(now=NOON)
    ground.make(world)
    shell.restore({WORLD: world.saved().encode()})
    for step in (*ground.commands, *made.done):
        if callable(step):
            _by_hand(shell, step)
        else:
            shell.succeed(*step)
    saved = shell.keep()
    data = json.loads(saved[WORLD])
    data["attempts"] = {}
    return {**saved, WORLD: json.dumps(data).encode()}


def _by_hand(shell: Shell, change: Callable[[World], object]) -> None:
    saved = shell.keep()
    world = World.from_json(json.loads(saved[WORLD]))
    change(world)
    shell.restore({**saved, WORLD: world.saved().encode()})
