"""Microsoft.Insights: action groups, test notifications, activity-log alerts, the activity log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import mail, schema
from arm_sandbox.arm import Body, Kind, not_found
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.providers.resources import require_group
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World, stamp

GROUP = "Microsoft.Insights/actionGroups"
RULE = "Microsoft.Insights/activityLogAlerts"
GROUP_VERSIONS = (
    "2019-06-01",
    "2021-09-01",
    "2022-06-01",
    "2023-09-01-preview",
    "2024-10-01-preview",
)
RULE_VERSIONS = ("2017-04-01", "2023-01-01-preview")
LOG_VERSION = "2015-04-01"

GROUP_LOCATIONS = (
    "global",
    "swedencentral",
    "germanywestcentral",
    "northcentralus",
    "southcentralus",
)
RULE_LOCATIONS = ("global", "westeurope", "northeurope")
RECEIVERS = (
    "emailReceivers",
    "smsReceivers",
    "webhookReceivers",
    "eventHubReceivers",
    "itsmReceivers",
    "azureAppPushReceivers",
    "automationRunbookReceivers",
    "voiceReceivers",
    "logicAppReceivers",
    "azureFunctionReceivers",
    "armRoleReceivers",
)
SHORT_NAME, ADDRESS, EMAILS = 12, 64, 1000
"""Longest short name and address, most e-mail receivers of a group (docs)."""
RULES, GROUPS_OF_RULE = 100, 5
"""Most rules of a subscription and action groups of a rule (docs, limits)."""

CONFIRMED_AFTER = 120.0
"""Simplified: the owner of a new address enters the one-time passcode after two minutes."""
TEST = (30.0, 130.0)
"""Seconds of a test notification: published answers show 36 to 130."""
TEST_SENT = 4.0
"""Seconds until the mail of a test is handed over, long before the test is complete (published)."""
NEVER = "0001-01-01T00:00:00+00:00"
ALERT = (60.0, 300.0)
"""Seconds from an event to the mail about it."""
LOG_DAYS = 90

ALERT_TYPES = {
    "servicehealth": "ServiceHealth",
    "metricstaticthreshold": "MetricStaticThreshold",
    "metricsdynamicthreshold": "MetricsDynamicThreshold",
    "logalertv2": "LogAlertV2",
    "smartalert": "SmartAlert",
    "webtestalert": "WebTestAlert",
    "logalertv1numresult": "LogAlertV1NumResult",
    "logalertv1metricmeasurement": "LogAlertV1MetricMeasurement",
    "resourcehealth": "ResourceHealth",
    "activitylog": "ActivityLog",
    "actualcostbudget": "ActualCostBudget",
    "forecastedbudget": "ForecastedBudget",
    "budget": "Budget",
}
"""As the API description lists them, and `budget`, which its examples and az use."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """The activity log and the status of a test, which are no resources."""
    if request.method != "GET":
        return None
    if id.type.lower() == "microsoft.insights/eventtypes/values" and id.names == ("management",):
        return _activity_log(world, request, id)
    if same(id.type, f"{GROUP}/notificationStatus") and id.name:
        return _notification_status(world, id)
    return None


def _bad(message: str, code: str = "BadRequest", status: int = 400) -> Refusal:
    return Refusal(status, code, message, shape="flat")


def _require_location(type: str, location: str, available: Iterable[str]) -> None:
    if location.replace(" ", "").lower() not in available:
        raise gateway(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type "
            f"'{type.lower()}'. List of available regions for the resource type is "
            f"'{','.join(available)}'.",
        )


def _require_name(name: str) -> None:
    """1 to 260 characters, some of them barred (azure-docs, resource-name-rules)."""
    if len(name) > 260 or re.search(r"[:<>+/&%\\?|\x00-\x1f]", name) or name.endswith((" ", ".")):
        raise _bad(f"The resource name '{name}' is not valid.", "InvalidResourceName")


# -- action groups


def _check_group(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    _require_location(GROUP, str(body["location"]), GROUP_LOCATIONS)
    _require_name(id.name)
    short = str(properties.get("groupShortName") or "")
    if not 1 <= len(short) <= SHORT_NAME:
        message = f"The group short name '{short}' must have 1 to {SHORT_NAME} characters."
        raise _bad(message, "InvalidGroupShortName")
    _check_receivers(properties)


def _check_receivers(properties: Body) -> None:
    names = [str(receiver.get("name") or "").lower() for receiver in _receivers(properties)]
    if not all(names):
        raise _bad("Every receiver must have a name.", "MissingReceiverName")
    for name in names:
        if names.count(name) > 1:
            message = f"The receiver name '{name}' must be unique within the action group."
            raise _bad(message, "DuplicateReceiverName")
    emails = properties.get("emailReceivers") or []
    if len(emails) > EMAILS:
        raise _bad(f"At most {EMAILS} email receivers are allowed.", "TooManyReceivers")
    for receiver in emails:
        _require_address(str(receiver.get("emailAddress") or ""))


def _receivers(properties: Body) -> Iterator[Body]:
    for kind in RECEIVERS:
        yield from properties.get(kind) or []


def _require_address(address: str) -> None:
    if len(address) > ADDRESS:
        message = f"The email address '{address}' has more than {ADDRESS} characters."
        raise _bad(message, "InvalidEmailAddress")
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", address, re.ASCII):
        raise _bad(f"The email address '{address}' is not valid.", "InvalidEmailAddress")


def _fill_group(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body.get("properties") or {}
    scope = f"/subscriptions/{id.subscription}/resourceGroups/{id.group}"
    return {
        "id": f"{scope}/providers/microsoft.insights/actionGroups/{id.name}",
        "type": "Microsoft.Insights/ActionGroups",
        "name": id.name,
        "location": body["location"],
        "kind": None,
        "tags": body.get("tags") or None,
        "properties": {
            "groupShortName": sent["groupShortName"],
            "enabled": sent.get("enabled", True),
            **{kind: sent.get(kind) or [] for kind in RECEIVERS},
            "emailReceivers": [_filled(email) for email in sent.get("emailReceivers") or []],
        },
        "identity": None,
    }


def _filled(receiver: Body) -> Body:
    return {"useCommonAlertSchema": False, "status": "Enabled", **receiver}


def _ask_to_confirm(world: World, group: Resource) -> None:
    """An address that is new to the tenant gets a passcode at once, and only once (docs)."""
    for receiver in group.properties["emailReceivers"]:
        address = receiver["emailAddress"]
        if address.lower() in world.addresses:
            continue
        world.addresses[address.lower()] = world.now + CONFIRMED_AFTER
        number = f"{int(world.draw(address, 'passcode') * 10**6):06}"
        mail.make(world, address, "code", *mail.code(group.body["name"], number))


def _enable_receiver(world: World, group: Resource, request: Request) -> Response:
    name = str((request.body or {}).get("receiverName") or "")
    receivers = [r for r in _receivers(group.properties) if same(r["name"], name)]
    if not receivers:
        raise _bad(
            f"Could not find receiver with name {name} in action group with Id {_inner_id(group)}",
            "ReceiverNotFound",
            404,
        )
    if receivers[0].get("status", "Enabled") == "Enabled":
        raise _bad(
            f"Receiver with name {name} in action group with Id {_inner_id(group)} "
            "is already enabled",
            "ReceiverAlreadyEnabled",
            409,
        )
    receivers[0]["status"] = "Enabled"
    return Response(200)


def _inner_id(group: Resource) -> str:
    """Upper case, and `_` as `:5F` (recorded)."""
    id = parse(group.id)
    parts = (
        re.sub(r"\W|_", lambda m: f":{ord(m[0]):02X}", part.upper()) for part in (id.group, id.name)
    )
    return "-".join(parts)


# -- test notifications


def _create_notifications(world: World, group: Resource, request: Request) -> Response:
    body = schema.accept("azure.mgmt.monitor.models:NotificationRequestBody", request.body or {})
    _check_notification(body)
    seconds = world.between(group.id, "test notification", *TEST)
    number = f"{11_000_000_000_000 + int(world.draw(group.id, 'notification') * 10**12)}"
    group.hidden.setdefault("notifications", {})[number] = {
        "created": world.now,
        "sent": world.now + TEST_SENT,
        "completed": world.now + seconds,
        "alertType": body["alertType"].lower(),
        "receivers": [[kind, r["name"]] for kind in RECEIVERS for r in body.get(kind) or []],
    }
    for receiver in body.get("emailReceivers") or []:
        about = [group.body["name"], receiver["name"], body["alertType"].lower()]
        world.later(TEST_SENT, "test.due", to=receiver["emailAddress"], about=about)
    location = f"{request.origin}{group.id}/notificationStatus/{number}"
    return Response(202, None, {"Location": f"{location}?api-version={request.api_version}"})


def _test_due(world: World, to: str, about: list[str]) -> None:
    mail.deliver(world, to, "test", *mail.test(world, *about))


def _check_notification(body: Body) -> None:
    kind = str(body.get("alertType") or "")
    if kind.lower() not in ALERT_TYPES:
        message = f"The alert type '{kind}' is not supported."
        raise _bad(message, "InvalidAlertType")
    if body.get("armRoleReceivers"):
        raise _bad(
            "Arm role receivers are not supported for test notifications.", "NotSupportedArmRole"
        )
    if not any(True for _ in _receivers(body)):
        # Nothing is taken from the stored group (docs of the SDK).
        raise _bad("The request must contain at least one receiver.", "MissingReceivers")
    _check_receivers(body)


def _notification_status(world: World, id: Id) -> Response:
    """202 with a full body while it runs, although the contract knows 200 only (recorded)."""
    require_group(world, id, writing=False)
    group = world.find(id.parent)
    if group is None:
        raise not_found(GROUP, id.names[0], id.group)
    test = group.hidden.get("notifications", {}).get(id.name)
    if test is None:
        raise _bad(f"The notification '{id.name}' was not found.", "NotificationNotFound", 404)
    return Response(202 if world.now < test["completed"] else 200, _status(world, test))


def _status(world: World, test: Body) -> Body:
    done, sent = world.now >= test["completed"], world.now >= test["sent"]
    details = [
        {
            "MechanismType": kind[:1].upper() + kind.removesuffix("Receivers")[1:],
            "Name": name,
            "Status": "Succeeded" if sent else "InProgress",
            "SubState": "Default",
            "SendTime": _offset_time(test["sent"]) if sent else NEVER,
        }
        for kind, name in test["receivers"]
    ]
    return {
        "context": {
            "notificationSource": "Microsoft.Insights/TestNotification",
            "contextType": f"Microsoft.Insights/{ALERT_TYPES[test['alertType']]}",
        },
        "state": "Complete" if done else "InProgress" if sent else "New",
        "completedTime": _offset_time(test["completed"]) if done else NEVER,
        "createdTime": _offset_time(test["created"]),
        "actionDetails": details,
    }


def _offset_time(seconds: float) -> str:
    return stamp(seconds).replace("Z", "+00:00")


# -- activity-log alerts

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


def _check_rule(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    _require_location(RULE, str(body.get("location") or "global"), RULE_LOCATIONS)
    _require_name(id.name)
    _require_scopes(id, properties.get("scopes") or [])
    _require_condition((properties.get("condition") or {}).get("allOf") or [])
    _require_groups(world, properties)
    others = sum(1 for _ in world.below(f"/subscriptions/{id.subscription}", RULE))
    if old is None and others >= RULES:
        message = f"The subscription has {RULES} activity log alert rules already."
        raise _bad(message, "ActivityLogAlertQuotaExceeded")


def _require_scopes(id: Id, scopes: list[str]) -> None:
    if not scopes:
        raise _bad("The scopes of the alert rule must include at least one item.")
    for scope in scopes:
        if not within(str(scope), f"/subscriptions/{id.subscription}"):
            raise _bad(f"The scope '{scope}' is not below the subscription of the alert rule.")


def _require_condition(conditions: list[Body]) -> None:
    for condition in conditions:
        leaves = condition.get("anyOf")
        mixed = leaves is not None and set(condition) != {"anyOf"}
        if mixed or not all(_is_leaf(leaf) for leaf in leaves or [condition]):
            raise _bad(
                "A condition must contain either only 'anyOf', or a known 'field' and one of "
                "'equals' and 'containsAny'."
            )
    if not any(same(str(c.get("field")), "category") for c in conditions):
        raise _bad("The condition of the alert rule must contain a condition on 'category'.")


def _is_leaf(condition: Body) -> bool:
    field = str(condition.get("field") or "").lower()
    known = field in FIELDS or field.startswith("properties")
    return known and (condition.get("equals") is None) != (condition.get("containsAny") is None)


def _require_groups(world: World, properties: Body) -> None:
    groups = list(_group_ids(properties))
    if "actions" not in properties:
        raise _bad("The actions of the alert rule are required.")
    if len(groups) > GROUPS_OF_RULE:
        raise _bad(f"An alert rule can have at most {GROUPS_OF_RULE} action groups.")
    for group in groups:
        if world.find(group) is None:
            raise _bad(f"The action group '{group}' was not found.", "ActionGroupNotFound")


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
        addresses = sorted(set(_addresses(world, properties)))
        world.later(seconds, "alert.due", addresses=addresses, about=list(subject_and_text))


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


def _addresses(world: World, rule: Body) -> Iterator[str]:
    """Who is told: each address once, however many groups have it."""
    for group in map(world.find, _group_ids(rule)):
        if group is not None and group.properties["enabled"]:
            for receiver in group.properties["emailReceivers"]:
                if receiver["status"] == "Enabled":
                    yield receiver["emailAddress"].lower()


def _alert_due(world: World, addresses: list[str], about: list[Any]) -> None:
    rule, description, event = about
    for address in addresses:
        mail.deliver(world, address, "alert", *mail.alert(world, rule, description, event))


# -- the activity log


def _activity_log(world: World, request: Request, id: Id) -> Response:
    if request.api_version != LOG_VERSION:
        raise gateway(
            404,
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.Insights' for "
            f"api version '{request.api_version}'.",
        )
    wanted = _filter(world, request.query.get("$filter", ""))
    found = [
        _shown_event(event)
        for event in reversed(world.events)
        if same(event["subscriptionId"], id.subscription) and _wanted(event, wanted)
    ]
    names = {name.strip().lower() for name in request.query.get("$select", "").split(",") if name}
    return Response(200, {"value": [_selected(event, names) for event in found]})


FILTERS = {
    "eventtimestamp ge": lambda event, value: _seconds(event["eventTimestamp"]) >= _seconds(value),
    "eventtimestamp le": lambda event, value: _seconds(event["eventTimestamp"]) <= _seconds(value),
    "resourcegroupname eq": lambda event, value: same(event["resourceGroupName"], value),
    "resourceuri eq": lambda event, value: same(event["resourceId"], value),
    "resourceid eq": lambda event, value: same(event["resourceId"], value),
    "resourceprovider eq": lambda event, value: same(parse(event["resourceId"]).namespace, value),
    "correlationid eq": lambda event, value: same(event["eventDataId"], value),
}
"""The patterns that the API description allows: no other syntax."""


def _filter(world: World, text: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for clause in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text else ():
        match = re.fullmatch(r"(\w+)\s+(ge|le|eq)\s+'([^']*)'", clause.strip(), re.IGNORECASE)
        name = f"{match[1]} {match[2]}".lower() if match else ""
        if match is None or name not in FILTERS:
            raise _bad(f"The filter clause '{clause}' is not supported.")
        wanted[name] = match[3]
    if "eventtimestamp ge" not in wanted:
        raise _bad("The $filter must contain at least the start time.")
    if _seconds(wanted["eventtimestamp ge"]) < world.now - LOG_DAYS * 86400:
        raise _bad(f"The start time cannot be more than {LOG_DAYS} days in the past.")
    return wanted


def _seconds(text: str) -> float:
    """A time with up to seven digits of a second, of which Python reads six."""
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(shortened)
    except ValueError:
        raise _bad(f"'{text}' is not a time.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _wanted(event: Body, wanted: dict[str, str]) -> bool:
    return all(FILTERS[name](event, value) for name, value in wanted.items())


def _shown_event(event: Body) -> Body:
    target = parse(event["resourceId"])
    type = target.type if target.namespace else "Microsoft.Resources/subscriptions/resourceGroups"
    ticks = int((_seconds(event["eventTimestamp"]) + 62_135_596_800) * 10**7)
    return {
        **event,
        "id": f"{event['resourceId']}/events/{event['eventDataId']}/ticks/{ticks}",
        "correlationId": event["eventDataId"],
        "operationId": event["eventDataId"],
        "resourceProviderName": _localizable(type.split("/")[0]),
        "resourceType": _localizable(type),
        "subStatus": _localizable(""),
        "submissionTimestamp": event["eventTimestamp"],
        "authorization": {
            "action": event["operationName"]["value"],
            "scope": event["resourceId"],
        },
        "properties": {},
    }


def _localizable(value: str) -> Body:
    return {"value": value, "localizedValue": value}


def _selected(event: Body, names: set[str]) -> Body:
    return {k: v for k, v in event.items() if not names or k.lower() in names}


HAPPENINGS: Mapping[str, Callable[..., None]] = {
    "activity.recorded": _event_recorded,
    "alert.due": _alert_due,
    "test.due": _test_due,
}

KINDS: tuple[Kind, ...] = (
    Kind(
        type=GROUP,
        model="azure.mgmt.monitor.models:ActionGroupResource",
        api_version="2023-01-01",
        patch_model="azure.mgmt.monitor.models:ActionGroupPatchBody",
        versions=GROUP_VERSIONS,
        shape="flat",
        check=_check_group,
        fill=_fill_group,
        when_made=_ask_to_confirm,
        actions={"subscribe": _enable_receiver, "createnotifications": _create_notifications},
    ),
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
