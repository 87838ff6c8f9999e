"""The alerts on results: whom they need, who may make them, and what is said without them."""

from __future__ import annotations

import shlex

import pytest

from arm_sandbox import by_hand
from arm_sandbox.options import Access
from arm_sandbox.world import World
from tests.patchctl.shell import EMAIL, Cli, outcomes

pytestmark = [pytest.mark.world, pytest.mark.slow]

RULE = "Microsoft.Insights/scheduledQueryRules"
ROLE = "Microsoft.Authorization/roleAssignments"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
RIGHTS = ("alert-identity", "alert-role", "result-alerts")


IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


def of_type(cli: Cli, type: str) -> list[str]:
    return [r.id for r in cli.world.resources.values() if r.type.lower() == type.lower()]


def rules(cli: Cli) -> dict[str, bool]:
    """The alerts on results, by what they are about, and whether each is enabled."""
    found = [r for r in cli.world.resources.values() if r.type == RULE]
    return {r.body["name"].split("-")[2]: r.properties["enabled"] for r in found}


def contribute_only(world: World) -> None:
    """We may write everything but grant nothing."""
    [subscription] = world.subscriptions
    world.options.access = [Access(role="Contributor", scope=f"/subscriptions/{subscription}")]


def jump(world: World, days: float) -> None:
    """Later, as if nothing had happened in between."""
    world.now += days * 86400
    world.happenings.clear()


def own(world: World) -> None:
    world.options.access = []


def test_failures_and_warnings_are_told_unless_asked_otherwise(cli: Cli) -> None:
    cli.deploy()
    assert rules(cli) == {"Failed": True, "Missed": True, "Warned": True}
    cli.deploy("--notify", "all")
    assert rules(cli) == {"Failed": True, "Missed": True, "Warned": True, "Succeeded": True}
    cli.deploy("--notify", "failures")
    assert rules(cli) == {"Failed": True, "Missed": True}
    assert set(outcomes(cli.json("validate")).values()) == {"ok"}


def test_one_mail_for_each_machine_if_asked(cli: Cli) -> None:
    cli.deploy("--notify-per", "machine")
    for rule in (r for r in cli.world.resources.values() if r.type == RULE):
        [condition] = rule.properties["criteria"]["allOf"]
        names = [dimension["name"] for dimension in condition.get("dimensions") or []]
        assert ("machine" in names) is ("Missed" not in rule.id)
        assert rule.properties["autoMitigate"] is ("Missed" not in rule.id)


def test_the_role_reaches_no_further_than_the_group(cli: Cli) -> None:
    cli.deploy()
    [role] = of_type(cli, ROLE)
    group = role.split("/providers/", maxsplit=1)[0]
    assert group.lower().endswith("/resourcegroups/rg-patching-demo")


def test_without_the_right_to_grant_everything_else_is_made(cli: Cli) -> None:
    cli.change(contribute_only)
    planned = cli.json("plan", *EMAIL)
    assert outcomes(planned)["alert-role"] == "withheld"
    document = cli.json("deploy", *EMAIL, code=7)
    assert outcomes(document)["alert-role"] == "withheld"
    assert not {"failed", "skipped"} & set(outcomes(document).values())
    assert set(rules(cli).values()) == {False}
    assert document["error"]["code"] == "RightWithheld"
    assert "az role assignment create" in document["error"]["message"]
    assert cli("validate").code == 5
    again = cli.json("deploy", *EMAIL, code=7)
    assert set(outcomes(again).values()) == {"unchanged", "withheld"}


def test_once_granted_a_deploy_finishes(cli: Cli) -> None:
    cli.change(contribute_only)
    message = cli.json("deploy", *EMAIL, code=7)["error"]["message"]
    words = shlex.split(message[message.index("az role") :])
    told = dict(zip(words[4::2], words[5::2], strict=True))
    cli.change(own)
    cli.grant(told["--scope"], told["--assignee-object-id"], told["--role"])
    cli.change(contribute_only)
    assert outcomes(cli.json("deploy", *EMAIL)) == {
        **dict.fromkeys(outcomes(cli.json("validate")), "unchanged"),
        "result-alerts": "updated",
    }
    assert set(rules(cli).values()) == {True}


