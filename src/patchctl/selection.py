"""Which machines are meant: patterns become machines, with all that is in the way of each.

Resource Graph knows every machine in every subscription one can read, and answers in few requests;
what it does not hold, locks and permissions, is asked once for a subscription and once for a group.
"""

from __future__ import annotations

import asyncio
import difflib
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchctl import access, machines, queries, remembered
from patchctl.clients import find
from patchctl.errors import BadInput, PatchctlError
from patchctl.graph import Graph
from patchctl.keeper import find_keeper
from patchctl.machines import Machine, Obstacle, obstacle, unfit, wanted_settings
from patchctl.many import each
from patchctl.report import same
from patchctl.schedule import recurrence, window
from patchctl.schedule.window import Window, overlap

if TYPE_CHECKING:
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

LOCKS = "2020-05-01"
SETTING = {"Microsoft.Compute/virtualMachines/write": "change its settings"}
TAGGING = {"Microsoft.Resources/tags/write": "tag it"}
"""The actions that a machine takes whose settings have to change, and their names."""
ASSIGNING = {"Microsoft.Maintenance/configurationAssignments/write": "assign it to a schedule"}
UNSET = Obstacle(
    "its settings are not what a schedule needs, and only a report was asked for",
    "let its owner set them as below",
    "patchctl deploy --name {name} --prerequisites patch",
)


@dataclass(frozen=True)
class Seen:
    """Every machine that one can read, and the windows of every schedule by its id."""

    machines: tuple[Machine, ...]
    windows: Mapping[str, Window]


async def with_machines(clients: Clients, deployment: Deployment) -> Deployment:
    """Find the machines that are asked for, and those that stand. Raises BadInput, with all of
    them, for patterns that mean no machine or more than one."""
    if not deployment.own:
        return deployment
    seen = await look(clients)
    if not deployment.stands and not deployment.memories:
        left = suffix_left(deployment, seen.machines) or deployment.suffix
        deployment = replace(deployment, suffix=left)
    standing = [machine for machine in seen.machines if stands(deployment, machine)]
    named, missing = _asked(deployment, seen.machines)
    meant = await judged(clients, deployment, named or standing, seen.windows)
    ids = {machine.id.lower() for machine in meant}
    found = [(machine, in_the_way(deployment, machine)) for machine in meant]
    return replace(
        deployment,
        machines=tuple(machine for machine, reason in found if reason is None),
        hindered=tuple((machine, reason) for machine, reason in found if reason is not None),
        released=tuple(machine for machine in standing if machine.id.lower() not in ids),
        missing=missing,
        stranded=tuple(m for m in seen.machines if machines.stranded(m.settings, m.schedules)),
    )


def _asked(
    deployment: Deployment, seen: Sequence[Machine]
) -> tuple[list[Machine], tuple[str, ...]]:
    """Those that this command names, or else those that are remembered; and of these the ids that
    are not seen any more. Raises BadInput for a list that names none: it is not what is meant."""
    asked = [selection.vm for selection in deployment.config.machines or ()]
    if asked:
        source = deployment.asked.source("machines")
        patterns = _lines(asked, source)
        if not patterns:
            raise BadInput([f"{source}: {', '.join(asked)} names no machine"])
        return chosen(patterns, seen, source), ()
    remembers = remembered.machines(deployment.standing_tags or {})
    found = [machine for machine in seen if machine.id.lower() in remembers]
    return found, tuple(sorted(remembers.difference(machine.id.lower() for machine in found)))


def stands(deployment: Deployment, machine: Machine) -> bool:
    """Whether we have assigned a machine, or what it was before is remembered. Assigned to our
    schedules by somebody else it is theirs."""
    ours = {schedule.assignment.lower() for schedule in deployment.schedules}
    tagged = machine.tag(deployment.machine_tag) is not None
    assigned, id = not ours.isdisjoint(machine.assignments), machine.id.lower()
    return assigned or tagged or id in deployment.memories or id in deployment.noted


def in_the_way(deployment: Deployment, machine: Machine) -> Obstacle | None:
    """What keeps this deployment from putting a machine on its schedule."""
    is_set = _is_set(deployment, machine)
    done = is_set and _is_assigned(deployment, machine)
    found = obstacle(machine) if not done else unfit(machine)
    if found is not None or is_set:
        return found
    if deployment.config.prerequisites == "report":
        return UNSET
    full = deployment.config.machine_tags and len(machine.tags or {}) >= machines.MOST_TAGS
    if full and machine.tag(deployment.machine_tag) is None:
        return Obstacle("it has 50 tags, and one more is needed", "remove one of its tags")
    return None


def _is_set(deployment: Deployment, machine: Machine) -> bool:
    """With a report only, what a schedule cannot do without is enough."""
    wanted = wanted_settings(machine, deployment.config.patches.reboot)
    if wanted is None or machine.settings == wanted:
        return True
    report = deployment.config.prerequisites == "report"
    return report and machine.settings is not None and machine.settings.managed


