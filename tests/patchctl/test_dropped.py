"""Nothing that a step wants is lost on the way to the wire, whatever was asked for.

The older models of the SDK leave out an argument that they do not know, and only log it; both
generations leave out an attribute that was set under a wrong name, and say nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.compute.models import VirtualMachine
from azure.mgmt.maintenance.models import MaintenanceConfiguration
from azure.mgmt.monitor.models import ActionGroupResource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from patchctl import machine_settings
from patchctl.config import LINUX, WINDOWS, layered
from patchctl.deployment import Deployment
from patchctl.layers import Layer, read_file
from patchctl.machines import Settings
from patchctl.offers import Offer
from patchctl.sign_in import Identity
from patchctl.steps import (
    STEPS,
    action_group,
    activity_log_alerts,
    alert_identity,
    alert_role,
    assignment,
    maintenance_configuration,
    result_alerts,
    virtual_machine,
)

WHOLE = {"emails": ["you@example.com"], "schedule.first": "2027-01-02"}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
SUBSCRIPTION = "5a4d0000-0000-4000-8000-000000000001"
BODIES: dict[str, Callable[[Deployment], list[Any]]] = {
    "virtual-machine": lambda d: [virtual_machine.desired(d)],
    "action-group": lambda d: [action_group.desired(d, None)],
    "maintenance-configuration": lambda d: [
        maintenance_configuration.desired(d, schedule) for schedule in d.schedules
    ],
    "assignment": lambda d: [
        assignment.desired(d, assignment.Link(machine, schedule, wanted=True))
        for machine in d.patched
        for schedule in d.schedules
    ],
    "patch-settings": lambda d: [
        machine_settings.desired(replace(d.patched[0], os=os), Settings("AutomaticByPlatform"))
        for os in ("windows", "linux")
    ],
    "activity-log-alerts": lambda d: [
        activity_log_alerts.desired(d, rule) for rule in activity_log_alerts.RULES
    ],
    "alert-identity": lambda d: [alert_identity.desired(d, None)],
    "alert-role": lambda d: [alert_role.desired(d, "0b1ec700-0000-4000-8000-0000000000bb")],
    "result-alerts": lambda d: [
        result_alerts.desired(d, rule, asks="arg('')", enabled=True) for rule in result_alerts.RULES
    ],
}
FROM_WHAT_STANDS = {"resource-providers", "resource-group", "network", "assessment"}
"""Their bodies are made while they are sent: see `test_bodies.test_what_is_really_sent`."""
LOGGERS = ("azure.mgmt.maintenance._serialization", "azure.mgmt.monitor._utils.serialization")
IGNORED = "will be ignored"

CONFIGURATIONS = some.fixed_dictionaries(
    {},
    optional={
        "name": some.sampled_from(["web", "a-very-long-name-0123456789"]),
        "location": some.sampled_from(["westeurope", "East US 2"]),
        "tags": some.dictionaries(
            some.sampled_from(["owner", "Cost Center"]), some.text(max_size=3)
        ),
        "schedule.at": some.sampled_from(["00:00", "23:59"]),
        "schedule.first": some.sampled_from(["2027-01-02", "2031-12-31"]),
        "schedule.recur": some.sampled_from(
            ["Day", "6Hours", "2Weeks Monday,Friday", "1Month day1,day15", "Month Last Sunday"]
        ),
        "schedule.time_zone": some.sampled_from(
            ["UTC", "Europe/Berlin", "AUS Eastern Standard Time"]
        ),
        "schedule.duration": some.sampled_from(["01:30", "03:55"]),
        "patches.reboot": some.sampled_from(["IfRequired", "Never", "Always"]),
        "machine.size": some.sampled_from(["Standard_B2ms", "Standard_D2s_v5"]),
        "machine.outbound": some.sampled_from(["default", "nat", "none"]),
        "alerts.results": some.booleans(),
        "alerts.notify": some.sampled_from(["failures", "warnings", "all"]),
        "alerts.per": some.sampled_from(["run", "machine"]),
    },
)
SYSTEMS = some.one_of(
    some.fixed_dictionaries(
        {
            "patches.classifications": some.lists(
                some.sampled_from(WINDOWS), min_size=1, unique=True
            )
        },
        optional={
            "patches.include_kbs": some.just(["5031364"]),
            "patches.exclude_kbs": some.just(["KB5031365", "5031366"]),
        },
    ),
    some.fixed_dictionaries(
        {
            "machine.os": some.just("linux"),
            "patches.classifications": some.sampled_from([list(LINUX), ["Other"]]),
        },
        optional={
            "patches.include_packages": some.just(["libc6", "curl=8*"]),
            "patches.exclude_packages": some.just(["kernel*"]),
        },
    ),
)


def wanted(*layers: Layer) -> Deployment:
    return Deployment(
        layered([*layers, Layer("the test", WHOLE, {})]),
        SUBSCRIPTION,
        "abc123",
        Identity("you", "1", "2"),
        datetime(2026, 11, 23, 12, tzinfo=UTC),
        offer=Offer("Standard_B2s", ("publisher", "offer", "sku")),
    )


def dropped(model: Any) -> Iterator[str]:
    """Attributes that are set on a model, or on one inside it, and that its wire form has not."""
    if isinstance(model, (list, tuple)):
        for item in model:
            yield from dropped(item)
    elif isinstance(model, dict):
        yield from dropped(list(model.values()))
    elif hasattr(model, "_attribute_map"):
        yield from _of_older(model)
    elif hasattr(model, "_attr_to_rest_field"):
        type(model)()  # the names are known once an instance was made
        yield from (f"{type(model).__name__}.{name}" for name in vars(model) if name != "_data")
        yield from dropped([getattr(model, name) for name in model._attr_to_rest_field])


def _of_older(model: Any) -> Iterator[str]:
    for name, value in vars(model).items():
        known = name in model._attribute_map or name == "additional_properties"
        readonly = model._validation.get(name, {}).get("readonly") and value is not None
        if not known or readonly:
            yield f"{type(model).__name__}.{name}"
        yield from dropped(value)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in LOGGERS:
        caplog.set_level(logging.WARNING, logger=name)
    return caplog


def require_whole(deployment: Deployment, heard: pytest.LogCaptureFixture) -> None:
    heard.clear()
    for name, bodies in BODIES.items():
        for body in bodies(deployment):
            assert list(dropped(body)) == [], name
            assert body.serialize() if hasattr(body, "serialize") else body.as_dict()
    assert [message for message in heard.messages if IGNORED in message] == []


def test_every_step_is_here_or_there() -> None:
    assert BODIES.keys() | FROM_WHAT_STANDS == {step.NAME for step in STEPS}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples(file: Path, heard: pytest.LogCaptureFixture) -> None:
    require_whole(wanted(read_file(file)), heard)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(CONFIGURATIONS, SYSTEMS)
def test_whatever_is_asked_for(
    heard: pytest.LogCaptureFixture, asked: dict[str, Any], system: dict[str, Any]
) -> None:
    require_whole(wanted(Layer("some", {**asked, **system}, {})), heard)


def test_a_wrong_keyword_is_noticed(heard: pytest.LogCaptureFixture) -> None:
    MaintenanceConfiguration(location="eastus", reccur_every="Week")
    assert IGNORED in heard.text
    heard.clear()
    ActionGroupResource(location="Global", group_short_name="ag", enabled=True, id="mine")
    assert IGNORED in heard.text
    newer: Any = VirtualMachine
    with pytest.raises(TypeError):
        newer(location="eastus", licence_type="none")


def test_a_wrong_attribute_is_noticed() -> None:
    group = ActionGroupResource(location="Global", group_short_name="ag", enabled=True)
    machine = VirtualMachine(location="eastus")
    assert [*dropped(group), *dropped(machine)] == []
    for model in (group, machine):
        vars(model)["enabeld"] = True
    assert [*dropped([group]), *dropped({"a": machine})] == [
        "ActionGroupResource.enabeld",
        "VirtualMachine.enabeld",
    ]
