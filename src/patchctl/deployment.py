"""A deployment, resolved once before the first step: names, ids and tags all follow from it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from patchctl import __version__
from patchctl.config import STANDING, Asked, Config, Layer, flattened, layered
from patchctl.errors import BadInput, Foreign, NotAsItShouldBe, PatchctlError
from patchctl.machines import Machine, Memory, Obstacle, tag_name
from patchctl.schedule import recurrence, time_zones, window
from patchctl.schedule.window import Window

if TYPE_CHECKING:
    from azure.mgmt.resource.resources.models import ResourceGroup

    from patchctl.clients import Clients

MANAGED_BY = "managed-by"
DEPLOYMENT = "patchctl-deployment"
SUFFIX = "patchctl-suffix"
OWNER = "patchctl-owner"
CREATED_BY = "patchctl-created-by"
CREATED_AT = "patchctl-created-at"
VERSION = "patchctl-version"
ASKED = "patchctl-asked-"
DEMO_TAGS = {"purpose": "patching-demo", "environment": "demo"}
"""The recipe's own."""

REMEMBERED = ("emails", "tags", "schedule", "patches", "machine", "prerequisites", "alerts")
NONE_MADE = "Not asked for: the machines stand already."
FIRST_AHEAD = timedelta(minutes=20)
"""Azure wants 15 for a new schedule, and the machine may have to be made in them first."""
MOST_MAILED = 100
"""Mails an hour to one address (azure-monitor-limits-action-groups.md)."""
MOST_TAGS = 50
TAG_VALUE = 256
"""Longest value that Azure takes for a tag."""


@dataclass(frozen=True)
class Identity:
    """Who is signed in: a name to show, the object id that Azure knows, and the tenant."""

    name: str
    object_id: str
    tenant: str


@dataclass(frozen=True)
class Offer:
    """A VM size and an image that the location offers; `image` is publisher, offer and SKU."""

    size: str
    image: tuple[str, str, str]


@dataclass(frozen=True)
class PatchSchedule:
    """A maintenance configuration, and the window that it is to have."""

    configuration: str
    window: Window
    wanted: bool
    """Whether this command asks for it; one that is not asked for is left as it stands."""
    once: bool = False
    """Whether its window opens a single time."""

    @property
    def assignment(self) -> str:
        return f"assign-{self.configuration}"

    @property
    def expires(self) -> datetime | None:
        """When it ends, by the clocks of its time zone: before it would open a second time."""
        return self.window.start + timedelta(hours=12) if self.once else None


