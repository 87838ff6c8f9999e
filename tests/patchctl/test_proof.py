"""`test-notify --end-to-end`, and the health of the alerts on results in validate."""

from __future__ import annotations

import pytest

from arm_sandbox.world import World
from tests.patchctl.shell import Cli

pytestmark = pytest.mark.world

RULE = "Microsoft.Insights/scheduledQueryRules"
ROLE = "Microsoft.Authorization/roleAssignments"


def rules(cli: Cli) -> list[str]:
    return sorted(r.body["name"] for r in cli.world.resources.values() if r.type == RULE)


def forget(world: World, type: str) -> None:
    for resource in list(world.resources.values()):
        if resource.type == type:
            world.remove(resource.id)


def test_an_alert_fires_is_mailed_and_is_gone(cli: Cli) -> None:
    cli.deploy()
    before = rules(cli)
    document = cli.json("test-notify", "--end-to-end")
    assert document["proof"]["to"] == ["ops@example.com"]
    assert rules(cli) == before
    cli("sandbox", "advance", "--by", "10m")
    [mail] = cli.mails("alert")
    assert "Fired:Sev4 Azure Monitor Alert Patch-Alert-Test-demo" in mail["subject"]


def test_an_earlier_test_proves_nothing(cli: Cli) -> None:
    cli.deploy()
    cli.json("test-notify", "--end-to-end")
    cli.change(lambda world: forget(world, "Microsoft.Maintenance/configurationAssignments"))
    document = cli.json("test-notify", "--end-to-end", code=1)
    assert document["error"]["code"] == "NothingFired"
    assert not [name for name in rules(cli) if "Test" in name]


def test_without_its_role_nothing_is_tried(cli: Cli) -> None:
    cli.deploy()
    cli.change(lambda world: forget(world, ROLE))
    document = cli.json("test-notify", "--end-to-end", code=5)
    assert "az role assignment create" in document["error"]["message"]


def test_without_alerts_there_is_nothing_to_prove(cli: Cli) -> None:
    cli.deploy("--no-result-alerts")
    document = cli.json("test-notify", "--end-to-end", code=5)
    assert document["error"]["code"] == "NothingToProve"


def test_what_an_interrupted_test_has_left_is_taken_away(cli: Cli) -> None:
    cli.deploy()

    def leave(world: World) -> None:
        [rule] = [r for r in world.resources.values() if "patch-run-failed" in r.id.lower()]
        left = rule.id.replace("Patch-Run-Failed", "Patch-Alert-Test")
        body = {**rule.body, "id": left, "name": left.rsplit("/", 1)[-1]}
        world.add(type(rule)(left, rule.type, body, dict(rule.hidden)))

    cli.change(leave)
    assert cli("validate").code == 5
    assert cli.deploy()["result-alerts"] == "updated"
    assert not [name for name in rules(cli) if "Test" in name]


def test_validate_says_when_a_rule_cannot_ask(cli: Cli) -> None:
    cli.deploy()
    assert "unknown" in cli("validate").out
    cli("sandbox", "advance", "--by", "1h")
    assert cli("validate").code == 0
    cli.change(unknown_to_the_directory)
    cli("sandbox", "advance", "--by", "1h")
    ended = cli("validate")
    assert ended.code == 5
    assert "Unauthorized" in ended.out


def unknown_to_the_directory(world: World) -> None:
    """The role stands, and belongs to nobody that the rule could act as."""
    for resource in world.resources.values():
        if resource.type == ROLE:
            resource.hidden["holds"] = world.now + 86400
