"""The machines of a deployment, and what Resource Graph and the history tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from patchctl import observation, queries, standing
from patchctl.graph import Graph
from patchctl.history import History
from patchctl.observation import Assessment, Machine, Row, Run, moment
from patchctl.queries import Fleet
from patchctl.status import EARLY, REMEMBERED, LastRun, Status, judged

if TYPE_CHECKING:
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

T = TypeVar("T")


@dataclass(frozen=True)
class Sight:
    """What was seen of a fleet at one moment."""

    machines: tuple[Machine, ...]
    assessments: tuple[Assessment, ...]
    runs: tuple[Run, ...]


def of(deployment: Deployment) -> Fleet:
    """The machine that deploy makes, or yours."""
    machines = deployment.known_machines if deployment.own else deployment.patched
    here = (deployment.subscription, *(machine.subscription for machine in machines))
    return Fleet(
        configurations=deployment.configuration_ids,
        named=tuple(machine.id for machine in machines),
        subscriptions=tuple(dict.fromkeys(here)),
    )


async def status(clients: Clients, deployment: Deployment, history: History) -> Status:
    """How the machines stand; what was seen for it goes into the history."""
    now, fleet = deployment.now, of(deployment)
    graph = Graph(clients, fleet.subscriptions)
    schedules = await standing.schedules(clients, deployment)
    closed = schedules[0].closed_window(now)
    sight = await look(graph, fleet, closed.utc - EARLY if closed else now - REMEMBERED)
    runs = await _all(
        graph, queries.schedule_runs(fleet, now - REMEMBERED), observation.schedule_run
    )
    remember(history, sight)
    history.merge(now, updates=False)
    return judged(
        schedules,
        sight.machines,
        sight.assessments,
        last_runs(history),
        runs,
        named=fleet.named,
        reboot=deployment.config.patches.reboot,
        now=now,
    )


async def collect(
    clients: Clients, deployment: Deployment, history: History, since: datetime
) -> None:
    """Take everything that Azure knows into the history, down to the single update.

    Updates are many: they go into the history page by page, and are never held all at once.
    """
    now, fleet = deployment.now, of(deployment)
    graph, since = Graph(clients, fleet.subscriptions), max(since, now - REMEMBERED)
    remember(history, await look(graph, fleet, since))
    for query in (queries.pending(fleet), queries.installations(fleet, since)):
        async for page in graph.rows(query):
            history.saw([observation.update(row) for row in page])
    history.merge(now, updates=True)


async def look(graph: Graph, fleet: Fleet, since: datetime) -> Sight:
    """The machines, their latest assessments and their runs since then."""
    machines = await _all(graph, queries.machines(fleet), observation.machine)
    assessments = await _all(graph, queries.assessments(fleet), observation.assessment)
    runs = await _all(graph, queries.runs(fleet, since), observation.run)
    turns = await _all(graph, queries.turns(fleet, since), observation.turn)
    return Sight(
        tuple(machines),
        tuple(each for each in assessments if each is not None),
        observation.joined(runs, turns),
    )


def remember(history: History, sight: Sight) -> None:
    for things in (sight.machines, sight.assessments, sight.runs):
        history.saw(things)


def last_runs(history: History) -> dict[str, LastRun]:
    """Each machine's last run, from as far back as the history goes."""
    # SQLite takes the other columns from the row that has the maximum.
    query = """SELECT machine.id, status, max(coalesce(ended, started)), exceeded, error
    FROM run JOIN machine ON machine.key = run.machine GROUP BY machine.key"""
    return {
        id: LastRun(status, at, bool(exceeded), error)
        for id, status, ended, exceeded, error in history.rows(query)
        if (at := moment(ended)) is not None
    }


async def _all(graph: Graph, query: str, read: Callable[[Row], T]) -> list[T]:
    return [read(row) async for page in graph.rows(query) for row in page]
