"""Microsoft.AlertsManagement: the alerts of a subscription, as far as log search alerts go.

Shapes and filters are those of the API description; the state that a user gives an alert is always
`New`.
"""

from __future__ import annotations

from collections.abc import Iterator

from arm_sandbox.arm import Body, Kind
from arm_sandbox.common_alert import managed
from arm_sandbox.ids import Id, same, within
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import World

ALERT = "Microsoft.AlertsManagement/alerts"
RANGES = {"1h": 3600, "1d": 86400, "7d": 7 * 86400, "30d": 30 * 86400}
"""Seconds back that a list can be asked for; a day unless told otherwise."""
FILTERS = (
    "targetResource",
    "targetResourceType",
    "targetResourceGroup",
    "monitorService",
    "monitorCondition",
    "severity",
    "alertState",
    "alertRule",
)
UNKNOWN = ("smartGroupId", "customTimeRange", "select", "includeEgressConfig", "sortBy")
"""Parameters of the description that are not part of the sandbox."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Alerts are no resources: nobody but the service makes them."""
    if not same(id.type, ALERT):
        return None
    if request.method != "GET":
        raise gateway(405, "HttpMethodNotAllowed", "Alerts can only be read.")
    if id.name:
        return Response(200, _one(world, id))
    return Response(200, {"value": list(_listed(world, request, id))})


def _one(world: World, id: Id) -> Body:
    for alert in world.alerts:
        if same(alert["id"], id.text):
            return _shown(alert, context=True)
    raise Refusal(404, "NotFound", f"The alert '{id.name}' was not found.")


def _listed(world: World, request: Request, id: Id) -> Iterator[Body]:
    """The latest change first (docs)."""
    for name in UNKNOWN:
        if name.lower() in request.query:
            raise Refusal(400, "BadRequest", f"The parameter '{name}' is not supported.")
    range = request.query.get("timerange", "1d").lower()
    if range not in RANGES:
        raise Refusal(400, "BadRequest", f"The time range '{range}' is not supported.")
    for alert in reversed(world.alerts):
        inside = within(alert["id"], id.scope) and alert["at"] >= world.now - RANGES[range]
        if inside and _wanted(managed(alert), request):
            yield _shown(alert, context=same(request.query.get("includecontext", ""), "true"))


def _wanted(essentials: Body, request: Request) -> bool:
    asked = {name: request.query[name.lower()] for name in FILTERS if name.lower() in request.query}
    return all(same(str(essentials[name]), value) for name, value in asked.items())


def _shown(alert: Body, *, context: bool) -> Body:
    properties = {"essentials": managed(alert)}
    if context:
        properties["context"] = {"context": alert["payload"]["data"]["alertContext"]}
    name = alert["id"].rsplit("/", 1)[-1]
    return {"properties": properties, "id": alert["id"], "type": ALERT, "name": name}


KINDS: tuple[Kind, ...] = (
    Kind(
        type=ALERT,
        model="",
        api_version="2019-05-05-preview",
        versions=("2019-03-01", "2023-07-12-preview", "2024-01-01-preview"),
        tracked=False,
        located=False,
    ),
)
