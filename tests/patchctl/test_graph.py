"""Asking Resource Graph: every row once, a page for a thousand, and never over the quota."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import queries
from patchctl.clients import Connection, connect_to_sandbox
from patchctl.graph import PAGE, SUBSCRIPTIONS, Graph, pause
from patchctl.observation import Row
from patchctl.queries import Fleet
from tests.fleets import SUBSCRIPTION, add_machines

CONFIGURATION = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Maintenance/c"
FLEET = Fleet((CONFIGURATION,), (), (SUBSCRIPTION.rsplit("/", 1)[1],))
MACHINES = 2 * PAGE + 5
SECOND = "5a4d0000-0000-4000-8000-000000000002"


@dataclass
class Asked:
    """A connection, and what the service answered to it."""

    connection: Connection
    statuses: list[int] = field(default_factory=list)

    def rows(self, query: str, *subscriptions: str) -> list[Row]:
        graph = Graph(self.connection.clients, subscriptions or FLEET.subscriptions)

        async def ask() -> list[Row]:
            return [row async for page in graph.rows(query) for row in page]

        return self.connection.run(ask())


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    statuses: list[int] = []

    def watch(request: Request, response: Response) -> None:
        if "ResourceGraph" in request.path:
            statuses.append(response.status)

    world = World(now=1_795_435_200.0)
    world.subscriptions[SECOND] = "Second"
    add_machines(world, CONFIGURATION, MACHINES, patches=0)
    Store(tmp_path).save(world)
    with connect_to_sandbox(tmp_path, None, watch=(watch,)) as connection:
        yield Asked(connection, statuses)


def test_every_row_comes_once_in_pages_of_a_thousand(asked: Asked) -> None:
    rows = asked.rows(queries.machines(FLEET))
    assert len({row["id"] for row in rows}) == len(rows) == MACHINES
    assert asked.statuses == [200] * 3


def test_the_quota_is_waited_for(asked: Asked) -> None:
    graph = Graph(asked.connection.clients, FLEET.subscriptions)

    async def ask_often() -> None:
        for _ in range(20):
            async for _ in graph.rows("resources | project id | take 1 | order by id asc"):
                pass

    asked.connection.run(ask_often())
    assert asked.statuses == [200] * 20


def test_many_subscriptions_are_asked_about_in_batches(asked: Asked) -> None:
    others = [f"{n:08x}-0000-4000-8000-000000000002" for n in range(SUBSCRIPTIONS - 1)]
    rows = asked.rows(queries.machines(FLEET), *FLEET.subscriptions, *others, SECOND)
    assert len(rows) == MACHINES
    assert asked.statuses == [200] * 4


def test_machines_of_other_schedules_are_none_of_ours(asked: Asked) -> None:
    other = Fleet((CONFIGURATION + "2",), (), FLEET.subscriptions)
    assert asked.rows(queries.machines(other)) == []
    named = Fleet(other.configurations, (f"{SUBSCRIPTION}/x",), FLEET.subscriptions)
    assert asked.rows(queries.machines(named)) == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"x-ms-user-quota-remaining": "3", "x-ms-user-quota-resets-after": "00:00:05"}, 0),
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"}, 3),
        ({"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:01:00"}, 60),
        ({"x-ms-user-quota-remaining": "0"}, 5),
        ({"x-ms-user-quota-remaining": "odd", "x-ms-user-quota-resets-after": "odd"}, 0),
    ],
)
def test_the_pause_is_what_the_headers_say(headers: dict[str, str], seconds: float) -> None:
    assert pause(headers) == seconds
