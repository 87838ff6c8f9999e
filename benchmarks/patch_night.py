"""How the time of one run of a schedule on the sandbox grows with the number of machines."""

from __future__ import annotations

import argparse
import time

from arm_sandbox import patch_night
from arm_sandbox.patching import runs, scopes
from arm_sandbox.world import Resource, World

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC
GROUP = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/default"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/nic"
MACHINES = "Microsoft.Compute/virtualMachines"
CONFIGURATION = f"{GROUP}/providers/{runs.CONFIGURATION}/nightly"
IMAGES = {
    "Windows": ("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter-g2"),
    "Linux": ("Canonical", "ubuntu-24_04-lts", "server"),
}
SETTINGS = {
    "patchMode": "AutomaticByPlatform",
    "automaticByPlatformSettings": {"bypassPlatformSafetyChecksOnUserSchedule": True},
}


def world_of(number: int) -> World:
    """Machines, half of them with Linux, that a schedule patches in the following night."""
    world = World(now=NOON)
    inside = {"properties": {"subnet": {"id": SUBNET}}}
    _add(world, SUBNET, "Microsoft.Network/virtualNetworks/subnets")
    _add(world, NIC, "Microsoft.Network/networkInterfaces", ipConfigurations=[inside])
    for n in range(number):
        _add_machine(world, f"{GROUP}/providers/{MACHINES}/vm{n:05}", ("Windows", "Linux")[n % 2])
    window = {"startDateTime": "2026-11-24 02:00", "timeZone": "UTC", "recurEvery": "Day"}
    configuration = _add(
        world,
        CONFIGURATION,
        runs.CONFIGURATION,
        maintenanceScope="InGuestPatch",
        maintenanceWindow={**window, "duration": "03:00"},
    )
    runs.written(world, configuration)
    return world


def _add_machine(world: World, id: str, os: str) -> None:
    image = dict(zip(("publisher", "offer", "sku"), IMAGES[os], strict=True))
    configuration = {"provisionVMAgent": True, "patchSettings": SETTINGS}
    profile = {"allowExtensionOperations": True, f"{os.lower()}Configuration": configuration}
    machine = _add(
        world,
        id,
        MACHINES,
        storageProfile={"imageReference": image, "osDisk": {"osType": os}},
        networkProfile={"networkInterfaces": [{"id": NIC}]},
        osProfile=profile,
    )
    machine.hidden.update(power="running", agentReady=0.0)
    _add(
        world,
        f"{id}/providers/{scopes.ASSIGNMENT}/nightly",
        scopes.ASSIGNMENT,
        maintenanceConfigurationId=CONFIGURATION,
    )


def _add(world: World, id: str, type: str, **properties: object) -> Resource:
    body = {"id": id, "name": id.rsplit("/", 1)[1], "location": "eastus", "properties": properties}
    return world.add(Resource(id, type, body))


def report(numbers: list[int]) -> None:
    print(f"{'machines':>8} {'seconds':>8} {'ms each':>8}  outcome")
    for number in numbers:
        world = world_of(number)
        began = time.process_time()
        [run] = patch_night.advance(world, NOON + 86400)
        took = time.process_time() - began
        print(f"{number:>8} {took:>8.2f} {1000 * took / number:>8.2f}  {run['status']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, nargs="+", default=[100, 1000, 10_000])
    report(parser.parse_args().machines)
