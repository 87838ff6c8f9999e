"""Resource Manager itself: envelopes, registration, groups, operations, schema and ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from azure.mgmt.compute import models as compute

from arm_sandbox import operations, schema
from arm_sandbox.arm import merge
from arm_sandbox.ids import parse, same, within
from arm_sandbox.operations import LongRunning
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World, offset_stamp, stamp
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, send, signed_in, wait

NAMELESS = SUBSCRIPTION.removeprefix("/subscriptions/")
CONFIGURATION = f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/nightly"
HOST: dict[str, Any] = {"location": "eastus", "properties": {"maintenanceScope": "Host"}}


def code(response: Response, status: int) -> str:
    """The code of a refusal in the shape of Resource Manager."""
    assert response.status == status
    assert set(response.body) == {"error"}
    return str(response.body["error"]["code"])


# -- envelopes


def test_every_answer_has_the_standard_headers(world: World) -> None:
    headers = ask(world, "GET", GROUP).headers
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["x-ms-request-id"] != ask(world, "GET", GROUP).headers["x-ms-request-id"]
    routing = headers["x-ms-routing-request-id"]
    assert routing == f"EASTUS:20261123T120001Z:{headers['x-ms-request-id']}"


def test_refuses_a_request_without_a_token(world: World) -> None:
    response = send(world, Request("GET", GROUP, {"api-version": "2025-04-01"}))
    assert code(response, 401) == "AuthenticationFailed"
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_refuses_a_request_without_an_api_version(world: World) -> None:
    response = send(
        world, Request("GET", GROUP, headers={"authorization": signed_in(world)["Authorization"]})
    )
    assert code(response, 400) == "MissingApiVersionParameter"
    assert response.headers["x-ms-failure-cause"] == "gateway"


@pytest.mark.parametrize("version", ["latest", "2024-1-1", "2024-01-01/"])
def test_refuses_what_is_no_api_version(world: World, version: str) -> None:
    response = ask(world, "GET", GROUP, version=version)
    assert code(response, 400) == "InvalidApiVersionParameter"
    assert f"'{version}' is invalid" in response.body["error"]["message"]


def test_refuses_an_unknown_resource_type(world: World) -> None:
    response = ask(world, "GET", f"{GROUP}/providers/Microsoft.Maintenance/schedules/a")
    assert code(response, 404) == "InvalidResourceType"


def test_refuses_an_api_version_that_the_type_does_not_have(world: World) -> None:
    response = ask(world, "GET", CONFIGURATION, version="1999-01-01")
    assert code(response, 404) == "InvalidResourceType"
    assert "'1999-01-01'" in response.body["error"]["message"]


def test_refuses_an_api_version_that_the_place_of_a_resource_does_not_have(world: World) -> None:
    ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    for method, path in (("GET", CONFIGURATION), ("PUT", f"{CONFIGURATION}2")):
        response = ask(world, method, path, HOST, version="1999-01-01")
        assert code(response, 400) == "NoRegisteredProviderFound"
        message = response.body["error"]["message"]
        assert "location 'eastus' and API version '1999-01-01' for type 'maintenanceC" in message
        assert "2023-04-01" in message


def test_a_doubled_slash_is_one(world: World) -> None:
    ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    path = CONFIGURATION.replace("Microsoft.Maintenance/", "Microsoft.Maintenance//")
    assert ask(world, "GET", path, version="2023-04-01").body["id"].lower() == CONFIGURATION.lower()


def test_a_resource_exists_or_not(world: World) -> None:
    assert ask(world, "HEAD", CONFIGURATION, version="2023-04-01").status == 404
    ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    response = ask(world, "HEAD", CONFIGURATION, version="2023-04-01")
    assert (response.status, response.content) == (204, b"")


def test_a_null_in_a_put_is_the_same_as_nothing(world: World) -> None:
    properties = {**HOST["properties"], "namespace": None, "extensionProperties": {"a": None}}
    sent = {**HOST, "properties": properties, "tags": None}
    response = ask(world, "PUT", CONFIGURATION, sent, version="2023-04-01")
    assert response.status == 200
    assert None not in (response.body["tags"], *response.body["properties"].values())
    assert response.body["properties"]["extensionProperties"] == {}


def test_refuses_an_unknown_method(world: World) -> None:
    response = ask(world, "POST", CONFIGURATION, version="2023-04-01")
    assert code(response, 405) == "HttpMethodNotAllowed"


def test_refuses_a_write_without_an_object(world: World) -> None:
    response = ask(world, "PUT", CONFIGURATION, ["eastus"], version="2023-04-01")
    assert code(response, 400) == "InvalidRequestContent"


def test_a_body_may_be_what_people_write_into_a_template_file() -> None:
    sent = """{"mode": "Incremental", template: { /* two
        lines */ "text": "over
two lines", "resources": [] // none yet
    }}"""
    body = Request.parse("PUT", "https://management.azure.com/x", {}, sent.encode()).body
    assert body == {
        "mode": "Incremental",
        "template": {"text": "over\ntwo lines", "resources": []},
    }


def test_refuses_a_body_that_cannot_be_read(world: World) -> None:
    url = f"https://management.azure.com{GROUP}?api-version=2025-04-01"
    stranger = Request.parse("PUT", url, {}, b'{"a": ')
    assert send(world, stranger).status == 401
    response = send(world, Request.parse("PUT", url, signed_in(world), b'{"a": '))
    assert code(response, 400) == "InvalidRequestContent"


@pytest.mark.parametrize(
    ("path", "version", "who", "status"),
    [
        (GROUP, "2025-04-01", {}, 200),
        (GROUP, "", {}, 400),
        (GROUP, "2025-04-01", {"aud": "another"}, 401),
        (GROUP, "2025-04-01", {"oid": "nobody"}, 403),
        (f"{GROUP}-none", "2025-04-01", {}, 404),
        (f"{GROUP}/providers/Microsoft.Maps/accounts/a", "2025-04-01", {}, 409),
        (CONFIGURATION, "2023-04-01", {}, 404),
    ],
)
def test_every_answer_can_be_asked_about(
    world: World, path: str, version: str, who: dict[str, str], status: int
) -> None:
    """The ids, the caller's correlation among them, that a support request names."""
    url = f"https://management.azure.com{path}?api-version={version}"
    headers = {**signed_in(world, **who), "x-ms-correlation-request-id": "mine"}
    response = send(world, Request.parse("GET", url, headers, b""))
    assert response.status == status
    assert response.headers["x-ms-request-id"]
    assert response.headers["x-ms-correlation-request-id"] == "mine"
    assert response.headers["x-ms-routing-request-id"].startswith("EASTUS:20261123T")


