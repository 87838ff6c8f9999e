"""The patch settings of machines that stand already, and what they were before.

Nothing else of a machine is written but one tag, and not even that where the group is to remember.
What is remembered is written first, so that no machine is ever changed whose settings before it are
not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from azure.mgmt.resource.resources.models import Tags, TagsPatchResource

from patchctl import actions, template_spec
from patchctl.actions import Needed
from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.errors import Final, PatchctlError
from patchctl.machine_settings import patch, seen
from patchctl.machines import (
    Machine,
    Memory,
    Settings,
    remembered,
    stranded,
    wanted_settings,
    warning,
)
from patchctl.many import require_all, try_each
from patchctl.remembered import machines as remembered_machines
from patchctl.report import Finding, Inspection, State, check
from patchctl.translation import translated

NAME = "patch-settings"
NEEDS = ("resource-group",)
ACTIONS = (
    Needed("Microsoft.Compute/virtualMachines", "read write", actions.vm_groups),
    Needed("Microsoft.HybridCompute/machines", "read", actions.arc_groups),
    Needed("Microsoft.Resources/tags", "write", actions.vm_groups, actions.tags_machines),
    Needed("Microsoft.Resources/templateSpecs", "read write delete", when=actions.notes_machines),
    Needed("Microsoft.Compute/locations", "operations/read", actions.machine_subscriptions),
    Needed(
        "Microsoft.Authorization/locks",
        "read",
        actions.machine_subscriptions,
        without="locks are not seen before they are in the way",
    ),
)
FOR_EVER = ("InvalidParameter", "PropertyChangeNotAllowed")
"""The codes with which Compute refuses settings for what a machine is."""


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if not deployment.own:
        return Inspection(State.READY)
    deployment = await _with_notes(clients, deployment)
    now = await seen(clients, deployment.known_machines)
    asked = {machine.id for machine in deployment.machines}
    released = {machine.id for machine in deployment.released}
    setting = [machine for machine in now if machine.id in asked]
    leaving = [machine for machine in now if machine.id in released]
    ours = tuple(machine.id for machine in now if _stands(deployment, machine))
    findings = (
        *_to_set(deployment, setting),
        *_to_move(deployment, setting),
        *_to_end(deployment, setting),
        *_to_put_back(deployment, leaving),
    )
    notes = (*_left(deployment), *_warned(setting), *_released(deployment, leaving))
    wrong = any(finding.ok is False for finding in findings)
    return Inspection(State.DIFFERS if wrong else State.READY, ours, findings, notes)


async def apply(clients: Clients, deployment: Deployment) -> None:
    """Set the machines, and put back those that are not asked for any more."""
    deployment = await _with_notes(clients, deployment)
    asked = await seen(clients, deployment.machines)
    setting = [machine for machine in asked if not _is_done(deployment, machine)]
    if not deployment.config.machine_tags:
        deployment = await _noted(clients, deployment, setting)
    failed = await try_each(setting, lambda m: _set(clients, deployment, m), _shown)
    if any(memory.earlier for memory in deployment.noted.values()):
        deployment = await _noted(clients, deployment, await seen(clients, setting))
    leaving = await seen(clients, deployment.released)
    failed += await try_each(leaving, lambda m: _put_back(clients, deployment, m), _shown)
    await _forget(clients, deployment, deployment.released)
    require_all(NAME, failed)


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Put every machine back that is still as we left it."""
    deployment = await _with_notes(clients, deployment)
    now = await seen(clients, deployment.known_machines)
    failed = await try_each(now, lambda m: _put_back(clients, deployment, m), _shown)
    await _forget(clients, deployment, deployment.known_machines)
    require_all(NAME, failed)


async def memories(clients: Clients, deployment: Deployment) -> dict[str, Memory]:
    """What apply would have remembered of machines, by their ids in lower case."""
    deployment = await _with_notes(clients, deployment)
    now = await seen(clients, deployment.machines)
    setting = [machine for machine in now if not _is_set(deployment, machine)]
    found = {machine.id.lower(): _to_remember(deployment, machine) for machine in setting}
    return {id: memory for id, memory in found.items() if memory is not None}


def memory(deployment: Deployment, machine: Machine) -> Memory | None:
    """What a machine was before, as its own tag, the group, or a file says; of several the first
    that knows it as it is now."""
    id, tag = machine.id.lower(), machine.tag(deployment.machine_tag)
    told = (remembered(tag), deployment.noted.get(id), deployment.memories.get(id))
    known = [memory for memory in told if memory is not None]
    return next((m for m in known if m.is_ours(machine.settings)), known[0] if known else None)