def _is_assigned(deployment: Deployment, machine: Machine) -> bool:
    """By us: another assignment to our schedule is somebody else's."""
    return all(
        schedule.assignment.lower() in machine.assignments
        and deployment.configuration_id(schedule.configuration).lower() in machine.schedules
        for schedule in deployment.schedules
        if schedule.wanted
    )


# -- what is left of a deployment after somebody has deleted what remembers it


async def left_behind(clients: Clients, deployment: Deployment) -> Deployment | None:
    """The deployment as its machines remember it, all of them released; None if none does.

    An assignment names the schedule that it was made for, and a tag the deployment, though neither
    stands any more; both end in its suffix. Raises PatchctlError where Azure contradicts itself.
    """
    seen = (await look(clients)).machines
    suffix = suffix_left(deployment, seen)
    known = suffix is not None or deployment.listed
    there = known and await find_keeper(clients, deployment) is not None
    if there or (suffix is not None and deployment.listed):
        raise PatchctlError(
            "NotSure", f"Azure said that {deployment.name} is not there, and then that it is."
        )
    if suffix is None:
        return None
    found = replace(deployment, suffix=suffix)
    return replace(found, released=tuple(m for m in seen if stands(found, m)))


def suffix_left(deployment: Deployment, seen: Iterable[Machine]) -> str | None:
    """The suffix by which most machines remember a deployment of this name that stands nowhere."""
    if deployment.elsewhere:
        return None
    found = Counter(suffix for machine in seen for suffix in _suffixes(deployment, machine))
    return found.most_common(1)[0][0] if found else None


def _suffixes(deployment: Deployment, machine: Machine) -> Iterator[str]:
    names = (*(machine.tags or {}), *machine.schedules)
    ends = {found[1] for name in names if (found := re.search(r"-([0-9a-f]{6})$", name))}
    return (end for end in ends if _is_left(replace(deployment, suffix=end), machine))


def _is_left(deployment: Deployment, machine: Machine) -> bool:
    """In a group of somebody's a schedule may be any deployment's; only a tag says whose it was.

    Nor is a machine left behind that a schedule of another subscription names, of which not even
    the group may be readable.
    """
    assigned = not set(deployment.configuration_ids).isdisjoint(machine.schedules)
    tagged = machine.tag(deployment.machine_tag) is not None
    return (tagged or (assigned and not deployment.borrowed)) and not any(
        id.endswith(f"-{deployment.suffix}") and not same(id.split("/")[2], deployment.subscription)
        for id in machine.schedules
    )


# -- patterns


def chosen(
    patterns: Iterable[str], machines: Sequence[Machine], source: str = "--vm"
) -> list[Machine]:
    """The machines that patterns mean, each once. Raises BadInput with every problem at once."""
    found: dict[str, Machine] = {}
    problems = []
    for pattern in patterns:
        meant = [machine for machine in machines if _means(pattern, machine)]
        globbing = any(letter in pattern for letter in "*?[")
        if not meant:
            problems.append(
                f"{source}: {pattern}: no machine that you can read is called that"
                f"{_near(pattern, machines)}"
            )
        elif len(meant) > 1 and not globbing:
            ids = ", ".join(machine.id for machine in meant)
            problems.append(f"{source}: {pattern}: more than one is called that: {ids}")
        found |= {machine.id.lower(): machine for machine in meant}
    if problems:
        raise BadInput(
            problems,
            "Name ids where names are not enough. Resource Graph may take minutes to know of a "
            "machine that was just made.",
        )
    return list(found.values())


def one(asked: str, machines: Sequence[Machine], source: str) -> Machine:
    """The machine of a name or an id. Raises BadInput where it is none or more than one."""
    found = chosen([asked], machines, source)
    if len(found) > 1:
        raise BadInput([f"{source}: {asked}: that means {len(found)} machines"], "Name one.")
    return found[0]


def _near(pattern: str, machines: Iterable[Machine]) -> str:
    """Names that look like one that there is not."""
    names = {machine.name.lower(): machine.name for machine in machines}
    close = difflib.get_close_matches(pattern.rsplit("/", 1)[-1].lower(), names)
    return f"; near it: {', '.join(names[name] for name in close)}" if close else ""


def _means(pattern: str, machine: Machine) -> bool:
    asked = pattern.lower().rstrip("/")
    return fnmatchcase((machine.id if "/" in asked else machine.name).lower(), asked)


def _lines(patterns: Iterable[str], source: str) -> list[str]:
    """Files and standing input give a pattern a line; empty lines and comments count for none."""
    found: list[str] = []
    for pattern in patterns:
        elsewhere = pattern[:1] == "@" or pattern == "-"
        found += _read(pattern, source).splitlines() if elsewhere else [pattern]
    stripped = (line.split("#")[0].strip() for line in found)
    return [line for line in stripped if line]