def test_an_action_is_refused_in_the_words_of_its_provider(world: World) -> None:
    group = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag"
    body = {"location": "Global", "properties": {"groupShortName": "ag", "enabled": True}}
    assert ask(world, "PUT", group, body, version="2023-01-01").status == 201
    response = ask(world, "POST", f"{group}/createNotifications", {}, version="2023-01-01")
    assert (response.status, set(response.body)) == (400, {"code", "message"})
    response = ask(world, "POST", f"{group}/explode", {}, version="2023-01-01")
    assert code(response, 404) == "InvalidResourceType"


@pytest.mark.parametrize(
    ("refusal", "body"),
    [
        (
            Refusal(400, "C", "m", target="t"),
            {"error": {"code": "C", "message": "m", "target": "t"}},
        ),
        (Refusal(400, "C", "m", shape="flat"), {"code": "C", "message": "m"}),
        (Refusal(400, "C", "m", shape="maintenance"), {"Error": {"Code": "C", "Message": "m"}}),
        (Refusal(400, "", "m", shape="maintenance"), {"Message": "m"}),
        (
            Refusal(400, "C", "m", more={"details": [{"code": "D"}]}),
            {"error": {"code": "C", "message": "m", "details": [{"code": "D"}]}},
        ),
    ],
)
def test_the_shapes_of_an_error(refusal: Refusal, body: dict[str, Any]) -> None:
    assert refusal.response().body == body


# -- subscriptions and registration


