"""How the time of Resource Graph queries on the sandbox grows with the number of machines."""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import Any

from arm_sandbox import tables, tokens
from arm_sandbox.app import respond
from arm_sandbox.wire import Request
from arm_sandbox.world import Resource, World, stamp

NOW = 1_795_435_200.0
MACHINE = "Microsoft.Compute/virtualMachines"
PATCHES = 5
"""Updates that each machine lacks, and has had installed in one run."""
QUERIES = {
    "machines": "resources | where type =~ 'microsoft.compute/virtualmachines' "
    "| project id, mode=tostring(properties.osProfile.windowsConfiguration.patchSettings.patchMode)"
    " | order by id asc",
    "assessments": "patchassessmentresources | where type !has 'softwarepatches' "
    "| project id, status=tostring(properties.status), "
    "security=toint(properties.availablePatchCountByClassification.security) | order by id asc",
    "updates": "patchassessmentresources | where type has 'softwarepatches' "
    "| project id, name=tostring(properties.patchName) | order by id asc",
    "compliance": "resources | where type =~ 'microsoft.compute/virtualmachines' "
    "| project vmId=tolower(id) | join kind=leftouter (patchassessmentresources "
    "| where type !has 'softwarepatches' | parse id with machine '/patchAssessmentResults/' * "
    "| extend vmId=tolower(machine)) on vmId "
    "| summarize dcount(vmId) by tostring(properties.status)",
}


def world_of(machines: int) -> World:
    """Machines that have been assessed and patched once, with a disk and an interface each."""
    world = World(now=NOW)
    [subscription] = world.subscriptions
    for number in range(machines):
        group = f"/subscriptions/{subscription}/resourceGroups/rg-{number % 50}"
        id = f"{group}/providers/{MACHINE}/vm-{number:05}"
        settings = {"patchMode": "AutomaticByPlatform", "assessmentMode": "AutomaticByPlatform"}
        properties: dict[str, Any] = {
            "osProfile": {"windowsConfiguration": {"patchSettings": settings}}
        }
        body = {"location": "eastus", "properties": properties}
        world.add(Resource(id, MACHINE, body, {"power": "running"}))
        for type in ("Microsoft.Compute/disks", "Microsoft.Network/networkInterfaces"):
            other = f"{group}/providers/{type}/of-vm-{number:05}"
            world.add(Resource(other, type, {"location": "eastus", "properties": {}}))
        _publish_results(world, id)
    return world


def _publish_results(world: World, machine: str) -> None:
    counts = {"security": 2, "critical": 1, "other": 0}
    assessed = {"status": "Succeeded", "availablePatchCountByClassification": counts}
    latest = f"{machine}/patchAssessmentResults/latest"
    run = f"{machine}/patchInstallationResults/{machine[-5:]}"
    _publish(world, "patchassessmentresources", latest, "patchAssessmentResults", assessed)
    _publish(
        world, "patchinstallationresources", run, "patchInstallationResults", {"status": "Failed"}
    )
    for number in range(PATCHES):
        patch = {"patchName": f"Update {number}", "kbId": str(number), "lastModified": stamp(NOW)}
        for table, above, type in (
            ("patchassessmentresources", latest, "patchAssessmentResults"),
            ("patchinstallationresources", run, "patchInstallationResults"),
        ):
            below = f"{above}/softwarePatches/{number}"
            _publish(world, table, below, f"{type}/softwarePatches", patch)


def _publish(world: World, table: str, id: str, type: str, properties: dict[str, Any]) -> None:
    row = {"id": id, "type": f"{MACHINE}/{type}", "properties": properties}
    tables.publish(world, table, row, lag=0, keep=tables.ASSESSMENTS_KEPT)


def ask(world: World, query: str) -> tuple[int, int]:
    """All pages of a query; answers how many rows and how many pages they were."""
    rows = pages = 0
    options: dict[str, Any] = {}
    while True:
        world.now += 1  # no faster than the quota allows
        body = {"query": query, "options": options}
        url = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources"
        headers = {"authorization": f"Bearer {tokens.unsigned(tokens.claims(world))}"}
        query_parameters = {"api-version": "2024-04-01"}
        answer = respond(world, Request("POST", url[28:], query_parameters, headers, body))
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {answer.body}")
        rows, pages = rows + answer.body["count"], pages + 1
        if "$skipToken" not in answer.body:
            return rows, pages
        options = {"$skipToken": answer.body["$skipToken"]}


def report(sizes: list[int]) -> None:
    print(f"{'machines':>8}  {'query':<12} {'rows':>6} {'pages':>5} {'seconds':>8} {'a page':>8}")
    for size in sizes:
        tracemalloc.start()
        world = world_of(size)
        held = tracemalloc.get_traced_memory()[0] / 2**20
        tracemalloc.stop()
        for name, query in QUERIES.items():
            began = time.perf_counter()
            rows, pages = ask(world, query)
            took = time.perf_counter() - began
            print(f"{size:8}  {name:<12} {rows:6} {pages:5} {took:8.3f} {took / pages:8.3f}")
        print(f"{size:8}  the world holds {held:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[100, 1_000, 10_000])
    report(parser.parse_args().sizes)
