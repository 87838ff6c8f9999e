"""A deployment, resolved once before the first step: names, ids and tags all follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from patchctl import __version__, remembered
from patchctl.config import Asked, Config
from patchctl.machines import MISSING, Machine, Memory, Obstacle, tag_name
from patchctl.remembered import (
    ASKED,
    CREATED_AT,
    CREATED_BY,
    DEPLOYMENT,
    MANAGED_BY,
    OWNER,
    SUFFIX,
    TAG_VALUE,
    VERSION,
)
from patchctl.schedule import recurrence, window
from patchctl.schedule.patch_schedule import PatchSchedule
from patchctl.schedule.window import Window

if TYPE_CHECKING:
    from patchctl.offers import Offer
    from patchctl.sign_in import Identity

DEMO_TAGS = {"purpose": "patching-demo", "environment": "demo"}
"""The recipe's own."""
NONE_MADE = "Not asked for: the machines stand already."
FIRST_AHEAD = timedelta(minutes=20)
"""Azure wants 15 for a new schedule, and the machine may have to be made in them first."""


@dataclass(frozen=True)
class Deployment:
    asked: Asked
    subscription: str
    suffix: str
    me: Identity
    now: datetime
    """When the command began; aware, UTC."""
    standing_tags: Mapping[str, str] | None = None
    """Of what keeps its memory, None while it does not stand; their names in lower case."""
    take_over: bool = False
    note: str = ""
    """That this command is at work, for the tag that says so."""
    wait: bool = True
    """Whether destroy waits until the group is gone."""
    offer: Offer | None = None
    """What a new machine would be made of; None where no machine has to be made."""
    machines: tuple[Machine, ...] = ()
    """Those of yours that are to be patched; none where a machine is made."""
    hindered: tuple[tuple[Machine, Obstacle], ...] = ()
    """Those that were asked for too, and cannot be: they are left as they are."""
    released: tuple[Machine, ...] = ()
    """Those that we have assigned or changed, and that are not asked for any more."""
    missing: tuple[str, ...] = ()
    """Ids of those that were asked for, and are gone or hidden from us."""
    stranded: tuple[Machine, ...] = ()
    """Machines that one can read, on which nothing is ever installed."""
    memories: Mapping[str, Memory] = field(default_factory=dict)
    """By id in lower case, what a file remembers of machines that have lost their tag."""
    noted: Mapping[str, Memory] = field(default_factory=dict)
    """By id in lower case, what the group remembers of machines that are not to be tagged."""
    deleting: bool = False
    """Whether Azure is deleting the group."""
    elsewhere: tuple[str, ...] = field(default=())
    """Other subscriptions in which a deployment of this name stands, when this one has none."""
    listed: bool = False
    """Whether Azure lists its group in this one, though it says that there is none."""

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
        """Whether what was asked for was remembered once and can no longer be read."""
        tags = self.standing_tags or {}
        asked = [name for name in tags if name.startswith(ASKED)]
        return bool(asked) and not remembered.as_layer(tags).values

    @property
    def own(self) -> bool:
        """Whether it patches machines that stand already, and makes none."""
        known = self.memories or self.noted or self.released
        remembers = remembered.machines(self.standing_tags or {})
        return self.config.machines is not None or bool(known or remembers)

    @property
    def known_machines(self) -> tuple[Machine, ...]:
        """Every machine of yours that it has, should have, or had to do with."""
        return (*self.machines, *(m for m, _ in self.hindered), *self.released)

    @property
    def left(self) -> tuple[tuple[str, Obstacle], ...]:
        """What was asked for and cannot be patched, as it is shown to people."""
        return (
            *((machine.shown, reason) for machine, reason in self.hindered),
            *((id, MISSING) for id in self.missing),
        )

    @property
    def asked_machines(self) -> tuple[str, ...]:
        """Ids of every machine that is asked for, be anything in its way or not."""
        found = (*self.machines, *(machine for machine, _ in self.hindered))
        return (*(machine.id for machine in found), *self.missing)

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
    def own_group(self) -> str:
        return f"rg-patching-{self.name}"

    @property
    def group(self) -> str:
        return self.config.resource_group or self.own_group

    @property
    def borrowed(self) -> bool:
        """Whether the group is somebody's, and stays just as it is."""
        return self.config.resource_group is not None

    @property
    def template_spec(self) -> str:
        """Of the name alone, so that it is found before anything else is known."""
        return f"patchctl-{self.name}"

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

    @property
    def keeper_id(self) -> str:
        """What keeps its memory: its own group, or a template spec in another's."""
        spec = self.id("Microsoft.Resources/templateSpecs", self.template_spec)
        return spec if self.borrowed else self.group_id

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
    def action_groups_ever(self) -> frozenset[str]:
        """Ids, in lower case, of those that the alerts tell or have told because we said so."""
        remembers = remembered.as_layer(self.standing_tags or {}).values
        before = remembers.get("alerts.action_group") or ""
        ids = (self.action_group_id, self.own_action_group_id, str(before))
        return frozenset(id.lower() for id in ids)

    @property
    def mailed(self) -> tuple[str, ...]:
        """Who gets the mail of the alerts: the action group that is named, or the addresses."""
        named = self.config.alerts.action_group
        return self.config.emails if named is None else (named,)

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

    @property
    def audited(self) -> tuple[str, ...]:
        """What the alerts on edits watch: our group, or in somebody's only what is ours."""
        made = () if self.own else (self.virtual_machine_id,)
        ours = (self.maintenance_configuration_id, *made)
        return ours if self.borrowed else (self.group_id,)

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
    def keeper_tags(self) -> dict[str, str]:
        """What remembers it: also who made it, when, with what, and what was asked for."""
        standing = self.standing_tags or {}
        owner = self.me if self.take_over or OWNER not in standing else None
        tags = {
            **self.tags,
            SUFFIX: self.suffix,
            OWNER: owner.object_id if owner else standing[OWNER],
            CREATED_BY: owner.name[:TAG_VALUE] if owner else standing.get(CREATED_BY, ""),
            CREATED_AT: standing.get(CREATED_AT, f"{self.now:%Y-%m-%dT%H:%M:%SZ}"),
            VERSION: max(standing.get(VERSION, "0"), __version__, key=remembered.release),
            **remembered.as_tags(self.config),
        }
        return tags | remembered.machines_as_tags(self.asked_machines, others=len(tags))

    def is_ours(self, tags: Mapping[str, str] | None) -> bool:
        return remembered.is_ours(tags, self.name)

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
