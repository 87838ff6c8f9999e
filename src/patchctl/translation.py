"""The one translation of the SDK's errors into ours: what failed, why, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from patchctl.errors import NotSignedIn, PatchctlError, Refused

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

T = TypeVar("T")

JUST_MADE = (
    "If it was made a moment ago, Azure has yet to show it: wait a minute, then run the same "
    "command again."
)
HINTS = {
    "AuthorizationFailed": "Ask an owner of the subscription for the missing role (docs/azure.md "
    "lists what patchctl needs), then run the same command again.",
    "LinkedAuthorizationFailed": "Ask for rights on the linked resource, then run it again.",
    "MissingSubscriptionRegistration": "Ask an owner to register it: az provider register "
    "--namespace NAMESPACE. Then run the same command again.",
    "ScopeLocked": "A lock is in the way; az lock list --output table names it. Remove it, then "
    "run the same command again.",
    "RequestDisallowedByPolicy": "A policy of the organisation forbids it; its name is in the "
    "message. Ask its owner for an exemption, or change what is asked for.",
    "QuotaExceeded": "Ask for quota in the portal, or choose another --size or --location.",
    "SkuNotAvailable": "Choose another --size, or another --location.",
    "AllocationFailed": "Choose another --size or --location, or run the same command again later.",
    "AnotherOperationInProgress": "Wait a minute, then run the same command again.",
    "Conflict": "Wait a minute, then run the same command again.",
    "ResourceGroupNotFound": JUST_MADE,
    "ResourceNotFound": JUST_MADE,
    "ResourceGroupBeingDeleted": "Wait until it is gone, then run the same command again.",
    "SubscriptionNotFound": "Name one that you can read with --subscription; "
    "az account list shows them.",
}
"""Next steps by Azure's error code."""

AGAIN = "Run the same command again: it goes on where it stopped."


async def translated(main: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine; the SDK's exceptions come out as PatchctlErrors."""
    from azure.core.exceptions import AzureError

    try:
        return await main
    except AzureError as error:
        raise translate(error) from error


def translate(error: Exception) -> PatchctlError:
    """Our error for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.ClientAuthenticationError):
        return _sign_in_failed(error)
    if isinstance(error, azure.HttpResponseError):
        return _refused(error)
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError)):
        return PatchctlError(
            "NoConnection",
            f"Azure could not be reached: {first_line(str(error))}",
            "Check the network and the proxy variables. " + AGAIN,
        )
    return PatchctlError("AzureError", first_line(str(error)), AGAIN)


def _sign_in_failed(error: Exception) -> PatchctlError:
    return NotSignedIn(
        "NotSignedIn",
        f"Azure did not accept a sign-in: {first_line(str(error))}",
        "Sign in first: az login. Or try without Azure: add --sandbox.",
    )


def _refused(error: HttpResponseError) -> PatchctlError:
    code, message = _code_and_message(error)
    kind = Refused if (error.status_code or 0) < 500 else PatchctlError
    headers = getattr(error.response, "headers", {})
    passing = (error.status_code or 0) in (200, 408, 409, 429) or (error.status_code or 0) >= 500
    return kind(
        code,
        message,
        _hint(code, message, passing=passing),
        resource=_resource(error),
        request_id=headers.get("x-ms-request-id"),
    )


def _hint(code: str, message: str, *, passing: bool) -> str:
    """Compute has one code for much that it does not allow, quota among it."""
    if code == "OperationNotAllowed" and "quota" in message:
        return HINTS["QuotaExceeded"]
    return HINTS.get(code, AGAIN if passing else "See what was to be written: patchctl plan")


def _code_and_message(error: HttpResponseError) -> tuple[str, str]:
    """Azure has four shapes of error; azure-core knows two, not the maintenance service's."""
    if error.error is not None and error.error.code:
        return error.error.code, first_line(error.error.message or str(error))
    fallback = f"Http{error.status_code}", first_line(error.message)
    try:
        body = json.loads(error.response.text()) if error.response is not None else None
    except (ValueError, AttributeError):
        return fallback
    inner = _lowered(body)
    inner = _lowered(inner.get("error", inner))
    message = inner.get("message")
    return str(inner.get("code") or fallback[0]), first_line(str(message or fallback[1]))


def _lowered(body: Any) -> dict[str, Any]:
    return {k.lower(): v for k, v in body.items()} if isinstance(body, dict) else {}


def first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason was given"


def _resource(error: HttpResponseError) -> str | None:
    """The id in the URL of the request that was refused."""
    request = getattr(error.response, "request", None)
    match = re.search(r"https?://[^/]+(/subscriptions/[^?]+)", getattr(request, "url", ""))
    return match[1] if match else None