@dataclass(frozen=True)
class Deployment:
    asked: Asked
    subscription: str
    suffix: str
    me: Identity
    now: datetime
    """When the command began; aware, UTC."""
    standing_tags: Mapping[str, str] | None = None
    """The group's tags, None while it does not stand."""
    take_over: bool = False
    wait: bool = True
    """Whether destroy waits until the group is gone."""
    offer: Offer | None = None
    """What a new machine would be made of; None where no machine has to be made."""
    machines: tuple[Machine, ...] = ()
    """Those of yours that are to be patched; none where a machine is made."""
    hindered: tuple[tuple[Machine, Obstacle], ...] = ()
    """Those that were asked for too, and cannot be: they are left as they are."""
    released: tuple[Machine, ...] = ()
    """Those that are assigned or were changed, and are not asked for any more."""
    stranded: tuple[Machine, ...] = ()
    """Machines that one can read, on which nothing is ever installed."""
    memories: Mapping[str, Memory] = field(default_factory=dict)
    """By id in lower case, what a file remembers of machines that have lost their tag."""
    deleting: bool = False
    """Whether Azure is deleting the group."""
    elsewhere: tuple[str, ...] = field(default=())
    """Subscriptions in which a deployment of this name stands, when this one has none."""

    @property
    def config(self) -> Config:
        return self.asked.config

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def stands(self) -> bool:
        return self.standing_tags is not None

    @property
    def forgot(self) -> bool:
        """Whether the group once remembered what was asked for and can no longer be read."""
        tags = self.standing_tags or {}
        return any(name.startswith(ASKED) for name in tags) and not remembered(tags).values

    @property
    def own(self) -> bool:
        """Whether it patches machines that stand already, and makes none."""
        return self.config.machines is not None or bool(self.memories)

    @property
    def known_machines(self) -> tuple[Machine, ...]:
        """Every machine of yours that it has, should have, or had to do with."""
        return (*self.machines, *(m for m, _ in self.hindered), *self.released)

    @property
    def read_scopes(self) -> tuple[str, ...]:
        """The groups that the alerts' identity has to read: ours, and those of your machines."""
        return tuple({id.lower(): id for id in (self.group_id, *_groups(self.machines))}.values())

    @property
    def left_scopes(self) -> tuple[str, ...]:
        """The groups that it had to read, and has not to any more."""
        needed = {id.lower() for id in self.read_scopes}
        left = {id.lower(): id for id in _groups(self.known_machines)}
        return tuple(id for key, id in left.items() if key not in needed)

    @property
    def patched(self) -> tuple[Machine, ...]:
        """The machines to be assigned to the schedules."""
        if self.own:
            return self.machines
        made = self.config.machine.os, self.config.location
        return (Machine(self.virtual_machine_id, *made, settings=None),)

    # -- names, as in the recipe

    @property
    def group(self) -> str:
        return f"rg-patching-{self.name}"

    @property
    def virtual_machine(self) -> str:
        return f"vm-{self.name}-{self.suffix}"

    @property
    def computer_name(self) -> str:
        """At most 15 characters, as Windows demands, whatever the deployment's name."""
        return f"vm-{self.name[:5].strip('-')}-{self.suffix}"

    @property
    def os_disk(self) -> str:
        return f"osdisk-{self.name}-{self.suffix}"

    @property
    def network(self) -> str:
        return f"vnet-{self.name}-{self.suffix}"

    @property
    def security_group(self) -> str:
        return f"nsg-{self.name}-{self.suffix}"

    @property
    def network_interface(self) -> str:
        return f"nic-{self.name}-{self.suffix}"

    @property
    def nat_gateway(self) -> str:
        return f"nat-{self.name}-{self.suffix}"

    @property
    def nat_address(self) -> str:
        return f"pip-{self.name}-{self.suffix}"

    @property
    def action_group(self) -> str:
        return f"ag-patching-{self.suffix}"

    @property
    def machine_tag(self) -> str:
        """The tag in which each machine of yours remembers how it was."""
        return tag_name(f"{self.name}-{self.suffix}")

    @property
    def maintenance_configuration(self) -> str:
        return f"mc-weekly-patches-{self.suffix}"

    @property
    def alert_identity(self) -> str:
        return f"id-patching-{self.suffix}"

    @property
    def first_configuration(self) -> str:
        return f"mc-first-patches-{self.suffix}"

    # -- ids

    @property
    def group_id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def id(self, type: str, name: str) -> str:
        """The id of a resource in the group: `id("Microsoft.Compute/virtualMachines", name)`."""
        return f"{self.group_id}/providers/{type}/{name}"

    @property
    def virtual_machine_id(self) -> str:
        return self.id("Microsoft.Compute/virtualMachines", self.virtual_machine)

    @property
    def network_interface_id(self) -> str:
        return self.id("Microsoft.Network/networkInterfaces", self.network_interface)

    @property
    def action_group_id(self) -> str:
        """The action group that the alerts tell: ours, or the one named."""
        return self.config.alerts.action_group or self.own_action_group_id

    @property
    def action_group_names(self) -> tuple[str, str, str]:
        """Its subscription, its resource group and its name."""
        _, _, subscription, _, group, *_, name = self.action_group_id.split("/")
        return subscription, group, name

    @property
    def own_action_group_id(self) -> str:
        return self.id("Microsoft.Insights/actionGroups", self.action_group)

    @property
    def maintenance_configuration_id(self) -> str:
        return self.configuration_id(self.maintenance_configuration)

    @property
    def own_alert_identity_id(self) -> str:
        return self.id("Microsoft.ManagedIdentity/userAssignedIdentities", self.alert_identity)

    @property
    def alert_identity_id(self) -> str:
        """The identity with whose rights the alerts on results ask: ours, or the one named."""
        return self.config.alerts.identity or self.own_alert_identity_id

    @property
    def watched(self) -> bool:
        """Whether Azure watches the results; not all clouds can (update-manager, manage-alerts)."""
        return self.config.alerts.results and self.config.cloud == "public"

    def configuration_id(self, name: str) -> str:
        return self.id("Microsoft.Maintenance/maintenanceConfigurations", name)

    @property
    def configuration_ids(self) -> tuple[str, ...]:
        """Of all schedules that a run of ours may belong to, in lower case as Azure writes them."""
        return tuple(
            self.configuration_id(name).lower()
            for name in (self.maintenance_configuration, self.first_configuration)
        )

    # -- tags

    @property
    def tags(self) -> dict[str, str]:
        """What every resource carries."""
        own = {MANAGED_BY: "patchctl", DEPLOYMENT: self.name}
        asked = {name.lower() for name in self.config.tags}
        demo = {name: value for name, value in DEMO_TAGS.items() if name not in asked}
        return {**demo, **self.config.tags, **own}

    @property
    def group_tags(self) -> dict[str, str]:
        """What the group carries: also who made it, when, with what, and what was asked for."""
        standing = self.standing_tags or {}
        owner = self.me if self.take_over or OWNER not in standing else None
        return {
            **self.tags,
            SUFFIX: self.suffix,
            OWNER: owner.object_id if owner else standing[OWNER],
            CREATED_BY: owner.name[:TAG_VALUE] if owner else standing.get(CREATED_BY, ""),
            CREATED_AT: standing.get(CREATED_AT, f"{self.now:%Y-%m-%dT%H:%M:%SZ}"),
            VERSION: max(standing.get(VERSION, "0"), __version__, key=_release),
            **_remembered(self.config),
        }

    def is_ours(self, tags: Mapping[str, str] | None) -> bool:
        return is_ours(tags, self.name)

    @property
    def untagged_ids(self) -> frozenset[str]:
        """Ids, in lower case, that are ours by their derived name even if their tags are gone."""
        disk = self.id("Microsoft.Compute/disks", self.os_disk)
        return frozenset({disk.lower()})

    # -- schedule

    @property
    def window(self) -> Window:
        """The maintenance window that is asked for."""
        schedule = self.config.schedule
        rule = recurrence.parse(schedule.recur)
        at = window.parse_time(schedule.at)
        if schedule.first is None:
            raise ValueError("resolve() computes the first day")
        start = datetime.combine(date.fromisoformat(schedule.first), at)
        duration = window.parse_duration(schedule.duration)
        return Window(start, duration, schedule.time_zone, rule)

    @property
    def first_window(self) -> Window:
        """One window soon after the command began, beside the schedule, and just as long."""
        zone = self.window.time_zone
        start = window.soon(self.now + FIRST_AHEAD, zone)
        return Window(start, self.window.duration, zone, recurrence.parse("1Day"))

    @property
    def schedules(self) -> tuple[PatchSchedule, PatchSchedule]:
        """The one that was asked for, and the one that opens a single window to try it out."""
        return (
            PatchSchedule(self.maintenance_configuration, self.window, wanted=True),
            PatchSchedule(self.first_configuration, self.first_window, self.config.first_now, True),
        )


