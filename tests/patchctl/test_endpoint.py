"""`--endpoint`: a whole life against a server, and no real authority's secret for a stranger."""

from __future__ import annotations

import json
import os
import shlex
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from arm_sandbox import certificates, server
from arm_sandbox.environment import environment
from arm_sandbox.store import Store
from arm_sandbox.world import World
from patchctl.cli import main
from patchctl.clouds import CLOUDS, known_cloud
from patchctl.config import Config
from patchctl.errors import Exit

NOON = 1_795_435_200.0
CANARY = "a-secret-of-the-real-authority"
REAL = {
    "AZURE_TENANT_ID": "11111111-0000-4000-8000-000000000000",
    "AZURE_CLIENT_ID": "22222222-0000-4000-8000-000000000000",
    "AZURE_CLIENT_SECRET": CANARY,
}
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in, nothing is trusted and no proxy is set unless a test says so."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("AZURE_", "PATCHCTL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in TRUST:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "nobody"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(now=NOON)


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables for a server that runs; a second is ten minutes there."""
    store = Store(tmp_path_factory.mktemp("endpoint"))
    with store.locked(), server.running(world, store, speed=600) as told:
        yield {**environment(store.directory, told), "PATCHCTL_ENDPOINT": told.url}


class Desk:
    """Somebody at a shell."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self.out = self.err = ""

    def has(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *arguments: str) -> int:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        self.out, self.err = self._capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code

    def error(self, *arguments: str) -> dict[str, Any]:
        self.run(*arguments, "--output", "json")
        document = json.loads(self.out)
        assert document["ok"] is False
        return {**document["error"], "sandbox": document["sandbox"]}


