"""Microsoft's own queries about patching, against the same counted out in plain Python.

The queries are those of Update Manager's documents ("Sample queries", "Manage pre and post
maintenance events"), of its workbook, and of the tools that build on it, as the sources have them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from arm_sandbox import kql, tables
from tests.arm_sandbox.conftest import NOON
from tests.arm_sandbox.patched import Fact, Patched, patched

WEEK = NOON - 7 * 86400


@pytest.fixture(params=[1, 2, 3], ids="seed {}".format)
def facts(request: pytest.FixtureRequest) -> Patched:
    return patched(request.param)


def ask(facts: Patched, query: str) -> list[Fact]:
    def source(table: str) -> tuple[kql.Columns, Any]:
        return tables.COLUMNS, tables.rows(facts.world, table)

    return kql.run(query, source, NOON).rows


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def by(key: str, rows: list[Fact]) -> list[Fact]:
    return sorted(rows, key=lambda row: str(row[key]))


def without_fraction(text: str) -> str:
    """A time as an answer shows it; the tables have seven digits behind the second."""
    whole, fraction = text.removesuffix("Z").split(".")
    return f"{whole}.{fraction.rstrip('0')}Z".replace(".Z", "Z")


INSTALLATIONS = """
patchinstallationresources
| where type !has "softwarepatches"
| extend machineName = tostring(split(id, "/", 8)), resourceType = tostring(split(type, "/", 0)), tostring(rgName = split(id, "/", 4))
| extend prop = parse_json(properties)
| extend lTime = todatetime(prop.lastModifiedDateTime), OS = tostring(prop.osType), installedPatchCount = tostring(prop.installedPatchCount), failedPatchCount = tostring(prop.failedPatchCount), pendingPatchCount = tostring(prop.pendingPatchCount), excludedPatchCount = tostring(prop.excludedPatchCount), notSelectedPatchCount = tostring(prop.notSelectedPatchCount)
| where lTime > ago(7d)
| project lTime, RunID=name,machineName, rgName, resourceType, OS, installedPatchCount, failedPatchCount, pendingPatchCount, excludedPatchCount, notSelectedPatchCount
"""  # noqa: E501


def test_count_of_update_installations(facts: Patched) -> None:
    expected = [
        {
            "lTime": without_fraction(run["lastModifiedDateTime"]),
            "RunID": run["name"],
            "machineName": f'["{run["machine"]}"]',
            "rgName": f'["{run["id"].split("/")[4]}"]',
            "resourceType": '["microsoft.compute"]',
            "OS": run["osType"],
            **{
                f"{name}PatchCount": str(run[f"{name}PatchCount"])
                for name in ("installed", "failed", "pending", "excluded", "notSelected")
            },
        }
        for run in facts.installations
        if seconds(run["lastModifiedDateTime"]) > WEEK
    ]
    assert expected
    assert by("RunID", ask(facts, INSTALLATIONS)) == by("RunID", expected)


PATCHES = """
patchinstallationresources
| where type has "softwarepatches" and properties {negation}has "version"
| extend machineName = tostring(split(id, "/", 8)), resourceType = tostring(split(type, "/", 0)), tostring(rgName = split(id, "/", 4)), tostring(RunID = split(id, "/", 10))
| extend prop = parse_json(properties)
| extend lTime = todatetime(prop.lastModifiedDateTime), patchName = tostring(prop.patchName), {key} = tostring(prop.{key}), installationState = tostring(prop.installationState), classifications = tostring(prop.classifications)
| where lTime > ago(7d)
| project lTime, RunID, machineName, rgName, resourceType, patchName, {key}, classifications, installationState
| sort by RunID
"""  # noqa: E501


@pytest.mark.parametrize(
    ("os", "negation", "key"), [("Windows", "!", "kbId"), ("Linux", "", "version")]
)
def test_list_of_installed_updates(facts: Patched, os: str, negation: str, key: str) -> None:
    found = ask(facts, PATCHES.format(negation=negation, key=key))
    expected = [
        (
            f'["{patch["id"].split("/")[10]}"]',
            patch["patchName"],
            patch[key],
            f'["{patch["classifications"][0]}"]',
            patch["installationState"],
        )
        for patch in facts.installed
        if patch["os"] == os and seconds(patch["lastModifiedDateTime"]) > WEEK
    ]
    assert expected
    told = ("RunID", "patchName", key, "classifications", "installationState")
    assert sorted(tuple(row[name] for name in told) for row in found) == sorted(expected)
    assert [row["RunID"] for row in found] == sorted((e[0] for e in expected), reverse=True)


PENDING = """
patchassessmentresources
| where type !has "softwarepatches"
| extend prop = parse_json(properties)
| extend lastTime = properties.lastModifiedDateTime
| extend updateRollupCount = prop.availablePatchCountByClassification.updateRollup, featurePackCount = prop.availablePatchCountByClassification.featurePack, servicePackCount = prop.availablePatchCountByClassification.servicePack, definitionCount = prop.availablePatchCountByClassification.definition, securityCount = prop.availablePatchCountByClassification.security, criticalCount = prop.availablePatchCountByClassification.critical, updatesCount = prop.availablePatchCountByClassification.updates, toolsCount = prop.availablePatchCountByClassification.tools, otherCount = prop.availablePatchCountByClassification.other, OS = prop.osType
| project lastTime, id, OS, updateRollupCount, featurePackCount, servicePackCount, definitionCount, securityCount, criticalCount, updatesCount, toolsCount, otherCount
"""  # noqa: E501


def test_pending_updates_by_category(facts: Patched) -> None:
    names = "updateRollup featurePack servicePack definition security critical updates tools other"
    expected = [
        {
            "lastTime": one["lastModifiedDateTime"],
            "id": one["id"],
            "OS": one["osType"],
            **{
                f"{name}Count": one["availablePatchCountByClassification"].get(name)
                for name in names.split()
            },
        }
        for one in facts.assessments
    ]
    assert by("id", ask(facts, PENDING)) == by("id", expected)


def test_maintenance_run_records_of_a_machine(facts: Patched) -> None:
    machine = facts.machine_runs[0]["resourceId"]
    query = f"""
