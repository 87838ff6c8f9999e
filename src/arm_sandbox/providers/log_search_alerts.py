"""Log search alerts: scheduled query rules at work, what they fire and what they resolve.

Sources: "Azure Monitor alerts overview" for states and for when an alert is resolved, "Create or
edit a log search alert rule" for muting and identities, the service limits, and "Monitor the health
of log search alert rules" for what becomes of a rule that fails.

What a rule remembers between evaluations is in its `hidden`: `turn` (which chain of evaluations is
its own), `fired` (alerts by their dimensions), `muted` (until when), `health`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping

from arm_sandbox import arm, common_alert, kql, mail, tables
from arm_sandbox.arm import Body
from arm_sandbox.common_alert import Alert
from arm_sandbox.log_search_measure import Failing, Reading, Table, measure
from arm_sandbox.providers import authorization, managed_identity
from arm_sandbox.providers.action_groups import addresses
from arm_sandbox.providers.scheduled_query_limits import asks_resource_graph, seconds
from arm_sandbox.world import Resource, World

IN_FORCE = (60.0, 300.0)
"""Seconds until a new or changed rule is evaluated first; nobody says how long it takes."""
NOTIFIED = (20.0, 120.0)
"""Seconds from an alert to the mail about it."""
STATELESS_ALERTS, STATEFUL_ALERTS, FIRED = 6000, 300, 5000
"""Most alerts of an evaluation, and most that a stateful rule can have fired (docs, limits)."""
DISABLED_AFTER = 7 * 86400.0
"""A rule that fails for a week is disabled (docs, troubleshooting)."""
KEPT, MOST_KEPT = 30 * 86400.0, 1000
"""Seconds that an alert is kept (docs), and a bound of the sandbox's own."""


def start(world: World, rule: Resource) -> None:
    """Let a new or changed rule be evaluated from soon on; what it was before no longer is."""
    rule.hidden["turn"] = world.guid(f"{rule.id}/turn")
    rule.hidden.pop("health", None)
    delay = world.between(rule.id, "in force", *IN_FORCE)
    world.later(delay, "query_rule.due", rule=rule.id, turn=rule.hidden["turn"])


def _due(world: World, rule: str, turn: str) -> None:
    standing = world.find(rule)
    if standing is None or standing.hidden["turn"] != turn:
        return
    if standing.properties["enabled"]:
        evaluate(world, standing)
    delay = seconds(standing.properties["evaluationFrequency"])
    world.later(delay, "query_rule.due", rule=rule, turn=turn)


def evaluate(world: World, rule: Resource) -> None:
    """Run the query of a rule once, and fire and resolve what follows from it."""
    condition = rule.properties["criteria"]["allOf"][0]
    window = seconds(rule.properties["windowSize"])
    try:
        readings = measure(condition, _ask(world, rule, condition["query"]), world.now, window)
        _require_few(rule, readings)
    except Failing as failing:
        _failed(world, rule, failing)
        return
    rule.hidden["health"] = _since(rule, world.now, "Available", "")
    if is_stateful(rule):
        _keep_state(world, rule, readings)
    else:
        _fire_each_time(world, rule, readings)


def _ask(world: World, rule: Resource, query: str) -> Table:
    """What the rule's identity is answered; the tables of workspaces are all empty here.

    Errors of Resource Graph are not told, and it has no time filter but the query's own (docs).
    """
    if not asks_resource_graph(query):
        raise Failing("Semantic error", "The query names a table that does not exist.")
    principal = managed_identity.acting(world, rule)
    if not principal or not authorization.knows(world, principal, "/"):
        raise Failing("Unauthorized to run query", "The identity of the rule may read nothing.")
    readable = authorization.readable(world, principal)

    def source(table: str) -> tuple[kql.Columns, Iterable[kql.Row]]:
        return tables.COLUMNS, tables.rows(world, table, readable)

    found = kql.run(query, source, world.now, kql.ALERT_RULE)
    return Table(found.columns, found.rows)


def is_stateful(rule: Resource) -> bool:
    """Whether an alert is fired once and resolved, instead of fired at every evaluation."""
    resolving = rule.properties.get("resolveConfiguration") or {}
    return bool(resolving.get("autoResolved", rule.properties["autoMitigate"]))


def _require_few(rule: Resource, readings: list[Reading]) -> None:
    fired, stateful = rule.hidden.get("fired", {}), is_stateful(rule)
    met = [reading for reading in readings if reading.met]
    if len(met) > (STATEFUL_ALERTS if stateful else STATELESS_ALERTS):
        title = "Dimension combinations limit exceeded"
        raise Failing(title, f"{len(met)} combinations of dimension values meet the condition.")
    if stateful and len({*fired, *map(_key, met)}) > FIRED:
        title = "Active alerts limit exceeded"
        raise Failing(title, f"The rule cannot have more than {FIRED} alerts that are fired.")


