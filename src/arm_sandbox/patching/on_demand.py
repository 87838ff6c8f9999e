"""`installPatches`: an installation that somebody asks for, with the answers that were recorded."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from arm_sandbox import operations, schema
from arm_sandbox.operations import LongRunning
from arm_sandbox.patching import installation, results
from arm_sandbox.patching.installation import Order, reboot_setting
from arm_sandbox.patching.selection import Parameters, moment
from arm_sandbox.providers import assessment, connected_machines, machines, virtual_machines
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Operation, Resource, World

API = "2026-04-01"
"""The api-version that the model describes."""
MODEL = "azure.mgmt.compute.models:VirtualMachineInstallPatchesParameters"
REBOOTS = ("IfRequired", "Never", "Always")
WINDOWS = (
    *("Critical", "Security", "UpdateRollUp", "FeaturePack", "ServicePack"),
    *("Definition", "Tools", "Updates"),
)
CLASSIFICATIONS = {"Windows": WINDOWS, "Linux": ("Critical", "Security", "Other")}
KB = {virtual_machines.MACHINES: r"KB\d+", connected_machines.MACHINES: r"(KB)?\d+"}
LONGEST = "PT4H"
"""For an installation that does not say how long it may take."""
NO_AGENT = LongRunning("compute", (60.0, 120.0), location=True)


def install(world: World, machine: Resource, request: Request) -> Response:
    body = request.body if isinstance(request.body, dict) else {}
    if request.api_version == API:
        body = schema.accept(MODEL, body)
    if virtual_machines.power_state(machine) != "running":
        message = "Cannot install patches on the VM when the VM is not running."
        raise Refusal(409, "OperationNotAllowed", message)
    virtual_machines.require_extensions(machine)
    virtual_machines.require_no_conflict(world, machine)
    machines.require_no_installation(machine)
    name, how = begin(world, machine, body, NO_AGENT)
    _, headers = operations.start(world, request, machine.id, how, "installpatches", name=name)
    return Response(202, None, headers)


def begin(
    world: World, machine: Resource, body: dict[str, Any], unanswered: LongRunning
) -> tuple[str, LongRunning]:
    """Begin what a body asks for: the name of the operation, and how long it is going to take.

    `unanswered` is how long, and in which style, a machine is waited for that does not do it.
    """
    order = Order(
        activity=world.guid(f"{machine.id}/installpatches"),
        parameters=_parameters(body, machine),
        reboot=reboot_setting(_one_of("rebootSetting", body.get("rebootSetting"), REBOOTS)),
        until=world.now + _seconds(body.get("maximumDuration")),
        by="User",
    )
    if not machines.can_be_patched(world, machine):
        return order.activity, unanswered
    took = installation.begin(world, machine, order).end - world.now
    return order.activity, replace(unanswered, seconds=(took, took))


def installed(world: World, machine: Resource, operation: Operation) -> None:
    if not machines.is_supported(world, machine):
        operation.error = assessment.UNSUPPORTED
    elif "installing" in machine.hidden:
        operation.output = results.answer(installation.end(world, machine))
    else:
        operation.error = assessment.no_agent(machine)


def _seconds(text: Any) -> float:
    """An ISO 8601 duration such as PT4H."""
    shape = re.fullmatch(r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", str(text or LONGEST))
    if shape is None:
        raise _invalid(f"The value '{text}' of 'maximumDuration' is not valid.", "maximumDuration")
    hours, minutes, seconds = (int(part or 0) for part in shape.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _parameters(body: dict[str, Any], machine: Resource) -> Parameters:
    """What is to be installed; a KB has its letters, but for machines of Arc (docs)."""
    os = machines.os_of(machine)
    name = f"{os.lower()}Parameters"
    parameters: Parameters = body.get(name) or {}
    for value in parameters.get("classificationsToInclude") or ():
        _one_of(f"{name}.classificationsToInclude", value, CLASSIFICATIONS[os])
    for key in ("kbNumbersToInclude", "kbNumbersToExclude"):
        for value in parameters.get(key) or ():
            if not re.fullmatch(KB[machine.type], str(value), re.IGNORECASE):
                raise _invalid(
                    f"The entry in '{key}' with value '{value}' is not valid. It must be a KBID "
                    "such as KB4512508.",
                    f"{name}.{key}",
                )
    latest = parameters.get("maxPatchPublishDate")
    if latest is not None and not _is_date(latest):
        key = f"{name}.maxPatchPublishDate"
        raise _invalid(f"The value '{latest}' of '{key}' is not valid.", key)
    return parameters


def _is_date(value: Any) -> bool:
    try:
        return bool(moment(str(value)))
    except ValueError:
        return False


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if str(value).lower() not in {each.lower() for each in known}:
        raise _invalid(f"The value '{value}' of '{name}' is not valid.", name)
    return str(value)


def _invalid(message: str, target: str) -> Refusal:
    return Refusal(400, "InvalidParameter", message, target=target)
