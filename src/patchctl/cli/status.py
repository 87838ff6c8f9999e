"""`patchctl status`: how the machines stand, whether the last window was used, and why one of them
will or will not be patched next time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.status import Status

FailIfMissed = Annotated[
    bool,
    typer.Option(
        "--fail-if-missed",
        help="Exit 5 when the last window has passed and nothing ran, or nothing ever will.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="List every machine, however many there are.")]
Explain = Annotated[
    str | None,
    typer.Option(
        metavar="MACHINE",
        help="Why this machine, a name or an id, will or will not be patched next time. Exit 5 "
        "when it will not.",
    ),
]
LOOKING: o.Options = {
    "explain": (Explain, None),
    "fail_if_missed": (FailIfMissed, False),
    "all": (All, False),
}


@o.takes("status", LOOKING, o.EVERYWHERE)
def status(c: Command) -> None:
    """Show what is pending, what is in the way, and the last run.

    The next window, too, and what became of the last one.

    \b
    Examples:
      patchctl status --sandbox
      patchctl status --name web --fail-if-missed --output json
      patchctl status --name web --explain web-1
    """
    from patchctl import fleet
    from patchctl.cli.memory import history
    from patchctl.refusals import require_standing
    from patchctl.views import status as view
    from patchctl.views.data import plain

    connection = c.connect()
    deployment = c.resolve(connection)
    connection.run(require_standing(connection.clients, deployment))
    if c.given["explain"] is not None:
        _explain(c, connection, deployment)
        return
    with history(c, connection, deployment) as memory:
        found = connection.run(fleet.status(connection.clients, deployment, memory))
    c.envelope.extra["status"] = plain(found)
    c.show(*view.status(found, deployment.now, everything=c.given["all"]))
    if c.given["fail_if_missed"]:
        _refuse_missed(found, deployment)


def _explain(c: Command, connection: Connection, deployment: Deployment) -> None:
    from patchctl import evidence
    from patchctl.errors import NotAsItShouldBe
    from patchctl.explanation import explained
    from patchctl.views.explanation import document, explanation

    seen = connection.run(evidence.of(connection.clients, deployment, c.given["explain"]))
    found = explained(seen)
    shown = found.with_cures(c.typed.filled)
    c.envelope.extra["explanation"] = document(shown)
    c.show(*explanation(shown))
    if not found.will_be_patched:
        names = ", ".join(link.name for link in found.broken)
        message = f"{found.shown} will not be patched. Broken: {names}."
        raise NotAsItShouldBe("WillNotBePatched", message, f"Cure it: {found.broken[0].cure}")


def _refuse_missed(found: Status, deployment: Deployment) -> None:
    from patchctl.errors import NotAsItShouldBe
    from patchctl.status import Past
    from patchctl.views.status import last_window

    if problem := found.schedules[0].schedule.problem:
        message = f"Nothing will run: {problem}."
        raise NotAsItShouldBe("NothingWillRun", message)
    for each in found.schedules:
        if each.last_window.past is Past.MISSED:
            message = last_window(each.last_window)
            raise NotAsItShouldBe("WindowMissed", message)
