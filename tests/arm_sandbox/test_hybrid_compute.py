"""Machines of Arc: read, patched, assessed, installed on, and patched by schedules."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from azure.mgmt.hybridcompute.aio import HybridComputeManagementClient
from azure.mgmt.hybridcompute.models import (
    MachineInstallPatchesParameters,
    MachineUpdate,
    WindowsParameters,
)

from arm_sandbox import by_hand, clock, patch_night, tables
from arm_sandbox.app import settle
from arm_sandbox.patch_night import Faults
from arm_sandbox.patching.timeline import Durations, Setting, Task, timeline
from arm_sandbox.providers import catalogue, machines
from arm_sandbox.providers.catalogue import Image
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, transport_to, wait
from tests.arm_sandbox.fleet import at, go, schedule, told

VERSION = "2026-07-15"
ARC = f"{GROUP}/providers/Microsoft.HybridCompute/machines"
WINDOWS = catalogue.image_named("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2")
UBUNTU = catalogue.image_named("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2")
MINUTE, DAY = 60.0, 86400.0


@pytest.fixture
def site(world: World) -> World:
    """A world with the machines `files` (Windows) and `web` (Linux), both connected."""
    world.registrations[f"{SUBSCRIPTION[15:]}/microsoft.hybridcompute"] = "Registered"
    for name, image in (("files", WINDOWS), ("web", UBUNTU)):
        assert isinstance(image, Image)
        by_hand.connect(world, f"{ARC}/{name}", "westeurope", image)
    for name in ("files", "web"):
        world.resources[f"{ARC}/{name}".lower()].hidden["rebootPending"] = False
    return world


def get(world: World, name: str, version: str = VERSION) -> dict[str, Any]:
    response = ask(world, "GET", f"{ARC}/{name}", version=version)
    assert response.status == 200
    body: dict[str, Any] = response.body
    return body


def post(world: World, name: str, action: str, body: Any = None) -> Response:
    return ask(world, "POST", f"{ARC}/{name}/{action}", body, version=VERSION)


def assign(world: World, configuration: str, name: str) -> Response:
    """Machines of Arc are assigned as all are: the location is the machine's."""
    id = f"{ARC}/{name}/providers/Microsoft.Maintenance/configurationAssignments/nightly"
    properties = {"maintenanceConfigurationId": configuration, "resourceId": f"{ARC}/{name}"}
    body = {"location": "westeurope", "properties": properties}
    return ask(world, "PUT", id, body, version="2023-04-01")


# -- the machine itself


def test_a_machine_tells_what_its_agent_tells(site: World) -> None:
    body = get(site, "files")
    assert body["id"] == f"{ARC}/files"
    assert body["type"] == "Microsoft.HybridCompute/machines"
    assert body["identity"]["type"] == "SystemAssigned"
    assert body["resources"] == []
    told = body["properties"]
    assert (told["status"], told["provisioningState"]) == ("Connected", "Succeeded")
    assert (told["osName"], told["osType"]) == ("windows", "windows")
    assert (told["osSku"], told["osVersion"]) == ("Windows Server 2022 Datacenter", "10.0.20348")
    assert told["osProfile"] == {"computerName": "files"}
    assert get(site, "web")["properties"]["osSku"] == "Ubuntu 22.04"


def test_machines_are_listed_by_group_and_subscription(site: World) -> None:
    lists = (ARC, f"{SUBSCRIPTION}/providers/Microsoft.HybridCompute/machines")
    for path in lists:
        found = ask(site, "GET", path, version="2025-01-13").body["value"]
        assert [machine["name"] for machine in found] == ["files", "web"]


@pytest.mark.parametrize("version", ["2020-08-15-preview", "2022-12-27", "2024-07-10"])
def test_older_versions_know_it(site: World, version: str) -> None:
    assert get(site, "files", version)["name"] == "files"


def test_nobody_but_its_agent_makes_a_machine(site: World) -> None:
    body = {"location": "eastus", "properties": {}}
    response = ask(site, "PUT", f"{ARC}/other", body, version=VERSION)
    assert (response.status, response.body["error"]["code"]) == (400, "HCRP400")
    assert site.find(f"{ARC}/other") is None


def test_a_patch_changes_what_was_sent_and_nothing_else(site: World) -> None:
    before = get(site, "files")
    settings = {"assessmentMode": "AutomaticByPlatform", "patchMode": "Manual"}
    profile = {"windowsConfiguration": {"patchSettings": settings}}
    sent = {"tags": {"ring": "one"}, "properties": {"osProfile": profile}}
    response = ask(site, "PATCH", f"{ARC}/files", sent, version=VERSION)
    assert response.status == 200
    assert response.body["properties"]["provisioningState"] == "Updating"
    after = get(site, "files")
    before["tags"] = {"ring": "one"}
    before["properties"]["osProfile"] |= profile
    assert after == before


