"""Why a machine will or will not be patched next time: each link of the chain, judged.

The rules themselves stand in `machines`, `status` and `schedule`; here they are put in order. They
are those of azure-docs, update-manager/prerequsite-for-schedule-patching.md, troubleshoot.md and
support-matrix-updates.md. Pure: everything that was seen goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from patchctl.machines import (
    Machine,
    Obstacle,
    closed,
    idle,
    no_agent,
    unpatchable,
    unsettable,
)
from patchctl.observation import Assessment
from patchctl.report import ago
from patchctl.schedule import fit
from patchctl.schedule.window import Occurrence, Window, near_midnight
from patchctl.status import Schedule, selected

SETTLED = timedelta(minutes=15)
"""What is made less than this before a start may be too late for it (azure-compute-docs,
maintenance-configurations.md), and Azure does not tell when it was made."""
RECREATED = timedelta(hours=8)
"""For so long Azure may not know a machine that took the id of one that was deleted."""
TOGETHER = timedelta(hours=1)
"""A machine that is no younger than its schedule has taken nobody's place on it."""
DEPLOY = "patchctl deploy --name {name}"


class Judgement(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


OK, BROKEN, UNKNOWN = Judgement


@dataclass(frozen=True)
class Agent:
    """What the platform tells of the agent of a virtual machine."""

    ready: bool
    said: str
    failed: str = ""
    """The name of Update Manager's extension, if that has failed."""


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen of one machine, and of what could patch it."""

    machine: Machine
    agent: Agent | None
    """None where nothing is told of it; of Arc machines their status tells."""
    made: datetime | None
    """When the virtual machine was."""
    schedules: Sequence[Schedule]
    """The deployment's; the one that was asked for first."""
    others: Mapping[str, Window | None]
    """Further schedules that it is assigned to, by id; None for a window that cannot be read."""
    assessment: Assessment | None
    obstacle: Obstacle | None
    """What keeps deploy from putting it on the schedule."""
    deploy: str
    """The command that does."""
    now: datetime


@dataclass(frozen=True)
class Link:
    """One link. `cure` is a command, or says that there is none."""

    name: str
    judgement: Judgement
    seen: str
    cure: str = ""


@dataclass(frozen=True)
class Explanation:
    """The chain from a machine's settings to its next window; `opens` None where none will."""

    machine: str
    shown: str
    opens: Occurrence | None
    links: tuple[Link, ...]

    @property
    def broken(self) -> list[Link]:
        return self._are(BROKEN)

    @property
    def will_be_patched(self) -> bool:
        return not self.broken

    @property
    def certain(self) -> bool:
        """Whether nothing is left that nobody can tell."""
        return not self.will_be_patched or not self._are(UNKNOWN)

    @property
    def sentence(self) -> str:
        when = f" on {self.opens.utc:%a %Y-%m-%d at %H:%M} UTC" if self.opens is not None else ""
        if not self.will_be_patched:
            first, *more = self.broken
            further = f"; also broken: {_listed(more)}" if more else ""
            return f"{self.shown} will not be patched{when}, because {first.seen}{further}."
        unknown = self._are(UNKNOWN)
        doubt = f", as far as can be told; unknown: {_listed(unknown)}" if unknown else ""
        return f"{self.shown} will be patched{when}{doubt}."

    def with_cures(self, filled: Callable[[str], str]) -> Explanation:
        """Where cures are commands of patchctl, as they are to be typed."""
        links = (
            replace(link, cure=filled(link.cure)) if link.cure.startswith("patchctl ") else link
            for link in self.links
        )
        return replace(self, links=tuple(links))

    def _are(self, judgement: Judgement) -> list[Link]:
        return [link for link in self.links if link.judgement is judgement]


def explained(found: Evidence) -> Explanation:
    """Judge every link, also those behind a broken one."""
    schedule = _next(found)
    opens = schedule.next_window(found.now)
    links = (
        _settings(found),
        _assignment(found, opens),
        _schedule(schedule),
        _window(found, schedule, opens),
        _power(found.machine),
        _agent(found),
        _image(found.machine),
        _updates(found),
        _others(found, opens),
    )
    return Explanation(found.machine.id, found.machine.shown, opens, links)


def _next(found: Evidence) -> Schedule:
    """The schedule that it is on whose window opens first; else the one that was asked for."""
    on = [schedule for schedule in found.schedules if schedule.id in found.machine.schedules]
    opening = [
        (opens.utc, number)
        for number, schedule in enumerate(on)
        if (opens := schedule.next_window(found.now)) is not None
    ]
    return on[min(opening)[1]] if opening else (on or found.schedules)[0]


# -- the links


def _settings(found: Evidence) -> Link:
    machine, name = found.machine, "settings"
    if machine.arc:
        return Link(name, OK, "an Arc machine needs none")
    if (obstacle := unsettable(machine)) is not None:
        return _barred(name, obstacle)
    if machine.settings is not None and (unmet := machine.settings.unmet):
        return Link(name, BROKEN, " and ".join(unmet), _remedy(found))
    return Link(name, OK, str(machine.settings))


def _assignment(found: Evidence, opens: Occurrence | None) -> Link:
    on = [schedule for schedule in found.schedules if schedule.id in found.machine.schedules]
    if not on:
        why = f", and {found.obstacle.reason}" if found.obstacle is not None else ""
        seen = f"it is not assigned to {_name(found.schedules[0].id)}{why}"
        return Link("assignment", BROKEN, seen, _remedy(found))
    seen = f"to {', '.join(_name(schedule.id) for schedule in on)}"
    if opens is not None and _may_be_new(found, on[0], opens):
        doubt = "is younger than that; if it replaced one of its id, Azure may not know it yet"
        return Link("assignment", UNKNOWN, f"{seen}, but the machine {doubt}")
    return Link("assignment", OK, seen)


def _may_be_new(found: Evidence, schedule: Schedule, opens: Occurrence) -> bool:
    """Whether it may have taken the place of one that was deleted (troubleshoot.md)."""
    if found.made is None or opens.utc - found.made >= RECREATED:
        return False
    return schedule.since is None or found.made - schedule.since > TOGETHER


def _schedule(schedule: Schedule) -> Link:
    if schedule.problem or schedule.window is None:
        return Link("schedule", BROKEN, f"{_name(schedule.id)}: {schedule.problem}", DEPLOY)
    opens, rule = schedule.window.start, schedule.window.recurrence
    seen = f"{_name(schedule.id)}: {rule} {opens:%H:%M} ({schedule.window.time_zone})"
    return Link("schedule", OK, seen)


def _window(found: Evidence, schedule: Schedule, opens: Occurrence | None) -> Link:
    if schedule.window is None or opens is None:
        return Link("window", UNKNOWN, "no schedule opens one")
    if (left := opens.utc - found.now) < SETTLED:
        minutes = left // timedelta(minutes=1)
        late = f"it opens in {minutes} minutes, and what is younger than 15 is too late for it"
        return Link("window", UNKNOWN, late)
    if midnight := near_midnight(schedule.window):
        return Link("window", UNKNOWN, f"{opens}; {midnight}", f"{DEPLOY} --at 02:00")
    updates = selected(found.assessment, schedule.classifications) if found.assessment else 0
    short = fit.warning(schedule.window.duration, found.machine.os, updates)
    return Link("window", OK, "; ".join(filter(None, (str(opens), opens.note, short))))


def _power(machine: Machine) -> Link:
    if not machine.power:
        return Link("power", UNKNOWN, "Azure does not tell")
    if off := idle(machine.power):
        starting = f"az vm start --ids {machine.id}"
        return Link("power", BROKEN, off, "azcmagent check" if machine.arc else starting)
    return Link("power", OK, machine.power)


def _agent(found: Evidence) -> Link:
    machine, name = found.machine, "agent"
    if (obstacle := no_agent(machine) or closed(machine)) is not None:
        return _barred(name, obstacle)
    if idle(machine.power):
        return Link(name, UNKNOWN, "it tells nothing while the machine is off")
    if machine.arc:
        return Link(name, OK, "it is heard of")
    return _reported(machine, found.agent)


def _reported(machine: Machine, agent: Agent | None) -> Link:
    if agent is None:
        return Link("agent", UNKNOWN, "it has not reported")
    if not agent.ready:
        seen = f"the agent is not ready: {agent.said}"
        return Link("agent", BROKEN, seen, f"az vm restart --ids {machine.id}")
    if agent.failed:
        gone = f"az vm extension delete --ids {machine.id}/extensions/{agent.failed}"
        return Link("agent", BROKEN, f"the extension {agent.failed} has failed", gone)
    return Link("agent", OK, agent.said)


def _image(machine: Machine) -> Link:
    """That Azure has taken the settings says that it patches such machines."""
    if (obstacle := unpatchable(machine)) is not None:
        return _barred("image", obstacle)
    if machine.arc:
        return Link("image", OK, machine.product or "what it runs is patched")
    if machine.settings is not None and machine.settings.managed:
        return Link("image", OK, f"of {machine.publisher or 'its owner'}; Azure patches it")
    return Link("image", UNKNOWN, "Azure tells once the settings are written")


def _updates(found: Evidence) -> Link:
    """The way to where updates come from: nothing but an assessment has gone it."""
    latest, name = found.assessment, "updates"
    assess = f"patchctl assess --name {{name}} --vm {found.machine.id}"
    if latest is None:
        return Link(name, UNKNOWN, "no assessment has looked for any of late", assess)
    when = ago(found.now - latest.at)
    if latest.succeeded:
        return Link(name, OK, f"assessed {when}: {sum(latest.pending.values())} pending")
    why = f": {latest.error}" if latest.error else ""
    seen = f"its assessment {when} ended {latest.status}{why}"
    off = idle(found.machine.power)
    return Link(name, UNKNOWN if off else BROKEN, seen, assess)


def _others(found: Evidence, opens: Occurrence | None) -> Link:
    """Of windows that overlap Azure uses one, and two documents name different ones."""
    judged = [_other(id, window, opens, found.now) for id, window in sorted(found.others.items())]
    unsure = any(judgement is UNKNOWN for judgement, _ in judged)
    seen = "; ".join(said for _, said in judged) or "none"
    cure = f"{DEPLOY} --at HH:MM" if unsure else ""
    return Link("other schedules", UNKNOWN if unsure else OK, seen, cure)


def _other(
    id: str, window: Window | None, opens: Occurrence | None, now: datetime
) -> tuple[Judgement, str]:
    if window is None:
        return UNKNOWN, f"the window of {_name(id)} cannot be read"
    begun = window.coming((opens.utc if opens is not None else now) - window.duration, 1)
    beside = [each for each in begun if opens is not None and each.overlaps(opens)]
    if opens is None or not beside:
        return OK, f"{_name(id)} opens at another time"
    if beside[0].utc > opens.utc:
        return OK, f"{_name(id)} opens later, at {beside[0].utc:%H:%M} UTC, and waits"
    return UNKNOWN, f"the window of {_name(id)} overlaps, and Azure uses one of the two"


def _barred(name: str, obstacle: Obstacle) -> Link:
    return Link(name, BROKEN, obstacle.reason, obstacle.command or obstacle.cure)


def _remedy(found: Evidence) -> str:
    """What is in deploy's way comes first."""
    if found.obstacle is None:
        return found.deploy
    return found.obstacle.command or found.obstacle.cure


def _name(id: str) -> str:
    return id.rsplit("/", 1)[-1]


def _listed(links: Sequence[Link]) -> str:
    return ", ".join(link.name for link in links)
