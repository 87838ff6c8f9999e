"""Which machines a run of a maintenance configuration is for.

Assigned one by one, or by a filter over a subscription or a group (a dynamic scope), which is
evaluated when the window opens (azure-docs update-manager/dynamic-scope-overview.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from arm_sandbox.ids import parse, same, within
from arm_sandbox.providers.machines import SORTS, is_machine, os_of
from arm_sandbox.world import Resource, World

ASSIGNMENT = "Microsoft.Maintenance/configurationAssignments"
SETTLED = 15 * 60.0
"""Seconds before a start from which an assignment is too late for it (docs, maintenance
configurations: recommended, to be done by then)."""

Filter = dict[str, Any]


def assigned(world: World, configuration: str, start: float) -> list[str]:
    """The lower-cased ids of the machines, each once; one of them may have gone."""
    found = (
        id
        for assignment in world.resources.values()
        if assignment.type == ASSIGNMENT
        and same(str(assignment.properties["maintenanceConfigurationId"]), configuration)
        and assignment.hidden.get("since", 0.0) <= start - SETTLED
        for id in _meant(world, assignment)
    )
    return list(dict.fromkeys(found))


def _meant(world: World, assignment: Resource) -> Iterator[str]:
    scope = parse(parse(assignment.id).scope)
    if scope.namespace:
        if scope.type.lower() in map(str.lower, SORTS):
            yield scope.key
        return
    filter: Filter = assignment.properties.get("filter") or {}
    for machine in world.resources.values():
        if is_machine(machine) and within(machine.id, scope.text) and fits(machine, filter):
            yield machine.id.lower()


def fits(machine: Resource, filter: Filter) -> bool:
    """Whether a machine fits every part of a filter; in a part that is empty, all fit."""
    return (
        _among(machine.type, filter.get("resourceTypes"))
        and _among(parse(machine.id).group, filter.get("resourceGroups"))
        and _among(_plain(machine.body["location"]), map(_plain, filter.get("locations") or ()))
        and _among(os_of(machine), filter.get("osTypes"))
        and _has_tags(machine.body.get("tags") or {}, filter.get("tagSettings") or {})
    )


def _among(value: str, wanted: Iterable[str] | None) -> bool:
    names = {str(each).lower() for each in wanted or ()}
    return not names or value.lower() in names


def _plain(location: str) -> str:
    return location.replace(" ", "")


def _has_tags(tags: dict[str, str], settings: Filter) -> bool:
    """Names of tags go by any case, values do not; of several tags any will do, or all must be."""
    standing = {name.lower(): value for name, value in tags.items()}
    wanted = settings.get("tags") or {}
    hits = [standing.get(name.lower()) in values for name, values in wanted.items()]
    everyone = same(str(settings.get("filterOperator") or "Any"), "All")
    return not hits or (all(hits) if everyone else any(hits))
