"""Scheduled query rules at work: when they fire, whom they tell, and when it is over.

The world of these tests starts at noon. A run ends, and its rows are published with the lag that
Resource Graph has; the timelines are worked out by hand from the evaluations, which are 15 minutes
apart.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from arm_sandbox import tables
from arm_sandbox.app import settle
from arm_sandbox.mail import PER_HOUR
from arm_sandbox.providers.log_search_alerts import DISABLED_AFTER, MOST_KEPT, NOTIFIED
from arm_sandbox.world import World, stamp
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
FREQUENCY = 15 * MINUTE
PROVIDERS = f"{GROUP}/providers"
ACTION_GROUP = f"{PROVIDERS}/microsoft.insights/actionGroups/ag_you"
IDENTITY = f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/id-alerts"
RULES = f"{PROVIDERS}/Microsoft.Insights/scheduledQueryRules"
ASSIGNMENT = f"{PROVIDERS}/Microsoft.Authorization/roleAssignments"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
MACHINES = f"{PROVIDERS}/Microsoft.Compute/virtualMachines"
CONFIGURATION = f"{PROVIDERS}/microsoft.maintenance/maintenanceconfigurations/mc".lower()
ADDRESS = "you@example.com"
VERSION = "2023-12-01"
FAILED = (
    'arg("").patchinstallationresources '
    '| where type !has "softwarepatches" '
    '| where tostring(properties.status) in~ ("Failed", "CompletedWithWarnings") '
    "| where todatetime(properties.lastModifiedDateTime) > ago(LOOK_BACK) "
    "| project run = tolower(tostring(properties.maintenanceRunId)), machine = name"
)
BY_RUN = [{"name": "run", "operator": "Include", "values": ["*"]}]


@pytest.fixture
def ground(world: World) -> World:
    """A world with a confirmed address, and an identity that may read the group by now."""
    world.registrations |= {
        f"{SUBSCRIPTION[15:]}/microsoft.{name}": "Registered"
        for name in ("resourcehealth", "alertsmanagement")
    }
    you = {"name": "you", "emailAddress": ADDRESS}
    group = {"groupShortName": "you", "enabled": True, "emailReceivers": [you]}
    body = {"location": "Global", "properties": group}
    assert ask(world, "PUT", ACTION_GROUP, body, version="2023-01-01").status == 201
    assert ask(world, "PUT", IDENTITY, {"location": "eastus"}, version="2024-11-30").status == 201
    grant(world)
    advance(world, 20 * MINUTE)
    world.mails.clear()
    return world


def grant(world: World, scope: str = GROUP) -> None:
    identity = world.find(IDENTITY)
    assert identity is not None
    properties = {
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER}",
        "principalId": identity.properties["principalId"],
        "principalType": "ServicePrincipal",
    }
    name = world.guid(f"{scope}/grant")
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    made = ask(world, "PUT", path, {"properties": properties}, version="2022-04-01")
    assert made.status == 201


def revoke(world: World) -> None:
    for assignment in list(world.below("", "Microsoft.Authorization/roleAssignments")):
        assert ask(world, "DELETE", assignment.id, version="2022-04-01").status == 200


def body(look_back: str = "1d", query: str = FAILED, **properties: Any) -> dict[str, Any]:
    condition = {
        "query": query.replace("LOOK_BACK", look_back),
        "timeAggregation": "Count",
        "dimensions": BY_RUN,
        "operator": "GreaterThan",
        "threshold": 0,
        **properties.pop("condition", {}),
    }
    return {
        "location": "eastus",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "description": "A patch run has failed.",
            "severity": 1,
            "enabled": True,
            "scopes": [GROUP],
            "evaluationFrequency": "PT15M",
            "windowSize": "PT15M",
            "criteria": {"allOf": [condition]},
            "autoMitigate": True,
            "actions": {"actionGroups": [ACTION_GROUP]},
            **properties,
        },
    }


def put(world: World, sent: dict[str, Any], name: str = "run-failed") -> None:
    made = ask(world, "PUT", f"{RULES}/{name}", sent, version=VERSION)
    assert made.status in (200, 201), made.body


def advance(world: World, seconds: float) -> None:
    settle(world, world.now + seconds)


def run_of(world: World, hour: int) -> str:
    return f"{CONFIGURATION}/providers/microsoft.maintenance/applyupdates/20261123{hour:02}0000"


def end(world: World, *lags: float, hour: int = 12, status: str = "Failed") -> None:
    """A run ends now on as many machines as there are lags, in minutes."""
    for number, lag in enumerate(lags):
        row = {
            "id": f"{MACHINES}/vm{number}/patchInstallationResults/{hour}-{number}",
            "name": f"vm{number}",
            "type": "microsoft.compute/virtualmachines/patchinstallationresults",
            "properties": {
                "status": status,
                "lastModifiedDateTime": world.stamp,
                "maintenanceRunId": run_of(world, hour),
            },
        }
        tables.publish(world, "patchinstallationresources", row, lag * MINUTE, 30 * DAY)


def next_evaluation(world: World) -> float:
    """When the rule is evaluated next."""
    return min(h.due for h in world.happenings if h.name == "query_rule.due")


def told(world: World) -> list[str]:
    """Monitor condition by mail, in the order in which they were sent."""
    return [mail["subject"].split(":")[0] for mail in world.mails]


def moments(world: World, condition: str = "Fired") -> list[float]:
    """When alerts were fired or resolved, in seconds."""
    name = f"{condition.lower()}DateTime"
    essentials = [a["payload"]["data"]["essentials"] for a in world.alerts]
    found = [e[name] for e in essentials if e["monitorCondition"] == condition]
    return sorted(seconds_of(text) for text in found)


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def health(world: World, name: str = "run-failed") -> tuple[str, str]:
    path = f"{RULES}/{name}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
    found = ask(world, "GET", path, version="2025-05-01")
    assert found.status == 200, found.body
    properties = found.body["properties"]
    return properties["availabilityState"], properties["title"]


# -- one mail for one run


def test_late_rows_of_one_run_are_one_mail(ground: World) -> None:
    """Rows come 10, 35 and 60 minutes late; the first evaluation after the first of them fires."""
    put(ground, body())
    first = next_evaluation(ground)
    advance(ground, first - ground.now + MINUTE)
    ended = ground.now  # one minute after an evaluation; the next ones are at 14, 29, ... minutes
    end(ground, 10, 35, 60)
    advance(ground, 20 * HOUR)
    assert told(ground) == ["Fired"]
    assert moments(ground) == [first + FREQUENCY]
    sent = seconds_of(ground.mails[0]["at"])
    assert first + FREQUENCY + NOTIFIED[0] - 1 <= sent <= first + FREQUENCY + NOTIFIED[1]
    assert run_of(ground, 12) in ground.mails[0]["text"]
    assert sent - ended < 20 * MINUTE


def test_a_stateful_alert_is_resolved_by_a_mail_when_the_run_leaves_the_look_back(
    ground: World,
) -> None:
    """The trap: a day after the failure a mail says that it is resolved, which it is not."""
    put(ground, body())
    first = next_evaluation(ground)
    advance(ground, first - ground.now + MINUTE)
    ended = ground.now
    end(ground, 10)
    advance(ground, 30 * HOUR)
    assert told(ground) == ["Fired", "Resolved"]
    # Met last at 95 quarters after `first`; the 96th is a day less a minute after the end, still
    # met; so the third one that is not met is the 99th.
    assert ended + DAY > first + 96 * FREQUENCY
    assert moments(ground, "Resolved") == [first + 99 * FREQUENCY]


def test_two_runs_are_two_mails(ground: World) -> None:
    put(ground, body())
    end(ground, 10, 20, hour=12)
    advance(ground, 5 * HOUR)
    end(ground, 60, 15, hour=18)
    advance(ground, 5 * HOUR)
    assert told(ground) == ["Fired", "Fired"]
    first, second = (mail["text"] for mail in ground.mails)
    assert run_of(ground, 12) in first
    assert run_of(ground, 18) in second


def test_a_good_run_and_a_cancelled_one_are_no_mail(ground: World) -> None:
    put(ground, body())
    end(ground, 10, status="Succeeded", hour=12)
    end(ground, 10, status="Cancelled", hour=13)
    advance(ground, DAY)
    assert ground.mails == []
    assert ground.alerts == []


def test_a_machine_dimension_is_a_mail_for_each_machine(ground: World) -> None:
    by_machine = [*BY_RUN, {"name": "machine", "operator": "Include", "values": ["*"]}]
    put(ground, body(condition={"dimensions": by_machine}))
    end(ground, 10, 20, 60)
    advance(ground, 5 * HOUR)
    assert [mail["text"].count("Dimension machine: vm") for mail in ground.mails] == [1, 1, 1]


def test_a_short_look_back_never_sees_late_rows(ground: World) -> None:
    put(ground, body(look_back="15m"))
    end(ground, 20, 60)
    advance(ground, DAY)
    assert ground.alerts == []


# -- stateless rules


def test_a_stateless_rule_with_a_long_look_back_tells_at_every_evaluation(ground: World) -> None:
    put(ground, body(look_back="6h", autoMitigate=False))
    first = next_evaluation(ground)
    advance(ground, first - ground.now + MINUTE)
    end(ground, 10)
    advance(ground, DAY)
    # From a quarter after `first` to six hours after the end, which is a minute after `first`.
    assert moments(ground) == [first + n * FREQUENCY for n in range(1, 25)]
    assert told(ground) == ["Fired"] * 24


def test_muted_for_as_long_as_it_looks_back_a_stateless_rule_tells_once(ground: World) -> None:
    """No mail says "Resolved", and no run ends twice: this is the shape for one mail a run."""
    put(ground, body(look_back="1d", autoMitigate=False, muteActionsDuration="P1D"))
    end(ground, 10, 35, 60)
    advance(ground, 3 * DAY)
    assert told(ground) == ["Fired"]
    # The first evaluation is before any row, the last one less than a quarter within the day.
    assert len(ground.alerts) == 95, "alerts are fired all the same, only nobody is told"


def test_muting_silences_other_runs_too(ground: World) -> None:
    put(ground, body(look_back="6h", autoMitigate=False, muteActionsDuration="P1D"))
    end(ground, 10, hour=12)
    advance(ground, 6 * HOUR)
    end(ground, 10, hour=18)
    advance(ground, 3 * DAY)
    assert told(ground) == ["Fired"]


@pytest.mark.parametrize("lags", [(10, 10), (60, 10), (10, 60), (10, 295), (295, 10)])
def test_looking_back_and_mute_for_six_hours_are_one_mail_for_each_of_six_hourly_runs(
    ground: World, lags: tuple[float, ...]
) -> None:
    """The shape for one mail a run, without a word about resolving.

    A run's rows are told by its start: they come within a window of 3:55 hours and one hour of
    lag, so within look-back; silence lasts as long as that, so no run is told twice; and it is
    over before the rows of a next run, six hours later at the soonest, are out of sight.
    """
    muted: dict[str, Any] = {"autoMitigate": False, "muteActionsDuration": "PT6H"}
    put(ground, body(look_back="6h", **muted))
    for number in range(6):
        end(ground, *(lags if number % 2 else reversed(lags)), hour=number)
        advance(ground, 6 * HOUR)
    advance(ground, 12 * HOUR)
    assert told(ground) == ["Fired"] * 6
    assert [run_of(ground, n) in m["text"] for n, m in enumerate(ground.mails)] == [True] * 6


# -- a run that did not happen

RUNS = (
    'arg("").maintenanceresources '
    '| where type =~ "microsoft.maintenance/maintenanceconfigurations/applyupdates" '
    f'| where tostring(properties.maintenanceConfigurationId) =~ "{CONFIGURATION}" '
    "| summarize latest = max(todatetime(properties.startDateTime)) "
    "| extend due = case(DUE datetime(null)) "
    "| where isnotnull(due) and (isnull(latest) or latest < due) "
    "| project missed = tostring(due)"
)


def missed(world: World, *windows: float, grace: float = 3 * HOUR) -> str:
    """The query for windows that start at some times, late by so much before somebody is told."""
    latest_first = sorted(windows, reverse=True)
    cases = (f"now() > datetime({stamp(w + grace)}), datetime({stamp(w)}), " for w in latest_first)
    return RUNS.replace("DUE ", "".join(cases))


def start(world: World, at: float) -> None:
    """A run of the schedule starts at a time, and is seen half an hour later."""
    advance(world, at - world.now)
    row = {
        "id": f"{CONFIGURATION}/applyupdates/{at:.0f}",
        "type": "microsoft.maintenance/maintenanceconfigurations/applyupdates",
        "properties": {
            "maintenanceConfigurationId": CONFIGURATION,
            "startDateTime": stamp(at),
            "status": "InProgress",
        },
    }
    tables.publish(world, "maintenanceresources", row, 30 * MINUTE, 30 * DAY)


def test_a_window_without_a_run_is_one_mail_in_time(ground: World) -> None:
    windows = [ground.now + HOUR + n * DAY for n in range(3)]
    rule = body(
        query=missed(ground, *windows),
        evaluationFrequency="PT1H",
        windowSize="PT1H",
        autoMitigate=False,
        muteActionsDuration="P1D",
        condition={"dimensions": []},
    )
    put(ground, rule, "run-missed")
    start(ground, windows[0])
    advance(ground, windows[1] + 3 * HOUR - ground.now)
    assert ground.mails == []
    advance(ground, 2 * HOUR)
    assert told(ground) == ["Fired"]
    start(ground, windows[2])
    advance(ground, 5 * DAY)
    assert told(ground) == ["Fired"]


def test_a_rule_that_counts_what_is_missing_without_literals_fires_at_once(ground: World) -> None:
    """Without the coming windows written in, a new schedule is reported before its first run."""
    runs = RUNS.split("| summarize", maxsplit=1)[0]
    query = f"{runs} | where todatetime(properties.startDateTime) > ago(7d)"
    none = {"dimensions": [], "operator": "LessThan", "threshold": 1}
    put(ground, body(query=query, condition=none), "run-missed")
    advance(ground, HOUR)
    assert told(ground) == ["Fired"]


# -- identities and their rights


def test_without_rights_nothing_is_mailed_and_the_health_says_why(ground: World) -> None:
    revoke(ground)
    put(ground, body())
    assert health(ground) == ("Unknown", "Setting up resource health")
    end(ground, 10)
    advance(ground, 2 * HOUR)
    assert ground.mails == []
    assert health(ground) == ("Unavailable", "Unauthorized to run query")

    grant(ground)
    advance(ground, HOUR)
    assert told(ground) == ["Fired"]
    assert health(ground) == ("Available", "Available")


def test_a_new_role_is_not_at_once_effective(ground: World) -> None:
    revoke(ground)
    end(ground, 0)
    put(ground, body(evaluationFrequency="PT5M", windowSize="PT5M"))
    advance(ground, next_evaluation(ground) - ground.now - 30)
    grant(ground)
    advance(ground, MINUTE)
    assert health(ground) == ("Unavailable", "Unauthorized to run query")
    advance(ground, 20 * MINUTE)
    assert told(ground) == ["Fired"]


def test_what_the_identity_may_not_read_does_not_count(ground: World) -> None:
    revoke(ground)
    other = f"{SUBSCRIPTION}/resourceGroups/rg-other"
    assert ask(ground, "PUT", other, {"location": "eastus"}).status == 201
    grant(ground, other)
    put(ground, body())
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []
    assert health(ground) == ("Available", "Available")


@pytest.mark.parametrize("identity", [{"type": "None"}, {"type": "SystemAssigned"}])
def test_an_identity_that_is_none_or_has_no_role_never_fires(
    ground: World, identity: dict[str, str]
) -> None:
    put(ground, {**body(), "identity": identity})
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []
    assert health(ground)[1] == "Unauthorized to run query"


def test_a_rule_whose_identity_was_deleted_is_unauthorized(ground: World) -> None:
    put(ground, body())
    ask(ground, "DELETE", IDENTITY, version="2024-11-30")
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []
    assert health(ground)[1] == "Unauthorized to run query"


def test_health_is_not_told_of_rules_that_are_seldom_evaluated(ground: World) -> None:
    revoke(ground)
    put(ground, body(evaluationFrequency="PT30M", windowSize="PT30M"))
    advance(ground, 5 * HOUR)
    assert health(ground) == ("Unknown", "Unknown")


def test_a_rule_that_fails_for_a_week_is_disabled(ground: World) -> None:
    revoke(ground)
    put(ground, body(evaluationFrequency="PT6H", windowSize="PT6H"))
    advance(ground, DISABLED_AFTER - HOUR)
    rule = ground.find(f"{PROVIDERS}/microsoft.insights/scheduledqueryrules/run-failed")
    assert rule is not None
    assert rule.properties["enabled"] is True
    advance(ground, 12 * HOUR)
    assert rule.properties["enabled"] is False
    operations = [event["operationName"]["value"] for event in ground.events]
    assert "Microsoft.Insights/ScheduledQueryRules/disable/action" in operations
    assert health(ground) == ("Unavailable", "Unavailable")


# -- queries


@pytest.mark.parametrize("step", ["| extend x = no_such_function(name)", "| where x ==", "| foo"])
def test_a_query_that_is_not_understood_is_silence(ground: World, step: str) -> None:
    put(ground, body(query=f"{FAILED} {step}"))
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []
    assert health(ground) == ("Available", "Available")


def test_what_resource_graph_knows_and_rules_do_not_is_silence_too(ground: World) -> None:
    put(ground, body(query=f"{FAILED} | summarize n = countif(true) by run"))
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []


def test_a_dimension_that_is_no_column_is_a_semantic_error(ground: World) -> None:
    other = [{"name": "runId", "operator": "Include", "values": ["*"]}]
    put(ground, body(condition={"dimensions": other}))
    advance(ground, HOUR)
    assert health(ground) == ("Unavailable", "Semantic error")


def test_tables_of_a_workspace_are_not_there(ground: World) -> None:
    put(ground, body(query="Heartbeat"))
    advance(ground, HOUR)
    assert health(ground) == ("Unavailable", "Semantic error")


def test_too_many_combinations_are_no_alert_at_all(ground: World) -> None:
    put(ground, body(condition={"dimensions": [{**BY_RUN[0], "name": "machine"}]}))
    end(ground, *[10.0] * 301)
    advance(ground, HOUR)
    assert ground.alerts == []
    assert health(ground)[1] == "Dimension combinations limit exceeded"


# -- changing a rule


def test_a_disabled_rule_is_not_evaluated(ground: World) -> None:
    put(ground, body(enabled=False))
    end(ground, 10)
    advance(ground, 5 * HOUR)
    assert ground.mails == []
    put(ground, body())
    advance(ground, HOUR)
    assert told(ground) == ["Fired"]


def test_a_changed_rule_keeps_its_alerts_and_a_new_one_of_the_same_name_does_not(
    ground: World,
) -> None:
    put(ground, body())
    end(ground, 10)
    advance(ground, HOUR)
    put(ground, body(look_back="2d"))
    advance(ground, HOUR)
    assert told(ground) == ["Fired"]
    ask(ground, "DELETE", f"{RULES}/run-failed", version=VERSION)
    put(ground, body())
    advance(ground, HOUR)
    assert told(ground) == ["Fired", "Fired"]
    assert len([h for h in ground.happenings if h.name == "query_rule.due"]) == 1


def test_a_deleted_rule_is_over_without_a_word(ground: World) -> None:
    put(ground, body())
    end(ground, 10)
    advance(ground, HOUR)
    ask(ground, "DELETE", f"{RULES}/run-failed", version=VERSION)
    advance(ground, 3 * DAY)
    assert told(ground) == ["Fired"]


def test_a_saved_world_goes_on_where_it_was(ground: World) -> None:
    put(ground, body())
    end(ground, 10)
    advance(ground, HOUR)
    saved = World.from_json(json.loads(ground.saved()))
    advance(ground, 2 * DAY)
    advance(saved, 2 * DAY)
    assert told(saved) == ["Fired", "Resolved"]
    assert saved.mails == ground.mails


@pytest.mark.parametrize(
    ("frequency", "unmet"), [("PT5M", 3), ("PT15M", 3), ("PT30M", 2), ("PT6H", 2)]
)
def test_how_long_a_condition_is_not_met_before_its_alert_is_resolved(
    ground: World, frequency: str, unmet: int
) -> None:
    put(ground, body(evaluationFrequency=frequency, windowSize=frequency))
    end(ground, 0)
    advance(ground, 8 * HOUR)
    tables.withdraw(ground, "patchinstallationresources", GROUP, 0)
    following = next_evaluation(ground)
    advance(ground, 2 * DAY)
    apart = {"PT5M": 300.0, "PT15M": 900.0, "PT30M": 1800.0, "PT6H": 21600.0}[frequency]
    assert moments(ground, "Resolved") == [following + (unmet - 1) * apart]


def test_a_condition_that_is_met_again_in_between_is_not_resolved(ground: World) -> None:
    put(ground, body())
    end(ground, 0)
    advance(ground, HOUR)
    tables.withdraw(ground, "patchinstallationresources", GROUP, 0)
    advance(ground, 2 * FREQUENCY)
    end(ground, 0)
    advance(ground, 10 * HOUR)
    assert told(ground) == ["Fired"]


# -- mails and alerts


def test_two_rules_tell_the_same_group(ground: World) -> None:
    put(ground, body())
    put(ground, body(severity=3), "run-failed-too")
    end(ground, 10)
    advance(ground, 2 * HOUR)
    subjects = sorted(mail["subject"].split(" on ")[0] for mail in ground.mails)
    assert subjects == [
        "Fired:Sev1 Azure Monitor Alert run-failed",
        "Fired:Sev3 Azure Monitor Alert run-failed-too",
    ]


def test_a_mail_tells_what_azure_tells_and_no_rows(ground: World) -> None:
    actions = {"actionGroups": [ACTION_GROUP], "customProperties": {"command": "patchctl report"}}
    put(ground, body(actions=actions))
    end(ground, 10)
    advance(ground, HOUR)
    text = ground.mails[0]["text"]
    for line in (
        "Alert name: run-failed",
        "Severity: Sev1",
        "Monitor condition: Fired",
        "Affected resource: rg-test",
        "Description: A patch run has failed.",
        "Monitoring service: Log Alerts V2",
        "Metric value: 1",
        f"Dimension run: {run_of(ground, 12)}",
        "View query results: https://portal.azure.com#@",
    ):
        assert f"{line}" in text
    assert "patchctl report" not in text, "custom properties are not in mails (docs)"
    assert "vm0" not in text
    [alert] = ground.alerts
    assert alert["payload"]["data"]["customProperties"] == {"command": "patchctl report"}


def test_a_rule_can_word_the_subject_itself(ground: World) -> None:
    path = "data.alertContext.condition.allOf[0].dimensions[0].value"
    subject = "Patching ${data.essentials.monitorCondition}: ${" + path + "}${no.such.path}"
    actions = {"actionGroups": [ACTION_GROUP], "actionProperties": {"Email.Subject": subject}}
    put(ground, body(actions=actions))
    end(ground, 10)
    advance(ground, HOUR)
    assert ground.mails[0]["subject"] == f"Patching Fired: {run_of(ground, 12)}"


def test_an_unconfirmed_address_is_told_nothing(ground: World) -> None:
    ground.addresses.clear()
    put(ground, body())
    end(ground, 10)
    advance(ground, HOUR)
    assert ground.mails == []
    assert ground.held == {ADDRESS: 1}


def test_an_address_gets_a_hundred_mails_an_hour(ground: World) -> None:
    put(ground, body(condition={"dimensions": [{**BY_RUN[0], "name": "machine"}]}))
    end(ground, *[0.0] * 250)
    advance(ground, HOUR)
    assert len(ground.mails) == PER_HOUR
    assert ground.held == {ADDRESS: 150}


def test_alerts_are_read_by_the_subscription(ground: World) -> None:
    put(ground, body())
    end(ground, 10)
    advance(ground, HOUR)
    alerts = f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts"
    [alert] = ask(ground, "GET", alerts, version="2019-05-05-preview").body["value"]
    essentials = alert["properties"]["essentials"]
    assert essentials["monitorCondition"] == "Fired"
    assert essentials["alertRule"].endswith("/scheduledqueryrules/run-failed")
    assert essentials["targetResource"] == GROUP.lower()
    assert ask(ground, "GET", alert["id"], version="2019-05-05-preview").status == 200

    [row] = tables.rows(ground, "alertsmanagementresources")
    assert (row["id"], row["resourceGroup"]) == (alert["id"], "rg-test")
    assert row["properties"]["essentials"] == essentials

    advance(ground, 30 * HOUR)
    for query, number in (("", 1), ("&timeRange=1h", 0), ("&monitorCondition=Fired", 0)):
        found = ask(ground, "GET", alerts, version="2019-05-05-preview", query=query)
        assert len(found.body["value"]) == number


def test_alerts_are_kept_in_bounds(ground: World) -> None:
    often: dict[str, Any] = {
        "autoMitigate": False,
        "evaluationFrequency": "PT5M",
        "windowSize": "PT5M",
    }
    put(ground, body(**often))
    for hour in range(5):
        end(ground, 0, hour=hour)
    advance(ground, DAY)
    assert len(ground.alerts) == MOST_KEPT
    put(ground, body(**often, enabled=False))
    advance(ground, 31 * DAY)
    put(ground, body(**often))
    end(ground, 0)
    advance(ground, HOUR)
    assert len(ground.alerts) < 20


def test_a_resource_in_the_rows_can_be_what_an_alert_is_about(ground: World) -> None:
    query = f"{FAILED}, machineId = tostring(split(id, '/patchInstallationResults/')[0])"
    put(ground, body(query=query, condition={"dimensions": [], "resourceIdColumn": "machineId"}))
    end(ground, 10, 20)
    advance(ground, HOUR)
    assert [mail["subject"].split(" on ")[1].split(" at ")[0] for mail in ground.mails] == [
        "vm0 (microsoft.compute/virtualmachines)",
        "vm1 (microsoft.compute/virtualmachines)",
    ]
