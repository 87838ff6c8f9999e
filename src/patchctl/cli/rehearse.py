"""`patchctl rehearse`: the next patch night, played where nothing can break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.rehearsal import Standing, Subject

Planned = Annotated[
    bool,
    typer.Option("--planned", help="Only what is asked for: no sign-in, nothing is looked up."),
]
FailMachine = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A machine that is to find no updates; repeatable."),
]
FailUpdate = Annotated[
    list[str] | None,
    typer.Option(metavar="KB|PACKAGE", help="An update that is to fail; repeatable."),
]
StopMachine = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A machine that is to be off; repeatable."),
]
Vm = Annotated[
    list[str] | None,
    typer.Option(
        "--vm",
        metavar="ID|NAME",
        help="Refused: your own machines cannot be rehearsed yet.",
        envvar="PATCHCTL_VM",
    ),
]
OWN = "your own machines cannot be rehearsed yet"
WISHES: o.Options = {
    "planned": (Planned, False),
    "fail_machine": (FailMachine, None),
    "fail_update": (FailUpdate, None),
    "stop_machine": (StopMachine, None),
    "vm": (Vm, None),
}


@o.takes("rehearse", o.WANTED, WISHES, o.EVERYWHERE)
def rehearse(c: Command) -> None:
    """Play the next window in a throw-away sandbox.

    It tells who is patched when, and who gets which mail. A deployment that stands is copied as it
    is, drift included; nothing of it is changed. Which updates there will be is made up.

    \b
    Examples:
      patchctl rehearse --name web
      patchctl rehearse --planned --config patchctl.toml
      patchctl rehearse --planned --email you@example.com --stop-machine vm-demo-0e0e0e
    """
    from patchctl.config import layered
    from patchctl.errors import BadInput
    from patchctl.rehearsal import Wish, play
    from patchctl.views import rehearsal as view

    asked = layered(c.layers)
    if asked.config.machines is not None:
        source = asked.source("machines")
        raise BadInput(
            [f"{source}: {OWN}"], "See what is in the way of each: patchctl plan --name {name}"
        )
    wish = Wish(*(tuple(c.given[k] or ()) for k in ("fail_machine", "fail_update", "stop_machine")))
    subject, found = _planned(c) if c.given["planned"] else _looked_up(c)
    night = play(subject, found, wish)
    c.envelope.extra["rehearsal"] = {
        "opens": night.opens.isoformat() if night.opens else None,
        "copied": found is not None,
        "runs": night.runs,
        "mails": night.mails,
    }
    c.show(*view.night(night, copied=found is not None))


def _planned(c: Command) -> tuple[Subject, Standing | None]:
    from datetime import UTC, datetime

    from patchctl.cli.values import moment
    from patchctl.rehearsal import Subject

    return Subject(c.layers, datetime.fromtimestamp(moment(None), UTC)), None


def _looked_up(c: Command) -> tuple[Subject, Standing | None]:
    """What stands if the deployment does, else what is asked for."""
    from patchctl.errors import BadInput
    from patchctl.rehearsal import Subject, of, standing

    connection = c.connect()
    deployment = c.resolve(connection)
    if deployment.own:
        raise BadInput(
            [f"{deployment.name}: {OWN}"],
            "See what is in the way of each: patchctl status --name {name}",
        )
    if not deployment.stands:
        c.say(f"{deployment.name} does not stand here; what is asked for is rehearsed.")
        return Subject(c.layers, deployment.now), None
    return of(deployment), connection.run(standing(connection.clients, deployment))