def _groups(machines: Iterable[Machine]) -> list[str]:
    return [machine.group_id for machine in machines]


def is_ours(tags: Mapping[str, str] | None, name: str) -> bool:
    """Whether tags say that a resource belongs to the deployment of this name."""
    lowered = {key.lower(): value for key, value in (tags or {}).items()}
    return lowered.get(MANAGED_BY) == "patchctl" and lowered.get(DEPLOYMENT) == name


def _remembered(config: Config) -> dict[str, str]:
    """What was asked for, as JSON split over as many tags as it takes."""
    data = config.model_dump(mode="json", include=set(REMEMBERED))
    if config.machines is not None:
        data["machines"] = []  # which ones is seen from their assignments
    text = json.dumps(flattened(data), separators=(",", ":"), sort_keys=True)
    parts = [text[at : at + TAG_VALUE] for at in range(0, len(text), TAG_VALUE)]
    return {f"{ASKED}{number:02}": part for number, part in enumerate(parts, 1)}


def remembered(tags: Mapping[str, str]) -> Layer:
    """The layer of what stands. Tags that somebody has damaged count as nothing remembered."""
    parts = [value for key, value in sorted(tags.items()) if key.lower().startswith(ASKED)]
    try:
        values = json.loads("".join(parts)) if parts else {}
    except ValueError:
        values = {}
    found = values if isinstance(values, dict) else {}
    return Layer(STANDING, {k: v for k, v in found.items() if v is not None}, {})


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
    from patchctl.clients import find

    asked = layered(list(layers))
    draft = Deployment(asked, clients.subscription, "", me, now)
    group = await find(clients.resources.resource_groups.get(draft.group))
    if group is None:
        elsewhere = await _elsewhere(clients, draft.name)
        if making:
            _refuse_past_first(asked, None, now)
        asked = _with_first(list(layers), {}, now)
        return replace(draft, asked=asked, suffix=_drawn(draw_suffix), elsewhere=elsewhere)
    standing = _standing_tags(draft, group)
    memory = remembered(standing)
    if making:
        _refuse_fixed(asked, {**memory.values, "location": group.location})
        _refuse_past_first(asked, memory.values.get("schedule.first"), now)
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
            "Choose another --name.",
            resource=group.id,
        )
    _refuse_newer(tags)
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


