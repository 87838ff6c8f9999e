"""What a world forgets, so that one that is served for months stays small."""

from __future__ import annotations

from arm_sandbox.world import World, stamp

DAY = 86400.0
LOG_DAYS = 90
"""How long the activity log keeps an event (documented)."""
MOST_EVENTS = 5_000
"""More than these, its newest, it does not keep here."""
POLLED = DAY
"""How long an operation can be polled after its end; ours, longer than any client goes on."""
MOST_OPERATIONS = 10_000
FREED = DAY
"""How long it is known that something of this name stood; the longest who asks wants 8 hours."""
MANY_FREED = 1_000


def forget(world: World) -> None:
    """Drop what has passed its age. It costs nothing where there is nothing to drop."""
    _forget_events(world)
    _forget_operations(world)
    if len(world.freed) > MANY_FREED:
        world.freed = {id: at for id, at in world.freed.items() if at > world.now - FREED}


def _forget_events(world: World) -> None:
    oldest = stamp(world.now - LOG_DAYS * DAY)
    too_many = len(world.events) - MOST_EVENTS
    gone = 0
    for event in world.events:
        if gone >= too_many and event["eventTimestamp"] >= oldest:
            break
        gone += 1
    if gone:
        del world.events[:gone]


def _forget_operations(world: World) -> None:
    """They are in the order of their beginnings, so one that goes on may shield younger ones."""
    while world.operations:
        name, first = next(iter(world.operations.items()))
        kept = POLLED if len(world.operations) <= MOST_OPERATIONS else 0.0
        if first.due + kept > world.now:
            return
        del world.operations[name]
