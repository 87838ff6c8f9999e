"""az reads what patchctl has deployed, each of its resources field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.az.shell import Shell

NAME = "web"
GROUP = f"rg-patching-{NAME}"
EMAIL = "ops@example.com"
DEPLOYED = {
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Compute/virtualMachines/extensions",
    "Microsoft.Compute/disks",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/activityLogAlerts",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Maintenance/maintenanceConfigurations",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
}
"""What is in the group; the assignment and the role hang on other resources."""
TAGS = {
    "managed-by": "patchctl",
    "patchctl-deployment": NAME,
    "purpose": "patching-demo",
    "environment": "demo",
}


@dataclass(frozen=True)
class Deployed:
    """What patchctl has deployed, and a shell to look at it."""

    shell: Shell
    subscription: str
    suffix: str

    @property
    def group(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{GROUP}"

    def id(self, type: str, name: str) -> str:
        return f"{self.group}/providers/{type}/{name}-{self.suffix}"

    @property
    def machine(self) -> str:
        return self.id("Microsoft.Compute/virtualMachines", f"vm-{NAME}")

    @property
    def configuration(self) -> str:
        return self.id("Microsoft.Maintenance/maintenanceConfigurations", "mc-weekly-patches")

    def show(self, *command: str, name: str) -> Any:
        return self.shell.az(*command, "-g", GROUP, "-n", f"{name}-{self.suffix}")


@pytest.fixture(scope="module")
def deployed(shell: Shell) -> Deployed:
    shell.patchctl("deploy", "--name", NAME, "--email", EMAIL, "--first", "2099-01-03", "--yes")
    tags = shell.az("group", "show", "-n", GROUP)["tags"]
    subscription = shell.az("account", "show")["id"]
    return Deployed(shell, subscription, tags["patchctl-suffix"])


def require(found: Any, expected: Any, at: str = "") -> None:
    """Every expected field is there and equal; a text is compared as Azure compares ids."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert name in found, f"{at} has no {name}"
            require(found[name], value, f"{at}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), f"{at} has {len(found)} items"
        for number, (one, wanted) in enumerate(zip(found, expected, strict=True)):
            require(one, wanted, f"{at}[{number}]")
    elif isinstance(expected, str) and expected.startswith("/"):
        assert str(found).lower() == expected.lower(), at
    else:
        assert found == expected, at


def test_it_finds_every_resource(deployed: Deployed) -> None:
    listed = deployed.shell.az("resource", "list", "-g", GROUP)
    assert {resource["type"] for resource in listed} == DEPLOYED


def test_the_group(deployed: Deployed) -> None:
    group = deployed.shell.az("group", "show", "-n", GROUP)
    require(group, {"id": deployed.group, "location": "eastus", "tags": TAGS})


def test_the_security_group(deployed: Deployed) -> None:
    found = deployed.show("network", "nsg", "show", name=f"nsg-{NAME}")
    require(found, {"location": "eastus", "securityRules": [], "tags": TAGS})
    assert len(found["defaultSecurityRules"]) == 6


def test_the_virtual_network(deployed: Deployed) -> None:
    found = deployed.show("network", "vnet", "show", name=f"vnet-{NAME}")
    subnet = {
        "name": "default",
        "addressPrefix": "10.60.0.0/24",
        "defaultOutboundAccess": True,
        "provisioningState": "Succeeded",
    }
    space = {"addressPrefixes": ["10.60.0.0/24"]}
    require(found, {"addressSpace": space, "subnets": [subnet], "tags": TAGS})


def test_the_network_interface(deployed: Deployed) -> None:
    network = deployed.id("Microsoft.Network/virtualNetworks", f"vnet-{NAME}")
    configuration = {
        "primary": True,
        "privateIPAddress": "10.60.0.4",
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {"id": f"{network}/subnets/default"},
    }
    expected = {
        "ipConfigurations": [configuration],
        "networkSecurityGroup": {
            "id": deployed.id("Microsoft.Network/networkSecurityGroups", f"nsg-{NAME}")
        },
        "virtualMachine": {"id": deployed.machine},
        "primary": True,
        "tags": TAGS,
    }
    found = deployed.show("network", "nic", "show", name=f"nic-{NAME}")
    require(found, expected)
    assert "publicIPAddress" not in found["ipConfigurations"][0]


def test_the_machine(deployed: Deployed) -> None:
    settings = {
        "patchMode": "AutomaticByPlatform",
        "assessmentMode": "AutomaticByPlatform",
        "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": True},
    }
    windows = {
        "provisionVMAgent": True,
        "enableAutomaticUpdates": True,
        "patchSettings": settings,
    }
    image = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "version": "latest"}
    expected = {
        "id": deployed.machine,
        "location": "eastus",
        "provisioningState": "Succeeded",
        "hardwareProfile": {"vmSize": "Standard_B2s"},
        "osProfile": {
            "computerName": f"vm-{NAME}-{deployed.suffix}",
            "adminUsername": "azureuser",
            "windowsConfiguration": windows,
        },
        "securityProfile": {"securityType": "TrustedLaunch"},
        "storageProfile": {
            "imageReference": {**image, "sku": "2022-datacenter-g2"},
            "osDisk": {"osType": "Windows", "createOption": "FromImage", "deleteOption": "Delete"},
            "dataDisks": [],
        },
        "networkProfile": {
            "networkInterfaces": [
                {"id": deployed.id("Microsoft.Network/networkInterfaces", f"nic-{NAME}")}
            ]
        },
        "tags": TAGS,
    }
    found = deployed.show("vm", "show", name=f"vm-{NAME}")
    require(found, expected)
    assert "adminPassword" not in found["osProfile"]


