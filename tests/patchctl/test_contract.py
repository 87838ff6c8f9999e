"""What every step promises, asked of each through the SDK's own clients.

On the sandbox, or on Azure with `--live`. Drift, foreign resources and what is left in the end are
made and read with plain SDK calls, never with the step's own code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.compute.models import (
    OSProfile,
    PatchSettings,
    VirtualMachineProperties,
    VirtualMachineUpdate,
    WindowsConfiguration,
)
from azure.mgmt.monitor.models import AlertRulePatchObject
from azure.mgmt.msi.v2024_11_30.models import Identity
from azure.mgmt.network.models import SecurityRule, SecurityRulePropertiesFormat
from azure.mgmt.resource.resources.models import ResourceGroup

from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.errors import Foreign, Refused
from patchctl.report import Outcome, State
from patchctl.steps import (
    OUT_BEFORE_THE_GROUP,
    STEPS,
    Step,
    patch_settings,
    resource_group,
    result_alerts,
)
from patchctl.steps.activity_log_alerts import RULES
from tests.patchctl.conftest import EMAIL, Place

Act = Callable[[Clients, Deployment], Awaitable[Any]]
MACHINES = ("Microsoft.Compute", "virtualMachines")
MAKING = [step for step in STEPS if step is not patch_settings]
"""That step makes nothing: what it promises is asked of it in `test_contract_of_machines`."""
AT_FIRST = {"resource-providers": State.DIFFERS, "patch-settings": State.DIFFERS}
"""What a step finds before it has done anything, where that is not nothing."""
BY_NAME = {step.NAME: step for step in STEPS}


@pytest.mark.live
@pytest.mark.parametrize("step", MAKING, ids=lambda step: step.NAME)
def test_contract(step: Step, place: Place, pytestconfig: pytest.Config) -> None:
    live = bool(pytestconfig.getoption("--live"))
    place.deploy(*needed(step))
    is_made(step, place, live=live)
    if step.NAME in DRIFTS:
        mends_drift(step, place, *DRIFTS[step.NAME])
    if step.NAME in OWNED:
        _leaves_what_is_foreign(step, place, OWNED[step.NAME])
    if step.NAME in REFUSED:
        with pytest.raises(Refused):
            place.connection.run(_awaited(REFUSED[step.NAME], place))
        assert place.inspect(step).ready
    is_taken_away(step, place, READS.get(step.NAME, ()))


def is_made(step: Step, place: Place, *, live: bool) -> None:
    before = place.inspect(step)
    # Providers may be registered already, and Azure may have assessed a new machine by itself.
    if not live:
        assert before.state is AT_FIRST.get(step.NAME, State.ABSENT)
    [report] = place.deploy(step)
    assert report.outcome in (Outcome.CREATED, Outcome.UPDATED) or before.ready
    assert place.inspect(step).ready
    place.writes.clear()
    [again] = place.deploy(step)
    assert again.outcome is Outcome.UNCHANGED
    assert not place.writes


def mends_drift(step: Step, place: Place, drift: Act, subject: str) -> None:
    place.connection.run(_awaited(drift, place))
    found = place.inspect(step)
    assert not found.ready
    assert subject in [finding.subject for finding in found.findings if finding.ok is False]
    [report] = place.deploy(step)
    assert report.outcome in (Outcome.UPDATED, Outcome.CREATED)
    assert place.inspect(step).ready


def _leaves_what_is_foreign(step: Step, place: Place, owned: Owned) -> None:
    """Without our tags a resource of our name is somebody else's, whatever else it is like."""
    run = place.connection.run
    ours = run(_awaited(owned.get, place))
    tags, ours.tags = dict(ours.tags), {}
    run(_put(owned, place, ours))
    foreign = run(_awaited(owned.get, place))
    assert not foreign.tags
    place.writes.clear()
    with pytest.raises(Foreign):
        place.deploy(step)
    assert not place.writes
    assert run(_awaited(owned.get, place)) == foreign
    [report] = place.destroy([step])
    assert report.outcome is Outcome.LEFT
    assert not [write for write in place.writes if foreign.id.lower() in write.lower()]
    left = run(_awaited(owned.get, place))
    assert not left.tags
    left.tags = tags
    run(_put(owned, place, left))
    place.deploy(step)  # what else there was of ours
    assert place.inspect(step).ready


