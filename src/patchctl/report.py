"""What patchctl finds and does, as plain frozen data: findings, inspections, outcomes, events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How a step's resources stand, compared with what is wanted."""

    ABSENT = "absent"
    READY = "ready"
    DIFFERS = "differs"
    IN_PROGRESS = "in progress"
    FAILED = "failed"
    FOREIGN = "foreign"
    WITHHELD = "withheld"
    """Not there, and only somebody with more rights can make it; the notes say how."""


class Outcome(StrEnum):
    """What a command did, or would do, with a step."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    FOREIGN = "foreign"
    WITHHELD = "withheld"
    CREATED = "created"
    UPDATED = "updated"
    PARTLY = "partly"
    DELETED = "deleted"
    DELETING = "deleting"
    ABSENT = "absent"
    LEFT = "left"
    OK = "ok"
    DIFFERS = "differs"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `ok` None: nobody can tell, or it is only worth knowing."""

    subject: str
    want: str
    got: str
    ok: bool | None
    source: str = ""
    """Where the wanted value comes from: a flag, a file, what stands, ..."""


@dataclass(frozen=True)
class Lacking:
    """What is named, is somebody else's, and is not there. `cure` is for what stands already."""

    what: str
    id: str
    source: str
    cure: str


@dataclass(frozen=True)
class Inspection:
    """What a step found. `resources` are ids, `notes` sentences for people.

    `foreign` are the ids of what stands in the place of ours and is somebody else's; `resources`
    are then those of ours that stand beside it.
    """

    state: State
    resources: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: Lacking | None = None
    foreign: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return self.state is State.READY

    @property
    def stands(self) -> bool:
        """Whether something of ours is there, be it as it should or not."""
        return self.state not in (State.ABSENT, State.WITHHELD) and bool(self.resources)

    @property
    def change(self) -> Outcome:
        """What deploy would do about it."""
        changes = {
            State.READY: Outcome.UNCHANGED,
            State.FOREIGN: Outcome.FOREIGN,
            State.WITHHELD: Outcome.WITHHELD,
        }
        created = (State.ABSENT, State.FAILED)
        return changes.get(self.state, Outcome.CREATE if self.state in created else Outcome.UPDATE)

    @property
    def writes(self) -> bool:
        """Whether deploy would write."""
        return self.change in (Outcome.CREATE, Outcome.UPDATE)

    def same_as(self, other: Inspection) -> bool:
        return (self.state, self.findings) == (other.state, other.findings)


@dataclass(frozen=True)
class StepReport:
    """How a step ended."""

    step: str
    outcome: Outcome
    seconds: float
    inspection: Inspection = field(default_factory=lambda: Inspection(State.ABSENT))


@dataclass(frozen=True)
class Started:
    """A step has begun, at a time of the event loop's clock."""

    step: str


@dataclass(frozen=True)
class Finished:
    report: StepReport


@dataclass(frozen=True)
class Progressed:
    """How many of a step's machines have been dealt with."""

    step: str
    done: int
    total: int


Event = Started | Progressed | Finished


def text(value: Any) -> str:
    """A value as findings show it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(sorted(str(item) for item in value)) or "none"
    return str(getattr(value, "value", value))


def ago(age: timedelta) -> str:
    """How long ago something was, as people say it."""
    if age < timedelta(minutes=2):
        return "just now"
    if age < timedelta(hours=2):
        return f"{age // timedelta(minutes=1)} minutes ago"
    hours = age // timedelta(hours=1)
    return f"{hours} hours ago" if hours < 48 else f"{hours // 24} days ago"


def check(subject: str, want: Any, got: Any, source: str = "") -> Finding:
    """Compare without regard to case, as Azure does with ids and enumerations."""
    wanted, found = text(want), text(got)
    return Finding(subject, wanted, found, wanted.lower() == found.lower(), source)


def same(one: str, other: str) -> bool:
    """Whether two ids or names are one to Azure."""
    return one.lower() == other.lower()


def lowered(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Tags with their names in lower case; Azure ignores it there."""
    return {name.lower(): value for name, value in (tags or {}).items()}


def note(subject: str, want: str, got: str) -> Finding:
    """Something worth knowing that is neither right nor wrong."""
    return Finding(subject, want, got, None)


def inspected(
    findings: Iterable[Finding], resources: Iterable[str], notes: Iterable[str] = ()
) -> Inspection:
    """What stands, judged by its findings."""
    findings = tuple(findings)
    wrong = any(finding.ok is False for finding in findings)
    state = State.DIFFERS if wrong else State.READY
    return Inspection(state, tuple(resources), findings, tuple(notes))


