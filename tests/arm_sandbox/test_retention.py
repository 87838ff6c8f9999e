"""What a world forgets with time, and how large it can get."""

from __future__ import annotations

import pytest

from arm_sandbox import retention
from arm_sandbox import world as worlds
from arm_sandbox.arm import record
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, wait

DAY = 86400


def test_the_activity_log_goes_back_ninety_days(world: World) -> None:
    first = world.events[0]
    wait(world, 89 * DAY)
    record(world, GROUP, "Microsoft.Resources/subscriptions/resourceGroups/write", "Succeeded")
    ask(world, "GET", GROUP)
    assert world.events[0] is first
    wait(world, 2 * DAY)
    ask(world, "GET", GROUP)
    assert [event["eventTimestamp"][:10] for event in world.events] == ["2027-02-20"]


def test_the_activity_log_keeps_its_newest_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_EVENTS", 3)
    for status in ("a", "b", "c", "d"):
        record(world, GROUP, "x/write", status)
    ask(world, "GET", GROUP)
    assert [event["status"]["value"] for event in world.events] == ["b", "c", "d"]


def test_an_operation_can_be_polled_for_a_day(world: World) -> None:
    deleting = ask(world, "DELETE", GROUP)
    assert finish(world, deleting).status == 200
    wait(world, DAY - 400)
    assert finish(world, deleting).status == 200
    wait(world, 800)
    assert finish(world, deleting).status == 404
    assert world.operations == {}


def test_what_goes_on_is_never_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_OPERATIONS", 0)
    deleting = ask(world, "DELETE", GROUP)
    ask(world, "GET", GROUP)
    assert len(world.operations) == 1
    assert finish(world, deleting).status == 404
    assert ask(world, "GET", GROUP).status == 404


def test_names_that_were_freed_long_ago_are_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MANY_FREED", 1)
    world.freed = {"old": world.now - DAY, "new": world.now}
    ask(world, "GET", GROUP)
    assert world.freed.keys() == {"new"}


def test_what_was_drawn_last_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "MOST_DRAWS", 2)
    world = World()
    first = [world.draw("often", "x") for _ in range(2)]
    for number in range(5):
        world.draw(f"once {number}", "x")
        first.append(world.draw("often", "x"))
    assert len(set(first)) == 7
    assert len(world.draws) == 2
