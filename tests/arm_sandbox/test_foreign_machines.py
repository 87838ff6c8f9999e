"""Virtual machines as others have made them: from disks, from galleries, of all sorts of images."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.providers import catalogue
from arm_sandbox.providers.catalogue import IMAGES, Image
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, wait
from tests.arm_sandbox.fleet import CONFIGURATIONS, go, schedule, told
from tests.arm_sandbox.test_compute import (
    NETWORK,
    PLATFORM,
    linux,
    make_interface,
    windows,
)
from tests.comparison import differences, patch_settings, state

COMPUTE = f"{GROUP}/providers/Microsoft.Compute"
VERSION, GALLERY, DISK = "2026-04-01", "2026-03-03", "2026-03-02"
CLIENT = ("MicrosoftWindowsDesktop", "windows-11", "win11-23h2-pro")
SLES = ("SUSE", "sles-15-sp5", "gen2")
DEFINITION = f"{COMPUTE}/galleries/ours/images/base"
Body = dict[str, Any]


@pytest.fixture
def site(world: World) -> World:
    make_interface(world, outbound=True, name="nic-vm")
    return world


def put(world: World, id: str, body: Body, version: str = VERSION) -> Response:
    response = ask(world, "PUT", id, body, version=version)
    if "Azure-AsyncOperation" in response.headers:
        assert finish(world, response).body["status"] == "Succeeded", response.body
    return response


def machine(name: str = "vm") -> str:
    return f"{COMPUTE}/virtualMachines/{name}"


def of(base: Body, **storage: Any) -> Body:
    """A machine's body with another storage, and its own interface."""
    base["properties"]["storageProfile"] = storage
    nic = f"{NETWORK}/networkInterfaces/nic-vm"
    base["properties"]["networkProfile"] = {"networkInterfaces": [{"id": nic}]}
    return base


def of_image(names: tuple[str, str, str], **settings: Any) -> Body:
    found = dict(zip(("publisher", "offer", "sku"), names, strict=True))
    reference = {**found, "version": "latest"}
    image = next(image for image in IMAGES if image.names == names)
    base = windows(**settings) if image.os == "Windows" else linux(**settings)
    return of(base, imageReference=reference, osDisk={"createOption": "FromImage"})


def with_disk(world: World, image: Image | None = None) -> Body:
    """A disk that somebody has restored, and the body of a machine that boots from it."""
    created: Body = {"createOption": "Import"}
    if image is not None:
        path = catalogue.image_path("x", "eastus", *image.names, image.versions[0])
        created = {"createOption": "FromImage", "imageReference": {"id": path}}
    os = image.os if image is not None else "Windows"
    properties = {"creationData": created, "diskSizeGB": 64, "osType": os}
    body = {"location": "eastus", "properties": properties}
    put(world, f"{COMPUTE}/disks/restored", body, DISK)
    managed = {"id": f"{COMPUTE}/disks/restored"}
    disk = {"createOption": "Attach", "osType": os, "managedDisk": managed}
    base = of(windows(), osDisk=disk)
    del base["properties"]["osProfile"]
    return base


def with_gallery(world: World, state: str, image: Image) -> Body:
    """A gallery with an image in it, and the body of a machine that is made from that."""
    identifier = dict(zip(("publisher", "offer", "sku"), image.names, strict=True))
    told = {"osType": image.os, "osState": state, "identifier": identifier}
    gallery = DEFINITION.rsplit("/", 2)[0]
    for id, properties in ((gallery, {}), (DEFINITION, told), (f"{DEFINITION}/versions/1.0.0", {})):
        put(world, id, {"location": "eastus", "properties": properties}, GALLERY)
    reference = {"id": f"{DEFINITION}/versions/1.0.0"}
    base = windows() if image.os == "Windows" else linux()
    return of(base, imageReference=reference, osDisk={"createOption": "FromImage"})


