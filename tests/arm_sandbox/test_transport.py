"""The real SDK clients on a world, both generations of azure-core's requests included."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceNotFoundError,
    ResponseNotReadError,
)
from azure.core.pipeline.transport import AsyncioRequestsTransportResponse
from azure.core.pipeline.transport import HttpRequest as OldRequest
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.maintenance.aio import MaintenanceManagementClient
from azure.mgmt.maintenance.models import MaintenanceConfiguration
from azure.mgmt.monitor import models as monitor
from azure.mgmt.monitor.aio import MonitorManagementClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from arm_sandbox import clock
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import signed_in, transport_to

SUBSCRIPTION = "5a4d0000-0000-4000-8000-000000000001"
URL = f"https://management.azure.com/subscriptions/{SUBSCRIPTION}"


def run(world: World, main: Coroutine[Any, Any, Any]) -> Any:
    return clock.run(main, world.now)


def schedule(**changes: Any) -> MaintenanceConfiguration:
    values = {
        "location": "eastus",
        "maintenance_scope": "InGuestPatch",
        "extension_properties": {"InGuestPatchMode": "User"},
        "start_date_time": "2026-12-05 02:00",
        "duration": "02:00",
        "time_zone": "Eastern Standard Time",
        "recur_every": "1Week Saturday",
    }
    return MaintenanceConfiguration(**{**values, **changes})


def maintenance(world: World) -> MaintenanceManagementClient:
    return MaintenanceManagementClient(
        SandboxCredential(world), SUBSCRIPTION, transport=transport_to(world)
    )


def test_a_schedule_through_the_sdk(world: World) -> None:
    async def main() -> None:
        async with maintenance(world) as client:
            configurations = client.maintenance_configurations
            made = await configurations.create_or_update("rg-test", "nightly", schedule())
            assert made.recur_every == "1Week Saturday"
            shown = await configurations.get("rg-test", "nightly")
            assert shown.time_zone == "Eastern Standard Time"
            listed = client.maintenance_configurations_for_resource_group.list("rg-test")
            assert [item.name async for item in listed] == ["nightly"]
            await configurations.delete("rg-test", "nightly")
            with pytest.raises(ResourceNotFoundError):
                await configurations.get("rg-test", "nightly")

    began = world.now
    run(world, main())
    assert world.now - began >= 4


def test_the_sdk_cannot_parse_a_refusal_of_maintenance(world: World) -> None:
    async def main() -> None:
        async with maintenance(world) as client:
            await client.maintenance_configurations.create_or_update(
                "rg-test", "nightly", schedule(recur_every="Month")
            )

    with pytest.raises(HttpResponseError) as caught:
        run(world, main())
    assert caught.value.status_code == 400
    assert caught.value.error is None
    assert caught.value.response is not None
    assert "missing day of month" in caught.value.response.text()


def test_an_action_group_and_its_test_through_the_sdk(world: World) -> None:
    you = monitor.EmailReceiver(name="you", email_address="you@example.com")
    group = monitor.ActionGroupResource(
        location="Global", group_short_name="patching", enabled=True, email_receivers=[you]
    )
    body = monitor.NotificationRequestBody(alert_type="activitylog", email_receivers=[you])

    async def main() -> None:
        credential, transport = SandboxCredential(world), transport_to(world)
        async with MonitorManagementClient(credential, SUBSCRIPTION, transport=transport) as client:
            groups = client.action_groups
            made = await groups.create_or_update("rg-test", "ag", group)
            assert made.sms_receivers == []
            await transport.sleep(120)
            poller = await groups.begin_create_notifications_at_action_group_resource_level(
                "rg-test", "ag", body
            )
            result = await poller.result()
            assert result.state == "Complete"
            assert [d.status for d in result.action_details or ()] == ["Succeeded"]
            assert [g.name async for g in groups.list_by_resource_group("rg-test")] == ["ag"]
            await groups.delete("rg-test", "ag")

    run(world, main())
    assert [mail["kind"] for mail in world.mails] == ["code", "test"]


def test_an_alert_rule_and_the_log_through_the_sdk(world: World) -> None:
    category = monitor.AlertRuleAnyOfOrLeafCondition(field="category", equals="Administrative")
    rule = monitor.ActivityLogAlertResource(
        location="Global",
        scopes=[f"/subscriptions/{SUBSCRIPTION}"],
        condition=monitor.AlertRuleAllOfCondition(all_of=[category]),
        actions=monitor.ActionList(action_groups=[]),
    )

    async def main() -> None:
        credential, transport = SandboxCredential(world), transport_to(world)
        async with MonitorManagementClient(credential, SUBSCRIPTION, transport=transport) as client:
            rules = client.activity_log_alerts
            await rules.create_or_update("rg-test", "audit", rule)
            off = await rules.update(
                "rg-test", "audit", monitor.AlertRulePatchObject(enabled=False)
            )
            assert off.enabled is False
            filter = "eventTimestamp ge '2026-11-23T00:00:00Z' and resourceGroupName eq 'rg-test'"
            events = [event async for event in client.activity_logs.list(filter=filter)]
            newest = events[0]
            assert newest.operation_name is not None
            assert newest.operation_name.value == "Microsoft.Insights/activityLogAlerts/write"
            assert newest.event_timestamp is not None
            assert newest.event_timestamp.year == 2026

    run(world, main())


def test_a_group_through_the_sdk(world: World) -> None:
    async def main() -> bool:
        credential, transport = SandboxCredential(world), transport_to(world)
        async with ResourceManagementClient(
            credential, SUBSCRIPTION, transport=transport
        ) as client:
            poller = await client.resource_groups.begin_delete("rg-test")
            await poller.result()
            return await client.resource_groups.check_existence("rg-test")

    began = world.now
    assert run(world, main()) is False
    assert 120 <= world.now - began <= 320


@pytest.mark.parametrize("make", [OldRequest, HttpRequest])
def test_both_generations_of_requests_are_answered(world: World, make: Any) -> None:
    request = make("GET", f"{URL}?api-version=2022-12-01", headers=signed_in(world))

    async def main() -> None:
        response = await transport_to(world).send(request)
        assert (response.status_code, response.reason) == (200, "OK")
        assert response.content_type == "application/json; charset=utf-8"
        assert response.headers["CONTENT-TYPE"] == response.content_type
        assert json.loads(response.text())["subscriptionId"] == SUBSCRIPTION
        chunks = [chunk async for chunk in response.stream_download(None)]
        assert b"".join(chunks) == response.body()

    run(world, main())


@pytest.mark.parametrize("make", [OldRequest, HttpRequest])
def test_an_answer_has_what_that_of_a_real_transport_has(world: World, make: Any) -> None:
    """What a client may ask of it, private and inherited parts aside."""
    real = AsyncioRequestsTransportResponse if make is OldRequest else AsyncHttpResponse
    request = make("GET", f"{URL}?api-version=2022-12-01", headers=signed_in(world))

    async def main() -> Any:
        return await transport_to(world).send(request)

    for name in ("read", "load_body", "json", "content"):
        assert hasattr(run(world, main()), name) is hasattr(real, name)


def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    url = f"{URL}/resourceGroups/x?api-version=2025-04-01"
    request = HttpRequest("PUT", url, headers=signed_in(world), content=b"{nope")

    async def main() -> Any:
        return await transport_to(world).send(request)

    response = run(world, main())
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "InvalidRequestContent"


def test_a_watcher_sees_each_exchange_before_its_answer(world: World) -> None:
    seen: list[tuple[str, int, float]] = []

    def watch(request: Request, response: Response) -> None:
        seen.append((request.method, response.status, clock.now()))

    async def main() -> float:
        request = HttpRequest(
            "PUT",
            f"{URL}/resourceGroups/other?api-version=2025-04-01",
            json={"location": "eastus"},
            headers=signed_in(world),
        )
        await transport_to(world, watch).send(request)
        return clock.now()

    began = world.now
    ended = run(world, main())
    assert seen == [("PUT", 201, began)]
    assert ended - began >= 0.5


def test_one_closed_client_does_not_close_the_transport(world: World) -> None:
    transport = transport_to(world)

    async def main() -> int:
        for _ in range(2):
            client = MaintenanceManagementClient(
                SandboxCredential(world), SUBSCRIPTION, transport=transport
            )
            async with client:
                found = [c async for c in client.maintenance_configurations.list()]
        return len(found)

    assert run(world, main()) == 0


def test_a_token_outlives_virtual_decades(world: World) -> None:
    async def main() -> int:
        async with SandboxCredential(world) as credential:
            plain = await credential.get_token("https://management.azure.com/.default")
            assert plain.token == (await credential.get_token_info("x")).token
            return plain.expires_on

    assert run(world, main()) - world.now > 50 * 365 * 86400


def test_a_streamed_answer_has_to_be_read(world: World) -> None:
    """As what begins an operation is answered, in azure-core's own transports too."""

    async def main() -> None:
        request = HttpRequest("GET", f"{URL}?api-version=2022-12-01")
        request.headers["Authorization"] = signed_in(world)["Authorization"]
        answer: Any = await transport_to(world).send(request, stream=True)
        with pytest.raises(ResponseNotReadError):
            answer.text()
        await answer.read()
        assert "subscriptionId" in answer.json()

    run(world, main())
