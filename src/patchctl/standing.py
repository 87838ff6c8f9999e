"""The schedules of a deployment as they stand in Azure, which may not be as they were made."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from patchctl.clients import find
from patchctl.observation import moment
from patchctl.remembered import CREATED_AT
from patchctl.schedule import window
from patchctl.status import Schedule

if TYPE_CHECKING:
    from azure.mgmt.maintenance.models import MaintenanceConfiguration

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

NEVER = 9999
"""The year of Azure's own expiration."""


async def schedules(clients: Clients, deployment: Deployment) -> list[Schedule]:
    """The one that was asked for, even if it is gone, and those beside it that stand."""
    found = []
    for number, wanted in enumerate(deployment.schedules):
        configurations = clients.maintenance.maintenance_configurations
        standing = await find(configurations.get(deployment.group, wanted.configuration))
        id = deployment.configuration_id(wanted.configuration).lower()
        if standing is not None:
            found.append(_schedule(id, standing, deployment))
        elif number == 0:
            found.append(Schedule(id, None, problem="its maintenance configuration is gone"))
    return found


def _schedule(id: str, standing: MaintenanceConfiguration, deployment: Deployment) -> Schedule:
    told = window.read(
        standing.start_date_time, standing.duration, standing.time_zone, standing.recur_every
    )
    if told is None:
        return Schedule(id, None, problem="its window cannot be read")
    expires = _expires(standing.expiration_date_time)
    made = _made(standing) or moment((deployment.standing_tags or {}).get(CREATED_AT))
    found = Schedule(id, told, _classifications(standing), since=made, expires=expires)
    if found.next_window(deployment.now) is not None:
        return found
    end = f"it expired at {expires} ({told.time_zone})" if expires else "it has no further window"
    return replace(found, problem=end)


def _expires(text: str | None) -> datetime | None:
    with suppress(ValueError):
        expires = window.parse_start(text or "")
        return expires if expires.year < NEVER else None
    return None


def _classifications(standing: MaintenanceConfiguration) -> tuple[str, ...]:
    patches = standing.install_patches
    kinds = (patches.windows_parameters, patches.linux_parameters) if patches is not None else ()
    found = (kind.classifications_to_include for kind in kinds if kind is not None)
    return tuple(each for classes in found for each in classes or ())


def _made(standing: MaintenanceConfiguration) -> datetime | None:
    return standing.system_data.created_at if standing.system_data is not None else None
