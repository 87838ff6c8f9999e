"""An action group and a subnet of somebody else's are used, and left as they are."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox.world import World
from tests.arm_sandbox.ask import ask
from tests.comparison import State, differences, state
from tests.fleet.building import NOON, put
from tests.patchctl.shell import Cli, outcomes

GROUP = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg-theirs"
ACTIONS = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag-theirs"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-theirs"
SUBNET = f"{NETWORK}/subnets/servers"


def theirs() -> World:
    world = World(now=NOON)
    world.registrations[f"{GROUP.split('/')[2]}/microsoft.insights"] = "Registered"
    ask(world, "PUT", GROUP, {"location": "eastus"})
    receiver = {"name": "desk", "emailAddress": "desk@example.com"}
    told = {"groupShortName": "desk", "enabled": True, "emailReceivers": [receiver]}
    put(world, ACTIONS, {"location": "Global", "properties": told}, "2023-01-01")
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


def test_a_subnet_that_stands_has_its_own_way_out(cli: Cli, before: State) -> None:
    refused = cli("plan", "--email", "ops@example.com", "--subnet", SUBNET, "--outbound", "nat")
    assert refused.code == 2
    assert "its own way out" in refused.err