maintenanceresources
| where ['id'] contains "{machine}" //VM Id here
| where ['type'] == "microsoft.maintenance/applyupdates"
| where properties.maintenanceScope == "InGuestPatch"
"""
    expected = [run["id"] for run in facts.machine_runs if run["resourceId"] == machine]
    assert sorted(row["id"] for row in ask(facts, query)) == sorted(expected)


RUNS = """
maintenanceresources
| where type =~ "microsoft.maintenance/maintenanceconfigurations/applyupdates"
| where properties.maintenanceConfiguration.properties.maintenanceScope == "InGuestPatch"
| extend status=tostring(properties.status), started=todatetime(properties.startDateTime),
         ended=iff(properties.status =~ "InProgress", datetime(null), todatetime(properties.endDateTime)),
         ok=toint(properties.resourceUpdateSummary.succeeded), total=toint(properties.resourceUpdateSummary.total),
         runId=tostring(properties.correlationId), configId=tolower(tostring(properties.maintenanceConfigurationId))
| project status, started, ended, ok, total, runId, configId
"""  # noqa: E501


def test_one_row_for_each_run_of_a_schedule(facts: Patched) -> None:
    expected = [
        {
            "status": run["status"],
            "started": without_fraction(run["startDateTime"]),
            "ended": None
            if run["status"] == "InProgress"
            else without_fraction(run["endDateTime"]),
            "ok": run["resourceUpdateSummary"]["succeeded"],
            "total": run["resourceUpdateSummary"]["total"],
            "runId": run["correlationId"],
            "configId": run["maintenanceConfigurationId"].lower(),
        }
        for run in facts.runs
    ]
    assert by("runId", ask(facts, RUNS)) == by("runId", expected)


def test_machines_of_one_run(facts: Patched) -> None:
    run = facts.runs[0]["correlationId"]
    query = f"""
