"""How patching on demand went on each machine.

Both services answer in nearly the same words, for a virtual machine and for an Arc machine; they
are read as the rows of Resource Graph are that will tell the same some minutes later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from patchctl import observation
from patchctl.errors import Interrupted, PatchctlError
from patchctl.machines import Machine
from patchctl.observation import Assessment, Run, Update
from patchctl.report import Outcome

T = TypeVar("T", Assessment, Run)
Answer = Mapping[str, Any]
SUCCEEDED, WARNED = "Succeeded", "CompletedWithWarnings"
COUNTS = ("installed", "failed", "pending", "excluded", "notSelected")


@dataclass(frozen=True)
class Turn(Generic[T]):
    """What was found on a machine, with its updates, or why nothing was.

    The answers for an Arc machine do not name the updates.
    """

    machine: Machine
    seconds: float = 0.0
    found: T | None = None
    updates: tuple[Update, ...] = ()
    error: PatchctlError | None = None

    @property
    def problem(self) -> str:
        """Why it is not done; empty where it is."""
        if self.error is not None:
            return self.error.told
        if self.found is None or self.found.status in (SUCCEEDED, WARNED):
            return ""
        return self.found.error or f"it ended as {self.found.status}"

    @property
    def warning(self) -> str:
        """What is still to be done on a machine that is done, such as a restart."""
        warned = self.found is not None and self.found.status == WARNED
        return self.found.error if warned and self.found is not None else ""

    @property
    def outcome(self) -> Outcome:
        if isinstance(self.error, Interrupted):
            return Outcome.INTERRUPTED
        return Outcome.FAILED if self.problem else Outcome.OK


# -- what the services answer


def assessment(machine: Machine, answer: Answer, now: datetime) -> Assessment:
    """A virtual machine's has the updates, an Arc machine's their number by classification."""
    counts = answer.get("availablePatchCountByClassification")
    classes = (update.classification for update in updates(machine, answer))
    row = {
        **_common(machine, answer),
        "lastModified": now.isoformat(),
        "rebootPending": answer.get("rebootPending"),
        "pending": counts or Counter(classes),
    }
    found = observation.assessment(row)
    assert found is not None  # only one without a date is
    return found


def run(machine: Machine, answer: Answer) -> Run:
    """An installation, which belongs to no run of a schedule."""
    row = {
        **_common(machine, answer),
        **{name: answer.get(f"{name}PatchCount") for name in COUNTS},
        "id": answer.get("installationActivityId"),
        "started": answer.get("startDateTime"),
        "lastModified": answer.get("lastModifiedDateTime"),
        "rebootStatus": answer.get("rebootStatus"),
        "exceeded": answer.get("maintenanceWindowExceeded"),
    }
    return observation.run(row)


def updates(machine: Machine, answer: Answer) -> tuple[Update, ...]:
    """Those that an assessment found, or what has become of each in an installation."""
    patches = answer.get("availablePatches") or answer.get("patches") or ()
    return tuple(observation.update(_row(machine, patch)) for patch in patches)


def _row(machine: Machine, patch: Answer) -> Answer:
    """An update as Resource Graph would have it."""
    return {
        **patch,
        "machine": machine.id,
        "patchName": patch.get("name"),
        "severity": patch.get("msrcSeverity"),
        "published": patch.get("publishedDate"),
        "state": patch.get("installationState"),
    }


def _common(machine: Machine, answer: Answer) -> Answer:
    """The error is `error` of a virtual machine and `errorDetails` of an Arc machine."""
    return {
        "machine": machine.id,
        "status": answer.get("status"),
        "errorDetails": answer.get("error") or answer.get("errorDetails"),
    }
