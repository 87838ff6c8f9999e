"""What patchctl has to be allowed to do, as its steps say, and what of it Azure does not allow.

Azure tells the roles of whoever asks, a scope at a time (REST reference, Permissions). It tells
neither deny assignments nor conditions there, so what it still refuses is told when it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from patchctl import access
from patchctl.actions import Needed, machine_groups
from patchctl.errors import Refused
from patchctl.many import each

if TYPE_CHECKING:
    from patchctl.clients import Clients
    from patchctl.deployment import Deployment
    from patchctl.report import Inspection

REGISTER = "/register/action"
LEFT_STANDING = "destroy cannot take it away"
MISSING = "PermissionsMissing"
Rights = Mapping[str, list[Mapping[str, Any]] | None]
"""What Azure tells of each scope; None of one of which it tells us nothing."""


@dataclass(frozen=True)
class Permission:
    """An action that a step needs on a scope. `without` is empty where a deploy would stop."""

    step: str
    action: str
    scope: str
    without: str

    @property
    def reads(self) -> bool:
        return self.action.endswith("/read")

    def __str__(self) -> str:
        return f"{self.action} on {self.scope} ({self.step})"


class Acting(Protocol):
    """A step, as far as this module knows it."""

    @property
    def NAME(self) -> str: ...

    @property
    def ACTIONS(self) -> tuple[Needed, ...]: ...


def needed(steps: Sequence[Acting], deployment: Deployment) -> list[Permission]:
    """All that the deployment needs in its whole life, each once for a step and a scope."""
    found = (
        Permission(step.NAME, action, scope, what.without or _without(action))
        for step in steps
        for what in step.ACTIONS
        if what.when(deployment)
        for action in what.actions
        for scope in what.at(deployment)
    )
    return list(dict.fromkeys(found))


def _without(action: str) -> str:
    return LEFT_STANDING if action.endswith("/delete") else ""


# -- what is missing


async def rights(clients: Clients, permissions: Iterable[Permission]) -> Rights:
    """What we may do on the scopes that matter."""
    scopes = sorted({permission.scope for permission in permissions})
    return dict(zip(scopes, await each(scopes, lambda s: asked(clients, s)), strict=True))


def missing(permissions: Iterable[Permission], rights: Rights) -> list[Permission]:
    """Those that we do not have; of a scope that we may not even ask about, none is known."""
    return [p for p in permissions if not _granted(rights[p.scope], p.action)]


async def asked(clients: Clients, scope: str) -> list[Mapping[str, Any]] | None:
    """What we may do on a scope; None where that cannot be known."""
    from azure.core.exceptions import HttpResponseError

    try:
        return await access.permissions(clients, scope) or None
    except HttpResponseError as error:
        if error.status_code != 403:
            raise
        return None


def _granted(rights: list[Mapping[str, Any]] | None, action: str) -> bool:
    return rights is None or access.permits(rights, action)


def for_deploying(steps: Sequence[Acting], deployment: Deployment) -> list[Permission]:
    """What a deploy stops without. Of your machines all is known already, one by one."""
    judged = set(machine_groups(deployment))
    return [p for p in needed(steps, deployment) if not p.without and p.scope not in judged]


def hindering(missing: Iterable[Permission], plan: Mapping[str, Inspection]) -> list[Permission]:
    """What keeps a plan from being written: of a step that writes nothing, nothing does."""
    return [p for p in missing if plan[p.step].writes and _is_called_for(p, plan[p.step])]


def _is_called_for(permission: Permission, found: Inspection) -> bool:
    """A resource provider that is registered already is not registered again."""
    if not permission.action.endswith(REGISTER):
        return True
    wrong = {finding.subject for finding in found.findings if finding.ok is False}
    return permission.action.removesuffix(REGISTER) in wrong


def refuse(missing: Sequence[Permission]) -> None:
    """Raises Refused with all that is missing, if anything is."""
    if missing:
        first, *_ = missing
        listed = "\n".join(map(str, missing))
        raise Refused(MISSING, f"You may not:\n{listed}", step=first.step, resource=first.scope)


# -- a role of just what is needed


def role_name(deployment: Deployment) -> str:
    return f"patchctl {deployment.name}"


def role(steps: Sequence[Acting], deployment: Deployment) -> dict[str, Any]:
    """A custom role, in the form that `az role definition create` takes (azure-cli)."""
    found = needed(steps, deployment)
    subscriptions = {"/".join(permission.scope.split("/")[:3]) for permission in found}
    return {
        "Name": role_name(deployment),
        "IsCustom": True,
        "Description": f"What patchctl has to be allowed for {deployment.name}, and no more.",
        "Actions": sorted({permission.action for permission in found}),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": sorted(subscriptions),
    }