def test_subscriptions_tenants_and_locations(world: World) -> None:
    (subscription,) = ask(world, "GET", "/subscriptions").body["value"]
    assert subscription["state"] == "Enabled"
    assert ask(world, "GET", SUBSCRIPTION).body == subscription
    (tenant,) = ask(world, "GET", "/tenants").body["value"]
    assert tenant["tenantId"] == subscription["tenantId"]
    names = [item["name"] for item in ask(world, "GET", f"{SUBSCRIPTION}/locations").body["value"]]
    assert "eastus" in names


def test_refuses_an_unknown_subscription(world: World) -> None:
    other = "/subscriptions/00000000-0000-4000-8000-000000000000"
    assert code(ask(world, "GET", other), 404) == "SubscriptionNotFound"
    assert code(ask(world, "GET", f"{other}/resourceGroups/x"), 404) == "SubscriptionNotFound"
    path = f"{other}/providers/Microsoft.Maintenance/maintenanceConfigurations"
    assert code(ask(world, "GET", path, version="2023-04-01"), 404) == "SubscriptionNotFound"


def test_a_provider_is_registered_after_a_while() -> None:
    world = World(now=1_795_435_200.0)
    path = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance"
    assert ask(world, "GET", path).body["registrationState"] == "NotRegistered"
    answer = ask(world, "POST", f"{path}/register")
    assert (answer.status, answer.body["registrationState"]) == (200, "Registering")
    wait(world, 29)
    assert ask(world, "GET", path).body["registrationState"] == "Registering"
    wait(world, 61)
    assert ask(world, "GET", path).body["registrationState"] == "Registered"
    assert ask(world, "POST", f"{path}/register").body["registrationState"] == "Registered"


def test_a_registration_can_be_ended(world: World) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance"
    answer = ask(world, "POST", f"{path}/unregister")
    assert (answer.status, answer.body["registrationState"]) == (200, "Unregistering")
    wait(world, 90)
    assert ask(world, "GET", path).body["registrationState"] == "Unregistered"
    refused = ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    assert code(refused, 409) == "MissingSubscriptionRegistration"


def test_a_provider_of_which_nothing_is_here_can_be_registered(world: World) -> None:
    path = f"{SUBSCRIPTION}/providers/microsoft.keyvault"
    answer = ask(world, "POST", f"{path}/register").body
    assert (answer["namespace"], answer["registrationState"]) == (
        "Microsoft.KeyVault",
        "Registering",
    )


def test_a_provider_says_what_it_offers(world: World) -> None:
    body = ask(world, "GET", f"{SUBSCRIPTION}/providers/microsoft.maintenance").body
    types = {item["resourceType"]: item["apiVersions"] for item in body["resourceTypes"]}
    assert "2023-04-01" in types["maintenanceConfigurations"]


def test_refuses_an_unknown_provider(world: World) -> None:
    response = ask(world, "GET", f"{SUBSCRIPTION}/providers/Microsoft.Nothing")
    assert code(response, 404) == "InvalidResourceNamespace"


@pytest.mark.parametrize("state", ["NotRegistered", "Registering"])
def test_refuses_a_provider_that_is_not_registered_yet(world: World, state: str) -> None:
    world.registrations[f"{NAMELESS}/microsoft.maintenance"] = state
    response = ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    assert code(response, 409) == "MissingSubscriptionRegistration"
    message = response.body["error"]["message"]
    assert response.body["error"]["details"] == [
        {
            "code": "MissingSubscriptionRegistration",
            "target": "Microsoft.Maintenance",
            "message": message,
        }
    ]


# -- groups


@pytest.mark.parametrize("location", ["westus", "East US 2 EUAP"])
def test_a_group_can_be_wherever_azure_is(world: World, location: str) -> None:
    path = f"{SUBSCRIPTION}/resourcegroups/Other"
    assert ask(world, "PUT", path, {"location": location}).status == 201
    shown = ask(world, "GET", f"{SUBSCRIPTION}/locations").body["value"]
    assert "eastus2euap" not in [item["name"] for item in shown]