def refuse_other_author(deployment: Deployment) -> None:
    """Raises Foreign when somebody else has made the deployment and it is not taken over."""
    standing = deployment.standing_tags or {}
    owner = standing.get(OWNER, deployment.me.object_id)
    if owner != deployment.me.object_id and not deployment.take_over:
        raise Foreign(
            "MadeBySomebodyElse",
            f"{deployment.name} was made by {standing.get(CREATED_BY) or owner}, "
            f"and you are {deployment.me.name}.",
            "If it is yours now, say so with --take-over.",
            resource=deployment.group_id,
        )


def require_standing(deployment: Deployment) -> None:
    """Raises NotAsItShouldBe where there is nothing to look at."""
    if not deployment.stands:
        raise NotAsItShouldBe(
            "NotDeployed",
            f"{deployment.name} does not stand here.",
            f"Make it: patchctl deploy --name {deployment.name} --email you@example.com",
        )


def require_possible(deployment: Deployment) -> None:
    """Raises BadInput for what can be told before anything is written, PatchctlError for a group
    that Azure is deleting: its names must not be used again so soon."""
    if deployment.deleting:
        raise PatchctlError(
            "GroupBeingDeleted",
            f"Azure is still deleting {deployment.group}.",
            f"See it through: patchctl destroy --yes --name {deployment.name}. Then deploy again.",
            resource=deployment.group_id,
        )
    if (needed := len(deployment.group_tags)) > MOST_TAGS:
        raise BadInput(
            [f"tags: with what has to be remembered the group needs {needed}; Azure takes 50"],
            "Ask for fewer or shorter tags, addresses, KBs or packages.",
        )
    many = len(deployment.machines) > MOST_MAILED
    if many and deployment.watched and deployment.config.alerts.per == "machine":
        raise BadInput(
            [
                f"{deployment.asked.source('alerts.per')}: {len(deployment.machines)} machines, "
                f"and Azure mails an address {MOST_MAILED} times an hour, no more"
            ],
            "Ask for one mail a run: --notify-per run",
        )
    if not deployment.config.emails and deployment.config.alerts.action_group is None:
        raise BadInput(
            ["emails: nobody would get the mail"],
            "Name an address: patchctl deploy --email you@example.com",
        )


