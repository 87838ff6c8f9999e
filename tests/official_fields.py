"""The fields that Azure's tables are documented to have, and a check of queries against them.

    assert strange_fields(query) == []

A query that names a field wrongly is no error to Resource Graph: it reads nothing there and answers
as if nothing had happened. So every query that patchctl sends is held against this list. Sources:
azure-docs update-manager/query-logs.md (the tables of properties), Microsoft's workbook for Update
Manager and pre-post-events-schedule-maintenance-configuration.md for what runs of a schedule have,
query-language.md for `properties.extended`, the API descriptions of Compute, Maintenance and
HybridCompute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arm_sandbox import tables
from arm_sandbox.kql import syntax
from arm_sandbox.kql.parser import parse
from arm_sandbox.kql.relation import free_name

_COUNTS = ("critical", "security", "updateRollup", "featurePack", "servicePack", "definition")
_SETTINGS = (
    "patchMode",
    "assessmentMode",
    "automaticByPlatformSettings.bypassPlatformSafetyChecksOnUserSchedule",
    "automaticByPlatformSettings.rebootSetting",
)
_ERROR = ("errorDetails.code", "errorDetails.message", "errorDetails.details")
_OF_A_PATCH = (
    *("patchName", "kbId", "version", "classifications", "msrcSeverity", "publishedDateTime"),
    *("rebootRequired", "rebootBehavior", "lastModifiedDateTime"),
)

FIELDS: Mapping[str, tuple[str, ...]] = {
    "patchassessmentresources": (
        *("status", "rebootPending", "patchServiceUsed", "osType", "startDateTime"),
        *("lastModifiedDateTime", "startedBy", *_ERROR),
        *(
            f"availablePatchCountByClassification.{name}"
            for name in (*_COUNTS, "tools", "updates", "other")
        ),
        *_OF_A_PATCH,
    ),
    "patchinstallationresources": (
        *("installationActivityId", "maintenanceRunId", "maintenanceWindowExceeded", "status"),
        *("startDateTime", "lastModifiedDateTime", "rebootStatus", "osType", "startedBy"),
        *("patchServiceUsed", "installedPatchCount", "failedPatchCount", "pendingPatchCount"),
        *("excludedPatchCount", "notSelectedPatchCount", *_ERROR),
        *("installationState", *_OF_A_PATCH),
    ),
    "maintenanceresources": (
        *("maintenanceConfigurationId", "maintenanceScope", "resourceId", "correlationId"),
        *("startDateTime", "endDateTime", "status"),
        *("resourceUpdateSummary.succeeded", "resourceUpdateSummary.failed"),
        *("resourceUpdateSummary.total", "maintenanceConfiguration.id"),
        *("maintenanceConfiguration.name", "maintenanceConfiguration.properties.maintenanceScope"),
        *("filter.resourceTypes", "filter.resourceGroups", "filter.locations", "filter.osTypes"),
        *("filter.tagSettings.tags", "filter.tagSettings.filterOperator"),
    ),
    "resources": (
        *("provisioningState", "vmId", "timeCreated", "hardwareProfile.vmSize"),
        *("storageProfile.osDisk.osType", "storageProfile.osDisk.name"),
        *("storageProfile.osDisk.managedDisk.id", "storageProfile.imageReference.publisher"),
        *("storageProfile.imageReference.offer", "storageProfile.imageReference.sku"),
        *("storageProfile.imageReference.exactVersion", "osProfile.computerName"),
        *(f"osProfile.windowsConfiguration.patchSettings.{name}" for name in _SETTINGS),
        *(f"osProfile.linuxConfiguration.patchSettings.{name}" for name in _SETTINGS),
        "osProfile.windowsConfiguration.patchSettings.enableHotpatching",
        *("osProfile.windowsConfiguration.enableAutomaticUpdates", "osSku"),
        *("osProfile.allowExtensionOperations", "agentConfiguration.extensionsEnabled"),
        *("networkProfile.networkInterfaces.id", "osName", "osType", "status"),
        *(
            "extended.instanceView.powerState.code",
            "extended.instanceView.powerState.displayStatus",
        ),
        *("maintenanceScope", "extensionProperties.InGuestPatchMode"),
        *(f"maintenanceWindow.{name}" for name in ("startDateTime", "expirationDateTime")),
        *(f"maintenanceWindow.{name}" for name in ("duration", "timeZone", "recurEvery")),
        "installPatches.rebootSetting",
    ),
    "resourcecontainers": ("state", "provisioningState"),
}
"""What is inside `properties`, by table; of all the types of rows that a table has together."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where in which table a column of a query comes from."""

    table: str
    path: Path


