"""What goes wrong with a write although nothing is wrong with it, where a world was told so.

A long-running operation ends in its error and is polled with HTTP 200 (recorded); what takes
effect at once is answered with 500, as the maintenance service did five times in a row (recorded).
A failure may also say with which status a write is refused before anything is begun.
"""

from __future__ import annotations

from arm_sandbox.ids import same
from arm_sandbox.options import Failure
from arm_sandbox.wire import Refusal
from arm_sandbox.world import World

ALLOCATION = (
    "AllocationFailed",
    "Allocation failed. Please try reducing the VM size or number of VMs, retry later, or try "
    "deploying to a different Availability Set or different Azure location.",
)
"""What ends the creation of a machine most often (azure-sdk-for-java#1962)."""
PATCHING = (
    "VMGuestPatchInternalError",
    "An internal execution error occurred. Please retry later.",
)
"""How an assessment failed (azure-rest-api-specs#31144)."""
PREEMPTED = (
    "OperationPreempted",
    "Operation execution has been preempted by a more recent operation.",
)
"""How an operation is canceled by another (azure-rest-api-specs#22434)."""


GRAPH = "Microsoft.ResourceGraph/resources"
SIGN_IN = "Microsoft.Entra/tokens"


def strike(world: World, type: str, verb: str, *, at_once: bool | None = None) -> Failure | None:
    """Count an attempt, and answer with the failure that hits it, if one does.

    `at_once`: count only what is refused before it is begun, or only what fails afterwards.
    """
    hit = None
    for number, failure in enumerate(world.options.failures):
        meant = same(failure.type, type) and same(failure.on, verb)
        if meant and at_once in (None, failure.refused > 0):
            attempt = world.attempts.get(str(number), 0) + 1
            world.attempts[str(number)] = attempt
            if hit is None and _hits(world, failure, attempt):
                hit = failure
    return hit


def _hits(world: World, failure: Failure, attempt: int) -> bool:
    if failure.share:
        return world.draw(failure.type, f"{failure.on} fails") < failure.share
    return failure.nth <= attempt < failure.nth + failure.times


def error(world: World, failure: Failure, type: str) -> dict[str, str]:
    """Its code and message, or those that the service is known to give."""
    if failure.code or failure.message:
        return {"code": failure.code, "message": failure.message}
    if failure.status == "Canceled":
        code, message = PREEMPTED
    elif failure.on.lower() in ("assesspatches", "installpatches"):
        code, message = PATCHING
    elif same(type, "Microsoft.Compute/virtualMachines"):
        code, message = ALLOCATION
    else:
        code, message = "InternalServerError", _internal(world, type)
    return {"code": code, "message": message}


def refuse(world: World, type: str, verb: str, *, begins: bool = False) -> None:
    """Raise the failure that hits a write which takes effect at once, or `begins` an operation."""
    failure = strike(world, type, verb, at_once=True if begins else None)
    if failure is not None:
        said = error(world, failure, type)
        headers = {"x-ms-failure-cause": "service"}
        raise Refusal(failure.refused or 500, said["code"], said["message"], headers=headers)


def sign_in(world: World) -> Failure | None:
    """The failure that hits somebody who wants a token."""
    return strike(world, SIGN_IN, "get")


def _internal(world: World, type: str) -> str:
    tracking = world.guid(f"{type}|tracking")
    return f"Encountered an internal server error. The tracking id is '{tracking}'."
