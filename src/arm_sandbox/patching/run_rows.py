"""What Resource Graph is told of runs: a row of each, and one of each machine's turn in it.

The fields are those of azure-docs update-manager/query-logs.md and of the queries of Microsoft's
workbook. That a turn with warnings reads Succeeded, and where its error stands, is unverified.
"""

from __future__ import annotations

from typing import Any

from arm_sandbox import tables
from arm_sandbox.ids import parse
from arm_sandbox.patching import rows
from arm_sandbox.world import World, stamp

TABLE = "maintenanceresources"
GOOD = ("Succeeded", "CompletedWithWarnings")


def run(world: World, run: dict[str, Any]) -> None:
    """A run has begun, or ended."""
    turns = run["turns"].values()
    ended = [turn["end"] for turn in turns if turn["end"] is not None]
    id = run["id"]
    row = {
        "id": id,
        "name": id.rsplit("/", 1)[1],
        "type": "microsoft.maintenance/maintenanceconfigurations/applyupdates",
        "location": run["configuration"]["location"],
        "properties": {
            "status": run["status"],
            "correlationId": id,
            "maintenanceConfigurationId": parse(id).scope,
            "maintenanceConfiguration": run["configuration"],
            "startDateTime": stamp(run["start"]),
            "endDateTime": stamp(max(ended) if run["open"] == 0 else run["end"]),
            "resourceUpdateSummary": {
                "succeeded": sum(turn["status"] in GOOD for turn in turns),
                "total": len(turns),
            },
        },
    }
    _publish(world, row)


def turn(world: World, run: dict[str, Any], machine: str) -> None:
    """A machine's turn has begun, or ended."""
    found = run["turns"][machine]
    name = turn_name(world, run, machine)
    error = {"errorMessage": found["error"]} if found["error"] else {}
    row = {
        "id": f"{machine}/providers/microsoft.maintenance/applyupdates/{name}",
        "name": name,
        "type": "microsoft.maintenance/applyupdates",
        "properties": {
            "status": "Succeeded" if found["status"] in GOOD else found["status"],
            "resourceId": machine,
            "correlationId": run["id"],
            "maintenanceConfigurationId": parse(run["id"]).scope,
            "maintenanceScope": "InGuestPatch",
            "startDateTime": stamp(run["start"]),
            "endDateTime": stamp(found["end"] or run["end"]),
            **error,
        },
    }
    _publish(world, row)


def turn_name(world: World, run: dict[str, Any], machine: str) -> str:
    """A GUID (docs, query logs)."""
    return world.unique(f"{run['id']}|{machine}")


def _publish(world: World, row: tables.Row) -> None:
    late = rows.lag(world, row["id"], world.options.result_lag)
    tables.publish(world, TABLE, row, late, tables.RUNS_KEPT)
