from __future__ import annotations

import pytest

from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC, a Monday


@pytest.fixture
def world() -> World:
    """A world with the group `rg-test` and every provider registered."""
    world = World(now=NOON)
    for namespace in ("Maintenance", "Insights", "ManagedIdentity", "OperationalInsights"):
        world.registrations[f"{SUBSCRIPTION[15:]}/microsoft.{namespace}".lower()] = "Registered"
    assert ask(world, "PUT", GROUP, {"location": "eastus"}).status == 201
    wait(world, 1)
    return world
