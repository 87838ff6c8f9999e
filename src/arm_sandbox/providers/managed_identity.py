"""Microsoft.ManagedIdentity: user-assigned identities, and the identity that a resource has.

An identity is a service principal of the directory, which learns of a new one only some seconds
after the identity stands. Roles that it was given outlive it, orphaned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id
from arm_sandbox.providers import authorization
from arm_sandbox.providers.resources import require_location
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import Resource, World

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
KNOWN = ("SystemAssigned", "UserAssigned", "None")
"""The types of identity that the resources here can have."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Identities are plain resources."""
    return None


def appear(world: World, owner: str) -> str:
    """Make the service principal of a new identity; answers its object id."""
    principal = world.guid(f"{owner}/principal")
    authorization.add_principal(world, principal)
    return principal


def vanish(world: World, principal: str) -> None:
    """The service principal of an identity goes with it."""
    world.principals.pop(principal, None)


# -- the identity that another resource has


def require(world: World, id: Id, identity: Any) -> None:
    """Refuse an `identity` that cannot be had (words recorded, with NetApp accounts)."""
    if identity is None:
        return
    if not isinstance(identity, dict) or identity.get("type") not in KNOWN:
        message = (
            "The request content was invalid and could not be deserialized: "
            "'Required property 'type' not found in JSON. Path 'identity'.'."
        )
        raise gateway(400, "InvalidRequestContent", message)
    assigned = identity.get("userAssignedIdentities") or {}
    if identity["type"] == "UserAssigned" and not assigned:
        raise _failed(id, "No user assigned identity was given.")
    for name in assigned:
        if world.find(name) is None:
            raise _failed(id, f"Resource '{name}' was not found.")


def _failed(id: Id, why: str) -> Refusal:
    inner = json.dumps({"error": {"code": "BadRequest", "message": why}}, separators=(",", ":"))
    return gateway(
        400,
        "FailedIdentityOperation",
        f"Identity operation for resource '{id.text}' failed with error 'Failed to perform "
        f"resource identity operation. Status: 'BadRequest'. Response: '{inner}'.'.",
    )


def filled(world: World, id: Id, sent: Body | None, old: Resource | None) -> Body | None:
    """The `identity` of a resource; one that is system-assigned stays until it is taken away."""
    before = own_principal(old)
    kind = (sent or {}).get("type")
    if kind == "SystemAssigned":
        principal = before or appear(world, id.text)
        return {"type": kind, "principalId": principal, "tenantId": world.tenant}
    vanish(world, before)
    if sent and kind == "UserAssigned":
        return {"type": kind, "userAssignedIdentities": dict(_assigned(world, sent))}
    return {"type": kind} if kind else None


def _assigned(world: World, sent: Body) -> Iterator[tuple[str, Body]]:
    for name in sent["userAssignedIdentities"]:
        found = world.find(name)
        if found is not None:
            yield name, {k: found.properties[k] for k in ("clientId", "principalId")}


def own_principal(resource: Resource | None) -> str:
    """The principal of a resource's system-assigned identity, or an empty string."""
    identity = (resource.body.get("identity") or {}) if resource else {}
    return str(identity.get("principalId") or "")


def acting(world: World, resource: Resource) -> str:
    """The principal that a resource acts as; empty where it has none, or one that has gone."""
    identity = resource.body.get("identity") or {}
    assigned = [i["principalId"] for i in (identity.get("userAssignedIdentities") or {}).values()]
    principal = own_principal(resource) or next(iter(assigned), "")
    return principal if principal in world.principals else ""


# -- user-assigned identities


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """3 to 128 letters, digits, `-` and `_` (azure-docs, resource-name-rules)."""
    require_location(IDENTITY, str(body["location"]))
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{2,127}", id.name, re.ASCII):
        message = f"The resource name '{id.name}' is not valid for a user assigned identity."
        raise Refusal(400, "InvalidResourceName", message)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """The id comes back with `resourcegroups` in lower case (recorded)."""
    scope = f"/subscriptions/{id.subscription}/resourcegroups/{id.group}"
    sent = body.get("properties") or {}
    shown = {"isolationScope": sent["isolationScope"]} if sent.get("isolationScope") else {}
    return {
        "id": f"{scope}/providers/{IDENTITY}/{id.name}",
        "location": require_location(IDENTITY, str(body["location"])),
        "tags": body.get("tags") or {},
        "properties": {**(_born(world, id) if old is None else old.properties), **shown},
    }


def _born(world: World, id: Id) -> Body:
    return {
        "tenantId": world.tenant,
        "principalId": appear(world, id.text),
        "clientId": world.guid(f"{id.text}/client"),
    }


def _deleted(world: World, identity: Resource) -> None:
    vanish(world, identity.properties["principalId"])


VERSIONS = (
    *("2015-08-31-preview", "2018-11-30", "2021-09-30-preview", "2022-01-31-preview"),
    *("2023-01-31", "2023-07-31-preview", "2025-01-31-preview", "2025-05-31-preview"),
)
KINDS: tuple[Kind, ...] = (
    Kind(
        type=IDENTITY,
        model="azure.mgmt.msi.v2024_11_30.models:Identity",
        api_version="2024-11-30",
        patch_model="azure.mgmt.msi.v2024_11_30.models:IdentityUpdate",
        versions=VERSIONS,
        check=_check,
        fill=_fill,
        when_deleted=_deleted,
    ),
)
