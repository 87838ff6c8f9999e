"""Signing in to the sandbox: discovery, tokens, and whom the authority turns away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from arm_sandbox import discovery, tokens
from arm_sandbox.authority import Authority, answer
from arm_sandbox.discovery import ALIASES
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import send

ORIGIN = "https://127.0.0.1:8443"
AUDIENCE = "https://management.core.windows.net/"


@pytest.fixture(scope="module")
def sign_in(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.kept_in(tmp_path_factory.mktemp("authority"))


def get(sign_in: Authority, world: World, path: str) -> Response:
    request = Request.parse("GET", ORIGIN + path, {}, b"")
    response = discovery.answer(world, request) or answer(sign_in, world, request)
    assert response is not None
    return response


def post(sign_in: Authority, world: World, path: str, **form: str) -> Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    content = urlencode({name: value for name, value in form.items() if value}).encode()
    response = answer(sign_in, world, Request.parse("POST", ORIGIN + path, headers, content))
    assert response is not None
    return response


def form(sign_in: Authority, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": sign_in.client_id,
        "client_secret": sign_in.client_secret,
        "scope": f"{AUDIENCE}/.default",
        **changes,
    }


def bearing(token: str, path: str = "/subscriptions") -> Request:
    url = f"{ORIGIN}{path}?api-version=2022-12-01"
    return Request.parse("GET", url, {"Authorization": f"Bearer {token}"}, b"")


# -- discovery


def test_the_cloud_describes_itself_in_both_forms(sign_in: Authority, world: World) -> None:
    def shown(version: str) -> Any:
        return get(sign_in, world, f"/metadata/endpoints?api-version={version}").body

    cloud = shown("2022-09-01")
    assert shown("2019-05-01") == [cloud]
    assert cloud["name"] == "ArmSandbox"
    assert cloud["resourceManager"] == f"{ORIGIN}/"
    assert cloud["authentication"]["loginEndpoint"] == ORIGIN
    assert cloud["authentication"]["audiences"][0] == AUDIENCE
    assert cloud["suffixes"]


def test_nothing_in_it_leads_to_a_real_cloud(sign_in: Authority, world: World) -> None:
    """A token of the sandbox must not be sent elsewhere, nor anybody's question."""
    cloud = get(sign_in, world, "/metadata/endpoints?api-version=2022-09-01").body
    addresses = [v for v in cloud.values() if isinstance(v, str) and v.startswith("https://")]
    assert len(addresses) > 5
    assert all(address.startswith(ORIGIN) for address in addresses)
    assert all(suffix.endswith(".invalid") for suffix in cloud["suffixes"].values())


def test_the_image_aliases_name_images_that_are_there(sign_in: Authority, world: World) -> None:
    shown = get(sign_in, world, "/metadata/image-aliases").body["outputs"]["aliases"]["value"]
    assert shown["Windows"]["Win2022Datacenter"]["sku"] == "2022-datacenter-g2"
    aliases = {**shown["Windows"], **shown["Linux"]}
    assert aliases.keys() == ALIASES.keys()
    assert all(alias["architecture"] == "x64" for alias in aliases.values())


@pytest.mark.parametrize(
    ("path", "token", "issuer"),
    [
        ("/{tenant}/v2.0", "/{tenant}/oauth2/v2.0/token", "/{tenant}/v2.0"),
        ("/{tenant}", "/{tenant}/oauth2/token", "/{tenant}/"),
        ("/adfs", "/adfs/oauth2/token", "/adfs/"),
    ],
)
def test_openid_configuration(
    sign_in: Authority, world: World, path: str, token: str, issuer: str
) -> None:
    here = path.format(tenant=world.tenant)
    shown = get(sign_in, world, f"{here}/.well-known/openid-configuration").body
    assert shown["token_endpoint"] == ORIGIN + token.format(tenant=world.tenant)
    assert shown["issuer"] == ORIGIN + issuer.format(tenant=world.tenant)
    assert shown["authorization_endpoint"].startswith(ORIGIN)
    assert shown["device_authorization_endpoint"].startswith(ORIGIN)


def test_an_unknown_tenant_has_no_configuration(sign_in: Authority, world: World) -> None:
    response = get(sign_in, world, "/nobody/v2.0/.well-known/openid-configuration")
    assert response.status == 400
    assert response.body["error"] == "invalid_tenant"
    assert "AADSTS90002: Tenant 'nobody' not found." in response.body["error_description"]


def test_instance_discovery_leads_back_here(sign_in: Authority, world: World) -> None:
    shown = get(sign_in, world, "/common/discovery/instance?api-version=1.1").body
    assert shown["tenant_discovery_endpoint"].startswith(f"{ORIGIN}/{world.tenant}/")


