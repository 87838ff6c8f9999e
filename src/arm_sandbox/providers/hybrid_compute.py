"""Microsoft.HybridCompute: machines that Azure Arc has connected, and what patches them.

Reading, patching and deleting, and how assessPatches and installPatches are polled, are recorded
(azure-powershell, ConnectedMachine). A machine is made by its own agent, see
`connected_machines.connect`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox import arm, conflicts, operations, schema
from arm_sandbox.arm import Body, Kind, writable
from arm_sandbox.ids import Id, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.patching import installation, on_demand, results
from arm_sandbox.patching.rows import SERVICES
from arm_sandbox.providers import (
    assessment,
    connected_machines,
    machines,
    managed_identity,
    resources,
)
from arm_sandbox.providers.connected_machines import CONFIGURATIONS, MACHINES, os_of
from arm_sandbox.providers.patch_rules import ASSESSMENT_MODES
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World, stamp

API = "2026-07-15"
VERSIONS = (
    *("2019-12-12", "2020-08-02", "2020-08-15-preview", "2022-03-10", "2022-11-10", "2022-12-27"),
    *("2023-10-03-preview", "2024-07-10", "2024-07-31-preview", "2024-11-10-preview"),
    *("2025-01-13", "2025-09-16-preview", "2026-06-16-preview"),
)
EXTENSIONS = f"{MACHINES}/extensions"
PARAMETERS = "azure.mgmt.hybridcompute.models:MachineInstallPatchesParameters"
PATCH_MODES = ("ImageDefault", "AutomaticByPlatform", "AutomaticByOS", "Manual")
ASSESSMENT = LongRunning("hybrid", (120.0, 245.0))
NO_ANSWER = LongRunning("hybrid", (300.0, 330.0))
"""How long it is waited for an agent that does not answer (azure-docs#102770)."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Extensions hang on a machine, which has to stand; the rest are plain resources."""
    if id.group and same(id.type, EXTENSIONS):
        resources.require_group(world, id, writing=request.method != "GET")
        arm.require_parent(world, request, id)
    return None


# -- machines


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    if old is None:
        # azure-rest-api-specs#21163
        raise Refusal(
            400,
            "HCRP400",
            "The request does not have sufficient information to complete the operation. Missing "
            "or invalid properties: VmId",
        )
    profile = (body.get("properties") or {}).get("osProfile") or {}
    for name in CONFIGURATIONS.values():
        settings = (profile.get(name) or {}).get("patchSettings") or {}
        _require_one_of("patchMode", settings, PATCH_MODES)
        _require_one_of("assessmentMode", settings, ASSESSMENT_MODES)


def _require_one_of(name: str, settings: Body, known: tuple[str, ...]) -> None:
    value = settings.get(name)
    if value is not None and value not in known:
        raise Refusal(400, "HCRP400", f"The value '{value}' of '{name}' is not valid.")


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """What the agent tells stays as it was; it alone knows the machine's name."""
    document = writable(body)
    if old is not None:
        kept = {name: old.properties[name] for name in TOLD_BY_AGENT if name in old.properties}
        document["properties"] |= kept
        document["properties"]["osProfile"] = {
            **(document["properties"].get("osProfile") or {}),
            "computerName": old.properties["osProfile"]["computerName"],
        }
    document["location"] = resources.plain_location(document["location"])
    return document


TOLD_BY_AGENT = (
    *("provisioningState", "status", "lastStatusChange", "errorDetails", "agentVersion"),
    *("displayName", "machineFqdn", "osName", "osVersion", "osSku", "vmId", "agentConfiguration"),
)


def _made(world: World, machine: Resource) -> None:
    assessment.keep_up(world, machine)


def _deleted(world: World, machine: Resource) -> None:
    world.freed[machine.id.lower()] = world.now
    managed_identity.vanish(world, machine.body["identity"]["principalId"])


def _show(world: World, machine: Resource, request: Request) -> Body:
    """The answer to a PATCH says `Updating`, although nothing has to be waited for (recorded)."""
    body = copy.deepcopy(machine.body)
    if request.method == "PATCH":
        body["properties"]["provisioningState"] = "Updating"
    elif request.method == "GET":
        children = world.below(machine.id, EXTENSIONS)
        body["resources"] = [copy.deepcopy(child.body) for child in children]
    return body


# -- assessments and installations


def _assess(world: World, machine: Resource, request: Request) -> Response:
    _require_free(world, machine)
    ready = machines.agent_ready(world, machine) and machines.takes_extensions(machine)
    how = ASSESSMENT if ready else NO_ANSWER
    _, headers = operations.start(world, request, machine.id, how, "assesspatches")
    return Response(202, None, headers)


def _install(world: World, machine: Resource, request: Request) -> Response:
    body: Any = request.body if isinstance(request.body, dict) else {}
    if request.api_version == API:
        body = schema.accept(PARAMETERS, body)
    _require_free(world, machine)
    name, how = on_demand.begin(world, machine, body, NO_ANSWER)
    _, headers = operations.start(world, request, machine.id, how, "installpatches", name=name)
    return Response(202, None, headers)


def _require_free(world: World, machine: Resource) -> None:
    if operations.running(world, machine.id):
        raise conflicts.concurrent()
    machines.require_no_installation(machine)


def _finished(world: World, machine: Resource, operation: Operation) -> None:
    """What a poll answers in the end: a success has no error beside it (recorded)."""
    if operation.verb == "installpatches" and "installing" in machine.hidden:
        told = results.properties(installation.end(world, machine), ended=True)
        told = {name: told[name] for name in INSTALLATION}
    elif operation.verb == "assesspatches" and machines.can_be_patched(world, machine):
        found = assessment.take(world, machine, operation.name, operation.started, by="User")
        told = _assessment(found, os_of(machine))
    else:
        told = _unanswered(operation)
    if told["status"] == "Succeeded":
        told.pop("errorDetails")
    common = {"startDateTime": stamp(operation.started), "lastModifiedDateTime": world.stamp}
    common |= {
        "startedBy": "User",
        "osType": os_of(machine),
        "patchServiceUsed": _service(world, machine),
    }
    operation.output = {**told, **common}


def _service(world: World, machine: Resource) -> str:
    """As the answers name it, which is not as Resource Graph does (recorded)."""
    return SERVICES.get(machines.image_of(world, machine).system, "WU")


INSTALLATION = (
    *("status", "installationActivityId", "maintenanceWindowExceeded", "rebootStatus"),
    *("excludedPatchCount", "notSelectedPatchCount", "pendingPatchCount", "installedPatchCount"),
    *("failedPatchCount", "errorDetails"),
)


def _assessment(found: Body, os: str) -> Body:
    classes = [c.lower() for patch in found["availablePatches"] for c in patch["classifications"]]
    return {
        "status": found["status"],
        "assessmentActivityId": found["assessmentActivityId"],
        "rebootPending": found["rebootPending"],
        "availablePatchCountByClassification": {
            name: classes.count(name.lower()) for name in CLASSIFICATIONS[os]
        },
        "errorDetails": found["error"],
    }


CLASSIFICATIONS = {
    "Windows": (
        *("security", "critical", "definition", "updateRollup", "featurePack", "servicePack"),
        *("tools", "updates"),
    ),
    "Linux": ("security", "critical", "other"),
}


def _unanswered(operation: Operation) -> Body:
    activity = "assessment" if operation.verb == "assesspatches" else "installation"
    return {
        "status": "Failed",
        f"{activity}ActivityId": operation.name,
        "errorDetails": {
            "code": "ExtensionOperationTimedOut",
            "message": "The machine has not answered in time. Check that its agent is connected.",
        },
    }


# -- extensions


def _check_extension(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """Those that patch come by themselves (docs); others have no use here."""
    message = "Extensions of machines of Arc cannot be installed in the sandbox."
    raise Refusal(400, "HCRP400", message)


MACHINE = Kind(
    type=MACHINES,
    model="azure.mgmt.hybridcompute.models:Machine",
    patch_model="azure.mgmt.hybridcompute.models:MachineUpdate",
    api_version=API,
    versions=VERSIONS,
    check=_check,
    fill=_fill,
    show=_show,
    synchronous=(2.0, 6.0),
    when_made=_made,
    when_deleted=_deleted,
    action_finished=_finished,
    action_failed=installation.operation_failed,
    actions={"assesspatches": _assess, "installpatches": _install},
)
EXTENSION = Kind(
    type=EXTENSIONS,
    model="azure.mgmt.hybridcompute.models:MachineExtension",
    api_version=API,
    versions=VERSIONS,
    check=_check_extension,
)
KINDS: tuple[Kind, ...] = (MACHINE, EXTENSION)
HAPPENINGS: Mapping[str, Callable[..., None]] = connected_machines.HAPPENINGS
