"""How patchctl reaches the real Azure: one credential and one transport for all clients."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AsyncHttpTransport, AsyncioRequestsTransport

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential

    from patchctl.clients import Cloud

RENEW = 300
"""Seconds before its end at which a token is fetched anew, as azure-core does."""


class FinishingTransport(AsyncHttpTransport[Any, Any]):
    """Finishes the request in hand before it lets itself be interrupted.

    An answer that is thrown away would leave nobody knowing whether Azure has done the thing. It
    speaks through `requests`, and so honours the proxy variables and REQUESTS_CA_BUNDLE.
    """

    def __init__(self) -> None:
        self._requests = AsyncioRequestsTransport()

    async def send(self, request: Any, **kwargs: Any) -> Any:
        sending = asyncio.ensure_future(self._requests.send(request, **kwargs))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending])
            raise

    async def open(self) -> None:
        await self._requests.open()

    async def close(self) -> None:
        await self._requests.close()

    async def __aexit__(self, *args: object) -> None:
        """One transport serves all clients: no client may close it for the others."""


class SharedCredential:
    """Fetches one token for all clients, however many ask at once.

    Without it each client would have the Azure CLI start once more.
    """

    def __init__(self, cloud: Cloud, tenant: str | None) -> None:
        self._cloud, self._tenant = cloud, tenant
        self._fetching = asyncio.Lock()
        self._tokens: dict[tuple[str, ...], AccessToken] = {}

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        async with self._fetching:
            token = self._tokens.get(scopes)
            if claims or token is None or token.expires_on - time.time() < RENEW:
                token = await asyncio.to_thread(self._fetch, scopes, claims)
                self._tokens[scopes] = token
            return token

    def _fetch(self, scopes: tuple[str, ...], claims: str | None) -> AccessToken:
        return self._ordinary.get_token(*scopes, claims=claims, tenant_id=self._tenant)

    @property
    def _ordinary(self) -> DefaultAzureCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(authority=self._cloud.authority)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def __aenter__(self) -> SharedCredential:
        return self

    async def __aexit__(self, *args: object) -> None:
        """Nothing is kept open."""