def _read(pattern: str, source: str) -> str:
    try:
        if pattern != "-":
            return Path(pattern[1:]).read_text(encoding="utf-8")
        if sys.stdin is not None:
            return sys.stdin.read()
        why = "standard input is closed"
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is not text in UTF-8"
    raise BadInput([f"{source} {pattern}: {why}"], "Name a file that can be read.")


# -- what is there


async def look(clients: Clients) -> Seen:
    """Every machine in the subscriptions one can read, with the schedules it is assigned to."""
    subscriptions = [
        each.subscription_id or "" async for each in clients.subscriptions.subscriptions.list()
    ]
    graph = Graph(clients, subscriptions)
    found = [machines.machine(row) for row in await _rows(graph, queries.every_machine())]
    assigned = await _assigned(graph)
    windows = {
        str(row["id"]).lower(): stored
        for row in await _rows(graph, queries.every_configuration())
        if (stored := _window(row.get("window"))) is not None
    }
    called = Counter(machine.called.lower() for machine in found)
    known = (
        replace(
            machine,
            schedules=tuple(sorted(set(assigned[machine.id.lower()].values()))),
            assignments=tuple(assigned[machine.id.lower()]),
            namesake=called[machine.called.lower()] > 1,
        )
        for machine in found
    )
    return Seen(tuple(known), windows)


async def _assigned(graph: Graph) -> Mapping[str, Mapping[str, str]]:
    """The configuration of each assignment by its name, by machine; all in lower case."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in await _rows(graph, queries.every_assignment()):
        name = str(row["id"]).lower().rsplit("/", 1)[-1]
        found[str(row["machine"])][name] = str(row["configuration"])
    return found


async def _rows(graph: Graph, query: str) -> list[Mapping[str, Any]]:
    return [row async for page in graph.rows(query) for row in page]


def _window(stored: Any) -> Window | None:
    """None for one that cannot be read: of what others have written nothing is sure."""
    with suppress(KeyError, TypeError, ValueError):
        return Window(
            window.parse_start(stored["startDateTime"]),
            window.parse_duration(stored["duration"]),
            stored["timeZone"],
            recurrence.parse(stored["recurEvery"]),
        )
    return None


# -- what is in the way


async def judged(
    clients: Clients,
    deployment: Deployment,
    found: Sequence[Machine],
    windows: Mapping[str, Window],
) -> list[Machine]:
    """The machines, with their locks, our rights on them, and others' windows that overlap."""
    subscriptions = sorted({machine.subscription for machine in found})
    groups = sorted({machine.group_id.lower() for machine in found})
    locks, denied = await asyncio.gather(
        each(subscriptions, lambda subscription: _locks(clients, subscription)),
        each(groups, lambda group: _denied(clients, group)),
    )
    scopes = [lock for listed in locks for lock in listed]
    rights = dict(zip(groups, denied, strict=True))
    overlapping = _overlapping(deployment, found, windows)
    return [
        replace(
            machine,
            lock=_lock(machine, scopes),
            denied=_denied_to(rights[machine.group_id.lower()], deployment, machine),
            overlapping=tuple(id for id in machine.schedules if id in overlapping),
        )
        for machine in found
    ]


def _overlapping(
    deployment: Deployment, found: Sequence[Machine], windows: Mapping[str, Window]
) -> set[str]:
    others = {id for machine in found for id in machine.schedules if id in windows}
    return {
        id
        for id in others.difference(deployment.configuration_ids)
        if overlap(windows[id], deployment.window, deployment.now)
    }


def _lock(machine: Machine, locks: Iterable[tuple[str, str]]) -> str:
    """The strictest of the locks that hold for a machine."""
    levels = {level for scope, level in locks if access.covers(scope, machine.id)}
    return machines.READ_ONLY if machines.READ_ONLY in levels else "".join(levels)


async def _locks(clients: Clients, subscription: str) -> list[tuple[str, str]]:
    """The scope and level of every lock in a subscription; none where they may not be read."""
    from azure.core.exceptions import HttpResponseError

    asked = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/locks"
    getting = clients.resources.resources.get_by_id(asked, api_version=LOCKS)
    try:
        answer = await find(getting)
    except HttpResponseError:
        return []
    listed: Iterable[Mapping[str, Any]] = (answer.get("value") or ()) if answer is not None else ()
    return [
        (str(lock["id"]).rsplit("/providers/", 1)[0], str(lock["properties"]["level"]))
        for lock in listed
    ]


def _denied_to(denied: Set[str], deployment: Deployment, machine: Machine) -> tuple[str, ...]:
    """What we may not do of what a machine takes; a right one is only assigned."""
    setting = {**SETTING, **(TAGGING if deployment.config.machine_tags else {})}
    needed = ASSIGNING if _is_set(deployment, machine) else {**setting, **ASSIGNING}
    return tuple(deed for action, deed in needed.items() if action in denied)


async def _denied(clients: Clients, group: str) -> Set[str]:
    may = await access.permissions(clients, group)
    return {
        action for action in (*SETTING, *TAGGING, *ASSIGNING) if not access.permits(may, action)
    }
