"""What is refused, told before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from patchctl import __version__
from patchctl.config import Asked
from patchctl.errors import BadInput, Foreign, NotAsItShouldBe, PatchctlError
from patchctl.layers import STANDING, flattened
from patchctl.remembered import CREATED_BY, MOST_TAGS, OWNER, VERSION, release
from patchctl.report import same
from patchctl.schedule import time_zones, window

if TYPE_CHECKING:
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment
    from patchctl.report import Inspection

MOST_MAILED = 100
"""Mails an hour to one address (azure-monitor-limits-action-groups.md)."""
FIXED = ("location", "resource_group", "machine.os")


def refuse_other_author(deployment: Deployment) -> None:
    """Raises Foreign when somebody else has made the deployment and it is not taken over."""
    standing = deployment.standing_tags or {}
    owner = standing.get(OWNER, deployment.me.object_id)
    if owner != deployment.me.object_id and not deployment.take_over:
        raise Foreign(
            "MadeBySomebodyElse",
            f"{deployment.name} was made by {standing.get(CREATED_BY) or owner}, "
            f"and you are {deployment.me.name}.",
            resource=deployment.group_id,
        )


async def require_standing(clients: Clients, deployment: Deployment) -> None:
    """Raises NotAsItShouldBe where there is nothing to look at."""
    await refuse_left_behind(clients, deployment)
    if not deployment.stands:
        raise NotAsItShouldBe("NotDeployed", f"{deployment.name} does not stand here.")


async def refuse_left_behind(clients: Clients, deployment: Deployment) -> None:
    """Raises NotAsItShouldBe for a deployment that somebody has deleted, and not its machines'
    memory of it: a new one that makes a machine would leave them as they are."""
    from patchctl.selection import left_behind

    if deployment.stands or deployment.own:
        return
    left = await left_behind(clients, deployment)
    if left is not None:
        raise NotAsItShouldBe(
            "LeftBehind",
            f"Somebody has deleted {deployment.name}. Machines that are still as it had set them: "
            f"{len(left.released)}.",
        )


def require_possible(deployment: Deployment) -> None:
    """Raises BadInput for what can be told before anything is written, PatchctlError for a group
    that Azure is deleting: its names must not be used again so soon."""
    if deployment.deleting:
        raise PatchctlError(
            "GroupBeingDeleted",
            f"Azure is still deleting {deployment.group}.",
            resource=deployment.group_id,
        )
    if (needed := len(deployment.keeper_tags)) > MOST_TAGS:
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
            "Ask for one mail a run: {again} --notify-per run",
        )
    if not deployment.config.emails and deployment.config.alerts.action_group is None:
        raise BadInput(
            ["emails: nobody would get the mail"],
            "Name an address: {again} --email you@example.com",
        )


def refuse_lacking(plan: Mapping[str, Inspection], *, writing: bool = True) -> None:
    """Raises BadInput for all that is named and is not there. Only to look at, what was named
    earlier and has gone since is shown like anything else that is not as it should be."""
    found = [inspection.lacks for inspection in plan.values() if inspection.lacks is not None]
    asked = [lacks for lacks in found if writing or lacks.source != STANDING]
    if asked:
        cures = (lacks.cure for lacks in asked if lacks.source == STANDING)
        problems = [f"{lacks.source}: {lacks.id} is not there" for lacks in asked]
        raise BadInput(problems, next(cures, ""))


def refuse_newer(tags: Mapping[str, str]) -> None:
    made_with = tags.get(VERSION, "0")
    if release(made_with) > release(__version__):
        raise PatchctlError(
            "NewerDeployment",
            f"This deployment was made with patchctl {made_with}, and this is {__version__}.",
        )


def refuse_fixed(asked: Asked, standing: Mapping[str, Any]) -> None:
    """Location, group and system cannot be changed once they stand."""
    wanted = flattened(asked.config.model_dump(mode="json"))
    problems = [
        f"{asked.source(path)}: {wanted[path]} is asked for and {standing[path]} stands; "
        "it cannot be changed"
        for path in FIXED
        if path in asked.sources and path in standing and not same(wanted[path], standing[path])
        if path != "machine.os" or asked.config.machines is None
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


def refuse_past_first(asked: Asked, standing: str | None, now: datetime) -> None:
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