def test_a_list_by_tag_tells_no_tags(world: World) -> None:
    path = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
    ask(world, "PUT", path, {"location": "eastus", "tags": {"a": "b"}}, version="2024-05-01")
    whole = ask(world, "GET", f"{GROUP}/resources").body["value"]
    found = ask(world, "GET", f"{GROUP}/resources", query="&$filter=tagName eq 'a'").body["value"]
    assert [item.pop("tags") for item in whole] == [{"a": "b"}]
    assert found == whole


def test_what_manages_a_group_is_told(world: World) -> None:
    path = f"{SUBSCRIPTION}/resourcegroups/Other"
    made = ask(world, "PUT", path, {"location": "eastus", "managedBy": "somebody"})
    assert made.body["managedBy"] == "somebody"
    assert "managedBy" not in ask(world, "GET", GROUP).body


def test_the_oldest_api_versions_do_not_tell_the_type_of_a_group(world: World) -> None:
    assert "type" not in ask(world, "GET", GROUP, version="2016-09-01").body
    assert "type" in ask(world, "GET", GROUP).body


def test_a_tag_filter_may_be_in_any_case(world: World) -> None:
    ask(world, "PUT", GROUP, {"location": "eastus", "tags": {"a": "b"}})
    path = f"{SUBSCRIPTION}/resourcegroups"
    found = ask(world, "GET", path, query="&$filter=tagname eq 'a' and tagvalue eq 'b'")
    assert [item["name"] for item in found.body["value"]] == ["rg-test"]


def test_a_group_is_201_and_then_200(world: World) -> None:
    path = f"{SUBSCRIPTION}/resourcegroups/Other"
    created = ask(world, "PUT", path, {"location": "West Europe", "tags": {"a": "b"}})
    assert created.status == 201
    assert created.body == {
        "id": f"{SUBSCRIPTION}/resourceGroups/Other",
        "name": "Other",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded"},
        "tags": {"a": "b"},
    }
    again = ask(world, "PUT", path.upper().replace("OTHER", "other"), {"location": "westeurope"})
    assert (again.status, again.body["name"]) == (200, "Other")
    assert "tags" not in again.body


def test_a_group_exists_or_not(world: World) -> None:
    assert ask(world, "HEAD", GROUP).status == 204
    missing = ask(world, "HEAD", f"{GROUP}2")
    assert (missing.status, missing.content) == (404, b"")


def test_groups_are_listed_and_filtered_by_tag(world: World) -> None:
    ask(world, "PATCH", GROUP, {"tags": {"Env": "prod"}})
    path = f"{SUBSCRIPTION}/resourcegroups"

    def found(filter: str) -> int:
        query = f"&$filter={filter.replace(' ', '%20')}" if filter else ""
        return len(ask(world, "GET", path, query=query).body["value"])

    assert found("") == 1
    assert found("tagName eq 'env'") == 1
    assert found("tagName eq 'Env' and tagValue eq 'prod'") == 1
    assert found("tagName eq 'Env' and tagValue eq 'Prod'") == 0
    bad = ask(world, "GET", path, query="&$filter=name%20eq%20'x'")
    assert code(bad, 400) == "InvalidFilterInQueryString"


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({}, 400, "LocationRequired"),
        ({"location": "atlantis"}, 400, "LocationNotAvailableForResourceGroup"),
        ({"location": "westus2"}, 409, "InvalidResourceGroupLocation"),
        ({"location": "eastus", "tags": {"a<b": ""}}, 400, "InvalidTagNameCharacters"),
        ({"location": "eastus", "tags": {"a": "b" * 257}}, 400, "InvalidTagValueLength"),
        ({"location": "eastus", "tags": {f"t{i}": "" for i in range(51)}}, 400, "TooManyTags"),
    ],
)
def test_refusals_of_groups(world: World, body: dict[str, Any], status: int, expected: str) -> None:
    assert code(ask(world, "PUT", GROUP, body), status) == expected


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_refuses_a_group_that_is_not_there(world: World, method: str) -> None:
    response = ask(world, method, f"{GROUP}2", {"tags": {}})
    assert code(response, 404) == "ResourceGroupNotFound"
    assert response.headers["x-ms-failure-cause"] == "gateway"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_refuses_resources_of_a_group_that_is_not_there(world: World, method: str) -> None:
    path = CONFIGURATION.replace("rg-test", "rg-gone")
    response = ask(world, method, path, HOST, version="2023-04-01")
    assert code(response, 404) == "ResourceGroupNotFound"


