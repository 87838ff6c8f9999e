"""What the alerts on results ask.

The service that evaluates these queries knows less than Resource Graph and answers what it does not
know with silence (azure-monitor-data-explorer-proxy.md): one table each, and plain operators.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from patchctl.schedule.window import Occurrence, Window

RUNS = "microsoft.maintenance/maintenanceconfigurations/applyupdates"
MACHINES = "microsoft.maintenance/applyupdates"
ASSIGNMENTS = "microsoft.maintenance/configurationassignments"

LOOK_BACK = timedelta(hours=6)
"""How long after its start a run is told of: the longest window is 3:55, and rows come up to an
hour late. The alerts keep silent for as long once they have told, so one run makes one mail."""
_AGO = f"{LOOK_BACK // timedelta(hours=1)}h"
UNREADY = "ShutdownOrUnresponsive"
"""Part of the error of a machine that was stopped, or whose agent did not answer
(troubleshoot-maintenance-configurations). Which property holds it is not documented."""
NOT_FAILED = (
    "Succeeded",
    "Cancelled",
    "CompletedWithWarnings",
    "InProgress",
    "NotStarted",
    "Pending",
)

GRACE = timedelta(minutes=15)
"""From the end of a window until its run must be seen. Its row is 10 to 60 minutes late, counted
from the start, and no window is shorter than 90."""
CHECKED = timedelta(days=1)
"""How long a run is missed, at most: rows are forgotten, and the next window comes."""
EARLY = timedelta(minutes=10)
"""A run may begin this much before the window that is told of it."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FARTHEST = timedelta(days=200)
MOST = 100
"""Windows in a query: it must stay below 64 KB."""


def run_failed(configurations: Sequence[str]) -> str:
    """Runs of these schedules with machines that ended neither well nor cancelled.

    Mails carry no rows, so how many machines, and how many of them stopped, is made a dimension.
    """
    return "\n".join(
        (
            *_failed_machines(configurations),
            f'| extend unready = iff(tostring(properties) has "{UNREADY}", 1, 0)',
            "| summarize machines = count(), stopped = sum(unready) by run",
            '| extend what = strcat(tostring(machines), " not patched, ", tostring(stopped), '
            '" of them stopped or not ready")',
            "| project run, what",
        )
    )


def machine_failed(configurations: Sequence[str]) -> str:
    """Machines in the runs of these schedules that ended neither well nor cancelled."""
    return "\n".join(
        (
            *_failed_machines(configurations),
            f'| extend what = iff(tostring(properties) has "{UNREADY}", "stopped or not ready", '
            "status)",
            "| project run, machine = tostring(properties.resourceId), what",
        )
    )


def run_succeeded(configurations: Sequence[str]) -> str:
    """Runs of these schedules in which everything went well."""
    return "\n".join(
        (
            'arg("").maintenanceresources',
            f'| where type =~ "{RUNS}"',
            "| where tostring(properties.maintenanceConfigurationId) in~ "
            f"({_listed(configurations)})",
            f"| where todatetime(properties.startDateTime) > ago({_AGO})",
            '| where tostring(properties.status) =~ "Succeeded"',
            "| project run = tolower(tostring(properties.correlationId))",
        )
    )


def run_warned(configurations: Sequence[str]) -> str:
    """Machines whose run ended well but for a reboot that is still due, or too short a window."""
    warned = (
        'status =~ "CompletedWithWarnings" or (status =~ "Succeeded" and '
        '(reboot =~ "Required" or exceeded == true))'
    )
    return "\n".join(
        (
            'arg("").patchinstallationresources',
            '| where type !has "softwarepatches"',
            "| extend run = tolower(tostring(properties.maintenanceRunId)), "
            "status = tostring(properties.status), reboot = tostring(properties.rebootStatus), "
            "exceeded = tobool(properties.maintenanceWindowExceeded)",
            f"| where {_of_run(configurations)}",
            f"| where todatetime(properties.lastModifiedDateTime) > ago({_AGO})",
            f"| where {warned}",
            '| project run, machine = tostring(split(id, "/patchInstallationResults/")[0]), status',
        )
    )


