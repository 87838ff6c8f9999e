"""Virtual time: an event loop whose clock jumps to the next timer when nothing is ready."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(RuntimeError):
    """Nothing is ready and nothing is scheduled: on a real clock this would wait for ever."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of sleeping, adds the timeout to a number (and sleeps a fraction of it if paced)."""

    def __init__(self, start: float, pace: float) -> None:
        super().__init__()
        self.now = start
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("nothing is ready and nothing is scheduled")
        if timeout > 0:
            # Seconds since 1970 leave a float 0.2 µs: the clock must move even by less than that.
            self.now = max(self.now + timeout, math.nextafter(self.now, math.inf))
            if self._pace:
                time.sleep(timeout / self._pace)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is the world's clock, in seconds since 1970; waiting costs nothing.

    `pace` virtual seconds take one real second, for people who want to watch; 0 does not wait.
    No thread and no real I/O may be used on this loop: it would run away while they work.
    """

    def __init__(self, start: float, pace: float = 0.0) -> None:
        self._jumping = _JumpingSelector(start, pace)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, T], start: float, pace: float = 0.0) -> T:
    """Run a coroutine in virtual time that begins at `start`."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start, pace)) as runner:
        return runner.run(main)