# -- stateful and stateless


def _keep_state(world: World, rule: Resource, readings: list[Reading]) -> None:
    """An alert is fired once, and resolved when its condition was not met long enough."""
    fired: dict[str, Body] = rule.hidden.setdefault("fired", {})
    met = {_key(reading): reading for reading in readings if reading.met}
    for key in met.keys() - fired.keys():
        alert = _alert(world, rule, met[key])
        fired[key] = {"unmet": 0, **_without_rule(alert)}
        _tell(world, alert)
    for key in list(fired):
        fired[key]["unmet"] = 0 if key in met else fired[key]["unmet"] + 1
        if fired[key]["unmet"] >= _unmet_until_resolved(rule):
            kept = fired.pop(key)
            del kept["unmet"]
            _tell(world, Alert(rule=rule, **{**kept, "value": 0.0, "resolved": world.now}))


def _unmet_until_resolved(rule: Resource) -> int:
    """Evaluations in a row that do not meet the condition before an alert is resolved (docs)."""
    minutes = seconds(rule.properties["evaluationFrequency"]) / 60
    asked = (rule.properties.get("resolveConfiguration") or {}).get("timeToResolve")
    if asked:
        return math.ceil(seconds(asked) / 60 / minutes)
    if minutes <= 1:
        return 10
    return 3 if minutes <= 15 else 2 if minutes < 11 * 60 else 1


def _fire_each_time(world: World, rule: Resource, readings: list[Reading]) -> None:
    """Muting silences the whole rule: its alerts are fired and nobody is told."""
    alerts = [_alert(world, rule, reading) for reading in readings if reading.met]
    muted = world.now < rule.hidden.get("muted", 0.0)
    for alert in alerts:
        _tell(world, alert, muted=muted)
    mute = rule.properties.get("muteActionsDuration")
    if alerts and mute and not muted:
        rule.hidden["muted"] = world.now + seconds(mute)


def _key(reading: Reading) -> str:
    return json.dumps([reading.dimensions, reading.resource], sort_keys=True)


def _alert(world: World, rule: Resource, reading: Reading) -> Alert:
    condition = rule.properties["criteria"]["allOf"][0]
    override = rule.properties.get("overrideQueryTimeRange")
    periods = condition["failingPeriods"]["numberOfEvaluationPeriods"]
    length = seconds(override or rule.properties["windowSize"]) * (1 if override else periods)
    return Alert(
        id=world.guid(f"{rule.id}/alert"),
        rule=rule,
        dimensions=reading.dimensions,
        value=reading.value,
        target=reading.resource or rule.properties["scopes"][0],
        window=(world.now - length, world.now),
        fired=world.now,
    )


def _without_rule(alert: Alert) -> Body:
    return {k: v for k, v in vars(alert).items() if k != "rule"}


def _tell(world: World, alert: Alert, *, muted: bool = False) -> None:
    """Keep what an alert has come to, and have the action groups of its rule notified."""
    payload = common_alert.payload(world, alert)
    _keep(world, payload)
    actions = alert.rule.properties.get("actions") or {}
    told = addresses(world, actions.get("actionGroups") or [])
    if told and not muted:
        delay = world.between(alert.rule.id, "notified", *NOTIFIED)
        subject = (actions.get("actionProperties") or {}).get("Email.Subject", "")
        world.later(delay, "log_alert.due", addresses=told, payload=payload, subject=subject)


def _keep(world: World, payload: Body) -> None:
    id = payload["data"]["essentials"]["alertId"]
    since = world.now - KEPT
    kept = [a for a in world.alerts[-MOST_KEPT + 1 :] if a["at"] >= since and a["id"] != id]
    world.alerts = [*kept, {"id": id, "at": world.now, "payload": payload}]


def _mail_due(world: World, addresses: list[str], payload: Body, subject: str) -> None:
    for address in addresses:
        mail.deliver(world, address, "alert", *mail.log_alert(world, payload, subject))


# -- health


def _failed(world: World, rule: Resource, failing: Failing) -> None:
    health = rule.hidden["health"] = _since(rule, world.now, failing.title, failing.summary)
    if world.now - health["since"] >= DISABLED_AFTER:
        rule.properties["enabled"] = False
        arm.record(
            world, rule.id, "Microsoft.Insights/ScheduledQueryRules/disable/action", "Succeeded"
        )


def _since(rule: Resource, now: float, title: str, summary: str) -> Body:
    """The health of a rule, and since when it has been so."""
    before = rule.hidden.get("health") or {}
    since = before["since"] if before.get("title") == title else now
    return {"title": title, "summary": summary, "since": since, "checked": now}


HAPPENINGS: Mapping[str, Callable[..., None]] = {
    "query_rule.due": _due,
    "log_alert.due": _mail_due,
}