def assigned(configuration: str) -> str:
    """The machines of a schedule, from the table that tells how their runs ended."""
    return "\n".join(
        (
            'arg("").maintenanceresources',
            f'| where type =~ "{ASSIGNMENTS}"',
            f'| where tostring(properties.maintenanceConfigurationId) =~ "{configuration}"',
            "| project id",
        )
    )


def run_missed(configuration: str, watch: Watch) -> str:
    """One row while a run is missing, none while all is well.

    A summary has a row even where no run was seen. When the watch has run out that row counts, too:
    nobody would be told of a missing run any more.
    """
    missing = " or ".join(
        f"(now() >= {_literal(check.since)} and now() < {_literal(check.until)}"
        f" and started < {_literal(check.opened - EARLY)})"
        for check in watch.checks
    )
    return "\n".join(
        (
            'arg("").maintenanceresources',
            f'| where type =~ "{RUNS}"',
            f'| where tostring(properties.maintenanceConfigurationId) =~ "{configuration}"',
            "| summarize latest = max(todatetime(properties.startDateTime))",
            f"| extend started = iff(isnull(latest), {_literal(LONG_AGO)}, latest)",
            f"| where {missing} or now() >= {_literal(watch.until)}",
            "| project started",
        )
    )


@dataclass(frozen=True)
class Check:
    """From `since` to `until` the run of the window that opened at `opened` must be seen."""

    opened: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Watch:
    """The windows that a rule waits for, as literals: a query cannot work out a recurrence."""

    checks: tuple[Check, ...]

    @property
    def until(self) -> datetime:
        return self.checks[-1].until

    def renewable(self, now: datetime) -> bool:
        """Whether less than half of it is left."""
        return self.until - now < (self.until - self.checks[0].opened) / 2


@lru_cache(maxsize=64)
def watch(window: Window, now: datetime) -> Watch:
    """The next window and those of the 200 days after it, 100 at most and two at least."""
    coming = window.coming(now, MOST)
    farthest = coming[1:2] + [w for w in coming if w.utc < coming[0].utc + FARTHEST]
    last = max(each.utc for each in farthest)
    return Watch(tuple(_checks([each for each in coming if each.utc <= last])))


def standing_watch(query: str, window: Window) -> Watch | None:
    """What a query that stands would watch if it was written for this window, or None."""
    first = re.search(r"started < datetime\(([0-9T:Z-]+)\)", query)
    if first is None:
        return None
    opened = datetime.fromisoformat(first[1]).astimezone(UTC) + EARLY
    return watch(window, opened - timedelta(minutes=1))


def _checks(windows: Sequence[Occurrence]) -> list[Check]:
    return [
        Check(
            each.utc,
            each.end_utc + GRACE,
            min(each.end_utc + GRACE + CHECKED, following.end_utc + GRACE)
            if following is not None
            else each.end_utc + GRACE + CHECKED,
        )
        for each, following in zip(windows, [*windows[1:], None], strict=True)
    ]


def _failed_machines(configurations: Sequence[str]) -> Iterator[str]:
    yield 'arg("").maintenanceresources'
    yield f'| where type =~ "{MACHINES}"'
    yield (
        "| extend run = tolower(tostring(properties.correlationId)), "
        "status = tostring(properties.status)"
    )
    yield f"| where {_of_run(configurations)}"
    yield f"| where todatetime(properties.startDateTime) > ago({_AGO})"
    yield f"| where status !in~ ({_listed(NOT_FAILED)})"


def _of_run(configurations: Sequence[str]) -> str:
    """The id of a run begins with that of its configuration."""
    runs = "providers/microsoft.maintenance/applyupdates/"
    return " or ".join(f'run startswith "{each}/{runs}"'.lower() for each in configurations)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _literal(moment: datetime) -> str:
    return f"datetime({moment:%Y-%m-%dT%H:%M:%SZ})"
