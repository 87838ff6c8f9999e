"""`patchctl destroy`: take everything of ours away, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchctl.engine import Plan
    from patchctl.steps import Step


def destroy(
    ctx: typer.Context,
    name: o.Name = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait until Azure has deleted the group.")
    ] = False,
    parallelism: o.Parallelism = None,
    timeout: o.Timeout = None,
    take_over: o.TakeOver = False,
    subscription: o.Subscription = None,
    tenant: o.Tenant = None,
    cloud: o.Cloud = None,
    config: o.ConfigFile = None,
    sandbox: o.Sandbox = None,
    yes: o.Yes = False,
    output: o.OutputAs = o.Output.text,
) -> None:
    """Take away everything that deploy made, and nothing that it did not make.

    Names what will go and asks for the deployment's name. A group that holds anything foreign
    stays, with what is foreign in it.

    \b
    Examples:
      patchctl destroy --sandbox
      patchctl destroy --name web --yes
    """
    from dataclasses import replace

    from patchctl import engine
    from patchctl.cli.command import command
    from patchctl.deployment import refuse_other_author
    from patchctl.steps import resource_group

    with command(ctx, "destroy") as c:
        connection = c.connect()
        deployment = replace(c.resolve(connection, take_over=take_over), wait=not no_wait)
        if not deployment.stands:
            c.show(f"{deployment.name} does not stand here: nothing to do.")
            return
        refuse_other_author(deployment)
        found = c.look(connection, deployment)
        foreign = connection.run(resource_group.foreign_contents(connection.clients, deployment))
        c.envelope.extra["left"] = foreign
        c.show(*_what_goes(found, foreign))
        c.confirm_by_typing(deployment.name)
        steps = _steps(found, whole=not foreign)
        with c.progress(connection) as progress:
            going = engine.destroy(
                steps, connection.clients, deployment, progress.notify, c.limits(deployment)
            )
            c.report(connection.run(going))
        c.show(_what_went(deployment.name, foreign, waited=not no_wait))


def _steps(found: Plan, *, whole: bool) -> tuple[Step, ...]:
    """With the whole group goes what is in it; what must go before it is taken away first."""
    from patchctl.report import State
    from patchctl.steps import OUT_BEFORE_THE_GROUP, STEPS, resource_group

    if found[resource_group.NAME].state is State.IN_PROGRESS:
        return (resource_group,)  # an earlier destroy has begun it
    return OUT_BEFORE_THE_GROUP if whole else STEPS


def _what_goes(found: Plan, foreign: list[str]) -> Iterator[str]:
    from patchctl.views.text import short

    yield "This goes:"
    for step, inspection in found.items():
        if inspection.stands and step not in ("resource-providers", "assessment"):
            stays = step == "resource-group" and foreign
            yield from (f"  {'stays: ' if stays else ''}{short(i)}" for i in inspection.resources)
    if foreign:
        yield "This stays, because patchctl did not make it, and so does its group:"
        yield from (f"  {short(id)}" for id in foreign)


def _what_went(name: str, foreign: list[str], *, waited: bool) -> str:
    if foreign:
        return f"Everything of {name} is gone; its group stays with what was not ours."
    if not waited:
        return f"Azure is deleting {name}. To see it through: patchctl destroy --name {name} --yes"
    return f"{name} is gone."
