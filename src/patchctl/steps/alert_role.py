"""The role that lets the alerts' identity read the deployment's group and those of your machines.

Nothing beyond them: an alert on results needs no more than where the machines are.
"""

from __future__ import annotations

from itertools import chain

from azure.mgmt.authorization.v2022_04_01.models import (
    RoleAssignment,
    RoleAssignmentCreateParameters,
)

from patchctl import access, actions
from patchctl.actions import Needed
from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.errors import PatchctlError
from patchctl.many import each
from patchctl.report import Finding, Inspection, State, absent, check, inspected

NAME = "alert-role"
NEEDS = ("resource-group", "alert-identity")
ACTIONS = (
    Needed(
        "Microsoft.Authorization",
        "permissions/read roleAssignments/read",
        actions.watched_groups,
        actions.watches,
    ),
    Needed(
        "Microsoft.Authorization",
        "roleAssignments/write roleAssignments/delete",
        actions.watched_groups,
        actions.watches,
        without="an administrator has to grant and to revoke the role of the alerts",
    ),
)
ROLE = "Reader"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if not deployment.watched:
        return Inspection(State.READY)  # the identity goes, and its roles with it
    principal = await access.principal(clients, deployment)
    roles = await each(deployment.read_scopes, lambda scope: _reading(clients, scope, principal))
    found = list(zip(deployment.read_scopes, roles, strict=True))
    findings = [_finding(deployment, scope, standing) for scope, standing in found]
    ours = [r.id or "" for r in chain(*roles) if deployment.config.alerts.identity is None]
    if principal is None and (orphans := await _marked(clients, deployment)):
        return inspected([*findings, *map(_orphan, orphans)], [role.id or "" for role in orphans])
    missing = [scope for scope, standing in found if not standing]
    if missing and (withheld := await _withheld(clients, deployment, missing)):
        notes = [access.command(deployment, scope, principal) for scope in withheld]
        note = f"An administrator has to grant it: {'; '.join(notes)}"
        return Inspection(State.WITHHELD, (), tuple(findings), (note,))
    if len(missing) == len(found):
        return absent(findings, [])
    left = await _left(clients, deployment, principal)
    return inspected([*findings, *map(_too_much, left)], ours)


async def apply(clients: Clients, deployment: Deployment) -> None:
    principal = await access.principal(clients, deployment)
    if principal is None:
        raise PatchctlError(
            "PlanChanged", "The identity of the alerts was deleted meanwhile.", step=NAME
        )
    # Before the grants: when all of them stand, nobody looks for a deleted identity's any more.
    orphans = [r for r in await _marked(clients, deployment) if r.principal_id != principal]
    await access.revoke(clients, access.own_last(deployment, orphans))
    # That of our own group first: it tells destroy that there may be others.
    for scopes in ([deployment.group_id], deployment.read_scopes):
        await each(scopes, lambda scope: _grant(clients, deployment, scope, principal))
    await access.revoke(clients, await _left(clients, deployment, principal))


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Only what the identity of our own was granted; another's roles are another's."""
    if deployment.config.alerts.identity is None:
        principal = await access.principal(clients, deployment)
        await access.revoke(clients, await access.granted(clients, deployment, principal))


async def _left(
    clients: Clients, deployment: Deployment, principal: str | None
) -> list[RoleAssignment]:
    """The roles of our own identity on groups that have no machine of ours any more."""
    if deployment.config.alerts.identity is not None:
        return []
    scopes = deployment.left_scopes
    found = await each(scopes, lambda scope: access.ours(clients, scope, deployment, principal))
    return list(chain(*found))


async def _marked(clients: Clients, deployment: Deployment) -> list[RoleAssignment]:
    """The roles that say they are ours, on the groups that we know of."""
    if deployment.config.alerts.identity is not None:
        return []
    scopes = (*deployment.read_scopes, *deployment.left_scopes)
    found = await each(scopes, lambda scope: access.ours(clients, scope, deployment, None))
    return list(chain(*found))


def _orphan(role: RoleAssignment) -> Finding:
    return check(f"role of a deleted identity on {role.scope}", "none", ROLE)


async def _reading(clients: Clients, scope: str, principal: str | None) -> list[RoleAssignment]:
    return await access.reading(clients, scope, principal) if principal is not None else []


async def _withheld(clients: Clients, deployment: Deployment, scopes: list[str]) -> list[str]:
    """The groups on which we may not grant the role."""
    may = await each(scopes, lambda scope: access.may_grant(clients, deployment, scope))
    return [scope for scope, granting in zip(scopes, may, strict=True) if not granting]


def _too_much(role: RoleAssignment) -> Finding:
    return check(f"role of the identity on {role.scope}", "none", ROLE)


def _finding(deployment: Deployment, scope: str, standing: list[RoleAssignment]) -> Finding:
    ours = scope == deployment.group_id
    subject = "role of the identity" if ours else f"role of the identity on {scope}"
    if not standing:
        return check(subject, f"{ROLE} on {scope}", "none")
    found = access.READING[access.role_guid(standing[0])]
    return check(subject, found, found)


async def _grant(clients: Clients, deployment: Deployment, scope: str, principal: str) -> None:
    if await access.reading(clients, scope, principal):
        return
    name = access.assignment_name(scope, principal, access.READER)
    role = desired(deployment, principal)
    await clients.authorization.role_assignments.create(scope, name, role)


def desired(deployment: Deployment, principal: str) -> RoleAssignmentCreateParameters:
    """Told the principal's type, Azure does not ask the directory, which learns of it late."""
    definition = f"providers/Microsoft.Authorization/roleDefinitions/{access.READER}"
    return RoleAssignmentCreateParameters(
        role_definition_id=f"/subscriptions/{deployment.subscription}/{definition}",
        principal_id=principal,
        principal_type="ServicePrincipal",
        description=access.role_mark(deployment),
    )
