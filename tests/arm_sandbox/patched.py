"""A world in which patching has happened, and the same facts as plain Python data beside it.

Rows have the fields of the official tables (Update Manager, "Access Azure Update Manager operations
data"); ids and types vary in case as Azure's do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import tables
from arm_sandbox.tables import DAY
from arm_sandbox.world import Resource, World, stamp
from tests.arm_sandbox.conftest import NOON

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
MACHINES = "Microsoft.Compute/virtualMachines"
CONFIGURATIONS = "Microsoft.Maintenance/maintenanceConfigurations"
ASSIGNMENTS = "Microsoft.Maintenance/configurationAssignments"
STATUSES = ("Succeeded", "Succeeded", "Failed", "CompletedWithWarnings", "InProgress")
CLASSES = ("critical", "security", "updateRollup", "definition", "updates", "other")
Fact = dict[str, Any]


@dataclass
class Patched:
    """What is true in the world, as dictionaries of properties."""

    world: World
    machines: list[Fact] = field(default_factory=list)
    assessments: list[Fact] = field(default_factory=list)
    installations: list[Fact] = field(default_factory=list)
    installed: list[Fact] = field(default_factory=list)
    runs: list[Fact] = field(default_factory=list)
    machine_runs: list[Fact] = field(default_factory=list)
    assignments: list[Fact] = field(default_factory=list)
    configurations: list[str] = field(default_factory=list)


def patched(seed: int, machines: int = 40) -> Patched:
    """The same world for the same seed, at noon."""
    chance = random.Random(seed)
    facts = Patched(World(now=NOON))
    for number in range(2):
        _configuration(facts, f"{SUBSCRIPTION}/resourceGroups/RG-{number}", f"mc-{number}")
    for number in range(machines):
        _machine(facts, chance, number)
    for machine in facts.machines:
        _assessment(facts, chance, machine)
        _assignment(facts, chance, machine)
    for configuration in facts.configurations:
        for night in range(3):
            _run(facts, chance, configuration, NOON - (night * 7 + 1) * DAY)
    return facts


def _configuration(facts: Patched, group: str, name: str) -> None:
    id = f"{group}/providers/{CONFIGURATIONS}/{name}"
    body = {"location": "eastus", "tags": {}, "properties": {"maintenanceScope": "InGuestPatch"}}
    facts.world.add(Resource(id, CONFIGURATIONS, body))
    facts.configurations.append(id)
    scope = f"{group}/providers/{ASSIGNMENTS}/{name}-scope"
    _assign(facts, scope, id, group)


def _machine(facts: Patched, chance: random.Random, number: int) -> None:
    os, name = chance.choice(["Windows", "Linux"]), f"vm-{number:04}"
    id = f"{SUBSCRIPTION}/resourceGroups/RG-{number % 2}/providers/{MACHINES}/{name}"
    settings: Fact = {"patchMode": chance.choice(["AutomaticByPlatform", "AutomaticByOS"])}
    if settings["patchMode"] == "AutomaticByPlatform":
        bypass = chance.random() < 0.7
        settings["automaticByPlatformSettings"] = {
            "bypassPlatformSafetyChecksOnUserSchedule": bypass
        }
    ring = chance.choice(["dev", "prod", None])
    properties = {
        "storageProfile": {"osDisk": {"osType": os}},
        "osProfile": {f"{os.lower()}Configuration": {"patchSettings": settings}},
    }
    body: Fact = {"location": chance.choice(["eastus", "westeurope"]), "properties": properties}
    if ring:
        body["tags"] = {"patchRing": ring}
    power = chance.choice(["running", "deallocated"])
    facts.world.add(Resource(id, MACHINES, body, {"power": power}))
    facts.machines.append({"id": id, "name": name, "os": os, "ring": ring, **body, **settings})


def _assign(facts: Patched, id: str, configuration: str, target: str) -> None:
    properties = {"maintenanceConfigurationId": configuration, "resourceId": target}
    facts.world.add(Resource(id, ASSIGNMENTS, {"properties": properties}))
    facts.assignments.append({"id": id.lower(), **properties})


def _assignment(facts: Patched, chance: random.Random, machine: Fact) -> None:
    if chance.random() < 0.7:
        configuration = chance.choice(facts.configurations)
        id = f"{machine['id']}/providers/{ASSIGNMENTS}/assign"
        _assign(facts, id, configuration.lower(), machine["id"].lower())


def _assessment(facts: Patched, chance: random.Random, machine: Fact) -> None:
    if chance.random() < 0.2:
        return
    properties = {
        "status": chance.choice(["Succeeded", "Succeeded", "Succeeded", "Failed"]),
        "rebootPending": chance.random() < 0.3,
        "osType": machine["os"],
        "lastModifiedDateTime": stamp(NOON - chance.random() * 7 * DAY),
        "availablePatchCountByClassification": {
            name: chance.choice([0, 0, 0, chance.randrange(9)]) for name in CLASSES
        },
    }
    id = f"{machine['id']}/patchAssessmentResults/latest"
    _publish(
        facts, "patchassessmentresources", id, properties, f"{MACHINES}/PatchAssessmentResults"
    )
    facts.assessments.append({"id": id, "machine": machine["id"], **properties})


def _run(facts: Patched, chance: random.Random, configuration: str, start: float) -> None:
    began = datetime.fromtimestamp(start, UTC)
    name = f"{began:%Y%m%d%H%M%S}"
    run = f"{configuration}/providers/Microsoft.Maintenance/applyUpdates/{name}".lower()
    assigned = [
        a["resourceId"]
        for a in facts.assignments
        if a["maintenanceConfigurationId"].lower() == configuration.lower()
    ]
    machines = [m for m in facts.machines if m["id"].lower() in assigned]
    results = [_installation(facts, chance, machine, run, start) for machine in machines]
    done = results.count("Succeeded")
    status = "Succeeded" if done == len(results) else chance.choice(["Failed", "InProgress"])
    properties = {
        "status": status,
        "startDateTime": stamp(start),
        "endDateTime": stamp(start + 7200),
        "correlationId": run,
        "maintenanceConfigurationId": configuration,
        "maintenanceConfiguration": {"properties": {"maintenanceScope": "InGuestPatch"}},
        "resourceUpdateSummary": {"succeeded": done, "total": len(results)},
    }
    type = f"{CONFIGURATIONS}/applyUpdates"
    _publish(facts, "maintenanceresources", run, properties, type)
    facts.runs.append({"id": run, "name": name, **properties})


def _installation(
    facts: Patched, chance: random.Random, machine: Fact, run: str, start: float
) -> str:
    guid = f"{chance.getrandbits(128):032x}"
    status = chance.choice(STATUSES)
    counts = {f"{name}PatchCount": chance.randrange(5) for name in COUNTED}
    properties = {
        "installationActivityId": guid,
        "maintenanceRunId": chance.choice([run, run.upper()]),
        "maintenanceWindowExceeded": chance.random() < 0.1,
        "startDateTime": stamp(start),
        "lastModifiedDateTime": stamp(start + chance.randrange(600, 7000)),
        "status": status,
        "rebootStatus": chance.choice(["NotNeeded", "Required", "Completed"]),
        "osType": machine["os"],
        **counts,
    }
    id = f"{machine['id']}/patchInstallationResults/{guid}"
    _publish(
        facts, "patchinstallationresources", id, properties, f"{MACHINES}/patchInstallationResults"
    )
    facts.installations.append(
        {"id": id, "name": guid, "machine": machine["name"], "machineId": machine["id"]}
        | properties
    )
    for number in range(chance.randrange(3)):
        _patch(facts, chance, machine, id, number, properties["lastModifiedDateTime"])
    update = {
        "correlationId": run,
        "resourceId": machine["id"].lower(),
        "maintenanceScope": "InGuestPatch",
        "status": status,
    }
    update_id = f"{machine['id']}/providers/Microsoft.Maintenance/applyUpdates/{guid}"
    _publish(facts, "maintenanceresources", update_id, update, "Microsoft.Maintenance/applyUpdates")
    facts.machine_runs.append({"id": update_id, **update})
    return status


COUNTED = ("installed", "failed", "pending", "excluded", "notSelected")


def _patch(
    facts: Patched, chance: random.Random, machine: Fact, run: str, number: int, at: str
) -> None:
    properties: Fact = {
        "patchName": f"update {number}",
        "classifications": [chance.choice(["Security", "Critical", "Other"])],
        "installationState": chance.choice(["Installed", "Failed", "Pending"]),
        "lastModifiedDateTime": at,
    }
    if machine["os"] == "Windows":
        properties["kbId"] = str(5_000_000 + number)
    else:
        properties["version"] = f"1.{number}"
    id = f"{run}/softwarePatches/{number}"
    type = f"{MACHINES}/patchInstallationResults/softwarePatches"
    _publish(facts, "patchinstallationresources", id, properties, type)
    facts.installed.append(
        {"id": id, "os": machine["os"], "machine": machine["name"], **properties}
    )


def _publish(facts: Patched, table: str, id: str, properties: Fact, type: str) -> None:
    row = {"id": id, "name": id.rsplit("/", 1)[1], "type": type, "properties": properties}
    tables.publish(facts.world, table, row, lag=0, keep=30 * DAY)
