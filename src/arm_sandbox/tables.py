"""The tables of Resource Graph: rows of what stands, and rows of what has happened.

Rows of what stands are derived from the world's resources at the moment of asking, and lag behind
them as lists do, where a world is told to. Rows of what happened (assessments, installations,
runs) are published: each is seen some time after the fact and forgotten some time after that.
Sources: the Resource Graph reference of tables and types, and "Access Azure Update Manager
operations data" for the columns, retention and latest-row rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from arm_sandbox import common_alert
from arm_sandbox.ids import parse, within
from arm_sandbox.world import Resource, Version, World

Row = dict[str, Any]
"""A row by column; a column that is left out is empty. Plain JSON values, like a resource."""
Readable = Callable[[str], bool]
"""Whether the caller may read what has this id."""

DAY = 24 * 3600.0
ASSESSMENTS_KEPT = 7 * DAY
INSTALLATIONS_KEPT = 30 * DAY
RUNS_KEPT = 30 * DAY

STRINGS = ("id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId")
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(STRINGS, "string"),
    "managedBy": "string",
    **dict.fromkeys(
        ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation"), "dynamic"
    ),
}
"""The columns that every table has, in the order of the service, and their types."""
SHOWN_OUTSIDE = (
    *("kind", "location", "managedBy", "sku", "plan", "properties", "tags", "identity", "zones"),
    "extendedLocation",
)
"""What a row takes over from the body of a resource as it is."""

GROUP = "microsoft.resources/resourcegroups"
MACHINE = "microsoft.compute/virtualmachines"
ASSIGNMENT = "microsoft.maintenance/configurationassignments"
INSIDE_PARENTS = ("microsoft.network/virtualnetworks/subnets",)
"""Types that have no rows of their own: they are read inside their parents."""
ELSEWHERE = (ASSIGNMENT, "microsoft.authorization/", "microsoft.resources/")
"""Types, or what they begin with, that have tables other than `resources`."""


def everything(id: str) -> bool:
    """Nothing is hidden from the caller."""
    return True


def publish(world: World, table: str, row: Row, lag: float, keep: float) -> None:
    """Let a version of a row be seen `lag` seconds from now and forgotten `keep` seconds from now.

    `row` needs an `id` and a `type`; columns that follow from the id need not be given. Of one id
    the version that was published last among the visible ones is seen.
    """
    if not row.keys() <= COLUMNS.keys():
        raise ValueError(f"no columns of a table: {', '.join(row.keys() - COLUMNS.keys())}")
    kept = {**row, "type": row["type"].lower()}
    _add(world, table, row["id"], Version(kept, world.now + lag, world.now + keep))


def withdraw(world: World, table: str, scope: str, lag: float) -> None:
    """Let the rows at and below an id go, `lag` seconds from now; later ones stay."""
    for key, versions in world.published.get(table, {}).items():
        if within(key, scope):
            _add(world, table, key, Version(None, world.now + lag, versions[-1].forgotten))


def retract(world: World, table: str, id: str, lag: float) -> None:
    """Let the one row with an id go, `lag` seconds from now, if there is one."""
    versions = world.published.get(table, {}).get(id.lower())
    if versions:
        _add(world, table, id, Version(None, world.now + lag, versions[-1].forgotten))


def rows(world: World, table: str, readable: Readable = everything) -> Iterator[Row]:
    """What a table shows now to a caller that may read some things. Raises KeyError at once."""
    standing = TABLES[table](world)
    return (row for row in chain(standing, _published(world, table)) if readable(row["id"]))


# -- rows of what happened


def _add(world: World, table: str, id: str, version: Version) -> None:
    """Append a version; those before the visible one can never be seen again."""
    if table not in TABLES:
        raise KeyError(table)
    versions = world.published.setdefault(table, {}).setdefault(id.lower(), [])
    seen = _seen(versions, world.now)
    versions[: versions.index(seen) if seen else 0] = []
    versions.append(version)


def _published(world: World, table: str) -> Iterator[Row]:
    published = world.published.get(table, {})
    for key, versions in list(published.items()):
        seen = _seen(versions, world.now)
        if seen is not None and seen.row is not None:
            yield {**_of_id(world, seen.row["id"]), **seen.row}
        elif all(v.row is None or v.forgotten <= world.now for v in versions):
            del published[key]


def _seen(versions: list[Version], now: float) -> Version | None:
    for version in reversed(versions):
        if version.visible <= now < version.forgotten:
            return version
    return None


# -- rows of what stands


def _resources(world: World) -> Iterator[Row]:
    for resource in world.all_listed():
        type = resource.type.lower()
        if type not in (GROUP, *INSIDE_PARENTS) and not type.startswith(ELSEWHERE):
            yield _standing(world, resource, type)


def _containers(world: World) -> Iterator[Row]:
    for id, name in world.subscriptions.items():
        yield {
            "id": f"/subscriptions/{id}",
            "name": name,
            "type": "microsoft.resources/subscriptions",
            "tenantId": world.tenant,
            "subscriptionId": id,
            "properties": {"state": "Enabled"},
        }
    for resource in _of_type(world, GROUP):
        yield _standing(world, resource, "microsoft.resources/subscriptions/resourcegroups")


def _assignments(world: World) -> Iterator[Row]:
    """Assignments have ids in lower case, as in every answer recorded but that of a PUT."""
    for resource in _of_type(world, ASSIGNMENT):
        yield {**_standing(world, resource, ASSIGNMENT), "id": resource.id.lower()}


def _roles(world: World) -> Iterator[Row]:
    for resource in world.all_listed():
        type = resource.type.lower()
        if type.startswith("microsoft.authorization/"):
            yield _standing(world, resource, type)


def _alerts(world: World) -> Iterator[Row]:
    for alert in world.alerts:
        target = parse(alert["payload"]["data"]["essentials"]["alertTargetIDs"][0])
        yield {
            "id": alert["id"],
            "name": alert["id"].rsplit("/", 1)[1],
            "type": "microsoft.alertsmanagement/alerts",
            "tenantId": world.tenant,
            "subscriptionId": parse(alert["id"]).subscription,
            "resourceGroup": target.group,
            "properties": {"essentials": common_alert.managed(alert)},
        }


def _nothing(world: World) -> Iterator[Row]:
    return iter(())


def _of_type(world: World, type: str) -> Iterator[Resource]:
    return (resource for resource in world.all_listed() if resource.type.lower() == type)


def _standing(world: World, resource: Resource, type: str) -> Row:
    """A resource as a row: types and groups in lower case, the id as Resource Manager has it."""
    row = {**_of_id(world, resource.id), "id": resource.id, "type": type}
    body = resource.body
    row |= {name: body[name] for name in SHOWN_OUTSIDE if body.get(name) is not None}
    if type == MACHINE:
        row["properties"] = {**resource.properties, "extended": _extended(resource)}
    return row


def _of_id(world: World, id: str) -> Row:
    """The columns that follow from an id; the group is in lower case."""
    scope = id.split("/", 5)
    return {
        "name": id[id.rindex("/") + 1 :],
        "tenantId": world.tenant,
        "subscriptionId": scope[2],
        "resourceGroup": scope[4].lower() if len(scope) > 4 else "",
    }


def _extended(machine: Resource) -> dict[str, Any]:
    """What Resource Graph adds to a virtual machine (query-language.md, "Extended properties")."""
    power = machine.hidden.get("power", "unknown")
    state = {"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"}
    return {"instanceView": {"powerState": state}}


TABLES: Mapping[str, Callable[[World], Iterator[Row]]] = {
    "resources": _resources,
    "resourcecontainers": _containers,
    "maintenanceresources": _assignments,
    "authorizationresources": _roles,
    "patchassessmentresources": _nothing,
    "patchinstallationresources": _nothing,
    "alertsmanagementresources": _alerts,
}
"""The tables by name, in lower case, and what stands in each; all may have published rows too."""
