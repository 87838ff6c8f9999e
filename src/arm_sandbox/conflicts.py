"""Writes that meet another one: under way (409), or since the writer has looked (412)."""

from __future__ import annotations

from typing import Literal

from arm_sandbox import operations
from arm_sandbox.wire import Refusal, Request
from arm_sandbox.world import Resource, World

Etags = Literal["", "compute", "network"]
"""Who has etags, and words of its own for one that does not match; empty where there are none."""


def require_idle(world: World, id: str) -> None:
    """Refuse a write while another is under way; Network's words are recorded."""
    running = operations.running(world, id)
    if not running:
        return
    if running[0].style == "compute":
        raise concurrent()
    raise Refusal(
        409,
        "AnotherOperationInProgress",
        "Another operation on this or dependent resource is in progress. "
        f"To retrieve status of the operation use uri: {running[0].name}.",
        more={"details": []},
    )


def concurrent() -> Refusal:
    """What Compute says to a second operation (azure-cli#15765)."""
    return Refusal(
        409,
        "Conflict",
        "The request failed due to conflict with a concurrent request. To resolve it, please "
        "refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
    )


def require_match(etags: Etags, standing: Resource | None, request: Request) -> None:
    """`If-Match` and `If-None-Match`, of the services that have etags. The words for a mismatch are
    from cloud-provider-azure#9728 and #9729; those for the rest are ours."""
    if not etags:
        return
    wanted, unwanted = (request.headers.get(name) for name in ("if-match", "if-none-match"))
    etag = standing.body["etag"] if standing is not None else None
    if unwanted is not None and etag is not None and unwanted in ("*", etag):
        raise Refusal(412, "PreconditionFailed", f"The resource already has the etag {etag}.")
    if wanted is not None and (etag is None or wanted not in ("*", etag)):
        raise _mismatch(etags, wanted, etag, standing)


def _mismatch(etags: Etags, wanted: str, etag: str | None, standing: Resource | None) -> Refusal:
    message = f"Etag provided in if-match header {wanted} does not match etag {etag} of resource"
    if etags == "compute" or standing is None:
        return Refusal(412, "PreconditionFailed", f"{message}.")
    message = f"{message} {standing.id} in NRP data store."
    detail = {"code": "PreconditionFailedEtagMismatch", "message": message}
    more = {"details": [detail]}
    return Refusal(412, "PreconditionFailed", "Precondition failed.", more=more)