def named(*names: str) -> Image:
    image = catalogue.image_named(*names)
    assert image is not None
    return image


def get(world: World, query: str = "") -> Body:
    response = ask(world, "GET", machine(), version=VERSION, query=query)
    assert response.status == 200
    body: Body = response.body
    return body


def patch(world: World, system: str = "Windows", /, **settings: Any) -> Response:
    profile = {f"{system.lower()}Configuration": {"patchSettings": settings}}
    body = {"properties": {"osProfile": profile}}
    response = ask(world, "PATCH", machine(), body, version=VERSION)
    return finish(world, response) if response.status == 200 else response


def refused(response: Response, status: int, code: str, target: str = "") -> None:
    assert response.status == status, response.body
    error = response.body["error"]
    assert (error["code"], error.get("target", "")) == (code, target)


BYPASSED = {"bypassPlatformSafetyChecksOnUserSchedule": True}
CHECKED = {"bypassPlatformSafetyChecksOnUserSchedule": False}
SERVER = named("MicrosoftWindowsServer", "WindowsServer", "2019-datacenter-gensecond")
UBUNTU = named("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2")


# -- disks that are attached


def test_a_machine_of_a_disk_has_no_profile(site: World) -> None:
    put(site, machine(), with_disk(site, SERVER))
    wait(site, 120)
    body = get(site, "&$expand=instanceView")["properties"]
    assert "osProfile" not in body
    assert "imageReference" not in body["storageProfile"]
    assert body["storageProfile"]["osDisk"]["name"] == "restored"
    view = body["instanceView"]
    assert (view["computerName"], view["osName"]) == ("vm", "Windows Server 2019 Datacenter")
    disk = ask(site, "GET", f"{COMPUTE}/disks/restored", version=DISK).body
    assert disk["managedBy"] == machine()
    assert disk["properties"]["diskState"] == "Attached"


def test_a_profile_is_refused_first_and_last(site: World) -> None:
    """terraform#11147 and azure-docs#21850."""
    body = with_disk(site)
    profile = {"osProfile": windows()["properties"]["osProfile"]}
    wanted = {**body, "properties": {**body["properties"], **profile}}
    refused(
        ask(site, "PUT", machine(), wanted, version=VERSION), 400, "InvalidParameter", "osProfile"
    )
    put(site, machine(), body)
    before = state(site)
    response = patch(site, patchMode="AutomaticByPlatform", automaticByPlatformSettings=BYPASSED)
    refused(response, 409, "PropertyChangeNotAllowed", "osProfile")
    assert differences(before, state(site)) == []


def test_a_disk_boots_one_machine(site: World) -> None:
    put(site, machine(), with_disk(site))
    body = {**windows(), "properties": {**get(site)["properties"]}}
    response = ask(site, "PUT", machine("other"), body, version=VERSION)
    refused(response, 409, "ConflictingUserInput")
    ask(site, "DELETE", machine(), version=VERSION)
    wait(site, 120)
    disk = ask(site, "GET", f"{COMPUTE}/disks/restored", version=DISK).body
    assert disk["properties"]["diskState"] == "Unattached"
    assert "managedBy" not in disk


def test_a_machine_of_a_disk_is_assessed_but_never_by_schedule(site: World) -> None:
    put(site, machine(), with_disk(site))
    wait(site, 120)
    assessed = finish(site, ask(site, "POST", f"{machine()}/assessPatches", version=VERSION))
    assert assessed.body["properties"]["output"]["status"] == "Succeeded"
    nightly = schedule(site)
    id = f"{machine()}/providers/Microsoft.Maintenance/configurationAssignments/nightly"
    properties = {"maintenanceConfigurationId": nightly, "resourceId": machine()}
    body = {"location": "eastus", "properties": properties}
    assert ask(site, "PUT", id, body, version="2023-04-01").status == 400


# -- galleries


