"""Which tokens Resource Manager takes, and how it says no to the others."""

from __future__ import annotations

from typing import Any

import pytest
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from arm_sandbox import clock, tokens
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, send, transport_to

URL = f"https://management.azure.com{GROUP}?api-version=2025-04-01"


def shown(world: World, token: str | None, url: str = URL) -> Response:
    headers = {} if token is None else {"Authorization": token}
    return send(world, Request.parse("GET", url, headers, b""))


def claimed(world: World, **changes: Any) -> Response:
    return shown(world, f"Bearer {tokens.unsigned({**tokens.claims(world), **changes})}")


def code(response: Response) -> str:
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer authorization_uri="https://')
    assert 'error="invalid_token", error_description="' in response.headers["WWW-Authenticate"]
    assert response.headers["x-ms-request-id"]
    return str(response.body["error"]["code"])


def test_the_token_of_the_world_is_taken(world: World) -> None:
    assert claimed(world).status == 200


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer ", "Basic eDp5"])
def test_a_missing_token_is_refused(world: World, token: str | None) -> None:
    response = shown(world, token)
    assert code(response) == "AuthenticationFailed"
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer authorization_uri="https://login.windows.net/{world.tenant}", '
        'error="invalid_token", error_description="The authentication failed because of missing '
        "'Authorization' header.\""
    )


def test_the_challenge_names_no_tenant_where_the_path_has_none(world: World) -> None:
    url = "https://127.0.0.1:8443/tenants?api-version=2022-12-01"
    challenge = shown(world, None, url).headers["WWW-Authenticate"]
    assert 'authorization_uri="https://127.0.0.1:8443/"' in challenge


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "a.W10.c", "a.bnVsbA.c", "é.é.é"])
def test_what_is_no_token_is_refused(world: World, token: str) -> None:
    assert code(shown(world, f"Bearer {token}")) == "InvalidAuthenticationToken"


def test_a_token_of_another_tenant_is_refused(world: World) -> None:
    response = claimed(world, tid="elsewhere", iss="https://sts.windows.net/elsewhere/")
    assert code(response) == "InvalidAuthenticationTokenTenant"
    assert "wrong issuer 'https://sts.windows.net/elsewhere/'" in response.body["error"]["message"]


@pytest.mark.parametrize("audience", ["https://graph.microsoft.com", "", None])
def test_a_token_for_another_service_is_refused(world: World, audience: str | None) -> None:
    response = claimed(world, aud=audience)
    assert code(response) == "InvalidAuthenticationTokenAudience"
    assert "'https://management.azure.com'" in response.body["error"]["message"]


@pytest.mark.parametrize("audience", [*tokens.AUDIENCES, "https://management.azure.com"])
def test_all_of_its_own_names_are_taken(world: World, audience: str) -> None:
    assert claimed(world, aud=audience).status == 200


def test_an_expired_token_is_refused(world: World) -> None:
    token = f"Bearer {tokens.unsigned(tokens.claims(world, 60))}"
    world.now += 59
    assert shown(world, token).status == 200
    world.now += 1
    response = shown(world, token)
    assert code(response) == "ExpiredAuthenticationToken"
    assert response.body["error"]["message"] == (
        "The access token expiry UTC time '11/23/2026 12:01:01 PM' is earlier than current UTC "
        "time '11/23/2026 12:01:01 PM'."
    )


@pytest.mark.parametrize("ends", [None, "soon"])
def test_a_token_without_an_end_is_refused(world: World, ends: str | None) -> None:
    assert code(claimed(world, exp=ends)) == "InvalidAuthenticationToken"


def test_a_short_token_is_renewed_in_virtual_time(world: World) -> None:
    """The credential gives a new one before the end, however long a client lives."""
    credential = SandboxCredential(world, seconds=600)

    async def main() -> set[str]:
        seen = set()
        client = ResourceManagementClient(
            credential, SUBSCRIPTION[15:], transport=transport_to(world)
        )
        for _ in range(10):
            await client.resource_groups.get("rg-test")
            await client.resource_groups.get("rg-test")
            seen.add((await credential.get_token()).token)
            await transport_to(world).sleep(200)
        return seen

    assert len(clock.run(main(), world.now)) == 5
