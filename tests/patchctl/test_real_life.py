"""Deployments in worlds that behave badly: each ends well, or in an error that says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox.options import Access, Failure, Lock, Options, Policy, load
from arm_sandbox.world import World
from tests.patchctl.shell import EMAIL, GROUP, Cli, outcomes
from tests.patchctl.test_lifecycle import CREATED, UNCHANGED

pytestmark = [pytest.mark.world, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
SCOPE = f"{SUBSCRIPTION}/resourceGroups/{GROUP}"
MACHINES = "Microsoft.Compute/virtualMachines"
INTERFACES = "Microsoft.Network/networkInterfaces"
SCHEDULES = "Microsoft.Maintenance/maintenanceConfigurations"
ACTION_GROUPS = "Microsoft.Insights/actionGroups"


def behave(cli: Cli, **options: Any) -> None:
    def change(world: World) -> None:
        world.options = Options(**options)

    cli.change(change)


def refused(cli: Cli, *arguments: str, code: int = 4) -> dict[str, str]:
    """The error of a command that ends with an exit code of its own."""
    error: dict[str, str] = cli.json(*arguments, code=code)["error"]
    assert error["hint"]
    return error


def documented() -> list[str]:
    """The actions that docs/azure.md says patchctl needs."""
    text = (ROOT / "docs/azure.md").read_text(encoding="utf-8")
    actions = []
    for cell in re.findall(r"^\| (`Microsoft\.[^|]+) \|", text, re.MULTILINE):
        base = ""
        for action in re.findall(r"`([^`]+)`", cell):
            whole = action if action.startswith("Microsoft.") else f"{base}/{action}"
            base = base or action.rsplit("/", 1)[0]
            actions.append(whole)
    return actions


# -- reads and lists that lag behind


@pytest.mark.parametrize("lag", [{"read_lag": (8.0, 8.0)}, {"read_lag": (0.0, 8.0)}])
def test_a_deployment_lives_in_a_world_that_lags(cli: Cli, lag: Any) -> None:
    behave(cli, list_lag=(10.0, 30.0), **lag)
    assert cli.deploy() == CREATED
    assert cli.deploy() == UNCHANGED
    assert cli("validate").code == 0
    assert "demo is gone" in cli("destroy", "--yes").out
    assert cli.world.find(SCOPE) is None


def test_who_does_not_wait_for_the_group_waits_for_what_goes_before_it(cli: Cli) -> None:
    cli.deploy()
    behave(cli, read_lag=(3.0, 8.0))
    ended = outcomes(cli.json("destroy", "--yes", "--no-wait"))
    assert (ended["result-alerts"], ended["resource-group"]) == ("deleted", "deleting")


def test_what_lags_too_far_behind_is_asked_for_again(cli: Cli) -> None:
    behave(cli, read_lag=(25.0, 25.0))
    error = refused(cli, "deploy", *EMAIL)
    assert error["code"] == "ResourceNotFound"
    assert "wait a minute, then run the same command again" in error["hint"]
    for _ in range(3):
        if cli("deploy", *EMAIL).code == 0:
            break
    assert cli("validate").code == 0


# -- permissions


@pytest.mark.parametrize("how", [(), ("--outbound", "nat", "--os", "linux")])
def test_the_documented_actions_are_enough(cli: Cli, how: tuple[str, ...]) -> None:
    behave(cli, access=[Access(actions=documented())])
    assert cli.deploy(*how) == CREATED
    for command in ("plan", "validate", "test-notify", "list", "status"):
        ended = cli(command)
        assert ended.code == 0, ended.err
    assert cli("deploy", "--email", "new@example.com").code == 0
    assert "demo is gone" in cli("destroy", "--yes").out


def test_a_reader_can_look_but_not_write(cli: Cli) -> None:
    cli.deploy()
    behave(cli, access=[Access(role="Reader")])
    for command in ("plan", "validate", "list"):
        assert cli(command).code == 0
    assert refused(cli, "destroy", "--yes")["code"] == "AuthorizationFailed"


def test_who_may_do_nothing_is_told_so(cli: Cli) -> None:
    behave(cli, access=[Access(role="Owner", scope="/subscriptions/another")])
    for command in ("plan", "deploy"):
        error = refused(cli, command, *EMAIL)
        assert error["code"] == "AuthorizationFailed"


def test_grants_that_take_time_to_spread(cli: Cli) -> None:
    behave(cli, access_delay=(30.0, 300.0))
    assert cli.deploy() == CREATED
    assert cli("validate").code == 0
    assert cli("destroy", "--yes").code == 0


# -- locks


def test_a_locked_group_is_not_taken_away_and_nothing_in_it(cli: Cli) -> None:
    behave(cli, locks=[Lock(SCOPE)])
    assert cli.deploy() == CREATED
    before = set(cli.world.resources)
    error = refused(cli, "destroy", "--yes")
    assert (error["code"], "az lock list" in error["hint"]) == ("ScopeLocked", True)
    assert set(cli.world.resources) == before
    behave(cli)
    assert "demo is gone" in cli("destroy", "--yes").out


def test_a_group_that_may_only_be_read_is_not_changed(cli: Cli) -> None:
    cli.deploy()
    behave(cli, locks=[Lock(SCOPE, "ReadOnly")])
    assert cli("validate").code == 0
    assert refused(cli, "deploy", "--email", "new@example.com")["code"] == "ScopeLocked"


# -- policies


def test_a_policy_that_forbids_a_place_is_named(cli: Cli) -> None:
    allowed = {"listOfAllowedLocations": ["westeurope"]}
    behave(cli, policies=[Policy("Allowed locations", SUBSCRIPTION, allowed)])
    error = refused(cli, "deploy", *EMAIL)
    assert error["code"] == "RequestDisallowedByPolicy"
    assert '"name":"Allowed locations"' in error["message"]
    assert "exemption" in error["hint"]
    assert cli("destroy", "--yes").code == 0
    assert cli.deploy("--location", "westeurope")["virtual-machine"] == "created"


def test_a_tag_that_the_organisation_demands_can_be_given(cli: Cli) -> None:
    required = {"tagName": "cost-center"}
    behave(cli, policies=[Policy("Require a tag on resources", SUBSCRIPTION, required)])
    assert refused(cli, "deploy", *EMAIL)["code"] == "RequestDisallowedByPolicy"
    assert cli("deploy", *EMAIL, "--tag", "cost-center=42").code == 0
    assert cli("validate").code == 0


# -- quota and sizes


def test_too_small_a_quota_is_refused_with_what_helps(cli: Cli) -> None:
    behave(cli, quota={"cores": 1})
    error = refused(cli, "deploy", *EMAIL)
    assert "exceeding approved Total Regional Cores quota" in error["message"]
    assert "Ask for quota in the portal" in error["hint"]
    behave(cli, quota={"cores": 2})
    assert cli.follow(error).code == 0


def test_another_size_is_taken_where_one_is_sold_out(cli: Cli) -> None:
    behave(cli, restricted={"Standard_B2s": ["eastus"]})
    assert cli.deploy() == CREATED
    assert cli.the(MACHINES).properties["hardwareProfile"]["vmSize"] != "Standard_B2s"


def test_a_size_that_is_sold_out_meanwhile_is_refused_with_what_helps(cli: Cli) -> None:
    behave(cli, restricted={"Standard_B2s": ["eastus"]})
    ended = cli("deploy", *EMAIL, "--size", "Standard_B2s")
    assert ended.code in (2, 4)
    assert "Standard_B2s" in ended.err
    assert "--size" in ended.err


# -- failures


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure(MACHINES), "AllocationFailed"),
        (Failure(MACHINES, on="assessPatches"), "VMGuestPatchInternalError"),
        (Failure(INTERFACES, status="Canceled"), "OperationPreempted"),
    ],
)
def test_after_an_operation_that_failed_the_same_command_goes_on(
    cli: Cli, failure: Failure, code: str
) -> None:
    behave(cli, failures=[failure])
    error = refused(cli, "deploy", *EMAIL)
    assert error["code"] == code
    assert "same command again" in error["hint"]
    assert cli.follow(error).code == 0
    assert cli("validate").code == 0


def test_a_machine_that_never_came_up_is_made_again_in_another_size(cli: Cli) -> None:
    behave(cli, failures=[Failure(MACHINES)])
    error = refused(cli, "deploy", *EMAIL)
    assert error["next"].endswith("--size Standard_D2s_v5")
    assert cli.follow(error).code == 0
    assert cli.the(MACHINES).properties["hardwareProfile"]["vmSize"] == "Standard_D2s_v5"
    assert cli("validate").code == 0


@pytest.mark.parametrize("type", [SCHEDULES, ACTION_GROUPS])
def test_a_service_that_stumbles_is_asked_again(cli: Cli, type: str) -> None:
    behave(cli, failures=[Failure(type, times=2)])
    assert cli.deploy() == CREATED


def test_a_service_that_stays_broken_is_named(cli: Cli) -> None:
    behave(cli, failures=[Failure(SCHEDULES, times=99, message="An error has occurred.")])
    error = refused(cli, "deploy", *EMAIL, code=1)
    assert (error["step"], error["message"]) == (
        "maintenance-configuration",
        "An error has occurred.",
    )


def test_a_deletion_that_fails_can_be_tried_again(cli: Cli) -> None:
    cli.deploy()
    behave(cli, failures=[Failure("Microsoft.Maintenance/configurationAssignments", on="delete")])
    assert "demo is gone" in cli("destroy", "--yes").out


# -- throttling


def test_who_is_throttled_waits(cli: Cli) -> None:
    def drain(world: World) -> None:
        oid, id = world.principal["oid"], SUBSCRIPTION.rsplit("/", 1)[1]
        for kind in ("reads", "writes"):
            world.buckets[f"{id}|{kind}|{oid}"] = [-20.0, world.now]

    cli.change(drain)
    assert cli.deploy() == CREATED


# -- all at once


def test_the_example_of_the_documentation(cli: Cli, tmp_path: Path) -> None:
    example = ROOT / "examples/sandbox/complete.toml"
    assert cli("sandbox", "reset", "--with", str(example)).code == 0
    assert cli.world.options == load(example)
    for _ in range(3):
        ended = cli("deploy", *EMAIL)
        if ended.code == 0:
            break
    assert ended.code == 0, ended.err
    broken = tmp_path / "broken.toml"
    broken.write_text("speed = 3\nread_lag = [3]", encoding="utf-8")
    error = refused(cli, "sandbox", "reset", "--with", str(broken), code=2)
    assert "speed: no such key" in error["message"]
    assert "read_lag.1: one more value is wanted" in error["message"]
    assert refused(cli, "sandbox", "reset", "--with", "nowhere.toml", code=2)