def not_ours(ids: Iterable[str], beside: Iterable[str] = ()) -> Inspection:
    """What stands in the place of ours; `beside`: what of ours stands all the same."""
    found = tuple(ids)
    note = f"{', '.join(found)}: not ours."
    findings = tuple(Finding(f"tags of {_name(id)}", "ours", "not ours", False) for id in found)
    return Inspection(State.FOREIGN, tuple(beside), findings, (note,), foreign=found)


def _name(id: str) -> str:
    return id.rsplit("/", 1)[-1]


def absent(findings: Iterable[Finding], resources: Iterable[str]) -> Inspection:
    """Nothing stands; the findings say what would."""
    return Inspection(State.ABSENT, tuple(resources), tuple(findings))


def tags_check(subject: str, want: Mapping[str, str], got: Mapping[str, str] | None) -> Finding:
    """Whether all wanted tags are there."""
    standing = lowered(got)
    off = {key: value for key, value in want.items() if standing.get(key.lower()) != value}
    if not off:
        return Finding(subject, "as asked for", "as asked for", True)
    found = {key: standing.get(key.lower(), "none") for key in off}
    return Finding(subject, _tags_text(off), _tags_text(found), False)


def merged_tags(standing: Mapping[str, str] | None, wanted: Mapping[str, str]) -> dict[str, str]:
    """What stands and what is wanted, each name once and spelled as it stands.

    To Azure names that differ in case are one. Some services do not take another spelling
    (azure-powershell#18133), and some have been seen to list both (azure-sdk-for-net#29336).
    """
    spelled = {name.lower(): name for name in (*wanted, *(standing or {}))}
    values = lowered(standing) | lowered(wanted)
    return {spelled[name]: value for name, value in values.items()}


def _tags_text(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))


@dataclass(frozen=True)
class Part:
    """One of several resources of a step. `tags` None: it is not there."""

    id: str
    tags: Mapping[str, str] | None
    findings: tuple[Finding, ...]
    in_progress: bool = False


def wrong(part: Part) -> list[Finding]:
    """What has to be mended; for a part that is not there, everything."""
    return [finding for finding in part.findings if finding.ok is False or part.tags is None]


def only_tags(part: Part) -> bool:
    """Whether a part that stands differs in nothing but its tags: no reason to write the rest."""
    return part.tags is not None and all(f.subject.endswith("tags") for f in wrong(part))


def surplus(parts: Sequence[Part], is_ours: Callable[[Mapping[str, str]], bool]) -> list[Part]:
    """Those of ours that stand and should not."""
    return [
        replace(part, findings=(check(_name(part.id), "none", "there"),))
        for part in parts
        if part.tags is not None and is_ours(part.tags)
    ]


def unwanted(
    parts: Sequence[Part], is_ours: Callable[[Mapping[str, str]], bool], why: str
) -> Inspection:
    """What should not be there. `why` says it, and what that means."""
    if standing := surplus(parts, is_ours):
        return joined(standing, is_ours, (why,))
    return Inspection(State.READY, notes=(why,))


def another(option: str) -> str:
    """The cure where another one can be named."""
    return f"Name one that is there: patchctl deploy --name {{name}} {option} ID"


def lacking(found: Inspection, lacks: Lacking) -> Inspection:
    """What was found, without what is named and is not there. It is no reason to leave ours."""
    finding = check(f"{lacks.what} that is named", lacks.id, "not there", lacks.source)
    state = State.DIFFERS if found.ready else found.state
    return replace(found, state=state, findings=(finding, *found.findings), notes=(), lacks=lacks)


def in_progress(properties: Any) -> bool:
    """Whether a resource's `provisioning_state` says that Azure is at work on it."""
    state = text(getattr(properties, "provisioning_state", None)).lower()
    return state in ("creating", "updating", "deleting")


def joined(
    parts: Sequence[Part], is_ours: Callable[[Mapping[str, str]], bool], notes: Iterable[str] = ()
) -> Inspection:
    """One inspection of several resources; one that is there and not ours makes all foreign."""
    ids = tuple(part.id for part in parts)
    standing = {part.id: is_ours(part.tags) for part in parts if part.tags is not None}
    if theirs := [id for id, ours in standing.items() if not ours]:
        return not_ours(theirs, beside=[id for id, ours in standing.items() if ours])
    findings = tuple(finding for part in parts for finding in part.findings)
    if any(part.in_progress for part in parts):
        return Inspection(State.IN_PROGRESS, ids, findings, tuple(notes))
    if all(part.tags is None for part in parts):
        return Inspection(State.ABSENT, ids, findings, tuple(notes))
    missing = any(part.tags is None for part in parts)
    found = inspected(findings, ids, notes)
    return replace(found, state=State.DIFFERS) if missing else found