def test_the_deletion_of_a_group_takes_minutes_and_everything(world: World) -> None:
    ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    response = ask(world, "DELETE", GROUP)
    assert (response.status, response.content) == (202, b"")
    assert response.headers["Retry-After"] == "15"
    assert ask(world, "GET", GROUP).body["properties"]["provisioningState"] == "Deleting"
    refused = ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    assert code(refused, 409) == "ResourceGroupBeingDeleted"
    began = world.now
    done = finish(world, response)
    assert (done.status, done.content) == (200, b"")
    assert 120 <= world.now - began <= 315
    assert code(ask(world, "GET", GROUP), 404) == "ResourceGroupNotFound"
    assert world.find(CONFIGURATION) is None


def test_a_second_deletion_of_a_group_joins_the_first(world: World) -> None:
    first = ask(world, "DELETE", GROUP)
    second = ask(world, "DELETE", GROUP)
    assert second.status == 202
    assert second.headers["Location"] == first.headers["Location"]


def test_the_resources_of_a_group_show_their_outside(world: World) -> None:
    tagged = {**HOST, "tags": {"a": "b"}}
    ask(world, "PUT", CONFIGURATION, tagged, version="2023-04-01")
    assert ask(world, "GET", f"{GROUP}/resources").body["value"] == [
        {
            "id": CONFIGURATION,
            "name": "nightly",
            "type": "Microsoft.Maintenance/maintenanceConfigurations",
            "location": "eastus",
            "tags": {"a": "b"},
        }
    ]
    query = "&$filter=tagName%20eq%20'c'"
    assert ask(world, "GET", f"{SUBSCRIPTION}/resources", query=query).body == {"value": []}


def test_the_activity_log_knows_what_happened(world: World) -> None:
    ask(world, "PUT", CONFIGURATION, HOST, version="2023-04-01")
    ask(world, "DELETE", CONFIGURATION, version="2023-04-01")
    type = "Microsoft.Maintenance/maintenanceConfigurations"
    told = [(e["operationName"]["value"], e["status"]["value"]) for e in world.events]
    assert told[1:] == [
        (f"{type}/write", "Started"),
        (f"{type}/write", "Succeeded"),
        (f"{type}/delete", "Started"),
        (f"{type}/delete", "Succeeded"),
    ]


# -- operations


def started(
    world: World, style: operations.Style, *, location: bool = True
) -> tuple[Operation, dict[str, str]]:
    """An operation of a resource that nothing happens to when it ends."""
    query = {"api-version": "2024-07-01"}
    request = Request("PUT", GROUP, query, origin="https://somewhere.example")
    how = LongRunning(style, (60, 60), location)
    return operations.start(world, request, f"{GROUP}/providers/X.Y/z/a", how, "create")


def follow(world: World, url: str) -> Response:
    return send(world, Request.parse("GET", url, signed_in(world), b""))


def test_an_operation_of_network(world: World) -> None:
    _, headers = started(world, "network")
    assert headers["Retry-After"] == "10"
    assert headers["Azure-AsyncOperation"].startswith("https://somewhere.example/subscriptions/")
    assert follow(world, headers["Azure-AsyncOperation"]).body == {"status": "InProgress"}
    running = follow(world, headers["Location"])
    assert (running.status, "Location" in running.headers) == (202, True)
    wait(world, 60)
    assert follow(world, headers["Azure-AsyncOperation"]).body == {"status": "Succeeded"}
    ended = follow(world, headers["Location"])
    assert (ended.status, ended.body) == (204, None)
    assert ended.headers["Location"] == headers["Location"]
    assert "Retry-After" not in ended.headers


