"""Microsoft.Insights: the activity log, as its list of events shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers.insights import bad
from arm_sandbox.retention import LOG_DAYS
from arm_sandbox.wire import Request, Response, gateway
from arm_sandbox.world import World

LOG_VERSION = "2015-04-01"


def answer(world: World, request: Request, id: Id) -> Response | None:
    """The events of a subscription, which are no resources."""
    log = id.type.lower() == "microsoft.insights/eventtypes/values" and id.names == ("management",)
    return _activity_log(world, request, id) if log and request.method == "GET" else None


def _activity_log(world: World, request: Request, id: Id) -> Response:
    if request.api_version != LOG_VERSION:
        raise gateway(
            404,
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.Insights' for "
            f"api version '{request.api_version}'.",
        )
    wanted = _filter(world, request.query.get("$filter", ""))
    found = [
        _shown_event(event)
        for event in reversed(world.events)
        if same(event["subscriptionId"], id.subscription) and _wanted(event, wanted)
    ]
    names = {name.strip().lower() for name in request.query.get("$select", "").split(",") if name}
    return Response(200, {"value": [_selected(event, names) for event in found]})


CLAUSE = r"(\w+)\s+(ge|le|eq)\s+('[^']*'|[^'\s]+)"
"""azure-cli leaves the quotes around a time out."""
FILTERS = {
    "eventtimestamp ge": lambda event, value: _seconds(event["eventTimestamp"]) >= _seconds(value),
    "eventtimestamp le": lambda event, value: _seconds(event["eventTimestamp"]) <= _seconds(value),
    "resourcegroupname eq": lambda event, value: same(event["resourceGroupName"], value),
    "resourceuri eq": lambda event, value: same(event["resourceId"], value),
    "resourceid eq": lambda event, value: same(event["resourceId"], value),
    "resourceprovider eq": lambda event, value: same(parse(event["resourceId"]).namespace, value),
    "correlationid eq": lambda event, value: same(event["eventDataId"], value),
}
"""The patterns that the API description allows: no other syntax."""


def _filter(world: World, text: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for clause in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text else ():
        match = re.fullmatch(CLAUSE, clause.strip(), re.IGNORECASE)
        name = f"{match[1]} {match[2]}".lower() if match else ""
        if match is None or name not in FILTERS:
            raise bad(f"The filter clause '{clause}' is not supported.")
        wanted[name] = match[3].strip("'")
    if "eventtimestamp ge" not in wanted:
        raise bad("The $filter must contain at least the start time.")
    if _seconds(wanted["eventtimestamp ge"]) < world.now - LOG_DAYS * 86400:
        raise bad(f"The start time cannot be more than {LOG_DAYS} days in the past.")
    return wanted


def _seconds(text: str) -> float:
    """A time with up to seven digits of a second, of which Python reads six."""
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(shortened)
    except ValueError:
        raise bad(f"'{text}' is not a time.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _wanted(event: Body, wanted: dict[str, str]) -> bool:
    return all(FILTERS[name](event, value) for name, value in wanted.items())


def _shown_event(event: Body) -> Body:
    target = parse(event["resourceId"])
    type = target.type if target.namespace else "Microsoft.Resources/subscriptions/resourceGroups"
    ticks = int((_seconds(event["eventTimestamp"]) + 62_135_596_800) * 10**7)
    return {
        **event,
        "id": f"{event['resourceId']}/events/{event['eventDataId']}/ticks/{ticks}",
        "correlationId": event["eventDataId"],
        "operationId": event["eventDataId"],
        "resourceProviderName": _localizable(type.split("/")[0]),
        "resourceType": _localizable(type),
        "subStatus": _localizable(""),
        "submissionTimestamp": event["eventTimestamp"],
        "authorization": {
            "action": event["operationName"]["value"],
            "scope": event["resourceId"],
        },
        "properties": {},
    }


def _localizable(value: str) -> Body:
    return {"value": value, "localizedValue": value}


def _selected(event: Body, names: set[str]) -> Body:
    return {k: v for k, v in event.items() if not names or k.lower() in names}


HAPPENINGS: Mapping[str, Callable[..., None]] = {}

KINDS: tuple[Kind, ...] = ()
