"""The one translation of the SDK's errors into ours: what failed, why, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from patchctl import catalogue, envelopes
from patchctl.errors import (
    UNREGISTERED,
    NotSignedIn,
    PatchctlError,
    Refused,
    Unregistered,
    unexpected,
)

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

T = TypeVar("T")

PLAN = "See what was to be written: patchctl plan --name {name}"
REQUEST_IDS = ("x-ms-request-id", "x-ms-correlation-request-id", "request-id")
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

    if isinstance(error, azure.DecodeError):
        told, asked = _unreadable(error), _request_id(error)
        return PatchctlError("NoAnswer", told, resource=_resource(error), request_id=asked)
    if isinstance(error, azure.HttpResponseError):
        return _refused(error)
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError)):
        message = f"Azure could not be reached: {first_line(str(error))}"
        return PatchctlError("NoConnection", message, resource=_noted(error))
    return unexpected(error)


def _unreadable(error: HttpResponseError) -> str:
    said = [told.message for told in envelopes.read(_body(error)) if told.message]
    return f"The answer cannot be read: {first_line(said[-1] if said else str(error))}"


def _refused(error: HttpResponseError) -> PatchctlError:
    from azure.core.exceptions import ClientAuthenticationError

    status = error.status_code or 0
    code, message = code_and_message(error)
    kind: type[PatchctlError] = Refused if status < 500 else PatchctlError
    if isinstance(error, ClientAuthenticationError):
        kind, message = NotSignedIn, f"Azure did not accept a sign-in: {message}"
    if code == UNREGISTERED:
        kind = Unregistered
    passing = status in (200, 408, 409, 429) or status >= 500
    return kind(
        code,
        message,
        _hint(code, message, passing=passing),
        resource=_resource(error),
        request_id=_request_id(error),
    )


def _hint(code: str, message: str, *, passing: bool) -> str:
    """What to do about a code that says too little of itself; nothing of one that is known."""
    if code == "OperationNotAllowed" and "quota" in message:
        return catalogue.entries()["quotaexceeded"].hint
    return "" if catalogue.find(code) else AGAIN if passing else PLAN


def code_and_message(error: HttpResponseError) -> tuple[str, str]:
    """The innermost code that is known, or else the innermost; the innermost message."""
    told = envelopes.read(_body(error))
    codes = [each.code for each in told if each.code]
    known = [code for code in codes if catalogue.find(code)]
    messages = [each.message for each in told if each.message]
    named = (known or codes or [_unnamed(error)])[-1]
    return named, first_line(messages[-1] if messages else error.message)


def _unnamed(error: HttpResponseError) -> str:
    from azure.core.exceptions import ClientAuthenticationError

    if error.status_code is not None:
        return f"Http{error.status_code}"
    return "NotSignedIn" if isinstance(error, ClientAuthenticationError) else "NoAnswer"


def _body(error: HttpResponseError) -> str:
    """What the answer says; of an error without one, what the SDK does."""
    try:
        return str(error.response.text()) if error.response is not None else error.message
    except (AttributeError, ValueError):
        return error.message  # an answer that was never read, or not to its end


def _request_id(error: HttpResponseError) -> str | None:
    """As whoever answered calls it; the authority of sign-ins only writes it into its words."""
    headers = getattr(error.response, "headers", {})
    trace = re.search(r"Trace ID: ([0-9a-f-]{36})", _body(error))
    found = (headers[name] for name in REQUEST_IDS if headers.get(name))
    return next(found, trace[1] if trace else None)


def first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason was given"


def _resource(error: HttpResponseError) -> str | None:
    request = getattr(error.response, "request", None)
    return resource(request) if request is not None else None


def resource(request: Any) -> str | None:
    """The id in the URL of a request; of a poll, in that of the one that began it."""
    asked = str(request.headers.get("Referer") or request.url)
    match = re.search(r"https?://[^/]+(/subscriptions/[^?]+)", asked)
    return match[1] if match else None


def note(error: BaseException, request: Any) -> None:
    """Let an error of the connection, which knows no request, say what was asked."""
    if found := resource(request):
        error.add_note(found)


def _noted(error: Exception) -> str | None:
    return next(iter(getattr(error, "__notes__", ())), None)