# -- tokens


def test_a_token_is_taken_and_verifiable_by_anybody(sign_in: Authority, world: World) -> None:
    granted = post(sign_in, world, f"/{world.tenant}/oauth2/v2.0/token", **form(sign_in)).body
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    jwks = get(sign_in, world, f"/{world.tenant}/discovery/v2.0/keys").body
    key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(granted["access_token"])["kid"]]
    said = json.loads(jwt.PyJWS().decode(granted["access_token"], key, ["RS256"]))
    assert (said["tid"], said["appid"]) == (world.tenant, sign_in.client_id)
    assert (said["oid"], said["idtyp"]) == (world.principal["oid"], "app")
    assert "upn" not in said
    sign_in.require_genuine(world, bearing(granted["access_token"]))
    assert send(world, bearing(granted["access_token"])).status == 200


def test_the_older_endpoint_takes_a_resource(sign_in: Authority, world: World) -> None:
    asked = form(sign_in, scope="", resource="https://management.azure.com/")
    granted = post(sign_in, world, f"/{world.tenant}/oauth2/token", **asked).body
    assert granted["expires_in"] == granted["ext_expires_in"] == "3600"
    assert granted["expires_on"] == str(int(world.now) + 3600)
    assert send(world, bearing(granted["access_token"])).status == 200


def test_adfs_gives_tokens_too(sign_in: Authority, world: World) -> None:
    asked = form(sign_in, scope="", resource=AUDIENCE)
    assert post(sign_in, world, "/adfs/oauth2/token", **asked).status == 200


def test_a_token_lasts_an_hour_of_the_clients_time(world: World, tmp_path: Path) -> None:
    fast = Authority.kept_in(tmp_path, speed=60)
    asked = bearing(fast.token(world, AUDIENCE))
    world.now += 60 * 3599
    assert send(world, asked).status == 200
    world.now += 60
    assert send(world, asked).body["error"]["code"] == "ExpiredAuthenticationToken"


def test_a_token_for_another_service_is_given_and_not_taken(
    sign_in: Authority, world: World
) -> None:
    asked = form(sign_in, scope="https://graph.microsoft.com/.default")
    granted = post(sign_in, world, f"/{world.tenant}/oauth2/v2.0/token", **asked).body
    refused = send(world, bearing(granted["access_token"]))
    assert refused.body["error"]["code"] == "InvalidAuthenticationTokenAudience"


@pytest.mark.parametrize("sign", [tokens.unsigned, "other"])
def test_a_token_that_somebody_else_has_signed_is_refused(
    sign_in: Authority, world: World, tmp_path: Path, sign: Any
) -> None:
    other = Authority.kept_in(tmp_path)
    foreign = other.token(world, AUDIENCE) if sign == "other" else sign(tokens.claims(world))
    with pytest.raises(Refusal, match="401 InvalidAuthenticationToken"):
        sign_in.require_genuine(world, bearing(foreign))


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "guessed"}, 401, "invalid_client", 7000215),
        ({"client_id": "11111111-0000-4000-8000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"client_secret": ""}, 400, "invalid_request", 900144),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://management.azure.com/user"}, 400, "invalid_scope", 1002012),
    ],
)
def test_who_asks_wrongly_is_told_as_entra_does(
    sign_in: Authority, world: World, changes: dict[str, str], status: int, error: str, number: int
) -> None:
    path = f"/{world.tenant}/oauth2/v2.0/token"
    response = post(sign_in, world, path, **form(sign_in, **changes))
    assert (response.status, response.body["error"]) == (status, error)
    assert response.body["error_codes"] == [number]
    assert response.body["error_description"].startswith(f"AADSTS{number}: ")
    assert sign_in.client_secret not in str(response.body)


def test_another_tenant_gets_no_token(sign_in: Authority, world: World) -> None:
    response = post(sign_in, world, "/nobody/oauth2/v2.0/token", **form(sign_in))
    assert response.body["error_codes"] == [90002]


def test_the_rest_is_not_for_the_authority(sign_in: Authority, world: World) -> None:
    assert answer(sign_in, world, bearing("x")) is None


def test_it_stays_the_same_in_its_directory(tmp_path: Path) -> None:
    assert Authority.kept_in(tmp_path) == Authority.kept_in(tmp_path)
    assert (tmp_path / "authority.json").stat().st_mode & 0o077 == 0


def test_it_shows_no_secret(sign_in: Authority) -> None:
    assert sign_in.client_secret not in repr(sign_in)
    assert "PRIVATE" not in repr(sign_in)
