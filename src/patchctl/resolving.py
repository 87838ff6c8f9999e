"""Which deployment is meant, and what stands of it: a command's first look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from patchctl import remembered
from patchctl.clients import find
from patchctl.config import STANDING, Asked, Layer, flattened, layered
from patchctl.deployment import Deployment, Identity
from patchctl.deployments import deployments
from patchctl.errors import Foreign
from patchctl.refusals import refuse_fixed, refuse_newer, refuse_past_first
from patchctl.remembered import SUFFIX, is_ours
from patchctl.schedule import recurrence, window

if TYPE_CHECKING:
    from azure.mgmt.resource.resources.models import ResourceGroup

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
    """Read the group, and lay what it remembers under what is asked for.

    `making`: whether it is to be written or planned, not only looked at or taken away. Raises
    BadInput for what cannot be asked of a deployment that stands, Foreign for a group that
    patchctl did not make, PatchctlError for one that a newer patchctl has made.
    """
    asked = layered(list(layers))
    draft = Deployment(asked, clients.subscription, "", me, now)
    group = await find(clients.resources.resource_groups.get(draft.group))
    if group is None:
        elsewhere = await _elsewhere(clients, draft.name)
        if making:
            refuse_past_first(asked, None, now)
        asked = _with_first(list(layers), {}, now)
        return replace(draft, asked=asked, suffix=_drawn(draw_suffix), elsewhere=elsewhere)
    standing = _standing_tags(draft, group)
    memory = remembered.as_layer(standing)
    if making:
        refuse_fixed(asked, {**memory.values, "location": group.location})
        refuse_past_first(asked, memory.values.get("schedule.first"), now)
    location = Layer(STANDING, {"location": group.location}, {})
    return replace(
        draft,
        asked=_with_first([*layers, location, memory], memory.values, now),
        suffix=standing[SUFFIX],
        standing_tags=standing,
        take_over=take_over,
        deleting=group.properties is not None and group.properties.provisioning_state == "Deleting",
    )


def _standing_tags(draft: Deployment, group: ResourceGroup) -> dict[str, str]:
    """The tags of a group that is ours, their names in lower case as Azure compares them."""
    tags = {name.lower(): value for name, value in (group.tags or {}).items()}
    if not is_ours(tags, draft.name) or SUFFIX not in tags:
        raise Foreign(
            "Foreign",
            f"The resource group {draft.group} is there, and patchctl did not make it.",
            resource=group.id,
        )
    refuse_newer(tags)
    return tags


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


async def _elsewhere(clients: Clients, name: str) -> tuple[str, ...]:
    """Other subscriptions in which the name stands."""
    found, _ = await deployments(clients)
    return tuple(listed.subscription for listed in found if listed.name == name)
