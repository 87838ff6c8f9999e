"""Somebody, or a policy, takes our tags from one thing of ours: it counts as theirs, and stays."""

from __future__ import annotations

import shlex

import pytest

from arm_sandbox import by_hand
from arm_sandbox.world import Resource, World
from patchctl.remembered import is_ours
from tests.patchctl.shell import Cli

ASKED = ("--outbound", "nat", "--first", "now")
"""So that there is something of every sort."""
GROUP = "Microsoft.Resources/resourceGroups"
USED = {
    "Microsoft.Compute/virtualMachines": "nic vnet nat pip nsg osdisk",
    "Microsoft.Network/networkInterfaces": "vnet nat pip nsg",
    "Microsoft.Network/virtualNetworks": "nat pip nsg",
    "Microsoft.Network/natGateways": "pip nsg",
    "Microsoft.Network/publicIPAddresses": "nsg",
    "Microsoft.Network/networkSecurityGroups": "",
    "Microsoft.Maintenance/maintenanceConfigurations": "",
    "Microsoft.Insights/actionGroups": "",
    "Microsoft.Insights/activityLogAlerts": "",
    "Microsoft.Insights/scheduledQueryRules": "",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "",
}
"""What bears our tags, and what of ours it may use, so that this stays with it."""
DISK = "Microsoft.Compute/disks"
"""It is ours by its name, since it has no tags until we give it ours."""


def test_all_that_bears_our_tags_is_looked_at(cli: Cli) -> None:
    cli.deploy(*ASKED)
    assert {r.type for r in cli.world.resources.values() if _is_ours(r)} == {*USED, DISK, GROUP}


@pytest.mark.parametrize("type", USED)
def test_what_has_lost_its_tags_stays_and_the_rest_goes(cli: Cli, type: str) -> None:
    cli.deploy(*ASKED)
    theirs = next(r for r in cli.world.resources.values() if r.type == type)
    _tag(cli, theirs.id, {})

    looked = cli.json("validate", code=5)
    wrong = [f["subject"] for s in looked["steps"] for f in s["findings"] if f["ok"] is False]
    assert f"tags of {_name(theirs)}" in wrong
    assert _tags_back(looked["error"]["hint"], theirs.id)

    error = cli.json("deploy", code=6)["error"]
    assert (error["code"], error["resource"].lower()) == ("Foreign", theirs.id.lower())
    tags = _tags_back(error["hint"], theirs.id)

    used = USED[type].split()
    document = cli.json("destroy", "--yes", code=8 if used else 0)
    assert theirs.id.lower() in [id.lower() for id in document["left"]]
    left = [r for r in cli.world.resources.values() if _is_ours(r) and r.type != GROUP]
    assert sorted(map(_name, left)) == sorted(f"{each}-demo-{_suffix(theirs)}" for each in used)
    if used:
        assert _name(theirs) in document["error"]["message"]
        assert _tags_back(document["error"]["hint"], theirs.id) == tags
    assert cli.json("destroy", "--yes", code=8 if used else 0)["left"] == document["left"]

    _tag(cli, theirs.id, tags)
    assert cli.json("destroy", "--yes")["left"] == []
    assert not cli.world.resources


def _tags_back(hint: str, id: str) -> dict[str, str]:
    """The tags that the command of a hint would give."""
    _, _, command = hint.partition("give them back with ")
    words = shlex.split(command.partition(". ")[0])
    assert words[:4] == ["az", "tag", "update", "--resource-id"]
    assert words[4].lower() == id.lower()
    assert words[5:8] == ["--operation", "Merge", "--tags"]
    return dict(word.split("=") for word in words[8:])


def _tag(cli: Cli, id: str, tags: dict[str, str]) -> None:
    def edit(world: World) -> None:
        by_hand.edit(world, by_hand.resource(world, id), "tags", tags)

    cli.change(edit)


def _is_ours(resource: Resource) -> bool:
    return is_ours(resource.body.get("tags"), "demo")


def _name(resource: Resource) -> str:
    return resource.id.rsplit("/", 1)[-1]


def _suffix(resource: Resource) -> str:
    return resource.id.rsplit("-", 1)[-1]
