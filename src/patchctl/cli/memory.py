"""What is kept of a deployment on this machine, and how commands come by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.history import History

HISTORIES = "history"
MACHINES = "machines"
"""The directories of each kind, below where patchctl keeps its state."""


@contextmanager
def history(c: Command, connection: Connection, deployment: Deployment) -> Iterator[History]:
    """One history for a subscription and a deployment; the sandbox keeps its own with its world."""
    from patchctl.history import History

    file = _kept(HISTORIES, connection, deployment) / f"{deployment.name}.sqlite"
    opened = History(file, c.say)
    try:
        yield opened
    finally:
        opened.close()


def keep_machines(c: Command, connection: Connection, deployment: Deployment) -> None:
    """Remember how the machines are that are about to be changed, beside what Azure keeps."""
    from patchctl import memories
    from patchctl.steps import patch_settings

    found = connection.run(patch_settings.memories(connection.clients, deployment))
    if found:
        file = _machines_file(connection, deployment)
        memories.keep(file, deployment.suffix, found)
        place = "their tags" if deployment.config.machine_tags else "their deployment's group"
        c.say(f"How the machines were is kept in {place} and in {file}")


def keep_remembered(connection: Connection, deployment: Deployment) -> Path:
    """Keep what is known of how machines were, before it goes: the group takes along what it
    remembers, and a machine that is left may lose its tag. The file is there if anything is."""
    from patchctl import memories
    from patchctl.steps.patch_settings import memory

    known = {m.id.lower(): memory(deployment, m) for m in deployment.known_machines}
    found = {id: remembers for id, remembers in known.items() if remembers is not None}
    file = _machines_file(connection, deployment)
    if found or deployment.noted:
        memories.keep(file, deployment.suffix, {**deployment.noted, **found})
    return file


def _machines_file(connection: Connection, deployment: Deployment) -> Path:
    name = f"{deployment.name}-{deployment.suffix}.json"
    return _kept(MACHINES, connection, deployment) / name


def _kept(kind: str, connection: Connection, deployment: Deployment) -> Path:
    """The sandbox keeps its own with its world."""
    from patchctl.cli.command import sandbox_directory, state_directory

    directory = sandbox_directory() if connection.sandbox else state_directory()
    cloud = urlsplit(connection.clients.cloud.endpoint).hostname or "unknown"
    return directory / kind / cloud / deployment.subscription
