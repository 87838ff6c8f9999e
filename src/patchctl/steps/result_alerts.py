"""The alerts that tell the truth about patching: a run failed, warned, or never happened.

They ask Resource Graph every 15 minutes with the rights of the alerts' identity. Rows come late, so
they look back for hours; once they have told of a run they keep silent for as long. Where each
machine is to be told of, that silence would hide the others: such an alert is fired and resolved by
machine instead, and its "Resolved" mails mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from azure.mgmt.monitor.models import (
    Actions,
    Condition,
    ConditionFailingPeriods,
    Dimension,
    Identity,
    ScheduledQueryRuleCriteria,
    ScheduledQueryRuleResource,
    UserIdentityProperties,
)

from patchctl import access, actions, alert_queries
from patchctl.actions import Needed
from patchctl.clients import Clients, find
from patchctl.deployment import Deployment
from patchctl.many import together
from patchctl.report import (
    Finding,
    Inspection,
    Part,
    check,
    joined,
    merged_tags,
    surplus,
    tags_check,
    text,
    unwanted,
)

NAME = "result-alerts"
NEEDS = (
    "resource-group",
    "resource-providers",
    "action-group",
    "maintenance-configuration",
    "alert-identity",
    "alert-role",
)
ACTIONS = (
    Needed("Microsoft.Insights/scheduledQueryRules", "read"),
    Needed("Microsoft.Insights/scheduledQueryRules", "write delete", when=actions.watches),
    Needed(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "assign/action",
        actions.asking_identity,
        actions.watches,
    ),
    Needed(
        "Microsoft.ResourceHealth/availabilityStatuses",
        "read",
        when=actions.watches,
        without="validate does not see the health of the alerts",
    ),
    Needed(
        "Microsoft.AlertsManagement/alerts",
        "read",
        actions.subscription,
        actions.watches,
        without="test-notify --end-to-end does not see its alert",
    ),
)
FREQUENCY = timedelta(minutes=15)
"""Azure reports the health of a rule only if it is evaluated at least this often."""
OFTEN = timedelta(minutes=5)
ONCE = 1
"""Periods of a rule. More of them would be parts of one evaluation, not evaluations in a row, and
would need a column of times to part the rows by (docs)."""


Query = Callable[[Deployment], str]


@dataclass(frozen=True)
class Rule:
    name: str
    severity: int
    what: str
    next: str
    query: Query
    by: tuple[str, ...] = ()
    """Columns that part the rows into alerts, and that the mail shows."""
    query_by_machine: Query | None = None
    """What it asks where each machine is to be told of."""
    notify: tuple[str, ...] = ("failures", "warnings", "all")
    """The values of `notify` for which the rule is wanted."""
    silent_for: timedelta = alert_queries.LOOK_BACK
    """How long the rule tells nothing more once it has told."""
    waits: bool = False
    """Whether it knows the coming windows, and alerts on what is missing after one."""
    frequency: timedelta = FREQUENCY


def _configuration(deployment: Deployment) -> str:
    return deployment.maintenance_configuration_id.lower()


RULES = (
    Rule(
        "Patch-Run-Failed",
        1,
        "Patching failed on at least one machine; one that was stopped or not ready counts, too.",
        "patchctl report --name {name} shows which, and why.",
        lambda deployment: alert_queries.run_failed(deployment.configuration_ids),
        by=("run", "what"),
        query_by_machine=lambda deployment: alert_queries.machine_failed(
            deployment.configuration_ids
        ),
    ),
    Rule(
        "Patch-Run-Missed",
        1,
        "A maintenance window is over and no patch run of it was seen, or no window after {until} "
        "is known to this rule.",
        "patchctl status --name {name} shows what is in the way, patchctl deploy --name {name} "
        "mends it and makes the rule know further windows.",
        lambda deployment: alert_queries.run_missed(_configuration(deployment), _watch(deployment)),
        silent_for=alert_queries.CHECKED,
        waits=True,
    ),
    Rule(
        "Patch-Run-Warned",
        2,
        "Patches were installed, and a reboot is still due or the window was too short.",
        "patchctl status --name {name} shows where.",
        lambda deployment: alert_queries.run_warned(deployment.configuration_ids),
        by=("run",),
        query_by_machine=lambda deployment: alert_queries.run_warned(deployment.configuration_ids),
        notify=("warnings", "all"),
    ),
    Rule(
        "Patch-Run-Succeeded",
        4,
        "Every machine was patched.",
        "patchctl report --name {name} shows what was installed.",
        lambda deployment: alert_queries.run_succeeded(deployment.configuration_ids),
        by=("run",),
        notify=("all",),
    ),
)

TEST = Rule(
    "Patch-Alert-Test",
    4,
    "A test: results of patching would reach you.",
    "Nothing is to be done. The rule is gone again by now.",
    lambda deployment: alert_queries.assigned(_configuration(deployment)),
    notify=(),
    frequency=OFTEN,
)
"""Stands for minutes only. One that an interrupted test has left is taken away as unwanted."""
EVERY = (*RULES, TEST)


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    wanted = wanted_rules(deployment)
    reader = await access.principal(clients, deployment) if wanted else None
    allowed = bool(wanted) and await _allowed(clients, deployment, reader)
    standing = await together(*(_find(clients, deployment, rule) for rule in EVERY))
    found = dict(zip(EVERY, standing, strict=True))
    parts = {
        rule: _part(deployment, rule, got, enabled=allowed, reader=reader)
        for rule, got in found.items()
    }
    others = [part for rule, part in parts.items() if rule not in wanted]
    if not wanted:
        return unwanted(others, deployment.is_ours, access.unwatched(deployment))
    needless = surplus(others, deployment.is_ours)
    return joined([*(parts[rule] for rule in wanted), *needless], deployment.is_ours)


async def apply(clients: Clients, deployment: Deployment) -> None:
    wanted = wanted_rules(deployment)
    reader = await access.principal(clients, deployment) if wanted else None
    allowed = bool(wanted) and await _allowed(clients, deployment, reader)
    await together(
        *(_make(clients, deployment, rule, enabled=allowed, reader=reader) for rule in wanted),
        *(_remove(clients, deployment, rule) for rule in EVERY if rule not in wanted),
    )


async def destroy(clients: Clients, deployment: Deployment) -> None:
    await together(*(_remove(clients, deployment, rule) for rule in EVERY))


def wanted_rules(deployment: Deployment) -> list[Rule]:
    notify = deployment.config.alerts.notify
    return [rule for rule in RULES if deployment.watched and notify in rule.notify]


def rule_name(deployment: Deployment, rule: Rule) -> str:
    """It stands in the mail's subject."""
    return f"{rule.name}-{deployment.name}-{deployment.suffix}"


