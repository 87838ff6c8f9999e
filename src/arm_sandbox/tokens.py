"""Bearer tokens: what one says, and which ones Resource Manager refuses.

The words of the refusals are from public threads: the challenge from the many clients that read the
tenant out of it, expiry and audience from Microsoft's own documentation and issues.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from arm_sandbox.wire import Refusal, Request
from arm_sandbox.world import World

Claims = dict[str, Any]

AUDIENCES = (
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
)
HOUR = 3600.0
"""How long a token lasts (Microsoft's default is 60 to 90 minutes)."""


def claims(
    world: World, seconds: float = HOUR, audience: str = AUDIENCES[0], **more: str
) -> Claims:
    """What a token for the world's principal says; it lasts for `seconds` of the world's time."""
    now = int(world.now)
    return {
        "aud": audience,
        "iss": issuer(world.tenant),
        "iat": now,
        "nbf": now,
        "exp": int(now + seconds),
        "tid": world.tenant,
        "ver": "1.0",
        **world.principal,
        **more,
    }


def issuer(tenant: str) -> str:
    return f"https://sts.windows.net/{tenant}/"


def unsigned(claims: Claims) -> str:
    """A token that nobody has signed: good enough inside one process."""
    return ".".join([*(_encoded(part) for part in ({"alg": "none", "typ": "JWT"}, claims)), ""])


def bearer(world: World, request: Request) -> str:
    """The token of a request. Raises Refusal where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise refusal(
            world,
            request,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
            why="The authentication failed because of missing 'Authorization' header.",
        )
    return token.strip()


def read(world: World, request: Request) -> Claims:
    """What the token of a request says. Raises Refusal where Resource Manager does not take it.

    Whether it is genuine is for whoever lets requests in from outside; see `authority`.
    """
    said = _decoded(bearer(world, request))
    if said is None:
        raise invalid(world, request)
    _require_tenant(world, request, said)
    _require_audience(world, request, said)
    _require_unexpired(world, request, said)
    return said


@dataclass(frozen=True)
class Caller:
    """Who sent a request, and the name that refusals call them by."""

    oid: str
    name: str


def caller(world: World, request: Request) -> Caller:
    said = read(world, request)
    oid = str(said.get("oid", ""))
    return Caller(oid, str(said.get("upn") or said.get("appid") or oid))


def invalid(world: World, request: Request) -> Refusal:
    return refusal(world, request, "InvalidAuthenticationToken", "The access token is invalid.")


def expired(world: World, request: Request, ends: float) -> Refusal:
    return refusal(
        world,
        request,
        "ExpiredAuthenticationToken",
        f"The access token expiry UTC time '{american(ends)}' is earlier than current UTC time "
        f"'{american(world.now)}'.",
    )


def refusal(world: World, request: Request, code: str, message: str, *, why: str = "") -> Refusal:
    """A 401 with a challenge that says where to sign in; a subscription's path tells the tenant."""
    tenant = world.tenant if request.path.lower().startswith("/subscriptions/") else ""
    challenge = (
        f'Bearer authorization_uri="{_sign_in(request)}/{tenant}", error="invalid_token", '
        f'error_description="{why or message}"'
    )
    headers = {"WWW-Authenticate": challenge, "x-ms-failure-cause": "gateway"}
    return Refusal(401, code, message, shape="arm", headers=headers)


def _sign_in(request: Request) -> str:
    """The authority's address: the sandbox is its own, and Azure's has a host of its own."""
    azure = request.origin == "https://management.azure.com"
    return "https://login.windows.net" if azure else request.origin


def _require_tenant(world: World, request: Request, said: Claims) -> None:
    if said.get("tid") != world.tenant:
        raise refusal(
            world,
            request,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{said.get('iss', '')}'. It must match "
            f"the tenant '{issuer(world.tenant)}' associated with this subscription. Please use "
            f"the authority (URL) '{_sign_in(request)}/{world.tenant}' to get the token.",
        )


def _require_audience(world: World, request: Request, said: Claims) -> None:
    """The endpoint's own address counts too: a client that knows nothing else asks for it."""
    own = (f"{request.origin}/", request.origin)
    if said.get("aud") not in (*AUDIENCES, *own):
        allowed = dict.fromkeys((*AUDIENCES, *own))
        raise refusal(
            world,
            request,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource "
            f"'{said.get('aud', '')}'. It should exactly match with one of the allowed audiences "
            f"{','.join(repr(audience) for audience in allowed)}.",
        )


def _require_unexpired(world: World, request: Request, said: Claims) -> None:
    ends = said.get("exp")
    if not isinstance(ends, (int, float)):
        raise invalid(world, request)
    if ends <= world.now:
        raise expired(world, request, ends)


def american(seconds: float) -> str:
    """A time as .NET writes it: `8/21/2018 3:22:00 PM`."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S %p}"


def _encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@lru_cache(maxsize=32)
def _decoded(token: str) -> Claims | None:
    """The claims of a token, or None for what is no token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
