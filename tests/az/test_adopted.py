"""az makes resources under patchctl's names and tags: patchctl says what holds, and takes them
away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.az.shell import Shell

NAME, SUFFIX = "byaz", "0a1b2c"
GROUP = f"rg-patching-{NAME}"
MACHINE = f"vm-{NAME}-{SUFFIX}"
EMAIL = "ops@example.com"
TAGS = {
    "managed-by": "patchctl",
    "patchctl-deployment": NAME,
    "purpose": "patching-demo",
    "environment": "demo",
}
ASKED = {"emails": [EMAIL], "schedule.first": "2099-01-03"}


def words(tags: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in tags.items())


@pytest.fixture(scope="module")
def made(shell: Shell) -> Shell:
    """A group, its network, a machine and an action group, made by az alone."""
    memory = {"patchctl-suffix": SUFFIX, "patchctl-asked-01": json.dumps(ASKED)}
    shell.az("group", "create", "-n", GROUP, "-l", "eastus", "--tags", *words(TAGS | memory))
    here = ("-g", GROUP, "--tags", *words(TAGS))
    shell.az("network", "nsg", "create", "-n", f"nsg-{NAME}-{SUFFIX}", *here)
    space = ("--address-prefix", "10.60.0.0/24", "--subnet-prefix", "10.60.0.0/24")
    network = ("-n", f"vnet-{NAME}-{SUFFIX}", *space, "--subnet-name", "default")
    shell.az("network", "vnet", "create", *network, *here)
    place = ("--vnet-name", f"vnet-{NAME}-{SUFFIX}", "--subnet", "default")
    shield = ("--network-security-group", f"nsg-{NAME}-{SUFFIX}")
    shell.az("network", "nic", "create", "-n", f"nic-{NAME}-{SUFFIX}", *place, *shield, *here)
    shell.az("vm", "create", "-n", MACHINE, *_machine(), *here)
    receiver = ("--action", "email", "patchctl-1", EMAIL, "usecommonalertschema")
    name = ("-n", f"ag-patching-{SUFFIX}", "--short-name", "PatchAlert")
    shell.az("monitor", "action-group", "create", *name, *receiver, *here)
    return shell


def _machine() -> tuple[str, ...]:
    return (
        *("--nics", f"nic-{NAME}-{SUFFIX}", "--image", "Win2022Datacenter"),
        *("--size", "Standard_B2s", "--security-type", "TrustedLaunch"),
        *("--admin-username", "azureuser", "--admin-password", "Canary-4711-Canary"),
        *("--patch-mode", "AutomaticByPlatform", "--os-disk-name", f"osdisk-{NAME}-{SUFFIX}"),
        *("--computer-name", MACHINE),
    )


def wrong(document: Any, step: str) -> dict[str, Any]:
    """What does not hold in a step, and what is there instead; not what nobody can know."""
    (found,) = (each for each in document["steps"] if each["step"] == step)
    return {f["subject"]: f["got"] for f in found["findings"] if f["ok"] is False}


def test_patchctl_says_what_holds_and_what_does_not(made: Shell) -> None:
    document = made.patchctl("validate", "--name", NAME, code=5)
    assert wrong(document, "network") == {}
    assert wrong(document, "action-group") == {}
    machine = wrong(document, "virtual-machine")
    assert machine.pop("OS disk's tags").startswith("environment=none")
    assert machine == {
        "assessmentMode": "ImageDefault",
        "bypassPlatformSafetyChecksOnUserSchedule": "none",
        "rebootSetting": "none",
    }
    assert wrong(document, "assignment") == {"schedule": "none"}


def test_patchctl_is_content_with_what_az_has_mended(made: Shell) -> None:
    group = f"/subscriptions/{made.az('account', 'show')['id']}/resourceGroups/{GROUP}"
    configuration = f"Microsoft.Maintenance/maintenanceConfigurations/mc-weekly-patches-{SUFFIX}"
    assignment = f"Microsoft.Maintenance/configurationAssignments/assign-mc-weekly-patches-{SUFFIX}"
    made.az("vm", "update", "-g", GROUP, "-n", MACHINE, "--set", _patch_settings())
    disk = f"{group}/providers/Microsoft.Compute/disks/osdisk-{NAME}-{SUFFIX}"
    made.az("tag", "update", "--resource-id", disk, "--operation", "Merge", "--tags", *words(TAGS))
    made.az("provider", "register", "-n", "Microsoft.Maintenance", "--wait")
    made.rest("put", f"{group}/providers/{configuration}", _schedule())
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/{MACHINE}"
    properties = {"maintenanceConfigurationId": f"{group}/providers/{configuration}"}
    body = {"location": "eastus", "properties": properties}
    made.rest("put", f"{machine}/providers/{assignment}", body)
    document = made.patchctl("validate", "--name", NAME, code=5)
    for step in ("network", "virtual-machine", "maintenance-configuration", "assignment"):
        assert wrong(document, step) == {}
    assert wrong(document, "activity-log-alerts") != {}


def _patch_settings() -> str:
    settings = {
        "patchMode": "AutomaticByPlatform",
        "assessmentMode": "AutomaticByPlatform",
        "automaticByPlatformSettings": {
            "bypassPlatformSafetyChecksOnUserSchedule": True,
            "rebootSetting": "IfRequired",
        },
    }
    return f"osProfile.windowsConfiguration.patchSettings={json.dumps(settings)}"


def _schedule() -> dict[str, Any]:
    window = {
        "startDateTime": "2099-01-03 02:00",
        "duration": "02:00",
        "timeZone": "Eastern Standard Time",
        "recurEvery": "1Week Saturday",
    }
    classifications = ["Critical", "Security", "Updates"]
    return {
        "location": "eastus",
        "tags": TAGS,
        "properties": {
            "maintenanceScope": "InGuestPatch",
            "visibility": "Custom",
            "extensionProperties": {"InGuestPatchMode": "User"},
            "maintenanceWindow": window,
            "installPatches": {
                "rebootSetting": "IfRequired",
                "windowsParameters": {"classificationsToInclude": classifications},
            },
        },
    }


def test_patchctl_takes_away_what_az_has_made(made: Shell) -> None:
    made.patchctl("destroy", "--name", NAME, "--yes")
    assert made.az("group", "exists", "-n", GROUP) is False
