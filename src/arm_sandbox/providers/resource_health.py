"""Microsoft.ResourceHealth: whether the query of an alert rule can be run.

Nothing else has a health here. Which state goes with which title is nowhere written down; titles
are those of "Monitor the health of log search alert rules", shapes those of the API description.
"""

from __future__ import annotations

from arm_sandbox.arm import Body, Kind, not_found
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers.resources import require_group
from arm_sandbox.providers.scheduled_query_limits import RULE, seconds
from arm_sandbox.wire import Request, Response, gateway
from arm_sandbox.world import Resource, World, stamp

STATUS = "Microsoft.ResourceHealth/availabilityStatuses"
REPORTED = 15 * 60
"""Most seconds between the evaluations of a rule whose health is reported (docs)."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """The health of one resource, or a list with its present health alone: no history is kept."""
    if not same(id.type, STATUS):
        return None
    if request.method != "GET" or (id.name and not same(id.name, "current")):
        raise gateway(405, "HttpMethodNotAllowed", "Only the current health can be read.")
    if id.group:
        require_group(world, id, writing=False)
    status = _status(world, _resource(world, id))
    return Response(200, status if id.name else {"value": [status]})


def _resource(world: World, id: Id) -> Resource:
    found, asked = world.find(id.scope), parse(id.scope)
    if found is None or not asked.namespace:
        raise not_found(asked.type, "/".join(asked.names), asked.group)
    if not same(found.type, RULE):
        message = f"The health of a resource of type '{found.type}' is not known."
        raise gateway(404, "ResourceTypeNotSupported", message)
    return found


def _status(world: World, rule: Resource) -> Body:
    state, title, summary, since = _health(world, rule)
    return {
        "id": f"{rule.id}/providers/{STATUS}/current",
        "name": "current",
        "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": rule.body["location"],
        "properties": {
            "availabilityState": state,
            "title": title,
            "summary": summary,
            "reasonType": "" if state == "Available" else "Customer Initiated",
            "reasonChronicity": "Persistent",
            "occuredTime": stamp(since),
            "reportedTime": world.stamp,
        },
    }


def _health(world: World, rule: Resource) -> tuple[str, str, str, float]:
    """State, title, summary, and since when."""
    found = rule.hidden.get("health")
    if not rule.properties["enabled"]:
        return "Unavailable", "Unavailable", "The alert rule is disabled.", world.now
    if seconds(rule.properties["evaluationFrequency"]) > REPORTED:
        return "Unknown", "Unknown", "The rule is evaluated too seldom to be watched.", world.now
    if found is None:
        title = "Setting up resource health"
        return "Unknown", title, "The rule has not been evaluated yet.", world.now
    if found["title"] == "Available":
        return "Available", "Available", "No problem is known of this rule.", found["since"]
    return "Unavailable", found["title"], found["summary"], found["since"]


KINDS: tuple[Kind, ...] = (
    Kind(
        type=STATUS,
        model="azure.mgmt.resourcehealth.models:AvailabilityStatus",
        api_version="2025-05-01",
        versions=("2015-01-01", "2018-07-01", "2020-05-01", "2022-10-01", "2023-10-01-preview"),
        tracked=False,
        located=False,
    ),
)
