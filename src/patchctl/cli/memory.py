"""Where the history of a deployment is kept, and how a command opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.history import History

HISTORIES = "history"
"""The directory of all of them, below where patchctl keeps its state."""


@contextmanager
def history(c: Command, connection: Connection, deployment: Deployment) -> Iterator[History]:
    """One history for a subscription and a deployment; the sandbox keeps its own with its world."""
    from patchctl.cli.command import sandbox_directory, state_directory
    from patchctl.history import History

    directory = sandbox_directory() if connection.sandbox else state_directory()
    cloud = urlsplit(connection.clients.cloud.endpoint).hostname or "unknown"
    file = directory / HISTORIES / cloud / deployment.subscription / f"{deployment.name}.sqlite"
    opened = History(file, c.say)
    try:
        yield opened
    finally:
        opened.close()
