"""The next patch night, played in a throw-away sandbox with a copy of what stands or is asked for.

What decides a night is copied: schedule, assignment, patch settings, power, mail and rules. Which
updates there will be nobody can know; the sandbox makes some up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchctl import engine
from patchctl.clients import Clients, Connection, connect_to_sandbox, find
from patchctl.config import Config, layered
from patchctl.deployment import Deployment
from patchctl.engine import Limits
from patchctl.errors import BadInput, Stopped
from patchctl.layers import Layer, flattened
from patchctl.offers import with_offer
from patchctl.refusals import refuse_lacking, require_possible
from patchctl.report import same
from patchctl.resolving import resolve
from patchctl.steps import STEPS, result_alerts

if TYPE_CHECKING:
    from azure.mgmt.compute.models import VirtualMachine, VirtualMachineUpdate
    from azure.mgmt.maintenance.models import ConfigurationAssignment, MaintenanceConfiguration
    from azure.mgmt.monitor.models import ActionGroupResource, ScheduledQueryRuleResource

    from arm_sandbox.world import World
    from patchctl.report import Event

BEFORE = timedelta(hours=1)
"""How long before the present the copy is made: rules, roles and addresses need some minutes."""
AFTER = timedelta(hours=6)
"""How long after its start a night is watched: rows come late, and mails after them."""
MACHINES = ("Microsoft.Compute", "virtualMachines")
RUNNING = "PowerState/running"
NO_BYPASS = {"bypassPlatformSafetyChecksOnUserSchedule": False}
"""What having no platform settings means."""
ELSEWHERE = ("subscription", "tenant", "cloud", "endpoint", "sandbox")
"""What is asked for of the way to Azure: none of it concerns the copy."""


@dataclass(frozen=True)
class Wish:
    """What is to go wrong, by name."""

    fail_machines: tuple[str, ...] = ()
    fail_updates: tuple[str, ...] = ()
    stop_machines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What decides a patch night, as it stands; None for what is not there."""

    configuration: MaintenanceConfiguration | None
    assignment: ConfigurationAssignment | None
    machine: VirtualMachine | None
    running: bool
    action_group: ActionGroupResource | None
    rules: dict[str, ScheduledQueryRuleResource | None]


@dataclass(frozen=True)
class Night:
    """One rehearsed window: when it opens, what each run did, and which mails went to whom."""

    opens: datetime | None
    runs: list[dict[str, Any]]
    mails: list[dict[str, Any]]


async def standing(clients: Clients, deployment: Deployment) -> Standing:
    """Read what decides the night of a deployment that stands."""
    group = deployment.group
    machines, rules = clients.compute.virtual_machines, clients.monitor.scheduled_query_rules
    assignments = clients.maintenance.configuration_assignments
    names = (group, *MACHINES, deployment.virtual_machine, deployment.schedules[0].assignment)
    machine = await find(machines.get(group, deployment.virtual_machine, expand="instanceView"))
    return Standing(
        await find(
            clients.maintenance.maintenance_configurations.get(
                group, deployment.maintenance_configuration
            )
        ),
        await find(assignments.get(*names)),
        machine,
        _is_running(machine),
        await find(clients.monitor.action_groups.get(group, deployment.action_group)),
        {
            name: await find(rules.get(group, name))
            for name in (result_alerts.rule_name(deployment, r) for r in result_alerts.RULES)
        },
    )


@dataclass(frozen=True)
class Subject:
    """What is rehearsed: what is asked for, and the names that it has or would have."""

    layers: Sequence[Layer]
    now: datetime
    suffix: str = "0e0e0e"
    subscription: str = "5a4d0000-0000-4000-8000-000000000001"


def of(deployment: Deployment) -> Subject:
    """A deployment that stands, under its own names."""
    asked = flattened(deployment.config.model_dump(mode="json"))
    layer = Layer("what stands", {k: v for k, v in asked.items() if k not in ELSEWHERE}, {})
    return Subject([layer], deployment.now, deployment.suffix, deployment.subscription)


def play(subject: Subject, found: Standing | None, wish: Wish) -> Night:
    """Deploy into a world of its own, make it as what stands, and let the next window come.

    Raises BadInput for names in the wish that nothing has.
    """
    from arm_sandbox.store import Store
    from arm_sandbox.world import World

    begun = (subject.now - BEFORE).timestamp()
    with tempfile.TemporaryDirectory(prefix="patchctl-rehearsal-") as folder:
        store = Store(Path(folder))
        with store.locked():
            store.save(World(now=begun, subscriptions={subject.subscription: "Rehearsal"}))
        with connect_to_sandbox(store.directory, None) as connection:
            connection.run(_copied(connection, subject, found))
        return _night(store.load(), subject.now, wish)


async def _copied(connection: Connection, subject: Subject, found: Standing | None) -> None:
    clients = connection.clients
    deployment = await _deployed(connection, subject)
    if found is None:
        return
    await _copy_schedule(clients, deployment, found)
    await _copy_machine(clients, deployment, found)
    await _copy_alerts(clients, deployment, found)


