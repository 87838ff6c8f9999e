"""Runs of maintenance configurations: when one begins, which machines take a turn, how it ends.

The window's start is worked out anew whenever a configuration is written. What a run is to do is
settled when it opens. It is plain data in `world.runs`, with a turn for each machine by its id:

    {"id", "start", "end", "status", "open", "configuration", "turns": {machine: turn}}
    turn: {"status", "error", "start", "end", "steps", "states"}

Times are in seconds since 1970; `configuration` is a copy of its body, `open` the number of turns
that have not ended, `steps` are those of a `timeline`, `states` what became of each update.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from arm_sandbox import operations
from arm_sandbox.arm import Body
from arm_sandbox.ids import same
from arm_sandbox.patching import installation, run_rows, scopes
from arm_sandbox.patching.installation import Order, reboot_setting
from arm_sandbox.patching.results import first_error
from arm_sandbox.patching.selection import Parameters
from arm_sandbox.patching.timeline import KEPT_FOR_REBOOT, WINDOWS_UPDATE, read
from arm_sandbox.providers import machines
from arm_sandbox.providers.assessment import UNSUPPORTED
from arm_sandbox.starts import duration, next_start
from arm_sandbox.world import Resource, World

NEW, CHANGED = 15 * 60.0, 3 * 60.0
"""Seconds that a schedule needs before it can trigger (docs, maintenance configurations)."""
RECREATED = 8 * 3600.0
"""Seconds for which a machine that was made anew under its old id cannot be patched (docs)."""
MOST_TURNS, KEPT = 20_000, 30 * 86400.0
"""Older runs are forgotten when there are more turns, or more seconds, since."""

CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"
APPLY_UPDATES = "Microsoft.Maintenance/applyUpdates"
Run = dict[str, Any]
Turn = dict[str, Any]


# -- when


def written(world: World, configuration: Resource) -> None:
    """A configuration was made or changed: find out when it opens next."""
    lead = CHANGED if "next" in configuration.hidden else NEW
    _plan(world, configuration, world.now + lead)


def _plan(world: World, configuration: Resource, after: float) -> None:
    window = configuration.properties.get("maintenanceWindow")
    start = next_start(window, after) if window and _is_guest(configuration) else None
    configuration.hidden["next"] = start
    if start is not None:
        world.later(start - world.now, "run.opens", configuration=configuration.id, start=start)


def next_window(world: World) -> float | None:
    """When the next window opens, of any configuration; None where there is none to come."""
    openings = (h for h in world.happenings if h.name == "run.opens")
    return min((h.due for h in openings if _is_next(world, **h.data)), default=None)


def _is_next(world: World, configuration: str, start: float) -> bool:
    """Whether a configuration still opens at a start; it may have been changed since."""
    standing = world.find(configuration)
    return standing is not None and standing.hidden.get("next") == start


def _is_guest(configuration: Resource) -> bool:
    return same(str(configuration.properties.get("maintenanceScope")), "InGuestPatch")


def run_id(configuration: str, start: float) -> str:
    """The id of a run, in lower case and ending in its start in UTC (docs, pre and post events)."""
    name = f"{datetime.fromtimestamp(round(start), UTC):%Y%m%d%H%M%S}"
    return f"{configuration}/providers/{APPLY_UPDATES}/{name}".lower()


# -- a run


def _open(world: World, configuration: str, start: float) -> None:
    if not _is_next(world, configuration, start):
        return
    standing = world.resources[configuration.lower()]
    _plan(world, standing, start)
    # Of two schedules with the same start one only is triggered (docs, troubleshoot).
    taken = {id for run in world.runs if run["start"] == start for id in run["turns"]}
    ids = [id for id in scopes.assigned(world, configuration, start) if id not in taken]
    if not ids:
        return
    run = _run(standing, start, ids)
    _forget(world)
    world.runs.append(run)
    run_rows.run(world, run)
    for id in ids:
        if run["id"].rsplit("/", 1)[1] in standing.hidden.get("cancelled", ()):
            _close(world, run, id, status="Cancelled", error=CANCELLED)
        else:
            _take_turn(world, run["id"], id)


def _run(configuration: Resource, start: float, machines: list[str]) -> Run:
    turn = {"status": "InProgress", "error": "", "start": start, "end": None}
    return {
        "id": run_id(configuration.id, start),
        "start": start,
        "end": start + duration(configuration.properties["maintenanceWindow"]),
        "status": "InProgress",
        "open": len(machines),
        "configuration": copy.deepcopy(configuration.body),
        "turns": {id: {**turn, "steps": [], "states": {}} for id in machines},
    }


CANCELLED = "Maintenance schedule canceled by a request to the cancellation API."


def _forget(world: World) -> None:
    """Of the runs that are over, those that are too old, or one too many."""
    kept, turns = [], 0
    for run in reversed(world.runs):
        turns += len(run["turns"])
        recent = turns <= MOST_TURNS and run["end"] >= world.now - KEPT
        if run["open"] or recent:
            kept.append(run)
    world.runs[:] = reversed(kept)


def find(world: World, id: str) -> Run | None:
    return next((run for run in reversed(world.runs) if same(run["id"], id)), None)


# -- a machine's turn


def _take_turn(world: World, run: str, machine: str) -> None:
    found = find(world, run)
    if found is None:
        return
    standing = world.find(machine)
    refusal = _refusal(world, standing, found)
    if standing is None or refusal:
        _close(world, found, machine, status="Failed", error=refusal)
        return
    free = _free_at(world, standing)
    if free > world.now:
        world.later(free - world.now, "run.turn", run=run, machine=machine)
        return
    line = installation.begin(world, standing, _order(world, found, standing))
    found["turns"][machine]["start"] = world.now
    run_rows.turn(world, found, machine)
    world.later(line.end - world.now, "run.turn_over", run=run, machine=machine)


def _refusal(world: World, machine: Resource | None, run: Run) -> str:
    """Why a machine cannot be patched, or an empty string."""
    if machine is None or _recreated(world, machine):
        return f"ShutdownOrUnresponsive: {NOT_THERE}"
    late = run["end"] - world.now < WINDOWS_UPDATE + KEPT_FOR_REBOOT["Windows"]
    wrong = (
        (not machines.agent_ready(world, machine), f"ShutdownOrUnresponsive: {OFF}"),
        (not machines.may_be_scheduled(machine), f"PrerequisitesNotMet: {NOT_CUSTOMER_MANAGED}"),
        (not machines.takes_extensions(machine), f"OperationNotAllowed: {NO_EXTENSIONS}"),
        (
            not machines.is_supported(world, machine),
            f"{UNSUPPORTED['code']}: {UNSUPPORTED['message']}",
        ),
        (late, LATE),
    )
    return next((why for is_so, why in wrong if is_so), "")


NOT_THERE = "the machine is not there, or was deleted and made again less than 8 hours ago."
OFF = "the machine is shut down, or its agent does not respond."
NOT_CUSTOMER_MANAGED = (
    "patchMode must be AutomaticByPlatform and bypassPlatformSafetyChecksOnUserSchedule true."
)
LATE = "Schedule timeout, waiting for an ongoing update to complete the resource."
NO_EXTENSIONS = "the machine has no agent, or allowExtensionOperations is false."


def _recreated(world: World, machine: Resource) -> bool:
    deleted = world.freed.get(machine.id.lower())
    return deleted is not None and world.now < deleted + RECREATED


def _free_at(world: World, machine: Resource) -> float:
    """When what a machine is at now will be over: a second schedule waits for the first (docs)."""
    installing = machine.hidden.get("installing")
    over = [operation.due for operation in operations.running(world, machine.id)]
    return max([*over, read(installing["line"]).end if installing else 0.0])


def _order(world: World, run: Run, machine: Resource) -> Order:
    """The machine's own reboot setting wins over the schedule's (docs, guest patching)."""
    patches = run["configuration"]["properties"].get("installPatches") or {}
    settings = machines.patch_settings(machine).get("automaticByPlatformSettings") or {}
    own = settings.get("rebootSetting")
    return Order(
        activity=world.guid(f"{run['id']}|{machine.id}"),
        parameters=_parameters(run["configuration"]["properties"], machines.os_of(machine)),
        reboot=reboot_setting(
            own if own not in (None, "Unknown") else patches.get("rebootSetting")
        ),
        until=run["end"],
        by="Platform",
        run=run["id"],
    )


def _parameters(configuration: Body, os: str) -> Parameters:
    """In the mode `Platform` Azure decides, and takes what is critical or for security."""
    extension = configuration.get("extensionProperties") or {}
    modes = {name.lower(): str(mode) for name, mode in extension.items()}
    if same(modes.get("inguestpatchmode", "User"), "Platform"):
        return {"classificationsToInclude": ["Critical", "Security"]}
    patches = configuration.get("installPatches") or {}
    parameters: Parameters = patches.get(f"{os.lower()}Parameters") or {}
    return parameters


def _turn_over(world: World, run: str, machine: str) -> None:
    found, standing = find(world, run), world.find(machine)
    if found is None:
        return
    if standing is None or "installing" not in standing.hidden:
        _close(world, found, machine, status="Failed", error=f"ShutdownOrUnresponsive: {NOT_THERE}")
        return
    done = installation.end(world, standing)
    found["turns"][machine] |= {
        "steps": [{**vars(step)} for step in done.line.steps],
        "states": {update.label: state for update, state in done.states.items()},
    }
    _close(world, found, machine, status=done.line.status, error=first_error(done))


def _close(world: World, run: Run, machine: str, *, status: str, error: str) -> None:
    """A turn has ended, the last of them with the run."""
    run["turns"][machine] |= {"status": status, "error": error, "end": world.now}
    run["open"] -= 1
    run_rows.turn(world, run, machine)
    if run["open"] == 0:
        run["status"] = _outcome({turn["status"] for turn in run["turns"].values()})
        run_rows.run(world, run)


def _outcome(statuses: set[str]) -> str:
    """Of a whole run; the words are those that Microsoft's workbook knows."""
    if statuses <= {"Succeeded", "CompletedWithWarnings"}:
        return "Succeeded"
    return statuses.pop() if len(statuses) == 1 else "PartiallySucceeded"


HAPPENINGS: Mapping[str, Callable[..., None]] = {
    "run.opens": _open,
    "run.turn": _take_turn,
    "run.turn_over": _turn_over,
}
