"""Every deployment that one can see, found by what keeps its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchctl.many import together
from patchctl.remembered import CREATED_AT, CREATED_BY, DEPLOYMENT, MANAGED_BY, SUFFIX, VERSION
from patchctl.report import lowered

if TYPE_CHECKING:
    from patchctl.clients import Clients


@dataclass(frozen=True)
class Listed:
    """A deployment as `patchctl list` shows it."""

    name: str
    subscription: str
    subscription_name: str
    location: str
    created_by: str
    created_at: str
    version: str
    group: str

    @property
    def group_name(self) -> str:
        return self.group.rsplit("/", 1)[-1]


async def deployments(clients: Clients) -> tuple[list[Listed], list[str]]:
    """Every deployment in every subscription, found by tag; and what could not be read."""
    known = [
        (subscription.subscription_id or "", subscription.display_name or "")
        async for subscription in clients.subscriptions.subscriptions.list()
    ]
    found = await together(*(_in_subscription(clients, *names) for names in known))
    unread = [
        f"{shown} ({id})"
        for (id, shown), listed in zip(known, found, strict=True)
        if listed is None
    ]
    return [one for listed in found for one in listed or []], unread


async def _in_subscription(clients: Clients, id: str, shown: str) -> list[Listed] | None:
    """The deployments of one subscription; None where its groups may not be read."""
    from azure.core.exceptions import HttpResponseError

    here = clients.within(id)
    groups = here.resources.resource_groups.list(
        filter=f"tagName eq '{MANAGED_BY}' and tagValue eq 'patchctl'"
    )
    specs = here.template_specs.template_specs.list_by_subscription()
    try:
        keepers = [(g.tags, g.location, g.id) async for g in groups]
        keepers += [(s.tags, s.location, s.id) async for s in specs]
    except HttpResponseError as error:
        if error.status_code not in (403, 404):
            raise
        return None
    found = [(lowered(tags), location, keeper or "") for tags, location, keeper in keepers]
    return [
        _listed(tags, id, shown, location, "/".join(keeper.split("/")[:5]))
        for tags, location, keeper in found
        if tags.get(MANAGED_BY) == "patchctl" and {DEPLOYMENT, SUFFIX} <= tags.keys()
    ]


def _listed(
    tags: Mapping[str, str], subscription: str, shown: str, location: str, group: str
) -> Listed:
    return Listed(
        name=tags[DEPLOYMENT],
        subscription=subscription,
        subscription_name=shown,
        location=location,
        created_by=tags.get(CREATED_BY, ""),
        created_at=tags.get(CREATED_AT, ""),
        version=tags.get(VERSION, ""),
        group=group,
    )
