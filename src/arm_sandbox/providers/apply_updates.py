"""Microsoft.Maintenance/applyUpdates: how a run stands, and cancelling one before it begins."""

from __future__ import annotations

from typing import Any

from arm_sandbox.ids import Id, same
from arm_sandbox.patching import run_rows, runs
from arm_sandbox.patching.runs import APPLY_UPDATES
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World, stamp

VERSIONS = (
    "2023-04-01",
    "2023-09-01-preview",
    "2023-10-01-preview",
    "2025-10-01-preview",
    "2025-11-01",
)
CANCEL_BEFORE = 10 * 60.0
"""Seconds before its start until which a run can be cancelled (docs, pre and post events)."""
STATUSES = {
    "InProgress": "InProgress",
    "Succeeded": "Completed",
    "CompletedWithWarnings": "Completed",
    "Cancelled": "Cancelled",
}
"""What a run's status is called here; any other is RetryLater."""
NEVER = "0001-01-01T00:00:00"


def answer(world: World, request: Request, id: Id, target: Resource) -> Response | None:
    """Answer a request for an update of a resource that stands; None for what is not known."""
    if not id.name or request.api_version not in VERSIONS:
        return None
    if request.method == "GET":
        return Response(200, _shown(world, target, id))
    if request.method == "PUT" and same(target.type, runs.CONFIGURATION):
        return _cancel(world, target, id, request)
    # No platform update is ever pending here; the answer has no body (recorded).
    return Response(200) if request.method == "PUT" and same(id.name, "default") else None


def _shown(world: World, target: Resource, id: Id) -> dict[str, Any]:
    if same(id.name, "default"):
        return _document(id, "Completed", NEVER)
    if id.name in _cancelled(target):
        return _document(id, "Cancelled", NEVER)
    for run in reversed(world.runs):
        turn = run["turns"].get(target.id.lower())
        if same(run["id"], id.text):
            return _of(id, run["status"], run["start"])
        if turn is not None and run_rows.turn_name(world, run, target.id) == id.name:
            return _of(id, turn["status"], turn["end"] or turn["start"])
    message = f"The apply update '{id.name}' of '{target.id}' was not found."
    raise Refusal(404, "NotFound", message, shape="maintenance")


def _cancel(world: World, configuration: Resource, id: Id, request: Request) -> Response:
    """`{"properties": {"status": "Cancel"}}` keeps the next run from beginning (recorded)."""
    body = request.body if isinstance(request.body, dict) else {}
    status = (body.get("properties") or {}).get("status")
    if status != "Cancel" or not _can_be_cancelled(world, configuration, id):
        # That this is refused is documented, its wording is not.
        raise Refusal(
            400,
            "BadRequest",
            f"The run '{id.name}' cannot be cancelled: only a run that is to come can, until "
            "10 minutes before its start, with the status 'Cancel'.",
            shape="maintenance",
        )
    configuration.hidden.setdefault("cancelled", []).append(id.name)
    return Response(200, _document(id, "Cancelled", world.stamp))


def _can_be_cancelled(world: World, configuration: Resource, id: Id) -> bool:
    start = configuration.hidden.get("next")
    if start is None or world.now > start - CANCEL_BEFORE:
        return False
    return same(runs.run_id(configuration.id, start), id.text)


def _cancelled(configuration: Resource) -> list[str]:
    cancelled: list[str] = configuration.hidden.get("cancelled", [])
    return cancelled


def _of(id: Id, status: str, at: float) -> dict[str, Any]:
    return _document(id, STATUSES.get(status, "RetryLater"), stamp(at))


def _document(id: Id, status: str, at: str) -> dict[str, Any]:
    """The resource is told as the request spells it (recorded)."""
    resource = id.scope.replace("/resourceGroups/", "/resourcegroups/")
    return {
        "properties": {"status": status, "resourceId": resource, "lastUpdateTime": at},
        "id": f"{resource}/providers/{APPLY_UPDATES}/{id.name}",
        "name": id.name,
        "type": APPLY_UPDATES,
    }
