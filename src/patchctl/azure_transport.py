"""How patchctl reaches the real Azure: one credential and one transport for all clients."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AsyncHttpTransport, AsyncioRequestsTransport

from patchctl.debug_log import tell
from patchctl.errors import BadInput

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from patchctl.clouds import Cloud

P = ParamSpec("P")
T = TypeVar("T")
RENEW = 300
"""Seconds before its end at which a token is fetched anew, as azure-core does."""


def trusted() -> str | bool:
    """The file of certificates to trust where the environment names one, else the usual ones.

    `requests` goes by the first two as az does; SSL_CERT_FILE is what OpenSSL goes by.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if file := os.environ.get(name):
            if not Path(file).exists():
                raise BadInput([f"{name}: {file} is not there"], f"Mend or unset {name}.")
            return file
    return True


def ordinary_credential(cloud: Cloud) -> TokenCredential:
    """Whoever is signed in to Azure on this machine."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(authority=cloud.authority, connection_verify=trusted())


class Abandonable(ThreadPoolExecutor):
    """Threads that nobody waits for: who stops at once leaves the request in hand behind.

    Those of `concurrent.futures` are joined when Python ends, however long an answer takes.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future, call = Future[T](), partial(fn, *args, **kwargs)
        if future.set_running_or_notify_cancel():
            threading.Thread(target=_work, args=(future, call), daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""


def _work(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
        del future, call  # its traceback would keep the answer alive, and so the connection open


class SharedTransport(AsyncHttpTransport[Any, Any]):
    """Speaks through `requests`, and so honours the proxy variables."""

    def __init__(self) -> None:
        self._requests = AsyncioRequestsTransport(connection_verify=trusted())

    async def send(self, request: Any, **kwargs: Any) -> Any:
        return await self._requests.send(request, **kwargs)

    async def open(self) -> None:
        await self._requests.__aenter__()

    async def close(self) -> None:
        await self._requests.__aexit__()

    async def __aexit__(self, *args: object) -> None:
        """One transport serves all clients: no client may close it for the others."""


class SharedCredential:
    """Fetches one token for all clients, however many ask at once.

    Without it each client would have the Azure CLI start once more.
    """

    def __init__(self, make: Callable[[], TokenCredential], tenant: str | None) -> None:
        self._make, self._tenant = make, tenant
        self._fetching = asyncio.Lock()
        self._tokens: dict[tuple[str, ...], AccessToken] = {}

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        refused: str | None = None,
        **kwargs: Any,
    ) -> AccessToken:
        """`refused`: a token that Azure took no longer, so that it is not given once more."""
        async with self._fetching:
            token = self._tokens.get(scopes)
            if (
                token is None
                or token.expires_on - time.time() < RENEW
                or token.token == refused
                or claims
            ):
                token = await asyncio.to_thread(self._fetch, scopes, claims)
                self._tokens[scopes] = token
                tell(signed_in_for=list(scopes), until=token.expires_on)
            return token

    def _fetch(self, scopes: tuple[str, ...], claims: str | None) -> AccessToken:
        return self._make().get_token(*scopes, claims=claims, tenant_id=self._tenant)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def __aenter__(self) -> SharedCredential:
        return self

    async def __aexit__(self, *args: object) -> None:
        """Nothing is kept open."""
