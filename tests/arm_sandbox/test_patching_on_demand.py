"""`installPatches` as it was recorded, and what is refused of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from azure.mgmt.compute import models
from azure.mgmt.compute.aio import ComputeManagementClient

from arm_sandbox import clock
from arm_sandbox.options import Failure
from arm_sandbox.patch_night import Faults
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import SUBSCRIPTION, ask, finish, transport_to, wait
from tests.arm_sandbox.fleet import (
    COMPUTE,
    Body,
    assign,
    go,
    machine,
    schedule,
    the_turn,
    told,
    town,
)

API = "2026-04-01"
SECURITY = {"classificationsToInclude": ["critical", "Security"]}
COUNTS = {
    "Installed": "installedPatchCount",
    "NotSelected": "notSelectedPatchCount",
    "Excluded": "excludedPatchCount",
    "Failed": "failedPatchCount",
    "Pending": "pendingPatchCount",
}


def install(world: World, name: str = "windows", **body: Any) -> Response:
    sent = {"maximumDuration": "PT2H", "rebootSetting": "IfRequired", **body}
    return ask(world, "POST", f"{COMPUTE}/{name}/installPatches", sent, version=API)


def ended(world: World, response: Response) -> Body:
    """The last poll of an operation, two hours later."""
    wait(world, 7200)
    last: Body = finish(world, response).body
    return last


def installed(world: World, name: str = "windows", **body: Any) -> Body:
    """What an installation answers when it has ended."""
    response = install(world, name, **body)
    assert response.status == 202, response.body
    output: Body = ended(world, response)["properties"]["output"]
    return output


def refused(response: Response) -> Any:
    return response.status, response.body["error"]["code"]


@pytest.mark.parametrize(
    ("name", "parameters"), [("windows", "windowsParameters"), ("linux", "linuxParameters")]
)
def test_an_installation_answers_as_recorded(name: str, parameters: str) -> None:
    world = town()
    response = install(world, name, **{parameters: SECURITY})
    assert (response.status, response.body) == (202, None)
    operation = response.headers["Azure-AsyncOperation"]
    assert response.headers["Location"] == f"{operation}&monitor=true"
    assert "Retry-After" not in response.headers
    last = ended(world, response)
    assert last["name"] == response.headers["x-ms-request-id"]
    output = last["properties"]["output"]
    assert output["installationActivityId"] == last["name"]
    assert set(output) == {
        *("status", "installationActivityId", "rebootStatus", "maintenanceWindowExceeded"),
        *("patches", "startDateTime", "error", *COUNTS.values()),
    }
    assert (output["status"], output["maintenanceWindowExceeded"]) == ("Succeeded", False)
    assert output["error"] == {"details": [], "code": "Success", "message": "0 error/s reported"}
    states = [patch["installationState"] for patch in output["patches"]]
    assert {state: output[count] for state, count in COUNTS.items()} == {
        state: states.count(state) for state in COUNTS
    }
    assert states.count("Installed") > 0
    for patch in output["patches"]:
        assert patch.get("kbId", "").isdigit() == (name == "windows")
        assert ("version" in patch) == (name == "linux")


def test_an_installation_reboots_if_it_has_to() -> None:
    world = town()
    only = {"kbNumbersToInclude": ["KB2267602"]}
    assert installed(world, windowsParameters=only)["rebootStatus"] == "NotNeeded"
    assert installed(world, windowsParameters=SECURITY)["rebootStatus"] == "Completed"


def test_never_leaves_a_warning() -> None:
    output = installed(town(), windowsParameters=SECURITY, rebootSetting="Never")
    assert (output["status"], output["rebootStatus"]) == ("CompletedWithWarnings", "Required")
    assert "doesn't allow reboots" in output["error"]["details"][0]["message"]


def test_too_short_a_time() -> None:
    output = installed(town(), maximumDuration="PT30M")
    assert (output["status"], output["maintenanceWindowExceeded"]) == ("Failed", True)
    assert output["pendingPatchCount"] > 0


def test_it_shows_in_the_instance_view_and_in_resource_graph() -> None:
    world = town()
    output = installed(world, windowsParameters=SECURITY)
    view = ask(world, "GET", f"{COMPUTE}/windows/instanceView", version=API).body["patchStatus"]
    summary = view["lastPatchInstallationSummary"]
    assert summary["installationActivityId"] == output["installationActivityId"]
    assert summary["installedPatchCount"] == output["installedPatchCount"]
    assert view["availablePatchSummary"]["criticalAndSecurityPatchCount"] == 0
    go(world, "2026-11-23 15:00")
    type = "microsoft.compute/virtualMachines/patchInstallationResults"
    (row,) = told(world, "patchinstallationresources", type)
    assert row["name"] == output["installationActivityId"]
    assert (row["properties"]["startedBy"], row["properties"]["maintenanceRunId"]) == ("User", None)


def test_nothing_is_installed_that_was_published_too_late() -> None:
    latest = {"maxPatchPublishDate": "2026-11-10T18:00:00Z"}
    states = {
        patch["name"][:7]: patch["installationState"]
        for patch in installed(town(), windowsParameters=latest)["patches"]
    }
    assert (states["2026-11"], states["Securit"]) == ("Installed", "NotSelected")


def test_a_second_one_finds_nothing_left() -> None:
    world = town()
    first = installed(world)
    assert first["installedPatchCount"] == len(first["patches"])
    again = installed(world)
    assert (again["status"], again["patches"]) == ("Succeeded", [])


def test_one_operation_on_patches_at_a_time() -> None:
    world = town()
    install(world)
    assert refused(install(world)) == (409, "Conflict")
    assess = f"{COMPUTE}/windows/assessPatches"
    assert refused(ask(world, "POST", assess, version=API)) == (409, "Conflict")
    assert install(world, "linux").status == 202


def test_a_schedule_at_work_is_in_the_way() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, "2026-11-24 02:10")
    assert refused(install(world)) == (409, "Conflict")
    assess = f"{COMPUTE}/windows/assessPatches"
    assert refused(ask(world, "POST", assess, version=API)) == (409, "Conflict")


def test_a_schedule_waits_for_somebodys_installation() -> None:
    world = town()
    assign(world, schedule(world), "windows")
    go(world, "2026-11-24 01:55")
    output = ended(world, install(world))["properties"]["output"]
    go(world, "2026-11-24 12:00")
    turn = the_turn(world, "windows")
    assert output["status"] == turn["status"] == "Succeeded"
    assert turn["steps"][0]["start"] > turn["start"] - 1
    assert turn["states"] == {}


def test_a_machine_that_is_off() -> None:
    world = town()
    machine(world, "windows").hidden["power"] = "deallocated"
    assert refused(install(world)) == (409, "OperationNotAllowed")


def test_a_machine_without_an_agent_yet() -> None:
    world = town()
    machine(world, "windows").hidden["agentReady"] = world.now + 3600
    last = ended(world, install(world))
    assert (last["status"], last["error"]["code"]) == ("Failed", "VMAgentStatusCommunicationError")


def test_a_machine_that_is_turned_off_meanwhile() -> None:
    world = town()
    response = install(world)
    go(world, "2026-11-23 12:05")
    power = ask(world, "POST", f"{COMPUTE}/windows/powerOff", version=API)
    assert power.status == 202
    output = ended(world, response)["properties"]["output"]
    assert (output["status"], output["installedPatchCount"]) == ("Failed", 0)


@pytest.mark.parametrize(
    ("body", "target"),
    [
        (
            {"windowsParameters": {"kbNumbersToInclude": ["1111"]}},
            "windowsParameters.kbNumbersToInclude",
        ),
        (
            {"windowsParameters": {"classificationsToInclude": ["Urgent"]}},
            "windowsParameters.classificationsToInclude",
        ),
        ({"maximumDuration": "2 hours"}, "maximumDuration"),
        ({"maximumDuration": "PT"}, "maximumDuration"),
        ({"rebootSetting": None}, "rebootSetting"),
        (
            {"windowsParameters": {"maxPatchPublishDate": "last week"}},
            "windowsParameters.maxPatchPublishDate",
        ),
    ],
)
def test_what_is_refused(body: Body, target: str) -> None:
    response = install(town(), **body)
    assert refused(response) == (400, "InvalidParameter")
    assert response.body["error"]["target"] == target


def test_the_wording_of_a_wrong_kb_is_recorded() -> None:
    body = {"kbNumbersToInclude": ["1111"]}
    assert install(town(), windowsParameters=body).body["error"]["message"] == (
        "The entry in 'kbNumbersToInclude' with value '1111' is not valid. It must be a KBID such "
        "as KB4512508."
    )


def test_a_misspelt_parameter_is_named() -> None:
    response = install(town(), windowsParameters={"classificationToInclude": ["Security"]})
    assert "classificationToInclude" in response.body["error"]["message"]


async def _by_the_sdk(world: World) -> models.VirtualMachineInstallPatchesResult:
    async with ComputeManagementClient(
        SandboxCredential(world), SUBSCRIPTION.rsplit("/", 1)[1], transport=transport_to(world)
    ) as client:
        parameters = models.VirtualMachineInstallPatchesParameters(
            maximum_duration=timedelta(hours=3),
            reboot_setting="IfRequired",
            windows_parameters=models.WindowsParameters(classifications_to_include=["Security"]),
        )
        poller = await client.virtual_machines.begin_install_patches(
            "rg-test", "windows", parameters
        )
        return await poller.result()


def test_the_sdk_reads_it() -> None:
    world = town()
    result = clock.run(_by_the_sdk(world), world.now)
    assert result.status == "Succeeded"
    assert result.installed_patch_count
    assert result.patches
    assert {patch.installation_state for patch in result.patches} <= set(COUNTS)


def test_a_failed_operation_leaves_the_machine_free() -> None:
    world = town()
    type = "Microsoft.Compute/virtualMachines"
    world.options.failures = [Failure(type=type, on="installPatches")]
    last = ended(world, install(world))
    assert (last["status"], last["error"]["code"]) == ("Failed", "VMGuestPatchInternalError")
    world.options.failures = []
    assert installed(world)["status"] == "Succeeded"


def test_faults_meet_what_somebody_has_begun_too() -> None:
    world = town()
    world.failing = {"updates": ["kb5067910"], "machines": []}
    output = installed(world)
    failed = [p["kbId"] for p in output["patches"] if p["installationState"] == "Failed"]
    assert (output["status"], failed) == ("Failed", ["5067910"])
    go(world, "2026-11-23 18:00", Faults())
    assert installed(world)["status"] == "Succeeded"