def is_taken_away(step: Step, place: Place, reads: Sequence[Act]) -> None:
    [report] = place.destroy([step])
    if step.destroy is None:
        assert report.outcome is Outcome.ABSENT
        assert place.inspect(step).ready  # it leaves nothing that would have to go
        return
    assert report.outcome is Outcome.DELETED
    after = place.inspect(step)
    assert not after.stands
    assert after.state is AT_FIRST.get(step.NAME, State.ABSENT)
    assert reads
    for read in reads:
        assert place.connection.run(_is_gone(read, place))
    [again] = place.destroy([step])
    assert again.outcome is Outcome.ABSENT
    if step.NAME != "resource-group":  # of a group that is not there, nothing can be asked
        place.connection.run(_awaited(step.destroy, place))


def needed(step: Step) -> list[Step]:
    """What a step needs, and what that needs, in the order of STEPS."""
    names, found = set(step.NEEDS), set[str]()
    while names - found:
        found |= names
        names |= {need for name in found for need in BY_NAME[name].NEEDS}
    return [other for other in STEPS if other.NAME in names]


async def _awaited(act: Act, place: Place) -> Any:
    return await act(place.clients, place.deployment)


async def _is_gone(read: Act, place: Place) -> bool:
    try:
        await read(place.clients, place.deployment)
    except ResourceNotFoundError:
        return True
    return False


# -- reading back, without any of patchctl's code


async def _group(clients: Clients, d: Deployment) -> Any:
    return await clients.resources.resource_groups.get(d.group)


async def _security_group(clients: Clients, d: Deployment) -> Any:
    return await clients.network.network_security_groups.get(d.group, d.security_group)


async def _network(clients: Clients, d: Deployment) -> Any:
    return await clients.network.virtual_networks.get(d.group, d.network)


async def _interface(clients: Clients, d: Deployment) -> Any:
    return await clients.network.network_interfaces.get(d.group, d.network_interface)


async def _machine(clients: Clients, d: Deployment) -> Any:
    return await clients.compute.virtual_machines.get(d.group, d.virtual_machine)


async def _disk(clients: Clients, d: Deployment) -> Any:
    return await clients.compute.disks.get(d.group, d.os_disk)


async def _action_group(clients: Clients, d: Deployment) -> Any:
    return await clients.monitor.action_groups.get(d.group, d.action_group)


async def _configuration(clients: Clients, d: Deployment) -> Any:
    configurations = clients.maintenance.maintenance_configurations
    return await configurations.get(d.group, d.maintenance_configuration)


async def _assignment(clients: Clients, d: Deployment) -> Any:
    assignments = clients.maintenance.configuration_assignments
    return await assignments.get(d.group, *MACHINES, d.virtual_machine, d.schedules[0].assignment)


def _alert(rule: str) -> Act:
    async def read(clients: Clients, d: Deployment) -> Any:
        return await clients.monitor.activity_log_alerts.get(d.group, f"{rule}-{d.suffix}")

    return read


async def _identity(clients: Clients, d: Deployment) -> Any:
    identities = clients.identities.user_assigned_identities
    return await identities.get(d.group, d.alert_identity)


async def _role(clients: Clients, d: Deployment) -> Any:
    """The roles of the identity, as a list; ResourceNotFoundError when it has none."""
    identity = await _identity(clients, d)
    roles = clients.authorization.role_assignments.list_for_scope(
        d.group_id, filter=f"principalId eq '{identity.principal_id}'"
    )
    found = [role async for role in roles]
    if not found:
        raise ResourceNotFoundError("no role")
    return found


def _result_alert(rule: result_alerts.Rule) -> Act:
    async def read(clients: Clients, d: Deployment) -> Any:
        name = result_alerts.rule_name(d, rule)
        return await clients.monitor.scheduled_query_rules.get(d.group, name)

    return read