def test_what_is_not_asked_for_is_said_and_taken_away(cli: Cli) -> None:
    cli.deploy()
    ended = cli("deploy", *EMAIL, "--no-result-alerts")
    assert ended.code == 0
    assert "Not watched by Azure" in ended.out
    assert "patchctl status --fail-if-missed" in ended.out
    assert not any(of_type(cli, type) for type in (RULE, ROLE, IDENTITY))
    assert set(cli.deploy().values()) == {"unchanged"}
    assert set(cli.deploy("--result-alerts").values()) >= {"created"}
    assert len(rules(cli)) == 3


def test_an_identity_that_is_allowed_already_is_used_and_left(cli: Cli) -> None:
    cli.deploy("--name", "other")
    [other] = of_type(cli, IDENTITY)
    cli.change(contribute_only)
    document = cli.json("deploy", *EMAIL, "--alert-identity", other, code=7)
    assert outcomes(document)["alert-role"] == "withheld"
    cli.change(own)
    identity = cli.world.find(other)
    assert identity is not None
    [subscription] = cli.world.subscriptions
    cli.grant(f"/subscriptions/{subscription}", identity.properties["principalId"], "Reader")
    assert cli.deploy("--alert-identity", other)["result-alerts"] == "updated"
    assert of_type(cli, IDENTITY) == [other]
    assert cli("destroy", "--yes").code == 0
    assert of_type(cli, IDENTITY) == [other]
    assert len(of_type(cli, ROLE)) == 2


def test_an_identity_that_is_not_there_is_refused_before_anything_is_written(cli: Cli) -> None:
    group = f"/subscriptions/{next(iter(cli.world.subscriptions))}/resourceGroups/rg-none"
    missing = f"{group}/providers/{IDENTITY}/id-none"
    ended = cli("deploy", *EMAIL, "--alert-identity", missing)
    assert ended.code == 2
    assert "--alert-identity" in ended.err
    assert not cli.world.resources


@pytest.mark.parametrize("option", ["--alert-identity", "--workspace"])
def test_what_is_no_id_is_refused(cli: Cli, option: str) -> None:
    ended = cli("plan", *EMAIL, option, "mine")
    assert ended.code == 2
    assert option in ended.err


def test_destroy_leaves_neither_rules_nor_roles_nor_identity(cli: Cli) -> None:
    cli.deploy()
    assert cli("destroy", "--yes").code == 0
    assert not cli.world.resources
    cli.deploy()
    assert len(of_type(cli, ROLE)) == 1


def test_a_group_that_has_to_stay_keeps_nothing_of_the_alerts(cli: Cli) -> None:
    cli.deploy()
    cli.leave_a_foreign_address()
    assert cli("destroy", "--yes").code == 0
    assert not any(of_type(cli, type) for type in (RULE, ROLE, IDENTITY))


def test_windows_are_renewed_by_a_later_deploy(cli: Cli) -> None:
    cli.deploy()
    cli.change(lambda world: jump(world, days=115))
    ended = cli("validate")
    assert ended.code == 5
    assert "query of Patch-Run-Missed" in ended.out
    assert cli.deploy()["result-alerts"] == "updated"
    assert cli("validate").code == 0


def test_the_alerts_ask_as_the_identity_that_is_there(cli: Cli) -> None:
    """One that is made anew is another, whatever its name is."""
    cli.deploy()

    def delete(world: World) -> None:
        by_hand.delete(world, next(world.below("", IDENTITY)))

    cli.change(delete)
    made = outcomes(cli.json("deploy", *EMAIL))
    assert (made["alert-identity"], made["result-alerts"]) == ("created", "updated")
    (identity,) = cli.world.below("", IDENTITY)
    for rule in cli.world.below("", "Microsoft.Insights/scheduledQueryRules"):
        (asking,) = rule.body["identity"]["userAssignedIdentities"].values()
        assert asking["principalId"] == identity.properties["principalId"]
