"""Ctrl-C, and whatever else asks a process to end: once to finish what is in hand, twice to stop.

SIGTERM is what schedulers and containers send, Ctrl-Break is a Windows console's. On Windows
nothing else can be heeded: who ends a process from outside ends it at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
Handler = Callable[[int, FrameType | None], Any]

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


@contextmanager
def heeding(handler: Handler) -> Iterator[None]:
    """Give the signals to a handler; those that our caller lets us ignore stay ignored.

    Python gives signals to the main thread only, so in another one nothing is heeded.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        asked = [n for n in SIGNALS if signal.getsignal(n) not in (signal.SIG_IGN, None)]
        before = {number: signal.signal(number, handler) for number in asked}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


def run(runner: asyncio.Runner, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine. The first signal cancels it, the second raises KeyboardInterrupt."""
    import asyncio  # which --help does without

    tasks: list[asyncio.Task[Any] | None] = []

    async def noted() -> T:
        tasks.append(asyncio.current_task())
        return await main

    def interrupt(number: int, frame: FrameType | None) -> None:
        task = tasks[0] if tasks else None
        if task is None or task.cancelling():
            raise KeyboardInterrupt
        task.cancel()
        runner.get_loop().call_soon_threadsafe(lambda: None)  # wakes a loop that waits

    with heeding(interrupt):
        return runner.run(noted())
