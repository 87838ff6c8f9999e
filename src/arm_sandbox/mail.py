"""Mails as Azure Monitor writes them: their wording, their place in the world, the .eml file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Literal

from arm_sandbox import common_alert
from arm_sandbox.ids import parse
from arm_sandbox.world import World

Kind = Literal["code", "test", "alert"]
Mail = dict[str, Any]

SENDER = "azure-noreply@microsoft.com"
"""The sender to allow (docs, action groups)."""
PER_HOUR = 100
"""Mails per hour and address; further ones are dropped without a word (docs, limits)."""
ORIGIN = "Made by arm_sandbox, an emulator of Azure: nothing was sent over a network."


def make(world: World, to: str, kind: Kind, subject: str, text: str) -> Mail:
    """Put a mail into the world's outbox, whoever it is for; see `deliver` for Azure's limits."""
    moment = datetime.fromtimestamp(world.now, UTC)
    name = re.sub(r"[^a-z0-9]+", "-", to.lower()).strip("-")
    mail = {
        "to": to,
        "subject": subject,
        "at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "file": f"{len(world.mails) + 1:04}-{moment:%Y%m%dT%H%M%SZ}-{name}.eml",
        "from": SENDER,
        "text": text,
        "kind": kind,
    }
    world.mails.append(mail)
    return mail


def deliver(world: World, to: str, kind: Kind, subject: str, text: str) -> bool:
    """Send a notification if Azure would; one that it holds back is only counted."""
    if confirmed(world, to) and _sent_this_hour(world, to) < PER_HOUR:
        make(world, to, kind, subject, text)
        return True
    world.held[to.lower()] = world.held.get(to.lower(), 0) + 1
    return False


def confirmed(world: World, address: str) -> bool:
    """Nothing but the code is sent to an address before its owner has confirmed it (docs)."""
    since = world.addresses.get(address.lower())
    return since is not None and since <= world.now


def _sent_this_hour(world: World, to: str) -> int:
    since = f"{datetime.fromtimestamp(world.now - 3600, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return sum(
        mail["to"].lower() == to.lower() and mail["kind"] != "code" and mail["at"] > since
        for mail in world.mails
    )


def message(mail: Mail) -> EmailMessage:
    """The mail in the form of RFC 5322, the same bytes whenever it is asked for."""
    made = EmailMessage()
    made["Date"] = format_datetime(datetime.fromisoformat(mail["at"]))
    made["From"] = Address("Microsoft Azure", addr_spec=mail["from"])
    made["To"] = mail["to"]
    made["Subject"] = mail["subject"]
    made["Message-ID"] = f"<{mail['file'].removesuffix('.eml')}@arm-sandbox.invalid>"
    made["X-Arm-Sandbox"] = ORIGIN
    made.set_content(f"{mail['text'].rstrip()}\n\n-- \n{ORIGIN}\n")
    return made


def code(group: str, number: str) -> tuple[str, str]:
    """Subject and text of the mail that a new address has to be confirmed with."""
    subject = f"Confirm your email address for Azure Monitor action group {group}"
    return subject, (
        f"You have been added to the Azure Monitor action group {group}.\n"
        "Notifications are sent to this address once it is confirmed.\n\n"
        f"One-time passcode: {number}\n\n"
        "The passcode is valid for 30 minutes."
    )


def test(world: World, group: str, receiver: str, alert_type: str) -> tuple[str, str]:
    subject = fired(world, f"test-{alert_type}", "test-VM", "microsoft.compute/virtualmachines")
    return subject, (
        "This is a test notification of Azure Monitor.\n\n"
        f"Action group: {group}\n"
        f"Receiver: {receiver}\n"
        f"Alert type: {alert_type}\n"
        f"Fired time: {_us_time(world)}"
    )


def alert(world: World, rule: str, description: str, event: dict[str, Any]) -> tuple[str, str]:
    """Subject and text for one event that an activity-log alert rule was waiting for."""
    target = parse(event["resourceId"])
    type = target.type.lower() if target.namespace else "microsoft.resources/resourcegroups"
    name = event["resourceId"].rstrip("/").rsplit("/", 1)[-1]
    lines = {
        "Alert rule": rule,
        "Description": description,
        "Severity": "Sev4",
        "Monitor condition": "Fired",
        "Monitoring service": "Activity Log - " + event["category"]["value"],
        "Target resource": event["resourceId"],
        "Fired time": _us_time(world),
        "Operation name": event["operationName"]["value"],
        "Status": event["status"]["value"],
        "Caller": event["caller"],
        "Event timestamp": event["eventTimestamp"],
        "Event data ID": event["eventDataId"],
    }
    text = "\n".join(f"{label}: {value}" for label, value in lines.items())
    return fired(world, rule, name, type), text


def log_alert(world: World, payload: dict[str, Any], subject: str = "") -> tuple[str, str]:
    """Subject and text for a log search alert.

    A rule may word the subject itself, with values of the payload in it. Custom properties are not
    in a mail (docs), and rows of the query neither.
    """
    essentials = payload["data"]["essentials"]
    lines = {**_what(essentials), **_why(payload["data"]["alertContext"]["condition"])}
    text = "\n".join(f"{label}: {value}" for label, value in lines.items() if value)
    return common_alert.filled_in(subject, payload) or _usual_subject(world, essentials), text


def _what(essentials: dict[str, Any]) -> dict[str, str]:
    return {
        "Alert name": essentials["alertRule"],
        "Severity": essentials["severity"],
        "Monitor condition": essentials["monitorCondition"],
        "Affected resource": essentials["configurationItems"][0],
        "Resource type": essentials["targetResourceType"],
        "Resource group": essentials["targetResourceGroup"],
        "Description": essentials["description"],
        "Monitoring service": essentials["monitoringService"],
        "Signal type": essentials["signalType"],
        "Fired time": essentials["firedDateTime"],
        "Resolved time": essentials.get("resolvedDateTime", ""),
        "Alert ID": essentials["alertId"],
        "Alert rule ID": essentials["alertRuleID"],
    }


def _why(condition: dict[str, Any]) -> dict[str, str]:
    measured = condition["allOf"][0]
    return {
        "Search query": measured["searchQuery"],
        "Time aggregation": measured["timeAggregation"],
        "Operator": measured["operator"],
        "Threshold": measured["threshold"],
        "Metric value": f"{measured['metricValue']:g}",
        **{f"Dimension {d['name']}": d["value"] for d in measured["dimensions"]},
        "Evaluation window start time": condition["windowStartTime"],
        "Evaluation window end time": condition["windowEndTime"],
        "View query results": measured["linkToFilteredSearchResultsUI"],
    }


def _usual_subject(world: World, essentials: dict[str, Any]) -> str:
    target = essentials["alertTargetIDs"][0]
    state = f"{essentials['monitorCondition']}:{essentials['severity']}"
    on = f"{target.rsplit('/', 1)[-1]} ({essentials['targetResourceType']})"
    return f"{state} Azure Monitor Alert {essentials['alertRule']} on {on} at {_us_time(world)}"


def fired(world: World, rule: str, target: str, type: str) -> str:
    return f"Fired:Sev4 Azure Monitor Alert {rule} on {target} ({type}) at {_us_time(world)}"


def _us_time(world: World) -> str:
    return f"{datetime.fromtimestamp(world.now, UTC):%m/%d/%Y %I:%M:%S %p}"
