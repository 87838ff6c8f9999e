"""`patchctl deploy` and `patchctl plan`: the same look, one of them followed by the writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.clients import Clients, Connection
    from patchctl.deployment import Deployment
    from patchctl.engine import Limits, Notify, Plan
    from patchctl.permissions import Permission
    from patchctl.report import StepReport

WINDOWS = 3
CONFIGURATION = "maintenance-configuration"


@o.takes("deploy", o.WANTED, o.MAKING, o.EVERYWHERE)
def deploy(c: Command) -> None:
    """Set up scheduled patching, or set right what has changed.

    Shows the plan, asks on a terminal, and writes just that plan. Run it again at any time: what is
    as it should be is left alone.

    \b
    Examples:
      patchctl deploy --email you@example.com --sandbox
      patchctl deploy --email ops@example.com --name web --at 03:00 --time-zone Europe/Berlin
    """
    from patchctl import engine, permissions
    from patchctl.cli.memory import keep_machines
    from patchctl.errors import Stopped
    from patchctl.views import text

    connection = c.connect()
    deployment, plan, missing = _planned(c, connection, writing=True)
    engine.refuse_foreign(plan, deployment)
    permissions.refuse(missing)
    if any(inspection.writes for inspection in plan.values()):
        c.confirm("Write this plan?")
    keep_machines(c, connection, deployment)
    try:
        with c.progress(connection) as progress:
            limits = c.limits(deployment)
            going = _written(connection.clients, deployment, plan, progress.notify, limits)
            reports = connection.run(going)
            c.report(reports)
    except Stopped as stopped:
        if stopped.error.code == engine.PLAN_CHANGED:
            c.show("What deploy would write now:", *text.plan(c.look(connection, deployment)))
        raise
    _show_end(c, deployment, plan)
    _require_finished(deployment, reports)


async def _written(
    clients: Clients, deployment: Deployment, plan: Plan, notify: Notify, limits: Limits
) -> list[StepReport]:
    from patchctl import engine
    from patchctl.at_work import noted
    from patchctl.steps import STEPS

    writing = any(inspection.writes for inspection in plan.values())
    async with noted(clients, deployment, limits.timeout, writing=writing) as told:
        return await engine.deploy(STEPS, clients, told, plan, notify, limits)


@o.takes(
    "plan", o.WANTED, o.MAKING, o.EVERYWHERE, {"detailed_exitcode": (o.DetailedExitcode, False)}
)
def plan(c: Command) -> None:
    """Show what deploy would write. Nothing is changed.

    \b
    Examples:
      patchctl plan --email you@example.com --sandbox
      patchctl plan --detailed-exitcode --output json
    """
    from patchctl.errors import NotAsItShouldBe
    from patchctl.report import StepReport

    connection = c.connect()
    deployment, found, missing = _planned(c, connection, writing=False)
    c.report([StepReport(step, i.change, 0.0, i) for step, i in found.items()])
    _show_windows(c, deployment)
    _show_missing(c, missing)
    changes = [s for s, i in found.items() if i.writes]
    if c.given["detailed_exitcode"] and changes:
        message = f"{', '.join(changes)}: not as it should be."
        raise NotAsItShouldBe("SomethingToWrite", message)


def _planned(
    c: Command, connection: Connection, *, writing: bool
) -> tuple[Deployment, Plan, list[Permission]]:
    """Resolve, check the offer, look at everything, and show it; and what keeps from writing it.

    Raises Refused where not even everything may be looked at, BadInput for what cannot be.
    """
    from patchctl import permissions
    from patchctl.offers import with_offer
    from patchctl.refusals import (
        refuse_lacking,
        refuse_left_behind,
        refuse_other_author,
        require_possible,
    )
    from patchctl.steps import STEPS
    from patchctl.views import text

    deployment = c.resolve(connection, making=True)
    require_possible(deployment)
    connection.run(refuse_left_behind(connection.clients, deployment))
    if writing:
        refuse_other_author(deployment)
    needed = permissions.for_deploying(STEPS, deployment)
    rights = connection.run(permissions.rights(connection.clients, needed))
    missing = permissions.missing(needed, rights)
    if any(permission.reads for permission in missing):
        permissions.refuse(missing)
    deployment = connection.run(with_offer(connection.clients, deployment))
    found = c.look(connection, deployment)
    refuse_lacking(found, writing=writing)
    c.show(f"Plan for {deployment.name} in {deployment.config.location}: {text.counted(found)}")
    c.show(*text.plan(found))
    _show_prerequisites(c, deployment)
    _show_cost(c, deployment)
    for sentence in audit_mails(deployment, found):
        c.show(sentence)
    return deployment, found, permissions.hindering(missing, found)


def _show_missing(c: Command, missing: list[Permission]) -> None:
    from patchctl.views.data import plain

    c.envelope.extra["missing_permissions"] = plain(missing)
    if missing:
        c.show("Deploy would stop before it writes anything, since you may not:")
        c.show(*(f"  {permission}" for permission in missing))


def _show_prerequisites(c: Command, deployment: Deployment) -> None:
    from patchctl.machines import wanted_settings
    from patchctl.prerequisites import told
    from patchctl.selection import UNSET

    left = [machine for machine, reason in deployment.hindered if reason == UNSET]
    wanted = wanted_settings(left[0], deployment.config.patches.reboot) if left else None
    if wanted is not None:
        c.show(*told(left, wanted))


def _show_cost(c: Command, deployment: Deployment) -> None:
    from patchctl.costs import monthly
    from patchctl.views import text

    prices = monthly(deployment)
    c.envelope.extra["monthly_cost_usd"] = [
        {"what": price.what, "usd": price.usd_per_month, "note": price.note} for price in prices
    ]
    c.show(*text.cost(prices))


def _show_windows(c: Command, deployment: Deployment) -> None:
    from patchctl.views import text

    coming = deployment.window.coming(deployment.now, WINDOWS)
    c.envelope.extra["windows"] = [
        {"local": w.local.isoformat(), "start": w.utc.isoformat(), "end": w.end_utc.isoformat()}
        for w in coming
    ]
    c.show(*text.windows(coming, deployment.window.time_zone))


def _show_end(c: Command, deployment: Deployment, plan: Plan) -> None:
    from patchctl.steps import action_group
    from patchctl.views import text

    _show_windows(c, deployment)
    if any(f.subject == "first window" and not f.ok for f in plan[CONFIGURATION].findings):
        then = c.typed.filled("patchctl status --name {name}")
        c.show(*text.first_window(deployment.first_window.first, then))
    if any(
        f.subject.startswith("receiver ") and not f.ok for f in plan[action_group.NAME].findings
    ):
        c.show(
            "Each new address gets a code from Azure by mail. It must be entered within "
            "30 minutes; until then no alert reaches that address."
        )
    c.show(f"Next: {c.typed.filled('patchctl validate --name {name}')}")


def _require_finished(deployment: Deployment, reports: list[StepReport]) -> None:
    """Raises Unfinished, with what to hand over, when only somebody else can do the rest; Partly
    where some machines are left."""
    from patchctl.errors import Partly, Unfinished
    from patchctl.report import Outcome

    withheld = [report for report in reports if report.outcome is Outcome.WITHHELD]
    if withheld:
        raise Unfinished(
            "RightWithheld",
            "You may not grant roles here, so the alerts on results are disabled. "
            + " ".join(note for report in withheld for note in report.inspection.notes),
            step=withheld[0].step,
        )
    left = [f"{shown}: {reason}" for shown, reason in deployment.left]
    partly = [r for r in reports if r.outcome is Outcome.PARTLY]
    left += [note for report in partly for note in report.inspection.notes]
    if left:
        raise Partly(list(dict.fromkeys(left)))


def audit_mails(deployment: Deployment, plan: Plan) -> list[str]:
    """Whether writing the plan will make the alerts that stand mail about it."""
    from patchctl.steps import activity_log_alerts, assignment, maintenance_configuration

    audited = (maintenance_configuration.NAME, assignment.NAME)
    changed = [step for step in audited if plan[step].writes]
    if not plan[activity_log_alerts.NAME].stands or not changed:
        return []
    mailed = ", ".join(deployment.mailed)
    return [f"The alerts that stand will mail {mailed} about it: {', '.join(changed)}."]
