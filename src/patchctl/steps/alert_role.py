"""The role that lets the alerts' identity read the deployment's group, and nothing beyond it."""

from __future__ import annotations

from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters

from patchctl import access
from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.report import Inspection, State, absent, check, inspected

NAME = "alert-role"
NEEDS = ("resource-group", "alert-identity")
ROLE = "Reader"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if not deployment.watched:
        return Inspection(State.READY)  # the identity goes, and its roles with it
    principal = await access.principal(clients, deployment)
    standing = await access.reading(clients, deployment, principal) if principal else []
    if standing:
        found = access.READING[access.role_guid(standing[0])]
        ours = standing if deployment.config.alerts.identity is None else []
        ids = [assignment.id or "" for assignment in ours]
        return inspected([check("role of the identity", found, found)], ids)
    finding = check("role of the identity", f"{ROLE} on {deployment.group_id}", "none")
    if await access.may_grant(clients, deployment):
        return absent([finding], [])
    note = f"An administrator has to grant it: {access.command(deployment, principal)}"
    return Inspection(State.WITHHELD, (), (finding,), (note,))


async def apply(clients: Clients, deployment: Deployment) -> None:
    principal = await access.principal(clients, deployment)
    if principal is None:
        raise ValueError("a role is granted once its identity stands")
    name = access.assignment_name(deployment.group_id, principal, access.READER)
    assignments = clients.authorization.role_assignments
    await assignments.create(deployment.group_id, name, desired(deployment, principal))


async def destroy(clients: Clients, deployment: Deployment) -> None:
    """Only what the identity of our own was granted; another's roles are another's."""
    if deployment.config.alerts.identity is not None:
        return
    if principal := await access.principal(clients, deployment):
        await access.revoke(clients, deployment, principal)


def desired(deployment: Deployment, principal: str) -> RoleAssignmentCreateParameters:
    """Told the principal's type, Azure does not ask the directory, which learns of it late."""
    definition = f"providers/Microsoft.Authorization/roleDefinitions/{access.READER}"
    return RoleAssignmentCreateParameters(
        role_definition_id=f"/subscriptions/{deployment.subscription}/{definition}",
        principal_id=principal,
        principal_type="ServicePrincipal",
        description=f"patchctl {deployment.name}: lets its alerts read the results of patching",
    )
