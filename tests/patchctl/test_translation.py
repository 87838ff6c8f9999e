"""Azure's four shapes of error, and what people are told to do next."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.core import exceptions as azure
from azure.core.rest import HttpRequest
from azure.mgmt.core.exceptions import ARMErrorFormat

from arm_sandbox.transport import SandboxResponse
from arm_sandbox.wire import Response
from patchctl.errors import BadInput, Exit, PatchctlError
from patchctl.translation import translate, translated

ID = "/subscriptions/5a4d/resourceGroups/rg-patching-demo"
URL = f"https://management.azure.com{ID}?api-version=2025-04-01"


def refusal(body: Any, status: int = 403) -> azure.HttpResponseError:
    response = Response(status, body, {"x-ms-request-id": "42"})
    answer = SandboxResponse(HttpRequest("PUT", URL), response)
    return azure.HttpResponseError(response=answer, error_format=ARMErrorFormat)


SHAPES = {
    "arm": {"error": {"code": "ScopeLocked", "message": "There is a lock."}},
    "flat": {"code": "ScopeLocked", "message": "There is a lock."},
    "maintenance": {"Error": {"Code": "ScopeLocked", "Message": "There is a lock."}},
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES.keys())
def test_shapes(body: Any) -> None:
    error = translate(refusal(body))
    assert (error.code, error.message) == ("ScopeLocked", "There is a lock.")
    assert (error.resource, error.request_id) == (ID, "42")
    assert error.exit is Exit.REFUSED


def test_a_message_and_no_code() -> None:
    error = translate(refusal({"Message": "The window is too short."}, 400))
    assert (error.code, error.message) == ("Http400", "The window is too short.")
    assert "patchctl plan" in error.hint  # to run it again would not help


@pytest.mark.parametrize("body", [None, "teapot", [], {"error": "text"}])
def test_what_is_no_error_document(body: Any) -> None:
    error = translate(refusal(body, 418))
    assert error.code == "Http418"
    assert error.message
    assert "\n" not in error.message


def test_without_a_response() -> None:
    error = translate(azure.HttpResponseError("It failed.\nAnd more."))
    assert (error.message, error.resource, error.request_id) == ("It failed.", None, None)


def test_what_azure_itself_has_broken_is_no_refusal() -> None:
    body = {"error": {"code": "InternalServerError", "message": "Sorry."}}
    assert translate(refusal(body, 500)).exit is Exit.FAILED


def test_sign_in() -> None:
    error = translate(azure.ClientAuthenticationError("No token.\nTried much."))
    assert (error.exit, error.message.splitlines()) == (Exit.SIGN_IN, [error.message])


@pytest.mark.parametrize(
    "error", [azure.ServiceRequestError("no route"), azure.ServiceResponseError("reset")]
)
def test_no_connection(error: azure.AzureError) -> None:
    assert translate(error).code == "NoConnection"


def test_translated_lets_our_own_pass() -> None:
    async def fails(error: Exception) -> None:
        raise error

    ours = BadInput(["no"])
    with pytest.raises(BadInput) as kept:
        asyncio.run(translated(fails(ours)))
    assert kept.value is ours
    with pytest.raises(PatchctlError) as made:
        asyncio.run(translated(fails(refusal(SHAPES["flat"]))))
    assert made.value.code == "ScopeLocked"
