"""Virtual time: an event loop whose clock jumps to the next timer when nothing is ready."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PAST_THE_TIMER = 1e-6
"""A jump lands just behind its timer: a float of many seconds cannot hold asyncio's nanosecond of
tolerance, and a timer met exactly would be waited for again and again."""


class Stuck(RuntimeError):
    """Nothing is ready and nothing is scheduled: on a real clock this would wait for ever."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of sleeping, adds the timeout to a number (and sleeps a fraction of it if paced)."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self.elapsed = 0.0
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("nothing is ready and nothing is scheduled")
        if timeout > 0:
            self.elapsed += timeout + PAST_THE_TIMER
            if self._pace:
                time.sleep(timeout / self._pace)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual seconds since the loop was made, `now` virtual seconds since 1970.

    `pace` virtual seconds take one real second, for people who want to watch; 0 does not wait.
    No thread and no real I/O may be used on this loop: it would run away while they work.
    """

    def __init__(self, start: float, pace: float = 0.0) -> None:
        self._jumping = _JumpingSelector(pace)
        self._start = start
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed

    @property
    def now(self) -> float:
        return self._start + self.time()


def now() -> float:
    """The present of the running virtual loop, in seconds since 1970."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError("the sandbox transport works on a VirtualLoop only; see clock.run")
    return loop.now


def run(main: Coroutine[Any, Any, T], start: float, pace: float = 0.0) -> T:
    """Run a coroutine in virtual time that begins at `start`, in seconds since 1970."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start, pace)) as runner:
        return runner.run(main)
