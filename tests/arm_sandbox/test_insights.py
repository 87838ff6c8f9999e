"""Microsoft.Insights: action groups, their tests, activity-log alerts, the activity log."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, send, signed_in, wait

ACTION_GROUPS = f"{GROUP}/providers/Microsoft.Insights/actionGroups"
ACTION_GROUP = f"{ACTION_GROUPS}/ag_you"
RULES = f"{GROUP}/providers/Microsoft.Insights/activityLogAlerts"
RULE = f"{RULES}/audit"
YOU = {"name": "you", "emailAddress": "you@example.com", "useCommonAlertSchema": True}
PHONE = {"name": "phone", "countryCode": "1", "phoneNumber": "5551234567"}
BODY: dict[str, Any] = {
    "location": "Global",
    "properties": {"groupShortName": "patching", "enabled": True, "emailReceivers": [YOU]},
}
RULE_BODY: dict[str, Any] = {
    "location": "Global",
    "properties": {
        "scopes": [GROUP],
        "condition": {
            "allOf": [
                {"field": "category", "equals": "Administrative"},
                {"field": "operationName", "equals": "Microsoft.Resources/resourceGroups/write"},
                {"field": "status", "equals": "Succeeded"},
            ]
        },
        "actions": {"actionGroups": [{"actionGroupId": ACTION_GROUP}]},
        "enabled": True,
        "description": "somebody changed the group",
    },
}


def put(world: World, body: dict[str, Any], path: str = ACTION_GROUP) -> Response:
    return ask(world, "PUT", path, body, version="2023-01-01")


def put_rule(world: World, body: dict[str, Any], path: str = RULE) -> Response:
    return ask(world, "PUT", path, body, version="2020-10-01")


def changed(body: dict[str, Any], **properties: Any) -> dict[str, Any]:
    made = copy.deepcopy(body)
    made["properties"] |= properties
    made["properties"] = {k: v for k, v in made["properties"].items() if v is not None}
    return made


def with_emails(*receivers: dict[str, Any]) -> dict[str, Any]:
    return changed(BODY, emailReceivers=list(receivers))


def refused(response: Response, status: int = 400) -> str:
    """The message of a refusal in the flat shape of Microsoft.Insights."""
    assert response.status == status
    assert set(response.body) == {"code", "message"}
    return str(response.body["message"])


def kinds(world: World) -> list[tuple[str, str]]:
    """What was sent to whom."""
    return [(mail["kind"], mail["to"]) for mail in world.mails]


def touch_group(world: World) -> None:
    """Make an event that the rule of these tests waits for."""
    assert ask(world, "PATCH", GROUP, {"tags": {"a": "b"}}).status == 200


def let_pass(world: World, seconds: float) -> None:
    wait(world, seconds)
    ask(world, "GET", GROUP)


# -- action groups


def test_an_action_group_comes_back_as_recorded(world: World) -> None:
    response = put(world, changed(BODY, emailReceivers=[YOU]))
    assert response.status == 201
    assert response.body == {
        "id": f"{GROUP}/providers/microsoft.insights/actionGroups/ag_you",
        "type": "Microsoft.Insights/ActionGroups",
        "name": "ag_you",
        "location": "Global",
        "kind": None,
        "tags": None,
        "properties": {
            "groupShortName": "patching",
            "enabled": True,
            "emailReceivers": [{**YOU, "status": "Enabled"}],
            "smsReceivers": [],
            "webhookReceivers": [],
            "eventHubReceivers": [],
            "itsmReceivers": [],
            "azureAppPushReceivers": [],
            "automationRunbookReceivers": [],
            "voiceReceivers": [],
            "logicAppReceivers": [],
            "azureFunctionReceivers": [],
            "armRoleReceivers": [],
        },
        "identity": None,
    }
    assert ask(world, "GET", ACTION_GROUP, version="2023-01-01").body == response.body


def test_a_second_put_of_an_action_group_is_200(world: World) -> None:
    put(world, BODY)
    response = put(world, {**BODY, "tags": {"owner": "you"}})
    assert (response.status, response.body["tags"]) == (200, {"owner": "you"})


def test_a_patch_disables_an_action_group(world: World) -> None:
    put(world, BODY)
    change = {"properties": {"enabled": False}}
    response = ask(world, "PATCH", ACTION_GROUP, change, version="2023-01-01")
    assert response.status == 200
    assert response.body["properties"]["enabled"] is False
    assert response.body["properties"]["groupShortName"] == "patching"


def test_action_groups_are_listed_in_group_and_subscription(world: World) -> None:
    made = put(world, BODY).body
    in_subscription = f"{SUBSCRIPTION}/providers/Microsoft.Insights/actionGroups"
    for path in (ACTION_GROUPS, in_subscription):
        assert ask(world, "GET", path, version="2023-01-01").body == {"value": [made]}


def test_delete_of_an_action_group(world: World) -> None:
    put(world, BODY)
    deleted = ask(world, "DELETE", ACTION_GROUP, version="2023-01-01")
    assert (deleted.status, deleted.content) == (200, b"")
    assert ask(world, "DELETE", ACTION_GROUP, version="2023-01-01").status == 204
    missing = ask(world, "GET", ACTION_GROUP, version="2023-01-01")
    assert (missing.status, missing.body["error"]["code"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("short", [None, "", "thirteen-char"])
def test_refuses_a_missing_or_long_short_name(world: World, short: str | None) -> None:
    assert "12 characters" in refused(put(world, changed(BODY, groupShortName=short)))
    assert world.mails == []


def test_refuses_receivers_of_the_same_name(world: World) -> None:
    sms = {"name": "YOU", "countryCode": "1", "phoneNumber": "1234567890"}
    assert "unique" in refused(put(world, changed(BODY, smsReceivers=[sms])))


def test_refuses_a_receiver_without_a_name(world: World) -> None:
    assert "name" in refused(put(world, with_emails({"emailAddress": "you@example.com"})))


@pytest.mark.parametrize(
    "address", ["", "you", "you@", "you@example", "a b@example.com", "a@b@c.d"]
)
def test_refuses_what_is_no_email_address(world: World, address: str) -> None:
    receiver = {"name": "you", "emailAddress": address}
    assert "not valid" in refused(put(world, with_emails(receiver)))


def test_refuses_an_address_of_65_characters(world: World) -> None:
    long = {"name": "you", "emailAddress": "y" * 53 + "@example.com"}
    assert "64" in refused(put(world, with_emails(long)))
    assert (
        put(world, with_emails({**long, "emailAddress": "y" * 52 + "@example.com"})).status == 201
    )


def test_refuses_1001_email_receivers(world: World) -> None:
    many = [{"name": f"r{i}", "emailAddress": "you@example.com"} for i in range(1001)]
    assert "1000" in refused(put(world, with_emails(*many)))
    assert put(world, with_emails(*many[:1000])).status == 201


def test_refuses_an_action_group_in_a_region_without_them(world: World) -> None:
    response = put(world, {**BODY, "location": "eastus"})
    assert response.status == 400
    assert response.body["error"]["code"] == "LocationNotAvailableForResourceType"


def test_refuses_an_action_group_without_a_location(world: World) -> None:
    response = put(world, {"properties": BODY["properties"]})
    assert (response.status, response.body["error"]["code"]) == (400, "LocationRequired")


@pytest.mark.parametrize("name", ["a" * 261, "ends.", "a&b"])
def test_refuses_a_name_that_cannot_be(world: World, name: str) -> None:
    assert "name" in refused(put(world, BODY, f"{ACTION_GROUPS}/{name}"))


def test_refuses_an_unknown_property_of_a_receiver(world: World) -> None:
    receiver = {**YOU, "email": "you@example.com"}
    assert "emailReceivers[0].email" in refused(put(world, with_emails(receiver)))


# -- addresses


def test_a_new_address_gets_one_passcode_at_once(world: World) -> None:
    put(world, BODY)
    put(world, BODY, f"{ACTION_GROUPS}/other")
    assert kinds(world) == [("code", "you@example.com")]
    assert "ag_you" in world.mails[0]["subject"]
    assert world.addresses == {"you@example.com": world.now + 120}


def test_enable_receiver_knows_two_refusals(world: World) -> None:
    put(world, BODY)
    path = f"{ACTION_GROUP}/subscribe"
    missing = ask(world, "POST", path, {"receiverName": "nobody"}, version="2023-01-01")
    assert refused(missing, 404) == (
        "Could not find receiver with name nobody in action group with Id RG:2DTEST-AG:5FYOU"
    )
    enabled = ask(world, "POST", path, {"receiverName": "you"}, version="2023-01-01")
    assert refused(enabled, 409).endswith("AG:5FYOU is already enabled")
    codes = (missing.body["code"], enabled.body["code"])
    assert codes == ("ReceiverNotFound", "ReceiverAlreadyEnabled")


def test_a_disabled_receiver_can_be_enabled(world: World) -> None:
    put(world, BODY)
    receiver = world.resources[ACTION_GROUP.lower()].properties["emailReceivers"][0]
    receiver["status"] = "Disabled"
    path = f"{ACTION_GROUP}/subscribe"
    response = ask(world, "POST", path, {"receiverName": "you"}, version="2023-01-01")
    assert (response.status, receiver["status"]) == (200, "Enabled")


# -- test notifications


def test_receivers_are_shown_with_their_defaults(world: World) -> None:
    hook = {"name": "hook", "serviceUri": "https://hooks.example/x?name=me"}
    body = changed(BODY, webhookReceivers=[hook], smsReceivers=[PHONE])
    shown = put(world, body).body["properties"]
    assert shown["smsReceivers"] == [{**PHONE, "status": "Enabled"}]
    assert shown["webhookReceivers"] == [
        {
            **hook,
            "useCommonAlertSchema": False,
            "useAadAuth": False,
            "objectId": None,
            "identifierUri": None,
            "tenantId": None,
        }
    ]


def test_the_signature_of_a_callback_is_neither_kept_nor_told(world: World) -> None:
    logic_app = {
        "name": "app",
        "resourceId": f"{GROUP}/providers/Microsoft.Logic/workflows/app",
        "callbackUrl": "https://logic.example/invoke?sp=run&sig=canary",
    }
    response = put(world, changed(BODY, logicAppReceivers=[logic_app]))
    assert response.status == 201
    (kept,) = response.body["properties"]["logicAppReceivers"]
    assert kept["callbackUrl"] == "https://logic.example/invoke?sp=run&sig=REDACTED"
    assert "canary" not in world.saved()


def notify(world: World, **changes: Any) -> Response:
    body = {"alertType": "activitylog", "emailReceivers": [YOU], **changes}
    body = {k: v for k, v in body.items() if v is not None}
    path = f"{ACTION_GROUP}/createNotifications"
    return ask(world, "POST", path, body, version="2023-01-01")


def poll(world: World, response: Response) -> Response:
    headers = signed_in(world)
    return send(world, Request.parse("GET", response.headers["Location"], headers, b""))


def confirmed_group(world: World) -> None:
    put(world, BODY)
    wait(world, 120)


def test_a_test_notification_runs_and_is_delivered(world: World) -> None:
    confirmed_group(world)
    response = notify(world)
    assert (response.status, response.content) == (202, b"")
    assert (
        "/providers/microsoft.insights/actionGroups/ag_you/notificationStatus/1"
        in (response.headers["Location"])
    )
    new = poll(world, response)
    assert (new.status, new.body["state"]) == (202, "New")
    wait(world, 5)
    running = poll(world, response)
    assert (running.status, running.body["state"]) == (202, "InProgress")
    assert running.body["completedTime"] == "0001-01-01T00:00:00+00:00"
    wait(world, 130)
    assert poll(world, response).status == 200
    assert kinds(world) == [("code", "you@example.com"), ("test", "you@example.com")]


def test_the_body_of_a_notification_status(world: World) -> None:
    confirmed_group(world)
    response = notify(world)
    created = datetime.fromtimestamp(world.now, UTC)
    body = finish(world, response).body
    assert datetime.fromisoformat(body.pop("completedTime")) > created
    assert datetime.fromisoformat(body.pop("createdTime")) == created
    (action,) = body.pop("actionDetails")
    assert datetime.fromisoformat(action.pop("SendTime")) > created
    assert action == {
        "MechanismType": "Email",
        "Name": "you",
        "Status": "Succeeded",
        "SubState": "Default",
    }
    assert body == {
        "context": {
            "notificationSource": "Microsoft.Insights/TestNotification",
            "contextType": "Microsoft.Insights/ActivityLog",
        },
        "state": "Complete",
    }


def test_nothing_but_the_code_reaches_an_unconfirmed_address(world: World) -> None:
    put(world, BODY)
    body = finish(world, notify(world)).body
    assert body["actionDetails"][0]["Status"] == "Succeeded"
    assert kinds(world) == [("code", "you@example.com")]
    assert world.held == {"you@example.com": 1}


def test_a_test_reaches_what_its_body_names_only(world: World) -> None:
    stranger = {"name": "stranger", "emailAddress": "stranger@example.com"}
    put(world, with_emails(YOU, stranger))
    wait(world, 120)
    finish(world, notify(world, emailReceivers=[stranger]))
    assert kinds(world)[2:] == [("test", "stranger@example.com")]


@pytest.mark.parametrize("alert_type", [None, "", "mail"])
def test_refuses_an_unknown_alert_type(world: World, alert_type: str | None) -> None:
    put(world, BODY)
    assert "alert type" in refused(notify(world, alertType=alert_type))


def test_refuses_a_test_without_receivers(world: World) -> None:
    put(world, BODY)
    assert "receiver" in refused(notify(world, emailReceivers=None))


def test_refuses_a_test_of_arm_roles(world: World) -> None:
    put(world, BODY)
    response = notify(world, armRoleReceivers=[{"name": "owners", "roleId": "x"}])
    refused(response)
    assert response.body["code"] == "NotSupportedArmRole"


def test_refuses_a_test_with_an_unknown_property(world: World) -> None:
    put(world, BODY)
    assert "receivers" in refused(notify(world, receivers=["you"]))


def test_refuses_a_test_of_a_group_that_is_not_there(world: World) -> None:
    response = notify(world)
    assert (response.status, response.body["error"]["code"]) == (404, "ResourceNotFound")


def test_refuses_the_status_of_a_test_that_never_was(world: World) -> None:
    put(world, BODY)
    path = f"{ACTION_GROUP}/notificationStatus/123"
    assert "123" in refused(ask(world, "GET", path, version="2023-01-01"), 404)


# -- activity-log alerts


def test_a_rule_comes_back_as_recorded(world: World) -> None:
    put(world, BODY)
    response = put_rule(world, RULE_BODY)
    assert response.status == 201
    assert response.body == {
        "id": RULE,
        "name": "audit",
        "type": "Microsoft.Insights/ActivityLogAlerts",
        "location": "Global",
        "properties": RULE_BODY["properties"],
    }
    assert put_rule(world, RULE_BODY).status == 200
    assert ask(world, "GET", RULES, version="2020-10-01").body == {"value": [response.body]}


def test_a_rule_is_enabled_unless_told_otherwise(world: World) -> None:
    put(world, BODY)
    response = put_rule(world, changed(RULE_BODY, enabled=None))
    assert response.body["properties"]["enabled"] is True


def test_a_patch_disables_a_rule(world: World) -> None:
    put(world, BODY)
    put_rule(world, RULE_BODY)
    change = {"properties": {"enabled": False}}
    response = ask(world, "PATCH", RULE, change, version="2020-10-01")
    assert response.status == 200
    assert response.body["properties"] == {**RULE_BODY["properties"], "enabled": False}


def test_delete_of_a_rule(world: World) -> None:
    put(world, BODY)
    put_rule(world, RULE_BODY)
    assert ask(world, "DELETE", RULE, version="2020-10-01").status == 200
    assert ask(world, "DELETE", RULE, version="2020-10-01").status == 204


def refused_rule(world: World, **properties: Any) -> str:
    put(world, BODY)
    message = refused(put_rule(world, changed(RULE_BODY, **properties)))
    assert ask(world, "GET", RULE, version="2020-10-01").status == 404
    return message


@pytest.mark.parametrize("scopes", [None, []])
def test_refuses_a_rule_without_scopes(world: World, scopes: list[str] | None) -> None:
    assert "at least one" in refused_rule(world, scopes=scopes)


@pytest.mark.parametrize("scope", ["/", "rg-test", "/subscriptions/5a4d0000"])
def test_refuses_a_scope_outside_of_the_subscription(world: World, scope: str) -> None:
    assert scope in refused_rule(world, scopes=[SUBSCRIPTION, scope])


CATEGORY = {"field": "category", "equals": "Administrative"}


@pytest.mark.parametrize(
    "conditions",
    [None, [], [{"field": "status", "equals": "Failed"}], [{"anyOf": [CATEGORY]}]],
)
def test_refuses_a_condition_without_a_category(
    world: World, conditions: list[dict[str, Any]] | None
) -> None:
    assert "category" in refused_rule(world, condition={"allOf": conditions})


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "colour", "equals": "red"},
        {"field": "status"},
        {"field": "status", "equals": "Failed", "containsAny": ["Fail"]},
        {"field": "status", "anyOf": [{"field": "status", "equals": "Failed"}]},
        {"anyOf": [{"equals": "Failed"}]},
    ],
)
def test_refuses_a_malformed_condition(world: World, condition: dict[str, Any]) -> None:
    assert "anyOf" in refused_rule(world, condition={"allOf": [CATEGORY, condition]})


def test_refuses_a_rule_without_actions(world: World) -> None:
    assert "actions" in refused_rule(world, actions=None)


def test_refuses_an_action_group_that_is_not_there(world: World) -> None:
    actions = {"actionGroups": [{"actionGroupId": f"{ACTION_GROUPS}/missing"}]}
    assert "missing" in refused_rule(world, actions=actions)


def test_refuses_six_action_groups(world: World) -> None:
    actions = {"actionGroups": [{"actionGroupId": ACTION_GROUP}] * 6}
    assert "at most 5" in refused_rule(world, actions=actions)


def test_refuses_a_rule_in_a_region_without_them(world: World) -> None:
    response = put_rule(world, {**RULE_BODY, "location": "eastus"})
    assert response.body["error"]["code"] == "LocationNotAvailableForResourceType"


def test_refuses_the_101st_rule(world: World) -> None:
    put(world, BODY)
    for number in range(100):
        assert put_rule(world, RULE_BODY, f"{RULES}/r{number}").status == 201
    assert "100" in refused(put_rule(world, RULE_BODY))
    assert put_rule(world, RULE_BODY, f"{RULES}/r7").status == 200


# -- their mails


@pytest.fixture
def rule(world: World) -> None:
    """The rule stands, and its receiver is confirmed."""
    put(world, BODY)
    put_rule(world, RULE_BODY)
    let_pass(world, 400)


@pytest.mark.usefixtures("rule")
def test_an_event_is_told_by_mail_within_minutes(world: World) -> None:
    touch_group(world)
    let_pass(world, 59)
    assert kinds(world) == [("code", "you@example.com")]
    let_pass(world, 241)
    assert kinds(world)[1:] == [("alert", "you@example.com")]
    subject = world.mails[1]["subject"]
    assert subject.startswith(
        "Fired:Sev4 Azure Monitor Alert audit on rg-test (microsoft.resources/resourcegroups) at "
    )
    assert "somebody changed the group" in world.mails[1]["text"]
    assert "you@sandbox.example" in world.mails[1]["text"]


@pytest.mark.usefixtures("rule")
def test_each_event_is_told_once_per_address(world: World) -> None:
    put(world, with_emails({**YOU, "emailAddress": "YOU@example.com"}), f"{ACTION_GROUPS}/other")
    groups = [{"actionGroupId": ACTION_GROUP}, {"actionGroupId": f"{ACTION_GROUPS}/other"}]
    put_rule(world, changed(RULE_BODY, actions={"actionGroups": groups}))
    touch_group(world)
    touch_group(world)
    let_pass(world, 300)
    assert kinds(world)[1:] == [("alert", "you@example.com")] * 2


def test_an_unconfirmed_address_gets_no_alert(world: World) -> None:
    put(world, BODY)
    put_rule(world, RULE_BODY)
    world.addresses["you@example.com"] = world.now + 10_000
    touch_group(world)
    let_pass(world, 300)
    assert kinds(world) == [("code", "you@example.com")]
    assert world.held == {"you@example.com": 1}


def silent(world: World, **properties: Any) -> bool:
    """Whether a rule with other properties says nothing about the event of these tests."""
    put_rule(world, changed(RULE_BODY, **properties))
    touch_group(world)
    let_pass(world, 300)
    return ("alert", "you@example.com") not in kinds(world)


def all_of(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"allOf": [CATEGORY, *conditions]}


WRITE = {"field": "operationName", "equals": "microsoft.resources/RESOURCEGROUPS/write"}


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize(
    "properties",
    [
        {"enabled": False},
        {"scopes": [f"{GROUP}2"]},
        {"scopes": [ACTION_GROUP]},
        {"condition": all_of(WRITE, {"field": "status", "equals": "Failed"})},
        {"condition": all_of({"field": "operationName", "equals": "Microsoft.Resources"})},
        {"condition": all_of(WRITE, {"field": "resourceGroup", "equals": "other"})},
        {"condition": all_of(WRITE, {"field": "caller", "equals": "somebody@else.example"})},
        {"condition": {"allOf": [{"field": "category", "equals": "Security"}]}},
        {"actions": {"actionGroups": []}},
    ],
)
def test_a_rule_that_does_not_match_is_silent(world: World, properties: dict[str, Any]) -> None:
    assert silent(world, **properties)


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize(
    "properties",
    [
        {"scopes": [SUBSCRIPTION]},
        {"scopes": [GROUP.upper()]},
        {"condition": all_of(WRITE, {"field": "RESOURCEGROUP", "equals": "RG-test"})},
        {"condition": all_of(WRITE, {"field": "caller", "equals": "You@sandbox.example"})},
        {"condition": all_of(WRITE, {"field": "resourceId", "equals": GROUP})},
        {"condition": all_of(WRITE, {"field": "level", "equals": "informational"})},
        {"condition": all_of({"field": "operationName", "containsAny": ["groups/WRITE", "x"]})},
        {
            "condition": all_of(
                WRITE,
                {
                    "anyOf": [
                        {"field": "status", "equals": "Failed"},
                        {"field": "status", "equals": "succeeded"},
                    ]
                },
            )
        },
    ],
)
def test_a_rule_that_matches_speaks(world: World, properties: dict[str, Any]) -> None:
    assert not silent(world, **properties)


@pytest.mark.usefixtures("rule")
def test_a_disabled_action_group_is_silent(world: World) -> None:
    put(world, changed(BODY, enabled=False))
    assert silent(world)


@pytest.mark.usefixtures("rule")
def test_an_address_gets_a_hundred_mails_an_hour(world: World) -> None:
    for _ in range(103):
        touch_group(world)
    let_pass(world, 300)
    assert kinds(world)[1:] == [("alert", "you@example.com")] * 100
    assert world.held == {"you@example.com": 3}
    let_pass(world, 3600)
    touch_group(world)
    let_pass(world, 300)
    assert len(kinds(world)) == 102


# -- the activity log

LOG = f"{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values"


def log(world: World, filter: str, select: str = "") -> Response:
    query = f"&$filter={filter.replace(' ', '%20')}" if filter else ""
    query += f"&$select={select}" if select else ""
    return ask(world, "GET", LOG, version="2015-04-01", query=query)


TODAY = "eventTimestamp ge '2026-11-23T00:00:00.1234567Z'"


def test_the_activity_log_tells_the_newest_first(world: World) -> None:
    put(world, BODY)
    events = log(world, TODAY).body["value"]
    assert [(e["operationName"]["value"], e["status"]["value"]) for e in events] == [
        ("Microsoft.Insights/actionGroups/write", "Succeeded"),
        ("Microsoft.Insights/actionGroups/write", "Started"),
        ("Microsoft.Resources/resourceGroups/write", "Succeeded"),
    ]
    assert events[0]["resourceProviderName"]["value"] == "microsoft.insights"
    assert events[0]["caller"] == "you@sandbox.example"
    assert events[0]["id"].startswith(events[0]["resourceId"] + "/events/")


@pytest.mark.parametrize(
    ("clause", "number"),
    [
        ("resourceGroupName eq 'RG-TEST'", 3),
        ("resourceGroupName eq 'other'", 0),
        (f"resourceUri eq '{GROUP}'", 1),
        (f"resourceId eq '{GROUP.lower()}'", 1),
        ("resourceProvider eq 'microsoft.insights'", 2),
        ("eventTimestamp le '2026-11-23T12:00:00Z'", 1),
        ("eventTimestamp le '2026-11-23T13:00:00Z'", 3),
    ],
)
def test_the_activity_log_can_be_filtered(world: World, clause: str, number: int) -> None:
    put(world, BODY)
    assert len(log(world, f"{TODAY} and {clause}").body["value"]) == number


def test_the_activity_log_can_be_narrowed_to_properties(world: World) -> None:
    (event,) = log(world, TODAY, "eventName,operationName,caller").body["value"]
    assert set(event) == {"operationName", "caller"}


def test_refuses_an_activity_log_of_more_than_90_days(world: World) -> None:
    response = log(world, "eventTimestamp ge '2026-08-25T11:59:00Z'")
    assert refused(response) == "The start time cannot be more than 90 days in the past."
    assert response.body["code"] == "BadRequest"
    assert log(world, "eventTimestamp ge '2026-08-25T12:01:00Z'").status == 200


def test_the_quotes_around_a_time_may_be_left_out(world: World) -> None:
    asked = "eventTimestamp ge 2026-11-23T00:00:00.245454 and resourceGroupName eq 'rg-test'"
    assert len(log(world, asked).body["value"]) == len(log(world, TODAY).body["value"])


@pytest.mark.parametrize(
    "filter",
    [
        "",
        "resourceGroupName eq 'rg-test'",
        f"{TODAY} or resourceGroupName eq 'x'",
        f"{TODAY} and colour eq 'red'",
        f"{TODAY} and resourceGroupName ge 'x'",
        "eventTimestamp ge 'yesterday'",
    ],
)
def test_refuses_filters_that_azure_does_not_know(world: World, filter: str) -> None:
    refused(log(world, filter))


def test_refuses_another_api_version_of_the_activity_log(world: World) -> None:
    response = ask(world, "GET", LOG, version="2023-01-01")
    assert (response.status, response.body["error"]["code"]) == (404, "InvalidResourceType")