def test_a_patch_mode_that_nobody_knows_is_refused(site: World) -> None:
    profile = {"linuxConfiguration": {"patchSettings": {"patchMode": "Sometimes"}}}
    sent = {"properties": {"osProfile": profile}}
    assert ask(site, "PATCH", f"{ARC}/web", sent, version=VERSION).status == 400


def test_fifty_tags_are_all_it_takes(site: World) -> None:
    many = {f"tag{n}": "x" for n in range(50)}
    assert ask(site, "PATCH", f"{ARC}/web", {"tags": many}, version=VERSION).status == 200
    one = {"tags": {"one-more": "x"}}
    response = ask(site, "PATCH", f"{ARC}/web", one, version=VERSION)
    assert response.status == 400
    assert len(get(site, "web")["tags"]) == 50


def test_a_deleted_machine_is_gone_with_its_identity(site: World) -> None:
    principal = get(site, "web")["identity"]["principalId"]
    assert principal in site.principals
    assert ask(site, "DELETE", f"{ARC}/web", version=VERSION).status == 200
    assert ask(site, "GET", f"{ARC}/web", version=VERSION).status == 404
    assert principal not in site.principals


def test_who_has_not_registered_the_provider_sees_nothing(world: World) -> None:
    response = ask(world, "GET", ARC, version=VERSION)
    assert (response.status, response.body["error"]["code"]) == (
        409,
        "MissingSubscriptionRegistration",
    )


def test_a_silent_machine_is_disconnected_and_later_expired(site: World) -> None:
    """15 minutes without a heartbeat, and 45 days."""
    machines.stop(site, site.resources[f"{ARC}/web".lower()])

    def status_after(seconds: float) -> str:
        settle(site, site.now + seconds)
        return str(get(site, "web")["properties"]["status"])

    assert status_after(15 * MINUTE - 1) == "Connected"
    assert status_after(1) == "Disconnected"
    machines.start(site, site.resources[f"{ARC}/web".lower()])
    assert status_after(46 * DAY) == "Connected"
    machines.stop(site, site.resources[f"{ARC}/web".lower()])
    assert status_after(45 * DAY - 1) == "Disconnected"
    assert status_after(1) == "Expired"
    machines.start(site, site.resources[f"{ARC}/web".lower()])
    assert status_after(DAY) == "Expired"


# -- assessments and installations


def test_an_assessment_is_polled_by_its_location(site: World) -> None:
    """202 with a Location and 60 seconds, until there is the summary (recorded)."""
    began = post(site, "files", "assessPatches")
    assert (began.status, began.body) == (202, None)
    assert began.headers["Retry-After"] == "60"
    assert "Azure-AsyncOperation" not in began.headers
    there = began.headers["Location"].partition("?")[0].rsplit("/", 2)
    assert there[0].endswith("/providers/Microsoft.HybridCompute/locations/westeurope")
    assert there[1] == "updateCenterOperationResults"
    done = finish(site, began)
    assert done.status == 200
    counts = done.body.pop("availablePatchCountByClassification")
    times = [done.body.pop(name) for name in ("startDateTime", "lastModifiedDateTime")]
    assert times == sorted(times)
    assert done.body == {
        "status": "Succeeded",
        "assessmentActivityId": there[2],
        "rebootPending": False,
        "startedBy": "User",
        "osType": "Windows",
        "patchServiceUsed": "WU",
    }
    (row,) = [r for r in later(site, "patchassessmentresources") if r["type"].count("/") == 2]
    assert row["type"] == "microsoft.hybridcompute/machines/patchassessmentresults"
    in_graph = row["properties"]["availablePatchCountByClassification"]
    assert {name: in_graph[name] for name in counts} == counts
    assert sum(counts.values()) > 0


def later(world: World, table: str) -> list[dict[str, Any]]:
    """The rows of a table, two hours later."""
    settle(world, world.now + 2 * 3600)
    return list(tables.rows(world, table))


