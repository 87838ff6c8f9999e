"""Microsoft.Authorization: role assignments, and what they let a principal do.

The shape of an assignment is recorded, and so are the refusals of a new identity, of a second
assignment of the same role, and the deletion that answers with what was deleted.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from arm_sandbox import arm, tokens
from arm_sandbox.arm import Body, Kind
from arm_sandbox.ids import Id, parse, same, within
from arm_sandbox.options import Access
from arm_sandbox.providers import roles
from arm_sandbox.providers.resources import require_group
from arm_sandbox.providers.roles import Permission
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
PERMISSION = "Microsoft.Authorization/permissions"
VERSIONS = (
    *("2015-07-01", "2018-01-01-preview", "2018-09-01-preview", "2020-03-01-preview"),
    *("2020-04-01-preview", "2020-08-01-preview", "2020-10-01-preview", "2021-04-01-preview"),
)
REPLICATION = (5.0, 40.0)
"""Seconds until the directory knows a new identity everywhere (recorded: 400 up to five times)."""
SPREADING = (60.0, 600.0)
"""Seconds until a role of a managed identity holds (docs, RBAC troubleshooting: up to ten minutes).

The signed-in caller is told by the options; nobody can sign in as an identity, which only waits.
"""
MEMBERS = ("condition", "conditionVersion", "delegatedManagedIdentityResourceId", "description")
"""Come back as null when they were not sent (recorded)."""


@dataclass(frozen=True)
class Grant:
    """What somebody may do from a scope down."""

    principal: str
    scope: str
    permissions: list[Permission]


# -- what other providers ask


def allowed(world: World, principal_id: str, action: str, scope: str) -> bool:
    """Whether a principal may take an action (`Microsoft.Compute/disks/read`) on a scope, now."""
    return any(
        roles.permits(permission, action) for permission in permissions(world, principal_id, scope)
    )


def knows(world: World, principal_id: str, scope: str) -> bool:
    """Whether a principal may do anything at all in a scope, above it or somewhere below."""
    return any(
        same(grant.principal, principal_id) and _concerns(grant.scope, scope, below=True)
        for grant in _grants(world)
    )


def permissions(world: World, principal_id: str, scope: str) -> Iterator[Permission]:
    """What a principal has at a scope at this moment, granted there or above."""
    for grant in _grants(world):
        if same(grant.principal, principal_id) and within(scope, grant.scope):
            yield from grant.permissions


def readable(world: World, principal_id: str) -> Callable[[str], bool]:
    """Whether a principal may read what has an id, now; for many questions at once."""
    own = [grant for grant in _grants(world) if same(grant.principal, principal_id)]
    wholly = tuple(_start(grant.scope) for grant in own if any(map(_reads_all, grant.permissions)))

    def may(id: str) -> bool:
        if _start(id).startswith(wholly):
            return True
        action = _read_action(id)
        return any(
            within(id, grant.scope) and any(roles.permits(p, action) for p in grant.permissions)
            for grant in own
        )

    return may


def _start(scope: str) -> str:
    """What the ids in a scope begin with; its own, with a stroke behind it, included."""
    return scope.rstrip("/").lower() + "/"


def _reads_all(permission: Permission) -> bool:
    """Whether every type can be read: nothing that is taken away again is about reading."""
    away = (action.lower() for action in permission["notActions"])
    return roles.permits(permission, "*/read") and not any(a.endswith(("read", "*")) for a in away)


def _read_action(id: str) -> str:
    parsed = parse(id)
    if parsed.namespace:
        return f"{parsed.type}/read"
    return f"Microsoft.Resources/subscriptions/{'resourceGroups/' if parsed.group else ''}read"


def add_principal(world: World, oid: str) -> None:
    """The directory learns of an identity; a role can be assigned once that has spread."""
    world.principals[oid.lower()] = world.now + world.between(oid, "replicated", *REPLICATION)


def _grants(world: World) -> Iterator[Grant]:
    for access in _accesses(world):
        yield Grant(_principal(world, access), access.scope, _permissions(access))
    for assignment in (*world.below("", ASSIGNMENT), *world.revoked.values()):
        if assignment.hidden["holds"] <= world.now:
            properties = assignment.properties
            role = roles.require(properties["roleDefinitionId"])
            yield Grant(properties["principalId"], properties["scope"], role["permissions"])


def _accesses(world: World) -> list[Access]:
    """What the options say, and that the world's own principal is Owner if they say nothing."""
    listed = world.options.access
    if any(same(_principal(world, access), world.principal["oid"]) for access in listed):
        return listed
    return [*(_owner(subscription) for subscription in world.subscriptions), *listed]