def test_the_machine_as_it_runs(deployed: Deployed) -> None:
    view = deployed.show("vm", "get-instance-view", name=f"vm-{NAME}")["instanceView"]
    codes = [status["code"] for status in view["statuses"]]
    assert codes == ["ProvisioningState/succeeded", "PowerState/running"]
    require(view["patchStatus"], {"availablePatchSummary": {"status": "Succeeded"}})
    assert view["vmAgent"]["statuses"][0]["displayStatus"] == "Ready"


def test_the_disk(deployed: Deployed) -> None:
    expected = {
        "managedBy": deployed.machine,
        "diskState": "Attached",
        "osType": "Windows",
        "diskSizeGB": 127,
        "sku": {"name": "StandardSSD_LRS"},
        "tags": TAGS,
    }
    require(deployed.show("disk", "show", name=f"osdisk-{NAME}"), expected)


def test_the_extension(deployed: Deployed) -> None:
    machine = ("--vm-name", f"vm-{NAME}-{deployed.suffix}")
    (found,) = deployed.shell.az("vm", "extension", "list", "-g", GROUP, *machine)
    require(found, {"name": "WindowsPatchExtension", "publisher": "Microsoft.CPlat.Core"})


def test_the_action_group(deployed: Deployed) -> None:
    receiver = {"emailAddress": EMAIL, "useCommonAlertSchema": True, "status": "Enabled"}
    expected = {
        "groupShortName": "PatchAlert",
        "enabled": True,
        "emailReceivers": [receiver],
        "smsReceivers": [],
        "location": "Global",
        "tags": TAGS,
    }
    require(deployed.show("monitor", "action-group", "show", name="ag-patching"), expected)


def test_the_maintenance_configuration(deployed: Deployed) -> None:
    window = {
        "startDateTime": "2099-01-03 02:00",
        "duration": "02:00",
        "timeZone": "Eastern Standard Time",
        "recurEvery": "1Week Saturday",
    }
    patches = {
        "rebootSetting": "IfRequired",
        "windowsParameters": {"classificationsToInclude": ["Critical", "Security", "Updates"]},
    }
    properties = {
        "maintenanceScope": "InGuestPatch",
        "extensionProperties": {"inGuestPatchMode": "User"},
        "maintenanceWindow": window,
        "installPatches": patches,
    }
    found = deployed.shell.rest("get", deployed.configuration)
    require(found, {"id": deployed.configuration, "properties": properties, "tags": TAGS})