def test_the_extension_comes_with_the_first_operation(site: World) -> None:
    finish(site, post(site, "web", "assessPatches"))
    (extension,) = get(site, "web")["resources"]
    assert extension["name"] == "LinuxOsUpdateExtension"
    assert extension["properties"]["publisher"] == "Microsoft.SoftwareUpdateManagement"
    assert extension["type"] == "Microsoft.HybridCompute/machines/extensions"
    id = f"{ARC}/web/extensions/LinuxOsUpdateExtension"
    assert ask(site, "GET", id, version=VERSION).status == 200
    assert ask(site, "DELETE", id, version=VERSION).status == 200
    assert get(site, "web")["resources"] == []


def test_one_operation_on_patches_at_a_time(site: World) -> None:
    began = post(site, "files", "assessPatches")
    assert post(site, "files", "assessPatches").status == 409
    assert post(site, "web", "assessPatches").status == 202
    finish(site, began)
    assert post(site, "files", "assessPatches").status == 202


def test_an_installation_answers_with_its_counts(site: World) -> None:
    body = {
        "maximumDuration": "PT2H",
        "rebootSetting": "IfRequired",
        "windowsParameters": {"classificationsToInclude": ["Critical", "Security"]},
    }
    done = finish(site, post(site, "files", "installPatches", body)).body
    assert done["status"] == "Succeeded"
    assert done["installedPatchCount"] > 0
    assert done["failedPatchCount"] == done["pendingPatchCount"] == 0
    assert done["osType"] == "Windows"
    assert "errorDetails" not in done
    again = finish(site, post(site, "files", "installPatches", body)).body
    assert again["installedPatchCount"] == 0


def test_a_kb_may_lack_its_letters(site: World) -> None:
    """Unlike with virtual machines (docs of either)."""
    body = {
        "maximumDuration": "PT2H",
        "rebootSetting": "Never",
        "windowsParameters": {"kbNumbersToInclude": ["2267602"]},
    }
    done = finish(site, post(site, "files", "installPatches", body)).body
    assert done["installedPatchCount"] == 1


def test_a_silent_machine_is_waited_for_and_fails(site: World) -> None:
    machines.stop(site, site.resources[f"{ARC}/files".lower()])
    began = site.now
    done = finish(site, post(site, "files", "assessPatches")).body
    assert done["status"] == "Failed"
    assert 300 <= site.now - began <= 400
    assert done["errorDetails"]["message"].startswith("The machine has not answered")
    assert get(site, "files")["resources"] == []


def test_a_machine_that_takes_no_extensions_is_neither_assessed_nor_patched(site: World) -> None:
    files = site.resources[f"{ARC}/files".lower()]
    by_hand.edit(site, files, "properties.agentConfiguration.extensionsEnabled", "false")
    install = {"maximumDuration": "PT1H", "rebootSetting": "Never"}
    for action, body in (("assessPatches", None), ("installPatches", install)):
        assert finish(site, post(site, "files", action, body)).body["status"] == "Failed"
    assert get(site, "files")["resources"] == []


def test_an_unsupported_system_is_neither_assessed_nor_patched(site: World) -> None:
    client = catalogue.image_named("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro")
    assert client is not None
    by_hand.connect(site, f"{ARC}/laptop", "westeurope", client)
    install = {"maximumDuration": "PT1H", "rebootSetting": "Never"}
    for action, body in (("assessPatches", None), ("installPatches", install)):
        assert finish(site, post(site, "laptop", action, body)).body["status"] == "Failed"


def test_a_periodic_assessment_begins_with_the_setting(site: World) -> None:
    settings = {"assessmentMode": "AutomaticByPlatform"}
    profile = {"linuxConfiguration": {"patchSettings": settings}}
    ask(site, "PATCH", f"{ARC}/web", {"properties": {"osProfile": profile}}, version=VERSION)
    settle(site, site.now + DAY)
    found = later(site, "patchassessmentresources")
    assert {row["properties"].get("startedBy") for row in found} >= {"Platform"}


def test_the_sdk_assesses_and_installs(site: World) -> None:
    async def work() -> tuple[Any, Any, Any]:
        client = HybridComputeManagementClient(
            SandboxCredential(site), SUBSCRIPTION[15:], transport=transport_to(site)
        )
        assessed = await (await client.machines.begin_assess_patches("rg-test", "files")).result()
        wanted = MachineInstallPatchesParameters(
            maximum_duration=timedelta(minutes=90),
            reboot_setting="IfRequired",
            windows_parameters=WindowsParameters(classifications_to_include=["Security"]),
        )
        poller = await client.machines.begin_install_patches("rg-test", "files", wanted)
        installed = await poller.result()
        updated = await client.machines.update("rg-test", "files", MachineUpdate(tags={"a": "b"}))
        return assessed, installed, updated

    assessed, installed, updated = clock.run(work(), start=site.now)
    assert assessed.status == installed.status == "Succeeded"
    assert assessed.available_patch_count_by_classification.security > 0
    assert (
        installed.installed_patch_count == assessed.available_patch_count_by_classification.security
    )
    assert updated.tags == {"a": "b"}