def _refuse_newer(tags: Mapping[str, str]) -> None:
    made_with = tags.get(VERSION, "0")
    if _release(made_with) > _release(__version__):
        raise PatchctlError(
            "NewerDeployment",
            f"This deployment was made with patchctl {made_with}, and this is {__version__}.",
            "Upgrade first: python -m pip install --upgrade patchctl",
        )


def _release(version: str) -> tuple[int, ...]:
    """Major and minor version; a patch release never changes what is remembered."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _refuse_fixed(asked: Asked, standing: Mapping[str, Any]) -> None:
    """Location and system cannot be changed once they stand."""
    wanted = flattened(asked.config.model_dump(mode="json"))
    problems = [
        f"{asked.source(path)}: {wanted[path]} is asked for and {standing[path]} stands; "
        "it cannot be changed"
        for path in ("location", *(("machine.os",) if asked.config.machines is None else ()))
        if path in asked.sources and path in standing and wanted[path] != standing[path]
    ]
    subnet = wanted["machine.subnet"]
    if "machine.os" in standing and subnet not in (None, standing.get("machine.subnet")):
        problems.append(
            f"{asked.source('machine.subnet')}: the machine stands in another network; "
            "it cannot be moved"
        )
    if (
        asked.config.machines is not None
        and standing.get("machine.os")
        and ("machines" not in standing)
    ):
        problems.append(
            f"{asked.source('machines')}: what stands patches a machine that it has made, and no "
            "others"
        )
    if problems:
        name = asked.config.name
        raise BadInput(
            problems, f"Give it another --name, or remove it first: patchctl destroy --name {name}"
        )


def _refuse_past_first(asked: Asked, standing: str | None, now: datetime) -> None:
    """A first day in the past is refused, unless it is the one that stands. (Azure takes it.)"""
    first = asked.config.schedule.first
    if first is None or first == standing:
        return
    schedule = asked.config.schedule
    there = now.astimezone(time_zones.zone(schedule.time_zone)).replace(tzinfo=None)
    start = datetime.combine(date.fromisoformat(first), window.parse_time(schedule.at))
    if start < there:
        source = asked.source("schedule.first")
        raise BadInput(
            [
                f"{source}: {first} {schedule.at} is in the past; in {schedule.time_zone} it is "
                f"{there:%Y-%m-%d %H:%M}; name a later day, or leave it out"
            ]
        )


async def _elsewhere(clients: Clients, name: str) -> tuple[str, ...]:
    """Other subscriptions in which the name stands."""
    found, _ = await deployments(clients)
    return tuple(listed.subscription for listed in found if listed.name == name)


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


async def deployments(clients: Clients) -> tuple[list[Listed], list[str]]:
    """Every deployment in every subscription, found by tag; and what could not be read."""
    known = [
        (subscription.subscription_id or "", subscription.display_name or "")
        async for subscription in clients.subscriptions.subscriptions.list()
    ]
    found = await asyncio.gather(*(_in_subscription(clients, *names) for names in known))
    unread = [
        f"{shown} ({id})"
        for (id, shown), listed in zip(known, found, strict=True)
        if listed is None
    ]
    return [one for listed in found for one in listed or []], unread


async def _in_subscription(clients: Clients, id: str, shown: str) -> list[Listed] | None:
    """The deployments of one subscription; None where its groups may not be read."""
    from azure.core.exceptions import HttpResponseError

    groups = clients.within(id).resources.resource_groups.list(
        filter=f"tagName eq '{MANAGED_BY}' and tagValue eq 'patchctl'"
    )
    try:
        standing = [(group, group.tags or {}) async for group in groups]
    except HttpResponseError:
        return None
    return [
        _listed({k.lower(): v for k, v in tags.items()}, id, shown, group.location, group.id or "")
        for group, tags in standing
        if any(name.lower() == DEPLOYMENT for name in tags)
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
