"""Virtual machines as Azure makes, shows, assesses and refuses them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import models as compute
from azure.mgmt.compute.aio import ComputeManagementClient
from azure.mgmt.network import models as network
from azure.mgmt.network.aio import NetworkManagementClient

from arm_sandbox import clock
from arm_sandbox.providers.virtual_machines import may_be_scheduled
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import (
    GROUP,
    SUBSCRIPTION,
    ask,
    finish,
    send,
    signed_in,
    transport_to,
    wait,
)

API = "2026-04-01"
COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
MACHINE = f"{COMPUTE}/virtualMachines/vm1"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
VNET = f"{NETWORK}/virtualNetworks/vnet1"
NIC = f"{NETWORK}/networkInterfaces/nic1"
PASSWORD = "Correct-Horse-9"
PLATFORM = {
    "patchMode": "AutomaticByPlatform",
    "assessmentMode": "AutomaticByPlatform",
    "automaticByPlatformSettings": {
        "bypassPlatformSafetyChecksOnUserSchedule": True,
        "rebootSetting": "IfRequired",
    },
}

Body = dict[str, Any]


@pytest.fixture
def site(world: World) -> World:
    """The world with a network whose subnet leads out, and an interface."""
    make_interface(world, outbound=True)
    return world


def make_interface(world: World, *, outbound: bool, name: str = "nic1") -> None:
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    subnet = {"addressPrefix": "10.0.0.0/24", "defaultOutboundAccess": outbound}
    subnets = [{"name": "default", "properties": subnet}]
    body: Body = {
        "location": "eastus",
        "properties": {"addressSpace": space, "subnets": subnets},
    }
    finish(world, ask(world, "PUT", VNET, body, version="2026-03-01"))
    inside = {"subnet": {"id": f"{VNET}/subnets/default"}}
    configurations = [{"name": "ipconfig1", "properties": inside}]
    body = {"location": "eastus", "properties": {"ipConfigurations": configurations}}
    id = f"{NETWORK}/networkInterfaces/{name}"
    finish(world, ask(world, "PUT", id, body, version="2026-03-01"))


def windows(**settings: Any) -> Body:
    return {
        "location": "eastus",
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B2s"},
            "storageProfile": {
                "imageReference": {
                    "publisher": "MicrosoftWindowsServer",
                    "offer": "WindowsServer",
                    "sku": "2022-datacenter-g2",
                    "version": "latest",
                },
                "osDisk": {"createOption": "FromImage"},
            },
            "osProfile": {
                "computerName": "vm1",
                "adminUsername": "patcher",
                "adminPassword": PASSWORD,
                "windowsConfiguration": {**({"patchSettings": settings} if settings else {})},
            },
            "networkProfile": {"networkInterfaces": [{"id": NIC}]},
        },
    }


def linux(**settings: Any) -> Body:
    body = windows()
    key = {"path": "/home/patcher/.ssh/authorized_keys", "keyData": "ssh-ed25519 AAAA x"}
    body["properties"]["storageProfile"]["imageReference"] = {
        "publisher": "Canonical",
        "offer": "ubuntu-24_04-lts",
        "sku": "server",
        "version": "latest",
    }
    body["properties"]["osProfile"] = {
        "adminUsername": "patcher",
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "ssh": {"publicKeys": [key]},
            **({"patchSettings": settings} if settings else {}),
        },
    }
    return body


def managed(body: Body) -> bool:
    return may_be_scheduled(Resource("", "", body))


def changed(body: Body, path: str, value: Any) -> Body:
    """A copy of a body with another value at a dotted path, or without it."""
    body = copy.deepcopy(body)
    *parents, last = path.split(".")
    place = body["properties"]
    for name in parents:
        place = place.setdefault(name, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


def put(world: World, body: Body, id: str = MACHINE) -> Response:
    return ask(world, "PUT", id, body, version=API)


def get(world: World, id: str = MACHINE, query: str = "") -> Any:
    response = ask(world, "GET", id, version=API, query=query)
    assert response.status == 200, response.body
    return response.body


def make(world: World, body: Body) -> Any:
    response = put(world, body)
    assert response.status == 201, response.body
    assert finish(world, response).body["status"] == "Succeeded"
    return get(world)


def post(world: World, action: str) -> Response:
    return ask(world, "POST", f"{MACHINE}/{action}", version=API)


def done(world: World, response: Response) -> Any:
    assert response.status in (200, 201, 202), response.body
    return finish(world, response).body


def refused(response: Response, status: int, code: str) -> Any:
    assert (response.status, response.body["error"]["code"]) == (status, code), response.body
    return response.body["error"]


def codes(world: World) -> list[str]:
    view = get(world, f"{MACHINE}/instanceView")
    return [status["code"] for status in view["statuses"]]


# -- creation


def test_a_machine_is_made_by_an_operation_without_retry_after(site: World) -> None:
    response = put(site, windows())
    assert response.status == 201
    assert response.body["properties"]["provisioningState"] == "Creating"
    assert "Location" not in response.headers
    assert "Retry-After" not in response.headers
    assert response.headers["x-ms-request-id"] in response.headers["Azure-AsyncOperation"]
    began = site.now
    last = finish(site, response)
    assert last.body["status"] == "Succeeded"
    assert last.body["name"] == response.headers["x-ms-request-id"]
    assert 35 <= site.now - began <= 120
    assert get(site)["properties"]["provisioningState"] == "Succeeded"


def test_what_the_service_adds(site: World) -> None:
    body = make(site, windows())
    properties = body["properties"]
    assert body["etag"] == '"1"'
    assert properties["vmId"]
    assert properties["timeCreated"].startswith("2026-11-23T12:0")
    assert properties["storageProfile"]["imageReference"]["exactVersion"].startswith("20348.")
    disk = properties["storageProfile"]["osDisk"]
    assert disk["name"].startswith("vm1_OsDisk_1_")
    assert disk["managedDisk"] == {
        "storageAccountType": "Premium_LRS",
        "id": f"{COMPUTE}/disks/{disk['name']}",
    }
    assert (disk["osType"], disk["diskSizeGB"], disk["deleteOption"]) == ("Windows", 127, "Detach")
    assert properties["storageProfile"]["dataDisks"] == []
    assert properties["osProfile"]["requireGuestProvisionSignal"] is True


def test_secrets_are_neither_shown_nor_kept(site: World) -> None:
    body = changed(windows(), "osProfile.customData", "aGVsbG8gd29ybGQ=")
    response = put(site, body)
    assert "adminPassword" not in response.body["properties"]["osProfile"]
    finish(site, response)
    kept = site.saved()
    assert PASSWORD not in kept
    assert "aGVsbG8gd29ybGQ=" not in kept


def test_the_disk_and_the_interface_belong_to_the_machine(site: World) -> None:
    body = make(site, {**windows(), "tags": {"env": "dev"}})
    id = body["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    disk = ask(site, "GET", id, version="2026-03-02").body
    assert disk["managedBy"] == MACHINE
    assert disk["properties"]["diskState"] == "Attached"
    assert "tags" not in disk
    nic = ask(site, "GET", NIC, version="2026-03-01").body["properties"]
    assert nic["virtualMachine"] == {"id": MACHINE}
    assert nic["primary"] is True
    assert nic["macAddress"].startswith("00-0D-3A-")


HOTPATCHING = {"patchMode": "AutomaticByPlatform", "enableHotpatching": True}
BY_PLATFORM = {"patchMode": "AutomaticByPlatform"}
NO_BYPASS = {"bypassPlatformSafetyChecksOnUserSchedule": False}
IMAGE_DEFAULT = {"assessmentMode": "ImageDefault"}


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        (windows(), {"patchMode": "AutomaticByOS", **IMAGE_DEFAULT}),
        (
            windows(**HOTPATCHING),
            {**HOTPATCHING, **IMAGE_DEFAULT, "automaticByPlatformSettings": NO_BYPASS},
        ),
        (windows(**PLATFORM), PLATFORM),
        (linux(), {"patchMode": "ImageDefault", **IMAGE_DEFAULT}),
        (linux(**BY_PLATFORM), {**BY_PLATFORM, **IMAGE_DEFAULT}),
    ],
)
def test_patch_settings_get_their_defaults(site: World, body: Body, returned: Body) -> None:
    profile = make(site, body)["properties"]["osProfile"]
    name = "windowsConfiguration" if "windowsConfiguration" in profile else "linuxConfiguration"
    assert profile[name]["patchSettings"] == returned
    assert profile[name]["provisionVMAgent"] is True


def test_updates_turned_off_mean_manual_patching(site: World) -> None:
    body = changed(windows(), "osProfile.windowsConfiguration.enableAutomaticUpdates", False)
    profile = make(site, body)["properties"]["osProfile"]
    assert profile["windowsConfiguration"]["patchSettings"]["patchMode"] == "Manual"


def test_a_machine_for_schedules(site: World) -> None:
    assert managed(make(site, windows(**PLATFORM)))
    assert not managed(windows())
    assert not managed(windows(patchMode="AutomaticByPlatform"))
    assert managed(linux(**PLATFORM))


def test_what_a_template_leaves_empty_is_left_out(site: World) -> None:
    """As `az vm create` sends it: nulls, and the option in another case (recorded)."""
    body = windows()
    body["properties"]["networkProfile"]["networkInterfaces"][0]["properties"] = {
        "deleteOption": None
    }
    body["properties"]["storageProfile"]["osDisk"] = {
        "createOption": "fromImage",
        "name": None,
        "managedDisk": {"storageAccountType": "Premium_LRS"},
    }
    shown = make(site, body)["properties"]
    assert shown["networkProfile"]["networkInterfaces"] == [{"id": NIC}]
    disk = shown["storageProfile"]["osDisk"]
    assert disk["createOption"] == "FromImage"
    assert disk["name"].startswith("vm1_OsDisk_1_")


@pytest.mark.parametrize(
    ("offer", "sku"),
    [("WindowsServer", "2016-Datacenter"), ("WindowsServer", "2022-datacenter-azure-edition-core")],
)
def test_older_images_can_be_had(site: World, offer: str, sku: str) -> None:
    reference = {
        "publisher": "MicrosoftWindowsServer",
        "offer": offer,
        "sku": sku,
        "version": "latest",
    }
    body = changed(windows(), "storageProfile.imageReference", reference)
    assert make(site, body)["properties"]["storageProfile"]["imageReference"]["sku"] == sku


def test_if_none_match_guards_a_standing_machine(site: World) -> None:
    make(site, windows())
    path = f"https://management.azure.com{MACHINE}?api-version={API}"
    headers = {**signed_in(site), "If-None-Match": "*"}
    request = Request.parse("PUT", path, headers, json.dumps(windows()).encode())
    refused(send(site, request), 412, "PreconditionFailed")


# -- change


def test_a_patch_answers_200_with_an_operation(site: World) -> None:
    make(site, windows(patchMode="AutomaticByPlatform"))
    settings = {"windowsConfiguration": {"patchSettings": PLATFORM}}
    body = {"location": "eastus", "properties": {"osProfile": settings}}
    response = ask(site, "PATCH", MACHINE, body, version=API)
    assert response.status == 200
    assert "Azure-AsyncOperation" in response.headers
    assert response.body["properties"]["provisioningState"] == "Updating"
    done(site, response)
    after = get(site)
    assert after["properties"]["provisioningState"] == "Succeeded"
    assert after["etag"] == '"2"'
    assert managed(after)
    assert after["properties"]["osProfile"]["adminUsername"] == "patcher"


def test_what_was_got_can_be_put_back(site: World) -> None:
    before = make(site, windows(**PLATFORM))
    response = put(site, before)
    assert response.status == 200, response.body
    done(site, response)
    after = get(site)
    assert after["properties"] == before["properties"]


def test_leaving_the_platform_mode_drops_its_settings(site: World) -> None:
    make(site, windows(**PLATFORM))
    settings = {"windowsConfiguration": {"patchSettings": {"patchMode": "AutomaticByOS"}}}
    response = ask(site, "PATCH", MACHINE, {"properties": {"osProfile": settings}}, version=API)
    done(site, response)
    after = get(site)["properties"]["osProfile"]["windowsConfiguration"]["patchSettings"]
    assert after["patchMode"] == "AutomaticByOS"
    assert "automaticByPlatformSettings" not in after


@pytest.mark.parametrize(
    ("path", "value", "target"),
    [
        (
            "osProfile.windowsConfiguration.enableAutomaticUpdates",
            False,
            "windowsConfiguration.enableAutomaticUpdates",
        ),
        ("osProfile.adminUsername", "someoneelse", "osProfile.adminUsername"),
        ("osProfile.computerName", "vm2", "osProfile.computerName"),
        ("storageProfile.imageReference.sku", "2025-datacenter-g2", "imageReference"),
        ("storageProfile.osDisk.name", "other", "osDisk.name"),
    ],
)
def test_what_cannot_be_changed(site: World, path: str, value: Any, target: str) -> None:
    make(site, windows())
    error = refused(put(site, changed(windows(), path, value)), 409, "PropertyChangeNotAllowed")
    assert error["target"] == target
    assert error["message"] == f"Changing property '{target}' is not allowed."


def test_a_machine_is_not_changed_while_it_is_made(site: World) -> None:
    put(site, windows())
    response = ask(site, "PATCH", MACHINE, {"tags": {"a": "b"}}, version=API)
    refused(response, 409, "Conflict")


# -- refusals of a new machine


WINDOWS = "osProfile.windowsConfiguration"
SETTINGS = f"{WINDOWS}.patchSettings"
PREMIUM = "osDisk.managedDisk.storageAccountType"


@pytest.mark.parametrize(
    ("path", "value", "target"),
    [
        ("hardwareProfile.vmSize", "Standard_Z9", "vmSize"),
        ("osProfile", None, "osProfile"),
        ("networkProfile", None, "networkProfile"),
        ("storageProfile.osDisk.createOption", None, "osDisk.createOption"),
        ("osProfile.adminUsername", "administrator", "adminUsername"),
        ("osProfile.adminUsername", "Admin", "adminUsername"),
        ("osProfile.adminUsername", "twenty-one-characters", "adminUsername"),
        ("osProfile.adminUsername", None, "adminUsername"),
        ("osProfile.adminPassword", None, "adminPassword"),
        ("osProfile.adminPassword", "onlylowercase", "adminPassword"),
        ("osProfile.adminPassword", "Sh0rt-1", "adminPassword"),
        ("osProfile.adminPassword", "P@ssw0rd", "adminPassword"),
        ("osProfile.adminPassword", "Aa1" + "x" * 121, "adminPassword"),
        ("osProfile.computerName", "sixteen-letters-", "computerName"),
        ("osProfile.computerName", "12345", "computerName"),
        ("osProfile.computerName", "under_score", "computerName"),
        ("osProfile.linuxConfiguration", {"provisionVMAgent": True}, "linuxConfiguration"),
        (SETTINGS, {"patchMode": "ImageDefault"}, "windowsConfiguration.patchSettings.patchMode"),
        (
            WINDOWS,
            {"enableAutomaticUpdates": False, "patchSettings": BY_PLATFORM},
            "windowsConfiguration.patchSettings.patchMode",
        ),
        (
            WINDOWS,
            {"provisionVMAgent": False, "patchSettings": BY_PLATFORM},
            "windowsConfiguration.patchSettings.patchMode",
        ),
        (
            WINDOWS,
            {"enableAutomaticUpdates": False, "patchSettings": {"patchMode": "AutomaticByOS"}},
            "windowsConfiguration.patchSettings.patchMode",
        ),
        (SETTINGS, {"patchMode": "Manual"}, "windowsConfiguration.patchSettings.patchMode"),
        (
            SETTINGS,
            {"assessmentMode": "Sometimes"},
            "windowsConfiguration.patchSettings.assessmentMode",
        ),
        (
            SETTINGS,
            {**PLATFORM, "patchMode": "AutomaticByOS"},
            "windowsConfiguration.patchSettings.automaticByPlatformSettings",
        ),
    ],
)
def test_a_wrong_parameter(site: World, path: str, value: Any, target: str) -> None:
    response = put(site, changed(windows(), path, value))
    assert refused(response, 400, "InvalidParameter")["target"] == target
    assert ask(site, "GET", MACHINE, version=API).status == 404


LINUX = "osProfile.linuxConfiguration"


@pytest.mark.parametrize(
    ("path", "value", "target"),
    [
        (f"{LINUX}.ssh", None, "linuxConfiguration"),
        (LINUX, None, "adminPassword"),
        (
            f"{LINUX}.ssh.publicKeys",
            [{"path": "/root/.ssh/authorized_keys", "keyData": "ssh-rsa A"}],
            "linuxConfiguration.ssh.publicKeys.path",
        ),
        (
            f"{LINUX}.ssh.publicKeys",
            [{"path": "/home/patcher/.ssh/authorized_keys", "keyData": "a key"}],
            "linuxConfiguration.ssh.publicKeys.keyData",
        ),
        (
            f"{LINUX}.patchSettings",
            {"patchMode": "AutomaticByOS"},
            "linuxConfiguration.patchSettings.patchMode",
        ),
        (
            f"{LINUX}.patchSettings",
            {"automaticByPlatformSettings": {"rebootSetting": "Never"}},
            "linuxConfiguration.patchSettings.automaticByPlatformSettings",
        ),
        ("osProfile.windowsConfiguration", {"provisionVMAgent": True}, "windowsConfiguration"),
    ],
)
def test_a_wrong_parameter_of_linux(site: World, path: str, value: Any, target: str) -> None:
    response = put(site, changed(linux(), path, value))
    assert refused(response, 400, "InvalidParameter")["target"] == target


def test_hotpatching_needs_the_safety_checks(site: World) -> None:
    error = refused(put(site, windows(**PLATFORM, enableHotpatching=True)), 400, "InvalidParameter")
    assert error["message"].startswith("Hotpatch updates require platform safety checks.")


def test_a_size_that_the_subscription_may_not_have(world: World) -> None:
    body = {**windows(), "location": "westus3"}
    error = refused(put(world, body), 409, "SkuNotAvailable")
    assert "is currently not available in location 'westus3'" in error["message"]


def test_a_size_that_the_region_does_not_have(world: World) -> None:
    error = refused(put(world, {**windows(), "location": "swedencentral"}), 400, "InvalidParameter")
    assert "The value Standard_B2s provided for the VM size is not valid." in error["message"]


@pytest.mark.parametrize("name", ["publisher", "offer", "sku", "version"])
def test_an_image_that_is_not_there(site: World, name: str) -> None:
    response = put(site, changed(windows(), f"storageProfile.imageReference.{name}", "other"))
    assert "is not available" in refused(response, 404, "PlatformImageNotFound")["message"]


TRUSTED = {"securityType": "TrustedLaunch"}


def test_trusted_launch_needs_an_image_of_the_second_generation(site: World) -> None:
    body = changed(windows(), "storageProfile.imageReference.sku", "2022-datacenter")
    assert put(site, body).status == 201
    wait(site, 200)
    body = changed(body, "securityProfile", TRUSTED)
    response = put(site, body, f"{COMPUTE}/virtualMachines/vm2")
    assert "Use of TrustedLaunch" in refused(response, 400, "BadRequest")["message"]


def test_trusted_launch_needs_a_size_that_has_it(site: World) -> None:
    body = changed(windows(), "hardwareProfile.vmSize", "Standard_A2_v2")
    response = put(site, changed(body, "securityProfile", TRUSTED))
    assert "'TrustedLaunch' security type" in refused(response, 400, "BadRequest")["message"]


def test_size_and_image_are_of_one_generation(site: World) -> None:
    response = put(site, changed(windows(), "hardwareProfile.vmSize", "Standard_A2_v2"))
    message = refused(response, 400, "BadRequest")["message"]
    assert "cannot boot Hypervisor Generation '2'" in message


def test_a_premium_disk_needs_a_size_for_it(site: World) -> None:
    body = changed(windows(), "hardwareProfile.vmSize", "Standard_A2_v2")
    body = changed(body, "storageProfile.imageReference.sku", "2022-datacenter")
    body = changed(body, "storageProfile.osDisk.managedDisk", {"storageAccountType": "Premium_LRS"})
    assert refused(put(site, body), 400, "InvalidParameter")["target"] == PREMIUM


def test_an_interface_that_is_not_there(world: World) -> None:
    error = refused(put(world, windows()), 404, "NotFound")
    assert error["message"] == f"Resource {NIC} not found."


def test_an_interface_has_one_machine(site: World) -> None:
    put(site, windows())
    response = put(site, windows(), f"{COMPUTE}/virtualMachines/vm2")
    assert MACHINE in refused(response, 400, "NicInUse")["message"]


def test_one_of_two_interfaces_is_primary(site: World) -> None:
    make_interface(site, outbound=True, name="nic2")
    both = [{"id": NIC}, {"id": NIC.replace("nic1", "nic2")}]
    response = put(site, changed(windows(), "networkProfile.networkInterfaces", both))
    refused(response, 400, "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary")


def test_a_misspelt_property_is_named(site: World) -> None:
    response = put(site, changed(windows(), f"{SETTINGS}.patchmodus", "Manual"))
    message = refused(response, 400, "InvalidRequestContent")["message"]
    assert f"properties.{SETTINGS}.patchmodus" in message


# -- the instance view


def test_the_agent_reports_some_time_after_creation(site: World) -> None:
    make(site, windows())
    view = get(site, query="&$expand=instanceView")["properties"]["instanceView"]
    assert view["vmAgent"]["vmAgentVersion"] == "Unknown"
    assert view["vmAgent"]["statuses"][0]["code"] == "ProvisioningState/Unavailable"
    assert "patchStatus" not in view
    wait(site, 60)
    view = get(site, f"{MACHINE}/instanceView")
    assert view["vmAgent"]["statuses"][0]["displayStatus"] == "Ready"
    assert view["computerName"] == "vm1"
    assert codes(site) == ["ProvisioningState/succeeded", "PowerState/running"]
    assert "instanceView" not in get(site)["properties"]


def test_the_view_of_no_machine(world: World) -> None:
    response = ask(world, "GET", f"{MACHINE}/instanceView", version=API)
    refused(response, 404, "ResourceNotFound")


@pytest.mark.parametrize(
    ("action", "during", "after"),
    [
        ("powerOff", "stopping", "stopped"),
        ("deallocate", "deallocating", "deallocated"),
        ("restart", "running", "running"),
    ],
)
def test_power(site: World, action: str, during: str, after: str) -> None:
    make(site, windows())
    response = post(site, action)
    assert (response.status, response.content) == (202, b"")
    assert "Retry-After" not in response.headers
    assert response.headers["Location"].endswith("&monitor=true")
    assert codes(site) == ["ProvisioningState/updating", f"PowerState/{during}"]
    refused(post(site, "start"), 409, "Conflict")
    assert done(site, response)["status"] == "Succeeded"
    assert codes(site) == ["ProvisioningState/succeeded", f"PowerState/{after}"]
    done(site, post(site, "start"))
    assert codes(site)[1] == "PowerState/running"


def test_an_action_is_a_post(site: World) -> None:
    make(site, windows())
    assert ask(site, "GET", f"{MACHINE}/powerOff", version=API).status == 404
    assert codes(site)[1] == "PowerState/running"


# -- assessment


def assess(world: World) -> Response:
    response = post(world, "assessPatches")
    assert (response.status, response.content) == (202, b"")
    return response


@pytest.mark.parametrize("body", [windows(), linux()])
def test_an_assessment_finds_updates(site: World, body: Body) -> None:
    make(site, body)
    wait(site, 60)
    response = assess(site)
    began = site.now
    final = done(site, response)
    assert 60 <= site.now - began <= 245
    output = final["properties"]["output"]
    assert final["status"] == output["status"] == "Succeeded"
    assert output["assessmentActivityId"] == response.headers["x-ms-request-id"] == final["name"]
    patches = output["availablePatches"]
    assert len(patches) >= 2
    found = output["criticalAndSecurityPatchCount"] + output["otherPatchCount"]
    assert found == len(patches)
    assert output["error"]["code"] == "Success"
    location = response.headers["Location"].removeprefix("https://management.azure.com")
    path, _, query = location.partition("?")
    plain = ask(site, "GET", path, query="&" + query)
    assert plain.body == output


def test_updates_are_named_as_azure_names_them(site: World) -> None:
    make(site, windows())
    patches = done(site, assess(site))["properties"]["output"]["availablePatches"]
    assert 2 <= len(patches) <= 8
    assert patches[0]["name"].startswith("2026-11 Cumulative Update for Microsoft server operating")
    assert f"(KB{patches[0]['kbId']})" in patches[0]["name"]
    assert patches[0]["classifications"] == ["Security"]
    assert patches[0]["publishedDate"].startswith("2026-11-10")


def test_an_assessment_shows_in_the_instance_view(site: World) -> None:
    make(site, windows())
    output = done(site, assess(site))["properties"]["output"]
    status = get(site, f"{MACHINE}/instanceView")["patchStatus"]
    summary = status["availablePatchSummary"]
    assert summary["assessmentActivityId"] == output["assessmentActivityId"]
    assert summary["otherPatchCount"] == output["otherPatchCount"]
    assert summary["lastModifiedTime"] > summary["startTime"]
    assert status["configurationStatuses"][0]["code"] == "PatchModeConfigurationState/Ready"


@pytest.mark.parametrize(
    ("body", "name"), [(windows(), "WindowsPatchExtension"), (linux(), "LinuxPatchExtension")]
)
def test_an_assessment_brings_its_extension(site: World, body: Body, name: str) -> None:
    make(site, body)
    assert get(site, f"{MACHINE}/extensions")["value"] == []
    done(site, assess(site))
    extension = get(site, f"{MACHINE}/extensions/{name}")
    assert extension["properties"]["publisher"] == "Microsoft.CPlat.Core"
    assert [child["name"] for child in get(site)["resources"]] == [name]
    done(site, ask(site, "DELETE", MACHINE, version=API))
    assert ask(site, "GET", f"{MACHINE}/extensions/{name}", version=API).status == 404


def test_two_assessments_find_the_same(site: World) -> None:
    make(site, windows())
    first = done(site, assess(site))["properties"]["output"]["availablePatches"]
    second = done(site, assess(site))["properties"]["output"]["availablePatches"]
    assert [patch["patchId"] for patch in first] == [patch["patchId"] for patch in second]


def test_one_assessment_at_a_time(site: World) -> None:
    make(site, windows())
    assess(site)
    refused(post(site, "assessPatches"), 409, "Conflict")


def test_a_stopped_machine_is_not_assessed(site: World) -> None:
    make(site, windows())
    done(site, post(site, "powerOff"))
    refused(post(site, "assessPatches"), 409, "OperationNotAllowed")


def test_a_machine_without_an_agent_is_not_assessed(site: World) -> None:
    make(site, changed(linux(), f"{LINUX}.provisionVMAgent", False))
    error = refused(post(site, "assessPatches"), 409, "OperationNotAllowed")
    assert "VM Agent" in error["message"]


def test_a_machine_that_stops_loses_its_assessment(site: World) -> None:
    make(site, windows())
    response = assess(site)
    post(site, "powerOff")
    final = done(site, response)
    assert final["status"] == "Failed"
    assert final["error"]["code"] == "VMAgentStatusCommunicationError"
    assert "patchStatus" not in get(site, f"{MACHINE}/instanceView")


@pytest.mark.parametrize("body", [windows(), linux()])
def test_without_a_way_out_the_operation_succeeds_and_the_assessment_fails(
    world: World, body: Body
) -> None:
    make_interface(world, outbound=False)
    make(world, body)
    final = done(world, assess(world))
    assert final["status"] == "Succeeded"
    output = final["properties"]["output"]
    assert output["status"] == "Failed"
    assert output["availablePatches"] == []
    assert output["error"]["details"]
    summary = get(world, f"{MACHINE}/instanceView")["patchStatus"]["availablePatchSummary"]
    assert summary["status"] == "Failed"


def test_the_seed_decides(site: World) -> None:
    def found(seed: str) -> list[str]:
        world = World.from_json(json.loads(site.saved()))
        world.seed = seed
        make(world, linux())
        patches = done(world, assess(world))["properties"]["output"]["availablePatches"]
        return [patch["patchId"] for patch in patches]

    assert found("a") == found("a") != found("b")


# -- deletion


def test_a_deletion_leaves_disk_and_interface(site: World) -> None:
    disk = make(site, windows())["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    refused(ask(site, "DELETE", NIC, version="2026-03-01"), 400, "NicInUse")
    error = refused(ask(site, "DELETE", disk, version="2026-03-02"), 409, "OperationNotAllowed")
    assert error["message"].endswith(f"is attached to VM {MACHINE}.")
    response = ask(site, "DELETE", MACHINE, version=API)
    assert response.status == 202
    assert "Location" in response.headers
    done(site, response)
    assert ask(site, "GET", MACHINE, version=API).status == 404
    left = ask(site, "GET", disk, version="2026-03-02").body
    assert "managedBy" not in left
    assert left["properties"]["diskState"] == "Unattached"
    nic = ask(site, "GET", NIC, version="2026-03-01").body["properties"]
    assert "virtualMachine" not in nic
    assert done(site, ask(site, "DELETE", disk, version="2026-03-02"))["status"] == "Succeeded"
    done(site, ask(site, "DELETE", NIC, version="2026-03-01"))


def test_a_deletion_takes_along_what_it_was_told_to(site: World) -> None:
    body = changed(windows(), "storageProfile.osDisk.deleteOption", "Delete")
    nic = {"id": NIC, "properties": {"primary": True, "deleteOption": "Delete"}}
    body = changed(body, "networkProfile.networkInterfaces", [nic])
    disk = make(site, body)["properties"]["storageProfile"]["osDisk"]["managedDisk"]["id"]
    done(site, ask(site, "DELETE", MACHINE, version=API))
    assert ask(site, "GET", disk, version="2026-03-02").status == 404
    assert ask(site, "GET", NIC, version="2026-03-01").status == 404


def test_a_disk_that_was_left_is_in_the_way(site: World) -> None:
    body = changed(windows(), "storageProfile.osDisk.name", "os")
    make(site, body)
    done(site, ask(site, "DELETE", MACHINE, version=API))
    error = refused(put(site, body), 409, "ConflictingUserInput")
    assert "Only CreateOption.Attach is supported." in error["message"]


def test_a_group_goes_with_its_machines(site: World) -> None:
    make(site, windows())
    done(site, ask(site, "DELETE", GROUP))
    assert not list(site.below(GROUP))


# -- extensions


SCRIPT = {
    "location": "eastus",
    "properties": {
        "publisher": "Microsoft.Compute",
        "type": "CustomScriptExtension",
        "typeHandlerVersion": "1.10",
        "protectedSettings": {"key": "sesame"},
    },
}


def test_an_extension_by_hand(site: World) -> None:
    make(site, windows())
    id = f"{MACHINE}/extensions/script"
    response = put(site, SCRIPT, id)
    assert response.status == 201
    done(site, response)
    assert get(site, id)["properties"]["provisioningState"] == "Succeeded"
    assert "sesame" not in site.saved()


def test_an_extension_needs_its_machine(site: World) -> None:
    id = f"{MACHINE}/extensions/script"
    refused(put(site, SCRIPT, id), 404, "ParentResourceNotFound")


def test_an_extension_needs_a_running_machine(site: World) -> None:
    make(site, windows())
    done(site, post(site, "deallocate"))
    refused(put(site, SCRIPT, f"{MACHINE}/extensions/script"), 409, "OperationNotAllowed")


def test_the_patch_extension_is_not_installed_by_hand(site: World) -> None:
    make(site, windows())
    body = copy.deepcopy(SCRIPT)
    body["properties"] = {"publisher": "Microsoft.CPlat.Core", "type": "WindowsPatchExtension"}
    refused(put(site, body, f"{MACHINE}/extensions/x"), 400, "InvalidParameter")


# -- what is offered


def skus(world: World, location: str) -> dict[str, Any]:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Compute/skus"
    query = f"&$filter=location eq '{location}'"
    response = ask(world, "GET", path, version="2021-07-01", query=query)
    assert response.status == 200
    return {sku["name"]: sku for sku in response.body["value"]}


def test_sizes_of_a_region(world: World) -> None:
    found = skus(world, "eastus")
    assert len(found) >= 12
    capabilities = {c["name"]: c["value"] for c in found["Standard_B2s"]["capabilities"]}
    assert capabilities["vCPUs"] == "2"
    assert capabilities["HyperVGenerations"] == "V1,V2"
    assert found["Standard_B2s"]["restrictions"] == []
    assert "Standard_B2s" not in skus(world, "swedencentral")
    restriction = skus(world, "westus3")["Standard_B2s"]["restrictions"][0]
    assert restriction["reasonCode"] == "NotAvailableForSubscription"
    assert skus(world, "atlantis") == {}


def test_a_filter_that_azure_does_not_know(world: World) -> None:
    path = f"{SUBSCRIPTION}/providers/Microsoft.Compute/skus"
    response = ask(world, "GET", path, version="2021-07-01", query="&$filter=name eq 'x'")
    refused(response, 400, "InvalidFilterInQueryString")


PLACE = f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/eastus"
SERVERS = f"{PLACE}/publishers/MicrosoftWindowsServer/artifacttypes/vmimage/offers/WindowsServer"


def test_versions_of_an_image(world: World) -> None:
    path = f"{SERVERS}/skus/2022-datacenter-g2/versions"
    listed = ask(world, "GET", path, version=API, query="&$top=1&$orderby=name desc").body
    assert len(listed) == 1
    shown = ask(world, "GET", f"{path}/{listed[0]['name']}", version=API).body
    assert shown["properties"]["hyperVGeneration"] == "V2"
    assert shown["properties"]["osDiskImage"]["operatingSystem"] == "Windows"
    assert shown["id"] == listed[0]["id"]


@pytest.mark.parametrize("path", ["other/versions", "2022-datacenter-g2/versions/1.0.0"])
def test_an_image_that_is_not_offered(world: World, path: str) -> None:
    response = ask(world, "GET", f"{SERVERS}/skus/{path}", version=API)
    refused(response, 404, "NotFound")


def test_sizes_in_the_older_list(world: World) -> None:
    found = ask(world, "GET", f"{PLACE}/vmSizes", version=API).body["value"]
    assert {"Standard_B2s", "Standard_D2s_v5"} <= {size["name"] for size in found}


# -- through Azure's own clients


async def _life_of_a_machine(world: World) -> list[Any]:
    """Make, assess and delete a machine as the SDK does; what was seen on the way."""
    transport, credential = transport_to(world), SandboxCredential(world)
    subscription = next(iter(world.subscriptions))
    networks = NetworkManagementClient(credential, subscription, transport=transport)
    machines = ComputeManagementClient(credential, subscription, transport=transport)
    seen: list[Any] = []
    group = await (
        await networks.network_security_groups.begin_create_or_update(
            "rg-test", "nsg1", network.NetworkSecurityGroup(location="eastus")
        )
    ).result()
    made = await (
        await networks.virtual_networks.begin_create_or_update(
            "rg-test", "vnet1", _network(group.id)
        )
    ).result()
    assert made.properties
    assert made.properties.subnets
    seen.append(made.properties.provisioning_state)
    nic = await (
        await networks.network_interfaces.begin_create_or_update(
            "rg-test", "nic1", _interface(made.properties.subnets[0].id)
        )
    ).result()
    seen.append(nic.properties and nic.properties.provisioning_state)
    machine = await (
        await machines.virtual_machines.begin_create_or_update("rg-test", "vm1", _machine(nic.id))
    ).result()
    seen.append(machine.properties and machine.properties.provisioning_state)
    with pytest.raises(HttpResponseError) as refusal:
        await machines.virtual_machines.begin_create_or_update(
            "rg-test", "vm1", _machine(nic.id), etag="*", match_condition=MatchConditions.IfMissing
        )
    seen.append(refusal.value.status_code)
    result = await (await machines.virtual_machines.begin_assess_patches("rg-test", "vm1")).result()
    assert result.available_patches
    seen.append(result.status)
    view = await machines.virtual_machines.instance_view("rg-test", "vm1")
    assert view.patch_status
    assert view.patch_status.available_patch_summary
    seen.append(view.patch_status.available_patch_summary.status)
    await (await machines.virtual_machines.begin_delete("rg-test", "vm1")).result()
    seen.extend([nic.name or "" async for nic in networks.network_interfaces.list("rg-test")])
    return seen


def _network(group: str | None) -> network.VirtualNetwork:
    subnet = network.SubnetPropertiesFormat(
        address_prefix="10.0.0.0/24",
        default_outbound_access=True,
        network_security_group=network.NetworkSecurityGroup(id=group),
    )
    properties = network.VirtualNetworkPropertiesFormat(
        address_space=network.AddressSpace(address_prefixes=["10.0.0.0/16"]),
        subnets=[network.Subnet(name="default", properties=subnet)],
    )
    return network.VirtualNetwork(location="eastus", properties=properties)


def _interface(subnet: str | None) -> network.NetworkInterface:
    configuration = network.NetworkInterfaceIPConfiguration(
        name="ipconfig1",
        properties=network.NetworkInterfaceIPConfigurationPropertiesFormat(
            subnet=network.Subnet(id=subnet)
        ),
    )
    properties = network.NetworkInterfacePropertiesFormat(ip_configurations=[configuration])
    return network.NetworkInterface(location="eastus", properties=properties)


def _machine(nic: str | None) -> compute.VirtualMachine:
    image = compute.ImageReference(
        publisher="MicrosoftWindowsServer",
        offer="WindowsServer",
        sku="2022-datacenter-g2",
        version="latest",
    )
    disk = compute.OSDisk(create_option="FromImage", delete_option="Delete")
    updates = compute.WindowsConfiguration(
        provision_vm_agent=True,
        enable_automatic_updates=True,
        patch_settings=compute.PatchSettings(patch_mode="AutomaticByPlatform"),
    )
    profile = compute.OSProfile(
        computer_name="vm1",
        admin_username="patcher",
        admin_password=PASSWORD,
        windows_configuration=updates,
    )
    reference = compute.NetworkInterfaceReference(
        id=nic,
        properties=compute.NetworkInterfaceReferenceProperties(
            primary=True, delete_option="Delete"
        ),
    )
    uefi = compute.UefiSettings(secure_boot_enabled=True, v_tpm_enabled=True)
    properties = compute.VirtualMachineProperties(
        hardware_profile=compute.HardwareProfile(vm_size="Standard_B2s"),
        storage_profile=compute.StorageProfile(image_reference=image, os_disk=disk),
        os_profile=profile,
        network_profile=compute.NetworkProfile(network_interfaces=[reference]),
        security_profile=compute.SecurityProfile(security_type="TrustedLaunch", uefi_settings=uefi),
    )
    return compute.VirtualMachine(location="eastus", properties=properties)


def test_the_sdk_lives_through_it(world: World) -> None:
    seen = clock.run(_life_of_a_machine(world), start=world.now)
    assert seen == ["Succeeded", "Succeeded", "Succeeded", 412, "Succeeded", "Succeeded"]


@pytest.mark.parametrize(
    ("below", "name"),
    [
        ("", "Canonical"),
        ("/canonical/artifacttypes/vmimage/offers", "ubuntu-24_04-lts"),
        ("/Canonical/artifacttypes/vmimage/offers/ubuntu-24_04-lts/skus", "server"),
    ],
)
def test_images_are_looked_up_from_the_outside_in(world: World, below: str, name: str) -> None:
    place = f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/eastus/publishers"
    found = ask(world, "GET", place + below, version="2024-11-01").body
    assert name in [item["name"] for item in found]
    assert found[0]["id"].lower().startswith(f"{place}/".lower())
    missing = ask(
        world, "GET", f"{place}/nobody/artifacttypes/vmimage/offers", version="2024-11-01"
    )
    assert missing.status == 404
