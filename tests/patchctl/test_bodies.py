"""Every body that patchctl can send fits the SDK's model.

The older models only log an argument that they do not know, and leave it out of what is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.maintenance.models import MaintenanceConfiguration
from azure.mgmt.monitor.models import (
    ActionGroupResource,
    EmailReceiver,
    EnableRequest,
    NotificationRequestBody,
)

from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import notification
from patchctl.clients import Connection, connect_to_sandbox
from patchctl.config import layered
from patchctl.deployment import Deployment
from patchctl.engine import Limits, deploy, inspect
from patchctl.errors import Stopped
from patchctl.layers import Layer
from patchctl.offers import Offer, with_offer
from patchctl.report import Event
from patchctl.resolving import resolve
from patchctl.sign_in import Identity
from patchctl.steps import (
    STEPS,
    action_group,
    activity_log_alerts,
    assignment,
    maintenance_configuration,
    virtual_machine,
)
from patchctl.steps.assignment import Link

NOON = 1_795_435_200.0
UNKNOWN = "is not a known attribute"
OLDER = ("azure.mgmt.maintenance._serialization", "azure.mgmt.monitor._utils.serialization")
ASKED: dict[str, dict[str, Any]] = {
    "windows": {"patches.include_kbs": ["5031364"], "patches.exclude_kbs": ["5031365"]},
    "linux": {
        "machine.os": "linux",
        "patches.include_packages": ["libc6"],
        "patches.exclude_packages": ["kernel*"],
    },
    "nat": {"machine.outbound": "nat", "tags": {"owner": "platform"}},
    "none": {"machine.outbound": "none", "patches.reboot": "Never"},
}


@pytest.fixture(autouse=True)
def known_attributes_only(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    for name in OLDER:
        caplog.set_level(logging.WARNING, logger=name)
    yield
    told = [record.getMessage() for record in caplog.get_records("call")]
    assert [message for message in told if UNKNOWN in message] == []


def layer(asked: dict[str, Any]) -> Layer:
    return Layer("the test", {"emails": ["you@example.com", "ops@example.com"], **asked}, {})


def wanted(asked: dict[str, Any]) -> Deployment:
    return Deployment(
        layered([layer({"schedule.first": "2027-01-02", **asked})]),
        "5a4d0000-0000-4000-8000-000000000001",
        "abc123",
        Identity("you", "1", "2"),
        datetime.fromtimestamp(NOON, UTC),
        offer=Offer("Standard_B2s", ("publisher", "offer", "sku")),
    )


@pytest.fixture(params=list(ASKED))
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return wanted(ASKED[request.param])


@pytest.mark.parametrize("model", [MaintenanceConfiguration, ActionGroupResource])
def test_the_older_models_do_tell(model: Any, caplog: pytest.LogCaptureFixture) -> None:
    model(location="eastus", reccur_every="Week")
    assert UNKNOWN in caplog.text
    caplog.clear()


def test_maintenance_configuration(deployment: Deployment) -> None:
    body = maintenance_configuration.desired(deployment, deployment.schedules[0]).serialize()
    assert body["properties"]["maintenanceScope"] == "InGuestPatch"
    assert body["properties"]["extensionProperties"] == {"InGuestPatchMode": "User"}
    assert body["properties"]["maintenanceWindow"] == {
        "startDateTime": "2027-01-02 02:00",
        "duration": "02:00",
        "timeZone": "Eastern Standard Time",
        "recurEvery": "1Week Saturday",
    }
    parameters = f"{deployment.config.machine.os}Parameters"
    classes = body["properties"]["installPatches"][parameters]["classificationsToInclude"]
    assert tuple(classes) == deployment.config.classifications(deployment.config.machine.os)


def test_assignment(deployment: Deployment) -> None:
    link = Link(deployment.patched[0], deployment.schedules[0], wanted=True)
    body = assignment.desired(deployment, link).serialize()
    assert body["properties"] == {
        "maintenanceConfigurationId": deployment.maintenance_configuration_id,
        "resourceId": deployment.virtual_machine_id,
    }


def test_action_group(deployment: Deployment) -> None:
    body = action_group.desired(deployment, None).serialize()
    assert body["location"] == "Global"
    assert [r["emailAddress"] for r in body["properties"]["emailReceivers"]] == list(
        deployment.config.emails
    )


@pytest.mark.parametrize("rule", activity_log_alerts.RULES, ids=lambda rule: rule.name)
def test_activity_log_alert(deployment: Deployment, rule: activity_log_alerts.Rule) -> None:
    body = activity_log_alerts.desired(deployment, rule).serialize()
    assert body["properties"]["scopes"] == [deployment.group_id]
    leaves = body["properties"]["condition"]["allOf"]
    assert {leaf["field"] for leaf in leaves} == {"category", "operationName", "status"}


def test_test_mail() -> None:
    receiver = EmailReceiver(
        name="patchctl-1", email_address="you@example.com", use_common_alert_schema=True
    )
    body = NotificationRequestBody(
        alert_type=notification.ALERT_TYPE, email_receivers=[receiver]
    ).serialize()
    assert body["alertType"] == "activitylog"
    assert EnableRequest(receiver_name="patchctl-1").serialize() == {"receiverName": "patchctl-1"}


def test_virtual_machine(deployment: Deployment) -> None:
    body = virtual_machine.desired(deployment).as_dict()
    profile = body["properties"]["osProfile"]
    settings = profile[f"{deployment.config.machine.os}Configuration"]["patchSettings"]
    assert settings["patchMode"] == settings["assessmentMode"] == "AutomaticByPlatform"
    assert settings["automaticByPlatformSettings"] == {
        "bypassPlatformSafetyChecksOnUserSchedule": True,
        "rebootSetting": deployment.config.patches.reboot,
    }
    assert body["properties"]["storageProfile"]["osDisk"]["deleteOption"] == "Delete"


def ignore(event: Event) -> None: ...


def deployed(connection: Connection, asked: dict[str, Any]) -> Deployment:
    clients, run = connection.clients, connection.run
    draft = run(
        resolve(clients, [layer(asked)], connection.me, connection.clock(), connection.draw_suffix)
    )
    deployment = run(with_offer(clients, draft))
    plan = run(inspect(STEPS, clients, deployment, ignore, Limits()))
    deploying = deploy(STEPS, clients, deployment, plan, ignore, Limits())
    if deployment.config.machine.outbound != "none":
        run(deploying)
        return deployment
    with pytest.raises(Stopped) as stopped:  # without a way out it cannot be assessed
        run(deploying)
    assert stopped.value.error.code == "AssessmentFailed"
    return deployment


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_what_is_really_sent(tmp_path: Path, asked: dict[str, Any]) -> None:
    """The sandbox refuses unknown properties of the newer services; the older ones are logged."""
    Store(tmp_path).save(World(now=NOON))
    sent: dict[str, Any] = {}

    def watch(request: Request, response: Response) -> None:
        if request.method == "PUT":
            sent[request.path.split("/")[-2].lower()] = request.body
            assert response.status < 300, request.path

    with connect_to_sandbox(tmp_path, None, watch=(watch,)) as connection:
        deployment = deployed(connection, asked)
        connection.run(notification.send(connection.clients, deployment))
    outbound = deployment.config.machine.outbound
    subnet = sent["virtualnetworks"]["properties"]["subnets"][0]["properties"]
    assert subnet["addressPrefix"] == "10.60.0.0/24"
    assert subnet["defaultOutboundAccess"] is (outbound == "default")
    assert ("natGateway" in subnet) is (outbound == "nat")
    assert ("natgateways" in sent) is (outbound == "nat")
    (interface,) = sent["networkinterfaces"]["properties"]["ipConfigurations"]
    assert "publicIPAddress" not in interface["properties"]
    assert sent["networksecuritygroups"]["properties"]["securityRules"] == []
