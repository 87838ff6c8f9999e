"""Virtual time: fast, in order, and never stuck in silence."""

from __future__ import annotations

import asyncio
import time

import pytest

from arm_sandbox import clock
from arm_sandbox.clock import Stuck

START = 1_795_435_200.0


def test_hours_pass_in_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(10 * 3600)
        return clock.now()

    began = time.monotonic()
    assert clock.run(main(), START) == pytest.approx(START + 36_000, abs=0.001)
    assert time.monotonic() - began < 1


def test_the_clock_begins_at_its_start() -> None:
    async def main() -> float:
        return clock.now()

    assert clock.run(main(), START) == START


def test_timers_go_off_in_their_order() -> None:
    heard: list[tuple[str, int]] = []

    async def after(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        heard.append((name, round(clock.now() - START)))

    async def main() -> None:
        await asyncio.gather(after("late", 60), after("early", 5), after("middle", 30))

    clock.run(main(), START)
    assert heard == [("early", 5), ("middle", 30), ("late", 60)]


def test_a_deadline_is_virtual() -> None:
    async def main() -> None:
        async with asyncio.timeout(600):
            await asyncio.sleep(601)

    with pytest.raises(TimeoutError):
        clock.run(main(), START)


def test_waiting_for_nothing_is_an_error() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        clock.run(main(), START)


def test_a_pace_takes_real_time() -> None:
    async def main() -> None:
        await asyncio.sleep(100)

    began = time.monotonic()
    clock.run(main(), START, pace=1000)
    assert 0.1 <= time.monotonic() - began < 2


def test_a_real_loop_has_no_virtual_present() -> None:
    async def main() -> float:
        return clock.now()

    with pytest.raises(RuntimeError, match="VirtualLoop"):
        asyncio.run(main())
