"""A world over HTTPS: sign-in and TLS as the SDK does them, and a save before each answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient

from arm_sandbox import mail, server
from arm_sandbox.authority import Authority
from arm_sandbox.environment import environment
from arm_sandbox.server import at_speed
from arm_sandbox.serving import Serving, serving
from arm_sandbox.store import Store, WorldInUse
from arm_sandbox.tokens import claims, unsigned
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import SUBSCRIPTION

SPEED = 600
SCOPE = "https://management.core.windows.net//.default"


@dataclass
class Served:
    """A world that is being served, and a client's view of it."""

    world: World
    store: Store
    told: Serving
    variables: dict[str, str]
    seen: list[tuple[Request, Response]] = field(default_factory=list)

    @property
    def trusted(self) -> str:
        return self.variables["REQUESTS_CA_BUNDLE"]

    @contextmanager
    def credential(self, **changes: str) -> Iterator[ClientSecretCredential]:
        given = {**self.variables, **changes}
        with ClientSecretCredential(
            given["AZURE_TENANT_ID"],
            given["AZURE_CLIENT_ID"],
            given["AZURE_CLIENT_SECRET"],
            authority=given["AZURE_AUTHORITY_HOST"],
            disable_instance_discovery=True,
            connection_verify=self.trusted,
        ) as credential:
            yield credential

    def options(self) -> dict[str, Any]:
        return {
            "base_url": self.told.url,
            "credential_scopes": [SCOPE],
            "connection_verify": self.trusted,
        }

    def ask(
        self, method: str, path: str, *, token: str | None = None, **kwargs: Any
    ) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = f"{self.told.url}{path}"
            return session.request(
                method, url, headers=headers, verify=self.trusted, timeout=20, **kwargs
            )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here; each works in a group of its own."""
    store = Store(tmp_path_factory.mktemp("served"))
    world = World(now=1_795_435_200.0)
    seen: list[tuple[Request, Response]] = []
    with store.locked():
        watch = (lambda request, response: seen.append((request, response)),)
        with server.running(world, store, speed=SPEED, watchers=watch) as told:
            yield Served(world, store, told, environment(store.directory, told), seen)


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    with served.credential() as credential:
        return credential.get_token(SCOPE).token


@pytest.fixture(scope="module")
def groups(served: Served) -> Iterator[Any]:
    with (
        served.credential() as credential,
        ResourceManagementClient(credential, SUBSCRIPTION[15:], **served.options()) as client,
    ):
        yield client.resource_groups


def test_the_sdk_works_on_it_with_an_ordinary_sign_in(served: Served, groups: Any) -> None:
    assert groups.create_or_update("rg-sdk", {"location": "eastus"}).location == "eastus"
    assert f"{SUBSCRIPTION}/resourcegroups/rg-sdk" in served.world.resources
    began = time.monotonic()
    groups.begin_delete("rg-sdk").result()
    assert time.monotonic() - began < 5
    assert not groups.check_existence("rg-sdk")
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        groups.get("rg-sdk")


def test_subscriptions_tenants_and_locations_are_there(served: Served) -> None:
    with (
        served.credential() as credential,
        SubscriptionClient(credential, **served.options()) as client,
    ):
        assert [s.subscription_id for s in client.subscriptions.list()] == [SUBSCRIPTION[15:]]
        assert [t.tenant_id for t in client.tenants.list()] == [served.world.tenant]
        names = [each.name for each in client.subscriptions.list_locations(SUBSCRIPTION[15:])]
        assert "eastus" in names


def test_nobody_else_is_signed_in(served: Served) -> None:
    with (
        served.credential(AZURE_CLIENT_SECRET="guessed") as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215: Invalid client secret"),
    ):
        credential.get_token(SCOPE)
    with (
        served.credential(AZURE_CLIENT_ID=SUBSCRIPTION[15:]) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700016"),
    ):
        credential.get_token(SCOPE)


def test_a_token_of_another_authority_is_refused(served: Served, tmp_path: Path) -> None:
    foreign = Authority.kept_in(tmp_path).token(served.world, "https://management.azure.com/")
    for token in (foreign, unsigned(claims(served.world)), "nonsense"):
        answer = served.ask("GET", f"{SUBSCRIPTION}?api-version=2022-12-01", token=token)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
        assert f"{served.told.url}/{served.world.tenant}" in answer.headers["WWW-Authenticate"]


def test_its_certificate_is_checked(served: Served) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{served.told.url}/metadata/endpoints", verify=True, timeout=20)


def test_a_write_is_on_disk_before_it_is_answered(served: Served, groups: Any) -> None:
    groups.create_or_update("rg-disk", {"location": "eastus"})
    saved = json.loads(served.store.file.read_text(encoding="utf-8"))
    assert f"{SUBSCRIPTION}/resourcegroups/rg-disk" in saved["resources"]


def test_many_write_at_once_and_nothing_is_lost(served: Served, token: str) -> None:
    paths = [f"{SUBSCRIPTION}/resourceGroups/rg-many-{n}" for n in range(40)]

    def put(path: str) -> int:
        query = f"{path}?api-version=2025-04-01"
        return served.ask("PUT", query, token=token, json={"location": "eastus"}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(put, paths)) == {201}
    saved = json.loads(served.store.file.read_text(encoding="utf-8"))
    assert {path.lower() for path in paths} <= saved["resources"].keys()


def test_time_passes_with_nobody_asking(served: Served) -> None:
    served.world.later(30, "provider.registered", key="somebody/somewhere")
    deadline = time.monotonic() + 10
    while "somebody/somewhere" not in served.world.registrations:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_mails_reach_the_outbox_with_nobody_asking(served: Served, groups: Any) -> None:
    made = mail.make(served.world, "you@example.com", "test", "s", "t")
    groups.create_or_update("rg-mail", {"location": "eastus"})
    assert (served.store.outbox / made["file"]).exists()


def test_a_request_that_is_too_large_is_refused(served: Served, token: str) -> None:
    path = f"{SUBSCRIPTION}/resourceGroups/rg-large?api-version=2025-04-01"
    answer = served.ask("PUT", path, token=token, data=b" " * (server.LARGEST + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "RequestContentTooLarge"


def test_a_body_that_is_no_json_is_refused(served: Served, token: str) -> None:
    path = f"{SUBSCRIPTION}/resourceGroups/rg-nope?api-version=2025-04-01"
    answer = served.ask("PUT", path, token=token, data=b"{nope")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidRequestContent"


def test_the_head_of_an_answer_has_no_body(served: Served, token: str) -> None:
    path = f"{SUBSCRIPTION}/resourcegroups/rg-none?api-version=2024-11-01"
    answer = served.ask("HEAD", path, token=token)
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_fault_of_its_own_is_told_in_the_form_that_clients_know(
    served: Served, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = served.world.add(Resource(f"{SUBSCRIPTION}/broken", "no/type", {}))
    try:
        answer = served.ask("GET", f"{SUBSCRIPTION}/resources?api-version=2024-11-01", token=token)
    finally:
        served.world.remove(broken.id)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "InternalServerError"
    assert "Traceback" in caplog.text


def test_others_are_told_who_serves(served: Served) -> None:
    with pytest.raises(WorldInUse, match=served.told.url), Store(served.store.directory).locked():
        """It is refused at once."""
    assert Store(served.store.directory).server() == served.told


def test_watchers_see_every_exchange(served: Served, token: str) -> None:
    served.ask("GET", f"{SUBSCRIPTION}?api-version=2022-12-01", token=token)
    request, response = served.seen[-1]
    assert (request.method, request.path, response.status) == ("GET", SUBSCRIPTION, 200)
    assert request.origin == served.told.url


def test_when_it_ends_the_world_is_saved_and_the_note_gone(tmp_path: Path) -> None:
    store, world = Store(tmp_path), World(now=1_795_435_200.0)
    with store.locked(), server.running(world, store, speed=SPEED) as told:
        assert serving(tmp_path) == told
        time.sleep(0.1)
    assert serving(tmp_path) is None
    assert store.load().now > 1_795_435_200.0 + 0.1 * SPEED


def test_a_note_that_a_crash_has_left_is_not_believed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.locked(), server.running(World(), store, speed=SPEED):
        note = (tmp_path / "server" / "serving.json").read_text()
    (tmp_path / "server" / "serving.json").write_text(note)
    assert store.server() is None
    assert serving(tmp_path) is None


def test_secrets_are_kept_from_others_and_from_the_world(served: Served) -> None:
    directory = served.store.directory / "server"
    assert directory.stat().st_mode & 0o077 == 0
    for name in ("authority.json", "ca-key.pem", "server.pem"):
        assert (directory / name).stat().st_mode & 0o077 == 0
    saved = served.store.file.read_text(encoding="utf-8")
    assert served.variables["AZURE_CLIENT_SECRET"] not in saved


RUNNING = Response(200, {"status": "InProgress"})
BEGUN = Response(201, {}, {"Azure-AsyncOperation": "https://x"})


@pytest.mark.parametrize(
    ("response", "speed", "told"),
    [
        (Response(202, None, {"Retry-After": "15"}), 1, "15"),
        (Response(202, None, {"Retry-After": "15"}), 4, "4"),
        (Response(202, None, {"Retry-After": "15"}), 600, "1"),
        (Response(429, {}, {"Retry-After": "3600"}), 60, "60"),
        (RUNNING, 1, None),
        (RUNNING, 10, "3"),
        (BEGUN, 60, "1"),
        (Response(200, {"status": "Succeeded"}), 60, None),
        (Response(200, {}), 60, None),
    ],
)
def test_waits_are_told_in_the_time_of_the_client(
    response: Response, speed: float, told: str | None
) -> None:
    assert at_speed(response, speed).headers.get("Retry-After") == told


def test_the_date_is_the_worlds(served: Served) -> None:
    before = served.world.now
    date = served.ask("GET", "/metadata/endpoints").headers["Date"]
    assert date.startswith("Mon, 23 Nov 2026")
    assert served.world.now >= before
