"""Roles: what the alerts' identity may read, and what we may do ourselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import chain
from typing import TYPE_CHECKING, Any

from patchctl.clients import find
from patchctl.many import each
from patchctl.report import same

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
READING = {
    READER: "Reader",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": "Monitoring Reader",
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": "Monitoring Contributor",
}
"""Built-in roles that may read everything, by the guid of their definition."""
GRANT = "Microsoft.Authorization/roleAssignments/write"
PERMISSIONS = "2022-04-01"
ASK = "--query principalId --output tsv"


async def principal(clients: Clients, deployment: Deployment) -> str | None:
    """The object id that the alerts' identity has in the directory; None while it is not there."""
    _, _, subscription, _, group, *_, name = deployment.alert_identity_id.split("/")
    identities = clients.within(subscription).identities.user_assigned_identities
    identity = await find(identities.get(group, name))
    return identity.principal_id if identity is not None else None


async def reading(clients: Clients, scope: str, principal: str) -> list[RoleAssignment]:
    """The assignments by which a principal may read all of a group."""
    return [
        assignment
        for assignment in await _roles(clients, scope, principal)
        if role_guid(assignment) in READING and covers(assignment.scope, scope)
    ]


async def may(clients: Clients, scope: str, action: str) -> bool:
    """Whether we may take an action on a scope, as Azure says.

    The typed client can ask this for groups and resources only, and the group may not be there yet.
    """
    return permits(await permissions(clients, scope), action)


async def permissions(clients: Clients, scope: str) -> list[Mapping[str, Any]]:
    """What we may do on a scope; nothing where we may not even ask."""
    asked = f"{scope}/providers/Microsoft.Authorization/permissions"
    found = await find(clients.resources.resources.get_by_id(asked, api_version=PERMISSIONS))
    return list(found.get("value", ())) if found is not None else []


async def may_grant(clients: Clients, deployment: Deployment, scope: str) -> bool:
    """Whether we may let our own identity read a group; asked of the subscription while the
    deployment's does not stand.

    Another's identity is not ours to grant anything to.
    """
    if deployment.config.alerts.identity is not None:
        return False
    ours = scope == deployment.group_id and not deployment.borrowed
    missing = ours and not deployment.stands
    here = f"/subscriptions/{deployment.subscription}" if missing else scope
    return await may(clients, here, GRANT)


async def granted(
    clients: Clients, deployment: Deployment, principal: str | None
) -> list[RoleAssignment]:
    """All that we granted, wherever it was: a run may have ended between a grant and the assignment
    of the machine that it is for."""
    if not deployment.own:
        return await ours(clients, deployment.group_id, deployment, principal)
    return own_last(deployment, await _ours_everywhere(clients, deployment, principal))


def own_last(deployment: Deployment, roles: Iterable[RoleAssignment]) -> list[RoleAssignment]:
    """In the order in which they are revoked: as long as that on our own group stands, others are
    looked for."""
    return sorted(roles, key=lambda role: same(role.scope or "", deployment.group_id))


async def ours(
    clients: Clients,
    scope: str,
    deployment: Deployment,
    principal: str | None,
) -> list[RoleAssignment]:
    """What we granted on a scope or below it, to our identity or to one that has gone.

    Azure keeps the roles of what is gone ("Identity not found"); that they are ours they say.
    """
    mark = role_mark(deployment)
    return [
        role
        for role in await _listed(clients, scope)
        if covers(scope, role.scope or "")
        and (role.principal_id == principal or role.description == mark)
    ]


async def _ours_everywhere(
    clients: Clients, deployment: Deployment, principal: str | None
) -> list[RoleAssignment]:
    """In every subscription that one can read. Where one may not ask about all of it, those groups
    are asked about that are known to be watched."""
    from azure.core.exceptions import HttpResponseError

    groups = (*deployment.read_scopes, *deployment.left_scopes)

    async def within(subscription: str) -> list[RoleAssignment]:
        try:
            return await ours(clients, subscription, deployment, principal)
        except HttpResponseError as error:
            if error.status_code != 403:
                raise
        known = [group for group in groups if covers(subscription, group)]
        found = await each(known, lambda group: ours(clients, group, deployment, principal))
        return list(chain(*found))

    listed = clients.subscriptions.subscriptions.list()
    found = await each([f"/subscriptions/{s.subscription_id}" async for s in listed], within)
    return list(chain(*found))


async def revoke(clients: Clients, roles: Iterable[RoleAssignment]) -> None:
    for role in roles:
        await clients.authorization.role_assignments.delete(role.scope or "", role.name or "")


def role_mark(deployment: Deployment) -> str:
    """What a role assignment of ours is described as."""
    whose = f"{deployment.name} {deployment.suffix}"
    return f"patchctl {whose}: lets its alerts read the results of patching"


def command(deployment: Deployment, scope: str, principal: str | None) -> str:
    """What an administrator types to let the alerts' identity read a group."""
    who = principal or f"$(az identity show --ids {deployment.alert_identity_id} {ASK})"
    return (
        f"az role assignment create --assignee-object-id {who} "
        f"--assignee-principal-type ServicePrincipal --role Reader --scope {scope}"
    )


def unwatched(deployment: Deployment) -> str:
    """Why Azure does not watch the results, and who could."""
    here = deployment.config.alerts.results
    why = f"Azure {deployment.config.cloud} has no such alerts." if here else "Not asked for."
    return (
        f"{why} Not watched by Azure: nobody is mailed when patching fails or never happens. "
        f"Let a scheduler watch: patchctl status --fail-if-missed --name {deployment.name}"
    )


def permits(permissions: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether any of the permissions allows an action; `notActions` count within each alone."""
    return any(
        _matches(each.get("actions"), action) and not _matches(each.get("notActions"), action)
        for each in permissions
    )


def assignment_name(scope: str, principal: str, role: str) -> str:
    """The guid of an assignment follows from its parts.

    So a repeated request meets the same assignment, and an identity that was made anew another.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}|{principal}|{role}".lower()))


def role_guid(assignment: RoleAssignment) -> str:
    return (assignment.role_definition_id or "").rsplit("/", 1)[-1].lower()


def covers(scope: str | None, id: str) -> bool:
    """Whether an id is a scope itself or lies below it."""
    above = (scope or "").rstrip("/")
    return same(above, id) or id.lower().startswith(f"{above}/".lower())


async def _roles(clients: Clients, scope: str, principal: str) -> list[RoleAssignment]:
    """What a principal was granted at, above or below a group."""
    return await _listed(clients, scope, f"principalId eq '{principal}'")


async def _listed(clients: Clients, scope: str, filter: str | None = None) -> list[RoleAssignment]:
    """Nothing in a group that is not there; another 404 is no answer."""
    from azure.core.exceptions import ResourceNotFoundError

    found = clients.authorization.role_assignments.list_for_scope(scope, filter=filter)
    try:
        return [assignment async for assignment in found]
    except ResourceNotFoundError as error:
        if error.error is None or error.error.code != "ResourceGroupNotFound":
            raise
        return []


def _matches(patterns: Iterable[str] | None, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns or ())
