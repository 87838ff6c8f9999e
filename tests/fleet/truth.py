"""What is possible with a machine, from its data alone: Azure's rules in plain Python.

This knows nothing of the sandbox and nothing of patchctl, so that either can be held against it.
The rules are those of Azure's documents (orchestration modes, prerequisites of schedules, support
matrix, locks, roles).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.fleet.drawing import Machine, Schedule, Settings

MOST_TAGS = 50
SATURDAY, SUNDAY = 5, 6
Reasons = frozenset[str]


@dataclass(frozen=True)
class Effective:
    """How a machine is patched in the end, whatever of it was said and whatever left out."""

    mode: str
    assessment: str
    bypass: bool
    reboot: str
    hotpatching: bool


@dataclass(frozen=True)
class Expectation:
    managed: bool
    """Whether a schedule may patch it as it stands: nothing has to change."""
    settings_refused: Reasons
    """Why it cannot be set so that a schedule may; of Arc it need not be set."""
    assignment_refused: Reasons
    """Why it cannot be assigned to a schedule, even if it was."""
    tag_refused: Reasons
    """Why it takes no further tag."""
    assignment_stays: Reasons
    """Why an assignment to it could not be taken away again."""
    not_patched: Reasons
    """Why a window would not patch it, even if it was assigned."""

    @property
    def can_be_managed(self) -> bool:
        return self.managed or not self.settings_refused

    @property
    def can_be_scheduled(self) -> bool:
        return self.can_be_managed and not self.assignment_refused


def expectation(machine: Machine) -> Expectation:
    locked = {"read-only lock"} if machine.lock == "ReadOnly" else set()
    forbidden = locked | ({"no permission"} if not machine.group.writable else set())
    full = {"no room for a tag"} if len(machine.tags) >= MOST_TAGS else set()
    stays = {"lock"} if machine.lock else set()
    return Expectation(
        managed=machine.sort == "arc" or is_managed(machine.settings),
        settings_refused=frozenset(forbidden | _unsettable(machine)),
        assignment_refused=frozenset(forbidden),
        tag_refused=frozenset(forbidden | full),
        assignment_stays=frozenset(stays | (forbidden - locked)),
        not_patched=frozenset(_idle(machine)),
    )


def is_managed(settings: Settings) -> bool:
    """Only platform mode with its safety checks bypassed lets a schedule patch a machine."""
    return settings.mode == "AutomaticByPlatform" and settings.bypass is True


def effective(settings: Settings) -> Effective:
    return Effective(
        mode=settings.mode,
        assessment=settings.assessment,
        bypass=bool(settings.bypass),
        reboot=settings.reboot or "",
        hotpatching=settings.hotpatching,
    )


def _unsettable(machine: Machine) -> set[str]:
    """What about the machine itself is against platform mode with its checks bypassed."""
    if machine.sort == "arc":
        return set()
    return _true(
        ("hotpatching", machine.settings.hotpatching),
        ("no agent", not machine.agent),
        ("no profile", machine.sort in ("specialized", "attached")),
        ("image not supported", machine.support == "none"),
    )


def _idle(machine: Machine) -> set[str]:
    return _true(
        ("not running", machine.power != "running"),
        ("no agent", not machine.agent),
        ("extensions not allowed", not machine.extensions),
        ("no way to updates", not machine.outbound),
        ("image not supported", machine.support == "none"),
    )


def _true(*reasons: tuple[str, bool]) -> set[str]:
    return {reason for reason, is_so in reasons if is_so}


# -- other people's schedules


def openings(schedule: Schedule, after: float, days: int) -> list[float]:
    """When a schedule opens in some days from a time on, in seconds since 1970; all are in UTC."""
    first = datetime.fromisoformat(schedule.start).replace(tzinfo=UTC)
    begin = datetime.fromtimestamp(after, UTC)
    midnight = begin.replace(hour=first.hour, minute=first.minute, second=0, microsecond=0)
    moments = (midnight + timedelta(days=ahead) for ahead in range(days + 1))
    last = begin + timedelta(days=days)
    return [m.timestamp() for m in moments if begin < m <= last and _opens(schedule, m)]


def _opens(schedule: Schedule, day: datetime) -> bool:
    return {
        "Day": True,
        "1Week Saturday": day.weekday() == SATURDAY,
        "1Month Third Sunday": day.weekday() == SUNDAY and 15 <= day.day <= 21,
    }[schedule.recurs]


def length(schedule: Schedule) -> float:
    hours, minutes = schedule.duration.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def in_the_way(machine: Machine, start: float, seconds: float) -> list[Schedule]:
    """The schedules whose windows overlap one that opens at `start`."""
    return [
        schedule
        for schedule in machine.schedules
        for opening in openings(schedule, start - 86400, 2)
        if opening < start + seconds and start < opening + length(schedule)
    ]
