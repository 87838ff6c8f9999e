"""The engine, on steps that are nothing but a name, a duration and a state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import pytest
from azure.core.exceptions import HttpResponseError

from arm_sandbox import clock
from patchctl import engine
from patchctl.actions import Needed
from patchctl.clients import Clients
from patchctl.clouds import CLOUDS
from patchctl.config import layered
from patchctl.deployment import Deployment
from patchctl.engine import Limits
from patchctl.errors import Exit, Foreign, PatchctlError, Stopped
from patchctl.report import (
    Event,
    Finding,
    Inspection,
    Outcome,
    Started,
    State,
    StepReport,
    not_ours,
)
from patchctl.sign_in import Identity

NOON = 1_795_435_200.0
CLIENTS = Clients(cast(Any, None), cast(Any, None), CLOUDS["public"])
DEPLOYMENT = Deployment(
    layered([]), "", "", Identity("you", "1", "2"), datetime.fromtimestamp(NOON, UTC)
)
LIMITS = Limits()
T = TypeVar("T")


@dataclass
class Thing:
    """A step that takes `seconds` and writes down when it began and ended."""

    NAME: str
    NEEDS: tuple[str, ...] = ()
    seconds: float = 1.0
    state: State = State.ABSENT
    afterwards: State = State.READY
    gone: State = State.ABSENT
    error: Exception | None = None
    log: list[tuple[str, float]] = field(default_factory=list)
    ACTIONS: tuple[Needed, ...] = ()

    async def inspect(self, clients: Clients, deployment: Deployment) -> Inspection:
        ids = (f"/{self.NAME}",)
        return not_ours(ids) if self.state is State.FOREIGN else Inspection(self.state, ids)

    async def apply(self, clients: Clients, deployment: Deployment) -> None:
        await self._work()
        self.state = self.afterwards

    async def destroy(self, clients: Clients, deployment: Deployment) -> None:
        await self._work()
        self.state = self.gone

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        self.log.append(("begin", round(loop.time(), 3)))
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.log.append(("end", round(loop.time(), 3)))

    @property
    def began(self) -> float:
        return self.log[0][1]

    @property
    def ended(self) -> float:
        return self.log[1][1]


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    return clock.run(main, NOON)


def ignore(event: Event) -> None: ...


async def deployed(
    things: Sequence[Thing],
    limits: Limits = LIMITS,
    notify: Callable[[Event], None] = ignore,
    meanwhile: Callable[[], None] = lambda: None,
) -> dict[str, Outcome]:
    plan = await engine.inspect(things, CLIENTS, DEPLOYMENT, ignore, limits)
    meanwhile()
    reports = await engine.deploy(things, CLIENTS, DEPLOYMENT, plan, notify, limits)
    return {report.step: report.outcome for report in reports}


async def destroyed(
    things: Sequence[Thing],
    deployment: Deployment = DEPLOYMENT,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[StepReport]:
    plan = await engine.inspect(things, CLIENTS, deployment, ignore, LIMITS)
    meanwhile()
    return await engine.destroy(things, CLIENTS, deployment, plan, ignore, LIMITS)


def stopped(main: Coroutine[Any, Any, Any]) -> tuple[PatchctlError, dict[str, Outcome]]:
    with pytest.raises(Stopped) as error:
        in_virtual_time(main)
    reports = error.value.reports
    return error.value.error, {report.step: report.outcome for report in reports}


def test_a_step_starts_when_what_it_needs_is_done() -> None:
    ground, left, right = (
        Thing("ground"),
        Thing("left", ("ground",), 5),
        Thing("right", ("ground",)),
    )
    roof = Thing("roof", ("left", "right"))
    outcomes = in_virtual_time(deployed([ground, left, right, roof]))
    assert set(outcomes.values()) == {Outcome.CREATED}
    assert left.began == right.began >= ground.ended
    assert right.ended < left.ended <= roof.began


def test_independent_steps_overlap() -> None:
    things = [Thing(name, (), 10) for name in "abc"]
    in_virtual_time(deployed(things))
    assert [thing.began for thing in things] == [0, 0, 0]


def test_one_at_a_time_is_the_plain_order() -> None:
    things = [Thing("a", (), 3), Thing("b", ("a",)), Thing("c"), Thing("d", ("b",))]
    started: list[str] = []

    def notify(event: Event) -> None:
        if isinstance(event, Started):
            started.append(event.step)

    in_virtual_time(deployed(things, Limits(parallelism=1), notify))
    assert started == ["a", "b", "c", "d"]
    ends = [thing.ended for thing in things[:-1]]
    assert all(then.began >= end for end, then in zip(ends, things[1:], strict=True))


def test_no_more_at_once_than_allowed() -> None:
    things = [Thing(name, (), 10) for name in "abcde"]
    in_virtual_time(deployed(things, Limits(parallelism=2)))
    assert [thing.began // 10 for thing in things] == [0, 0, 1, 1, 2]


def test_what_is_ready_is_left_alone() -> None:
    thing = Thing("a", state=State.READY)
    assert in_virtual_time(deployed([thing])) == {"a": Outcome.UNCHANGED}
    assert thing.log == []


def test_what_differs_is_updated() -> None:
    assert in_virtual_time(deployed([Thing("a", state=State.DIFFERS)])) == {"a": Outcome.UPDATED}


def test_a_failure_lets_what_runs_end_and_starts_nothing_more() -> None:
    bad = Thing("bad", (), 2, error=PatchctlError("Broken", "It broke."))
    long, after, other = Thing("long", (), 30), Thing("after", ("bad",)), Thing("other", ("long",))
    error, outcomes = stopped(deployed([bad, long, after, other]))
    assert (error.code, error.step) == ("Broken", "bad")
    assert outcomes == {
        "bad": Outcome.FAILED,
        "long": Outcome.CREATED,
        "after": Outcome.SKIPPED,
        "other": Outcome.SKIPPED,
    }
    assert list(outcomes) == ["bad", "long", "after", "other"]
    assert long.state is State.READY
    assert after.log == other.log == []


def test_a_refusal_by_the_sdk_is_a_failure_like_any_other() -> None:
    bad = Thing("bad", error=HttpResponseError("It is locked."))
    long = Thing("long", (), 30)
    error, outcomes = stopped(deployed([bad, long, Thing("after", ("bad",))]))
    assert (error.message, error.step) == ("It is locked.", "bad")
    assert list(outcomes.values()) == [Outcome.FAILED, Outcome.CREATED, Outcome.SKIPPED]


def test_the_plan_that_was_shown_is_the_plan_that_is_written() -> None:
    thing = Thing("a")

    def somebody_else() -> None:
        thing.state = State.DIFFERS

    error, outcomes = stopped(deployed([thing], meanwhile=somebody_else))
    assert (error.code, outcomes) == ("PlanChanged", {"a": Outcome.FAILED})
    assert thing.log == []


def test_somebody_else_may_have_done_it_meanwhile() -> None:
    thing = Thing("a")

    def somebody_else() -> None:
        thing.state = State.READY

    assert in_virtual_time(deployed([thing], meanwhile=somebody_else)) == {"a": Outcome.UNCHANGED}
    assert thing.log == []


def test_what_the_run_itself_has_upset_is_not_somebody_elses_change() -> None:
    wall = Thing("wall", ("ground",), state=State.READY)

    class Shaking(Thing):
        async def apply(self, clients: Clients, deployment: Deployment) -> None:
            await super().apply(clients, deployment)
            wall.state = State.DIFFERS

    ground = Shaking("ground", state=State.ABSENT)
    outcomes = in_virtual_time(deployed([ground, wall]))
    assert outcomes == {"ground": Outcome.CREATED, "wall": Outcome.UPDATED}


def test_what_changes_while_something_else_is_updated_is_somebody_elses_change() -> None:
    wall = Thing("wall", ("ground",), state=State.READY)

    class Shaking(Thing):
        async def apply(self, clients: Clients, deployment: Deployment) -> None:
            await super().apply(clients, deployment)
            wall.state = State.DIFFERS

    error, _ = stopped(deployed([Shaking("ground", state=State.DIFFERS), wall]))
    assert (error.code, error.step) == ("PlanChanged", "wall")


def test_an_unexpected_fault_in_a_step_is_an_error_of_that_step() -> None:
    class Broken(Thing):
        async def apply(self, clients: Clients, deployment: Deployment) -> None:
            raise RuntimeError("oh")

    error, outcomes = stopped(deployed([Broken("a"), Thing("b")]))
    assert (error.code, error.step) == ("Unexpected", "a")
    assert outcomes == {"a": Outcome.FAILED, "b": Outcome.CREATED}


def test_what_turned_foreign_meanwhile_is_not_touched() -> None:
    wall = Thing("wall", ("ground",), state=State.DIFFERS)

    class Giving(Thing):
        async def apply(self, clients: Clients, deployment: Deployment) -> None:
            await super().apply(clients, deployment)
            wall.state = State.FOREIGN

    error, _ = stopped(deployed([Giving("ground"), wall]))
    assert error.code == "Foreign"
    assert "apply" not in " ".join(map(str, wall.log))


def test_what_does_not_stand_after_it_was_written_is_told() -> None:
    error, outcomes = stopped(deployed([Thing("a", afterwards=State.DIFFERS)]))
    assert (error.code, outcomes) == ("NotMade", {"a": Outcome.FAILED})


def test_what_is_wrong_after_it_was_written_is_named() -> None:
    finding = Finding("patchMode", "AutomaticByPlatform", "Manual", False)

    class Stubborn(Thing):
        async def inspect(self, clients: Clients, deployment: Deployment) -> Inspection:
            return Inspection(State.DIFFERS, ("/a",), (finding,))

    error, _ = stopped(deployed([Stubborn("a")]))
    assert "patchMode is Manual, not AutomaticByPlatform" in error.message


def test_a_step_has_its_time() -> None:
    slow, quick = Thing("slow", (), 7200), Thing("quick")
    error, outcomes = stopped(deployed([slow, quick], Limits(timeout=3600)))
    assert (error.code, error.step) == ("TimedOut", "slow")
    assert "60 minutes" in error.message
    assert outcomes == {"slow": Outcome.FAILED, "quick": Outcome.CREATED}


def test_what_is_in_progress_is_waited_for() -> None:
    thing = Thing("a", state=State.IN_PROGRESS)

    async def main() -> dict[str, Outcome]:
        def done() -> None:
            thing.state = State.READY

        asyncio.get_running_loop().call_later(60, done)
        return await deployed([thing])

    assert in_virtual_time(main()) == {"a": Outcome.UNCHANGED}
    assert thing.log == []


def test_nothing_is_written_where_something_is_not_ours() -> None:
    mine, foreign = Thing("mine"), Thing("foreign", state=State.FOREIGN)
    with pytest.raises(Foreign) as error:
        in_virtual_time(deployed([mine, foreign]))
    assert (error.value.step, error.value.resource) == ("foreign", "/foreign")
    assert error.value.exit is Exit.BELONGS_TO_SOMEBODY_ELSE
    assert mine.log == foreign.log == []


def test_who_is_interrupted_lets_what_is_in_hand_come_to_its_end() -> None:
    class InHand(Thing):
        async def apply(self, clients: Clients, deployment: Deployment) -> None:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                await asyncio.sleep(3)
                self.log.append(("end", round(asyncio.get_running_loop().time())))
                raise

    thing = InHand("in hand")

    async def main() -> list[tuple[str, float]]:
        working = asyncio.ensure_future(deployed([thing]))
        await asyncio.sleep(1)
        working.cancel()
        with pytest.raises(Stopped):
            await working
        return list(thing.log)

    assert in_virtual_time(main()) == [("end", 4)]


def test_destroy_goes_backwards() -> None:
    ground = Thing("ground", state=State.READY)
    wall = Thing("wall", ("ground",), 5, State.READY)
    roof = Thing("roof", ("wall",), state=State.READY)
    absent, foreign = Thing("absent"), Thing("foreign", state=State.FOREIGN)
    reports = in_virtual_time(destroyed([ground, wall, roof, absent, foreign]))
    assert {report.step: report.outcome for report in reports} == {
        "ground": Outcome.DELETED,
        "wall": Outcome.DELETED,
        "roof": Outcome.DELETED,
        "absent": Outcome.ABSENT,
        "foreign": Outcome.LEFT,
    }
    assert roof.ended <= wall.began < wall.ended <= ground.began
    assert absent.log == foreign.log == []


@pytest.mark.parametrize(("wait", "outcome"), [(True, Outcome.DELETED), (False, Outcome.DELETING)])
def test_a_deletion_of_which_nobody_is_told_is_seen_to_its_end(
    *, wait: bool, outcome: Outcome
) -> None:
    """An answer may not say where to ask; only the ground need not be waited for."""
    ground = Thing("ground", state=State.READY, gone=State.IN_PROGRESS)
    wall = Thing("wall", ("ground",), state=State.READY, gone=State.IN_PROGRESS)

    async def main() -> list[StepReport]:
        for thing in (ground, wall):
            asyncio.get_running_loop().call_later(
                1800 if thing is ground else 600, setattr, thing, "state", State.ABSENT
            )
        return await destroyed([ground, wall], replace(DEPLOYMENT, wait=wait))

    reports = in_virtual_time(main())
    assert {r.step: r.outcome for r in reports} == {"ground": outcome, "wall": Outcome.DELETED}
    assert ground.began >= wall.ended + 600 - wall.seconds


def test_what_was_seen_is_gone_only_when_a_second_look_says_so() -> None:
    """A read may reach a region that does not know of it."""
    ground, wall = Thing("ground", state=State.READY), Thing("wall", state=State.READY)

    def meanwhile() -> None:
        ground.state = wall.state = State.ABSENT
        asyncio.get_running_loop().call_later(2, setattr, ground, "state", State.READY)

    reports = in_virtual_time(destroyed([ground, wall], meanwhile=meanwhile))
    assert {report.step: report.outcome for report in reports} == {
        "ground": Outcome.DELETED,
        "wall": Outcome.ABSENT,
    }


def test_what_still_stands_is_not_called_gone() -> None:
    """And what it stands on stays, for whoever tries again."""
    ground = Thing("ground", state=State.READY)
    wall = Thing("wall", ("ground",), state=State.READY, gone=State.READY)
    error, outcomes = stopped(destroyed([ground, wall]))
    assert (error.code, error.step, error.resource) == ("StillThere", "wall", "/wall")
    assert outcomes == {"ground": Outcome.SKIPPED, "wall": Outcome.FAILED}
    assert ground.log == []


def test_what_is_interrupted_is_named() -> None:
    done, busy, later = Thing("done"), Thing("busy", (), 600), Thing("later", ("busy",))

    async def main() -> None:
        task = asyncio.create_task(deployed([done, busy, later]))
        await asyncio.sleep(30)
        task.cancel()
        await task

    error, outcomes = stopped(main())
    assert error.exit is Exit.INTERRUPTED
    assert error.message == (
        "Interrupted while at work on busy. Done: done. "
        "Nothing that this run began is under way in Azure."
    )
    assert outcomes["done"] is Outcome.CREATED
    assert outcomes["later"] is Outcome.SKIPPED