def query(deployment: Deployment, rule: Rule) -> str:
    by_machine = rule.query_by_machine if deployment.config.alerts.per == "machine" else None
    return (by_machine or rule.query)(deployment)


def desired(
    deployment: Deployment, rule: Rule, *, asks: str, enabled: bool
) -> ScheduledQueryRuleResource:
    return ScheduledQueryRuleResource(
        location=deployment.config.location,
        kind="LogAlert",
        tags=deployment.tags,
        identity=Identity(
            type="UserAssigned",
            user_assigned_identities={deployment.alert_identity_id: UserIdentityProperties()},
        ),
        display_name=rule_name(deployment, rule),
        description=_description(deployment, rule),
        severity=rule.severity,
        enabled=enabled,
        scopes=[_scope(deployment)],
        evaluation_frequency=rule.frequency,
        window_size=rule.frequency,
        criteria=ScheduledQueryRuleCriteria(all_of=[_firing(deployment, rule, asks)]),
        auto_mitigate=_by_machine(deployment, rule),
        mute_actions_duration=None if _by_machine(deployment, rule) else rule.silent_for,
        skip_query_validation=True,
        actions=Actions(action_groups=[deployment.action_group_id]),
    )


def _firing(deployment: Deployment, rule: Rule, asks: str) -> Condition:
    """When it fires: as soon as the query finds something."""
    return Condition(
        query=asks,
        time_aggregation="Count",
        dimensions=[
            Dimension(name=name, operator="Include", values=["*"])
            for name in _dimensions(deployment, rule)
        ],
        operator="GreaterThan",
        threshold=0,
        failing_periods=ConditionFailingPeriods(
            number_of_evaluation_periods=ONCE,
            min_failing_periods_to_alert=ONCE,
        ),
    )


def _description(deployment: Deployment, rule: Rule) -> str:
    until = f"{_watch(deployment).until:%Y-%m-%d}" if rule.waits else ""
    return f"{rule.what} {rule.next}".format(name=deployment.name, until=until)


def _dimensions(deployment: Deployment, rule: Rule) -> list[str]:
    return [*rule.by, "machine"] if _by_machine(deployment, rule) else [*rule.by]


def _by_machine(deployment: Deployment, rule: Rule) -> bool:
    return rule.query_by_machine is not None and deployment.config.alerts.per == "machine"


def _scope(deployment: Deployment) -> str:
    return deployment.config.alerts.workspace or deployment.group_id


def _watch(deployment: Deployment) -> alert_queries.Watch:
    return alert_queries.watch(deployment.window, deployment.now)


async def _allowed(clients: Clients, deployment: Deployment, principal: str | None) -> bool:
    """Whether the identity may read, or will: the role comes before the rules.

    A rule whose identity may read nothing would alert that nothing ever happens.
    """
    for scope in deployment.read_scopes:
        standing = principal and await access.reading(clients, scope, principal)
        if not (standing or await access.may_grant(clients, deployment, scope)):
            return False
    return True


