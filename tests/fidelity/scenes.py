"""What stood in Azure before a recording began, and when that was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import tokens
from arm_sandbox.app import settle
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import send

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
"""All recordings are scrubbed to this one."""
GROUP_TYPE = "Microsoft.Resources/resourceGroups"
NAMESPACES = (
    "Microsoft.Insights",
    "Microsoft.Maintenance",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.PolicyInsights",
)
YEAR = 365 * 86400.0


@dataclass(frozen=True)
class Machine:
    """A machine that somebody had made: its group, name, region, and the image it came from."""

    group: str
    name: str
    location: str
    image: tuple[str, str, str]


@dataclass(frozen=True)
class Scene:
    """`targets` are resources of types that the sandbox does not know; only their ids matter."""

    when: str = "2024-12-01"
    machines: tuple[Machine, ...] = ()
    targets: tuple[str, ...] = ()


_WINDOWS = ("MicrosoftWindowsServer", "WindowsServer", "2019-datacenter-gensecond")
_HOST = "/providers/Microsoft.Compute/hostGroups"
SCENES = {
    "delete_dependent_resources": Scene(when="2021-07-07"),
    "maintenance_2023": Scene(
        when="2023-03-23",
        targets=(
            "clitest000001/providers/Microsoft.Compute/virtualMachineScaleSets/clitestvmss",
            f"clitest000001{_HOST}/clidhtesthostgroup/hosts/clidhtesthost",
        ),
    ),
    "resource_policy_identity": Scene(when="2023-08-23"),
    "scheduled_query_update_action_group": Scene(
        when="2024-04-11",
        targets=(
            "cli_test_scheduled_query_update000001/providers/"
            "Microsoft.Compute/virtualMachines/myvm1",
        ),
    ),
    "powershell_maintenance_and_patches": Scene(
        when="2022-01-03",
        machines=(Machine("crptestps1778", "vmcrptestps1778", "eastus", _WINDOWS),),
        targets=(f"mrptesteastus2euap{_HOST}/mrpdhgeastus2euap/hosts/mrpdheastus2euap",),
    ),
}


def world_of(name: str, recording: list[dict[str, Any]]) -> World:
    """The world in which a recording can be played again."""
    scene = SCENES.get(name, Scene())
    now = datetime.fromisoformat(scene.when).replace(tzinfo=UTC).timestamp()
    world = World(now=now, subscriptions={SUBSCRIPTION: "Recorded"})
    for namespace in NAMESPACES:
        world.registrations[f"{SUBSCRIPTION}/{namespace}".lower()] = "Registered"
    for group in _groups(recording):
        world.add(Resource(group["id"], GROUP_TYPE, group))
    for machine in scene.machines:
        make(world, machine)
    for target in scene.targets:
        id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{target}"
        body = {"id": id, "name": id.rsplit("/", 1)[1], "location": "eastus2euap"}
        world.add(Resource(id, "/".join(id.split("/")[6:9:2]), body))
    return world


def _groups(recording: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups that a recording works in, as it shows them, without those that it makes."""
    shown: dict[str, dict[str, Any]] = {}
    for exchange in recording:
        found = re.match(
            r"/subscriptions/[^/]+/resourcegroups/([^/]+)(/.*)?$", exchange["path"], re.I
        )
        if found is None or found[1].lower() in shown:
            continue
        made = exchange["method"] == "PUT" and not found[2]
        id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{found[1]}"
        group = {"id": id, "name": found[1], "type": GROUP_TYPE, "location": "westus"}
        body = exchange["response"]["body"] if not found[2] else None
        state = {"properties": {"provisioningState": "Succeeded"}}
        shown[found[1].lower()] = {} if made else {**group, **state, **(body or {})}
    return [group for group in shown.values() if group]


def send_as(world: World, method: str, url: str, content: bytes = b"") -> Response:
    """A request of somebody who may do everything, and whose token lasts."""
    token = tokens.unsigned(tokens.claims(world, seconds=YEAR))
    headers = {"Authorization": f"Bearer {token}"}
    return send(world, Request.parse(method, url, headers, content))


def make(world: World, machine: Machine) -> None:
    """Make a machine with its network, and wait until its agent is ready."""
    import json

    publisher, offer, sku = machine.image
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{machine.group}/providers"
    network = f"{base}/Microsoft.Network/virtualNetworks/{machine.name}-vnet"
    interface = f"{base}/Microsoft.Network/networkInterfaces/{machine.name}-nic"
    subnet = {"name": "default", "properties": {"addressPrefix": "10.0.0.0/24"}}
    configuration = {"subnet": {"id": f"{network}/subnets/default"}}
    documents: list[tuple[str, str, Any]] = [
        (
            network,
            "2024-05-01",
            {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet]},
        ),
        (
            interface,
            "2024-05-01",
            {"ipConfigurations": [{"name": "ipconfig1", "properties": configuration}]},
        ),
        (
            f"{base}/Microsoft.Compute/virtualMachines/{machine.name}",
            "2024-07-01",
            {
                "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
                "storageProfile": {
                    "imageReference": {
                        "publisher": publisher,
                        "offer": offer,
                        "sku": sku,
                        "version": "latest",
                    },
                    "osDisk": {"createOption": "FromImage"},
                },
                "osProfile": {
                    "computerName": machine.name[:15],
                    "adminUsername": "somebody",
                    "adminPassword": "Fidelity-2024!",
                },
                "networkProfile": {"networkInterfaces": [{"id": interface}]},
            },
        ),
    ]
    for path, version, properties in documents:
        url = f"https://management.azure.com{path}?api-version={version}"
        body = {"location": machine.location, "properties": properties}
        answer = send_as(world, "PUT", url, json.dumps(body).encode())
        assert answer.status == 201, answer.body
        settle(world, world.now + 300)
