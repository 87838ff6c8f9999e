"""A record is whole, in the form of the recordings of Azure, and holds no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox.recording import HIDDEN, Recorder, exchange, public
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl.clients import RECORD, connect_to_sandbox
from tests.arm_sandbox.ask import GROUP, send, signed_in

URL = f"https://management.azure.com{GROUP}?api-version=2025-04-01&$expand=createdTime"
JWT = "eyJhbGciOiJub25lIn0.eyJvaWQiOiIxIn0.canary"


def asked(body: Any = None, url: str = URL, token: str = f"Bearer {JWT}") -> Request:
    headers = {"Authorization": token, "Accept": "application/json"}
    return Request.parse("PUT", url, headers, b"" if body is None else json.dumps(body).encode())


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_line_has_the_form_of_the_recordings_of_azure(world: World, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "record.jsonl")
    for _ in range(2):
        request = asked({"location": "eastus"}, token=signed_in(world)["Authorization"])
        recorder(request, send(world, request))
    first, second = lines(tmp_path / "record.jsonl")
    assert (first["seq"], second["seq"]) == (0, 1)
    assert first["url"] == URL
    assert (first["method"], first["path"], first["api_version"]) == ("PUT", GROUP, "2025-04-01")
    assert first["query"] == {"api-version": "2025-04-01", "$expand": "createdTime"}
    assert first["request"]["body"] == {"location": "eastus"}
    assert first["request"]["headers"] == {"authorization": HIDDEN, "accept": "application/json"}
    assert first["status"] == 200
    assert first["response"]["body"]["name"] == "rg-test"
    assert first["response"]["headers"]["Cache-Control"] == "no-cache"


def test_a_connection_records_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RECORD, str(tmp_path / "record.jsonl"))
    for _ in range(2):
        with connect_to_sandbox(tmp_path, None):
            """Signing in is traffic enough."""
    assert [line["method"] for line in lines(tmp_path / "record.jsonl")] == ["GET", "GET"]


SECRETS: list[Any] = [
    {"osProfile": {"adminUsername": "me", "adminPassword": "canary"}},
    {"properties": {"parameters": {"adminPassword": {"value": "canary"}}}},
    {
        "template": {"parameters": {"seed": {"type": "SecureString", "defaultValue": "canary"}}},
        "parameters": {"seed": {"value": "canary"}},
    },
    {"protectedSettings": {"commandToExecute": "canary", "files": ["canary"]}},
    {"logicAppReceivers": [{"callbackUrl": "https://logic.example/canary"}]},
    {"webhookReceivers": [{"serviceUri": "https://hooks.example/canary"}]},
    {"message": f"The token {JWT} has expired."},
    {"message": "Authorization: Bearer canary-canary-canary"},
    "grant_type=client_credentials&client_id=1&client_secret=canary",
    {"next": "https://storage.example/log?sv=2024&sig=canary%2Fx&se=2026"},
    {"access_token": "canary", "client_secret": "canary", "clientSecret": "canary"},
]


@pytest.mark.parametrize("body", SECRETS, ids=range(len(SECRETS)))
def test_secrets_are_left_out(body: Any) -> None:
    assert "canary" in json.dumps(body)
    line = exchange(asked(body), Response(200, body, {"Set-Cookie": "canary"}))
    assert "canary" not in json.dumps(line)
    assert HIDDEN in json.dumps(line["request"]["body"])


def test_secrets_in_urls_are_left_out() -> None:
    line = exchange(
        asked(url=f"{URL}&sig=canary&code=canary"),
        Response(202, None, {"Location": f"{URL}&t=638619058162511636&c=x&s=canary&h=y"}),
    )
    assert "canary" not in json.dumps(line)
    assert line["query"]["sig"] == HIDDEN
    assert line["response"]["headers"]["Location"].endswith(f"c=x&s={HIDDEN}&h=y")


OPEN: list[Any] = [
    {"osProfile": {"secrets": [], "disablePasswordAuthentication": True}},
    {"message": "Request is missing a Bearer or PoP token."},
    {"$skipToken": "abc", "nextLink": "https://x.example/list?api-version=1&$skiptoken=abc"},
    {
        "template": {"parameters": {"seed": {"type": "string"}}},
        "parameters": {"seed": {"value": 1}},
    },
    {"adminPassword": None},
]


@pytest.mark.parametrize("body", OPEN, ids=range(len(OPEN)))
def test_what_is_no_secret_stays(body: Any) -> None:
    assert public(body) == body
    challenge = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.example/x"'}
    assert exchange(asked(), Response(401, None, challenge))["response"]["headers"] == challenge