async def _deployed(connection: Connection, subject: Subject) -> Deployment:
    """The same under the same names; a size that the sandbox may not have decides nothing."""
    clients = connection.clients
    layers = [Layer("the rehearsal", {"machine.size": None, "first_now": False}, {})]
    await _make_group(clients, layered([*layers, *subject.layers]).config)
    draft = await resolve(
        clients,
        [*layers, *subject.layers],
        connection.me,
        connection.clock(),
        lambda: subject.suffix,
    )
    require_possible(draft)
    deployment = await with_offer(clients, draft)
    plan = await engine.inspect(STEPS, clients, deployment, _ignore, Limits())
    refuse_lacking(plan)
    try:
        await engine.deploy(STEPS, clients, deployment, plan, _ignore, Limits())
    except Stopped as stopped:
        raise stopped.error from None
    return deployment


async def _make_group(clients: Clients, config: Config) -> None:
    """The group that a deployment is put into stands before it."""
    from azure.mgmt.resource.resources.models import ResourceGroup

    if config.resource_group is not None:
        group = ResourceGroup(location=config.location)
        await clients.resources.resource_groups.create_or_update(config.resource_group, group)


async def _copy_schedule(clients: Clients, deployment: Deployment, found: Standing) -> None:
    configurations = clients.maintenance.maintenance_configurations
    assignments = clients.maintenance.configuration_assignments
    group, schedule = deployment.group, deployment.schedules[0]
    names = (group, *MACHINES, deployment.virtual_machine, schedule.assignment)
    if found.configuration is not None:
        await configurations.create_or_update(group, schedule.configuration, found.configuration)
    if found.assignment is None or found.configuration is None:
        await assignments.delete(*names)
    if found.configuration is None:
        await configurations.delete(group, schedule.configuration)


async def _copy_machine(clients: Clients, deployment: Deployment, found: Standing) -> None:
    machines = clients.compute.virtual_machines
    names = (deployment.group, deployment.virtual_machine)
    if found.machine is None:
        await (await machines.begin_delete(*names)).result()
        return
    await (await machines.begin_update(*names, _settings(found.machine))).result()
    if not found.running:
        await (await machines.begin_deallocate(*names)).result()


def _settings(machine: VirtualMachine) -> VirtualMachineUpdate:
    """An update to the patch settings that a machine has."""
    from azure.mgmt.compute.models import (
        LinuxConfiguration,
        OSProfile,
        VirtualMachineProperties,
        VirtualMachineUpdate,
        WindowsConfiguration,
    )

    profile = (machine.properties.os_profile if machine.properties else None) or OSProfile()
    windows, linux = profile.windows_configuration, profile.linux_configuration
    wanted = OSProfile()
    if windows is not None:
        settings = _whole(windows.patch_settings)
        wanted.windows_configuration = WindowsConfiguration(patch_settings=settings)
    if linux is not None:
        settings = _whole(linux.patch_settings)
        wanted.linux_configuration = LinuxConfiguration(patch_settings=settings)
    return VirtualMachineUpdate(properties=VirtualMachineProperties(os_profile=wanted))


def _whole(settings: Any) -> Any:
    """Settings that also take away what the copy has and the original does not."""
    if settings is not None and settings.automatic_by_platform_settings is None:
        by_platform = settings.patch_mode == "AutomaticByPlatform"
        settings["automaticByPlatformSettings"] = NO_BYPASS if by_platform else None
    return settings


async def _copy_alerts(clients: Clients, deployment: Deployment, found: Standing) -> None:
    group, rules = deployment.group, clients.monitor.scheduled_query_rules
    if found.action_group is not None:
        await clients.monitor.action_groups.create_or_update(
            group, deployment.action_group, found.action_group
        )
    for name, rule in found.rules.items():
        if rule is None:
            await rules.delete(group, name)
        else:
            await rules.create_or_update(group, name, rule)
    if found.action_group is None:
        await clients.monitor.action_groups.delete(group, deployment.action_group)


def _night(world: World, now: datetime, wish: Wish) -> Night:
    from arm_sandbox import patch_night

    patch_night.advance(world, now.timestamp())
    opens = patch_night.next_window(world)
    if opens is None:
        return Night(None, [], [])
    faults = patch_night.Faults(wish.fail_machines, wish.fail_updates, wish.stop_machines)
    if problems := patch_night.problems(world, opens, faults):
        raise BadInput(problems)
    before = len(world.mails)
    begun = patch_night.advance(world, opens, faults)
    later = patch_night.advance(world, opens + AFTER.total_seconds())
    runs = {run["id"]: run for run in (*begun, *later)}.values()
    mails = [mail for mail in world.mails[before:] if mail["kind"] == "alert"]
    told = [{name: mail[name] for name in ("at", "to", "subject", "text")} for mail in mails]
    return Night(datetime.fromtimestamp(opens, UTC), [patch_night.trace(run) for run in runs], told)


def _is_running(machine: VirtualMachine | None) -> bool:
    view = machine.properties.instance_view if machine and machine.properties else None
    statuses = (view.statuses if view is not None else None) or []
    return any(same(status.code or "", RUNNING) for status in statuses)


def _ignore(event: Event) -> None:
    """A rehearsal's own deploy is nothing to watch."""
