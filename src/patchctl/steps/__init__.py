"""The steps, in their order. A step is a module; this is what one must offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from patchctl.steps import (
    action_group,
    activity_log_alerts,
    alert_identity,
    alert_role,
    assessment,
    assignment,
    maintenance_configuration,
    network,
    patch_settings,
    resource_group,
    resource_providers,
    result_alerts,
    virtual_machine,
)

if TYPE_CHECKING:
    from patchctl.actions import Needed
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment
    from patchctl.report import Inspection


class Step(Protocol):
    @property
    def NAME(self) -> str: ...

    @property
    def NEEDS(self) -> tuple[str, ...]: ...

    @property
    def ACTIONS(self) -> tuple[Needed, ...]:
        """What the step has to be allowed in its whole life, destroy included."""

    @property
    def inspect(self) -> Callable[[Clients, Deployment], Awaitable[Inspection]]:
        """Read only: is it there, is it ours, what differs from what is wanted."""

    @property
    def apply(self) -> Callable[[Clients, Deployment], Awaitable[None]]:
        """Make it so; safe to repeat."""

    @property
    def destroy(self) -> Callable[[Clients, Deployment], Awaitable[None]] | None:
        """Take away what apply made; None where apply leaves nothing."""


STEPS: tuple[Step, ...] = (
    resource_providers,
    resource_group,
    network,
    virtual_machine,
    patch_settings,
    action_group,
    maintenance_configuration,
    assignment,
    activity_log_alerts,
    alert_identity,
    alert_role,
    result_alerts,
    assessment,
)

OUT_BEFORE_THE_GROUP: tuple[Step, ...] = (
    resource_group,
    patch_settings,
    assignment,
    activity_log_alerts,
    alert_identity,
    alert_role,
    result_alerts,
)
"""What is taken away first when the whole group goes: the alerts would mail about its deletion,
the assignment of a machine that is gone lingers for hours (terraform-azurerm#26538), and a role
whose identity is gone stays as an orphan, so that the identity, too, goes only after its roles."""
