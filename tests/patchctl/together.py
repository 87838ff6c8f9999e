"""Several commands at once in one process, on one world: which request comes next is drawn.

Each command runs in a thread of its own, as a shell runs it, but only one thread moves at a time,
and all coroutines run on one virtual loop. So a seed replays an interleaving exactly.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from arm_sandbox.clock import VirtualLoop
from arm_sandbox.transport import SandboxCredential, SandboxResponse, SandboxTransport
from arm_sandbox.world import World
from patchctl import clients
from patchctl.cli import main
from patchctl.clients import Clients, Connection
from patchctl.clouds import CLOUDS

T = TypeVar("T")
SHORT, LONG = 2.0, 120.0
"""Seconds that a request may be late, mostly and now and then."""
NOW_AND_THEN = 0.03


class Dawdling(SandboxTransport):
    """Some requests come late, as on a bad line or from a laptop that has slept."""

    def __init__(self, world: World, draw: random.Random) -> None:
        super().__init__(world)
        self._draw = draw

    async def send(self, request: Any, **kwargs: Any) -> SandboxResponse:
        most = LONG if self._draw.random() < NOW_AND_THEN else SHORT
        await asyncio.sleep(self._draw.uniform(0, most))
        return await super().send(request, **kwargs)


@dataclass
class Handed:
    """What a thread has handed over to the loop, or its exit code when it has ended."""

    main: Coroutine[Any, Any, Any] | None
    code: int = -1
    task: asyncio.Task[Any] | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Together:
    """Where commands meet. In place of an `asyncio.Runner` it hands their work to one loop."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._draw = random.Random(seed)
        self._loop = VirtualLoop(world.now)
        self._inbox: queue.Queue[Handed] = queue.Queue()

    def __enter__(self) -> Together:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.close()

    def get_loop(self) -> VirtualLoop:
        return self._loop

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        handed = Handed(main)
        self._inbox.put(handed)
        handed.done.wait()
        assert handed.task is not None
        result: T = handed.task.result()
        return result

    @contextmanager
    def connect(self, directory: Path, asked: str | None, *_: object) -> Iterator[Connection]:
        """In place of `clients.connect_to_sandbox`."""
        world = self.world
        transport = Dawdling(world, self._draw)
        mine = Clients(SandboxCredential(world), transport, CLOUDS["public"])
        connection = Connection(
            cast(asyncio.Runner, self),
            mine,
            clock=lambda: datetime.fromtimestamp(int(self._loop.now), UTC),
            draw_suffix=lambda: world.guid("suffix")[:6],
            sandbox=True,
        )
        subscription = asked or next(iter(world.subscriptions))
        connection.run(clients._sign_in(connection, subscription))
        yield connection

    def play(self, *commands: tuple[str, ...]) -> list[int]:
        """Run them all at once; their exit codes, in their order."""
        codes = [-1] * len(commands)
        streams = sys.stdout, sys.stderr
        waiting = [self._begun(command, codes, at) for at, command in enumerate(commands)]
        while running := [handed for handed in waiting if handed.main is not None]:
            tasks = [handed.task for handed in running if handed.task is not None]
            self._loop.run_until_complete(asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
            first = next(h for h in running if h.task is not None and h.task.done())
            first.done.set()
            waiting[waiting.index(first)] = self._next()
        sys.stdout, sys.stderr = streams
        self.world.now = max(self.world.now, self._loop.now)
        return codes

    def _begun(self, command: tuple[str, ...], codes: list[int], at: int) -> Handed:
        def work() -> None:
            try:
                main(list(command))
            except SystemExit as end:
                codes[at] = int(end.code or 0)
            finally:
                self._inbox.put(Handed(None))

        threading.Thread(target=work).start()
        return self._next()

    def _next(self) -> Handed:
        """What the thread that moves has to say next; meanwhile nothing else moves."""
        handed = self._inbox.get(timeout=60)
        if handed.main is not None:
            handed.task = self._loop.create_task(handed.main)
        return handed