@pytest.mark.parametrize(
    ("style", "asked", "told"),
    [
        ("network", "2022-11-01", "2022-11-01"),
        ("network", "2024-05-01", "2024-03-01"),
        ("compute", "2021-07-01", "2021-07-01"),
        ("arm", "2016-09-01", "2016-09-01"),
    ],
)
def test_the_api_version_of_an_operation(
    world: World, style: operations.Style, asked: str, told: str
) -> None:
    """Recorded: Network's operations lag behind, the others follow the request."""
    request = Request("DELETE", GROUP, {"api-version": asked})
    how = LongRunning(style, (60, 60), location=True)
    headers = operations.start(world, request, GROUP, how, "delete")[1]
    assert headers["Location"].partition("api-version=")[2].partition("&")[0] == told


def test_an_operation_of_compute(world: World) -> None:
    operation, headers = started(world, "compute")
    assert "Retry-After" not in headers
    assert headers["Location"] == headers["Azure-AsyncOperation"] + "&monitor=true"
    began = {"startTime": offset_stamp(operation.started), "name": operation.name}
    running = follow(world, headers["Azure-AsyncOperation"])
    assert running.body == {"status": "InProgress", **began}
    assert follow(world, headers["Location"]).status == 202
    operation.output = {"status": "Succeeded"}
    wait(world, 60)
    assert follow(world, headers["Azure-AsyncOperation"]).body == {
        "status": "Succeeded",
        **began,
        "endTime": offset_stamp(operation.due),
        "properties": {"output": {"status": "Succeeded"}},
    }
    assert follow(world, headers["Location"]).body == {"status": "Succeeded"}


def test_a_failed_operation_is_polled_with_200(world: World) -> None:
    operation, headers = started(world, "compute")
    operation.error = {"code": "VMAgentStatusCommunicationError", "message": "m"}
    wait(world, 60)
    answer = follow(world, headers["Azure-AsyncOperation"])
    assert (answer.status, answer.body["status"]) == (200, "Failed")
    assert answer.body["error"]["code"] == "VMAgentStatusCommunicationError"


def test_refuses_to_poll_what_never_was(world: World) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Network/locations/eastus/operations/nope"
    assert code(ask(world, "GET", path), 404) == "NotFound"
    assert code(ask(world, "GET", f"{SUBSCRIPTION}/operationresults/nope"), 404) == "NotFound"


def test_polling_does_not_change_how_long_it_takes(world: World) -> None:
    operation, headers = started(world, "compute")
    due = operation.due
    for _ in range(10):
        follow(world, headers["Azure-AsyncOperation"])
    assert operation.due == due


# -- chance and time


def test_chance_is_decided_by_seed_subject_operation_and_ordinal() -> None:
    one, same_seed, other = World(seed="a"), World(seed="a"), World(seed="b")
    draws = [one.draw("X", "create"), one.draw("x", "create"), one.draw("x", "delete")]
    assert len(set(draws)) == 3
    assert same_seed.draw("x", "create") == draws[0]
    assert other.draw("x", "create") != draws[0]
    assert all(0 <= draw < 1 for draw in draws)
    assert 5 <= one.between("x", "wait", 5, 6) <= 6


def test_time_as_azure_writes_it() -> None:
    assert stamp(1_795_435_200.25) == "2026-11-23T12:00:00.2500000Z"


def test_happenings_keep_the_order_of_time(world: World) -> None:
    for seconds in (30, 10):
        world.later(seconds, "provider.registered", key=f"after {seconds}")
    wait(world, 20)
    ask(world, "GET", GROUP)
    assert world.registrations["after 10"] == "Registered"
    assert "after 30" not in world.registrations


def test_what_is_due_happens_at_its_own_time_however_late_somebody_looks(world: World) -> None:
    began = world.now
    body = {"location": "eastus", "properties": {}}
    id = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg1"
    ask(world, "PUT", id, body, version="2026-03-01")
    wait(world, 86400)
    ask(world, "GET", GROUP)
    made = next(e for e in reversed(world.events) if e["resourceId"] == id)
    assert made["status"]["value"] == "Succeeded"
    assert datetime.fromisoformat(made["eventTimestamp"]).timestamp() < began + 120


# -- schema


