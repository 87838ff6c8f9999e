"""An endpoint that is no known cloud: what it says of itself, and credentials that are its own.

A token or a secret of a real authority never goes there. The AZURE_* variables name a client of the
authority in AZURE_AUTHORITY_HOST (of the public cloud's where that is not set), so they are used
only where that is the endpoint's own authority, on the endpoint's own host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest

from patchctl.azure_transport import SharedTransport, trusted
from patchctl.clouds import Cloud
from patchctl.debug_log import tell
from patchctl.errors import NotSignedIn, PatchctlError
from patchctl.translation import code_and_message, first_line

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

SANDBOX = "ArmSandbox"
"""What the sandbox calls its cloud."""
VARIABLES = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
OWN = (
    "Set AZURE_AUTHORITY_HOST to it, and AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET "
    "to a client of its own (patchctl sandbox env shows the sandbox's), then run the same command "
    "again: {again}"
)


@dataclass(frozen=True)
class Described:
    """What an endpoint says of itself."""

    cloud: Cloud
    tenant: str
    is_sandbox: bool
    now: datetime
    """Its clock; a sandbox has one of its own."""


async def described(transport: SharedTransport, url: str) -> Described:
    """Ask an endpoint where one signs in. Raises PatchctlError where it does not say so."""
    status, headers, content = await _asked(transport, url)
    try:
        return _read(url, json.loads(content), headers.get("Date"))
    except (ValueError, KeyError, IndexError, TypeError):
        raise PatchctlError(
            "NoResourceManager",
            f"{url} does not say where to sign in, as a Resource Manager does: its answer to "
            f"GET /metadata/endpoints has status {status}",
        ) from None


async def _asked(transport: SharedTransport, url: str) -> tuple[int, Mapping[str, str], bytes]:
    request = HttpRequest("GET", f"{url}/metadata/endpoints", params={"api-version": "2022-09-01"})
    try:
        async with await transport.send(request) as response:
            tell(method=request.method, url=request.url, status=response.status_code)
            return response.status_code, response.headers, await response.read()
    except (ServiceRequestError, ServiceResponseError) as error:
        raise PatchctlError(
            "NoConnection",
            f"{url} could not be reached: {first_line(str(error))}",
            "See that it runs, and that REQUESTS_CA_BUNDLE or SSL_CERT_FILE names the certificate "
            "authority of its certificate, then run the same command again: {again}",
        ) from None


def _read(url: str, document: Any, date: str | None) -> Described:
    authentication = document["authentication"]
    scope = f"{authentication['audiences'][0]}/.default"
    return Described(
        Cloud(url, scope, str(authentication["loginEndpoint"]).rstrip("/")),
        str(authentication.get("tenant", "")),
        document.get("name") == SANDBOX,
        parsedate_to_datetime(date) if date else datetime.now(UTC),
    )


class OwnCredential:
    """The client that the environment names, where it is one of the endpoint's own authority."""

    def __init__(self, place: Described, tenant: str | None) -> None:
        self._cloud = place.cloud
        self._tenant = tenant or os.environ.get("AZURE_TENANT_ID") or place.tenant
        _require_own_authority(place.cloud)
        self._client = tuple(os.environ.get(name, "") for name in VARIABLES)
        if not all(self._client):
            missing = " and ".join(n for n in VARIABLES if not os.environ.get(n))
            raise NotSignedIn(
                "NoCredential", f"{missing}: not set, and {place.cloud.endpoint} needs one.", OWN
            )

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        from azure.identity import ClientSecretCredential

        id, secret = self._client
        with ClientSecretCredential(
            self._tenant,
            id,
            secret,
            authority=self._cloud.authority,
            disable_instance_discovery=True,
            connection_verify=trusted(),
        ) as credential:
            try:
                return credential.get_token(*scopes, **kwargs)
            except ClientAuthenticationError as error:
                code, message = code_and_message(error)
                refused = f"{self._cloud.authority} did not accept AZURE_CLIENT_ID: {message}"
                raise NotSignedIn(code, refused, OWN) from None


def _require_own_authority(cloud: Cloud) -> None:
    """Raises NotSignedIn where a secret would go to somebody whose it is not."""
    offered, host = urlsplit(cloud.authority), urlsplit(cloud.endpoint).hostname
    if offered.scheme != "https" or offered.hostname != host:
        raise NotSignedIn(
            "ForeignAuthority",
            f"{cloud.endpoint} wants a sign-in at {cloud.authority}, which is not on its own host. "
            "patchctl sends a real authority's token to known clouds only.",
        )
    meant = os.environ.get("AZURE_AUTHORITY_HOST") or "login.microsoftonline.com"
    if _address(meant) != _address(cloud.authority):
        raise NotSignedIn(
            "ForeignCredential",
            f"The credentials here are for {meant}, and {cloud.endpoint} has an authority of its "
            f"own, {cloud.authority}. A real authority's are never sent there.",
            OWN,
        )


def _address(authority: str) -> str:
    """Host and port of an authority, which may be written with or without https://."""
    return urlsplit(authority if "//" in authority else f"//{authority}").netloc.lower()
