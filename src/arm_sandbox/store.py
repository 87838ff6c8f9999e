"""Where a world lives between commands: one JSON file and an outbox, in a directory of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic_core import from_json

from arm_sandbox import serving
from arm_sandbox.serving import Serving
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World


class WorldInUse(RuntimeError):
    """Another process works in this world: `server`, or a command that will soon have ended."""

    def __init__(self, directory: Path, server: Serving | None) -> None:
        how = f"served at {server.url} (process {server.process})" if server else "in use"
        super().__init__(f"the sandbox in {directory} is {how}")
        self.server = server


class Store:
    """A directory with `world.json` and `outbox/*.eml`. `opened()` holds the lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "world.json"
        self.outbox = directory / "outbox"
        self._posted = 0

    @contextmanager
    def locked(self, wait: float = 10.0) -> Iterator[None]:
        """Keep other processes out. Raises WorldInUse: at once for a server, or after `wait`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        server = serving.serving(self.directory)
        try:
            with FileLock(self.directory / "world.lock", timeout=0 if server else wait):
                serving.forget(self.directory)
                yield
        except Timeout:
            raise WorldInUse(self.directory, server) from None

    def server(self) -> Serving | None:
        """Who serves the world, if somebody does."""
        try:
            with self.locked(wait=0):
                return None
        except WorldInUse as error:
            return error.server

    def load(self) -> World:
        """The saved world, or a new one whose clock starts at the real time.

        Raises ValueError when the file is damaged or of another version of the sandbox.
        """
        if not self.file.exists():
            return World(now=float(int(time.time())))
        return World.from_json(from_json(self.file.read_bytes()))

    def save(self, world: World) -> None:
        """Write atomically: a crash leaves the old world or the new one, never half of one."""
        self.snapshot(world)()

    def snapshot(self, world: World) -> Callable[[], None]:
        """Take the world as it is; what comes back writes it, in another thread if need be."""
        content = world.saved().encode()
        unposted = world.mails[self._posted :]

        def write() -> None:
            self._write(self.file, content)
            for mail in unposted:
                self._post(mail)
            self._posted += len(unposted)

        return write

    def _post(self, mail: dict[str, Any]) -> None:
        from arm_sandbox.mail import message  # what most commands on a world do not need

        file = self.outbox / mail["file"]
        if not file.exists():
            self._write(file, bytes(message(mail)))

    def saver(self, world: World) -> Callable[[Request, Response], None]:
        """A watcher for the transport that saves before a write is answered."""

        def save(request: Request, response: Response) -> None:
            if request.method not in ("GET", "HEAD") and not request.is_query:
                self.save(world)

        return save

    def clear(self) -> None:
        """Forget the world and its mails."""
        self._posted = 0
        self.file.unlink(missing_ok=True)
        for mail in self.outbox.glob("*.eml"):
            mail.unlink()

    def _write(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f".{file.name}.new")
        half.write_bytes(content)
        os.replace(half, file)