def test_a_generalized_image_makes_an_ordinary_machine(site: World) -> None:
    put(site, machine(), with_gallery(site, "Generalized", SERVER))
    wait(site, 120)
    body = get(site, "&$expand=instanceView")["properties"]
    assert body["storageProfile"]["imageReference"] == {"id": f"{DEFINITION}/versions/1.0.0"}
    assert body["instanceView"]["osName"] == "Windows Server 2019 Datacenter"
    assert patch_settings({"properties": body})["patchMode"] == "AutomaticByOS"
    disk = body["storageProfile"]["osDisk"]["managedDisk"]["id"]
    created = ask(site, "GET", disk, version=DISK).body["properties"]["creationData"]
    assert created["galleryImageReference"] == {"id": f"{DEFINITION}/versions/1.0.0"}


def test_a_specialized_image_makes_one_without_a_profile(site: World) -> None:
    body = with_gallery(site, "Specialized", UBUNTU)
    refused(
        ask(site, "PUT", machine(), body, version=VERSION), 400, "InvalidParameter", "osProfile"
    )
    del body["properties"]["osProfile"]
    put(site, machine(), body)
    assert "osProfile" not in get(site)["properties"]
    refused(
        patch(site, "Linux", patchMode="ImageDefault"), 409, "PropertyChangeNotAllowed", "osProfile"
    )


def test_an_image_that_is_not_there_is_refused(site: World) -> None:
    body = with_gallery(site, "Generalized", SERVER)
    body["properties"]["storageProfile"]["imageReference"] = {"id": f"{DEFINITION}s/versions/1"}
    response = ask(site, "PUT", machine(), body, version=VERSION)
    refused(response, 404, "GalleryImageNotFound", "imageReference")
    response = ask(
        site, "PUT", f"{DEFINITION}s/versions/1", {"location": "eastus"}, version=GALLERY
    )
    refused(response, 404, "ParentResourceNotFound")
    response = ask(site, "PUT", f"{DEFINITION}2", {"location": "eastus"}, version=GALLERY)
    refused(response, 400, "InvalidParameter", "galleryImage.properties.osType")


def test_its_machines_are_told_when_to_patch_and_never_patch_by_themselves(site: World) -> None:
    """terraform-azurerm-avm-res-compute-virtualmachine#343."""
    put(site, machine(), with_gallery(site, "Generalized", SERVER))
    target = "windowsConfiguration.patchSettings.automaticByPlatformSettings."
    target += "bypassPlatformSafetyChecksOnUserSchedule"
    response = patch(site, patchMode="AutomaticByPlatform", automaticByPlatformSettings=CHECKED)
    refused(response, 400, "InvalidParameter", target)
    patch(site, patchMode="AutomaticByPlatform", automaticByPlatformSettings=BYPASSED)
    assert patch_settings(get(site))["bypass"] is True
    refused(patch(site, automaticByPlatformSettings=CHECKED), 400, "InvalidParameter", target)
    patch(site, patchMode="AutomaticByOS")
    assert patch_settings(get(site))["patchMode"] == "AutomaticByOS"


def test_a_machine_outlives_its_image(site: World) -> None:
    put(site, machine(), with_gallery(site, "Generalized", SERVER))
    by_hand.delete(site, site.resources[DEFINITION.rsplit("/", 2)[0].lower()])
    patch(site, assessmentMode="AutomaticByPlatform")
    assert patch_settings(get(site))["assessmentMode"] == "AutomaticByPlatform"


# -- images


