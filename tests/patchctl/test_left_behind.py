"""Your machines, when what remembers them is deleted, or when they cannot be put back at once."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from arm_sandbox import by_hand
from arm_sandbox.options import Fault
from arm_sandbox.world import World
from tests.comparison import State, differences, state
from tests.fleet.building import NOON, build
from tests.fleet.drawing import EVERY, Settings, draw
from tests.patchctl.foreign_edits import edit, lock
from tests.patchctl.own_machines import quiet
from tests.patchctl.shell import EMAIL, GROUP, Cli

pytestmark = [pytest.mark.world, pytest.mark.slow]

FLEET = draw("matrix 4", 3, subscriptions=2, groups=1, trouble=0.0, sorts=EVERY)
LOCKS = "Microsoft.Authorization/locks"
MACHINES = tuple(part for m in FLEET.machines for part in ("--vm", m.id))


@pytest.fixture
def before(cli: Cli) -> State:
    """What stood before three machines were deployed."""
    world = build(FLEET, World(now=NOON))
    cli.store.save(world)
    found = state(world)
    assert cli("deploy", *EMAIL, *MACHINES).code == 0
    return found


def delete_the_group(world: World) -> None:
    by_hand.delete(world, by_hand.resource(world, GROUP))


@pytest.mark.parametrize("command", [("validate",), ("status",), ("deploy", *EMAIL)])
def test_machines_of_a_deleted_deployment_are_not_forgotten(
    cli: Cli, before: State, command: tuple[str, ...]
) -> None:
    cli.change(delete_the_group)
    error = cli.json(*command, code=5)["error"]
    assert error["code"] == "LeftBehind"
    assert error["message"].endswith("had set them: 3.")
    assert error["next"].startswith("patchctl destroy --yes --name demo")
    assert "its machines still do" in cli("destroy", "--yes").err
    assert differences(before, state(cli.world)) == []
    assert cli.json(*command, code=0 if command[0] == "deploy" else 5)["error"] != error


@pytest.mark.parametrize("times", [1, 0])
def test_wrong_answers_are_not_enough(cli: Cli, before: State, times: int) -> None:
    """Nor are many of them, while the group is listed."""

    def strike(world: World) -> None:
        group = by_hand.resource(world, GROUP).id
        world.options.faults = [Fault("404", "GET", group, times=times)]
        world.attempts.clear()

    stood = state(cli.world)
    cli.change(strike)
    error = cli.json("status", code=1)["error"]
    assert (error["code"], "destroy" in error["next"]) == ("NotSure", False)
    cli.change(lambda world: world.options.faults.clear())
    assert cli("status").code == 0
    assert differences(stood, state(cli.world)) == []


def test_another_deployments_machines_are_not_ours(cli: Cli) -> None:
    assert cli("deploy", *EMAIL, "--name", "other").code == 0
    assert cli("deploy", *EMAIL).code == 0
    assert "nothing to do" in cli("destroy", "--yes", "--name", "third").out


def test_a_deleted_deployment_is_taken_up_again(cli: Cli, before: State) -> None:
    stood = state(cli.world).keys()
    cli.change(delete_the_group)
    error = cli.json("deploy", *EMAIL, *MACHINES, code=4)["error"]
    assert "less than 20 minutes ago" in error["message"]
    assert "as long as the message says" in error["hint"]
    assert cli("sandbox", "advance", "--by", "20m").code == 0
    assert cli("deploy", *EMAIL, *MACHINES).code == 0
    now = state(cli.world).keys()
    assert {id for id in stood ^ now if "/roleassignments/" not in id} == set()
    assert len(stood) == len(now)
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_the_group_stays_until_its_machines_are_as_they_were(cli: Cli, before: State) -> None:
    def strike(world: World) -> None:
        machine = FLEET.machines[0].id
        world.options.faults = [Fault("503", "PATCH", machine, times=0)]

    cli.change(strike)
    error = cli.json("destroy", "--yes", code=8)["error"]
    assert FLEET.machines[0].name in error["message"]
    assert error["next"].startswith("patchctl destroy --yes")
    assert by_hand.resource(cli.world, GROUP)

    def cure(world: World) -> None:
        world.options.faults = []

    cli.change(cure)
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_the_way_to_try_again_is_one_that_there_is(cli: Cli) -> None:
    """Of a machine that was right already nothing is remembered, and no file to put it back by."""
    settings = Settings(
        "AutomaticByPlatform", "AutomaticByPlatform", bypass=True, reboot="IfRequired"
    )
    fleet = quiet(1)
    machine = replace(fleet.machines[0], settings=settings)
    cli.store.save(build(replace(fleet, machines=(machine,)), World(now=NOON)))
    assert cli("deploy", *EMAIL, "--vm", machine.id).code == 0
    cli.change(lambda world: edit(world, machine, "assigned elsewhere", Random(0)))
    error = cli.json("destroy", "--yes", code=8)["error"]
    assert "--restore-from" not in error["hint"]
    assert cli.follow(error).code == 0


def test_another_desk_keeps_what_it_may_not_put_back(cli: Cli, before: State) -> None:
    """The file of deploy is on the machine that deployed."""
    (file,) = cli.store.directory.glob("machines/*/*/*.json")
    file.unlink()

    def strike(world: World) -> None:
        """A lock that is there for good."""
        lock(world, FLEET.machines[0], "ReadOnly")

    cli.change(strike)
    error = cli.json("destroy", "--yes", code=8)["error"]
    assert file.exists()
    cli.change(lambda world: world.remove(f"{FLEET.machines[0].id}/providers/{LOCKS}/theirs"))
    assert cli.follow(error).code == 0
    assert differences(before, state(cli.world)) == []
