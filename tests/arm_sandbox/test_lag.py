"""Reads and lists that lag behind what was written, in a world that was told to do so."""

from __future__ import annotations

import json

import pytest

from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait
from tests.arm_sandbox.test_authorization import NSG

NETWORK = "2024-05-01"
NEW = f"{SUBSCRIPTION}/resourceGroups/rg-new"


@pytest.fixture
def lagging(world: World) -> World:
    """Reads lag ten seconds behind, lists thirty."""
    world.options.read_lag, world.options.list_lag = (10.0, 10.0), (30.0, 30.0)
    return world


def make(world: World, **tags: str) -> int:
    body = {"location": "eastus", "tags": tags}
    return ask(world, "PUT", NSG, body, version=NETWORK).status


def status(world: World, path: str = NSG) -> int:
    return ask(world, "GET", path, version=NETWORK).status


def listed(world: World, path: str = f"{GROUP}/resources") -> list[str]:
    return [item["name"] for item in ask(world, "GET", path).body["value"]]


def test_what_was_made_is_not_found_at_once_and_listed_later_still(lagging: World) -> None:
    assert make(lagging) == 201
    missing = ask(lagging, "GET", NSG, version=NETWORK)
    assert (missing.status, missing.body["error"]["code"]) == (404, "ResourceNotFound")
    wait(lagging, 11)
    assert (status(lagging), listed(lagging)) == (200, [])
    wait(lagging, 20)
    assert listed(lagging) == ["nsg"]


def test_what_was_deleted_is_found_a_little_longer(lagging: World) -> None:
    make(lagging)
    wait(lagging, 60)
    ask(lagging, "DELETE", NSG, version=NETWORK)
    wait(lagging, 15)
    assert ask(lagging, "DELETE", NSG, version=NETWORK).status == 204
    wait(lagging, 10)
    assert (status(lagging), listed(lagging)) == (404, ["nsg"])
    wait(lagging, 20)
    assert listed(lagging) == []


def test_tags_are_stale_for_a_while(lagging: World) -> None:
    make(lagging, color="red")
    wait(lagging, 60)
    make(lagging, color="blue")
    assert ask(lagging, "GET", NSG, version=NETWORK).body["tags"] == {"color": "red"}
    wait(lagging, 11)
    assert ask(lagging, "GET", NSG, version=NETWORK).body["tags"] == {"color": "blue"}
    assert ask(lagging, "GET", f"{GROUP}/resources").body["value"][0]["tags"] == {"color": "red"}


def test_a_new_group_is_not_known_to_those_who_write_into_it(lagging: World) -> None:
    ask(lagging, "PUT", NEW, {"location": "eastus"})
    assert ask(lagging, "HEAD", NEW).status == 404
    inside = NSG.replace(GROUP, NEW)
    refused = ask(lagging, "PUT", inside, {"location": "eastus"}, version=NETWORK)
    assert (refused.status, refused.body["error"]["code"]) == (404, "ResourceGroupNotFound")
    wait(lagging, 11)
    assert ask(lagging, "HEAD", NEW).status == 204
    assert ask(lagging, "PUT", inside, {"location": "eastus"}, version=NETWORK).status == 201
    assert listed(lagging, f"{SUBSCRIPTION}/resourcegroups") == ["rg-test"]


def test_a_deleted_group_takes_nothing_in_though_it_is_still_seen(lagging: World) -> None:
    ask(lagging, "DELETE", GROUP)
    while lagging.find(GROUP) is not None:
        wait(lagging, 1)
        assert status(lagging, GROUP) == 200
    assert status(lagging, GROUP) == 200
    assert make(lagging) == 404
    wait(lagging, 31)
    assert status(lagging, GROUP) == 404


def test_a_lagging_world_comes_back_as_it_was_and_forgets_what_is_over(lagging: World) -> None:
    make(lagging)
    again = World.from_json(json.loads(lagging.saved()))
    assert status(again) == 404
    wait(again, 60)
    assert status(again) == 200
    make(again, color="red")
    assert list(again.past) == [NSG.lower()]


def test_nothing_is_kept_where_nothing_lags(world: World) -> None:
    make(world)
    assert (status(world), listed(world), world.past) == (200, ["nsg"], {})
