"""Runs steps: inspects them, makes them so in order, takes them away in reverse.

Idempotence, ownership and post-conditions are enforced here, once for all steps. The engine knows
neither Azure's models nor the terminal; what happens it tells as events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from patchctl.errors import Foreign, Interrupted, Partly, PatchctlError, Stopped, unexpected
from patchctl.many import watching
from patchctl.remembered import tags_back
from patchctl.report import (
    Event,
    Finished,
    Inspection,
    Outcome,
    Progressed,
    Started,
    State,
    StepReport,
)
from patchctl.translation import translated

if TYPE_CHECKING:
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment
    from patchctl.operations import Operations
    from patchctl.steps import Step

Plan = Mapping[str, Inspection]
Notify = Callable[[Event], None]
Work = Callable[["Step"], Coroutine[Any, Any, StepReport]]
Look = Callable[[], Awaitable[Inspection]]

PLAN_CHANGED = "PlanChanged"
DONE = (Outcome.CREATED, Outcome.UPDATED, Outcome.PARTLY, Outcome.DELETED, Outcome.DELETING)
LOOK_AGAIN = 5.0
"""Seconds between two looks at something that is in progress."""
SHOWN_WITHIN = 60.0
"""Seconds that Azure may take to show what was written: a read may reach a region that does not
know of it yet (terraform-provider-azurerm#18268)."""


@dataclass(frozen=True)
class Limits:
    """How many steps may run at once, and how many seconds one may take."""

    parallelism: int = 8
    timeout: float = 3600.0


async def inspect(
    steps: Sequence[Step], clients: Clients, deployment: Deployment, notify: Notify, limits: Limits
) -> Plan:
    """Look at every step, all at once; nothing is written."""

    async def look(step: Step) -> StepReport:
        inspection = await step.inspect(clients, deployment)
        return _report(step, inspection.change, inspection)

    operations = clients.operations
    reports = await _run(steps, look, notify, limits, operations, needs=lambda step: ())
    return {report.step: report.inspection for report in reports}


async def deploy(
    steps: Sequence[Step],
    clients: Clients,
    deployment: Deployment,
    plan: Plan,
    notify: Notify,
    limits: Limits,
) -> list[StepReport]:
    """Make every step so, each once what it needs stands. Writes the plan shown, or stops."""
    refuse_foreign(plan, deployment)
    writing = any(inspection.writes for inspection in plan.values())
    created: set[str] = set()

    async def make(step: Step) -> StepReport:
        planned = plan[step.NAME]
        if not writing:
            return _report(step, planned.change, planned)
        found = await _settled(step, clients, deployment)
        refuse_foreign({step.NAME: found}, deployment)
        _require_as_planned(step, planned, found, upset=bool(created.intersection(step.NEEDS)))
        if not found.writes:
            return _report(step, found.change, found)
        outcome = Outcome.CREATED if found.change is Outcome.CREATE else Outcome.UPDATED
        if outcome is Outcome.CREATED:
            created.add(step.NAME)
        if partly := await _partly(step.apply(clients, deployment)):
            return _reported(step, partly, await _settled(step, clients, deployment))
        after = await _until(partial(_settled, step, clients, deployment), _is_made)
        refuse_foreign({step.NAME: after}, deployment)
        return _report(step, outcome, _require_ready(step, after))

    operations = clients.operations
    return await _run(steps, make, notify, limits, operations, needs=lambda step: step.NEEDS)


async def destroy(
    steps: Sequence[Step],
    clients: Clients,
    deployment: Deployment,
    plan: Plan,
    notify: Notify,
    limits: Limits,
) -> list[StepReport]:
    """Take away what the steps made, each once what needs it is gone.

    Where the same work again may do what is left of a step, the ground stays that it stands on, and
    with it what is remembered.
    """
    grounds, kept = {step.NAME for step in steps if not step.NEEDS}, set[str]()
    shown = {name for name, inspection in plan.items() if inspection.stands}

    async def take_away(step: Step) -> StepReport:
        found = await _seen(step, clients, deployment, stood=step.NAME in shown)
        if step.NAME in kept or (found.foreign and not found.stands):
            return _report(step, Outcome.LEFT, found)
        if step.destroy is None or not found.stands:
            return _report(step, Outcome.ABSENT, found)
        if partly := await _partly(step.destroy(clients, deployment)):
            kept.update(grounds.intersection(step.NEEDS) if partly.passing else ())
            return _reported(step, partly, await step.inspect(clients, deployment))
        waits = step.NAME not in grounds or deployment.wait
        after = await _until(partial(_left, step, clients, deployment, waits), _is_going)
        if not after.stands:
            return _report(step, Outcome.LEFT if after.foreign else Outcome.DELETED, after)
        if after.state is State.IN_PROGRESS:
            return _report(step, Outcome.DELETING, after)
        if step.NAME not in grounds:
            raise _still_there(step, after)
        return _report(step, Outcome.LEFT, after)

    def needed_by(step: Step) -> tuple[str, ...]:
        return tuple(other.NAME for other in steps if step.NAME in other.NEEDS)

    backwards, operations = list(reversed(steps)), clients.operations
    return await _run(backwards, take_away, notify, limits, operations, needs=needed_by)


def refuse_foreign(plan: Plan, deployment: Deployment) -> None:
    """Raises Foreign if something that is not ours stands where a step would put its own."""
    for step, inspection in plan.items():
        for id in inspection.foreign:
            message = "; ".join(inspection.notes)
            cure = f"{tags_back(id, deployment.name)} See what is yours: patchctl list"
            hint = "" if id == deployment.keeper_id else cure
            raise Foreign("Foreign", message, hint, step=step, resource=id)


async def _run(
    steps: Sequence[Step],
    work: Work,
    notify: Notify,
    limits: Limits,
    operations: Operations,
    needs: Callable[[Step], Sequence[str]],
) -> list[StepReport]:
    """Start steps in order as soon as what they need is done, `parallelism` at once.

    After a failure nothing new is started, and what runs is finished.
    """
    waiting, running = list(steps), dict[asyncio.Task[StepReport], "Step"]()
    reports: dict[str, StepReport] = {}
    names = {step.NAME for step in steps}
    error: PatchctlError | None = None
    try:
        while running or (waiting and error is None):
            startable = [s for s in waiting if not (names & set(needs(s))) - set(reports)]
            for step in startable[: limits.parallelism - len(running)] if error is None else ():
                waiting.remove(step)
                running[asyncio.create_task(_timed(step, work, notify, limits))] = step
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                step = running.pop(task)
                report, failure = _ended(step, task)
                reports[step.NAME] = report
                error = error or failure
                notify(Finished(report))
    except asyncio.CancelledError:
        for step in running.values():
            reports[step.NAME] = StepReport(step.NAME, Outcome.INTERRUPTED, 0.0)
        await _let_end(running)
        ordered = _all_reports(steps, reports)
        raise Stopped(_interrupted(ordered, operations), ordered) from None
    ordered = _all_reports(steps, reports)
    if error is not None:
        raise Stopped(error, ordered)
    return ordered


async def _timed(step: Step, work: Work, notify: Notify, limits: Limits) -> StepReport:
    loop = asyncio.get_running_loop()
    started = loop.time()
    notify(Started(step.NAME))
    watching.set(lambda done, total: notify(Progressed(step.NAME, done, total)))
    try:
        async with asyncio.timeout(limits.timeout):
            report = await translated(work(step))
    except TimeoutError:
        raise _timed_out(step, limits) from None
    except PatchctlError as error:
        error.seconds = loop.time() - started
        raise
    return replace(report, seconds=loop.time() - started)


def _timed_out(step: Step, limits: Limits) -> PatchctlError:
    error = PatchctlError(
        "TimedOut",
        f"{step.NAME} was not done within {limits.timeout / 60:.0f} minutes; "
        "Azure may still be at work on it.",
        step=step.NAME,
    )
    error.seconds = limits.timeout
    return error


def _ended(step: Step, task: asyncio.Task[StepReport]) -> tuple[StepReport, PatchctlError | None]:
    error = task.exception()
    if error is None:
        return task.result(), None
    if not isinstance(error, PatchctlError):
        error = unexpected(error)
    error.step = error.step or step.NAME
    return StepReport(step.NAME, Outcome.FAILED, error.seconds), error


async def _let_end(running: Iterable[asyncio.Task[StepReport]]) -> None:
    """Let the requests in hand end; nothing new is asked."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _interrupted(reports: Sequence[StepReport], operations: Operations) -> Interrupted:
    """Say what stands, what was being done, and what Azure goes on with."""
    done = ", ".join(report.step for report in reports if report.outcome in DONE)
    broken_off = ", ".join(r.step for r in reports if r.outcome is Outcome.INTERRUPTED)
    said = f"Interrupted while at work on {broken_off}." if broken_off else "Interrupted."
    return Interrupted(
        "Interrupted", f"{said} {f'Done: {done}. ' if done else ''}{operations.told}"
    )


def _all_reports(steps: Sequence[Step], reports: Mapping[str, StepReport]) -> list[StepReport]:
    """A report for every step, those that were not reached included, in the steps' order."""
    skipped = {step.NAME: StepReport(step.NAME, Outcome.SKIPPED, 0.0) for step in steps}
    return list({**skipped, **reports}.values())


def _report(step: Step, outcome: Outcome, inspection: Inspection) -> StepReport:
    return StepReport(step.NAME, outcome, 0.0, inspection)


def _reported(step: Step, partly: Partly, found: Inspection) -> StepReport:
    """What a step could not do for some of its machines stops nothing else."""
    return _report(step, Outcome.PARTLY, replace(found, notes=partly.failures))


async def _partly(work: Awaitable[None]) -> Partly | None:
    try:
        await work
    except Partly as partly:
        return partly
    return None


async def _settled(step: Step, clients: Clients, deployment: Deployment) -> Inspection:
    """Look, and look again while something is in progress; `_timed` bounds it."""
    while True:
        found = await step.inspect(clients, deployment)
        if found.state is not State.IN_PROGRESS:
            return found
        await asyncio.sleep(LOOK_AGAIN)


async def _seen(step: Step, clients: Clients, deployment: Deployment, *, stood: bool) -> Inspection:
    """Look; where it stood a moment ago one read that does not show it proves nothing."""
    found = await step.inspect(clients, deployment)
    if found.stands or not stood:
        return found
    await asyncio.sleep(LOOK_AGAIN)
    return await step.inspect(clients, deployment)


async def _left(step: Step, clients: Clients, deployment: Deployment, waits: bool) -> Inspection:
    """What is there of a step that was taken away; who waits sees its deletion end."""
    if waits:
        return await _settled(step, clients, deployment)
    return await step.inspect(clients, deployment)


async def _until(look: Look, shows: Callable[[Inspection], bool]) -> Inspection:
    """Look until it shows what was written, or has had the time to."""
    loop = asyncio.get_running_loop()
    patience = loop.time() + SHOWN_WITHIN
    while True:
        began = loop.time()
        found = await look()
        if shows(found) or began >= patience:
            return found
        await asyncio.sleep(LOOK_AGAIN)


def _is_going(found: Inspection) -> bool:
    return not found.stands or found.state is State.IN_PROGRESS


def _is_made(found: Inspection) -> bool:
    return found.ready or found.state is State.WITHHELD


def _require_as_planned(step: Step, planned: Inspection, found: Inspection, *, upset: bool) -> None:
    """The plan that was shown is the plan that is written.

    What changed because this run has made something anew that the step needs (`upset`) is not
    somebody else's change; nor is it one if nothing is left to do.
    """
    if not found.writes or found.same_as(planned) or planned.state is State.IN_PROGRESS or upset:
        return
    raise PatchctlError(
        PLAN_CHANGED,
        f"{step.NAME} changed after the plan was shown, from {planned.state} to {found.state}. "
        "Nothing was written to it.",
        step=step.NAME,
        resource=next(iter(found.resources), None),
    )


def _still_there(step: Step, found: Inspection) -> PatchctlError:
    return PatchctlError(
        "StillThere",
        f"{step.NAME} was taken away, and still stands.",
        step=step.NAME,
        resource=found.resources[0],
    )


def _require_ready(step: Step, found: Inspection) -> Inspection:
    if _is_made(found):
        return found
    if not found.stands:
        raise PatchctlError(
            "Vanished", f"{step.NAME} was written, and is not there any more.", step=step.NAME
        )
    wrong = [f"{f.subject} is {f.got}, not {f.want}" for f in found.findings if f.ok is False]
    raise PatchctlError(
        "NotMade",
        f"{step.NAME} was written, and is not as it should be: {'; '.join(wrong) or 'not there'}.",
        step=step.NAME,
        resource=next(iter(found.resources), None),
    )
