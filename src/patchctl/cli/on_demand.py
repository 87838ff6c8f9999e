"""`patchctl assess` and `patchctl install`: not by schedule, but now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.engine import Limits
    from patchctl.machines import Machine
    from patchctl.observation import Run
    from patchctl.orders import Order
    from patchctl.turns import Turn

AtMost = Annotated[
    int,
    typer.Option("--at-most", min=1, max=1000, metavar="N", help="Machines at a time."),
]
Now = Annotated[
    bool, typer.Option("--now", help="Begin at once; it is the only way, and has to be said.")
]
Classifications = Annotated[
    list[str] | None,
    typer.Option(
        "--classification",
        help="What to install, like Security; repeatable. [default: as the schedule]",
        metavar="NAME",
    ),
]
Kbs = Annotated[
    list[str] | None,
    typer.Option("--kb", help="A Windows update to install; repeatable.", metavar="KB"),
]
NotKbs = Annotated[
    list[str] | None,
    typer.Option("--exclude-kb", help="A Windows update not to install.", metavar="KB"),
]
Packages = Annotated[
    list[str] | None,
    typer.Option("--package", help="A Linux package to install; repeatable.", metavar="MASK"),
]
NotPackages = Annotated[
    list[str] | None,
    typer.Option("--exclude-package", help="A Linux package not to install.", metavar="MASK"),
]
Longest = Annotated[
    str | None,
    typer.Option(
        "--longest",
        help="What one machine may take, like PT3H. [default: as long as the window]",
        metavar="PT...",
    ),
]
WHERE: o.Options = {
    "vm": (o.Vm, None),
    "at_most": (AtMost, 16),
    "timeout": o.MAKING["timeout"],
}
WHAT: o.Options = {
    "now": (Now, False),
    "classifications": (Classifications, None),
    "include_kbs": (Kbs, None),
    "exclude_kbs": (NotKbs, None),
    "include_packages": (Packages, None),
    "exclude_packages": (NotPackages, None),
    "reboot": (o.Reboot, None),
    "longest": (Longest, None),
}


@o.takes("assess", WHERE, o.EVERYWHERE)
def assess(c: Command) -> None:
    """Look now for the updates that machines lack.

    The machines of the deployment, or those that are named.

    \b
    Examples:
      patchctl assess --sandbox
      patchctl assess --vm 'web-*' --at-most 50
    """
    from patchctl.on_demand import assessing, on_each
    from patchctl.views import on_demand as view

    connection = c.connect()
    deployment = c.resolve(connection)
    machines = _meant(c, connection, deployment)
    c.show(f"Assessing {view.counted(machines)}.", *view.named(machines))
    with c.progress(connection) as progress:
        work = assessing(connection.clients, deployment.now)
        limits = _limits(c, deployment)
        turns = connection.run(on_each("assess", machines, work, progress.notify, limits))
    c.envelope.extra["machines"] = view.data(turns, "assessment")
    c.show(*view.assessed(turns))
    _require_done(turns, connection, "AssessmentFailed")


@o.takes("install", WHERE, WHAT, o.EVERYWHERE)
def install(c: Command) -> None:
    """Install updates now.

    On the machines of the deployment, or on those that are named. What is installed is what the
    schedule installs. If --classification, --kb or --package says otherwise, it is just that.
    Machines may restart.

    \b
    Examples:
      patchctl install --now --sandbox
      patchctl install --now --vm 'web-*' --kb KB5031364 --at-most 5
      patchctl install --now --vm @linux.txt --package 'openssl*' --reboot Never --yes
    """
    from patchctl.views import on_demand as view

    _require_now(c)
    connection = c.connect()
    deployment = c.resolve(connection)
    order, machines = _ordered(c, deployment, _meant(c, connection, deployment))
    how = f"{min(c.given['at_most'], len(machines))} at a time"
    c.confirm(f"Install this on {view.counted(machines)} now, {how}?", needed=True)
    turns = _install(c, connection, deployment, order, machines)
    c.envelope.extra["machines"] = view.data(turns, "run")
    c.show(*view.installed(turns))
    _require_done(turns, connection, "InstallationFailed")


def _require_now(c: Command) -> None:
    from patchctl.errors import BadInput

    if not c.given["now"]:
        raise BadInput(
            ["--now is needed: it begins at once; by schedule updates come through deploy"],
            "If that is what you want: {again} --now",
        )


def _ordered(
    c: Command, deployment: Deployment, machines: Sequence[Machine]
) -> tuple[Order, list[Machine]]:
    """What to install and where, shown. Raises BadInput where nothing is asked of any machine."""
    from patchctl.errors import BadInput
    from patchctl.orders import duration, ordered, parted
    from patchctl.views import on_demand as view

    longest = c.given["longest"]
    order = ordered(
        deployment.config.patches,
        c.given,
        duration(longest) if longest else deployment.window.duration,
        machines,
    )
    able, left = parted(order, machines)
    if not able:
        raise BadInput([f"nothing is asked of these machines: {', '.join(m.shown for m in left)}"])
    c.show(*view.order(order, able, left))
    c.envelope.extra["left"] = [machine.id for machine in left]
    return order, able


def _install(
    c: Command,
    connection: Connection,
    deployment: Deployment,
    order: Order,
    machines: Sequence[Machine],
) -> list[Turn[Run]]:
    from patchctl.on_demand import installing, on_each

    limits = _limits(c, deployment, order.longest.total_seconds())
    with c.progress(connection) as progress:
        work = installing(connection.clients, order)
        return connection.run(on_each("install", machines, work, progress.notify, limits))


def _limits(c: Command, deployment: Deployment, longer: float = 0.0) -> Limits:
    """An installation may take its own time, and what goes before and after it."""
    from patchctl.engine import Limits

    return Limits(c.given["at_most"], deployment.config.timeout * 60.0 + longer)


def _meant(c: Command, connection: Connection, deployment: Deployment) -> list[Machine]:
    """The machines that are named, or else the deployment's. What keeps a schedule from them is no
    matter here."""
    from patchctl.errors import BadInput
    from patchctl.refusals import require_standing

    if not deployment.own:
        connection.run(require_standing(connection.clients, deployment))
    found = (*deployment.patched, *(machine for machine, _ in deployment.hindered))
    for id in deployment.missing:
        c.say(f"No machine that you can read is called {id} any more.")
    if not found:
        raise BadInput(
            ["--vm names no machine, and the deployment has none"], "Name some: {again} --vm NAME"
        )
    return sorted(found, key=lambda machine: machine.id.lower())


def _require_done(turns: Sequence[Turn[Any]], connection: Connection, code: str) -> None:
    """Raises Partly where some machines are not done, where none is PatchctlError, and Refused if
    Azure has refused it on each."""
    from patchctl.errors import Interrupted, Partly, PatchctlError, Refused
    from patchctl.report import Outcome

    failures = [f"{turn.machine.shown}: {turn.problem}" for turn in turns if turn.problem]
    if any(turn.outcome is Outcome.INTERRUPTED for turn in turns):
        raise Interrupted("Interrupted", f"Interrupted. {connection.clients.operations.told}")
    if len(failures) == len(turns):
        refused = all(isinstance(turn.error, Refused) for turn in turns)
        first = next((turn for turn in turns if turn.error is not None), turns[0])
        raise (Refused if refused else PatchctlError)(
            code,
            "\n".join(failures),
            resource=first.machine.id,
            request_id=first.error.request_id if first.error is not None else None,
        )
    if failures:
        raise Partly(failures)
