"""The words in which steps say what they have to be allowed: actions, where, and when.

Actions are named as Resource Manager names them: the type of a resource, and what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchctl.deployment import Deployment
    from patchctl.machines import Machine


# -- where: scopes


def subscription(deployment: Deployment) -> tuple[str, ...]:
    return (f"/subscriptions/{deployment.subscription}",)


def group(deployment: Deployment) -> tuple[str, ...]:
    """The deployment's own; while it does not stand, where it is to be made."""
    there = deployment.stands or deployment.borrowed
    return (deployment.group_id,) if there else subscription(deployment)


def vm_groups(deployment: Deployment) -> tuple[str, ...]:
    """The groups of your machines, as far as they are Azure's own."""
    return _groups(machine for machine in deployment.known_machines if not machine.arc)


def arc_groups(deployment: Deployment) -> tuple[str, ...]:
    return _groups(machine for machine in deployment.known_machines if machine.arc)


def machine_groups(deployment: Deployment) -> tuple[str, ...]:
    return _groups(deployment.known_machines)


def machine_subscriptions(deployment: Deployment) -> tuple[str, ...]:
    return tuple(sorted({f"/subscriptions/{m.subscription}" for m in deployment.known_machines}))


def arc_subscriptions(deployment: Deployment) -> tuple[str, ...]:
    found = (machine for machine in deployment.known_machines if machine.arc)
    return tuple(sorted({f"/subscriptions/{machine.subscription}" for machine in found}))


def scheduled_groups(deployment: Deployment) -> tuple[str, ...]:
    """The groups of the machines that are put on the schedule, ours or yours."""
    return machine_groups(deployment) if deployment.own else group(deployment)


def watched_groups(deployment: Deployment) -> tuple[str, ...]:
    """The groups that the alerts' identity reads."""
    return (*group(deployment), *machine_groups(deployment))


def named_subnet(deployment: Deployment) -> tuple[str, ...]:
    return _named(deployment.config.machine.subnet)


def named_action_group(deployment: Deployment) -> tuple[str, ...]:
    return _named(deployment.config.alerts.action_group)


def mailing_action_group(deployment: Deployment) -> tuple[str, ...]:
    """The one that the alerts tell, be it ours or one that is named."""
    return named_action_group(deployment) or group(deployment)


def named_identity(deployment: Deployment) -> tuple[str, ...]:
    return _named(deployment.config.alerts.identity)


def asking_identity(deployment: Deployment) -> tuple[str, ...]:
    """The one with whose rights the alerts ask, be it ours or one that is named."""
    return named_identity(deployment) or group(deployment)


def _groups(machines: Iterable[Machine]) -> tuple[str, ...]:
    return tuple({machine.group_id.lower(): machine.group_id for machine in machines}.values())


def _named(id: str | None) -> tuple[str, ...]:
    return (id,) if id is not None else ()


# -- when: what is asked for


def always(deployment: Deployment) -> bool:
    return True


def makes_group(deployment: Deployment) -> bool:
    return not deployment.borrowed


def borrows_group(deployment: Deployment) -> bool:
    return deployment.borrowed


def makes_machine(deployment: Deployment) -> bool:
    return not deployment.own


def tags_machines(deployment: Deployment) -> bool:
    return deployment.own and deployment.config.machine_tags


def notes_machines(deployment: Deployment) -> bool:
    """Whether the group remembers how your machines were."""
    return deployment.own and not deployment.config.machine_tags


def makes_network(deployment: Deployment) -> bool:
    return makes_machine(deployment) and deployment.config.machine.subnet is None


def makes_gateway(deployment: Deployment) -> bool:
    return makes_network(deployment) and deployment.config.machine.outbound == "nat"


def makes_action_group(deployment: Deployment) -> bool:
    return deployment.config.alerts.action_group is None


def watches(deployment: Deployment) -> bool:
    return deployment.watched


def makes_identity(deployment: Deployment) -> bool:
    return watches(deployment) and deployment.config.alerts.identity is None


# -- what


@dataclass(frozen=True)
class Needed:
    """Actions on a type of resource. `verbs` are the ends of their names, parted by blanks."""

    type: str
    verbs: str
    at: Callable[[Deployment], Iterable[str]] = group
    when: Callable[[Deployment], bool] = always
    without: str = ""
    """What is missing without them, where a deploy goes on all the same."""

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(f"{self.type}/{verb}" for verb in self.verbs.split())
