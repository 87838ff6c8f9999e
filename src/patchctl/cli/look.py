"""`patchctl validate`, `patchctl test-notify` and `patchctl list`: they look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchctl.cli import options as o

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchctl.cli.command import Command
    from patchctl.clients import Connection
    from patchctl.deployment import Deployment
    from patchctl.deployments import Listed


@o.takes("validate", {"timeout": o.MAKING["timeout"]}, o.EVERYWHERE)
def validate(c: Command) -> None:
    """Check whether everything is as it should be. Exit 5 when it is not.

    It is held against what was deployed. What an edited file would change is told by: patchctl plan

    \b
    Examples:
      patchctl validate --sandbox
      patchctl validate --name web --output json
    """
    from patchctl.errors import NotAsItShouldBe
    from patchctl.refusals import require_standing
    from patchctl.report import Outcome, StepReport
    from patchctl.validation import cure, with_confirmations, with_health, with_left, with_stranded
    from patchctl.views import text

    connection = c.connect()
    deployment = c.resolve(connection)
    found = with_confirmations(c.look(connection, deployment), deployment)
    found = with_stranded(found, deployment)
    found = connection.run(with_health(found, connection.clients, deployment))
    hint = cure(found, deployment)
    found = with_left(found, deployment)
    outcome = {True: Outcome.OK, False: Outcome.DIFFERS}
    c.report([StepReport(s, outcome[i.ready], 0.0, i) for s, i in found.items()])
    connection.run(require_standing(connection.clients, deployment))
    c.show(text.findings(found))
    off = [step for step, inspection in found.items() if not inspection.ready]
    if off:
        raise NotAsItShouldBe(
            "NotAsItShouldBe",
            f"{', '.join(off)}: not as it should be.",
            hint,
        )
    c.show(f"{deployment.name} is as it should be.")


@o.takes("test-notify", {"end_to_end": (o.EndToEnd, False)}, o.EVERYWHERE)
def notify_test(c: Command) -> None:
    """Send a test mail to everybody who gets the alerts.

    With --end-to-end a temporary alert on results fires instead, which shows that rule, identity,
    role, query and mail work together. It takes Azure up to half an hour.

    \b
    Examples:
      patchctl test-notify --sandbox
      patchctl test-notify --name web
      patchctl test-notify --end-to-end
    """
    from patchctl.refusals import require_standing

    connection = c.connect()
    deployment = c.resolve(connection)
    connection.run(require_standing(connection.clients, deployment))
    if c.given["end_to_end"]:
        _prove(c, connection, deployment)
    else:
        _send_test(c, connection, deployment)


def _prove(c: Command, connection: Connection, deployment: Deployment) -> None:
    from patchctl.proof import prove

    c.say("Making an alert that fires; Azure takes five to thirty minutes.")
    proof = connection.run(prove(connection.clients, deployment, connection.clock))
    c.envelope.extra["proof"] = {"rule": proof.rule, "fired": proof.fired, "to": list(proof.to)}
    c.show(
        f"{proof.rule} fired at {proof.fired} and is gone again: the query ran with the rights of "
        "the alerts' identity.",
        f"The mail goes to {', '.join(proof.to)}. Only their mailboxes show whether it arrived.",
    )


def _send_test(c: Command, connection: Connection, deployment: Deployment) -> None:
    from patchctl.errors import PatchctlError
    from patchctl.notification import send
    from patchctl.views import text

    c.say("Sending; Azure takes up to two minutes.")
    handed = connection.run(send(connection.clients, deployment))
    c.envelope.extra["mails"] = [
        {"to": h.address, "receiver": h.receiver, "status": h.status, "ok": h.ok} for h in handed
    ]
    rows = [(h.address, h.receiver, h.status) for h in handed]
    c.show(text.listed(rows, "address", "receiver", "status"))
    c.show(
        "Succeeded means handed to the mail system, not read. An address that is new to Azure "
        "gets a code first and must enter it within 30 minutes; until then nothing reaches it."
    )
    failed = [h.address for h in handed if not h.ok]
    if failed:
        raise PatchctlError(
            "NotHandedOver",
            f"No mail was handed over for {', '.join(failed)}.",
            resource=deployment.action_group_id,
        )


@o.takes("list", o.EVERYWHERE)
def list_deployments(c: Command) -> None:
    """List every deployment that you can read.

    In all of your subscriptions.

    \b
    Examples:
      patchctl list --sandbox
      patchctl list --output json
    """
    from dataclasses import asdict

    from patchctl.deployments import deployments
    from patchctl.views import text

    connection = c.connect(one_subscription=False)
    c.envelope.deployment = c.given["name"]
    everything, unread = connection.run(deployments(connection.clients))
    named, group = c.given["name"], c.given["resource_group"]
    found = [d for d in everything if named in (None, d.name) and group in (None, d.group_name)]
    c.envelope.extra["unread"] = unread
    for subscription in unread:
        c.say(f"Could not be read: {subscription}")
    c.envelope.extra["deployments"] = [asdict(d) for d in found]
    if found:
        titles = ("name", "subscription", "group", "location", "made by", "made at", "with")
        c.show(text.listed(map(_row, found), *titles))
    else:
        c.say(_none(c, everything))


def _none(c: Command, everything: Sequence[Listed]) -> str:
    """What to say where nothing is listed; what is to be made is what was asked for."""
    from patchctl.cli.advice import typed

    options = {"--name": c.given["name"], "--resource-group": c.given["resource_group"]}
    asked = [word for option, value in options.items() if value for word in (option, value)]
    making = c.typed.filled(typed(("patchctl", "deploy", *asked, "--email", "you@example.com")))
    if not (asked and everything):
        return f"No deployment here. Make one: {making}"
    others = f"Nothing with {typed(asked)}. See what is here: {c.typed.filled('patchctl list')}"
    return f"{others}. Or make it: {making}" if options["--name"] else others


def _row(d: Listed) -> tuple[str, ...]:
    where = (d.subscription_name, d.group_name, d.location)
    return d.name, *where, d.created_by, d.created_at, d.version
