"""An audit of edits: mail when somebody changes or deletes the schedule or its assignment.

They never tell whether patching worked: Azure writes no activity-log event about that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from azure.mgmt.monitor.models import (
    ActionGroup,
    ActionList,
    ActivityLogAlertResource,
    AlertRuleAllOfCondition,
    AlertRuleAnyOfOrLeafCondition,
)

from patchctl.actions import Needed
from patchctl.clients import Clients, find, find_surely
from patchctl.deployment import Deployment
from patchctl.many import together
from patchctl.report import (
    Finding,
    Inspection,
    Part,
    check,
    joined,
    merged_tags,
    same,
    tags_check,
    text,
)

NAME = "activity-log-alerts"
# The configuration and the assignment first: deploying must not mail about itself.
NEEDS = ("resource-group", "action-group", "maintenance-configuration", "assignment")
ACTIONS = (Needed("Microsoft.Insights/activityLogAlerts", "read write delete"),)


@dataclass(frozen=True)
class Rule:
    name: str
    operation: str
    what: str

    @property
    def of_assignments(self) -> bool:
        return "/configurationAssignments/" in self.operation


RULES = (
    Rule(
        "Patch-Deployment-Activity",
        "Microsoft.Maintenance/maintenanceConfigurations/write",
        "the patch schedule was changed",
    ),
    Rule(
        "Maintenance-Assignment-Alert",
        "Microsoft.Maintenance/configurationAssignments/write",
        "an assignment to a patch schedule was changed",
    ),
    Rule(
        "Patch-Deployment-Deleted",
        "Microsoft.Maintenance/maintenanceConfigurations/delete",
        "the patch schedule was deleted",
    ),
    Rule(
        "Maintenance-Assignment-Deleted",
        "Microsoft.Maintenance/configurationAssignments/delete",
        "an assignment to a patch schedule was deleted",
    ),
)


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    parts = await together(*(_part(clients, deployment, rule) for rule in RULES))
    return joined(parts, deployment.is_ours, _unwatched(deployment))


async def apply(clients: Clients, deployment: Deployment) -> None:
    await together(*(_make(clients, deployment, rule) for rule in RULES))


async def destroy(clients: Clients, deployment: Deployment) -> None:
    await together(*(_remove(clients, deployment, rule) for rule in RULES))


def desired(
    deployment: Deployment, rule: Rule, standing: ActivityLogAlertResource | None = None
) -> ActivityLogAlertResource:
    """The rule to write; action groups and tags that others have added stay."""
    ours = deployment.action_groups_ever
    others = [group for group in _groups(standing) if group.lower() not in ours]
    return ActivityLogAlertResource(
        location="Global",
        tags=merged_tags(standing.tags if standing is not None else None, deployment.tags),
        scopes=_scopes(deployment, rule),
        enabled=True,
        description=f"Audit: {rule.what}. It says nothing about whether patching worked.",
        condition=AlertRuleAllOfCondition(
            all_of=[
                AlertRuleAnyOfOrLeafCondition(field=field, equals=value)
                for field, value in _condition(rule).items()
            ]
        ),
        actions=ActionList(
            action_groups=[
                ActionGroup(action_group_id=id) for id in (deployment.action_group_id, *others)
            ]
        ),
    )


def _scopes(deployment: Deployment, rule: Rule) -> list[str]:
    """What is ours, and the assignments of your machines, which are in their groups.

    A rule watches its own subscription only (probed, terraform-provider-azurerm#25053).
    """
    here = [m.id for m in deployment.machines if same(m.subscription, deployment.subscription)]
    return [*deployment.audited, *(here if rule.of_assignments else ())]


def _unwatched(deployment: Deployment) -> Iterator[str]:
    machines = deployment.machines
    if away := [m for m in machines if not same(m.subscription, deployment.subscription)]:
        yield (
            f"Edits of the assignments of {len(away)} of {len(machines)} machines are not mailed: "
            "they are in other subscriptions, and an alert watches only its own."
        )


def _condition(rule: Rule) -> dict[str, str]:
    # Azure records an edit as Started and as Succeeded: one of them makes one mail of it.
    return {
        "category": "Administrative",
        "operationName": rule.operation,
        "status": "Succeeded",
    }


def _name(deployment: Deployment, rule: Rule) -> str:
    return f"{rule.name}-{deployment.suffix}"


async def _part(clients: Clients, deployment: Deployment, rule: Rule) -> Part:
    name = _name(deployment, rule)
    got = await find(clients.monitor.activity_log_alerts.get(deployment.group, name))
    id = deployment.id("Microsoft.Insights/activityLogAlerts", name)
    tags = None if got is None else dict(got.tags or {})
    return Part(id, tags, tuple(_findings(deployment, rule, got)))


def _findings(
    deployment: Deployment, rule: Rule, got: ActivityLogAlertResource | None
) -> list[Finding]:
    if got is None:
        return [check(f"alert {rule.name}", "enabled", "not there")]
    leaves = got.condition.all_of or [] if got.condition is not None else []
    condition = [f"{leaf.field}={leaf.equals}" for leaf in leaves]
    wanted = [f"{field}={value}" for field, value in _condition(rule).items()]
    return [
        check(f"alert {rule.name}", "enabled", "enabled" if got.enabled else "disabled"),
        check(f"condition of {rule.name}", wanted, condition),
        check(f"scope of {rule.name}", _scopes(deployment, rule), got.scopes),
        _mails_to(deployment, rule, _groups(got)),
        tags_check(f"tags of {rule.name}", deployment.tags, got.tags),
    ]


async def _make(clients: Clients, deployment: Deployment, rule: Rule) -> None:
    alerts, name = clients.monitor.activity_log_alerts, _name(deployment, rule)
    got = await find(alerts.get(deployment.group, name))
    if any(finding.ok is False for finding in _findings(deployment, rule, got)):
        await alerts.create_or_update(deployment.group, name, desired(deployment, rule, got))


async def _remove(clients: Clients, deployment: Deployment, rule: Rule) -> None:
    """Only what carries our tags."""
    alerts, name = clients.monitor.activity_log_alerts, _name(deployment, rule)
    got = await find_surely(lambda: alerts.get(deployment.group, name))
    if got is not None and deployment.is_ours(got.tags):
        await alerts.delete(deployment.group, name)


def _groups(rule: ActivityLogAlertResource | None) -> list[str]:
    actions = rule.actions if rule is not None else None
    return [group.action_group_id for group in actions.action_groups or []] if actions else []


def _mails_to(deployment: Deployment, rule: Rule, groups: list[str]) -> Finding:
    """Whether our group is among those that the rule mails to."""
    ours = deployment.action_group_id
    among = any(group.lower() == ours.lower() for group in groups)
    return Finding(f"action group of {rule.name}", ours, ours if among else text(groups), among)