@pytest.fixture
def you(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(capsys, monkeypatch)


# -- the ordinary way


@pytest.mark.slow
def test_a_whole_life_through_the_endpoint(
    you: Desk, served: dict[str, str], world: World, tmp_path: Path
) -> None:
    you.has(served)
    you.has({"PATCHCTL_NAME": "life", "PATCHCTL_DEBUG_LOG": str(tmp_path / "log.jsonl")})
    assert you.run("deploy", "--email", "you@example.com", "--yes") == Exit.DONE, you.err
    assert f"SANDBOX at {served['PATCHCTL_ENDPOINT']}, where it is " in you.err.splitlines()[1]
    assert any("virtualmachines/vm-life" in id for id in world.resources)
    assert any(id.endswith("/resourcegroups/rg-patching-life") for id in world.resources)

    assert you.run("validate", "--output", "json") == Exit.DONE, you.err
    document = json.loads(you.out)
    assert (document["sandbox"], document["endpoint"]) == (True, served["PATCHCTL_ENDPOINT"])

    assert you.run("destroy", "--yes") == Exit.DONE, you.err
    assert not any("life" in id for id in world.resources)


def test_its_clock_is_the_one_that_counts(you: Desk, served: dict[str, str]) -> None:
    you.has(served)
    assert you.run("list") == Exit.DONE
    assert "where it is Mon 2026-11-23 " in you.err or "where it is Tue 2026-11-24 " in you.err


@pytest.mark.parametrize("name", TRUST)
def test_trust_is_named_as_for_other_tools(you: Desk, served: dict[str, str], name: str) -> None:
    you.has({k: v for k, v in served.items() if k not in TRUST})
    you.has({name: served["REQUESTS_CA_BUNDLE"]})
    assert you.run("list") == Exit.DONE, you.err


def test_the_flag_is_enough(you: Desk, served: dict[str, str]) -> None:
    you.has({k: v for k, v in served.items() if k != "PATCHCTL_ENDPOINT"})
    assert you.run("list", "--endpoint", served["PATCHCTL_ENDPOINT"] + "/") == Exit.DONE, you.err


# -- what goes wrong


def test_without_trust_nothing_is_sent(you: Desk, served: dict[str, str]) -> None:
    you.has({k: v for k, v in served.items() if k not in TRUST})
    error = you.error("list")
    assert error["code"] == "NoConnection"
    assert served["PATCHCTL_ENDPOINT"] in error["message"]
    assert "REQUESTS_CA_BUNDLE" in error["hint"]


def test_a_file_of_certificates_that_is_not_there(you: Desk, served: dict[str, str]) -> None:
    you.has({**served, "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem"})
    error = you.error("list")
    assert (error["code"], error["message"]) == (
        "BadInput",
        "REQUESTS_CA_BUNDLE: /nowhere/ca.pem is not there",
    )


def test_nobody_listens(you: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
    error = you.error("list", "--endpoint", url)
    assert error["code"] == "NoConnection"
    assert f"{url} could not be reached" in error["message"]


def test_a_wrong_secret_is_refused_by_name(you: Desk, served: dict[str, str]) -> None:
    you.has({**served, "AZURE_CLIENT_SECRET": "guessed"})
    error = you.error("list")
    assert error["code"] == "AADSTS7000215"
    assert "did not accept AZURE_CLIENT_ID: Invalid client secret" in error["message"]
    assert served["PATCHCTL_ENDPOINT"] in error["message"]
    assert you.run("list") == Exit.SIGN_IN


def test_an_unknown_subscription(you: Desk, served: dict[str, str]) -> None:
    you.has({**served, "AZURE_SUBSCRIPTION_ID": "33333333-0000-4000-8000-000000000000"})
    assert "is none of Sandbox" in you.error("list")["message"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:8443", "not encrypted"),
        ("127.0.0.1:8443", "no address"),
        ("https://", "no address"),
        ("https://me:you@127.0.0.1", "no address"),
        ("https://127.0.0.1/subscriptions", "more than a host"),
        ("https://127.0.0.1?x=1", "more than a host"),
    ],
)
def test_what_is_no_endpoint(you: Desk, url: str, why: str) -> None:
    error = you.error("list", "--endpoint", url)
    assert error["code"] == "BadInput"
    assert error["message"].startswith("--endpoint: ")
    assert why in error["message"]


def test_sandbox_and_endpoint_exclude_each_other(you: Desk, served: dict[str, str]) -> None:
    you.has(served)
    error = you.error("list", "--sandbox")
    assert "both the sandbox and the endpoint" in error["message"]


def test_cloud_and_endpoint_are_one_place(you: Desk, served: dict[str, str]) -> None:
    you.has(served)
    assert (
        "both the cloud usgov and the endpoint" in you.error("list", "--cloud", "usgov")["message"]
    )


# -- a stranger gets nothing of a real authority


class Stranger:
    """A server that says whatever it likes of itself, and keeps what it is sent."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.url = ""
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.heard.append((scope["method"], scope["path"], headers, body))
        content = json.dumps(self.document).replace("SELF", self.url).encode()
        head = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": content})


@contextmanager
def listening(stranger: Stranger, directory: Path) -> Iterator[dict[str, str]]:
    """Let it listen; the variables make its certificate trusted."""
    certificate = certificates.issue(directory)
    config = uvicorn.Config(
        stranger, ssl_certfile=certificate, lifespan="off", log_level="critical"
    )
    listener = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        stranger.url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        thread = threading.Thread(target=listener.run, args=([bound],))
        thread.start()
        try:
            trusted = str(certificates.authority_file(directory))
            yield {"PATCHCTL_ENDPOINT": stranger.url, "SSL_CERT_FILE": trusted}
        finally:
            listener.should_exit = True
            thread.join()


def cloud(login: str) -> dict[str, Any]:
    return {
        "name": "AzureCloud",
        "authentication": {
            "loginEndpoint": login,
            "audiences": ["https://management.core.windows.net/"],
            "tenant": "common",
        },
    }


@pytest.mark.parametrize(
    "login",
    [
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.us/",
        "https://somebody.example",
        "http://127.0.0.1",
        "",
    ],
)
def test_an_endpoint_that_leads_to_another_authority_is_refused(
    you: Desk, tmp_path: Path, login: str
) -> None:
    stranger = Stranger(cloud(login))
    with listening(stranger, tmp_path) as variables:
        you.has({**REAL, **variables, "AZURE_AUTHORITY_HOST": login})
        error = you.error("list")
    assert error["code"] == "ForeignAuthority"
    assert error["sandbox"] is False
    assert [(method, path) for method, path, *_ in stranger.heard] == [
        ("GET", "/metadata/endpoints")
    ]


@pytest.mark.parametrize("meant", [None, "", "https://login.microsoftonline.com", "127.0.0.1:1"])
def test_credentials_of_another_authority_stay_at_home(
    you: Desk, tmp_path: Path, meant: str | None
) -> None:
    stranger = Stranger(cloud("SELF"))
    with listening(stranger, tmp_path) as variables:
        you.has({**REAL, **variables, **({"AZURE_AUTHORITY_HOST": meant} if meant else {})})
        error = you.error("list")
    assert error["code"] == "ForeignCredential"
    assert "never sent there" in error["message"]
    assert len(stranger.heard) == 1
    assert CANARY not in str(stranger.heard)
    assert "authorization" not in stranger.heard[0][2]


def test_without_credentials_of_its_own_nothing_else_is_tried(you: Desk, tmp_path: Path) -> None:
    stranger = Stranger(cloud("SELF"))
    with listening(stranger, tmp_path) as variables:
        you.has({**variables, "AZURE_AUTHORITY_HOST": stranger.url})
        error = you.error("list")
    assert error["code"] == "NoCredential"
    assert "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET: not set" in error["message"]
    assert len(stranger.heard) == 1


@pytest.mark.parametrize("document", [[], {}, {"authentication": {"audiences": []}}, "text"])
def test_what_is_no_resource_manager(you: Desk, tmp_path: Path, document: Any) -> None:
    with listening(Stranger(document), tmp_path) as variables:
        you.has({**REAL, **variables})
        assert you.error("list")["code"] == "NoResourceManager"


STRANGERS: dict[str, tuple[Any, dict[str, str]]] = {
    "ForeignAuthority": (cloud("https://somebody.example"), REAL),
    "ForeignCredential": (cloud("SELF"), REAL),
    "NoCredential": (cloud("SELF"), {"AZURE_AUTHORITY_HOST": "SELF"}),
    "NoResourceManager": ([], REAL),
}


@pytest.mark.parametrize("code", STRANGERS)
def test_what_a_strangers_error_says_leads_out_of_it(
    you: Desk, served: dict[str, str], tmp_path: Path, code: str
) -> None:
    document, environment = STRANGERS[code]
    stranger = Stranger(document)
    with listening(stranger, tmp_path) as variables:
        you.has({name: value.replace("SELF", stranger.url) for name, value in environment.items()})
        you.has(variables)
        error = you.error("list")
    assert error["code"] == code
    you.has(served)
    assert you.run(*shlex.split(error["next"])[1:]) == Exit.DONE, you.err


@pytest.mark.parametrize("name", sorted(CLOUDS))
def test_the_address_of_a_known_cloud_is_that_cloud(name: str) -> None:
    address = CLOUDS[name].endpoint
    assert known_cloud(address) == name
    assert known_cloud(f"{address}:443") == known_cloud(address.upper()) == name
    assert Config(endpoint=f"{address}/").cloud == name
    assert known_cloud(f"{address}.example") is None
    assert known_cloud(f"{address}:8443") is None


def test_a_proxy_is_used_as_elsewhere(you: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        heard: list[str] = []

        def answer() -> None:
            asked, _ = proxy.accept()
            with asked:
                heard.append(asked.recv(1000).decode().splitlines()[0])
                asked.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        you.has({"HTTPS_PROXY": f"http://127.0.0.1:{proxy.getsockname()[1]}"})
        error = you.error("list", "--endpoint", "https://arm.invalid")
        thread.join(10)
    assert [line.rsplit(" ", 1)[0] for line in heard] == ["CONNECT arm.invalid:443"]
    assert error["code"] == "NoConnection"