Places = Mapping[str, frozenset[Place]]


def strange_fields(query: str) -> list[str]:
    """What a query reads inside `properties` that no official table has, as `table: a.b.c`."""
    return sorted(set(_strange(parse(query), {})))


def _strange(query: syntax.Query, places: dict[str, frozenset[Place]]) -> Iterator[str]:
    """Goes along the steps and fills `places` with what each column stands for at the end."""
    if isinstance(query.source, syntax.Query):
        yield from _strange(query.source, places)
    else:
        places |= _columns(query.source)
    for step in query.steps:
        for part in syntax.parts(step):
            if not isinstance(part, syntax.Table | syntax.Query):
                yield from _unknown(part, places)
        if isinstance(step, syntax.Join | syntax.Union):
            yield from _brought_in(step, places)
        _follow(step, places)


def _columns(table: syntax.Table) -> dict[str, frozenset[Place]]:
    return {"properties": frozenset([Place(table.name.lower(), ())])}


def _brought_in(
    step: syntax.Join | syntax.Union, places: dict[str, frozenset[Place]]
) -> Iterator[str]:
    sources = [step.right] if isinstance(step, syntax.Join) else step.legs
    for source in sources:
        new: dict[str, frozenset[Place]] = {}
        if isinstance(source, syntax.Query):
            yield from _strange(source, new)
        else:
            new = _columns(source)
        for name, found in new.items():
            places[free_name(name, places)] = found


def _follow(step: Any, places: dict[str, frozenset[Place]]) -> None:
    """Columns that a step makes out of others, and those that it leaves behind."""
    items = getattr(step, "items", ())
    items = [each.item if isinstance(each, syntax.Expansion) else each for each in items]
    made = {item.name: _of(item.expression, places) for item in items if item.name}
    if isinstance(step, syntax.Project):
        kept = [i.expression.name for i in items if isinstance(i.expression, syntax.Column)]
        _only(places, [name for name in kept if name in places])
    places |= {name: found for name, found in made.items() if found}


def _only(places: dict[str, frozenset[Place]], names: Iterable[str]) -> None:
    kept = {name: places[name] for name in names}
    places.clear()
    places.update(kept)


def _unknown(node: Any, places: Places) -> Iterator[str]:
    """Walks an expression; a chain of members is looked at once, as a whole."""
    if isinstance(node, syntax.Member):
        for place in _of(node, places):
            if not _is_official(place):
                yield f"{place.table}: {'.'.join(place.path)}"
        return
    for part in syntax.parts(node):
        yield from _unknown(part, places)


def _of(expression: Any, places: Places) -> frozenset[Place]:
    """The places that an expression may stand for; none for what is computed."""
    if isinstance(expression, syntax.Column):
        return places.get(expression.name, frozenset())
    if isinstance(expression, syntax.Member):
        key = expression.key.value if isinstance(expression.key, syntax.Literal) else None
        further = (key,) if isinstance(key, str) else ()
        return frozenset(Place(p.table, p.path + further) for p in _of(expression.of, places))
    if isinstance(expression, syntax.Call) and expression.name in ("parse_json", "todynamic"):
        return _of(expression.arguments[0].expression, places)
    if isinstance(expression, syntax.Call) and expression.name in ("iff", "iif", "coalesce"):
        found = [_of(argument.expression, places) for argument in expression.arguments]
        return frozenset[Place]().union(*found)
    return frozenset()


def _is_official(place: Place) -> bool:
    """A field, or something that has fields; of columns other than `properties` all is."""
    path = ".".join(place.path)
    known = FIELDS.get(place.table, ())
    return not path or any(f"{field}.".startswith(f"{path}.") for field in known)


assert set(FIELDS) <= set(tables.TABLES)
