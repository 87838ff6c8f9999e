"""The role that `doctor --role` prints: enough for a deployment's whole life, and not too much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox import access, by_hand
from arm_sandbox.ids import parse
from arm_sandbox.options import Access
from arm_sandbox.wire import Request
from arm_sandbox.world import World
from tests.fleet.building import NOON, build
from tests.fleet.drawing import EVERY, draw
from tests.patchctl.shell import EMAIL, Cli

pytestmark = [pytest.mark.world, pytest.mark.slow]

FOREIGN = "pip-foreign"
Act = Callable[[Cli], object]


def fleet(cli: Cli) -> None:
    world = World(now=NOON)
    build(FLEET, world)
    cli.store.save(world)


def take_away_what_is_foreign(cli: Cli) -> None:
    def change(world: World) -> None:
        (found,) = (r for r in world.resources.values() if r.body.get("name") == FOREIGN)
        by_hand.delete(world, found)

    cli.change(change)


FLEET = draw("matrix 4", 3, subscriptions=2, groups=1, trouble=0.0, sorts=EVERY)
MACHINES = tuple(part for m in FLEET.machines for part in ("--vm", m.id))


@dataclass(frozen=True)
class Life:
    """What is asked for, and all that is done with it; `begin` comes before the role holds."""

    asked: tuple[str, ...]
    acts: tuple[tuple[str, ...] | Act, ...]
    begin: Act = lambda cli: None


LIVES = {
    "a machine of its own": Life(
        ("--outbound", "nat"),
        (
            ("doctor",),
            ("deploy", *EMAIL, "--outbound", "nat"),
            ("validate",),
            ("test-notify",),
            ("test-notify", "--end-to-end"),
            ("assess",),
            ("install", "--now", "--yes"),
            ("status",),
            ("report",),
            Cli.leave_a_foreign_address,
            ("destroy", "--yes"),
            take_away_what_is_foreign,
            ("destroy", "--yes"),
        ),
    ),
    "machines of yours": Life(
        MACHINES,
        (
            ("doctor", *MACHINES),
            ("deploy", *EMAIL, *MACHINES),
            ("validate",),
            ("test-notify",),
            ("test-notify", "--end-to-end"),
            ("assess",),
            ("install", "--now", "--yes"),
            ("status",),
            ("report",),
            Cli.leave_a_foreign_address,
            ("destroy", "--yes"),
            take_away_what_is_foreign,
            ("destroy", "--yes"),
        ),
        fleet,
    ),
}


REGISTERED = {"Microsoft.Compute/register/action", "Microsoft.Network/register/action"}
UNSUBSCRIBED = "Microsoft.Insights/actionGroups/subscribe/action"
IDLE = {
    "a machine of its own": {*REGISTERED, UNSUBSCRIBED, "Microsoft.Compute/disks/delete"},
    "machines of yours": {
        *REGISTERED,
        UNSUBSCRIBED,
        "Microsoft.Maintenance/register/action",
        "Microsoft.HybridCompute/machines/read",
    },
}
"""What these lives do not come to: their providers are registered, nobody has unsubscribed, Compute
deletes the disk with its machine, and of Arc machines Resource Graph alone is asked, which shows
what one may read. Azure is not known to go without any of it."""


def allow(cli: Cli, actions: Sequence[str]) -> None:
    def change(world: World) -> None:
        world.options.access = [Access(actions=list(actions), scope="/")]

    cli.change(change)


def _as_owner(cli: Cli, act: Act) -> None:
    """Somebody else does it, who may."""
    standing = cli.world.options.access
    cli.change(lambda world: setattr(world.options, "access", []))
    act(cli)
    cli.change(lambda world: setattr(world.options, "access", standing))


def lived(cli: Cli, life: Life) -> Iterator[tuple[str, int, str]]:
    """Each command with its exit code and all it says."""
    for act in life.acts:
        if callable(act):
            _as_owner(cli, act)
            continue
        ended = cli(*act)
        yield act[0], ended.code, ended.out + ended.err


@pytest.mark.parametrize("name", LIVES)
def test_the_role_is_enough(cli: Cli, name: str) -> None:
    life = LIVES[name]
    life.begin(cli)
    role = json.loads(cli("doctor", "--role", *life.asked).out)
    allow(cli, role["Actions"])
    for command, code, said in lived(cli, life):
        assert code == 0, (command, said)


@pytest.mark.parametrize("name", LIVES)
def test_nothing_in_it_is_too_much(
    cli: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each action is asked for, so that without it a command is refused."""
    life, record = LIVES[name], tmp_path / "record.jsonl"
    life.begin(cli)
    role = json.loads(cli("doctor", "--role", *life.asked).out)
    monkeypatch.setenv("PATCHCTL_SANDBOX_RECORD", str(record))
    for _ in lived(cli, life):
        pass
    lines = record.read_text(encoding="utf-8").splitlines()
    taken = {action.lower() for line in lines for action in _taken(json.loads(line))}
    assert {action for action in role["Actions"] if action.lower() not in taken} == IDLE[name]


def _taken(exchange: dict[str, Any]) -> Iterator[str]:
    """The actions that Resource Manager wants of whoever sends a request."""
    body = exchange["request"]["body"]
    request, id = Request(exchange["method"], exchange["path"], body=body), parse(exchange["path"])
    yield access.action_and_scope(request, id)[0]
    if request.method in ("PUT", "PATCH"):
        yield from (action for action, _ in access.needed_beside(body, id))
