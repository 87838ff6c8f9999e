"""Who serves a world: a note in its directory, as long as a server runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from arm_sandbox import private


@dataclass(frozen=True)
class Serving:
    """A server, as others on the same machine have to know it."""

    url: str
    process: int
    tenant: str
    subscription: str
    speed: float


def directory_in(sandbox: Path) -> Path:
    """Where the server keeps certificates, keys and its note, beside the world."""
    return sandbox / "server"


def serving(sandbox: Path) -> Serving | None:
    """The note, if there is one. After a crash it is stale until the world is next locked."""
    try:
        return Serving(**json.loads(_note(sandbox).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def announced(sandbox: Path, told: Serving) -> Iterator[None]:
    """Let others know, until the end."""
    private.write(_note(sandbox), json.dumps(asdict(told)))
    try:
        yield
    finally:
        forget(sandbox)


def forget(sandbox: Path) -> None:
    """Take the note away: the server has ended, perhaps without a word."""
    _note(sandbox).unlink(missing_ok=True)


def _note(sandbox: Path) -> Path:
    return directory_in(sandbox) / "serving.json"
