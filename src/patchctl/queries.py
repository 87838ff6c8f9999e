"""What Resource Graph is asked, one function a question.

Every question projects `id` and orders by it, for only then does Resource Graph answer in pages.
Ids and types come in any case. A machine's id is the part of a row's id before its result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

MACHINES = ("microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines")


@dataclass(frozen=True)
class Fleet:
    """The machines that are assigned to maintenance configurations, and those that should be.

    `named` are ids of machines that belong to it even while their assignment is missing; without
    any configurations, they alone do.
    """

    configurations: tuple[str, ...]
    named: tuple[str, ...]
    subscriptions: tuple[str, ...]


def machines(fleet: Fleet) -> str:
    """Each machine with its power and patch settings; `assignments` is empty where it has none."""
    return f"""resources
| where type in~ ({_listed(MACHINES)})
| extend machine = tolower(id)
{_of(fleet)}
| extend windowsSettings = properties.osProfile.windowsConfiguration.patchSettings,
    linuxSettings = properties.osProfile.linuxConfiguration.patchSettings,
    vmPower = tostring(properties.extended.instanceView.powerState.code),
    os = coalesce(tostring(properties.storageProfile.osDisk.osType), tostring(properties.osType))
| project id, name, location, os, power = coalesce(vmPower, tostring(properties.status)),
    assignments, windowsSettings, linuxSettings
| order by id asc"""


def every_machine() -> str:
    """Each machine one can read, with what a schedule asks of it; see `machines.machine`."""
    return f"""resources
| where type in~ ({_listed(MACHINES)})
| extend vmPower = tostring(properties.extended.instanceView.powerState.code),
    os = coalesce(tostring(properties.storageProfile.osDisk.osType), tostring(properties.osType))
| project id, location, tags, os, power = coalesce(vmPower, tostring(properties.status)),
    windows = properties.osProfile.windowsConfiguration,
    linux = properties.osProfile.linuxConfiguration,
    extensions = coalesce(tostring(properties.osProfile.allowExtensionOperations),
        tostring(properties.agentConfiguration.extensionsEnabled)),
    product = tostring(properties.osSku),
    publisher = tostring(properties.storageProfile.imageReference.publisher)
| order by id asc"""


def every_assignment() -> str:
    """Each assignment to a machine, with the configuration that it is to; ids in lower case."""
    return """maintenanceresources
| where type =~ 'microsoft.maintenance/configurationassignments'
| project id, machine = tolower(tostring(properties.resourceId)),
    configuration = tolower(tostring(properties.maintenanceConfigurationId))
| order by id asc"""


def assigned_to(configurations: Iterable[str]) -> str:
    """Each assignment to one of these configurations; `name` is its own."""
    return f"""maintenanceresources
| where type =~ 'microsoft.maintenance/configurationassignments'
| where properties.maintenanceConfigurationId in~ ({_listed(configurations)})
| project id, configuration = tolower(tostring(properties.maintenanceConfigurationId))
| order by id asc"""


def every_configuration() -> str:
    """Each schedule for patching machines, with its window."""
    return """resources
| where type =~ 'microsoft.maintenance/maintenanceconfigurations'
| where properties.maintenanceScope =~ 'InGuestPatch'
| project id, window = properties.maintenanceWindow
| order by id asc"""


def assessments(fleet: Fleet) -> str:
    """The latest assessment of each machine, if it was within seven days."""
    return f"""patchassessmentresources
| where type in~ ({_listed(_results("patchassessmentresults"))})
| extend machine = tostring(split(tolower(id), '/patchassessmentresults/')[0])
{_of(fleet)}
| project id, machine, status = tostring(properties.status),
    lastModified = tostring(properties.lastModifiedDateTime),
    rebootPending = properties.rebootPending,
    pending = properties.availablePatchCountByClassification,
    errorDetails = properties.errorDetails
| order by id asc"""


def pending(fleet: Fleet) -> str:
    """Each update that the latest assessments found."""
    return f"""patchassessmentresources
| where type in~ ({_listed(_results("patchassessmentresults/softwarepatches"))})
| extend machine = tostring(split(tolower(id), '/patchassessmentresults/')[0])
{_of(fleet)}
| project id, machine, {_UPDATE}
| order by id asc"""


def runs(fleet: Fleet, since: datetime) -> str:
    """Each installation on each machine, whoever started it; Azure keeps them for 30 days."""
    return f"""patchinstallationresources
