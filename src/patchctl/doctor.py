"""Whether a deploy would work from here: each thing that it needs, looked at by itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from patchctl import offers, permissions
from patchctl.errors import PatchctlError, Unregistered
from patchctl.permissions import Permission, Rights
from patchctl.report import text
from patchctl.translation import translated

if TYPE_CHECKING:
    from azure.mgmt.compute.models import ResourceSku, Usage

    from patchctl.clients import Clients
    from patchctl.deployment import Deployment
    from patchctl.report import Finding, Inspection
    from patchctl.steps import Step

OFF = timedelta(seconds=30)
TOO_FAR_OFF = timedelta(minutes=5)
"""By how much a clock may be wrong until tokens are refused (Entra ID allows five minutes)."""
SETTING_CLOCKS = {"win32": "w32tm /resync", "darwin": "sudo sntp -sS time.apple.com"}
SIZES = "az vm list-skus --location {} --resource-type virtualMachines --output table"
LOCATIONS = "az account list-locations --output table"
WRITABLE = ("enabled", "pastdue")
"""States of a subscription that takes writes; Warned and Disabled ones can only be read and emptied
(cost-management-billing, subscription-states.md)."""
CORES = "cores"
"""What Compute calls the limit of all sizes of a region together."""


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One thing looked at. `cure` is a command, where one helps."""

    subject: str
    verdict: Verdict
    found: str
    cure: str = ""


def ok(subject: str, found: str) -> Check:
    return Check(subject, Verdict.OK, found)


def warning(subject: str, found: str, cure: str = "") -> Check:
    return Check(subject, Verdict.WARNING, found, cure)


def failed(subject: str, found: str, cure: str = "") -> Check:
    return Check(subject, Verdict.FAILED, found, cure)


async def look(
    clients: Clients,
    deployment: Deployment,
    steps: Sequence[Step],
    now: Callable[[], datetime],
) -> tuple[list[Check], list[Permission]]:
    """All that Azure has to say, and the permissions that are missing."""
    needed = permissions.needed(steps, deployment)
    rights = await permissions.rights(clients, needed)
    missing = permissions.missing(needed, rights)
    subscription, *others = await asyncio.gather(
        _told("subscription", _subscription(clients, deployment, now)),
        _told("resource providers", _providers(clients, deployment, steps, missing)),
        _told("size", _machine(clients, deployment)),
    )
    rest = (check for checks in others for check in checks)
    return [*subscription, *_rights(deployment, needed, rights), *rest], missing


async def _told(subject: str, looking: Awaitable[list[Check]], cure: str = "") -> list[Check]:
    """What cannot be looked at has failed; the rest is looked at all the same. A deploy goes on
    without what a provider tells only once it is registered."""

    async def looked() -> list[Check]:
        return await looking

    try:
        return await translated(looked())
    except Unregistered as error:
        return [warning(subject, f"not told: {error.message.splitlines()[0]}")]
    except PatchctlError as error:
        return [failed(subject, error.message.splitlines()[0], cure)]


# -- the subscription, and the clock of whoever answers


async def _subscription(
    clients: Clients, deployment: Deployment, now: Callable[[], datetime]
) -> list[Check]:
    clocks: list[Check] = []

    def answered(response: Any, subscription: Any, headers: Any) -> Any:
        date = response.http_response.headers.get("Date")
        clocks.append(clock(now(), parsedate_to_datetime(date) if date else None))
        return subscription

    found = await clients.subscriptions.subscriptions.get(deployment.subscription, cls=answered)
    state = text(found.state or "in a state that is not told")
    told = f"{found.display_name} ({deployment.subscription}) is {state}"
    if found.state is None or state.lower() in WRITABLE:
        return [ok("subscription", told), *clocks]
    cure = f"az account show --subscription {deployment.subscription}"
    return [failed("subscription", told, cure), *clocks]


def clock(here: datetime, there: datetime | None) -> Check:
    """How far our clock is off; HTTP dates have no fractions of seconds."""
    if there is None:
        return warning("clock", "Azure has not told its time")
    off = abs(here - there)
    told = f"{off.total_seconds():.0f} s off Azure's"
    if off <= OFF:
        return ok("clock", told)
    judged = failed if off >= TOO_FAR_OFF else warning
    return judged("clock", told, SETTING_CLOCKS.get(sys.platform, "sudo timedatectl set-ntp true"))


# -- what we may do


def _rights(deployment: Deployment, needed: Sequence[Permission], rights: Rights) -> list[Check]:
    """A line a step; and of each scope that nothing is known of, that it is not."""
    known = [permission for permission in needed if rights[permission.scope] is not None]
    steps = dict.fromkeys(permission.step for permission in known)
    dark = sorted({permission.scope for permission in needed} - {p.scope for p in known})
    return [
        *(_step(deployment, step, [p for p in known if p.step == step], rights) for step in steps),
        *(_dark(deployment, scope) for scope in dark),
    ]


