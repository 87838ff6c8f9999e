"""A note that somebody is at work: a tag beside the deployment's memory, for the next one to read.

It bars nobody. Azure has no lock that would end with the process that took it, so the note only
says who is at work, since when, and until when to believe it: a run that was cut off cannot take it
away. Nothing depends on it, and what goes wrong with it stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from patchctl.errors import PatchctlError
from patchctl.remembered import AT_WORK, TAG_VALUE
from patchctl.translation import translated

if TYPE_CHECKING:
    from azure.mgmt.resource.resources.models import TagsPatchResource

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

PATIENCE = 30.0
"""Seconds that a note is worth: whoever has to wait before asking again goes on without it."""


@dataclass(frozen=True)
class Note:
    who: str
    since: datetime
    until: datetime
    """When to stop believing it."""

    def written(self) -> str:
        times = (f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in (self.since, self.until))
        return " ".join((*times, self.who))[:TAG_VALUE]


def read(deployment: Deployment) -> Note | None:
    """The note that stands; one that somebody has damaged is none."""
    since, _, rest = (deployment.standing_tags or {}).get(AT_WORK, "").partition(" ")
    until, _, who = rest.partition(" ")
    try:
        return Note(who, datetime.fromisoformat(since), datetime.fromisoformat(until))
    except ValueError:
        return None


def told(deployment: Deployment) -> str:
    """Who else is at work, as a sentence; an empty one for nobody."""
    note = read(deployment)
    if note is None or note.until <= deployment.now:
        return ""
    since = f"since {note.since:%Y-%m-%d %H:%M} UTC"
    if note.who == deployment.me.name:
        return f"You are at work on {deployment.name} {since}, or were cut off then."
    return f"{note.who} is at work on {deployment.name} {since}. One of you had better wait."


@asynccontextmanager
async def noted(
    clients: Clients, deployment: Deployment, seconds: float, *, writing: bool
) -> AsyncIterator[Deployment]:
    """Let the note stand while something is written, for `seconds` at most.

    Where there is nothing to write only that is taken away which a run of ours has left behind, or
    which nobody believes any more.
    """
    note = _left_behind(deployment)
    if writing:
        until = deployment.now + timedelta(seconds=seconds)
        note = Note(deployment.me.name, deployment.now, until).written()
        if deployment.stands:
            await _tag(clients, deployment, "Merge", note)
    try:
        yield replace(deployment, note=note)
    finally:
        if note:
            await _tag(clients, deployment, "Delete", note)


def _left_behind(deployment: Deployment) -> str:
    note = read(deployment)
    ours = note is not None and note.who == deployment.me.name
    believed = note is not None and note.until > deployment.now
    return "" if believed and not ours else (deployment.standing_tags or {}).get(AT_WORK, "")


async def _tag(clients: Clients, deployment: Deployment, operation: str, note: str) -> None:
    """Write the one tag, or take it away where it still says this; no other is touched."""
    from azure.mgmt.resource.resources.models import Tags, TagsPatchResource

    patch = TagsPatchResource(operation=operation, properties=Tags(tags={AT_WORK: note}))
    with suppress(PatchctlError):
        await translated(_patch(clients, deployment.keeper_id, patch))


async def _patch(clients: Clients, scope: str, patch: TagsPatchResource) -> None:
    """Once: a note is not worth waiting for, nor the end of an operation that it begins."""
    tags = clients.resources.tags
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await tags.begin_update_at_scope(scope, patch, retry_total=0, polling=False)
