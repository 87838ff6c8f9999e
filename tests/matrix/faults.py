"""Which faults are tried at which calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from arm_sandbox import faults
from arm_sandbox.ids import parse
from arm_sandbox.options import Fault, FaultKind
from tests import comparison

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
APART = ("killed-before", "killed-after", "interrupt", "interrupt-twice", "terminate")
"""What ends a process or speaks to it by a signal."""
LASTING: Mapping[str, Sequence[int]] = {
    **dict.fromkeys(
        (
            *("connection-refused", "connection-reset", "timeout", "answer-cut", "not-json"),
            *("401", "404", "408", "409-in-progress", "429", "429-retry-after", "500", "503"),
            "504-after",
        ),
        (1, 0),
    ),
    "403": (1, 2, 0),
}
"""How often in a row, where that makes a difference; 0 for always. A 403 that goes away is a grant
that has spread."""
ROUND = 6
"""Where a situation differs from another one in some of its calls only, the rest of them get one
fault in so many, another one at each."""
OFTEN = 3
"""A request that is made more often than this is a look at something in progress: a poll."""


ATTACHED = ("microsoft.compute/disks", "microsoft.network/networkinterfaces")
OWN, THEIRS, CROWDED = "rg-patching-demo", "rg-theirs", "rg-patching-crowded"
LATE, UNTAGGED = "rg-patching-late", "rg-patching-untagged"
HOMES = (OWN, THEIRS, CROWDED, LATE, UNTAGGED)
"""The groups that a deployment is put into: one that it makes, one that somebody has made, one of
its own into which somebody has put something, one where reads lag behind, and one that alone
remembers how machines were."""


@dataclass(frozen=True)
class Call:
    """One request of an undisturbed run: the `nth` of its method and path."""

    method: str
    path: str
    nth: int
    status: int
    begins: bool
    """Whether it begins a long-running operation."""

    @property
    def sort(self) -> tuple[str, str, str]:
        """Which calls are alike: of one method and type, in one place."""
        id = parse(self.path)
        group = id.group.lower()
        return self.method, "home" if group in HOMES else group, id.type.lower()

    @property
    def shown(self) -> str:
        return f"{self.method} {self.path} #{self.nth}"


def calls(exchanges: Sequence[dict[str, Any]]) -> list[Call]:
    """Every call; of those that poll something the first, one in the middle and the last."""
    made: dict[tuple[str, str], list[Call]] = {}
    for exchange in exchanges:
        same = made.setdefault((exchange["method"], exchange["path"]), [])
        headers = {name.lower() for name in exchange["response"]["headers"]}
        begins = exchange["method"] != "GET" and bool(headers.intersection(faults.POLLED))
        status = exchange["status"]
        same.append(Call(exchange["method"], exchange["path"], len(same) + 1, status, begins))
    return [call for same in made.values() for call in _telling(same)]


def _telling(same: list[Call]) -> list[Call]:
    if len(same) <= OFTEN and not _polls(same[0]):
        return same
    return [same[at] for at in sorted({0, len(same) // 2, len(same) - 1})]


def _polls(call: Call) -> bool:
    parts = call.path.lower().split("/")
    return any(part in parts for part in ("operations", "operationresults", "operationstatuses"))


def tried(call: Call) -> Iterator[Fault]:
    """Every fault that can be at a call."""
    for kind in KINDS:
        if can_be(kind, call):
            for times in LASTING.get(kind, (1,)):
                if kind == "404" and not times and _is_first_look(call) and _alone_remembers(call):
                    continue  # nobody can know of what is denied at once and for good
                yield Fault(kind, call.method, call.path, call.nth, times)


def all_tried(calls: Sequence[Call], known: Iterable[Call] = ()) -> Iterator[tuple[Call, Fault]]:
    """Every fault at every call; one in so many at what is alike to those that are `known`."""
    sorts = {call.sort for call in known}
    for number, call in enumerate(calls):
        faults = list(tried(call))
        kept = faults[number % ROUND :: ROUND] if call.sort in sorts else faults
        yield from ((call, fault) for fault in kept)


def can_be(kind: str, call: Call) -> bool:
    if kind.startswith("operation-"):
        return call.begins
    if kind == "404":
        # An image that Azure denies is not there, and another one is rightly taken.
        return "/artifacttypes/" not in call.path.lower()
    if kind not in ("deleted", "edited"):
        return True
    if f"/resourcegroups/{LATE}" in call.path.lower():
        return False  # nobody can know of what no read shows yet
    return _is_about_what_stands(call) and not (kind == "deleted" and _is_lost(call))


def _is_lost(call: Call) -> bool:
    """Whether it cannot be deleted, or does not come back: a machine of yours that you delete, what
    somebody has put into a group of ours, and what nothing but a group remembers. Azure does not
    let go of what a machine has."""
    path, type = call.path.lower(), parse(call.path).type.lower()
    yours = "/resourcegroups/rg-app-" in path and type in comparison.MACHINES
    group = path.rpartition("/resourcegroups/")[2] in (CROWDED, UNTAGGED)
    return yours or group or _alone_remembers(call) or type in ATTACHED


def _is_first_look(call: Call) -> bool:
    return call.method == "GET" and call.nth == 1


def _alone_remembers(call: Call) -> bool:
    """Whether it is where alone it is remembered how machines were."""
    id = parse(call.path)
    return id.group.lower() == UNTAGGED and id.type.lower().startswith("microsoft.resources/")


def _is_about_what_stands(call: Call) -> bool:
    id = parse(call.path)
    if call.status in (201, 404) or call.method == "POST" or _polls(call):
        return False
    return bool(id.group) and bool(id.name or not id.types)