def refused_by_schema(model: str, body: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as caught:
        schema.accept(model, body)
    assert (caught.value.status, caught.value.code) == (400, "InvalidRequestContent")
    return caught.value.message


VM = "azure.mgmt.compute.models:VirtualMachine"
CONFIGURATION_MODEL = "azure.mgmt.maintenance.models:MaintenanceConfiguration"


def test_both_generations_of_models_tell_what_they_know() -> None:
    assert "hardwareprofile" in schema.properties(compute.VirtualMachineProperties)
    body = {"location": "eastus", "properties": {"osProfile": {"linuxConfiguration": {}}}}
    assert schema.accept(VM, body) == body
    window = {"properties": {"maintenanceWindow": {"recurEvery": "Day"}}}
    assert schema.accept(CONFIGURATION_MODEL, window) == window


def test_unknown_properties_are_named_all_at_once() -> None:
    body: dict[str, Any] = {"properties": {"hardwareprofil": {}, "osProfile": {"linuxConfig": {}}}}
    message = refused_by_schema(VM, body)
    assert "'properties.hardwareprofil', 'properties.osProfile.linuxConfig'" in message
    message = refused_by_schema(CONFIGURATION_MODEL, {"properties": {"recurEvery": "Day"}})
    assert "'properties.recurEvery'" in message


def test_unknown_properties_inside_of_lists_are_found() -> None:
    body = {"properties": {"networkProfile": {"networkInterfaces": [{"idd": "x"}]}}}
    assert "networkInterfaces[0].idd" in refused_by_schema(VM, body)


def test_read_only_properties_are_ignored() -> None:
    body = {"id": "x", "location": "eastus", "properties": {"vmId": "x", "priority": "Spot"}}
    expected = {"location": "eastus", "properties": {"priority": "Spot"}}
    assert schema.accept(VM, body) == expected
    old = {"systemData": {}, "tags": {"Any": "key"}}
    assert schema.accept(CONFIGURATION_MODEL, old) == {"tags": {"Any": "key"}}


def test_names_of_properties_have_no_case() -> None:
    assert schema.accept(CONFIGURATION_MODEL, {"Location": "eastus"}) == {"Location": "eastus"}


def test_a_merge_patch_removes_with_null_and_keeps_the_rest() -> None:
    body: dict[str, Any] = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merge(body, {"a": {"b": None}, "d": [2], "e": 3}) == {"a": {"c": 2}, "d": [2], "e": 3}
    assert body == {"a": {"b": 1, "c": 2}, "d": [1]}


# -- ids


def test_an_id_is_taken_apart() -> None:
    id = parse(f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm1")
    assert (id.subscription, id.group, id.scope) == (NAMELESS, "rg-test", GROUP)
    assert (id.type, id.name) == ("Microsoft.Compute/virtualMachines", "vm1")


def test_an_extension_hangs_on_another_resource() -> None:
    vm = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm1"
    id = parse(f"{vm}/providers/Microsoft.Maintenance/configurationAssignments/a")
    assert (id.scope, id.type) == (vm, "Microsoft.Maintenance/configurationAssignments")


def test_a_child_has_a_parent() -> None:
    vnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v"
    id = parse(f"{vnet}/subnets/default")
    assert (id.parent, id.type, id.name) == (
        vnet,
        "Microsoft.Network/virtualNetworks/subnets",
        "default",
    )


def test_a_collection_has_no_name() -> None:
    assert parse(f"{GROUP}/providers/Microsoft.Compute/virtualMachines").name == ""
    assert parse(SUBSCRIPTION).type == ""


def test_ids_are_compared_without_case_and_by_whole_names() -> None:
    assert same(GROUP, GROUP.upper())
    assert within(f"{GROUP.upper()}/providers/x", GROUP)
    assert within(GROUP, GROUP)
    assert not within(f"{GROUP}2", GROUP)


def test_what_is_below_a_scope(world: World) -> None:
    world.add(Resource(CONFIGURATION, "t", {}))
    world.add(Resource(CONFIGURATION.replace("rg-test", "rg-test2"), "t", {}))
    assert [r.id for r in world.below(GROUP)] == [CONFIGURATION]
    assert [r.id for r in world.below(GROUP, "T")] == [CONFIGURATION]
    assert list(world.below(CONFIGURATION)) == []