READS: dict[str, tuple[Act, ...]] = {
    "resource-group": (_group,),
    "network": (_security_group, _network, _interface),
    "virtual-machine": (_machine, _disk),
    "action-group": (_action_group,),
    "maintenance-configuration": (_configuration,),
    "assignment": (_assignment,),
    "activity-log-alerts": tuple(_alert(rule.name) for rule in RULES),
    "alert-identity": (_identity,),
    "alert-role": (_role,),
    "result-alerts": tuple(_result_alert(rule) for rule in result_alerts.RULES),
}


# -- resources with tags, and how they are written whole


@dataclass(frozen=True)
class Owned:
    get: Act
    put: Callable[[Clients, Deployment, Any], Awaitable[Any]]


async def _put(owned: Owned, place: Place, resource: Any) -> None:
    await owned.put(place.clients, place.deployment, resource)


async def _put_group(clients: Clients, d: Deployment, group: Any) -> None:
    wanted = ResourceGroup(location=group.location, tags=group.tags)
    await clients.resources.resource_groups.create_or_update(d.group, wanted)


async def _put_security_group(clients: Clients, d: Deployment, group: Any) -> None:
    groups = clients.network.network_security_groups
    await (await groups.begin_create_or_update(d.group, d.security_group, group)).result()


async def _put_machine(clients: Clients, d: Deployment, machine: Any) -> None:
    machines = clients.compute.virtual_machines
    await (await machines.begin_create_or_update(d.group, d.virtual_machine, machine)).result()


async def _put_action_group(clients: Clients, d: Deployment, group: Any) -> None:
    await clients.monitor.action_groups.create_or_update(d.group, d.action_group, group)


async def _put_configuration(clients: Clients, d: Deployment, configuration: Any) -> None:
    configurations = clients.maintenance.maintenance_configurations
    name = d.maintenance_configuration
    await configurations.create_or_update(d.group, name, configuration)


async def _put_alert(clients: Clients, d: Deployment, alert: Any) -> None:
    name = f"{RULES[0].name}-{d.suffix}"
    await clients.monitor.activity_log_alerts.create_or_update(d.group, name, alert)


async def _put_identity(clients: Clients, d: Deployment, identity: Any) -> None:
    identities = clients.identities.user_assigned_identities
    wanted = Identity(location=identity.location, tags=identity.tags)
    await identities.create_or_update(d.group, d.alert_identity, wanted)


async def _put_result_alert(clients: Clients, d: Deployment, rule: Any) -> None:
    name = result_alerts.rule_name(d, result_alerts.RULES[0])
    await clients.monitor.scheduled_query_rules.create_or_update(d.group, name, rule)


OWNED = {
    "resource-group": Owned(_group, _put_group),
    "network": Owned(_security_group, _put_security_group),
    "virtual-machine": Owned(_machine, _put_machine),
    "action-group": Owned(_action_group, _put_action_group),
    "maintenance-configuration": Owned(_configuration, _put_configuration),
    "activity-log-alerts": Owned(_alert(RULES[0].name), _put_alert),
    "alert-identity": Owned(_identity, _put_identity),
    "result-alerts": Owned(_result_alert(result_alerts.RULES[0]), _put_result_alert),
}


def test_a_group_that_somebody_makes_meanwhile_is_theirs(place: Place) -> None:
    async def made_by_somebody() -> None:
        theirs = ResourceGroup(location="eastus", tags={"owner": "somebody"})
        await _put_group(place.clients, place.deployment, theirs)

    place.connection.run(made_by_somebody())
    with pytest.raises(Foreign):
        place.connection.run(resource_group.apply(place.clients, place.deployment))
    assert place.connection.run(_group(place.clients, place.deployment)).tags == {
        "owner": "somebody"
    }


# -- drift: what somebody does by hand, and the finding that has to name it


async def _lose_a_tag(clients: Clients, d: Deployment) -> None:
    group = await _group(clients, d)
    del group.tags["purpose"]
    await _put_group(clients, d, group)


async def _let_somebody_in(clients: Clients, d: Deployment) -> None:
    group = await _security_group(clients, d)
    rule = SecurityRulePropertiesFormat(
        protocol="Tcp",
        source_address_prefix="*",
        source_port_range="*",
        destination_address_prefix="*",
        destination_port_range="3389",
        access="Allow",
        direction="Inbound",
        priority=1000,
    )
    group.properties.security_rules = [SecurityRule(name="rdp", properties=rule)]
    await _put_security_group(clients, d, group)