def test_a_client_is_not_patched_at_all(site: World) -> None:
    """packer-plugin-azure#453; the assessment as in azure-rest-api-specs#31144."""
    put(site, machine(), of_image(CLIENT))
    wait(site, 120)
    target = "windowsConfiguration.patchSettings.patchMode"
    response = patch(site, patchMode="AutomaticByPlatform", automaticByPlatformSettings=BYPASSED)
    refused(response, 400, "InvalidParameter", target)
    assert "VMGuestPatchingCompatibility" in response.body["error"]["message"]
    install = {"rebootSetting": "Never", "windowsParameters": {}}
    for action, body in (("assessPatches", None), ("installPatches", install)):
        done = finish(site, ask(site, "POST", f"{machine()}/{action}", body, version=VERSION)).body
        assert (done["status"], done["error"]["code"]) == ("Failed", "VMGuestPatchInternalError")


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.sku)
def test_what_an_image_is_supported_for(site: World, image: Image) -> None:
    taken = []
    for platform in (None, CHECKED, BYPASSED):
        settings = {"automaticByPlatformSettings": platform} if platform else {}
        body = of_image(image.names, patchMode="AutomaticByPlatform", **settings)
        wanted = {**body, "properties": {**body["properties"]}}
        wanted["properties"]["hardwareProfile"] = {"vmSize": "Standard_B2ms"}
        taken.append(ask(site, "PUT", machine(), wanted, version=VERSION).status == 201)
        if taken[-1]:
            by_hand.delete(site, site.resources[machine().lower()])
            site.operations.clear()
            site.running.clear()
            for disk in [r for r in site.resources.values() if "/disks/" in r.id]:
                by_hand.delete(site, disk)
    assert (
        taken
        == {
            "automatic": [True, True, True],
            "scheduled": [True, False, True],
            "none": [False, False, False],
        }[image.support]
    )


@pytest.mark.parametrize(
    ("names", "service", "package"),
    [
        (("RedHat", "RHEL", "9-lvm-gen2"), "YUM", "kernel_5.14.0-"),
        (SLES, "Zypper", "kernel-default_"),
        (("Debian", "debian-11", "11-gen2"), "APT", "linux-image-cloud-amd64_"),
    ],
)
def test_every_distribution_has_its_packages(
    site: World, names: tuple[str, str, str], service: str, package: str
) -> None:
    put(site, machine(), of_image(names, **PLATFORM))
    wait(site, 120)
    done = finish(site, ask(site, "POST", f"{machine()}/assessPatches", version=VERSION)).body
    found = [patch["patchId"] for patch in done["properties"]["output"]["availablePatches"]]
    assert found[0].startswith(package)
    assert found[0].endswith(named(*names).title.replace("SLES ", "SLES_").rpartition(" ")[2])
    wait(site, 3600)
    (row,) = told(
        site, "patchassessmentresources", "microsoft.compute/virtualmachines/patchassessmentresults"
    )
    assert row["properties"]["patchServiceUsed"] == service


# -- the modes that can be changed into each other


def test_automatic_updates_are_settled_when_a_machine_is_made(site: World) -> None:
    """azure-docs#112633: refused if sent, although the mode itself could be had."""
    body = of_image(SERVER.names)
    body["properties"]["osProfile"]["windowsConfiguration"] = {"enableAutomaticUpdates": False}
    put(site, machine(), body)
    assert patch_settings(get(site))["patchMode"] == "Manual"
    whole = {"enableAutomaticUpdates": True, "patchSettings": PLATFORM}
    sent = {"properties": {"osProfile": {"windowsConfiguration": whole}}}
    target = "windowsConfiguration.enableAutomaticUpdates"
    response = ask(site, "PATCH", machine(), sent, version=VERSION)
    refused(response, 409, "PropertyChangeNotAllowed", target)
    patch(site, **PLATFORM)
    assert patch_settings(get(site))["bypass"] is True
    target = "windowsConfiguration.patchSettings.patchMode"
    refused(patch(site, patchMode="AutomaticByOS"), 400, "InvalidParameter", target)
    patch(site, patchMode="Manual")
    assert patch_settings(get(site))["patchMode"] == "Manual"


