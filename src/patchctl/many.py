"""The same work on many things: so many at once, and one that fails stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from patchctl.errors import Final, Partly, PatchctlError
from patchctl.translation import translated

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 16
Watch = Callable[[int, int], None]
watching: ContextVar[Watch | None] = ContextVar("watching", default=None)
"""Who is told how many of how many are done, in the step that is running."""


@dataclass(frozen=True)
class Failure:
    """What could not be done, and why."""

    of: str
    error: PatchctlError

    def __str__(self) -> str:
        return f"{self.of}: {self.error.told}"


def require_all(step: str, failed: Sequence[Failure]) -> None:
    """Raises Partly where something could not be done."""
    if failed:
        passing = any(not isinstance(failure.error, Final) for failure in failed)
        raise Partly([str(failure) for failure in failed], step=step, passing=passing)


async def together(*work: Awaitable[R]) -> list[R]:
    """The results in order. All of it has ended by then, be it that some of it has failed, or that
    Ctrl-C was pressed: nothing goes on writing while the error is told."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return [result for result in ended if not isinstance(result, BaseException)]


async def each(things: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The results in order. After an error nothing new is begun, and what was is let end."""
    gate, found, failed = asyncio.Semaphore(AT_ONCE), dict[int, R](), list[Exception]()

    async def one(place: int, thing: T) -> None:
        async with gate:
            if failed:
                return
            try:
                found[place] = await work(thing)
            except Exception as error:
                failed.append(error)

    await together(*(one(place, thing) for place, thing in enumerate(things)))
    if failed:
        raise failed[0]
    return [found[place] for place in sorted(found)]


async def try_each(
    things: Sequence[T], work: Callable[[T], Coroutine[Any, Any, None]], called: Callable[[T], str]
) -> list[Failure]:
    """Work on all of them, and tell what failed."""

    done, watch = count(1), watching.get()

    async def one(thing: T) -> Failure | None:
        try:
            await translated(work(thing))
        except PatchctlError as error:
            return Failure(called(thing), error)
        finally:
            if watch is not None:
                watch(next(done), len(things))
        return None

    return [failure for failure in await each(things, one) if failure is not None]
