"""Asking Resource Graph: every row once, a page for a thousand, and never over the quota."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import fleet, queries
from patchctl.clients import Connection, connect_to_sandbox
from patchctl.graph import PAGE, SUBSCRIPTIONS, Graph, pause
from patchctl.history import History
from patchctl.layers import Layer
from patchctl.observation import Row
from patchctl.queries import Fleet
from patchctl.resolving import resolve
from tests.fleets import SUBSCRIPTION, add_machines

CONFIGURATION = f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Maintenance/c"
FLEET = Fleet((CONFIGURATION,), (), (SUBSCRIPTION.rsplit("/", 1)[1],))
MACHINES = 2 * PAGE + 5
CONSTANT = 7
"""Queries that a command may ask more than its rows fill pages: the last page of each kind."""
SECOND = "5a4d0000-0000-4000-8000-000000000002"


@dataclass
class Asked:
    """A connection, and what the service answered to it."""

    connection: Connection
    world: World
    statuses: list[int] = field(default_factory=list)
    rows_told: list[int] = field(default_factory=list)

    def rows(self, query: str, *subscriptions: str) -> list[Row]:
        graph = Graph(self.connection.clients, subscriptions or FLEET.subscriptions)

        async def ask() -> list[Row]:
            return [row async for page in graph.rows(query) for row in page]

        return self.connection.run(ask())


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    statuses: list[int] = []
    rows_told: list[int] = []

    def watch(request: Request, response: Response) -> None:
        if request.is_query:
            statuses.append(response.status)
            rows_told.append(response.body["count"] if isinstance(response.body, dict) else 0)

    world = World(now=1_795_435_200.0)
    world.subscriptions[SECOND] = "Second"
    add_machines(world, CONFIGURATION, MACHINES, patches=0)
    Store(tmp_path).save(world)
    with connect_to_sandbox(tmp_path, None, watch=(watch,)) as connection:
        transport: Any = connection.clients.transport
        yield Asked(connection, transport.world, statuses, rows_told)


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


@pytest.mark.slow
def test_status_and_report_ask_once_for_a_thousand_rows_and_a_few_times_more(
    asked: Asked, tmp_path: Path
) -> None:
    connection = asked.connection
    layer = Layer("the test", {"name": "fleet", "emails": ["ops@example.com"]}, {})
    deployment = connection.run(
        resolve(
            connection.clients, [layer], connection.me, connection.clock(), connection.draw_suffix
        )
    )
    add_machines(asked.world, deployment.maintenance_configuration_id, MACHINES, patches=2)
    since = deployment.now - timedelta(days=30)
    for look in (
        lambda history: fleet.status(connection.clients, deployment, history),
        lambda history: fleet.collect(connection.clients, deployment, history, since),
    ):
        asked.rows_told.clear()
        history = History(tmp_path / "history.sqlite", pytest.fail)
        connection.run(look(history))
        assert set(asked.statuses) == {200}
        assert len(asked.rows_told) <= sum(asked.rows_told) / PAGE + CONSTANT
        assert sum(asked.rows_told) >= 3 * MACHINES
        assert list(history.rows("SELECT sum(here) FROM machine")) == [(MACHINES,)]
        history.close()


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
