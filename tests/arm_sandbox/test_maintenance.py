"""Microsoft.Maintenance, held against recorded traffic and the documented refusals."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from arm_sandbox.wire import Response
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, wait

VERSION = "2023-04-01"
CONFIGURATIONS = f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations"
CONFIGURATION = f"{CONFIGURATIONS}/Nightly"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/Web1"
ASSIGNMENTS = f"{VM}/providers/Microsoft.Maintenance/configurationAssignments"
ASSIGNMENT = f"{ASSIGNMENTS}/Web1-nightly"
LOWER_GROUP = GROUP.replace("resourceGroups", "resourcegroups")

WINDOW = {
    "startDateTime": "2026-12-05 02:00",
    "duration": "02:00",
    "timeZone": "Eastern Standard Time",
    "recurEvery": "1Week Saturday",
}
BODY: dict[str, Any] = {
    "location": "eastus",
    "properties": {
        "maintenanceScope": "InGuestPatch",
        "extensionProperties": {"InGuestPatchMode": "User"},
        "maintenanceWindow": WINDOW,
        "installPatches": {
            "rebootSetting": "IfRequired",
            "windowsParameters": {"classificationsToInclude": ["Critical", "Security"]},
            "linuxParameters": {"classificationsToInclude": ["Critical", "Security"]},
        },
    },
}


def body(**properties: Any) -> dict[str, Any]:
    """The good configuration with other properties; None takes one away."""
    changed = copy.deepcopy(BODY)
    changed["properties"] |= properties
    changed["properties"] = {k: v for k, v in changed["properties"].items() if v is not None}
    return changed


def window(**values: Any) -> dict[str, Any]:
    changed = {**WINDOW, **values}
    return body(maintenanceWindow={k: v for k, v in changed.items() if v is not None})


def put(world: World, sent: dict[str, Any], path: str = CONFIGURATION) -> Response:
    return ask(world, "PUT", path, sent, version=VERSION)


def get(world: World, path: str = CONFIGURATION) -> Response:
    return ask(world, "GET", path, version=VERSION)


def refused(response: Response) -> str:
    """The message of a refusal in the shape of Microsoft.Maintenance."""
    assert response.status == 400
    assert set(response.body) == {"Error"}
    assert set(response.body["Error"]) == {"Code", "Message"}
    return str(response.body["Error"]["Message"])


def window_refused(world: World, **values: Any) -> str:
    response = put(world, window(**values))
    message = refused(response)
    assert response.body["Error"]["Code"] == "InvalidMaintenanceWindow"
    assert message.startswith("Invalid maintenance window. Error: ")
    assert get(world).status == 404
    return message.removeprefix("Invalid maintenance window. Error: ")


# -- configurations


def test_a_configuration_is_made_with_200_and_comes_back_as_recorded(world: World) -> None:
    response = put(world, BODY)
    assert response.status == 200
    assert 2 <= response.seconds <= 8
    assert response.body == {
        "location": "eastus",
        "tags": {},
        "properties": {
            "extensionProperties": {"inGuestPatchMode": "User"},
            "maintenanceScope": "InGuestPatch",
            "maintenanceWindow": WINDOW,
            "visibility": "Custom",
            "installPatches": BODY["properties"]["installPatches"],
            "configurationType": "Regular",
        },
        "id": f"{LOWER_GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/Nightly",
        "name": "Nightly",
        "type": "Microsoft.Maintenance/maintenanceConfigurations",
    }


def test_get_and_patch_name_the_provider_in_lower_case(world: World) -> None:
    put(world, BODY)
    lower = f"{LOWER_GROUP}/providers/microsoft.maintenance/maintenanceconfigurations/Nightly"
    patched = ask(world, "PATCH", CONFIGURATION, {"tags": {"a": "b"}}, version=VERSION)
    assert (patched.status, patched.body["id"], patched.body["tags"]) == (200, lower, {"a": "b"})
    assert get(world).body == patched.body
    assert get(world).body["type"] == "Microsoft.Maintenance/maintenanceConfigurations"


def test_a_patch_keeps_what_it_does_not_name(world: World) -> None:
    put(world, body(installPatches={"rebootSetting": "Always"}))
    change = {"properties": {"maintenanceWindow": {"duration": "03:00"}}}
    properties = ask(world, "PATCH", CONFIGURATION, change, version=VERSION).body["properties"]
    assert properties["maintenanceWindow"] == {**WINDOW, "duration": "03:00"}
    assert properties["installPatches"] == {"rebootSetting": "AlwaysReboot"}
    assert properties["extensionProperties"] == {"inGuestPatchMode": "User"}


def test_a_patch_is_checked_like_a_put(world: World) -> None:
    put(world, BODY)
    change = {"properties": {"maintenanceWindow": {"duration": "05:00"}}}
    response = ask(world, "PATCH", CONFIGURATION, change, version=VERSION)
    assert "01:30" in refused(response)
    assert get(world).body["properties"]["maintenanceWindow"]["duration"] == "02:00"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("Always", "AlwaysReboot"), ("Never", "NeverReboot"), ("IfRequired", "IfRequired")],
)
def test_the_reboot_setting_comes_back_in_other_words(world: World, sent: str, stored: str) -> None:
    response = put(world, body(installPatches={"rebootSetting": sent}))
    assert response.body["properties"]["installPatches"]["rebootSetting"] == stored
    assert get(world).body["properties"]["installPatches"]["rebootSetting"] == stored


def test_a_second_put_replaces_and_is_again_200(world: World) -> None:
    put(world, BODY)
    response = put(
        world, window(recurEvery="Day"), CONFIGURATION.upper().replace("NIGHTLY", "nightly")
    )
    assert response.status == 200
    assert response.body["name"] == "Nightly"
    assert get(world).body["properties"]["maintenanceWindow"]["recurEvery"] == "Day"


def test_lists_of_group_and_subscription(world: World) -> None:
    put(world, BODY)
    in_group = get(world, CONFIGURATIONS).body["value"]
    path = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance/maintenanceConfigurations"
    assert in_group == get(world, path).body["value"]
    assert [item["id"] for item in in_group] == [
        f"{LOWER_GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/Nightly"
    ]


def test_an_expiration_comes_back_only_if_it_was_sent(world: World) -> None:
    assert "expirationDateTime" not in put(world, BODY).body["properties"]["maintenanceWindow"]
    response = put(world, window(expirationDateTime="9999-12-31 23:59"))
    sent_back = response.body["properties"]["maintenanceWindow"]["expirationDateTime"]
    assert sent_back == "9999-12-31 23:59"


def test_delete_answers_200_without_a_body_and_204_without_a_configuration(world: World) -> None:
    put(world, BODY)
    deleted = ask(world, "DELETE", CONFIGURATION, version=VERSION)
    assert (deleted.status, deleted.content) == (200, b"")
    assert ask(world, "DELETE", CONFIGURATION, version=VERSION).status == 204
    missing = get(world)
    assert missing.status == 404
    assert missing.body["error"]["code"] == "ResourceNotFound"


def test_a_start_in_the_past_is_accepted(world: World) -> None:
    assert put(world, window(startDateTime="1970-01-01 00:00")).status == 200


def test_platform_mode_needs_no_patches(world: World) -> None:
    sent = body(extensionProperties={"inGuestPatchMode": "Platform"}, installPatches=None)
    assert put(world, sent).status == 200


def test_a_window_of_other_scopes_may_be_longer(world: World) -> None:
    sent = window(duration="05:00")
    sent["properties"] |= {"maintenanceScope": "OSImage", "extensionProperties": {}}
    assert put(world, sent).status == 200


def test_a_lone_duration_of_a_host_is_dropped(world: World) -> None:
    sent = {
        "location": "eastus",
        "properties": {"maintenanceScope": "Host", "maintenanceWindow": {"duration": "00:00"}},
    }
    assert put(world, sent).body["properties"] == {
        "extensionProperties": {},
        "maintenanceScope": "Host",
        "visibility": "Custom",
        "configurationType": "Regular",
    }


@pytest.mark.parametrize(
    "recurrence",
    [
        "Day",
        "3Days",
        "Week",
        "3Weeks",
        "1Week Saturday",
        "Week Saturday,Sunday",
        "week Monday, Tuesday",
        "1Month day23,day24",
        "Month Last Sunday",
        "1Month Last Sunday Offset-3",
        "Month Third Sunday Offset6",
        "2Months Third Monday Offset3",
        "6Hours",
        "12Hour",
    ],
)
def test_recurrences_that_azure_knows(world: World, recurrence: str) -> None:
    assert put(world, window(recurEvery=recurrence)).status == 200


@pytest.mark.parametrize("duration", ["01:30", "03:55"])
def test_the_shortest_and_the_longest_window(world: World, duration: str) -> None:
    assert put(world, window(duration=duration)).status == 200


# -- refusals of configurations


def test_refuses_a_guest_configuration_without_a_patch_mode(world: World) -> None:
    response = put(world, body(extensionProperties=None))
    assert refused(response) == "Extension properties must contain Patch mode"


def test_refuses_an_unknown_patch_mode(world: World) -> None:
    assert "Mine" in refused(put(world, body(extensionProperties={"inGuestPatchMode": "Mine"})))


def test_refuses_a_missing_start(world: World) -> None:
    message = window_refused(world, startDateTime=None)
    assert message == "StartDateTime is not set for maintenance window."


def test_refuses_a_guest_configuration_without_a_window(world: World) -> None:
    assert "StartDateTime is not set" in refused(put(world, body(maintenanceWindow=None)))


@pytest.mark.parametrize("start", ["2026-12-05", "2026-12-05T02:00:00Z", "2026-13-05 02:00"])
def test_refuses_a_malformed_start(world: World, start: str) -> None:
    assert "StartDateTime" in window_refused(world, startDateTime=start)


@pytest.mark.parametrize("months", ["Month", "1Month", "2Months"])
def test_refuses_a_bare_month(world: World, months: str) -> None:
    message = window_refused(world, recurEvery=months)
    assert message == "Monthly maintenance window is missing day of month or week of month."


@pytest.mark.parametrize(
    "recurrence",
    [
        "",
        "Weekly",
        "0Days",
        "Saturday",
        "1Week Caturday",
        "Month day0",
        "Month day32",
        "Month Fifth Sunday",
        "Month Second Tuesday Offset7",
        "Month Second Tuesday Offset-7",
        "Month Second Tuesday 4",
        "0 2 * * 6",
    ],
)
def test_refuses_recurrences_that_azure_does_not_know(world: World, recurrence: str) -> None:
    assert "RecurEvery" in window_refused(world, recurEvery=recurrence)


def test_refuses_a_guest_window_that_does_not_recur(world: World) -> None:
    assert "RecurEvery is not set" in window_refused(world, recurEvery=None)


@pytest.mark.parametrize("hours", ["Hour", "5Hours"])
def test_refuses_fewer_than_six_hours(world: World, hours: str) -> None:
    assert "at least 6 hours" in window_refused(world, recurEvery=hours)


@pytest.mark.parametrize("duration", [None, "", "2h", "2:00", "24:00", "02:60"])
def test_refuses_a_malformed_duration(world: World, duration: str | None) -> None:
    assert "HH:mm" in window_refused(world, duration=duration)


@pytest.mark.parametrize("duration", ["01:29", "03:56", "05:00"])
def test_refuses_a_duration_outside_of_guest_limits(world: World, duration: str) -> None:
    assert "between 01:30 and 03:55" in window_refused(world, duration=duration)


@pytest.mark.parametrize("zone", [None, "America/New_York", "EST", "Eastern"])
def test_refuses_an_unknown_time_zone(world: World, zone: str | None) -> None:
    assert "TimeZone" in window_refused(world, timeZone=zone)


@pytest.mark.parametrize("expiration", ["2026-11-01 00:00", "2026-12-05 01:00", "never"])
def test_refuses_an_expiration_that_is_past_or_before_the_start(
    world: World, expiration: str
) -> None:
    start = "2026-10-01 00:00" if expiration.startswith("2026-11") else WINDOW["startDateTime"]
    message = window_refused(world, startDateTime=start, expirationDateTime=expiration)
    assert "ExpirationDateTime" in message


@pytest.mark.parametrize(
    ("parameters", "value"), [("windowsParameters", "Other"), ("linuxParameters", "Updates")]
)
def test_refuses_a_classification_of_the_other_system(
    world: World, parameters: str, value: str
) -> None:
    patches = {parameters: {"classificationsToInclude": ["Security", value]}}
    assert value in refused(put(world, body(installPatches=patches)))


def test_accepts_classifications_in_any_case(world: World) -> None:
    patches = {"windowsParameters": {"classificationsToInclude": ["critical", "UpdateRollUp"]}}
    assert put(world, body(installPatches=patches)).status == 200


def test_refuses_an_unknown_reboot_setting(world: World) -> None:
    assert "Sometimes" in refused(put(world, body(installPatches={"rebootSetting": "Sometimes"})))


def test_refuses_the_scope_resource_without_a_code(world: World) -> None:
    response = put(world, body(maintenanceScope="Resource"))
    assert response.status == 400
    assert set(response.body) == {"Message"}
    assert response.body["Message"].startswith("Given Maintenance Subscope is not supported")


@pytest.mark.parametrize("scope", [None, "Guest"])
def test_refuses_an_unknown_scope(world: World, scope: str | None) -> None:
    assert "maintenanceScope" in refused(put(world, body(maintenanceScope=scope)))


def test_refuses_an_unknown_visibility(world: World) -> None:
    assert "visibility" in refused(put(world, body(visibility="Hidden")))


def test_refuses_an_unknown_property(world: World) -> None:
    assert "rebootSettings" in refused(put(world, body(rebootSettings="Always")))


def test_refuses_a_missing_location(world: World) -> None:
    response = put(world, {"properties": BODY["properties"]})
    assert (response.status, response.body["error"]["code"]) == (400, "LocationRequired")


def test_refuses_a_region_that_is_none(world: World) -> None:
    response = put(world, {**BODY, "location": "atlantis"})
    assert response.status == 400
    assert response.body["error"]["code"] == "LocationNotAvailableForResourceType"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_refuses_a_change_of_location(world: World, method: str) -> None:
    put(world, BODY)
    response = ask(world, method, CONFIGURATION, {**BODY, "location": "westus2"}, version=VERSION)
    assert (response.status, response.body["error"]["code"]) == (409, "InvalidResourceLocation")


def test_refuses_a_name_of_128_characters(world: World) -> None:
    assert "128" in refused(put(world, BODY, f"{CONFIGURATIONS}/{'n' * 128}"))
    assert put(world, BODY, f"{CONFIGURATIONS}/{'n' * 127}").status == 200


def test_refuses_a_freed_name_for_twenty_minutes(world: World) -> None:
    put(world, BODY)
    ask(world, "DELETE", CONFIGURATION, version=VERSION)
    wait(world, 1190)
    response = put(world, BODY)
    assert (response.status, response.body["Error"]["Code"]) == (409, "Conflict")
    wait(world, 11)
    assert put(world, BODY).status == 200


def test_the_deletion_of_a_group_frees_no_name_either(world: World) -> None:
    put(world, BODY)
    finish(world, ask(world, "DELETE", GROUP))
    ask(world, "PUT", GROUP, {"location": "eastus"})
    assert put(world, BODY).status == 409


def test_refuses_a_subscription_that_is_not_registered(world: World) -> None:
    world.registrations.clear()
    response = put(world, BODY)
    assert response.status == 409
    assert response.body["error"]["code"] == "MissingSubscriptionRegistration"
    assert response.body["error"]["details"][0]["target"] == "Microsoft.Maintenance"


# -- assignments


@pytest.fixture
def vm(world: World) -> Resource:
    """A machine that is ready for schedules, and a configuration."""
    assert put(world, BODY).status == 200
    settings = {
        "patchMode": "AutomaticByPlatform",
        "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": True},
    }
    properties = {
        "provisioningState": "Succeeded",
        "storageProfile": {"osDisk": {"osType": "Linux"}},
        "osProfile": {"linuxConfiguration": {"patchSettings": settings}},
    }
    type = "Microsoft.Compute/virtualMachines"
    document = {"id": VM, "name": "Web1", "type": type, "location": "eastus"}
    return world.add(Resource(VM, type, {**document, "properties": properties}))


def assign(world: World, path: str = ASSIGNMENT, **changes: Any) -> Response:
    sent = {"location": "eastus", "properties": {"maintenanceConfigurationId": CONFIGURATION}}
    sent = {k: v for k, v in {**sent, **changes}.items() if v is not None}
    return ask(world, "PUT", path, sent, version=VERSION)


def test_an_assignment_comes_back_with_ids_in_lower_case(world: World, vm: Resource) -> None:
    response = assign(world)
    assert response.status == 200
    assert 5 <= response.seconds <= 20
    path = "/providers/Microsoft.Maintenance/configurationAssignments/Web1-nightly"
    assert response.body == {
        "location": "eastus",
        "properties": {
            "maintenanceConfigurationId": CONFIGURATION.lower(),
            "resourceId": VM.lower(),
        },
        "id": VM.lower() + path,
        "name": "Web1-nightly",
        "type": "Microsoft.Maintenance/configurationAssignments",
    }


def test_get_and_list_of_assignments_keep_the_callers_case_and_no_location(
    world: World, vm: Resource
) -> None:
    sent_back = assign(world).body
    shown = get(world, ASSIGNMENT).body
    assert shown["id"] == ASSIGNMENT
    assert "location" not in shown
    assert shown["properties"] == sent_back["properties"]
    assert get(world, ASSIGNMENTS).body == {"value": [shown]}


def test_a_machine_may_have_several_assignments(world: World, vm: Resource) -> None:
    put(world, BODY, f"{CONFIGURATIONS}/weekly")
    weekly = {"maintenanceConfigurationId": f"{CONFIGURATIONS}/weekly"}
    assign(world)
    assign(world, f"{ASSIGNMENTS}/weekly", properties=weekly)
    names = [item["name"] for item in get(world, ASSIGNMENTS).body["value"]]
    assert names == ["Web1-nightly", "weekly"]


def test_delete_of_an_assignment(world: World, vm: Resource) -> None:
    assign(world)
    deleted = ask(world, "DELETE", ASSIGNMENT, version=VERSION)
    assert (deleted.status, deleted.content) == (200, b"")
    assert get(world, ASSIGNMENTS).body == {"value": []}
    assert ask(world, "DELETE", ASSIGNMENT, version=VERSION).status == 204


def test_an_assignment_outlives_its_configuration(world: World, vm: Resource) -> None:
    assign(world)
    assert ask(world, "DELETE", CONFIGURATION, version=VERSION).status == 200
    assert get(world, ASSIGNMENT).status == 200


def test_assignments_are_not_among_the_resources_of_a_group(world: World, vm: Resource) -> None:
    assign(world)
    listed = ask(world, "GET", f"{GROUP}/resources").body["value"]
    assert CONFIGURATION in [item["id"] for item in listed]
    assert ASSIGNMENT not in [item["id"] for item in listed]


@pytest.mark.parametrize(("method", "path"), [("PUT", ASSIGNMENT), ("GET", ASSIGNMENTS)])
def test_refuses_assignments_of_a_machine_that_is_not_there(
    world: World, method: str, path: str
) -> None:
    put(world, BODY)
    response = ask(world, method, path, {"location": "eastus"}, version=VERSION)
    assert (response.status, response.headers["x-ms-failure-cause"]) == (404, "gateway")
    assert response.body["error"]["code"] == "ResourceNotFound"
    assert "'Microsoft.Compute/virtualMachines/Web1'" in response.body["error"]["message"]


def test_refuses_an_assignment_to_a_configuration_that_is_not_there(
    world: World, vm: Resource
) -> None:
    response = assign(world, properties={"maintenanceConfigurationId": f"{CONFIGURATION}x"})
    assert (response.status, response.body["Error"]["Code"]) == (404, "ResourceNotFound")


def test_refuses_an_assignment_to_something_else(world: World, vm: Resource) -> None:
    assert assign(world, properties={"maintenanceConfigurationId": VM}).status == 404


def test_refuses_an_assignment_without_a_configuration(world: World, vm: Resource) -> None:
    assert "maintenanceConfigurationId" in refused(assign(world, properties={}))


def test_refuses_an_assignment_without_a_location(world: World, vm: Resource) -> None:
    assert "location" in refused(assign(world, location=None))


@pytest.mark.parametrize("state", ["Creating", "Updating"])
def test_refuses_a_machine_that_is_not_ready_yet(world: World, vm: Resource, state: str) -> None:
    vm.properties["provisioningState"] = state
    assert (
        "It may take a few minutes after starting a VM for it to become available to assign "
        "to a configuration"
    ) in refused(assign(world))
    vm.properties["provisioningState"] = "Succeeded"
    assert assign(world).status == 200


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"patchMode": "ImageDefault"},
        {"patchMode": "AutomaticByPlatform"},
        {
            "patchMode": "AutomaticByPlatform",
            "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": False},
        },
    ],
)
def test_refuses_a_machine_that_azure_patches(
    world: World, vm: Resource, settings: dict[str, Any]
) -> None:
    vm.properties["osProfile"]["linuxConfiguration"]["patchSettings"] = settings
    assert "prerequisites" in refused(assign(world))
    assert get(world, ASSIGNMENTS).body == {"value": []}


def test_a_host_configuration_needs_no_customer_managed_machine(world: World, vm: Resource) -> None:
    vm.properties["osProfile"] = {}
    host = {"location": "eastus", "properties": {"maintenanceScope": "Host"}}
    put(world, host, f"{CONFIGURATIONS}/host")
    host_id = {"maintenanceConfigurationId": f"{CONFIGURATIONS}/host"}
    assert assign(world, properties=host_id).status == 200


def test_refuses_a_list_of_assignments_in_an_unknown_version(world: World, vm: Resource) -> None:
    response = ask(world, "GET", ASSIGNMENTS, version="1999-01-01")
    assert (response.status, response.body["error"]["code"]) == (404, "InvalidResourceType")


def test_a_dynamic_scope_is_stored_as_recorded(world: World) -> None:
    put(world, BODY)
    path = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance/configurationAssignments/all"
    properties = {"maintenanceConfigurationId": CONFIGURATION, "filter": {"osTypes": ["linux"]}}
    response = assign(world, path, location="global", properties=properties)
    assert response.status == 200
    assert response.body == {
        "location": "global",
        "properties": {
            "maintenanceConfigurationId": CONFIGURATION,
            "resourceId": SUBSCRIPTION,
            "filter": {
                "tagSettings": None,
                "resourceTypes": None,
                "locations": None,
                "resourceGroups": None,
                "osTypes": ["linux"],
            },
        },
        "id": f"{SUBSCRIPTION}/providers/microsoft.maintenance/configurationassignments/all",
        "name": "all",
        "type": "microsoft.maintenance/configurationassignments",
    }
    assert get(world, path).body == response.body
    assert ask(world, "DELETE", path, version=VERSION).status == 200