maintenanceresources
| where type =~ 'microsoft.maintenance/applyupdates'
| where properties.correlationId =~ '{run.upper()}'
| where id has '/providers/microsoft.compute/virtualmachines/'
| project id, resourceId = tostring(properties.resourceId)
| order by id asc
"""
    expected = sorted(one["id"] for one in facts.machine_runs if one["correlationId"] == run)
    found = ask(facts, query)
    assert [row["id"] for row in found] == expected
    assert {row["resourceId"] for row in found} <= {m["id"].lower() for m in facts.machines}


def test_runs_of_a_schedule_by_what_their_id_has(facts: Patched) -> None:
    configuration = facts.configurations[0].lower()
    query = f"""
maintenanceresources
| where type =~ "microsoft.maintenance/maintenanceconfigurations/applyupdates"
| where properties.correlationId has "{configuration}/providers/microsoft.maintenance/applyupdates/"
| order by name desc
"""
    expected = [
        r["name"] for r in facts.runs if r["maintenanceConfigurationId"].lower() == configuration
    ]
    assert [row["name"] for row in ask(facts, query)] == sorted(expected, reverse=True)


def test_what_is_assigned_to_a_schedule(facts: Patched) -> None:
    configuration = facts.configurations[1]
    query = f"""
maintenanceresources
| where type =~ "microsoft.maintenance/configurationassignments"
| where properties.maintenanceConfigurationId =~ '{configuration}'
| extend n=array_length(split(id,"/")), dynamic=(array_length(split(id,"/")) in (7,9))
| project id, n, dynamic
"""
    expected = [
        {"id": one["id"], "n": len(parts), "dynamic": len(parts) in (7, 9)}
        for one in facts.assignments
        for parts in [one["id"].split("/")]
        if one["maintenanceConfigurationId"].lower() == configuration.lower()
    ]
    assert {row["dynamic"] for row in expected} == {True, False}
    assert by("id", ask(facts, query)) == by("id", expected)


def test_machines_waiting_for_a_reboot(facts: Patched) -> None:
    query = """
patchassessmentresources
| where type in~ ("microsoft.compute/virtualmachines/patchassessmentresults","microsoft.hybridcompute/machines/patchassessmentresults")
| where properties.status =~ "Succeeded" and properties.rebootPending == true
"""  # noqa: E501
    expected = [
        one["id"]
        for one in facts.assessments
        if one["status"] == "Succeeded" and one["rebootPending"]
    ]
    assert expected
    assert sorted(row["id"] for row in ask(facts, query)) == sorted(expected)


FAILED = """
patchinstallationresources
| where type !has "softwarepatches"
| extend status=tostring(properties.status), ended=todatetime(properties.lastModifiedDateTime)
| where status in~ ("Failed","CompletedWithWarnings") and ended > ago(2d)
| parse id with machineId '/patchInstallationResults/' *
| extend machineName=tostring(split(id,'/')[8]), runId=tolower(tostring(properties.maintenanceRunId))
| extend configId=tolower(split(properties.maintenanceRunId, '/providers/microsoft.maintenance/applyupdates')[0])
| project ended, machineName, machineId, status, runId,
          failed=toint(properties.failedPatchCount), pending=toint(properties.pendingPatchCount),
          exceeded=tobool(properties.maintenanceWindowExceeded), reboot=tostring(properties.rebootStatus)