def test_the_assignment(deployed: Deployed) -> None:
    assignments = f"{deployed.machine}/providers/Microsoft.Maintenance/configurationAssignments"
    properties = {
        "maintenanceConfigurationId": deployed.configuration,
        "resourceId": deployed.machine,
    }
    (found,) = deployed.shell.rest("get", assignments)["value"]
    name = f"assign-mc-weekly-patches-{deployed.suffix}"
    require(found, {"name": name, "properties": properties})


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("Patch-Deployment-Activity", "maintenanceConfigurations/write"),
        ("Patch-Deployment-Deleted", "maintenanceConfigurations/delete"),
        ("Maintenance-Assignment-Alert", "configurationAssignments/write"),
        ("Maintenance-Assignment-Deleted", "configurationAssignments/delete"),
    ],
)
def test_the_activity_log_alerts(deployed: Deployed, name: str, operation: str) -> None:
    conditions = [
        {"field": "category", "equals": "Administrative"},
        {"field": "operationName", "equals": f"Microsoft.Maintenance/{operation}"},
        {"field": "status", "equals": "Succeeded"},
    ]
    action_group = deployed.id("Microsoft.Insights/actionGroups", "ag-patching")
    expected = {
        "enabled": True,
        "scopes": [deployed.group],
        "condition": {"allOf": conditions},
        "actions": {"actionGroups": [{"actionGroupId": action_group}]},
        "tags": TAGS,
    }
    require(deployed.show("monitor", "activity-log", "alert", "show", name=name), expected)


@pytest.mark.parametrize(
    ("name", "severity"),
    [("Patch-Run-Failed", 1), ("Patch-Run-Warned", 2), ("Patch-Run-Missed", 1)],
)
def test_the_alerts_on_results(deployed: Deployed, name: str, severity: int) -> None:
    type = "Microsoft.Insights/scheduledQueryRules"
    rule = deployed.id(type, f"{name}-{NAME}")
    identity = deployed.id("Microsoft.ManagedIdentity/userAssignedIdentities", "id-patching")
    found = deployed.shell.az("resource", "show", "--ids", rule)
    expected = {
        "location": "eastus",
        "tags": TAGS,
        "properties": {
            "enabled": True,
            "severity": severity,
            "scopes": [deployed.group],
            "evaluationFrequency": "PT15M",
            "actions": {
                "actionGroups": [deployed.id("Microsoft.Insights/actionGroups", "ag-patching")]
            },
        },
    }
    require(found, expected)
    assert [id.lower() for id in found["identity"]["userAssignedIdentities"]] == [identity.lower()]


def test_the_identity_of_the_alerts_may_read_the_group(deployed: Deployed) -> None:
    identity = deployed.show("identity", "show", name="id-patching")
    require(identity, {"location": "eastus", "tags": TAGS})
    (role,) = deployed.shell.az("role", "assignment", "list", "--scope", deployed.group)
    expected = {
        "principalId": identity["principalId"],
        "roleDefinitionName": "Reader",
        "scope": deployed.group,
    }
    require(role, expected)


def test_resource_graph(deployed: Deployed) -> None:
    query = f'resources | where resourceGroup =~ "{GROUP}" and type =~ "{MACHINES}" | project id'
    path = "/providers/Microsoft.ResourceGraph/resources"
    found = deployed.shell.rest("post", path, {"query": query}, version="api-version=2024-04-01")
    assert [row["id"].lower() for row in found["data"]] == [deployed.machine.lower()]


MACHINES = "Microsoft.Compute/virtualMachines"


def test_patchctl_takes_it_away_again(deployed: Deployed) -> None:
    deployed.shell.patchctl("destroy", "--name", NAME, "--yes")
    assert deployed.shell.az("group", "exists", "-n", GROUP) is False