def test_hotpatching_and_schedules_exclude_each_other(site: World) -> None:
    hot = ("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-azure-edition-core")
    put(site, machine(), of_image(hot, patchMode="AutomaticByPlatform", enableHotpatching=True))
    target = "windowsConfiguration.patchSettings."
    bypass = f"{target}automaticByPlatformSettings.bypassPlatformSafetyChecksOnUserSchedule"
    response = patch(site, automaticByPlatformSettings=BYPASSED)
    refused(response, 400, "InvalidParameter", bypass)
    response = patch(site, patchMode="AutomaticByOS")
    refused(response, 400, "InvalidParameter", f"{target}enableHotpatching")
    patch(site, enableHotpatching=False, automaticByPlatformSettings=BYPASSED)
    assert patch_settings(get(site))["bypass"] is True


def test_a_patch_changes_what_was_sent_and_nothing_else(site: World) -> None:
    body = of_image(SERVER.names, patchMode="AutomaticByPlatform", assessmentMode="ImageDefault")
    put(site, machine(), {**body, "tags": {"owner": "somebody"}})
    before = get(site)
    patch(site, automaticByPlatformSettings=BYPASSED)
    after = get(site)
    settings = before["properties"]["osProfile"]["windowsConfiguration"]["patchSettings"]
    settings["automaticByPlatformSettings"] = BYPASSED
    assert after == {**before, "etag": after["etag"]}


@pytest.mark.parametrize("action", ["powerOff", "deallocate"])
def test_a_machine_that_is_off_takes_settings(site: World, action: str) -> None:
    put(site, machine(), of_image(SERVER.names))
    finish(site, ask(site, "POST", f"{machine()}/{action}", version=VERSION))
    patch(site, **PLATFORM)
    assert patch_settings(get(site))["bypass"] is True


def test_a_policy_resets_what_was_set(site: World) -> None:
    put(site, machine(), of_image(SERVER.names, **PLATFORM))
    standing = site.resources[machine().lower()]
    by_hand.enforce(site, standing, {"assessmentMode": "ImageDefault"})
    assert patch_settings(get(site))["assessmentMode"] == "ImageDefault"
    assert patch_settings(get(site))["bypass"] is True


# -- several schedules


def assign(world: World, name: str) -> None:
    id = f"{machine()}/providers/Microsoft.Maintenance/configurationAssignments/{name}"
    properties = {"maintenanceConfigurationId": f"{CONFIGURATIONS}/{name}", "resourceId": machine()}
    body = {"location": "eastus", "properties": properties}
    assert ask(world, "PUT", id, body, version="2023-04-01").status == 200


@pytest.mark.parametrize(
    ("second", "statuses"),
    [
        ("2026-11-24 02:00", ["Succeeded"]),
        ("2026-11-24 02:10", ["Succeeded", "Succeeded"]),
        ("2026-11-24 05:00", ["Succeeded", "Succeeded"]),
    ],
    ids=["same start", "overlapping", "one after the other"],
)
def test_a_machine_in_two_schedules(site: World, second: str, statuses: list[str]) -> None:
    """Of two with the same start one runs; of overlapping ones the second waits (docs)."""
    put(site, machine(), of_image(SERVER.names, **PLATFORM))
    for name, start in (("first", "2026-11-24 02:00"), ("second", second)):
        schedule(site, start, name=name)
        assign(site, name)
    runs = go(site, "2026-11-24 12:00")
    assert [run["status"] for run in runs] == statuses
    begun = [turn["start"] for run in runs for turn in run["turns"].values()]
    ended = [turn["end"] for run in runs for turn in run["turns"].values()]
    assert all(later >= earlier for later, earlier in zip(begun[1:], ended, strict=False))


def test_a_machine_in_a_group_that_is_being_deleted(site: World) -> None:
    put(site, machine(), of_image(SERVER.names))
    assert ask(site, "DELETE", GROUP).status == 202
    assert get(site)["name"] == "vm"
    refused(patch(site, **PLATFORM), 409, "ResourceGroupBeingDeleted")
    wait(site, 300)
    assert ask(site, "GET", machine(), version=VERSION).status == 404