# -- what stands


def _stands(deployment: Deployment, machine: Machine) -> bool:
    """Whether anything of ours is on a machine; a file beside it may still tell of what was."""
    tagged = remembered(machine.tag(deployment.machine_tag)) is not None
    noted = machine.id.lower() in deployment.noted
    return tagged or noted or _is_left(deployment, machine)


def _to_set(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    for machine in machines:
        if not machine.arc:
            got = machine.settings or "not there"
            wanted = got if _is_set(deployment, machine) else _wanted(deployment, machine)
            yield check(machine.shown, wanted, got)


def _to_move(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    places = ("in its tag", "in the group")
    want, got = places if deployment.config.machine_tags else reversed(places)
    for machine in machines:
        if _is_misplaced(deployment, machine):
            yield check(f"what {machine.shown} was before", want, got)


def _to_end(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    for machine in machines:
        if _is_broken_off(deployment, machine):
            yield check(f"change of {machine.shown}", "at its end", "broken off")


def _to_put_back(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[Finding]:
    for machine in machines:
        remembers = memory(deployment, machine)
        if remembers is not None and _stands(deployment, machine):
            yield check(machine.shown, f"put back to {remembers.before}", machine.settings)


def _left(deployment: Deployment) -> Iterable[str]:
    for shown, reason in deployment.left:
        yield f"{shown} is left as it is: {reason}."
    if deployment.asked_machines and not remembered_machines(deployment.keeper_tags):
        yield "These machines are too many to be remembered: name them each time."


def _warned(machines: Iterable[Machine]) -> Iterable[str]:
    for machine in machines:
        if said := warning(machine):
            yield f"{machine.shown}: {said}."


def _released(deployment: Deployment, machines: Iterable[Machine]) -> Iterable[str]:
    for machine in machines:
        yield f"{machine.shown} is released: it is not asked for any more."
        if said := after_release(deployment, machine):
            yield f"{machine.shown}: {said}."


def after_release(deployment: Deployment, machine: Machine) -> str:
    """What has to be said of a machine once it is off our schedules."""
    remembers = memory(deployment, machine)
    as_left = remembers is not None and remembers.is_ours(machine.settings)
    settings = remembers.before if remembers is not None and as_left else machine.settings
    others = set(machine.schedules).difference(deployment.configuration_ids)
    said = stranded(settings, others)
    return said and f"once off this schedule {said}"


def _wanted(deployment: Deployment, machine: Machine) -> Settings | None:
    return wanted_settings(machine, deployment.config.patches.reboot)


def _is_set(deployment: Deployment, machine: Machine) -> bool:
    """With a report only, what a schedule cannot do without is enough."""
    if deployment.config.prerequisites == "report":
        return machine.arc or (machine.settings is not None and machine.settings.managed)
    return machine.settings == _wanted(deployment, machine)


def _is_done(deployment: Deployment, machine: Machine) -> bool:
    """Whether nothing of it is to be written, neither its settings nor what they were."""
    unsaid = _is_misplaced(deployment, machine) or _is_broken_off(deployment, machine)
    return _is_set(deployment, machine) and not unsaid


def _is_broken_off(deployment: Deployment, machine: Machine) -> bool:
    """Whether it is changed, and remembered as being changed."""
    known = memory(deployment, machine)
    return known is not None and known.earlier is not None and machine.settings == known.left


def _is_misplaced(deployment: Deployment, machine: Machine) -> bool:
    """Whether what it was before is remembered where it no longer should be."""
    if deployment.config.machine_tags:
        return machine.id.lower() in deployment.noted
    return machine.tag(deployment.machine_tag) is not None


def _shown(machine: Machine) -> str:
    return machine.shown


# -- making it so


async def _set(clients: Clients, deployment: Deployment, machine: Machine) -> None:
    remembers = _to_remember(deployment, machine)
    if remembers is None:
        raise PatchctlError("PartlyDone", "it is not there any more, or has no osProfile")
    if deployment.config.machine_tags:
        await _tag(clients, deployment, machine, "Merge", remembers.written())
    if machine.settings != remembers.left:
        await patch(clients, machine, remembers.left)
    if deployment.config.machine_tags and remembers.earlier is not None:
        done = replace(remembers, earlier=None)
        await _tag(clients, deployment, machine, "Merge", done.written())
    if not deployment.config.machine_tags:
        await _untag(clients, deployment, machine)


def _to_remember(deployment: Deployment, machine: Machine) -> Memory | None:
    wanted = _wanted(deployment, machine)
    if wanted is None or machine.settings is None:
        return None
    known = memory(deployment, machine)
    if known is None:
        return Memory(machine.settings, wanted)
    changing = machine.settings != wanted and known.is_ours(machine.settings)
    return Memory(known.before, wanted, machine.settings if changing else None)


async def _put_back(clients: Clients, deployment: Deployment, machine: Machine) -> None:
    """What somebody else has set since is theirs, and stays."""
    remembers = memory(deployment, machine)
    if remembers is None and machine.tag(deployment.machine_tag) is not None:
        raise Final(
            "PartlyDone",
            f"somebody has changed its tag {deployment.machine_tag}, and what it was before cannot "
            "be read from it any more; it stays as it is",
        )
    if remembers is None or machine.settings is None:
        return
    changed = machine.settings != remembers.before and not remembers.is_ours(machine.settings)
    if _is_left(deployment, machine):
        await _restore(clients, deployment, machine, remembers)
    await _untag(clients, deployment, machine)
    if changed:
        raise Final(
            "PartlyDone",
            f"somebody has changed it since, to {machine.settings}; that stays. "
            f"Before patchctl it was {remembers.before}",
        )


async def _restore(
    clients: Clients, deployment: Deployment, machine: Machine, remembers: Memory
) -> None:
    """Azure does not take back everything: images that it patches on schedules only are refused to
    leave the schedules for its own times. The tag then stays, for the machine's owner."""
    try:
        await translated(patch(clients, machine, remembers.before))
    except PatchctlError as error:
        others = set(machine.schedules).difference(deployment.configuration_ids)
        said = stranded(machine.settings, others)
        kind = Final if error.code in FOR_EVER else PatchctlError
        raise kind(
            error.code,
            f"it could not be put back to {remembers.before}: {error.message}"
            + (f" As it is now, {said}." if said else ""),
            request_id=error.request_id,
        ) from error


async def _tag(
    clients: Clients, deployment: Deployment, machine: Machine, operation: str, value: str
) -> None:
    """By themselves, so that tags which others write meanwhile are not lost."""
    tags = clients.within(machine.subscription).resources.tags
    patch = TagsPatchResource(
        operation=operation, properties=Tags(tags={deployment.machine_tag: value})
    )
    await (await tags.begin_update_at_scope(machine.id, patch)).result()


async def _untag(clients: Clients, deployment: Deployment, machine: Machine) -> None:
    if (tagged := machine.tag(deployment.machine_tag)) is not None:
        await _tag(clients, deployment, machine, "Delete", tagged)


# -- what the group remembers of machines that are not to be tagged


async def _with_notes(clients: Clients, deployment: Deployment) -> Deployment:
    """As the group remembers by now, if it is to remember anything.

    What it has shown before is not forgotten, since a later read may deny what stands.
    """
    if deployment.config.machine_tags and not deployment.noted:
        return deployment
    noted = await template_spec.memories(clients, deployment)
    return replace(deployment, noted=noted, memories={**deployment.noted, **deployment.memories})


async def _noted(
    clients: Clients, deployment: Deployment, machines: Iterable[Machine]
) -> Deployment:
    """Let the group remember these machines, too, before any of them is changed."""
    now = {machine.id.lower(): _to_remember(deployment, machine) for machine in machines}
    known = {id: memory for id, memory in now.items() if memory is not None}
    if known.items() <= deployment.noted.items():
        return deployment
    deployment = replace(deployment, noted={**deployment.noted, **known})
    await template_spec.remember(clients, deployment, deployment.noted)
    return deployment


async def _forget(clients: Clients, deployment: Deployment, leaving: Iterable[Machine]) -> None:
    """Let the group forget the machines that are put back, or remember it themselves."""
    if not deployment.noted:
        return
    left = {m.id.lower() for m in await seen(clients, leaving) if not _is_left(deployment, m)}
    tagged = await seen(clients, deployment.machines) if deployment.config.machine_tags else ()
    done = left.union(m.id.lower() for m in tagged if m.tag(deployment.machine_tag) is not None)
    kept = {id: memory for id, memory in deployment.noted.items() if id not in done}
    if kept != deployment.noted:
        await template_spec.remember(clients, deployment, kept)


def _is_left(deployment: Deployment, machine: Machine) -> bool:
    """Whether it is still as we left it, and has yet to be put back."""
    remembers = memory(deployment, machine)
    if remembers is None or machine.settings == remembers.before:
        return False
    return remembers.is_ours(machine.settings)
