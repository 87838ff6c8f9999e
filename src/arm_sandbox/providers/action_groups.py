"""Microsoft.Insights action groups: who is told of an alert, and test notifications to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from arm_sandbox import failures, mail, recording, schema
from arm_sandbox.arm import Body, Kind, not_found
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers.insights import bad, require_location, require_name
from arm_sandbox.providers.resources import require_group
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World, offset_stamp

GROUP = "Microsoft.Insights/actionGroups"
GROUP_VERSIONS = (
    *("2017-04-01", "2018-03-01", "2018-09-01", "2019-03-01", "2019-06-01", "2021-09-01"),
    *("2022-04-01", "2022-06-01", "2023-09-01-preview", "2024-10-01-preview"),
)

GROUP_LOCATIONS = (
    "global",
    "swedencentral",
    "germanywestcentral",
    "northcentralus",
    "southcentralus",
)
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

CONFIRMED_AFTER = 120.0
"""Simplified: the owner of a new address enters the one-time passcode after two minutes."""
TEST = (30.0, 130.0)
"""Seconds of a test notification: published answers show 36 to 130."""
TEST_SENT = 4.0
"""Seconds until the mail of a test is handed over, long before the test is complete (published)."""
NEVER = "0001-01-01T00:00:00+00:00"

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
    """The status of a test, which is no resource."""
    if request.method == "GET" and same(id.type, f"{GROUP}/notificationStatus") and id.name:
        return _notification_status(world, id)
    return None


def _check_group(world: World, id: Id, body: Body, old: Resource | None) -> None:
    properties = body.get("properties") or {}
    require_location(GROUP, str(body["location"]), GROUP_LOCATIONS)
    require_name(id.name)
    short = str(properties.get("groupShortName") or "")
    if not 1 <= len(short) <= SHORT_NAME:
        message = f"The group short name '{short}' must have 1 to {SHORT_NAME} characters."
        raise bad(message, "InvalidGroupShortName")
    _check_receivers(properties)


def _check_receivers(properties: Body) -> None:
    names = [str(receiver.get("name") or "").lower() for receiver in _receivers(properties)]
    if not all(names):
        raise bad("Every receiver must have a name.", "MissingReceiverName")
    for name in names:
        if names.count(name) > 1:
            message = f"The receiver name '{name}' must be unique within the action group."
            raise bad(message, "DuplicateReceiverName")
    emails = properties.get("emailReceivers") or []
    if len(emails) > EMAILS:
        raise bad(f"At most {EMAILS} email receivers are allowed.", "TooManyReceivers")
    for receiver in emails:
        _require_address(str(receiver.get("emailAddress") or ""))


def _receivers(properties: Body) -> Iterator[Body]:
    for kind in RECEIVERS:
        yield from properties.get(kind) or []


def _require_address(address: str) -> None:
    if len(address) > ADDRESS:
        message = f"The email address '{address}' has more than {ADDRESS} characters."
        raise bad(message, "InvalidEmailAddress")
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", address, re.ASCII):
        raise bad(f"The email address '{address}' is not valid.", "InvalidEmailAddress")


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
            **{kind: [_filled(world, kind, r) for r in sent.get(kind) or []] for kind in RECEIVERS},
        },
        "identity": None,
    }


def _filled(world: World, kind: str, receiver: Body) -> Body:
    """A receiver as it is kept: with its defaults, and without the signature of its address.

    Azure shows the whole address; here a secret is neither kept nor told.
    """
    tenant = {"tenantId": world.tenant} if kind == "eventHubReceivers" else {}
    kept = {name: recording.public(value) for name, value in receiver.items()}
    return {**DEFAULTS.get(kind, COMMON_SCHEMA), **tenant, **kept}


COMMON_SCHEMA = {"useCommonAlertSchema": False}
DEFAULTS: Mapping[str, Body] = {
    "emailReceivers": {**COMMON_SCHEMA, "status": "Enabled"},
    "smsReceivers": {"status": "Enabled"},
    "voiceReceivers": {},
    "itsmReceivers": {},
    "azureAppPushReceivers": {},
    "webhookReceivers": {
        **COMMON_SCHEMA,
        "useAadAuth": False,
        "objectId": None,
        "identifierUri": None,
        "tenantId": None,
    },
}
"""What a receiver that does not say it has (recorded, and the defaults of the API description)."""


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
        raise bad(
            f"Could not find receiver with name {name} in action group with Id {_inner_id(group)}",
            "ReceiverNotFound",
            404,
        )
    if receivers[0].get("status", "Enabled") == "Enabled":
        raise bad(
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
    failure = failures.strike(world, GROUP, "createNotifications")
    number = f"{11_000_000_000_000 + int(world.draw(group.id, 'notification') * 10**12)}"
    group.hidden.setdefault("notifications", {})[number] = {
        "created": world.now,
        "sent": world.now + TEST_SENT,
        "completed": world.now + seconds,
        "alertType": body["alertType"].lower(),
        "receivers": [[kind, r["name"]] for kind in RECEIVERS for r in body.get(kind) or []],
        "ends": failure.status if failure is not None else "Succeeded",
    }
    for receiver in body.get("emailReceivers") or [] if failure is None else ():
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
        raise bad(message, "InvalidAlertType")
    if body.get("armRoleReceivers"):
        raise bad(
            "Arm role receivers are not supported for test notifications.", "NotSupportedArmRole"
        )
    if not any(True for _ in _receivers(body)):
        # Nothing is taken from the stored group (docs of the SDK).
        raise bad("The request must contain at least one receiver.", "MissingReceivers")
    _check_receivers(body)


def _notification_status(world: World, id: Id) -> Response:
    """202 with a full body while it runs, although the contract knows 200 only (recorded)."""
    require_group(world, id, writing=False)
    group = world.find(id.parent)
    if group is None:
        raise not_found(GROUP, id.names[0], id.group)
    test = group.hidden.get("notifications", {}).get(id.name)
    if test is None:
        raise bad(f"The notification '{id.name}' was not found.", "NotificationNotFound", 404)
    return Response(202 if world.now < test["completed"] else 200, _status(world, test))


def _status(world: World, test: Body) -> Body:
    done, sent = world.now >= test["completed"], world.now >= test["sent"]
    details = [
        {
            "MechanismType": kind[:1].upper() + kind.removesuffix("Receivers")[1:],
            "Name": name,
            "Status": test.get("ends", "Succeeded") if sent else "InProgress",
            "SubState": "Default",
            "SendTime": offset_stamp(test["sent"]) if sent else NEVER,
        }
        for kind, name in test["receivers"]
    ]
    return {
        "context": {
            "notificationSource": "Microsoft.Insights/TestNotification",
            "contextType": f"Microsoft.Insights/{ALERT_TYPES[test['alertType']]}",
        },
        "state": "Complete" if done else "InProgress" if sent else "New",
        "completedTime": offset_stamp(test["completed"]) if done else NEVER,
        "createdTime": offset_stamp(test["created"]),
        "actionDetails": details,
    }


# -- whom an alert goes to


def addresses(world: World, groups: Iterable[str]) -> list[str]:
    """The addresses that action groups tell, each once, however many groups have it."""
    return sorted(set(_addresses(world, groups)))


def _addresses(world: World, groups: Iterable[str]) -> Iterator[str]:
    for group in map(world.find, groups):
        if group is not None and group.properties["enabled"]:
            for receiver in group.properties["emailReceivers"]:
                if receiver["status"] == "Enabled":
                    yield receiver["emailAddress"].lower()


HAPPENINGS: Mapping[str, Callable[..., None]] = {"test.due": _test_due}

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
)
