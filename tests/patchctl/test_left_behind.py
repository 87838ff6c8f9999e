"""Your machines, when what remembers them is deleted, or when they cannot be put back at once."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from arm_sandbox import by_hand
from arm_sandbox.options import Failure, Fault
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
OURS = f"/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/{GROUP}"
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


def write_file(cli: Cli, text: str) -> None:
    """One that was edited and not deployed."""
    (cli.store.directory / "patchctl.toml").write_text(text, encoding="utf-8")


NOBODY = '[[machines]]\nvm = "nobody-*"'


@pytest.mark.parametrize("text", ["[alerts]\nresults = false", NOBODY], ids=["alerts", "machines"])
def test_what_stands_goes_whatever_a_file_asks_for(
    cli: Cli, before: State, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Roles on the groups of machines are put back as well."""
    monkeypatch.chdir(cli.store.directory)
    write_file(cli, text)
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


@pytest.mark.parametrize("vm", ["nobody-*", "vm-*"])
def test_a_machine_of_ours_goes_whatever_a_file_asks_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, vm: str
) -> None:
    cli.store.save(build(FLEET, World(now=NOON)))
    was = state(cli.world)
    cli.deploy()
    monkeypatch.chdir(cli.store.directory)
    write_file(cli, f'[[machines]]\nvm = "{vm}"')
    for command in ("validate", "status"):
        assert cli(command).code == 0
    error = cli.json("plan", code=2)["error"]
    assert error["next"].startswith("patchctl destroy --name demo")
    going = cli("destroy", "--yes")
    assert "virtualMachines/vm-demo-" in going.out
    assert differences(was, state(cli.world)) == []


def test_what_the_group_can_no_longer_tell_is_known_from_its_list_of_machines(
    cli: Cli, before: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(world: World) -> None:
        by_hand.resource(world, GROUP).body["tags"]["patchctl-asked-01"] = "broken"

    cli.change(damage)
    monkeypatch.chdir(cli.store.directory)
    write_file(cli, '[[machines]]\nvm = "*"')
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_a_machine_that_is_gone_is_not_to_be_deployed_again(cli: Cli, before: State) -> None:
    cli.change(lambda world: by_hand.delete(world, by_hand.resource(world, FLEET.machines[0].id)))
    assert cli("deploy").code == 8
    error = cli.json("validate", code=5)["error"]
    assert error["next"].startswith("patchctl status --name demo")
    assert cli.follow(error).code == 0


def test_roles_go_with_their_identity_though_no_alerts_are_asked_for_any_more(
    cli: Cli, before: State
) -> None:
    """A deploy that was to take them away has come as far as the group that remembers it."""
    broken = Failure("Microsoft.Authorization/roleAssignments", on="delete", times=99)
    cli.change(lambda world: world.options.failures.append(broken))
    assert cli.json("deploy", "--no-result-alerts", code=1)["error"]["step"] == "alert-identity"
    cli.change(lambda world: world.options.failures.clear())
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_machines_of_a_deployment_in_another_subscription_are_not_left_behind(cli: Cli) -> None:
    """Of which a look from here cannot see more than its machines, and its name in a list."""
    here, there = sorted({machine.id.split("/")[2] for machine in FLEET.machines})
    cli.store.save(build(FLEET, World(now=NOON)))
    assert cli("deploy", *EMAIL, *MACHINES, "--subscription", there).code == 0
    stood = state(cli.world)
    assert "nothing to do" in cli("destroy", "--yes", "--subscription", here).out
    assert differences(stood, state(cli.world)) == []
    cli.change(lambda world: hide_the_group(world, there))
    assert "nothing to do" in cli("destroy", "--yes", "--subscription", here).out
    assert cli("validate", "--subscription", there).code == 0


def hide_the_group(world: World, subscription: str) -> None:
    """Let lists of groups leave it out, as they do for who may not read it."""
    world.options.faults = [
        Fault("403", "GET", f"/subscriptions/{subscription}/resourcegroups", times=1)
    ]


def test_roles_of_somebodys_identity_stay_where_no_machine_is_any_more(cli: Cli) -> None:
    cli.store.save(build(FLEET, World(now=NOON)))
    assert cli("deploy", *EMAIL, "--name", "other").code == 0
    identity = cli.the("Microsoft.ManagedIdentity/userAssignedIdentities")
    groups = sorted({machine.id.split("/providers/")[0] for machine in FLEET.machines})
    for group in groups:
        cli.grant(group, identity.properties["principalId"], "Reader")
    theirs = ("--alert-identity", identity.id)
    assert cli("deploy", *EMAIL, *MACHINES, *theirs).code in (0, 7)
    cli.grant(OURS, identity.properties["principalId"], "Reader")
    assert cli("deploy").code == 0
    before = roles(cli)
    kept = [m.id for m in FLEET.machines if m.id.startswith(groups[0])]
    assert cli("deploy", *(part for id in kept for part in ("--vm", id))).code == 0
    assert roles(cli) == before


def roles(cli: Cli) -> set[str]:
    return {id for id in state(cli.world) if "/roleassignments/" in id}
