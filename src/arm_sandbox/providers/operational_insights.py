"""Microsoft.OperationalInsights: Log Analytics workspaces, as a scope for alert rules only.

A workspace holds no tables and answers no queries here. Its documents are as recorded; a PUT
answers 201 `Creating`, and the client reads the workspace until it is `Succeeded`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id
from arm_sandbox.providers.resources import require_location
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

WORKSPACE = "Microsoft.OperationalInsights/workspaces"
CREATION = (5.0, 40.0)
"""Seconds that the recorded creations were `Creating`."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Workspaces are plain resources."""
    return None


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """4 to 63 letters, digits and `-`, which is neither first nor last (resource-name-rules)."""
    require_location(WORKSPACE, str(body["location"]))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]", id.name, re.ASCII):
        message = f"The workspace name '{id.name}' is not valid."
        raise Refusal(400, "InvalidParameter", message)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    filled = {
        "properties": {
            **_born(world, id, old),
            **_settings(body.get("properties") or {}, world.stamp),
            "modifiedDate": world.stamp,
        },
        "location": require_location(WORKSPACE, str(body["location"])),
        "etag": f'"{world.guid(f"{id.text}/etag")}"',
    }
    return {**filled, "tags": body["tags"]} if body.get("tags") else filled


def _born(world: World, id: Id, old: Resource | None) -> Body:
    """What stays as it was when the workspace was made."""
    if old is not None:
        return {k: old.properties[k] for k in ("customerId", "provisioningState", "createdDate")}
    return {
        "customerId": world.guid(f"{id.text}/customer"),
        "provisioningState": "Creating",
        "createdDate": world.stamp,
    }


def _settings(sent: Body, now: str) -> Body:
    return {
        "sku": {"name": (sent.get("sku") or {}).get("name", "PerGB2018"), "lastSkuUpdate": now},
        "retentionInDays": sent.get("retentionInDays", 30),
        "features": {
            "legacy": 0,
            "searchVersion": 1,
            "enableLogAccessUsingOnlyResourcePermissions": True,
        },
        "workspaceCapping": {
            "dailyQuotaGb": -1.0,
            "quotaNextResetTime": _next_noon(now),
            "dataIngestionStatus": "RespectQuota",
        },
        "publicNetworkAccessForIngestion": sent.get("publicNetworkAccessForIngestion", "Enabled"),
        "publicNetworkAccessForQuery": sent.get("publicNetworkAccessForQuery", "Enabled"),
    }


def _next_noon(now: str) -> str:
    moment = datetime.fromisoformat(now[:19]).replace(tzinfo=UTC)
    noon = moment.replace(hour=12, minute=0, second=0)
    return f"{noon if noon > moment else noon + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def _made(world: World, workspace: Resource) -> None:
    if workspace.properties["provisioningState"] == "Creating":
        seconds = world.between(workspace.id, "create", *CREATION)
        world.later(seconds, "workspace.created", id=workspace.id)


def _created(world: World, id: str) -> None:
    workspace = world.find(id)
    if workspace is not None:
        workspace.properties["provisioningState"] = "Succeeded"


HAPPENINGS: Mapping[str, Callable[..., None]] = {"workspace.created": _created}

KINDS: tuple[Kind, ...] = (
    Kind(
        type=WORKSPACE,
        model="",
        api_version="2023-09-01",
        versions=("2020-08-01", "2021-12-01-preview", "2022-10-01", "2025-02-01", "2025-07-01"),
        check=_check,
        fill=_fill,
        when_made=_made,
    ),
)
