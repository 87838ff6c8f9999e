"""Microsoft.Authorization/locks: what nobody may delete, or change, whoever they are.

What is locked, inheritance and the refusal of a group with a locked thing in it are documented
("Lock your resources to protect your infrastructure"). The refusal is recorded for a deletion, and
shown in Microsoft's own pages for a write.
"""

from __future__ import annotations

from collections.abc import Iterator

from arm_sandbox.access import action_and_scope
from arm_sandbox.arm import Body, Kind, reference
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.providers.authorization import require_scope
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World

LOCK = "Microsoft.Authorization/locks"
LEVELS = ("CanNotDelete", "ReadOnly")


def require_unlocked(world: World, request: Request) -> None:
    """Refuse what a lock forbids: deletions, and with `ReadOnly` writes and actions as well.

    A lock itself can always be written and removed.
    """
    id = parse(request.path)
    if request.method in ("GET", "HEAD") or same(id.type, LOCK) or not id.subscription:
        return
    _, scope = action_and_scope(request, id)
    deleting = request.method == "DELETE"
    locked = sorted({at for at, level in _locks(world) if _forbids(level, at, scope, deleting)})
    if locked:
        raise gateway(
            409,
            "ScopeLocked",
            f"The scope '{scope}' cannot perform {'delete' if deleting else 'write'} operation "
            f"because following scope(s) are locked: '{','.join(locked)}'. Please remove the lock "
            "and try again.",
        )


def _locks(world: World) -> Iterator[tuple[str, str]]:
    """The scope of each lock, and its level."""
    for option in world.options.locks:
        yield option.scope, option.level
    for lock in world.below("", LOCK):
        yield parse(lock.id).scope, lock.properties["level"]


def _forbids(level: str, locked: str, scope: str, deleting: bool) -> bool:
    """What is deleted takes along what is below it, so a lock there forbids it, too."""
    if deleting:
        return within(scope, locked) or within(locked, scope)
    return same(level, "ReadOnly") and within(scope, locked)


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    level = reference(world, body, "properties", "level")
    if level.lower() not in map(str.lower, LEVELS):
        message = f"The lock level '{level}' is not valid. It must be one of {', '.join(LEVELS)}."
        raise Refusal(400, "InvalidLockLevel", message)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body["properties"]
    level = next(known for known in LEVELS if same(known, sent["level"]))
    kept = {name: sent[name] for name in ("notes", "owners") if name in sent}
    return {"properties": {"level": level, **kept}}


def answer(world: World, request: Request, id: Id) -> Response | None:
    """A list at a scope shows the locks that hold there, inherited and below (docs)."""
    if not same(id.type, LOCK):
        return None
    require_scope(world, id)
    if id.name or request.method != "GET":
        return None
    below = "atscope()" not in request.query.get("$filter", "").lower()
    found = [
        lock.body
        for lock in world.listed("", LOCK)
        if within(id.scope, parse(lock.id).scope) or (below and within(lock.id, id.scope))
    ]
    return Response(200, {"value": found})


KINDS: tuple[Kind, ...] = (
    Kind(
        type=LOCK,
        model="",
        api_version="2020-05-01",
        versions=("2015-01-01", "2016-09-01", "2017-04-01"),
        tracked=False,
        located=False,
        check=_check,
        fill=_fill,
    ),
)
