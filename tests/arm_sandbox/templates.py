"""Templates to deploy: the one that `az vm create` sends, and small ones."""

from __future__ import annotations

from typing import Any

from tests.arm_sandbox.ask import GROUP

NETWORK = f"{GROUP}/providers/Microsoft.Network"
PASSWORD = "Canary-4711-Canary"


def template(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": list(resources),
        **more,
    }


def security_group(name: str = "nsg", **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Network/networkSecurityGroups",
        "apiVersion": "2015-06-15",
        "name": name,
        "location": "[resourceGroup().location]",
        **more,
    }


def machine_template(**machine: Any) -> dict[str, Any]:
    """What azure-cli 2.91 sends for a Windows machine without an address, nulls included."""
    return template(
        {
            "type": "Microsoft.Network/virtualNetworks",
            "apiVersion": "2015-06-15",
            "name": "web1VNET",
            "location": "eastus",
            "dependsOn": [],
            "tags": {},
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "web1Subnet", "properties": {"addressPrefix": "10.0.0.0/24"}}],
            },
        },
        {
            "type": "Microsoft.Network/networkSecurityGroups",
            "apiVersion": "2015-06-15",
            "name": "web1NSG",
            "location": "eastus",
            "dependsOn": [],
            "tags": {},
        },
        {
            "type": "Microsoft.Network/networkInterfaces",
            "apiVersion": "2015-06-15",
            "name": "web1VMNic",
            "location": "eastus",
            "dependsOn": [
                "Microsoft.Network/virtualNetworks/web1VNET",
                "Microsoft.Network/networkSecuritygroups/web1NSG",
            ],
            "tags": {},
            "properties": {
                "ipConfigurations": [
                    {
                        "name": "ipconfigweb1",
                        "properties": {
                            "privateIPAllocationMethod": "Dynamic",
                            "subnet": {
                                "id": f"{NETWORK}/virtualNetworks/web1VNET/subnets/web1Subnet"
                            },
                        },
                    }
                ],
                "networkSecurityGroup": {"id": f"{NETWORK}/networkSecurityGroups/web1NSG"},
            },
        },
        {
            "type": "Microsoft.Compute/virtualMachines",
            "apiVersion": "2026-04-01",
            "name": "web1",
            "location": "eastus",
            "dependsOn": ["Microsoft.Network/networkInterfaces/web1VMNic"],
            "tags": {},
            "properties": _machine_properties() | machine,
        },
        parameters={"adminPassword": {"type": "securestring", "metadata": {"description": "x"}}},
        variables={},
        outputs={},
    )


def _machine_properties() -> dict[str, Any]:
    nic = f"{NETWORK}/networkInterfaces/web1VMNic"
    return {
        "hardwareProfile": {"vmSize": "Standard_B2s"},
        "networkProfile": {
            "networkInterfaces": [{"id": nic, "properties": {"deleteOption": None}}]
        },
        "storageProfile": {
            "osDisk": {
                "createOption": "fromImage",
                "name": None,
                "caching": "ReadWrite",
                "managedDisk": {"storageAccountType": None},
            },
            "imageReference": {
                "publisher": "MicrosoftWindowsServer",
                "offer": "WindowsServer",
                "sku": "2022-datacenter-g2",
                "version": "latest",
            },
        },
        "osProfile": {
            "computerName": "web1",
            "adminUsername": "azureuser",
            "adminPassword": "[parameters('adminPassword')]",
        },
    }