async def _find(
    clients: Clients, deployment: Deployment, rule: Rule
) -> ScheduledQueryRuleResource | None:
    rules = clients.monitor.scheduled_query_rules
    return await find(rules.get(deployment.group, rule_name(deployment, rule)))


def _part(
    deployment: Deployment,
    rule: Rule,
    got: ScheduledQueryRuleResource | None,
    *,
    enabled: bool,
    reader: str | None,
) -> Part:
    id = deployment.id("Microsoft.Insights/scheduledQueryRules", rule_name(deployment, rule))
    tags = None if got is None else dict(got.tags or {})
    return Part(id, tags, tuple(_findings(deployment, rule, got, enabled=enabled, reader=reader)))


def _findings(
    deployment: Deployment,
    rule: Rule,
    got: ScheduledQueryRuleResource | None,
    *,
    enabled: bool,
    reader: str | None,
) -> list[Finding]:
    """`reader`: who the alerts' identity is by now."""
    state = "enabled" if enabled else "disabled until its identity may read"
    if got is None:
        return [check(f"alert {rule.name}", state, "not there")]
    condition = _condition(got)
    want = desired(deployment, rule, asks=_query(deployment, rule, condition), enabled=enabled)
    wanted = _condition(want)
    standing = "enabled" if got.enabled else "disabled"
    groups = (got.actions.action_groups if got.actions else None) or []
    return [
        check(f"alert {rule.name}", state, state if got.enabled == enabled else standing),
        Finding(
            f"query of {rule.name}",
            "as patchctl writes it",
            "as patchctl writes it" if condition.query == wanted.query else "another, or too old",
            condition.query == wanted.query,
        ),
        check(f"condition of {rule.name}", _terms(wanted), _terms(condition)),
        check(f"one mail for each in {rule.name}", _split(wanted), _split(condition)),
        check(f"frequency of {rule.name}", want.evaluation_frequency, got.evaluation_frequency),
        check(f"identity of {rule.name}", deployment.alert_identity_id, _asking(got, reader)),
        check(f"scope of {rule.name}", want.scopes, got.scopes),
        check(f"action group of {rule.name}", deployment.action_group_id, groups),
        check(f"resolves by itself, {rule.name}", want.auto_mitigate, got.auto_mitigate),
        check(f"silence of {rule.name}", want.mute_actions_duration, got.mute_actions_duration),
        tags_check(f"tags of {rule.name}", deployment.tags, got.tags),
    ]


def _asking(got: ScheduledQueryRuleResource, reader: str | None) -> list[str]:
    """The identities as which a rule asks. One that is made anew under its old name is another, and
    the rule still asks as the one that is gone."""
    identities = (got.identity.user_assigned_identities or {}) if got.identity else {}
    return [
        id if reader is not None and who.principal_id in (None, reader) else f"{id}, which is gone"
        for id, who in identities.items()
    ]


def _condition(rule: ScheduledQueryRuleResource) -> Condition:
    """The one condition of a rule of ours; an empty one where somebody has taken it away."""
    conditions = rule.criteria.all_of if rule.criteria is not None else None
    return conditions[0] if conditions else Condition(query="")


def _query(deployment: Deployment, rule: Rule, standing: Condition) -> str:
    """What the rule should ask. Windows that were written earlier hold while enough are left."""
    if rule.waits:
        watch = alert_queries.standing_watch(standing.query or "", deployment.window)
        if watch is not None and not watch.renewable(deployment.now):
            return alert_queries.run_missed(_configuration(deployment), watch)
    return query(deployment, rule)


def _terms(condition: Condition) -> str:
    periods = condition.failing_periods or ConditionFailingPeriods()
    part = f"{periods.min_failing_periods_to_alert} of {periods.number_of_evaluation_periods}"
    return f"{text(condition.operator)} {float(condition.threshold or 0):g}, {part} periods"


def _split(condition: Condition) -> list[str]:
    return [dimension.name for dimension in condition.dimensions or []]


async def _make(
    clients: Clients, deployment: Deployment, rule: Rule, *, enabled: bool, reader: str | None
) -> None:
    got = await _find(clients, deployment, rule)
    findings = _findings(deployment, rule, got, enabled=enabled, reader=reader)
    if got is not None and all(finding.ok is not False for finding in findings):
        return
    want = desired(deployment, rule, asks=query(deployment, rule), enabled=enabled)
    want.tags = merged_tags(got.tags if got is not None else None, deployment.tags)
    await clients.monitor.scheduled_query_rules.create_or_update(
        deployment.group, rule_name(deployment, rule), want
    )


async def _remove(clients: Clients, deployment: Deployment, rule: Rule) -> None:
    """Only what carries our tags: another may have made a rule under our name."""
    got = await _find(clients, deployment, rule)
    if got is not None and deployment.is_ours(got.tags):
        await clients.monitor.scheduled_query_rules.delete(
            deployment.group, rule_name(deployment, rule)
        )