| where type in~ ({_listed(_results("patchinstallationresults"))})
| where todatetime(properties.lastModifiedDateTime) >= {_moment(since)}
| extend machine = tostring(split(tolower(id), '/patchinstallationresults/')[0])
{_of(fleet)}
| project id, machine, scheduleRun = tostring(properties.maintenanceRunId),
    status = tostring(properties.status), started = tostring(properties.startDateTime),
    lastModified = tostring(properties.lastModifiedDateTime),
    rebootStatus = tostring(properties.rebootStatus),
    exceeded = properties.maintenanceWindowExceeded,
    installed = properties.installedPatchCount, failed = properties.failedPatchCount,
    pending = properties.pendingPatchCount, excluded = properties.excludedPatchCount,
    notSelected = properties.notSelectedPatchCount, errorDetails = properties.errorDetails
| order by id asc"""


def installations(fleet: Fleet, since: datetime) -> str:
    """Each update that a run on a machine had to do with, and what became of it."""
    return f"""patchinstallationresources
| where type in~ ({_listed(_results("patchinstallationresults/softwarepatches"))})
| where todatetime(properties.lastModifiedDateTime) >= {_moment(since)}
| extend path = split(tolower(id), '/patchinstallationresults/')
| extend machine = tostring(path[0]), run = tostring(split(tostring(path[1]), '/')[0])
{_of(fleet)}
| project id, machine, run, state = tostring(properties.installationState), {_UPDATE}
| order by id asc"""


def schedule_runs(fleet: Fleet, since: datetime) -> str:
    """Each run of the schedule as a whole."""
    return f"""maintenanceresources
| where type =~ 'microsoft.maintenance/maintenanceconfigurations/applyupdates'
| where properties.maintenanceConfigurationId in~ ({_listed(fleet.configurations)})
| where todatetime(properties.startDateTime) >= {_moment(since)}
| project id, run = tostring(properties.correlationId), status = tostring(properties.status),
    started = tostring(properties.startDateTime), ended = tostring(properties.endDateTime),
    succeeded = properties.resourceUpdateSummary.succeeded,
    total = properties.resourceUpdateSummary.total
| order by id asc"""


def turns(fleet: Fleet, since: datetime) -> str:
    """Each machine's turn in a run of the schedule: also of one on which nothing could begin."""
    return f"""maintenanceresources
| where type =~ 'microsoft.maintenance/applyupdates'
| where properties.maintenanceConfigurationId in~ ({_listed(fleet.configurations)})
| where todatetime(properties.startDateTime) >= {_moment(since)}
| project id, machine = tolower(tostring(properties.resourceId)),
    scheduleRun = tostring(properties.correlationId), status = tostring(properties.status),
    started = tostring(properties.startDateTime), lastModified = tostring(properties.endDateTime),
    errorDetails = properties.errorMessage
| order by id asc"""


_UPDATE = """patchName = tostring(properties.patchName), kbId = tostring(properties.kbId),
    version = tostring(properties.version), classifications = properties.classifications,
    severity = tostring(properties.msrcSeverity),
    published = tostring(properties.publishedDateTime)"""


def _results(kind: str) -> Iterable[str]:
    """The types of a machine's results of a kind."""
    return (f"{machine}/{kind}" for machine in MACHINES)


def _of(fleet: Fleet) -> str:
    """Keep the rows of the fleet's machines; the row has the machine's id in `machine`."""
    named = f"machine in ({_listed(fleet.named)})".lower() if fleet.named else ""
    if not fleet.configurations:
        return f"| where {named}"
    return f"""| join kind=leftouter (
    maintenanceresources
    | where type =~ 'microsoft.maintenance/configurationassignments'
    | where properties.maintenanceConfigurationId in~ ({_listed(fleet.configurations)})
    | summarize assignments = make_set(tostring(properties.maintenanceConfigurationId))
        by machine = tolower(tostring(properties.resourceId))
    ) on machine
| where isnotnull(assignments){named and f" or {named}"}"""


def _listed(values: Iterable[str]) -> str:
    return ", ".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    """A string literal with nothing in it that could end it: KQL has the escapes of JSON."""
    return json.dumps(value)


def _moment(at: datetime) -> str:
    return f"datetime({at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"
