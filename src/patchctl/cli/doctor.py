"""`patchctl doctor`: whether a deploy would work from here, and a role of just what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.doctor import Check

Role = Annotated[
    bool,
    typer.Option(
        "--role", help="Print a role of just what is needed, for az role definition create."
    ),
]


@o.takes("doctor", {"role": (Role, False)}, o.WANTED, o.EVERYWHERE)
def doctor(c: Command) -> None:
    """Check whether a deploy would work from here. Exit 5 when it would not.

    Looks at this machine, the way to Azure, the sign-in, the subscription, each permission, the
    resource providers, the location, the size with its quota, the image and the clock. Nothing is
    changed. It takes what deploy takes, since what is needed depends on it.

    \b
    Examples:
      patchctl doctor --sandbox
      patchctl doctor --role > role.json
      patchctl doctor --vm 'web-*' --output json
    """
    import json

    from patchctl import permissions
    from patchctl.doctor import look
    from patchctl.steps import STEPS
    from patchctl.views.data import plain

    if c.given["role"]:
        deployment, _ = _resolved(c, c.connect())
        c.envelope.extra["role"] = permissions.role(STEPS, deployment)
        c.show(json.dumps(c.envelope.extra["role"], indent=2))
        return
    connection, checks = _connected(c)
    deployment, refused = _resolved(c, connection)
    looking = look(connection.clients, deployment, STEPS, connection.clock)
    looked, missing = connection.run(looking)
    c.envelope.extra["missing_permissions"] = plain(missing)
    _end(c, [*checks, *refused, *looked])


def _connected(c: Command) -> tuple[Connection, list[Check]]:
    """Sign in. Without that nothing more can be looked at: what was is shown before the error."""
    from patchctl import installation
    from patchctl.doctor import failed, ok
    from patchctl.errors import PatchctlError

    checks = list(installation.checks())
    try:
        connection = c.connect()
    except PatchctlError as error:
        _show(c, [*checks, failed("sign-in", error.message.splitlines()[0])])
        raise
    me, place = connection.me, connection.clients.cloud.endpoint
    network = "the sandbox needs none" if connection.sandbox else f"{place} answers"
    signed_in = ok("sign-in", f"{me.name} in tenant {me.tenant}")
    return connection, [*checks, ok("network", network), signed_in]


def _resolved(c: Command, connection: Connection) -> tuple[Deployment, list[Check]]:
    """The deployment; as it is asked for, where one may not see what stands of it."""
    from patchctl.config import layered
    from patchctl.deployment import Deployment
    from patchctl.doctor import failed
    from patchctl.errors import Refused

    try:
        return c.resolve(connection), []
    except Refused as error:
        asked, subscription = layered(c.layers), connection.clients.subscription
        draft = Deployment(asked, subscription, "", connection.me, connection.clock())
        return draft, [failed("deployment", error.message.splitlines()[0])]


def _show(c: Command, checks: list[Check]) -> None:
    from patchctl.views import doctor as view
    from patchctl.views.data import plain

    c.envelope.extra["checks"] = plain(checks)
    c.show(*view.checks(checks))


def _end(c: Command, checks: list[Check]) -> None:
    from patchctl.doctor import Verdict
    from patchctl.errors import NotAsItShouldBe

    _show(c, checks)
    failed = [check.subject for check in checks if check.verdict is Verdict.FAILED]
    if failed:
        message = f"A deploy would not work: {', '.join(dict.fromkeys(failed))}."
        raise NotAsItShouldBe("NotReady", message)
    c.show("A deploy would work from here.")
