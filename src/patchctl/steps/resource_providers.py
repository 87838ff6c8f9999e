"""The resource providers of the subscription that the other steps speak to."""

from __future__ import annotations

import asyncio

from azure.core.exceptions import HttpResponseError

from patchctl import actions
from patchctl.actions import Needed
from patchctl.clients import Clients
from patchctl.deployment import Deployment
from patchctl.many import together
from patchctl.report import Finding, Inspection, State, check, inspected, note

NAME = "resource-providers"
NEEDS: tuple[str, ...] = ()
NAMESPACES = (
    "Microsoft.Compute",
    "Microsoft.Network",
    "Microsoft.Maintenance",
    "Microsoft.Insights",
)
WATCHING = ("Microsoft.ManagedIdentity", "Microsoft.AlertsManagement", "Microsoft.ResourceHealth")
"""Needed only where Azure is to watch the results."""
ACTIONS = (
    Needed(
        "Microsoft.Resources/subscriptions",
        "providers/read",
        actions.subscription,
        without="what is registered is not seen",
    ),
    *(Needed(namespace, "register/action", actions.subscription) for namespace in NAMESPACES),
    *(
        Needed(namespace, "register/action", actions.subscription, actions.watches)
        for namespace in WATCHING
    ),
)
REGISTERED, REGISTERING = "Registered", "Registering"
LOOK_AGAIN = 5
"""Seconds between two looks at a registration that is going on."""


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    findings = await _findings(clients, deployment)
    providers = f"/subscriptions/{deployment.subscription}/providers"
    ids = [f"{providers}/{finding.subject}" for finding in findings]
    found = inspected(findings, ids)
    if any(finding.got == REGISTERING for finding in findings):
        return Inspection(State.IN_PROGRESS, found.resources, found.findings)
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    findings = await _findings(clients, deployment)
    missing = [finding.subject for finding in findings if finding.ok is False]
    await together(*(_register(clients, name) for name in missing))


destroy = None  # a registration belongs to the subscription, and others may use it by now


async def _register(clients: Clients, namespace: str) -> None:
    """Each is waited for here: whoever inspects asks about all of them every time."""
    await clients.resources.providers.register(namespace)
    while True:
        found = await _finding(clients, namespace)
        if found.got != REGISTERING:
            return
        await asyncio.sleep(LOOK_AGAIN)


async def _findings(clients: Clients, deployment: Deployment) -> list[Finding]:
    names = NAMESPACES + (WATCHING if deployment.watched else ())
    return await together(*(_finding(clients, name) for name in names))


async def _finding(clients: Clients, namespace: str) -> Finding:
    try:
        provider = await clients.resources.providers.get(namespace)
    except HttpResponseError as error:
        if error.status_code != 403:
            raise
        return note(namespace, REGISTERED, "unknown: not allowed to read it; going on")
    return check(namespace, REGISTERED, provider.registration_state)
