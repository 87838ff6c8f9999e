"""A connection to the sandbox or to Azure, a deployment on it, and the engine at hand."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchctl import engine
from patchctl.clients import Clients, Connection, connect_to_azure, connect_to_sandbox, find
from patchctl.deployment import Deployment
from patchctl.engine import Limits
from patchctl.layers import Layer
from patchctl.offers import with_offer
from patchctl.report import Event, Inspection, StepReport
from patchctl.resolving import resolve
from patchctl.steps import Step
from tests.arm_sandbox.conftest import NOON
from tests.conftest import SUBSCRIPTION
from tests.patchctl.shell import Cli

if TYPE_CHECKING:
    from arm_sandbox.wire import Request, Response

EMAIL = "ops@example.com"


@dataclass
class Place:
    """Where a test works, and what it has written there; on Azure nobody counts."""

    connection: Connection
    deployment: Deployment
    writes: list[str] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        return self.connection.clients

    def inspect(self, step: Step) -> Inspection:
        async def look() -> Inspection:
            return await step.inspect(self.clients, self.deployment)

        return self.connection.run(look())

    def deploy(self, *steps: Step) -> list[StepReport]:
        run, clients, deployment = self.connection.run, self.clients, self.deployment
        plan = run(engine.inspect(steps, clients, deployment, ignore, Limits()))
        return run(engine.deploy(steps, clients, deployment, plan, ignore, Limits()))

    def destroy(self, steps: Sequence[Step]) -> list[StepReport]:
        run, clients, deployment = self.connection.run, self.clients, self.deployment
        plan = run(engine.inspect(steps, clients, deployment, ignore, Limits()))
        return run(engine.destroy(steps, clients, deployment, plan, ignore, Limits()))


def ignore(event: Event) -> None:
    """Nobody watches."""


@pytest.fixture(autouse=True)
def _today(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new world begins on the same day, whenever the tests are run."""
    if not request.config.getoption("--live"):
        monkeypatch.setattr(time, "time", lambda: NOON)


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A new deployment of which nothing stands; whatever a test leaves on Azure is deleted."""
    live = bool(request.config.getoption("--live"))
    writes: list[str] = []

    def watch(asked: Request, response: Response) -> None:
        if asked.method not in ("GET", "HEAD"):
            writes.append(f"{asked.method} {asked.path}")

    way = (
        connect_to_azure("public", None, os.environ[SUBSCRIPTION])
        if live
        else connect_to_sandbox(tmp_path, None, watch=(watch,))
    )
    with way as connection:
        place = Place(connection, _deployment(connection, live=live), writes)
        yield place
        if live:
            connection.run(delete_group(place))


def _deployment(connection: Connection, *, live: bool) -> Deployment:
    name = f"contract-{secrets.token_hex(3)}" if live else "contract"
    layer = Layer("the test", {"name": name, "emails": [EMAIL]}, {})
    clients = connection.clients
    deployment = connection.run(
        resolve(clients, [layer], connection.me, connection.clock(), connection.draw_suffix)
    )
    return connection.run(with_offer(clients, deployment))


async def delete_group(place: Place) -> None:
    groups, name = place.clients.resources.resource_groups, place.deployment.group
    if await find(groups.get(name)) is not None:
        await (await groups.begin_delete(name)).result()


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A shell in a folder of its own, with a new sandbox."""
    monkeypatch.setenv("PATCHCTL_SANDBOX", "1")
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, capsys)
