"""Work on many things: what happens to the others where one fails, or Ctrl-C is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from patchctl.many import AT_ONCE, each, together

Way = Callable[["Work", int], Coroutine[Any, Any, list[int]]]
MANY = 2 * AT_ONCE


@dataclass
class Work:
    """The first of its parts fails at once; the others end what they have begun, as requests do."""

    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    async def part(self, number: int) -> int:
        self.begun.append(number)
        if number == 0:
            raise LookupError("0")
        end = asyncio.ensure_future(self._end(number))
        try:
            await asyncio.shield(end)
        except asyncio.CancelledError:
            await end
            raise
        return number

    async def _end(self, number: int) -> None:
        await asyncio.sleep(0.01 * (number % 3 + 1))
        self.ended.append(number)


async def by_each(work: Work, first: int) -> list[int]:
    return await each(range(first, MANY), work.part)


async def by_together(work: Work, first: int) -> list[int]:
    return await together(*(work.part(number) for number in range(first, MANY)))


WAYS = pytest.mark.parametrize("way", [by_each, by_together])


@WAYS
def test_the_results_come_in_order(way: Way) -> None:
    assert asyncio.run(way(Work(), 1)) == list(range(1, MANY))


@WAYS
def test_what_is_begun_has_ended_when_an_error_is_told(way: Way) -> None:
    work = Work()
    with pytest.raises(LookupError):
        asyncio.run(way(work, 0))
    assert sorted(work.ended) == sorted(work.begun)[1:]


def test_after_an_error_nothing_is_begun() -> None:
    work = Work()
    with pytest.raises(LookupError):
        asyncio.run(by_each(work, 0))
    assert max(work.begun) < AT_ONCE


@WAYS
def test_what_is_begun_has_ended_when_ctrl_c_is_told(way: Way) -> None:
    work = Work()

    async def interrupted() -> None:
        task = asyncio.ensure_future(way(work, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert len(work.begun) >= AT_ONCE
    assert sorted(work.ended) == sorted(work.begun)
