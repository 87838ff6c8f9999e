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


def refusal(
    body: Any, status: int = 403, request: HttpRequest | None = None
) -> azure.HttpResponseError:
    response = Response(status, body, {"x-ms-request-id": "42"})
    answer = SandboxResponse(request or HttpRequest("PUT", URL), response)
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
    error = translate(refusal({"Message": "The window is too short."}, 418))
    assert (error.code, error.message) == ("Http418", "The window is too short.")
    assert "patchctl plan" in error.hint  # to run it again would not help


@pytest.mark.parametrize("body", [None, "teapot", [], {"error": "text"}])
def test_what_is_no_error_document(body: Any) -> None:
    error = translate(refusal(body, 418))
    assert error.code == "Http418"
    assert error.message
    assert "\n" not in error.message


def test_of_an_unknown_code_the_innermost_message_is_shown() -> None:
    inner = {"code": "Newest", "message": "Nobody knows it.\nReally."}
    error = translate(refusal({"error": {"code": "New", "message": "See it.", "details": [inner]}}))
    assert (error.code, error.message) == ("Newest", "Nobody knows it.")
    assert error.request_id == "42"


def test_a_known_code_says_more_than_an_unknown_one_inside() -> None:
    inner = {"code": "Newest", "message": "There is a lock."}
    body = {"error": {"code": "ScopeLocked", "message": "See it.", "details": [inner]}}
    error = translate(refusal(body))
    assert (error.code, error.message) == ("ScopeLocked", "There is a lock.")


def test_quota_is_a_matter_of_its_own() -> None:
    message = "Operation could not be completed as it results in exceeding approved quota."
    error = translate(refusal({"error": {"code": "OperationNotAllowed", "message": message}}, 409))
    assert "Ask for quota" in error.hint


def test_of_a_poll_the_resource_is_the_one_that_is_at_work() -> None:
    poll = HttpRequest("GET", "https://x/subscriptions/5/providers/x/operations/7")
    poll.headers["Referer"] = URL
    assert translate(refusal({"error": SHAPES["flat"]}, 200, poll)).resource == ID


def test_an_answer_that_is_none() -> None:
    error = translate(azure.DecodeError("JSON is invalid", response=refusal(None).response))
    assert (error.code, error.resource, error.request_id) == ("NoAnswer", ID, "42")
    assert translate(azure.DecodeError("Cannot deserialize")).code == "NoAnswer"


def test_without_a_response() -> None:
    error = translate(azure.HttpResponseError("It failed.\nAnd more."))
    assert (error.message, error.resource, error.request_id) == ("It failed.", None, None)


def test_what_azure_itself_has_broken_is_no_refusal() -> None:
    body = {"error": {"code": "InternalServerError", "message": "Sorry."}}
    assert translate(refusal(body, 500)).exit is Exit.FAILED


def test_a_token_that_is_not_taken() -> None:
    body = {"error": {"code": "InvalidAuthenticationToken", "message": "It is invalid."}}
    answer = refusal(body, 401).response
    error = translate(azure.ClientAuthenticationError(response=answer))
    assert (error.code, error.exit) == ("InvalidAuthenticationToken", Exit.SIGN_IN)
    assert error.message == "Azure did not accept a sign-in: It is invalid."
    assert error.request_id == "42"


def test_what_the_authority_says_comes_through_the_credentials_words() -> None:
    trace = "0e0e0e0e-1111-4222-8333-444444444444"
    error = translate(
        azure.ClientAuthenticationError(
            "DefaultAzureCredential failed.\n\tEnvironmentCredential: Authentication failed: "
            f"AADSTS7000222: The provided client secret keys are expired. Trace ID: {trace}"
        )
    )
    assert (error.code, error.request_id) == ("AADSTS7000222", trace)
    assert "client secret keys are expired" in error.message


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
