"""A world that holds one of everything, and what it answers, said in few words."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from arm_sandbox import by_hand
from arm_sandbox.app import settle
from arm_sandbox.providers import catalogue
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import SUBSCRIPTION, send, signed_in

NOON = 1_795_435_200.0
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
PROVIDERS = f"{GROUP}/providers"
NETWORK = f"{PROVIDERS}/Microsoft.Network"
VNET = f"{NETWORK}/virtualNetworks/vnet1"
SUBNET = f"{VNET}/subnets/default"
NSG = f"{NETWORK}/networkSecurityGroups/nsg1"
ADDRESS = f"{NETWORK}/publicIPAddresses/ip1"
NIC = f"{NETWORK}/networkInterfaces/nic1"
MACHINE = f"{PROVIDERS}/Microsoft.Compute/virtualMachines/vm1"
ARC_MACHINE = f"{PROVIDERS}/Microsoft.HybridCompute/machines/server1"
CONFIGURATION = f"{PROVIDERS}/Microsoft.Maintenance/maintenanceConfigurations/nightly"
ASSIGNMENT = f"{MACHINE}/providers/Microsoft.Maintenance/configurationAssignments/nightly"
ACTION_GROUP = f"{PROVIDERS}/Microsoft.Insights/actionGroups/ag1"
ALERT = f"{PROVIDERS}/Microsoft.Insights/activityLogAlerts/alert1"
RULE = f"{PROVIDERS}/Microsoft.Insights/scheduledQueryRules/rule1"
WORKSPACE = f"{PROVIDERS}/Microsoft.OperationalInsights/workspaces/workspace1"

VERSIONS = {
    "microsoft.network": "2024-05-01",
    "microsoft.compute": "2024-07-01",
    "microsoft.hybridcompute": "2026-06-16-preview",
    "microsoft.maintenance": "2023-04-01",
    "microsoft.operationalinsights": "2021-12-01-preview",
    "microsoft.authorization": "2022-04-01",
    "microsoft.resourcegraph": "2021-03-01",
    "actiongroups": "2023-01-01",
    "activitylogalerts": "2020-10-01",
    "scheduledqueryrules": "2021-08-01",
    "eventtypes": "2015-04-01",
    "locks": "2020-05-01",
}
"""Each the one that was recorded, or near it."""

WHERE = {"location": "eastus"}
PASSWORD = "Fidelity-2026!"
YOU = {"name": "you", "emailAddress": "you@example.com", "useCommonAlertSchema": True}
BODIES: dict[str, Any] = {
    NSG: WHERE,
    VNET: {
        **WHERE,
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [
                {
                    "name": "default",
                    "properties": {
                        "addressPrefix": "10.0.0.0/24",
                        "networkSecurityGroup": {"id": NSG},
                    },
                }
            ],
        },
    },
    ADDRESS: {
        **WHERE,
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"},
    },
    NIC: {
        **WHERE,
        "properties": {
            "ipConfigurations": [
                {
                    "name": "ipconfig1",
                    "properties": {"subnet": {"id": SUBNET}, "publicIPAddress": {"id": ADDRESS}},
                }
            ]
        },
    },
    MACHINE: {
        **WHERE,
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
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
                "adminUsername": "somebody",
                "adminPassword": PASSWORD,
                "windowsConfiguration": {
                    "patchSettings": {
                        "patchMode": "AutomaticByPlatform",
                        "automaticByPlatformSettings": {
                            "bypassPlatformSafetyChecksOnUserSchedule": True
                        },
                    }
                },
            },
            "networkProfile": {"networkInterfaces": [{"id": NIC}]},
        },
    },
    CONFIGURATION: {
        **WHERE,
        "properties": {
            "maintenanceScope": "InGuestPatch",
            "extensionProperties": {"InGuestPatchMode": "User"},
            "maintenanceWindow": {
                "startDateTime": "2026-12-05 02:00",
                "duration": "02:00",
                "timeZone": "UTC",
                "recurEvery": "1Week Saturday",
            },
            "installPatches": {
                "rebootSetting": "IfRequired",
                "windowsParameters": {"classificationsToInclude": ["Critical", "Security"]},
            },
        },
    },
    ASSIGNMENT: {**WHERE, "properties": {"maintenanceConfigurationId": CONFIGURATION}},
    ACTION_GROUP: {
        "location": "Global",
        "properties": {"groupShortName": "ag1", "enabled": True, "emailReceivers": [YOU]},
    },
    ALERT: {
        "location": "Global",
        "properties": {
            "scopes": [GROUP],
            "condition": {"allOf": [{"field": "category", "equals": "Administrative"}]},
            "actions": {"actionGroups": [{"actionGroupId": ACTION_GROUP}]},
            "enabled": True,
        },
    },
    RULE: {
        **WHERE,
        "properties": {
            "severity": 2,
            "enabled": True,
            "scopes": [GROUP],
            "evaluationFrequency": "PT5M",
            "windowSize": "PT5M",
            "criteria": {
                "allOf": [
                    {
                        "query": "Syslog | where TimeGenerated > ago(1h)",
                        "timeAggregation": "Count",
                        "operator": "GreaterThan",
                        "threshold": 360,
                    }
                ]
            },
            "actions": {"actionGroups": [ACTION_GROUP]},
        },
    },
    WORKSPACE: {**WHERE, "properties": {"sku": {"name": "PerGB2018"}}},
}
"""What can stand; what comes first is needed by what comes after it."""


class Site:
    """A client of a world of its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(
        self, method: str, path: str, body: Any = None, version: str = "", query: str = ""
    ) -> Response:
        url = f"https://management.azure.com{path}?api-version={version or version_of(path)}{query}"
        return self.follow(url, method, body)

    def follow(self, url: str, method: str = "GET", body: Any = None) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        settle(self.world, self.world.now + 1)
        return send(self.world, Request.parse(method, url, signed_in(self.world), content))

    def put(self, path: str, **changes: Any) -> Response:
        """Write what can stand at a path, its properties changed by name; None takes one away."""
        return self("PUT", path, changed(BODIES[path], **changes))

    def made(self, *paths: str) -> Site:
        """Let these stand, with all that they need."""
        for path in paths:
            assert self.put(path).status in (200, 201), path
            self.wait()
        return self

    def wait(self, seconds: float = 400) -> None:
        settle(self.world, self.world.now + seconds)


