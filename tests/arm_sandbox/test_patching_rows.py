"""What Resource Graph is told of a patch night: the documented fields, late, and for a while."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arm_sandbox import tables
from arm_sandbox.patch_night import NONE, Faults
from arm_sandbox.patching.lines import UBUNTU
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask
from tests.arm_sandbox.fleet import (
    COMPUTE,
    Body,
    add,
    assign,
    at,
    go,
    machine,
    schedule,
    told,
    town,
)

INSTALLATIONS, ASSESSMENTS = "patchinstallationresources", "patchassessmentresources"
MACHINES = "microsoft.compute/virtualmachines"
INSTALLATION = f"{MACHINES}/patchinstallationresults"
ASSESSMENT = f"{MACHINES}/patchassessmentresults"
RUN = "microsoft.maintenance/maintenanceconfigurations/applyupdates"
TURN = "microsoft.maintenance/applyupdates"
RUN_ID = (
    f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/nightly"
    "/providers/Microsoft.Maintenance/applyUpdates/20261124020000"
).lower()
CONFIGURATION = RUN_ID.rsplit("/providers/", 1)[0]

INSTALLATION_FIELDS = {
    *("installationActivityId", "maintenanceRunId", "maintenanceWindowExceeded", "startDateTime"),
    *("lastModifiedDateTime", "status", "rebootStatus", "installedPatchCount", "failedPatchCount"),
    *("pendingPatchCount", "excludedPatchCount", "notSelectedPatchCount", "osType", "startedBy"),
    *("patchServiceUsed", "errorDetails"),
}
PATCH_FIELDS = {
    *("patchName", "classifications", "rebootRequired", "rebootBehavior", "publishedDateTime"),
    "lastModifiedDateTime",
}
ASSESSMENT_FIELDS = {
    *("status", "rebootPending", "osType", "startDateTime", "lastModifiedDateTime", "startedBy"),
    *("patchServiceUsed", "errorDetails", "availablePatchCountByClassification"),
}
TURN_FIELDS = {
    *("status", "resourceId", "correlationId", "maintenanceConfigurationId", "maintenanceScope"),
    *("startDateTime", "endDateTime"),
}
RUN_FIELDS = {
    *("status", "correlationId", "maintenanceConfigurationId", "maintenanceConfiguration"),
    *("startDateTime", "endDateTime", "resourceUpdateSummary"),
}


def night(
    faults: Faults = NONE, until: str = "2026-11-24 12:00", seed: str = "patchctl", **asked: Any
) -> World:
    world = town(seed)
    assign(world, schedule(world, recurs="1Week Tuesday", **asked), "windows", "linux")
    go(world, until, faults)
    return world


def of(rows: list[Body], name: str) -> list[Body]:
    return [row for row in rows if f"/virtualmachines/{name}/" in row["id"].lower()]


def patches(world: World, type: str, table: str, name: str) -> list[dict[str, Any]]:
    return [row["properties"] for row in of(told(world, table, f"{type}/softwarepatches"), name)]


# -- what is told


def test_an_installation_has_the_documented_fields() -> None:
    world = night()
    for name, service in (("windows", "WU-WSUS"), ("linux", "APT")):
        (row,) = of(told(world, INSTALLATIONS, INSTALLATION), name)
        properties = row["properties"]
        assert set(properties) == INSTALLATION_FIELDS
        assert row["id"] == f"{COMPUTE}/{name}/patchInstallationResults/{row['name']}"
        assert row["name"] == properties["installationActivityId"]
        assert (row["location"], row["resourceGroup"]) == ("eastus", "rg-test")
        assert properties["maintenanceRunId"] == RUN_ID
        assert (properties["status"], properties["patchServiceUsed"]) == ("Succeeded", service)
        assert properties["startDateTime"] == "2026-11-24T02:00:00.0000000Z"
        assert properties["errorDetails"]["code"] == "Success"


@pytest.mark.parametrize("type", [INSTALLATION, ASSESSMENT])
def test_updates_of_windows_have_a_kb_and_those_of_linux_a_version(type: str) -> None:
    table = INSTALLATIONS if type == INSTALLATION else ASSESSMENTS
    world = night(
        windowsParameters={"classificationsToInclude": ["Critical"]},
        linuxParameters={"classificationsToInclude": ["Other"]},
    )
    state = {"installationState"} if type == INSTALLATION else set()
    for name, own in (("windows", "kbId"), ("linux", "version")):
        found = patches(world, type, table, name)
        assert found
        for properties in found:
            rated = {"msrcSeverity"} & set(properties)
            assert set(properties) == PATCH_FIELDS | state | {own} | rated
            assert (properties["publishedDateTime"] is None) == (name == "linux")
            assert not (rated and name == "linux")


def test_an_assessment_follows_the_installation() -> None:
    world = night(until="2026-11-24 05:00")
    for name in ("windows", "linux"):
        (row,) = of(told(world, ASSESSMENTS, ASSESSMENT), name)
        assert row["id"] == f"{COMPUTE}/{name}/patchAssessmentResults/latest"
        properties = row["properties"]
        assert set(properties) == ASSESSMENT_FIELDS
        assert properties["rebootPending"] is False
        counts = properties["availablePatchCountByClassification"]
        assert sum(counts.values()) == len(patches(world, ASSESSMENT, ASSESSMENTS, name))
        assert set(counts) >= {"critical", "security", "updateRollup", "other"}


def test_a_run_and_each_turn_in_it() -> None:
    world = night(Faults(stopped=("linux",)))
    (run,) = told(world, "maintenanceresources", RUN)
    assert (run["id"], run["name"]) == (RUN_ID, "20261124020000")
    properties = run["properties"]
    assert set(properties) == RUN_FIELDS
    assert properties["correlationId"] == RUN_ID
    assert properties["maintenanceConfigurationId"] == CONFIGURATION
    assert (
        properties["maintenanceConfiguration"]["properties"]["maintenanceScope"] == "InGuestPatch"
    )
    assert properties["status"] == "PartiallySucceeded"
    assert properties["resourceUpdateSummary"] == {"succeeded": 1, "total": 2}
    turns = {
        row["properties"]["resourceId"]: row for row in told(world, "maintenanceresources", TURN)
    }
    assert set(turns) == {f"{COMPUTE}/{name}".lower() for name in ("windows", "linux")}
    good, bad = (turns[f"{COMPUTE}/{name}".lower()] for name in ("windows", "linux"))
    assert set(good["properties"]) == TURN_FIELDS
    assert set(bad["properties"]) == TURN_FIELDS | {"errorMessage"}
    assert (good["properties"]["status"], bad["properties"]["status"]) == ("Succeeded", "Failed")
    assert bad["properties"]["errorMessage"].startswith("ShutdownOrUnresponsive")
    assert good["id"].startswith(f"{COMPUTE}/windows/providers/microsoft.maintenance/".lower())


def test_a_machine_that_could_not_begin_has_a_turn_and_no_installation() -> None:
    world = night(Faults(stopped=("linux",)))
    assert of(told(world, INSTALLATIONS, INSTALLATION), "linux") == []


def test_errors_are_told_of_five_at_most() -> None:
    world = night(Faults(updates=tuple(line.key for line in UBUNTU)), seed="2")
    (row,) = of(told(world, INSTALLATIONS, INSTALLATION), "linux")
    properties = row["properties"]
    failed = len(patches(world, INSTALLATION, INSTALLATIONS, "linux"))
    assert failed > 5
    assert (properties["status"], properties["failedPatchCount"]) == ("Failed", failed)
    assert properties["errorDetails"]["message"].startswith(f"{failed} error/s reported")
    assert len(properties["errorDetails"]["details"]) == 5


# -- when


def seen(world: World, moment: float) -> tuple[str, ...]:
    """The status of the installation, the turn and the run as Resource Graph shows them."""
    world.now = moment
    ask(world, "GET", GROUP)
    tables = (INSTALLATIONS, "maintenanceresources", "maintenanceresources")
    found = [told(world, *where) for where in zip(tables, (INSTALLATION, TURN, RUN), strict=True)]
    return tuple(rows[0]["properties"]["status"] if rows else "" for rows in found)


def test_rows_come_late_and_change_when_the_installation_ends() -> None:
    world = town(result_lag=(900.0, 900.0))
    assign(world, schedule(world, recurs="1Week Tuesday"), "windows")
    start, none, going = at("2026-11-24 02:00"), ("", "", ""), ("InProgress",) * 3
    assert seen(world, start + 899) == none
    assert seen(world, start + 901) == going
    (run,) = world.runs
    while run["open"]:
        assert seen(world, world.now + 60) == going
    end = max(turn["end"] for turn in run["turns"].values())
    assert seen(world, end + 899) == going
    assert seen(world, end + 901) == ("Succeeded",) * 3


def test_lags_are_drawn_up_to_an_hour() -> None:
    lags: list[float] = []
    for seed in range(60):
        world = town(seed=str(seed))
        assign(world, schedule(world, recurs="1Week Tuesday"), "windows", "linux")
        go(world, "2026-11-24 06:00")
        for row in told(world, INSTALLATIONS, INSTALLATION):
            last = world.published[INSTALLATIONS][row["id"].lower()][-1]
            lags.append(last.visible - at(row["properties"]["lastModifiedDateTime"][:19]))
    assert 600 <= min(lags) < 750
    assert 3450 < max(lags) <= 3600
    assert len(set(lags)) == len(lags)


def test_rows_are_forgotten() -> None:
    world = night()
    machine(world, "windows").hidden["power"] = "deallocated"
    machine(world, "linux").hidden["power"] = "deallocated"
    go(world, "2026-12-01 01:00")
    assert told(world, ASSESSMENTS, ASSESSMENT)
    go(world, "2026-12-01 16:00")
    assert told(world, ASSESSMENTS, ASSESSMENT) == []
    for until, kept in (("2026-12-24 01:00", True), ("2026-12-24 04:00", False)):
        go(world, until)
        runs = {row["id"] for row in told(world, "maintenanceresources", RUN)}
        installations = told(world, INSTALLATIONS, INSTALLATION)
        assert (RUN_ID in runs) is kept
        assert bool(installations) is kept


# -- periodic assessments


def test_a_machine_is_assessed_every_24_hours() -> None:
    world = town()
    days = []
    for day in range(24, 30):
        go(world, f"2026-11-{day} 12:00")
        (row,) = of(told(world, ASSESSMENTS, ASSESSMENT), "windows")
        days.append(row["properties"]["lastModifiedDateTime"])
        assert row["properties"]["startedBy"] == "Platform"
    moments = [at(day[:19]) for day in days]
    assert {late - early for early, late in pairwise(moments)} == {86400.0}


def test_a_machine_that_is_off_or_set_otherwise_is_not() -> None:
    world = town()
    machine(world, "windows").hidden["power"] = "stopped"
    settings = machine(world, "linux").properties["osProfile"]["linuxConfiguration"]
    settings["patchSettings"]["assessmentMode"] = "ImageDefault"
    go(world, "2026-11-28 12:00")
    assert told(world, ASSESSMENTS, ASSESSMENT) == []


def test_an_update_that_another_replaces_is_no_longer_shown() -> None:
    world = town()
    go(world, "2026-12-10 12:00")
    names = [p["patchName"] for p in patches(world, ASSESSMENT, ASSESSMENTS, "windows")]
    cumulative = [name for name in names if "Cumulative Update for Microsoft server" in name]
    assert len(cumulative) == 1
    assert cumulative[0].startswith("2026-12")


# -- whatever comes

KBS = ("KB5067910", "KB2267602", "KB5066010", "KB890830", "KB5070281")
chosen = st.fixed_dictionaries(
    {
        "rebootSetting": st.sampled_from(["IfRequired", "Never", "Always"]),
        "windowsParameters": st.fixed_dictionaries(
            {
                "classificationsToInclude": st.lists(
                    st.sampled_from(["Critical", "Security", "Updates", "Definition"]), unique=True
                ),
                "kbNumbersToExclude": st.lists(st.sampled_from(KBS), unique=True),
            }
        ),
        "linuxParameters": st.fixed_dictionaries(
            {"packageNameMasksToExclude": st.lists(st.sampled_from(["lib*", "openssl", "c*"]))}
        ),
    }
)
faults = st.builds(
    Faults,
    machines=st.lists(st.sampled_from(["vm0", "vm1", "vm2"]), max_size=2).map(tuple),
    updates=st.lists(st.sampled_from(["KB5067910", "openssl", "curl"]), max_size=2).map(tuple),
    stopped=st.lists(st.sampled_from(["vm2", "vm3"]), max_size=2).map(tuple),
)


@settings(max_examples=40)
@given(seed=st.integers(0, 999), asked=chosen, wrong=faults, share=st.sampled_from([0.0, 0.2]))
def test_totals_add_up_and_nothing_excluded_is_installed(
    seed: int, asked: dict[str, Any], wrong: Faults, share: float
) -> None:
    world = town(seed=str(seed), update_failures=share)
    names = [f"vm{n}" for n in range(5)]
    for n, name in enumerate(names):
        add(world, name, like=("windows", "linux")[n % 2])
    assign(world, schedule(world, recurs="1Week Tuesday", **asked), *names)
    go(world, "2026-11-24 06:00", wrong)
    (run,) = world.runs
    assert (run["open"], len(run["turns"])) == (0, len(names))
    (shown,) = told(world, "maintenanceresources", RUN)
    turns = told(world, "maintenanceresources", TURN)
    statuses = Counter(row["properties"]["status"] for row in turns)
    assert shown["properties"]["resourceUpdateSummary"] == {
        "succeeded": statuses["Succeeded"],
        "total": len(names),
    }
    for name in names:
        _agrees(world, name, asked)


def _agrees(world: World, name: str, asked: dict[str, Any]) -> None:
    for row in of(told(world, INSTALLATIONS, INSTALLATION), name):
        properties = row["properties"]
        updates = patches(world, INSTALLATION, INSTALLATIONS, name)
        states = Counter(update["installationState"] for update in updates)
        for state in ("installed", "failed", "pending", "excluded", "notSelected"):
            assert properties[f"{state}PatchCount"] == states[state[0].upper() + state[1:]]
        excluded = asked["windowsParameters"]["kbNumbersToExclude"]
        for update in updates:
            if f"KB{update.get('kbId')}" in excluded:
                assert update["installationState"] in ("Excluded", "NotSelected")
        if properties["status"] == "Succeeded":
            assert not states["Failed"] + states["Pending"]
            lacking = patches(world, ASSESSMENT, ASSESSMENTS, name)
            gone = {u["patchName"] for u in updates if u["installationState"] == "Installed"}
            assert len(lacking) <= len(updates) - len(gone) + 1
            assert not gone & {u["patchName"] for u in lacking if "version" not in u}


def test_every_row_has_only_the_columns_of_its_table() -> None:
    world = night()
    for table in (INSTALLATIONS, ASSESSMENTS, "maintenanceresources"):
        for row in tables.rows(world, table):
            assert set(row) <= set(tables.COLUMNS)
