"""Writes that fail although nothing is wrong with them, in a world that was told so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox.options import Failure
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, wait
from tests.arm_sandbox.test_authorization import NSG
from tests.arm_sandbox.test_compute import API, MACHINE, get, make_interface, put, windows

NETWORK = "2024-05-01"
GROUPS = "Microsoft.Network/networkSecurityGroups"
MACHINES = "Microsoft.Compute/virtualMachines"
CONFIGURATION = f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/mc"
ACTION_GROUP = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag"


def make(world: World, id: str = NSG) -> Any:
    return ask(world, "PUT", id, {"location": "eastus"}, version=NETWORK)


def test_an_operation_ends_failed_and_so_does_what_it_was_about(world: World) -> None:
    make_interface(world, outbound=True)
    world.options.failures = [Failure(MACHINES)]
    response = put(world, windows())
    assert response.status == 201
    ended = finish(world, response)
    assert (ended.status, ended.body["status"]) == (200, "Failed")
    assert ended.body["error"]["code"] == "AllocationFailed"
    machine = get(world)
    assert machine["properties"]["provisioningState"] == "Failed"
    view = ask(world, "GET", f"{MACHINE}/instanceView", version=API).body
    assert [status["code"] for status in view["statuses"]] == ["ProvisioningState/failed"]
    failed = [event for event in world.events if event["status"]["value"] == "Failed"]
    assert [event["operationName"]["value"] for event in failed] == [f"{MACHINES}/write"]
    assert finish(world, put(world, windows())).body["status"] == "Succeeded"


def test_an_operation_is_canceled_by_a_more_recent_one(world: World) -> None:
    world.options.failures = [Failure(GROUPS, status="Canceled")]
    ended = finish(world, make(world))
    assert ended.body["status"] == "Canceled"
    assert ended.body["error"]["code"] == "OperationPreempted"
    state = ask(world, "GET", NSG, version=NETWORK).body["properties"]["provisioningState"]
    assert state == "Canceled"


def test_a_deletion_that_fails_leaves_what_it_should_have_deleted(world: World) -> None:
    finish(world, make(world))
    world.options.failures = [Failure(GROUPS, on="delete", code="Busy", message="Not now.")]
    ended = finish(world, ask(world, "DELETE", NSG, version=NETWORK))
    assert ended.body == {"status": "Failed", "error": {"code": "Busy", "message": "Not now."}}
    wait(world, 600)
    assert ask(world, "GET", NSG, version=NETWORK).status == 200
    assert ask(world, "DELETE", NSG, version=NETWORK).status == 202


def test_the_nth_attempt_and_so_many_more_fail(world: World) -> None:
    world.options.failures = [Failure(GROUPS, nth=2, times=2)]
    ends = [finish(world, make(world, f"{NSG}{n}")).body["status"] for n in range(5)]
    assert ends == ["Succeeded", "Failed", "Failed", "Succeeded", "Succeeded"]


def test_some_attempts_fail_by_a_chance_that_the_seed_decides() -> None:
    def ends(seed: str) -> list[str]:
        world = World(seed=seed, now=1.8e9)
        world.options.failures = [Failure(GROUPS, share=0.5)]
        ask(world, "PUT", GROUP, {"location": "eastus"})
        return [finish(world, make(world, f"{NSG}{n}")).body["status"] for n in range(12)]

    assert set(ends("a")) == {"Failed", "Succeeded"}
    assert ends("a") == ends("a") != ends("b")


@pytest.mark.parametrize(
    ("type", "path", "version", "key"),
    [
        ("Microsoft.Maintenance/maintenanceConfigurations", CONFIGURATION, "2023-04-01", "Error"),
        ("Microsoft.Insights/actionGroups", ACTION_GROUP, "2023-01-01", ""),
    ],
)
def test_what_takes_effect_at_once_is_answered_with_500_in_its_providers_shape(
    world: World, type: str, path: str, version: str, key: str
) -> None:
    world.options.failures = [Failure(type)]
    short = {"groupShortName": "ag", "enabled": True}
    scope = {"maintenanceScope": "Host"}
    properties = short if "actionGroups" in type else scope
    body = {"location": "eastus" if key else "Global", "properties": properties}
    refused = ask(world, "PUT", path, body, version=version)
    assert (refused.status, refused.headers["x-ms-failure-cause"]) == (500, "service")
    said = {k.lower(): v for k, v in (refused.body[key] if key else refused.body).items()}
    assert said["code"] == "InternalServerError"
    assert said["message"].startswith("Encountered an internal server error. The tracking id is '")
    assert ask(world, "GET", path, version=version).status == 404
    assert ask(world, "PUT", path, body, version=version).status < 300


def test_an_error_may_have_no_code(world: World) -> None:
    type = "Microsoft.Maintenance/maintenanceConfigurations"
    world.options.failures = [Failure(type, message="An error has occurred.")]
    body = {"location": "eastus", "properties": {"maintenanceScope": "Host"}}
    refused = ask(world, "PUT", CONFIGURATION, body, version="2023-04-01")
    assert (refused.status, refused.body) == (500, {"Message": "An error has occurred."})


def test_how_often_something_was_tried_is_not_forgotten(world: World) -> None:
    world.options.failures = [Failure(GROUPS, nth=2)]
    finish(world, make(world))
    again = World.from_json(json.loads(world.saved()))
    assert finish(again, make(again, f"{NSG}2")).body["status"] == "Failed"