"""  # noqa: E501


@pytest.mark.parametrize("dialect", [kql.GRAPH, kql.ALERT_RULE], ids=lambda d: d.name)
def test_failed_runs(facts: Patched, dialect: kql.Dialect) -> None:
    expected = [
        {
            "ended": without_fraction(run["lastModifiedDateTime"]),
            "machineName": run["machine"],
            "machineId": run["machineId"],
            "status": run["status"],
            "runId": run["maintenanceRunId"].lower(),
            "failed": run["failedPatchCount"],
            "pending": run["pendingPatchCount"],
            "exceeded": run["maintenanceWindowExceeded"],
            "reboot": run["rebootStatus"],
        }
        for run in facts.installations
        if run["status"] in ("Failed", "CompletedWithWarnings")
        and seconds(run["lastModifiedDateTime"]) > NOON - 2 * 86400
    ]
    assert expected
    query = FAILED if dialect is kql.GRAPH else f'arg("").{FAILED.strip()}'

    def source(table: str) -> tuple[kql.Columns, Any]:
        return tables.COLUMNS, tables.rows(facts.world, table)

    found = kql.run(query, source, NOON, dialect).rows
    assert by("machineId", found) == by("machineId", expected)


SCOPE = """
resources
| where type in~ ('microsoft.compute/virtualmachines','microsoft.hybridcompute/machines')
| where location in~ ('eastus') and tostring(tags['patchRing']) in ('dev','test')
| extend os=tolower(coalesce(tostring(properties.osName),tostring(properties.osType),tostring(properties.storageProfile.osDisk.osType)))
| extend ps=iff(os=='windows',properties.osProfile.windowsConfiguration.patchSettings,properties.osProfile.linuxConfiguration.patchSettings)
| extend ready = type =~ 'microsoft.hybridcompute/machines' or
    (tostring(ps.patchMode) =~ 'AutomaticByPlatform' and ps.automaticByPlatformSettings.bypassPlatformSafetyChecksOnUserSchedule == true)
| project name, os, ready
"""  # noqa: E501


def test_preview_of_a_dynamic_scope(facts: Patched) -> None:
    expected = []
    for machine in facts.machines:
        if machine["location"] == "eastus" and machine["ring"] == "dev":
            settings = machine.get("automaticByPlatformSettings", {})
            bypass = settings.get("bypassPlatformSafetyChecksOnUserSchedule") is True
            platform = machine["patchMode"] == "AutomaticByPlatform"
            # Nothing is known of a bypass that is not there, so neither of readiness.
            ready = bypass if settings else (None if platform else False)
            row = {"name": machine["name"], "os": machine["os"].lower(), "ready": ready}
            expected.append(row)
    assert expected
    assert by("name", ask(facts, SCOPE)) == by("name", expected)


COMPLIANCE = """
resources
| where type =~ "microsoft.compute/virtualmachines" or type =~ "microsoft.hybridcompute/machines"
| project vmId=tolower(id)
| join kind=leftouter (patchassessmentresources
    | where type in~ ("microsoft.compute/virtualmachines/patchassessmentresults","microsoft.hybridcompute/machines/patchassessmentresults")
    | where tostring(properties.status) =~ "Succeeded"
    | parse id with resourceId '/patchAssessmentResults/' * | extend vmId=tolower(resourceId)) on vmId
| extend s=case(isempty(properties),"No updates data",
    toint(properties.availablePatchCountByClassification.security)>0 or toint(properties.availablePatchCountByClassification.critical)>0,"Non-Compliant","Compliant")
| summarize dcount(vmId) by s
"""  # noqa: E501


def test_compliance_as_the_workbook_counts_it(facts: Patched) -> None:
    assessed = {one["machine"]: one for one in facts.assessments if one["status"] == "Succeeded"}
    expected: dict[str, int] = {}
    for machine in facts.machines:
        one = assessed.get(machine["id"])
        counts = one["availablePatchCountByClassification"] if one else {}
        urgent = counts.get("security", 0) > 0 or counts.get("critical", 0) > 0
        state = "Non-Compliant" if urgent else "Compliant" if one else "No updates data"
        expected[state] = expected.get(state, 0) + 1
    assert len(expected) == 3
    assert {row["s"]: row["dcount_vmId"] for row in ask(facts, COMPLIANCE)} == expected


def test_machines_by_power_state(facts: Patched) -> None:
    query = """
Resources
| where type == 'microsoft.compute/virtualmachines'
| summarize count() by tostring(properties.extended.instanceView.powerState.code)
"""
    expected: dict[str, int] = {}
    for machine in facts.machines:
        power = facts.world.resources[machine["id"].lower()].hidden["power"]
        expected[f"PowerState/{power}"] = expected.get(f"PowerState/{power}", 0) + 1
    column = "properties_extended_instanceView_powerState_code"
    assert {row[column]: row["count_"] for row in ask(facts, query)} == expected