def site(*without: str) -> Site:
    """A world with one of everything, except what is named."""
    return Site(copy.deepcopy(_world(without)))


def arc() -> Site:
    """A world with one of everything, and a machine that its agent has connected."""
    here = site()
    here.world.registrations[f"{SUBSCRIPTION[15:]}/microsoft.hybridcompute"] = "Registered"
    image = catalogue.require_image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2")
    by_hand.connect(here.world, ARC_MACHINE, "eastus", image)
    return here


def empty() -> Site:
    """A world with the group only."""
    return site(*BODIES)


@cache
def _world(without: tuple[str, ...]) -> World:
    world = World(now=NOON)
    for namespace in ("Maintenance", "Insights", "ManagedIdentity", "OperationalInsights"):
        world.registrations[f"{SUBSCRIPTION[15:]}/microsoft.{namespace}".lower()] = "Registered"
    made = Site(world)
    made("PUT", GROUP, WHERE)
    made.made(*(path for path in BODIES if path not in without))
    return world


def version_of(path: str) -> str:
    parts = path.lower().split("/")
    namespaces = [parts[at + 1] for at, part in enumerate(parts[:-1]) if part == "providers"]
    known = [VERSIONS[part] for part in reversed(parts) if part in VERSIONS and "." not in part]
    return known[0] if known else VERSIONS.get((namespaces or [""])[-1], "2022-09-01")


def changed(body: Any, **changes: Any) -> Any:
    made = copy.deepcopy(body)
    properties = {**made.get("properties", {}), **changes}
    return {**made, "properties": {k: v for k, v in properties.items() if v is not None}}


HEADERS = {
    "azure-asyncoperation": "Azure-AsyncOperation",
    "location": "Location",
    "retry-after": "Retry-After",
}


def said(answer: Response) -> str:
    """An answer in few words: status, polling headers, state, code, or that there is no body."""
    headers = {name.lower() for name in answer.headers}
    words = [str(answer.status), *(told for name, told in HEADERS.items() if name in headers)]
    body = answer.body if isinstance(answer.body, dict) else {}
    state = (body.get("properties") or {}).get("provisioningState") if body else None
    return ", ".join([*words, *([str(state)] if state else []), *_ending(answer)])


def _ending(answer: Response) -> list[str]:
    if answer.status >= 400:
        return [code_of(answer.body)] if answer.body is not None else ["no body"]
    return [] if answer.body is not None else ["no body"]


def code_of(body: Any) -> str:
    """The code of an error in any of the shapes."""
    inner = body.get("error") or body.get("Error") or body
    return str(inner.get("code") or inner.get("Code") or "no code")


def message_of(body: Any) -> str:
    inner = body.get("error") or body.get("Error") or body
    return str(inner.get("message") or inner.get("Message"))


def short(text: Any) -> str:
    """Ids without what is only of this world."""
    return str(text).replace(SUBSCRIPTION, "/S")