async def _patch_by_os(clients: Clients, d: Deployment) -> None:
    await patch_by_os(clients, d.group, d.virtual_machine)


async def patch_by_os(clients: Clients, group: str, machine: str) -> None:
    """Let a machine's own system patch it."""
    settings = PatchSettings(patch_mode="AutomaticByOS", assessment_mode="ImageDefault")
    settings["automaticByPlatformSettings"] = None  # Azure takes them with the platform only
    profile = OSProfile(windows_configuration=WindowsConfiguration(patch_settings=settings))
    update = VirtualMachineUpdate(properties=VirtualMachineProperties(os_profile=profile))
    machines = clients.compute.virtual_machines
    await (await machines.begin_update(group, machine, update)).result()


async def _mail_nobody(clients: Clients, d: Deployment) -> None:
    group = await _action_group(clients, d)
    group.email_receivers = []
    await _put_action_group(clients, d, group)


async def _take_longer(clients: Clients, d: Deployment) -> None:
    configuration = await _configuration(clients, d)
    configuration.duration = "03:00"
    await _put_configuration(clients, d, configuration)


async def _unassign(clients: Clients, d: Deployment) -> None:
    assignments = clients.maintenance.configuration_assignments
    await assignments.delete(d.group, *MACHINES, d.virtual_machine, d.schedules[0].assignment)


async def _disable_an_alert(clients: Clients, d: Deployment) -> None:
    name = f"{RULES[0].name}-{d.suffix}"
    off = AlertRulePatchObject(enabled=False)
    await clients.monitor.activity_log_alerts.update(d.group, name, off)


async def _revoke(clients: Clients, d: Deployment) -> None:
    for role in await _role(clients, d):
        await clients.authorization.role_assignments.delete_by_id(role.id)


async def _ask_otherwise(clients: Clients, d: Deployment) -> None:
    rule = await _result_alert(result_alerts.RULES[0])(clients, d)
    rule.criteria.all_of[0].query += "| take 0"
    await _put_result_alert(clients, d, rule)


async def _lose_the_identity_tags(clients: Clients, d: Deployment) -> None:
    identity = await _identity(clients, d)
    del identity.tags["purpose"]
    await _put_identity(clients, d, identity)


DRIFTS: dict[str, tuple[Act, str]] = {
    "resource-group": (_lose_a_tag, "group's tags"),
    "network": (_let_somebody_in, "inbound rules"),
    "virtual-machine": (_patch_by_os, "patchMode"),
    "action-group": (_mail_nobody, f"receiver {EMAIL}"),
    "maintenance-configuration": (_take_longer, "duration"),
    "assignment": (_unassign, "schedule"),
    "activity-log-alerts": (_disable_an_alert, f"alert {RULES[0].name}"),
    "alert-identity": (_lose_the_identity_tags, "identity's tags"),
    "alert-role": (_revoke, "role of the identity"),
    "result-alerts": (_ask_otherwise, "query of Patch-Run-Failed"),
}


# -- what Azure refuses (docs/unverified.md leans on it)


async def _move(clients: Clients, d: Deployment) -> None:
    elsewhere = "westus2" if d.config.location != "westus2" else "eastus"
    await _put_group(clients, d, ResourceGroup(location=elsewhere, tags=d.keeper_tags))


async def _take_too_long(clients: Clients, d: Deployment) -> None:
    configuration = await _configuration(clients, d)
    configuration.duration = "05:00"
    await _put_configuration(clients, d, configuration)


REFUSED: dict[str, Act] = {
    "resource-group": _move,
    "maintenance-configuration": _take_too_long,
}


@pytest.mark.parametrize("step", OUT_BEFORE_THE_GROUP[1:], ids=lambda step: step.NAME)
def test_what_goes_before_the_group_needs_it(step: Step) -> None:
    """Else the group would be deleted at the same time, and refuse to let it go."""
    assert OUT_BEFORE_THE_GROUP[0] is resource_group
    assert resource_group.NAME in step.NEEDS
