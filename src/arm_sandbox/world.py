"""The world: every resource, operation, event and mail, a clock and a seed, as plain data."""

from __future__ import annotations

import hashlib
import heapq
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from arm_sandbox import options
from arm_sandbox.ids import same, within
from arm_sandbox.options import Options
from arm_sandbox.wire import Json

FORMAT = 1
"""Version of the saved form; a world of another version is refused, never guessed at."""

MOST_DRAWS = 50_000
"""So many ordinals of draws are kept; what was not drawn for the longest begins anew."""


@dataclass
class Resource:
    """Something that stands. `body` is what a GET shows, `hidden` what only the service knows."""

    id: str
    type: str
    body: dict[str, Any]
    hidden: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.body.setdefault("properties", {})
        return properties


@dataclass
class Operation:
    """Something that takes time; it ends when the clock says so, however often it is polled."""

    name: str
    style: str
    """Whose operation it is, and so how a poll is worded: `network`, `compute`, `group`."""
    verb: str
    resource: str
    subscription: str
    started: float
    due: float
    retry_after: int | None = None
    error: dict[str, Any] | None = None
    ending: str = "Failed"
    """How it ends when it has an error: `Failed` or `Canceled`."""
    output: Json = None


@dataclass(order=True)
class Happening:
    """Something that the world will do by itself when its clock reaches `due`."""

    due: float
    ordinal: int
    name: str = field(compare=False)
    data: dict[str, Any] = field(compare=False)


@dataclass
class Past:
    """What was there before a write: nothing, or a resource. Readers may get it for a while."""

    resource: Resource | None
    read: float
    """Until when a GET shows it."""
    listed: float


@dataclass
class Version:
    """A row of a Resource Graph table as it reads between two times; None where it has gone."""

    row: dict[str, Any] | None
    visible: float
    forgotten: float


def subscriptions(number: int) -> dict[str, str]:
    """The ids and names of so many subscriptions."""
    return {
        f"5a4d0000-0000-4000-8000-{n:012}": "Sandbox" if n == 1 else f"Sandbox {n}"
        for n in range(1, number + 1)
    }


