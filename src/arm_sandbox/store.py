"""Where a world lives between commands: one JSON file and an outbox, in a directory of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from arm_sandbox.mail import message
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World


class WorldInUse(RuntimeError):
    """Another process works in this world."""


class Store:
    """A directory with `world.json` and `outbox/*.eml`. `opened()` holds the lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "world.json"
        self.outbox = directory / "outbox"

    @contextmanager
    def locked(self, wait: float = 10.0) -> Iterator[None]:
        """Keep other processes out; raises WorldInUse after `wait` seconds."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.directory / "world.lock", timeout=wait):
                yield
        except Timeout:
            raise WorldInUse(f"the sandbox in {self.directory} is in use") from None

    def load(self) -> World:
        """The saved world, or a new one whose clock starts at the real time.

        Raises ValueError when the file is damaged or of another version of the sandbox.
        """
        if not self.file.exists():
            return World(now=float(int(time.time())))
        return World.from_json(json.loads(self.file.read_text(encoding="utf-8")))

    def save(self, world: World) -> None:
        """Write atomically: a crash leaves the old world or the new one, never half of one."""
        self._write(self.file, json.dumps(world.to_json(), separators=(",", ":")).encode())
        for mail in world.mails:
            file = self.outbox / mail["file"]
            if not file.exists():
                self._write(file, bytes(message(mail)))

    def saver(self, world: World) -> Callable[[Request, Response], None]:
        """A watcher for the transport that saves before a write is answered."""

        def save(request: Request, response: Response) -> None:
            if request.method not in ("GET", "HEAD"):
                self.save(world)

        return save

    def clear(self) -> None:
        """Forget the world and its mails."""
        self.file.unlink(missing_ok=True)
        for mail in self.outbox.glob("*.eml"):
            mail.unlink()

    def _write(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f".{file.name}.new")
        half.write_bytes(content)
        os.replace(half, file)
