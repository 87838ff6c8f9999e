"""What patchctl has to be allowed: known beforehand, and what is missing told all at once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from arm_sandbox.options import Access
from arm_sandbox.world import World
from patchctl.steps import STEPS
from tests.patchctl.shell import EMAIL, Cli, outcomes
from tests.patchctl.test_lifecycle import CREATED
from tests.patchctl.test_real_life import documented

pytestmark = pytest.mark.world

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
ALL = {action for step in STEPS for needed in step.ACTIONS for action in needed.actions}
ASKING = "Microsoft.Authorization/permissions/read"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
SCHEDULE = "Microsoft.Maintenance/maintenanceConfigurations/write"
REGISTER = "Microsoft.Maintenance/register/action"


def allow(cli: Cli, actions: Iterable[str]) -> None:
    def change(world: World) -> None:
        world.options.access = [Access(actions=sorted(actions), scope=SUBSCRIPTION)]

    cli.change(change)


def test_the_page_lists_what_the_steps_need_and_nothing_else() -> None:
    assert set(documented()) == ALL


def test_all_that_is_missing_is_told_before_anything_is_written(cli: Cli) -> None:
    allow(cli, ALL - {JOIN, SCHEDULE})
    before = cli.world.resources
    error = cli.json("deploy", *EMAIL, code=4)["error"]
    assert error["code"] == "PermissionsMissing"
    told = [line.split()[0] for line in error["message"].splitlines()[1:]]
    assert told == [JOIN, SCHEDULE]
    assert cli.world.resources == before
    allow(cli, ALL)
    assert cli.follow(error).code == 0


def test_a_plan_shows_itself_and_what_would_keep_it_from_being_written(cli: Cli) -> None:
    allow(cli, ALL - {JOIN, SCHEDULE})
    document = cli.json("plan", *EMAIL)
    missing = document["missing_permissions"]
    assert {(each["step"], each["action"]) for each in missing} == {
        ("network", JOIN),
        ("maintenance-configuration", SCHEDULE),
    }
    assert {each["scope"] for each in missing} == {SUBSCRIPTION}
    assert f"{JOIN} on {SUBSCRIPTION} (network)" in cli("plan", *EMAIL).out


def test_what_may_not_be_read_stops_a_plan_and_is_told_with_all_the_rest(cli: Cli) -> None:
    read = "Microsoft.Network/networkInterfaces/read"
    allow(cli, ALL - {read, SCHEDULE})
    for command in ("plan", "deploy"):
        error = cli.json(command, *EMAIL, code=4)["error"]
        assert error["code"] == "PermissionsMissing"
        assert read in error["message"]
        assert SCHEDULE in error["message"]


def test_only_what_is_to_be_written_has_to_be_allowed(cli: Cli) -> None:
    assert cli.deploy() == CREATED
    allow(cli, ALL - {JOIN, SCHEDULE})
    changed = outcomes(cli.json("deploy", "--email", "new@example.com"))
    assert {step for step, outcome in changed.items() if outcome == "updated"} == {
        "resource-group",
        "action-group",
    }
    document = cli.json("plan", "--at", "03:00")
    assert [each["action"] for each in document["missing_permissions"]] == [SCHEDULE]


def test_a_provider_that_is_registered_needs_no_right_to_register_it(cli: Cli) -> None:
    allow(cli, ALL - {"Microsoft.Compute/register/action"})
    assert outcomes(cli.json("deploy", *EMAIL)) == CREATED


def test_another_provider_does(cli: Cli) -> None:
    allow(cli, ALL - {REGISTER})
    assert REGISTER in cli.json("deploy", *EMAIL, code=4)["error"]["message"]


def test_notactions_count_and_wildcards_do(cli: Cli) -> None:
    def change(world: World) -> None:
        world.options.access = [Access(role="Contributor", scope=SUBSCRIPTION)]

    cli.change(change)
    assert cli.json("plan", *EMAIL)["missing_permissions"] == []
    assert cli.json("deploy", *EMAIL, code=7)["error"]["code"] == "RightWithheld"


@pytest.mark.parametrize("action", [JOIN, SCHEDULE])
def test_who_may_not_even_ask_is_told_when_it_comes_to_it(cli: Cli, action: str) -> None:
    allow(cli, ALL - {action, ASKING})
    error = cli.json("deploy", *EMAIL, "--no-result-alerts", code=4)["error"]
    assert error["code"].endswith("AuthorizationFailed")
    assert f"perform action '{action}'" in error["message"]
