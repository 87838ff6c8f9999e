"""`patchctl destroy`: take everything of ours away, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchctl.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from patchctl.cli.command import Command
    from patchctl.clients import Clients, Connection
    from patchctl.deployment import Deployment
    from patchctl.engine import Limits, Notify, Plan
    from patchctl.report import Outcome, StepReport
    from patchctl.steps import Step

STAYING = ("resource-providers", "assessment", "patch-settings")
"""Steps whose resources are not taken away."""

STAYS = (
    "The group stays as long as something is in the way. Once nothing is, run the same command "
    "again: {again}"
)
GONE = "Everything else is gone, and what somebody has changed is theirs."

ALSO: o.Options = {"no_wait": (o.NoWait, False), "restore_from": (o.RestoreFrom, None)}


@o.takes("destroy", ALSO, o.MAKING, o.EVERYWHERE)
def destroy(c: Command) -> None:
    """Take away everything that deploy made, and nothing else.

    Names what will go and asks for the deployment's name. A group that holds anything foreign
    stays, with what is foreign in it.

    \b
    Examples:
      patchctl destroy --sandbox
      patchctl destroy --name web --yes
    """
    from patchctl.cli.memory import keep_remembered
    from patchctl.refusals import refuse_other_author
    from patchctl.steps import resource_group

    connection = c.connect()
    deployment = _remembered(c, connection)
    if deployment is None:
        return
    refuse_other_author(deployment)
    found = c.look(connection, deployment)
    foreign = connection.run(resource_group.foreign_contents(connection.clients, deployment))
    c.envelope.extra["left"] = foreign
    c.show(*_what_goes(deployment, found, foreign), *_what_is_put_back(deployment, found))
    c.confirm_by_typing(deployment.name)
    file = keep_remembered(connection, deployment)
    steps = _steps(found, whole=not foreign and not deployment.borrowed)
    with c.progress(connection) as progress:
        limits, writing = c.limits(deployment), _writes(deployment, steps, found, foreign)
        reports = connection.run(
            _taken_away(
                connection.clients, deployment, steps, found, progress.notify, limits, writing
            )
        )
    c.report(reports)
    again = c.typed.filled("patchctl destroy --name {name}")
    c.show(_what_went(deployment.name, reports, again))
    _require_all(reports, deployment.name, file)
    _require_gone(deployment, reports, foreign)


def _remembered(c: Command, connection: Connection) -> Deployment | None:
    """The deployment as it stands, as a file has it, or as what is left of it tells."""
    from dataclasses import replace

    from patchctl.keeper import without_memory
    from patchctl.memories import read
    from patchctl.selection import left_behind

    kept = read(c.given["restore_from"]) if c.given["restore_from"] else None
    deployment = c.resolve(connection, kept=kept)
    if not deployment.stands and kept is None:
        tagged = connection.run(without_memory(connection.clients, deployment))
        left = connection.run(left_behind(connection.clients, tagged or deployment))
        if left is None and tagged is None:
            c.show(f"{deployment.name} does not stand here: nothing to do.")
            return None
        deployment = left or tagged or deployment
        others = "its machines still do" if left else f"what it made in {deployment.group} stands"
        c.say(f"What remembers it was deleted by somebody; {others}.")
    return replace(deployment, wait=not c.given["no_wait"])


async def _taken_away(
    clients: Clients,
    deployment: Deployment,
    steps: Sequence[Step],
    found: Plan,
    notify: Notify,
    limits: Limits,
    writing: bool,
) -> list[StepReport]:
    from patchctl import engine
    from patchctl.at_work import noted

    async with noted(clients, deployment, limits.timeout, writing=writing) as told:
        return await engine.destroy(steps, clients, told, found, notify, limits)


def _writes(
    deployment: Deployment, steps: Sequence[Step], found: Plan, foreign: Sequence[str]
) -> bool:
    """Whether anything of ours stands that goes: a group with something foreign in it does not, and
    of one that is going nothing is left to be written."""
    from patchctl.steps import resource_group

    going = {s.NAME for s in steps if s.destroy is not None and found[s.NAME].stands}
    if foreign:
        going.discard(resource_group.NAME)
    return deployment.stands and not deployment.deleting and bool(going)


def _steps(found: Plan, *, whole: bool) -> tuple[Step, ...]:
    """With the whole group goes what is in it; what must go before it is taken away first."""
    from patchctl.report import State
    from patchctl.steps import OUT_BEFORE_THE_GROUP, STEPS, resource_group

    if found[resource_group.NAME].state is State.IN_PROGRESS:
        return (resource_group,)  # an earlier destroy has begun it
    return OUT_BEFORE_THE_GROUP if whole else STEPS


def _what_goes(deployment: Deployment, found: Plan, foreign: list[str]) -> Iterator[str]:
    from patchctl.views.text import short

    yield "This goes:"
    for step, inspection in found.items():
        if inspection.stands and step not in STAYING:
            stays = step == "resource-group" and foreign
            yield from (f"  {'stays: ' if stays else ''}{short(i)}" for i in inspection.resources)
    if deployment.borrowed:
        yield f"The group {deployment.group} stays, with everything else in it."
    if foreign:
        yield "This stays, because patchctl did not make it, and so does its group:"
        yield from (f"  {short(id)}" for id in foreign)


def _what_is_put_back(deployment: Deployment, found: Plan) -> Iterator[str]:
    from patchctl.steps.patch_settings import NAME, after_release, memory

    if found[NAME].stands:
        yield "These stay, and get back the patch settings that they had:"
    for machine in deployment.known_machines:
        if (remembers := memory(deployment, machine)) is not None:
            yield f"  {machine.shown}: {remembers.before}"
    for machine in deployment.known_machines:
        if said := after_release(deployment, machine):
            yield f"{machine.shown}: {said}."


def _require_all(reports: Sequence[StepReport], name: str, file: Path) -> None:
    """Raises Partly with each machine that is not as it was before, and with what of ours stays
    for something that is not."""
    from patchctl.cli.advice import typed
    from patchctl.errors import Partly
    from patchctl.remembered import tags_back
    from patchctl.report import Outcome

    partly = [report for report in reports if report.outcome is Outcome.PARTLY]
    if not partly:
        return
    notes = [note for report in partly for note in report.inspection.notes]
    theirs = next((id for report in reports for id in report.inspection.foreign), "")
    if _group(reports) is Outcome.LEFT:
        hint = f"{tags_back(theirs, name)} {STAYS}" if theirs else STAYS
    elif file.exists():
        command = typed(("patchctl", "destroy", "--name", name, "--restore-from", str(file)))
        hint = f"{GONE} To try the rest once more: {command}"
    else:
        hint = f"{GONE} What stands: patchctl list"
    raise Partly(notes, hint, step=partly[0].step)


def _group(reports: Sequence[StepReport]) -> Outcome:
    return next(report.outcome for report in reports if report.step == "resource-group")


def _require_gone(
    deployment: Deployment, reports: Sequence[StepReport], foreign: Sequence[str]
) -> None:
    """Raises PatchctlError where what keeps its memory stands, although nothing of somebody else's
    is in the way."""
    from patchctl.errors import PatchctlError
    from patchctl.report import Outcome
    from patchctl.steps import resource_group

    if _group(reports) is not Outcome.LEFT or foreign:
        return
    spec = f"The template spec {deployment.template_spec} in {deployment.group}"
    raise PatchctlError(
        "StillThere" if deployment.borrowed else "ResourceGroupDeletionBlocked",
        f"{spec if deployment.borrowed else deployment.group} still stands, although its deletion "
        "has ended.",
        step=resource_group.NAME,
        resource=deployment.keeper_id,
    )


def _what_went(name: str, reports: Sequence[StepReport], again: str) -> str:
    from patchctl.report import Outcome

    outcomes = {report.step: report.outcome for report in reports}
    if Outcome.PARTLY in outcomes.values() and _group(reports) is Outcome.LEFT:
        return f"{name} stays as long as something is in the way."
    if outcomes["resource-group"] is Outcome.DELETING:
        return f"Azure is deleting {name}. To see it through: {again}"
    if outcomes["resource-group"] is not Outcome.LEFT:
        return f"{name} is gone."
    left = [step for step, outcome in outcomes.items() if outcome is Outcome.LEFT]
    return f"What was not ours stays, and so does the group. Left: {', '.join(left)}."