def _step(deployment: Deployment, step: str, needed: Sequence[Permission], rights: Rights) -> Check:
    """A step that could be made without what is missing is only worth a warning."""
    subject, missing = f"permissions of {step}", permissions.missing(needed, rights)
    if not missing:
        return ok(subject, f"all {len(needed)} that it needs")
    stopping = [p for p in missing if not p.without]
    listed = ", ".join(f"{p.action} on {p.scope}" for p in stopping or missing)
    without = "; ".join(dict.fromkeys(p.without for p in missing if p.without))
    told = f"missing {listed}" + ("" if stopping else f" ({without})")
    return (failed if stopping else warning)(subject, told, granting(deployment))


def _dark(deployment: Deployment, scope: str) -> Check:
    told = f"what you may do on {scope} is not told to you"
    return warning("permissions", told, granting(deployment))


def granting(deployment: Deployment) -> str:
    """What an administrator types to grant the role that `doctor --role` prints."""
    return (
        f"az role assignment create --assignee {deployment.me.object_id} "
        f'--role "{permissions.role_name(deployment)}" '
        f"--scope /subscriptions/{deployment.subscription}"
    )


# -- what Azure offers


async def _providers(
    clients: Clients, deployment: Deployment, steps: Iterable[Step], missing: Sequence[Permission]
) -> list[Check]:
    step = next(step for step in steps if step.NAME == "resource-providers")
    found: Inspection = await step.inspect(clients, deployment)
    withheld = {p.action.removesuffix(permissions.REGISTER) for p in missing}
    return [_provider(each, withheld=each.subject in withheld) for each in found.findings]


def _provider(finding: Finding, *, withheld: bool) -> Check:
    """One that a deploy would register by itself is only worth a warning."""
    subject, told = "resource provider", f"{finding.subject} is {finding.got}"
    if finding.ok:
        return ok(subject, told)
    register = f"az provider register --namespace {finding.subject} --wait"
    return (failed if withheld else warning)(subject, told, register)


async def _machine(clients: Clients, deployment: Deployment) -> list[Check]:
    """What one would be made of; one that stands is left as it is, as a deploy leaves it."""
    size = await offers.standing_size(clients, deployment)
    if size is not None:
        return [ok("size", f"the machine stands as {size}")]
    return await _told("location", _offered(clients, deployment), LOCATIONS)


async def _offered(clients: Clients, deployment: Deployment) -> list[Check]:
    location = deployment.config.location
    await offers.require_location(clients, deployment)
    found = [ok("location", f"{location} is known to Azure")]
    if deployment.own:
        return found
    size, image = await asyncio.gather(
        _told("size", _size(clients, deployment), SIZES.format(location)),
        _told("image", _image(clients, deployment), LOCATIONS),
    )
    return [*found, *size, *image]


async def _size(clients: Clients, deployment: Deployment) -> list[Check]:
    size = await offers.find_size(clients, deployment)
    return [
        ok("size", f"{size.name} is offered in {deployment.config.location}"),
        *await _told("quota", _quota(clients, deployment, size)),
    ]


async def _quota(clients: Clients, deployment: Deployment, size: ResourceSku) -> list[Check]:
    """Whether one more machine of the size fits into what is left of its family and its region."""
    wanted = next((int(c.value or 0) for c in size.capabilities or [] if c.name == "vCPUs"), 0)
    used = [usage async for usage in clients.compute.usage.list(deployment.config.location)]
    limits = [
        u for u in used if (u.name.value or "").lower() in (CORES, (size.family or "").lower())
    ]
    return [_fits(deployment, usage, wanted) for usage in limits]


def _fits(deployment: Deployment, usage: Usage, wanted: int) -> Check:
    left = usage.limit - usage.current_value
    told = f"{left} of {usage.limit} {usage.name.localized_value} are left, {wanted} are wanted"
    if left >= wanted:
        return ok("quota", told)
    place = f"/subscriptions/{deployment.subscription}/providers/Microsoft.Compute"
    return failed(
        "quota",
        told,
        f"az quota create --resource-name {usage.name.value} --resource-type dedicated "
        f"--scope {place}/locations/{deployment.config.location} "
        f"--limit-object value={usage.current_value + wanted}",
    )


async def _image(clients: Clients, deployment: Deployment) -> list[Check]:
    image = await offers.find_image(clients, deployment)
    return [ok("image", f"{':'.join(image)} is offered in {deployment.config.location}")]