# -- schedules


def test_a_schedule_patches_it_whatever_its_settings(site: World) -> None:
    """No orchestration mode is needed (docs, scheduled patching)."""
    nightly = schedule(site)
    for name in ("files", "web"):
        assert assign(site, nightly, name).status == 200
    (run,) = go(site, "2026-11-24 06:00")
    assert run["status"] == "Succeeded"
    assert {id.rsplit("/", 1)[1] for id in run["turns"]} == {"files", "web"}
    wait(site, 3600)
    types = {row["type"] for row in tables.rows(site, "patchinstallationresources")}
    assert types == {
        "microsoft.hybridcompute/machines/patchinstallationresults",
        "microsoft.hybridcompute/machines/patchinstallationresults/softwarepatches",
    }
    turns = told(site, "maintenanceresources", "microsoft.maintenance/applyupdates")
    assert {row["properties"]["resourceId"] for row in turns} == {
        f"{ARC}/{name}".lower() for name in ("files", "web")
    }


def test_a_dynamic_scope_takes_it_by_its_type(site: World) -> None:
    nightly = schedule(site)
    scope = f"{SUBSCRIPTION}/providers/Microsoft.Maintenance/configurationAssignments/all"
    filter = {"resourceTypes": ["Microsoft.HybridCompute/machines"], "osTypes": ["Linux"]}
    properties = {"maintenanceConfigurationId": nightly, "filter": filter}
    body = {"location": "global", "properties": properties}
    assert ask(site, "PUT", scope, body, version="2023-04-01").status == 200
    (run,) = go(site, "2026-11-24 06:00")
    assert [id.rsplit("/", 1)[1] for id in run["turns"]] == ["web"]


def test_a_silent_machine_fails_its_turn(site: World) -> None:
    nightly = schedule(site)
    assign(site, nightly, "files")
    patch_night.advance(site, site.now + 3600, Faults(stopped=("files",)))
    (run,) = go(site, "2026-11-24 06:00")
    (turn,) = run["turns"].values()
    assert turn["status"] == "Failed"
    assert turn["error"].startswith("ShutdownOrUnresponsive")


def test_an_unsupported_system_fails_its_turn(site: World) -> None:
    client = catalogue.image_named("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro")
    assert client is not None
    by_hand.connect(site, f"{ARC}/laptop", "westeurope", client)
    assign(site, schedule(site), "laptop")
    (run,) = go(site, "2026-11-24 06:00")
    (turn,) = run["turns"].values()
    assert (turn["status"], turn["error"].partition(":")[0]) == (
        "Failed",
        "VMGuestPatchInternalError",
    )


def test_a_reboot_is_awaited_for_25_minutes(site: World) -> None:
    """20 minutes are too long for a virtual machine, not for a machine of Arc."""
    arc = machines.reboot_awaited(site.resources[f"{ARC}/files".lower()])
    durations = Durations(search=60, reboot=20 * MINUTE, assessment=60)
    tasks = [Task("KB1", 300, reboots=True)]
    end = at("2026-11-24 04:00") - at("2026-11-24 00:00")
    mine = timeline(0, tasks, Setting("Windows", end, "IfRequired", arc), durations)
    azures = timeline(0, tasks, Setting("Windows", end, "IfRequired"), durations)
    assert (mine.reboot, azures.reboot) == ("Completed", "Failed")


def test_resource_graph_has_a_row_of_it(site: World) -> None:
    query = "resources | where type =~ 'microsoft.hybridcompute/machines' | order by name asc"
    query += " | project name, os=tostring(properties.osType), status=tostring(properties.status)"
    body = {"subscriptions": [SUBSCRIPTION[15:]], "query": query}
    path = "/providers/Microsoft.ResourceGraph/resources"
    answer = ask(site, "POST", path, body, version="2021-03-01")
    assert answer.body["data"] == [
        {"name": "files", "os": "windows", "status": "Connected"},
        {"name": "web", "os": "linux", "status": "Connected"},
    ]


def test_a_world_with_it_is_saved_and_read(site: World) -> None:
    machines.stop(site, site.resources[f"{ARC}/web".lower()])
    again = World.from_json(json.loads(site.saved()))
    settle(again, again.now + 3600)
    assert get(again, "web")["properties"]["status"] == "Disconnected"
