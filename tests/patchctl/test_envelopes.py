"""Every shape in which an answer says what went wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchctl.envelopes import Told, read

LOCKED = {"code": "ScopeLocked", "message": "There is a lock."}
TOLD = Told("ScopeLocked", "There is a lock.")
AS_TEXT = json.dumps({"error": LOCKED})
SIGN_IN = "AADSTS7000215: Invalid client secret provided. Trace ID: 0e0e"

INNERMOST: dict[str, tuple[Any, Told]] = {
    "Resource Manager": ({"error": LOCKED}, TOLD),
    "Microsoft.Insights": (LOCKED, TOLD),
    "the maintenance service": ({"Error": {"Code": TOLD.code, "Message": TOLD.message}}, TOLD),
    "a byte order mark": (f"\ufeff{AS_TEXT}", TOLD),
    "an operation that failed": ({"status": "Failed", "error": LOCKED, "name": "x"}, TOLD),
    "details": ({"error": {"code": "Failed", "message": "See it.", "details": [LOCKED]}}, TOLD),
    "details that say nothing first": ({"error": {"code": "X", "details": [{}, LOCKED]}}, TOLD),
    "an inner error": ({"error": {"code": "X", "message": "y", "innererror": LOCKED}}, TOLD),
    "an error as text in a message": ({"error": {"code": "X", "message": AS_TEXT}}, TOLD),
    "an error as text behind words": ({"code": "X", "message": f"It said: {AS_TEXT}"}, TOLD),
    "a deployment's operation": (
        {"properties": {"provisioningState": "Failed", "statusMessage": {"error": LOCKED}}},
        TOLD,
    ),
    "a status as text": ({"properties": {"statusMessage": AS_TEXT}}, TOLD),
    "OData": (
        {"odata.error": {"code": TOLD.code, "message": {"lang": "en", "value": TOLD.message}}},
        TOLD,
    ),
    "Resource Graph": (
        {
            "error": {
                "code": "BadRequest",
                "message": "Please provide below info: timestamp=x",
                "details": [
                    {"code": "InvalidQuery", "message": "Query is invalid."},
                    {"code": "ParserFailure", "message": "It ends.", "line": 1},
                ],
            }
        },
        Told("InvalidQuery", "Query is invalid."),
    ),
    "OAuth": (
        {"error": "invalid_client", "error_description": SIGN_IN, "error_codes": [7000215]},
        Told("AADSTS7000215", "Invalid client secret provided. Trace ID: 0e0e"),
    ),
    "problem details": ({"title": "Too large.", "status": 413}, Told("", "Too large.")),
    "text in JSON": (json.dumps("The window is too short."), Told("", "The window is too short.")),
    "JSON in text in JSON": (json.dumps(AS_TEXT), TOLD),
    "plain text": ("The service is unavailable.", Told("", "The service is unavailable.")),
    "HTML": (
        "<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>",
        Told("", "502 Bad Gateway"),
    ),
    "HTML without a title": (
        "<html><style>p {color: red}</style><body><p>We&#39;ll be&nbsp;back</p></body>",
        Told("", "We'll be back"),
    ),
    "XML": (
        "<Error xmlns='x'><Code>ScopeLocked</Code><Message>There is a lock.</Message></Error>",
        TOLD,
    ),
    "what the SDK tells of a sign-in": (
        f"Authentication failed: {SIGN_IN}",
        Told("AADSTS7000215", "Invalid client secret provided. Trace ID: 0e0e"),
    ),
}


@pytest.mark.parametrize(("body", "told"), INNERMOST.values(), ids=INNERMOST.keys())
def test_the_innermost_error_is_found(body: Any, told: Told) -> None:
    assert read(body if isinstance(body, str) else json.dumps(body))[-1] == told


def test_what_is_around_it_is_told_as_well() -> None:
    outer = {"error": {"code": "DeploymentFailed", "message": "See it.", "details": [LOCKED]}}
    assert read(json.dumps(outer)) == [Told("DeploymentFailed", "See it."), TOLD]


@pytest.mark.parametrize("body", ["", " ", "null", "17", "[]", "{}", '{"value": []}', '""'])
def test_what_tells_nothing(body: str) -> None:
    assert read(body) == []


def test_json_that_was_cut_off_is_not_shown() -> None:
    """An action group's answer may hold somebody's webhook, token included."""
    assert (
        read('{"properties": {"webhookReceivers": [{"serviceUri": "https://hook.example/T0K') == []
    )


def test_an_error_in_an_error_without_end() -> None:
    body: Any = LOCKED
    for _ in range(200):
        body = {"error": body}
    assert read(json.dumps(body)) == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "Code", "message", "details", "value", "innererror", "x"]), inner
    ),
))  # fmt: skip
def test_nothing_upsets_it(document: Any) -> None:
    for told in (*read(json.dumps(document)), *read(str(document))):
        assert told.code or told.message
