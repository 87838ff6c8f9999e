"""Microsoft.Insights activity-log alerts: rules that wait for events, and the mails about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from arm_sandbox import mail
from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.providers.action_groups import addresses
from arm_sandbox.providers.insights import bad, require_location, require_name
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World

RULE = "Microsoft.Insights/activityLogAlerts"
RULE_VERSIONS = ("2017-04-01", "2023-01-01-preview")
RULE_LOCATIONS = ("global", "westeurope", "northeurope")
RULES, GROUPS_OF_RULE = 100, 5
"""Most rules of a subscription and action groups of a rule (docs, limits)."""

ALERT = (60.0, 300.0)
"""Seconds from an event to the mail about it."""
FIELDS = (
    "resourceid",
    "category",
    "caller",
    "level",
    "operationname",
    "resourcegroup",
    "resourceprovider",
    "status",
    "substatus",
    "resourcetype",
)


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Rules are plain resources."""
    return None


def _check_rule(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    require_location(RULE, str(body.get("location") or "global"), RULE_LOCATIONS)
    require_name(id.name)
    _require_scopes(id, properties.get("scopes") or [])
    _require_condition((properties.get("condition") or {}).get("allOf") or [])
    _require_groups(world, properties)
    others = sum(1 for _ in world.below(f"/subscriptions/{id.subscription}", RULE))
    if old is None and others >= RULES:
        message = f"The subscription has {RULES} activity log alert rules already."
        raise bad(message, "ActivityLogAlertQuotaExceeded")


def _require_scopes(id: Id, scopes: list[str]) -> None:
    if not scopes:
        raise bad("The scopes of the alert rule must include at least one item.")
    for scope in scopes:
        if not within(str(scope), f"/subscriptions/{id.subscription}"):
            raise bad(f"The scope '{scope}' is not below the subscription of the alert rule.")


def _require_condition(conditions: list[Body]) -> None:
    for condition in conditions:
        leaves = condition.get("anyOf")
        mixed = leaves is not None and set(condition) != {"anyOf"}
        if mixed or not all(_is_leaf(leaf) for leaf in leaves or [condition]):
            raise bad(
                "A condition must contain either only 'anyOf', or a known 'field' and one of "
                "'equals' and 'containsAny'."
            )
    if not any(same(str(c.get("field")), "category") for c in conditions):
        raise bad("The condition of the alert rule must contain a condition on 'category'.")


def _is_leaf(condition: Body) -> bool:
    field = str(condition.get("field") or "").lower()
    known = field in FIELDS or field.startswith("properties")
    return known and (condition.get("equals") is None) != (condition.get("containsAny") is None)


def _require_groups(world: World, properties: Body) -> None:
    groups = list(_group_ids(properties))
    if "actions" not in properties:
        raise bad("The actions of the alert rule are required.")
    if len(groups) > GROUPS_OF_RULE:
        raise bad(f"An alert rule can have at most {GROUPS_OF_RULE} action groups.")
    for group in groups:
        if world.find(group) is None:
            raise bad(f"The action group '{group}' was not found.", "ActionGroupNotFound")


def _group_ids(properties: Body) -> Iterator[str]:
    for action in (properties.get("actions") or {}).get("actionGroups") or []:
        yield str(action.get("actionGroupId") or "")


def _fill_rule(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    filled = {
        "type": "Microsoft.Insights/ActivityLogAlerts",
        "location": body.get("location") or "global",
        "properties": {"enabled": True, **body["properties"]},
    }
    return {**filled, "tags": body["tags"]} if body.get("tags") else filled


def _event_recorded(world: World, event: Body) -> None:
    for rule in world.below(f"/subscriptions/{event['subscriptionId']}", RULE):
        if not _fires(rule, event):
            continue
        properties = rule.properties
        subject_and_text = (rule.body["name"], properties.get("description") or "", event)
        seconds = world.between(rule.id, "alert", *ALERT)
        told = addresses(world, _group_ids(properties))
        world.later(seconds, "alert.due", addresses=told, about=list(subject_and_text))


def _fires(rule: Resource, event: Body) -> bool:
    properties = rule.properties
    return (
        properties["enabled"]
        and any(within(event["resourceId"], scope) for scope in properties["scopes"])
        and all(_met(condition, event) for condition in properties["condition"]["allOf"])
    )


def _met(condition: Body, event: Body) -> bool:
    if condition.get("anyOf") is not None:
        return any(_met(leaf, event) for leaf in condition["anyOf"])
    value = _event_field(event, condition["field"]).lower()
    if condition.get("equals") is not None:
        return value == str(condition["equals"]).lower()
    return any(str(part).lower() in value for part in condition["containsAny"])


def _event_field(event: Body, field: str) -> str:
    target = parse(event["resourceId"])
    derived = {
        "resourcegroup": event["resourceGroupName"],
        "resourceprovider": target.namespace,
        "resourcetype": target.type if target.namespace else "",
    }
    by_name = {name.lower(): value for name, value in event.items()}
    value = derived.get(field.lower(), by_name.get(field.lower(), ""))
    return str(value["value"] if isinstance(value, dict) else value)


def _alert_due(world: World, addresses: list[str], about: list[Any]) -> None:
    rule, description, event = about
    for address in addresses:
        mail.deliver(world, address, "alert", *mail.alert(world, rule, description, event))


HAPPENINGS: Mapping[str, Callable[..., None]] = {
    "activity.recorded": _event_recorded,
    "alert.due": _alert_due,
}

KINDS: tuple[Kind, ...] = (
    Kind(
        type=RULE,
        model="azure.mgmt.monitor.models:ActivityLogAlertResource",
        api_version="2020-10-01",
        patch_model="azure.mgmt.monitor.models:AlertRulePatchObject",
        versions=RULE_VERSIONS,
        located=False,
        shape="flat",
        check=_check_rule,
        fill=_fill_rule,
    ),
)