@cache
def _owner(subscription: str) -> Access:
    return Access(role="Owner", scope=f"/subscriptions/{subscription}")


def _principal(world: World, access: Access) -> str:
    return access.principal or world.principal["oid"]


def _permissions(access: Access) -> list[Permission]:
    listed: list[Permission] = [{"actions": access.actions, "notActions": []}]
    if not access.role:
        return listed
    return [*roles.built_in()[roles.named(access.role)]["permissions"], *listed]


# -- role assignments


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    try:
        uuid.UUID(id.name)
    except ValueError:
        raise Refusal(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{id.name}' is not valid. "
            "The role assignment ID must be a GUID.",
        ) from None
    properties = body.get("properties") or {}
    principal = str(properties.get("principalId", ""))
    roles.require(str(properties.get("roleDefinitionId", "")))
    if old is not None and not same(old.properties["principalId"], principal):
        raise Refusal(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    if "principalType" not in properties:
        _require_principal(world, principal)
    _require_new(world, id, properties)


def _require_principal(world: World, principal: str) -> None:
    """The directory answers late about a new identity; told its type it is not asked (recorded)."""
    known = world.principals.get(principal.lower())
    if same(principal, world.principal["oid"]) or (known is not None and known <= world.now):
        return
    raise Refusal(
        400,
        "PrincipalNotFound",
        f"Principal {principal.replace('-', '')} does not exist in the directory {world.tenant}. "
        "Check that you have the correct principal ID. If you are creating this principal and then "
        "immediately assigning a role, this error might be related to a replication delay. In this "
        "case, set the role assignment principalType property to a value, such as "
        "ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    )


def _require_new(world: World, id: Id, properties: Body) -> None:
    wanted = _triple({**properties, "scope": id.scope})
    for other in world.below("", ASSIGNMENT):
        if not same(other.id, id.text) and wanted == _triple(other.properties):
            message = "The role assignment already exists."
            raise Refusal(409, "RoleAssignmentExists", message)


def _triple(properties: Body) -> tuple[str, str, str]:
    role = properties["roleDefinitionId"].rsplit("/", 1)[-1]
    return properties["scope"].lower(), role.lower(), properties["principalId"].lower()


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = body["properties"]
    own = same(sent["principalId"], world.principal["oid"])
    properties = {
        "roleDefinitionId": roles.definition_id(id.subscription, sent["roleDefinitionId"]),
        "principalId": sent["principalId"],
        "principalType": sent.get("principalType") or ("User" if own else "ServicePrincipal"),
        "scope": id.scope,
        "createdOn": old.properties["createdOn"] if old is not None else world.stamp,
        "updatedOn": world.stamp,
        "createdBy": world.principal["oid"],
        "updatedBy": world.principal["oid"],
        **{member: sent.get(member) for member in MEMBERS},
    }
    return {"properties": properties}


def _show(world: World, assignment: Resource, request: Request) -> Body:
    """The answer to a PUT does not yet know who made it (recorded)."""
    if request.method != "PUT":
        return assignment.body
    return {**assignment.body, "properties": {**assignment.properties, "createdBy": None}}


def _made(world: World, assignment: Resource) -> None:
    if "holds" not in assignment.hidden:
        managed = assignment.properties["principalId"].lower() in world.principals
        spreading = SPREADING if managed else world.options.access_delay
        delay = world.between(assignment.id, "granted", *spreading)
        assignment.hidden["holds"] = world.now + delay


def _deleted(world: World, assignment: Resource) -> None:
    """A removed assignment still holds for a while, where the option says so."""
    delay = world.between(assignment.id, "revoked", *world.options.access_delay)
    if delay:
        world.revoked[assignment.id.lower()] = assignment
        world.later(delay, "role.revoked", id=assignment.id)


def _revoked(world: World, id: str) -> None:
    world.revoked.pop(id.lower(), None)


# -- lists and other routes that are no resources


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Definitions, permissions, and lists of assignments; None for anything else."""
    if same(id.type, roles.DEFINITION):
        return roles.answer(request, id)
    if same(id.type, PERMISSION) and request.method == "GET":
        require_scope(world, id)
        own = permissions(world, tokens.caller(world, request).oid, id.scope)
        return Response(200, {"value": [dict(found) for found in own if found["actions"]]})
    if same(id.type, ASSIGNMENT):
        require_scope(world, id)
        if not id.name and request.method == "GET":
            return _list(world, request, id)
    return None


def require_scope(world: World, id: Id) -> None:
    """What an assignment hangs on has to stand."""
    scope = parse(id.scope)
    if id.group:
        require_group(world, id, writing=False)
    if scope.namespace and world.find(id.scope) is None:
        raise arm.not_found(scope.type, "/".join(scope.names), scope.group)


def _list(world: World, request: Request, id: Id) -> Response:
    """Those at the scope, above and below it; with `atScope()` those below are left out (docs)."""
    principal = roles.filtered(
        request, r"(?:atScope\(\) and )?principalId eq '([^']*)'", r"assignedTo\('([^']*)'\)"
    )
    below = "atscope()" not in request.query.get("$filter", "").lower()
    made = (assignment.body for assignment in world.listed("", ASSIGNMENT))
    found = [
        assignment
        for assignment in (*_standing(world, id.subscription), *made)
        if _concerns(assignment["properties"]["scope"], id.scope, below=below)
        and principal in (None, assignment["properties"]["principalId"])
    ]
    return Response(200, {"value": found})


def _concerns(held: str, scope: str, *, below: bool) -> bool:
    return within(scope, held) or (below and within(held, scope))


def _standing(world: World, subscription: str) -> Iterator[Body]:
    """The assignments that nobody in this world has made: the roles that its options give."""
    for access in _accesses(world):
        if not access.role:
            continue
        role, principal = roles.named(access.role), _principal(world, access)
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{access.scope}|{role}|{principal}"))
        properties = {
            "roleDefinitionId": roles.definition_id(subscription, role),
            "principalId": principal,
            "principalType": "ServicePrincipal" if access.principal else "User",
            "scope": access.scope,
            **{"createdOn": roles.LONG_AGO, "updatedOn": roles.LONG_AGO},
            **{"createdBy": principal, "updatedBy": principal},
            **dict.fromkeys(MEMBERS),
        }
        whole = f"{access.scope.rstrip('/')}/providers/{ASSIGNMENT}/{name}"
        yield {"properties": properties, "id": whole, "type": ASSIGNMENT, "name": name}


KINDS: tuple[Kind, ...] = (
    Kind(
        type=ASSIGNMENT,
        model="",
        api_version="2022-04-01",
        versions=VERSIONS,
        tracked=False,
        located=False,
        returns_deleted=True,
        check=_check,
        fill=_fill,
        show=_show,
        when_made=_made,
        when_deleted=_deleted,
    ),
)
HAPPENINGS: Mapping[str, Callable[..., None]] = {"role.revoked": _revoked}
