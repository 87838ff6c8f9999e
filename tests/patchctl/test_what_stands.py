"""An action group and a subnet of somebody else's are used, and left as they are."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.world import World
from tests.arm_sandbox.ask import ask
from tests.comparison import State, differences, state
from tests.fleet.building import NOON, put
from tests.patchctl.shell import EMAIL, Cli, outcomes

pytestmark = pytest.mark.slow

GROUP = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg-theirs"
ACTIONS = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag-theirs"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-theirs"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-theirs"
SUBNET = f"{NETWORK}/subnets/servers"


def tell_the_desk(world: World, id: str) -> None:
    """Make an action group."""
    receiver = {"name": "desk", "emailAddress": "desk@example.com"}
    told = {"groupShortName": "desk", "enabled": True, "emailReceivers": [receiver]}
    put(world, id, {"location": "Global", "properties": told}, "2023-01-01")


def theirs() -> World:
    world = World(now=NOON)
    for provider in ("microsoft.insights", "microsoft.managedidentity"):
        world.registrations[f"{GROUP.split('/')[2]}/{provider}"] = "Registered"
    ask(world, "PUT", GROUP, {"location": "eastus"})
    tell_the_desk(world, ACTIONS)
    put(world, IDENTITY, {"location": "eastus"}, "2024-11-30")
    subnet = {"addressPrefix": "10.9.0.0/24", "defaultOutboundAccess": True}
    network = {
        "addressSpace": {"addressPrefixes": ["10.9.0.0/16"]},
        "subnets": [{"name": "servers", "properties": subnet}],
    }
    put(world, NETWORK, {"location": "eastus", "properties": network}, "2026-03-01")
    return world


@pytest.fixture
def before(cli: Cli) -> State:
    world = theirs()
    cli.store.save(world)
    return state(world)


def of_type(cli: Cli, type: str) -> list[Any]:
    return [r for r in cli.world.resources.values() if r.type.lower() == type.lower()]


def test_an_action_group_that_stands(cli: Cli, before: State) -> None:
    made = outcomes(cli.json("deploy", "--action-group", ACTIONS))
    assert made["action-group"] == "unchanged"
    assert len(of_type(cli, "Microsoft.Insights/actionGroups")) == 1
    for rule in of_type(cli, "Microsoft.Insights/scheduledQueryRules"):
        assert rule.properties["actions"]["actionGroups"] == [ACTIONS]
    for rule in of_type(cli, "Microsoft.Insights/activityLogAlerts"):
        told = [group["actionGroupId"] for group in rule.properties["actions"]["actionGroups"]]
        assert told == [ACTIONS]
    assert cli("plan", "--detailed-exitcode").code == 0
    assert "desk@example.com" in cli("test-notify").out
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_from_one_of_ours_to_one_that_stands_and_back(cli: Cli, before: State) -> None:
    cli.deploy()
    assert cli.deploy("--action-group", ACTIONS)["action-group"] == "updated"
    (rule, *_) = of_type(cli, "Microsoft.Insights/activityLogAlerts")
    told = [group["actionGroupId"] for group in rule.properties["actions"]["actionGroups"]]
    assert told == [ACTIONS]
    assert len(of_type(cli, "Microsoft.Insights/actionGroups")) == 1
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_who_is_mailed_by_one_that_stands(cli: Cli, before: State) -> None:
    assert cli("deploy", "--action-group", ACTIONS).code == 0
    assert cli.json("test-notify", "--end-to-end")["proof"]["to"] == [ACTIONS]
    assert f"The alerts that stand will mail {ACTIONS} about it" in cli("plan", "--at", "04:00").out
    cli.deploy()
    proven = cli("test-notify", "--end-to-end")
    assert f"The mail goes to {ACTIONS}. Only" in proven.out
    assert "confirmation of ops@example.com" not in cli("validate").out


def test_a_subnet_that_stands(cli: Cli, before: State) -> None:
    cli.deploy("--subnet", SUBNET)
    assert len(of_type(cli, "Microsoft.Network/virtualNetworks")) == 1
    (interface,) = of_type(cli, "Microsoft.Network/networkInterfaces")
    inside = interface.properties["ipConfigurations"][0]["properties"]["subnet"]["id"]
    assert inside.lower() == SUBNET.lower()
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("validate").code == 0
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_a_machine_that_stands_is_not_moved(cli: Cli, before: State) -> None:
    cli.deploy()
    assert "cannot be moved" in cli("deploy", "--subnet", SUBNET).err


@pytest.mark.parametrize(
    ("option", "id"), [("--action-group", f"{ACTIONS}-2"), ("--subnet", f"{SUBNET}-2")]
)
def test_what_is_named_has_to_be_there(cli: Cli, before: State, option: str, id: str) -> None:
    refused = cli("plan", "--email", "ops@example.com", option, id)
    assert refused.code == 2
    assert f"{option}: {id} is not there" in refused.err
    assert differences(before, state(cli.world)) == []


def test_all_that_is_named_and_not_there_is_told_at_once(cli: Cli, before: State) -> None:
    named = {"--action-group": ACTIONS, "--alert-identity": IDENTITY, "--subnet": SUBNET}
    asked = [word for option, id in named.items() for word in (option, f"{id}-2")]
    for command in ("plan", "deploy"):
        error = cli.json(command, *EMAIL, *asked, code=2)["error"]
        for option, id in named.items():
            assert f"{option}: {id}-2 is not there" in error["message"]
    assert differences(before, state(cli.world)) == []


def remove(world: World, id: str) -> None:
    """Somebody deletes it. A subnet that is in use would stay, so the machine goes first."""
    machine = [r for r in world.resources.values() if r.type.endswith("virtualMachines")]
    interface = [r for r in world.resources.values() if r.type.endswith("networkInterfaces")]
    for gone in (*machine, *interface) if id == NETWORK else ():
        by_hand.delete(world, gone)
    by_hand.delete(world, by_hand.resource(world, id))


@pytest.mark.parametrize(
    ("option", "id", "step", "named"),
    [
        ("--action-group", ACTIONS, "action-group", ACTIONS),
        ("--alert-identity", IDENTITY, "alert-identity", IDENTITY),
        ("--subnet", NETWORK, "network", SUBNET),
    ],
)
def test_what_is_named_and_gone_is_shown_and_keeps_nothing_from_going(
    cli: Cli, before: State, option: str, id: str, step: str, named: str
) -> None:
    assert cli("deploy", *EMAIL, option, named).code in (0, 7)
    cli.change(lambda world: remove(world, id))
    for command, code in (("validate", 5), ("plan", 0)):
        (found,) = (s for s in cli.json(command, code=code)["steps"] if s["step"] == step)
        wrong = [f for f in found["findings"] if f["ok"] is False]
        assert (named, "not there") in [(f["want"], f["got"]) for f in wrong]
    refused = cli.json("deploy", code=2)["error"]
    assert f"what stands: {named} is not there" in refused["message"]
    for error in (refused, cli.json("validate", code=5)["error"]):
        if option == "--subnet":
            assert error["next"].startswith("patchctl destroy --name demo")
        else:
            assert error["next"].startswith(f"patchctl deploy --name demo {option} ID")
    assert cli("destroy", "--yes").code == 0
    assert [said for said in differences(before, state(cli.world)) if "went: " not in said] == []


def test_another_action_group_takes_the_place_of_one_that_is_gone(cli: Cli, before: State) -> None:
    other = f"{ACTIONS}-2"
    cli.deploy("--action-group", ACTIONS)
    cli.change(lambda world: tell_the_desk(world, other))
    cli.change(lambda world: remove(world, ACTIONS))
    assert cli("deploy", "--action-group", other).code == 0
    for rule in of_type(cli, "Microsoft.Insights/activityLogAlerts"):
        told = [group["actionGroupId"] for group in rule.properties["actions"]["actionGroups"]]
        assert told == [other]
    assert cli("validate").code == 0


def test_a_subnet_that_stands_has_its_own_way_out(cli: Cli, before: State) -> None:
    refused = cli("plan", "--email", "ops@example.com", "--subnet", SUBNET, "--outbound", "nat")
    assert refused.code == 2
    assert "its own way out" in refused.err
