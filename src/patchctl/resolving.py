"""Which deployment is meant, and what stands of it: a command's first look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from patchctl import remembered, template_spec
from patchctl.config import Asked, layered
from patchctl.deployment import Deployment
from patchctl.deployments import deployments
from patchctl.keeper import Keeper, find_keeper, location_of_group, without_memory
from patchctl.layers import STANDING, Layer, flattened
from patchctl.refusals import refuse_fixed, refuse_newer, refuse_past_first
from patchctl.remembered import SUFFIX
from patchctl.report import same
from patchctl.schedule import recurrence, window
from patchctl.sign_in import Identity

if TYPE_CHECKING:
    from patchctl.clients import Clients


async def resolve(
    clients: Clients,
    layers: Sequence[Layer],
    me: Identity,
    now: datetime,
    draw_suffix: Callable[[], str],
    *,
    take_over: bool = False,
    making: bool = False,
) -> Deployment:
    """Find what keeps its memory, and lay what is remembered under what is asked for.

    `making`: whether it is to be written or planned, not only looked at or taken away. Raises
    BadInput for what cannot be asked of a deployment that stands, Foreign for what stands in its
    place and is not ours, PatchctlError for one that a newer patchctl has made.
    """
    draft = Deployment(layered(list(layers)), clients.subscription, "", me, now)
    keeper = await find_keeper(clients, draft)
    if keeper is None:
        found = await _new(clients, draft, layers, making=making)
        left = await without_memory(clients, found) if making and found.borrowed else None
        return left or replace(found, suffix=_drawn(draw_suffix))
    found = replace(_standing(draft, keeper, layers, making=making), take_over=take_over)
    if not (found.own or found.forgot):
        return found
    return replace(found, noted=await template_spec.memories(clients, found))


def _standing(
    draft: Deployment, keeper: Keeper, layers: Sequence[Layer], *, making: bool
) -> Deployment:
    """One that stands, as its keeper remembers it and as it is asked for."""
    refuse_newer(keeper.tags)
    memory = remembered.as_layer(keeper.tags)
    place = {"location": keeper.location, "resource_group": keeper.group}
    if making:
        refuse_fixed(draft.asked, {**memory.values, **place})
        refuse_past_first(draft.asked, memory.values.get("schedule.first"), draft.now)
    group = Layer(STANDING, {"resource_group": None if keeper.own else keeper.group}, {})
    everything = [group, *layers, Layer(STANDING, place, {}), memory]
    return replace(
        draft,
        asked=_with_first(everything, memory.values, draft.now),
        suffix=keeper.tags[SUFFIX],
        standing_tags=keeper.tags,
        deleting=keeper.deleting,
    )


async def _new(
    clients: Clients, draft: Deployment, layers: Sequence[Layer], *, making: bool
) -> Deployment:
    """One that does not stand here. In a group that is there, things are made where it is."""
    found = list(layers)
    if making:
        refuse_past_first(draft.asked, None, draft.now)
    if making and draft.borrowed:
        found.append(await location_of_group(clients, draft))
    places = await _places(clients, draft.name)
    return replace(
        draft,
        asked=_with_first(found, {}, draft.now),
        elsewhere=tuple(place for place in places if not same(place, draft.subscription)),
        listed=any(same(place, draft.subscription) for place in places),
    )


def _with_first(layers: list[Layer], standing: Mapping[str, Any], now: datetime) -> Asked:
    """Lay the layers over each other; compute the first day where nobody has asked for one.

    The day that stands is kept while the rhythm is: windows two weeks apart depend on it.
    """
    asked = layered(layers)
    wanted = flattened(asked.config.model_dump(mode="json"))
    rhythm = ("schedule.at", "schedule.recur", "schedule.time_zone")
    explicit = asked.config.schedule.first not in (None, standing.get("schedule.first"))
    if explicit or (standing and all(wanted[path] == standing.get(path) for path in rhythm)):
        return asked
    schedule = asked.config.schedule
    at, rule = window.parse_time(schedule.at), recurrence.parse(schedule.recur)
    first = window.first_start(at, rule, schedule.time_zone, now).date().isoformat()
    computed = Layer("computed", {"schedule.first": first}, {"schedule.first": "computed"})
    return layered([computed, *layers])


def _drawn(draw: Callable[[], str]) -> str:
    """Six hex digits, so that a new deployment never meets a name that Azure has yet to forget."""
    suffix = draw()
    if not re.fullmatch(r"[0-9a-f]{6}", suffix):
        raise ValueError(f"a suffix has six hex digits, not {suffix!r}")
    return suffix


async def _places(clients: Clients, name: str) -> list[str]:
    """The subscriptions in which the name is listed."""
    found, _ = await deployments(clients)
    return [listed.subscription for listed in found if listed.name == name]
