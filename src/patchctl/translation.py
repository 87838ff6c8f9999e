"""The one translation of the SDK's errors into ours: what failed, why, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from patchctl import catalogue
from patchctl.errors import NotSignedIn, PatchctlError, Refused

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

T = TypeVar("T")

PLAN = "See what was to be written: patchctl plan --name {name}"
AGAIN = "It goes on where it stopped: {again}"


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
        )
    return PatchctlError("AzureError", first_line(str(error)))


def _sign_in_failed(error: Exception) -> PatchctlError:
    return NotSignedIn(
        "NotSignedIn",
        f"Azure did not accept a sign-in: {first_line(str(error))}",
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
    """What to do about a code that says too little of itself; nothing of one that is known."""
    if code == "OperationNotAllowed" and "quota" in message:
        return catalogue.entries()["quotaexceeded"].hint
    return "" if catalogue.find(code) else AGAIN if passing else PLAN


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