@dataclass
class World:
    seed: str = "patchctl"
    now: float = 0.0
    tenant: str = "72f988bf-0000-4000-8000-0000000000aa"
    subscriptions: dict[str, str] = field(default_factory=lambda: subscriptions(1))
    """Their ids, and their names."""
    principal: dict[str, str] = field(
        default_factory=lambda: {
            "oid": "0b1ec700-0000-4000-8000-0000000000bb",
            "upn": "you@sandbox.example",
        }
    )
    registrations: dict[str, str] = field(default_factory=dict)
    """`subscription/namespace` in lower case, and its registration state."""
    options: Options = field(default_factory=Options)
    """What it does to its clients, unless told otherwise nothing."""
    principals: dict[str, float] = field(default_factory=dict)
    """Object ids that the directory has, in lower case, and when each is known everywhere."""
    revoked: dict[str, Resource] = field(default_factory=dict)
    """Role assignments that were deleted and still hold, by id in lower case."""
    buckets: dict[str, list[float]] = field(default_factory=dict)
    """Tokens in each bucket of `throttling` that is not full, and when they were counted."""
    attempts: dict[str, int] = field(default_factory=dict)
    """How often each of the failures of the options could have struck, by its number."""
    resources: dict[str, Resource] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)
    """By id in lower case; empty where nothing lags."""
    operations: dict[str, Operation] = field(default_factory=dict)
    running: dict[str, list[str]] = field(default_factory=dict)
    """Names of the operations in progress, by the lower-cased id of what they are about."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """The activity log, oldest first."""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    """What log search alerts have come to, latest change last, with the payload of each."""
    mails: list[dict[str, Any]] = field(default_factory=list)
    addresses: dict[str, float] = field(default_factory=dict)
    """E-mail addresses that the tenant knows, in lower case, and when each counts as confirmed."""
    held: dict[str, int] = field(default_factory=dict)
    """Mails that were not sent, by address: it was unconfirmed, or over its hourly number."""
    freed: dict[str, float] = field(default_factory=dict)
    """Ids in lower case whose names cannot be used again yet, and when each was given free."""
    published: dict[str, dict[str, list[Version]]] = field(default_factory=dict)
    """Rows of Resource Graph by table and lower-cased id, oldest version first; see `tables`."""
    happenings: list[Happening] = field(default_factory=list)
    """What is to come, as a heap: the next one first."""
    failing: dict[str, list[str]] = field(default_factory=dict)
    """What is to fail for now: `machines` by id, `updates` by KB or package, in lower case."""
    runs: list[dict[str, Any]] = field(default_factory=list)
    """Runs of maintenance configurations, oldest first; see `patching.runs`."""
    draws: dict[str, int] = field(default_factory=dict)
    """How often each thing has been drawn, the one drawn last at the end."""
    ordinal: int = 0
    deploying: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Templates in progress, by the deployment's id in lower case. There may be passwords in them:
    they are never saved."""

    of_type: dict[str, dict[str, Resource]] = field(default_factory=dict, repr=False)
    """The resources once more, by their type in lower case. It is never saved."""

    def __post_init__(self) -> None:
        for key, resource in self.resources.items():
            self.of_type.setdefault(resource.type.lower(), {})[key] = resource

    # -- finding things

    def find(self, id: str) -> Resource | None:
        return self.resources.get(id.lower())

    def add(self, resource: Resource) -> Resource:
        self._remember(resource.id)
        self.resources[resource.id.lower()] = resource
        self.of_type.setdefault(resource.type.lower(), {})[resource.id.lower()] = resource
        return resource

    def remove(self, id: str) -> None:
        self._remember(id)
        gone = self.resources.pop(id.lower(), None)
        if gone is not None:
            del self.of_type[gone.type.lower()][id.lower()]

    def below(self, scope: str, type: str | None = None) -> Iterator[Resource]:
        """Resources within a scope, the scope itself excepted, of one type if one is given."""
        if type is None:
            return _inside(self.resources.values(), scope)
        return _inside(self.of_type.get(type.lower(), {}).values(), scope)

    # -- what readers get, which may lag behind

    def seen(self, id: str) -> Resource | None:
        """What a GET finds.

        Resource Manager is replicated between regions, and a read may reach one that does not
        know of a write yet (terraform-provider-azurerm#18268).
        """
        past = self.past.get(id.lower())
        return past.resource if past is not None and self.now < past.read else self.find(id)

    def listed(self, scope: str, type: str | None = None) -> Iterator[Resource]:
        """What a list shows: lists come from a cache (azure-rest-api-specs#21221, AKS#1964)."""
        if not self._lags():
            return self.below(scope, type)
        shown = (r for r in self.all_listed() if type is None or same(r.type, type))
        return _inside(shown, scope)

    def all_listed(self) -> Iterator[Resource]:
        """What lists show, and Resource Graph, of everything."""
        lagging = {key: past.resource for key, past in self.past.items() if self.now < past.listed}
        shown = {**self.resources, **lagging}.values() if lagging else self.resources.values()
        return (resource for resource in shown if resource is not None)

    def _lags(self) -> bool:
        return any((*self.options.read_lag, *self.options.list_lag))

    def _remember(self, id: str) -> None:
        """Keep what readers get now for as long as they shall get it."""
        if not self._lags():
            return
        self.past = {k: p for k, p in self.past.items() if self.now < max(p.read, p.listed)}
        before = self.past[id.lower()].resource if id.lower() in self.past else self.find(id)
        read = self.now + self.between(id, "read lag", *self.options.read_lag)
        listed = self.now + self.between(id, "list lag", *self.options.list_lag)
        self.past[id.lower()] = Past(before, read, listed)

    # -- time

    def later(self, seconds: float, happening: str, **data: Any) -> None:
        """Let a handler (see `app.HAPPENINGS`) run when `seconds` have passed."""
        self.ordinal += 1
        due = Happening(self.now + seconds, self.ordinal, happening, data)
        heapq.heappush(self.happenings, due)

    def take_due(self, until: float) -> Happening | None:
        """The next happening, no longer to come, if it is due by `until`."""
        due = self.happenings and self.happenings[0].due <= until
        return heapq.heappop(self.happenings) if due else None

    @property
    def stamp(self) -> str:
        """The clock as Azure writes it."""
        return stamp(self.now)

    # -- chance, decided by the seed alone

    def draw(self, subject: str, operation: str) -> float:
        """A number from 0 up to 1: a hash of seed, subject, operation and ordinal.

        Not one stream of random numbers: an extra poll must not change how long a VM takes.
        """
        what = f"{subject.lower()}|{operation}"
        ordinal = self.draws.pop(what, 0)
        self.draws[what] = ordinal + 1
        if len(self.draws) > MOST_DRAWS:
            del self.draws[next(iter(self.draws))]
        return chance(self.seed, f"{what}|{ordinal}")

    def between(self, subject: str, operation: str, low: float, high: float) -> float:
        return round(low + (high - low) * self.draw(subject, operation), 3)

    def guid(self, subject: str) -> str:
        number = int(self.draw(subject, "guid") * 2**64)
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.seed}|{subject.lower()}|{number}"))

    def unique(self, subject: str) -> str:
        """A GUID that is the same whenever it is asked for."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.seed}|{subject.lower()}"))

    # -- saving

    def saved(self) -> str:
        """All of it as JSON, by an encoder that takes a sixth of the time: it is written often."""
        return to_json({"format": FORMAT, **vars(self), "deploying": {}, "of_type": {}}).decode()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> World:
        """Raises ValueError for a world that another version of the sandbox has saved."""
        values = dict(data)
        if values.pop("format", None) != FORMAT:
            raise ValueError(f"a sandbox world of format {FORMAT} was expected")
        values["options"] = options.options(values.get("options", {}))
        for name in ("resources", "revoked"):
            values[name] = {k: Resource(**v) for k, v in values.get(name, {}).items()}
        values["past"] = {k: _past(v) for k, v in values.get("past", {}).items()}
        values["operations"] = {k: Operation(**v) for k, v in values["operations"].items()}
        values["published"] = {
            table: {key: [Version(**v) for v in versions] for key, versions in rows.items()}
            for table, rows in values.get("published", {}).items()
        }
        values["happenings"] = sorted(Happening(**v) for v in values["happenings"])
        return cls(**values)


def _past(data: dict[str, Any]) -> Past:
    resource = data["resource"]
    return Past(Resource(**resource) if resource else None, data["read"], data["listed"])


def _inside(resources: Iterable[Resource], scope: str) -> Iterator[Resource]:
    standing = list(resources)
    return (r for r in standing if within(r.id, scope) and not same(r.id, scope))


def chance(seed: str, subject: str) -> float:
    """A number from 0 up to 1 that a seed gives a subject, the same whenever it is asked for."""
    digest = hashlib.sha256(f"{seed}|{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def stamp(seconds: float) -> str:
    """Seconds since 1970 as Azure writes a time: `2026-11-23T02:00:00.0000000Z`."""
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='microseconds')}0Z"


def offset_stamp(seconds: float) -> str:
    """The same as other services write it: `2026-11-23T02:00:00.0000000+00:00`."""
    return stamp(seconds).replace("Z", "+00:00")
