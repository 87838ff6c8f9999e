"""The sandbox's own sign-in: an authority that gives tokens to one client and knows them again.

Sources: the OpenID documents as public copies show them, and Microsoft's list of AADSTS codes.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from arm_sandbox import failures, private, tokens
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World

ALGORITHM = "RS256"
CLIENT_CREDENTIALS = "client_credentials"


@dataclass(frozen=True)
class Authority:
    """It is kept in a directory of its own, not in the world: its secrets are real ones."""

    client_id: str
    client_secret: str = field(repr=False)
    pem: str = field(repr=False)
    """The key that signs the tokens."""
    speed: float = 1.0
    """Seconds of the world in one of the client's: a token lasts an hour of the client's time."""

    @classmethod
    def kept_in(cls, directory: Path, speed: float = 1.0) -> Authority:
        """The one that was made when it was first asked for."""
        return cls(**json.loads(private.kept(directory / "authority.json", _made)), speed=speed)

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return _key(self.pem).public_key()

    def token(self, world: World, audience: str) -> str:
        """A signed token for the world's principal, as a service principal, which has no UPN."""
        seconds = tokens.HOUR * self.speed
        claims = tokens.claims(world, seconds, audience, appid=self.client_id, idtyp="app")
        claims.pop("upn", None)
        return jwt.encode(claims, _key(self.pem), ALGORITHM, {"kid": self._key_id})

    def require_genuine(self, world: World, request: Request) -> None:
        """Raises Refusal for a token that somebody else has signed; `tokens.read` does the rest."""
        if not _is_signed(tokens.bearer(world, request), self.pem):
            raise tokens.invalid(world, request)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half of the key, as clients look it up."""
        shown = jwt.algorithms.RSAAlgorithm.to_jwk(self.public_key, as_dict=True)
        return {**shown, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}

    @property
    def _key_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, str(self.public_key.public_numbers().n)))


def answer(authority: Authority, world: World, request: Request) -> Response | None:
    """Answer what a client asks before it has a token; None for anything else."""
    for method, pattern, handler in ROUTES:
        match = re.fullmatch(pattern, request.path, re.IGNORECASE)
        if match and method == request.method:
            return handler(authority, world, request, **match.groupdict())
    return None


@cache
def _key(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the authority's key is no RSA key")
    return key


@lru_cache(maxsize=256)
def _is_signed(token: str, pem: str) -> bool:
    """Whether a token is signed with a key; a client shows the same one for an hour."""
    try:
        jwt.api_jws.decode(token, _key(pem).public_key(), [ALGORITHM])
    except jwt.InvalidTokenError:
        return False
    return True


def _made() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "client_id": str(uuid.uuid4()),
            "client_secret": secrets.token_urlsafe(30),
            "pem": pem.decode(),
        }
    )


# -- what the authority says of itself


def _openid(
    authority: Authority, world: World, request: Request, tenant: str, v2: str | None
) -> Response:
    if not _is_here(world, tenant):
        return _unknown_tenant(world, tenant, "invalid_tenant")
    here, version = f"{request.origin}/{tenant}", "/v2.0" if v2 else ""
    return Response(
        200,
        {
            "issuer": f"{here}{version or '/'}",
            "authorization_endpoint": f"{here}/oauth2{version}/authorize",
            "token_endpoint": f"{here}/oauth2{version}/token",
            "device_authorization_endpoint": f"{here}/oauth2{version}/devicecode",
            "end_session_endpoint": f"{here}/oauth2{version}/logout",
            "jwks_uri": f"{here}/discovery{version}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "response_types_supported": ["token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "WW",
        },
    )


def _keys(authority: Authority, world: World, request: Request, tenant: str) -> Response:
    return Response(200, {"keys": [authority.jwk]})


def _instance(authority: Authority, world: World, request: Request) -> Response:
    """What MSAL asks a public authority of: which hosts are one and the same."""
    host = request.origin.removeprefix("https://")
    known = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    openid = f"{request.origin}/{world.tenant}/v2.0/.well-known/openid-configuration"
    body = {"tenant_discovery_endpoint": openid, "api-version": "1.1", "metadata": [known]}
    return Response(200, body)


# -- signing in


def _token(
    authority: Authority, world: World, request: Request, tenant: str, v2: str | None
) -> Response:
    form = request.body if isinstance(request.body, dict) else {}
    refused = _refused(authority, world, form, tenant, bool(v2))
    if refused is not None:
        return refused
    audience = form["scope"].removesuffix("/.default") if v2 else form["resource"]
    seconds = int(tokens.HOUR)
    granted: dict[str, Any] = {"token_type": "Bearer", "expires_in": seconds}
    if not v2:
        # The older endpoint writes numbers as text, and says when in its own clock.
        ends = str(int(world.now) + seconds)
        granted = {k: str(v) for k, v in granted.items()}
        granted |= {"expires_on": ends, "not_before": str(int(world.now)), "resource": audience}
    granted["ext_expires_in"] = granted["expires_in"]
    return Response(200, {**granted, "access_token": authority.token(world, audience)})


def _refused(
    authority: Authority, world: World, form: dict[str, str], tenant: str, v2: bool
) -> Response | None:
    """What is wrong with a request for a token, if anything, in the order that Azure looks."""
    for name in ("grant_type", "client_id", "client_secret", "scope" if v2 else "resource"):
        if not form.get(name):
            message = f"The request body must contain the following parameter: '{name}'."
            return _error(world, 400, "invalid_request", 900144, message)
    if not _is_here(world, tenant):
        return _unknown_tenant(world, tenant, "invalid_request")
    if form["grant_type"] != CLIENT_CREDENTIALS:
        message = f"The app requested an unsupported grant type '{form['grant_type']}'."
        return _error(world, 400, "unsupported_grant_type", 70003, message)
    if v2 and not form["scope"].endswith("/.default"):
        message = f"The provided value for scope {form['scope']} is not valid."
        return _error(world, 400, "invalid_scope", 1002012, message)
    return _unknown_client(authority, world, form)


def _unknown_client(authority: Authority, world: World, form: dict[str, str]) -> Response | None:
    if form["client_id"].lower() != authority.client_id:
        message = (
            f"Application with identifier '{form['client_id']}' was not found in the directory "
            "'Sandbox'. This can happen if the application has not been installed by the "
            "administrator of the tenant or consented to by any user in the tenant. You may have "
            "sent your authentication request to the wrong tenant."
        )
        return _error(world, 400, "unauthorized_client", 700016, message)
    if not hmac.compare_digest(form["client_secret"].encode(), authority.client_secret.encode()):
        message = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{authority.client_id}'."
        )
        return _error(world, 401, "invalid_client", 7000215, message)
    if (failure := failures.sign_in(world)) is not None:
        number = int(failure.code.removeprefix("AADSTS"))
        return _error(world, 400, "invalid_grant", number, failure.message)
    return None


def _is_here(world: World, tenant: str) -> bool:
    """`adfs` is the one tenant of an authority that is no Entra; az can sign in to it, too."""
    return tenant.lower() in (world.tenant, "adfs")


def _unknown_tenant(world: World, tenant: str, error: str) -> Response:
    message = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant."
    )
    return _error(world, 400, error, 90002, message)


def _error(world: World, status: int, error: str, number: int, message: str) -> Response:
    """A refusal as Entra words it."""
    trace, at = world.guid("sign-in"), world.stamp[:19].replace("T", " ") + "Z"
    return Response(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {message} Trace ID: {trace} "
            f"Correlation ID: {trace} Timestamp: {at}",
            "error_codes": [number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": trace,
        },
    )


_TENANT = "/(?P<tenant>[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", rf"{_TENANT}(?P<v2>/v2\.0)?/\.well-known/openid-configuration", _openid),
    ("GET", rf"{_TENANT}/discovery(?:/v2\.0)?/keys", _keys),
    ("GET", "/common/discovery/instance", _instance),
    ("POST", rf"{_TENANT}/oauth2(?P<v2>/v2\.0)?/token", _token),
)
