"""The tables of Resource Graph: what stands, and versions of rows that come and go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox import tables
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, wait

MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm-1"
ASSESSMENT = f"{MACHINE}/patchAssessmentResults/latest"
TYPE = "Microsoft.Compute/virtualMachines/patchAssessmentResults"


def shown(world: World, table: str = "patchassessmentresources") -> list[Any]:
    return [row["properties"]["status"] for row in tables.rows(world, table)]


def publish(world: World, status: str, lag: float = 0, keep: float = 100, id: str = "") -> None:
    row = {"id": id or ASSESSMENT, "type": TYPE, "properties": {"status": status}}
    tables.publish(world, "patchassessmentresources", row, lag, keep)


def test_a_row_is_seen_after_its_lag_and_forgotten_later(world: World) -> None:
    publish(world, "Succeeded", lag=10, keep=30)
    assert shown(world) == []
    wait(world, 10)
    assert shown(world) == ["Succeeded"]
    wait(world, 20)
    assert shown(world) == []
    assert world.published["patchassessmentresources"] == {}


def test_of_one_id_the_last_version_that_is_visible_is_seen(world: World) -> None:
    publish(world, "first")
    publish(world, "second", lag=20)
    publish(world, "third", lag=10, id=ASSESSMENT.lower())
    assert shown(world) == ["first"]
    wait(world, 10)
    assert shown(world) == ["third"]
    wait(world, 10)
    assert shown(world) == ["third"], "an older version does not come back"


def test_withdrawn_rows_go_and_new_ones_come(world: World) -> None:
    publish(world, "one", id=f"{ASSESSMENT}/softwarePatches/1")
    publish(world, "two", id=f"{ASSESSMENT}/softwarePatches/2")
    publish(world, "kept", id=f"{MACHINE}0/patchAssessmentResults/latest")
    tables.withdraw(world, "patchassessmentresources", ASSESSMENT, lag=5)
    publish(world, "anew", lag=5, id=f"{ASSESSMENT}/softwarePatches/2")
    assert shown(world) == ["one", "two", "kept"]
    wait(world, 5)
    assert shown(world) == ["anew", "kept"]


def test_what_follows_from_the_id_is_filled_in(world: World) -> None:
    publish(world, "Succeeded")
    [row] = tables.rows(world, "patchassessmentresources")
    assert row["subscriptionId"] == SUBSCRIPTION.rsplit("/", 1)[1]
    assert (row["resourceGroup"], row["tenantId"]) == ("rg-test", world.tenant)
    assert row["type"] == TYPE.lower()


def test_rows_outlive_saving(world: World) -> None:
    publish(world, "Succeeded", lag=1)
    again = World.from_json(json.loads(world.saved()))
    again.now += 1
    assert shown(again) == ["Succeeded"]


def test_a_world_saved_before_there_were_rows_is_read(world: World) -> None:
    saved = json.loads(world.saved())
    del saved["published"]
    assert World.from_json(saved).published == {}


def test_a_table_that_is_not_there_is_refused(world: World) -> None:
    row = {"id": ASSESSMENT, "type": TYPE}
    with pytest.raises(KeyError):
        tables.publish(world, "patches", row, 0, 1)


def test_a_column_that_no_table_has_is_refused(world: World) -> None:
    row = {"id": ASSESSMENT, "type": TYPE, "propertys": {}}
    with pytest.raises(ValueError, match="propertys"):
        tables.publish(world, "patchassessmentresources", row, 0, 1)


def test_what_stands_lags_where_a_world_is_told_to(world: World) -> None:
    world.options.list_lag = (30.0, 30.0)
    world.add(Resource(MACHINE, "Microsoft.Compute/virtualMachines", {"location": "eastus"}))
    assert list(tables.rows(world, "resources")) == []
    wait(world, 30)
    assert len(list(tables.rows(world, "resources"))) == 1


def test_what_stands_is_in_its_table(world: World) -> None:
    power = {"power": "running"}
    kind = "Microsoft.Compute/virtualMachines"
    world.add(Resource(MACHINE, kind, {"location": "eastus", "tags": {"a": "b"}}, power))
    assignment = f"{MACHINE}/providers/Microsoft.Maintenance/configurationAssignments/A"
    world.add(Resource(assignment, "Microsoft.Maintenance/configurationAssignments", {}))
    [machine] = tables.rows(world, "resources")
    assert (machine["id"], machine["type"]) == (MACHINE, kind.lower())
    assert (machine["location"], machine["tags"]) == ("eastus", {"a": "b"})
    view = machine["properties"]["extended"]["instanceView"]
    assert view["powerState"]["code"] == "PowerState/running"
    assert "extended" not in world.resources[MACHINE.lower()].properties
    [assigned] = tables.rows(world, "maintenanceresources")
    assert assigned["id"] == assignment.lower()
    containers = [row["type"] for row in tables.rows(world, "resourcecontainers")]
    assert containers == [
        "microsoft.resources/subscriptions",
        "microsoft.resources/subscriptions/resourcegroups",
    ]


def test_only_what_the_caller_may_read_is_shown(world: World) -> None:
    publish(world, "hidden")
    publish(world, "open", id=f"{MACHINE}0/patchAssessmentResults/latest")
    found = tables.rows(world, "patchassessmentresources", lambda id: "vm-10" in id)
    assert [row["properties"]["status"] for row in found] == ["open"]
