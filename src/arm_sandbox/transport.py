"""How the Azure SDK reaches a world: an azure-core transport and a credential, both in process."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError, ResponseNotReadError
from azure.core.pipeline.transport import AsyncHttpResponse, AsyncHttpTransport
from azure.core.utils import case_insensitive_dict

from arm_sandbox import clock, failures, faults, tokens
from arm_sandbox.app import respond
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World

Watcher = Callable[[Request, Response], None]
"""Sees each exchange; called before the answer is given."""


class SandboxTransport(AsyncHttpTransport[Any, Any]):
    """Answers the SDK's `aio` clients from a world, on the clock of the running event loop."""

    def __init__(self, world: World, watchers: tuple[Watcher, ...] = ()) -> None:
        self.world = world
        self._watchers = watchers

    async def send(self, request: Any, **kwargs: Any) -> SandboxResponse:
        self.world.now = max(self.world.now, clock.now())
        asked = Request.parse(request.method, request.url, dict(request.headers), _content(request))
        fault = faults.strike(self.world, asked)
        response = await self._answer(asked, fault)
        if response.seconds:
            await asyncio.sleep(response.seconds)
        if not _is_newer(request):
            return SandboxResponse(request, response)
        return NewerResponse(request, response, streamed=bool(kwargs.get("stream")))

    async def _answer(self, asked: Request, fault: str) -> Response:
        """What arrives as the answer. Raises azure-core's exceptions where none does."""
        first, last = faults.waits(fault)
        if first:
            await asyncio.sleep(first)
        faults.before(fault, self.world, asked)
        response = faults.instead(fault, self.world, asked) or respond(self.world, asked)
        for watcher in self._watchers:
            watcher(asked, response)
        if last:
            await asyncio.sleep(last)
        return faults.after(fault, self.world, asked, response)

    async def open(self) -> None:
        """There is no connection to open."""

    async def close(self) -> None:
        """One transport serves all clients, so none of them may close it."""

    async def __aexit__(self, *args: object) -> None:
        """See `close`."""


def _is_newer(request: Any) -> bool:
    """Of which of azure-core's two generations a request is, and so must be its answer."""
    return hasattr(request, "content")


def _content(request: Any) -> bytes:
    content = request.content if _is_newer(request) else request.body
    if content is None:
        return b""
    return content if isinstance(content, bytes) else str(content).encode()


class SandboxResponse(AsyncHttpResponse):
    """A response of the older generation of azure-core, which reads itself when asked for its body.

    As of `AsyncioRequestsTransport`: it has neither `read` nor `load_body`.
    """

    def __init__(self, request: Any, response: Response) -> None:
        super().__init__(request, response)
        self.status_code = response.status
        self.reason = http.HTTPStatus(response.status).phrase
        self.headers: MutableMapping[str, str] = case_insensitive_dict(response.headers)
        self.content_type = self.headers.get("Content-Type")
        self._content = response.content

    def body(self) -> bytes:
        return self._content

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        yield self._content

    def stream_download(self, pipeline: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        return self.iter_bytes()


class NewerResponse(SandboxResponse):
    """A response of the newer generation. What is streamed has to be read first, as azure-core's
    own have: the answers to all that begins an operation."""

    is_stream_consumed = True
    is_closed = True

    def __init__(self, request: Any, response: Response, *, streamed: bool) -> None:
        super().__init__(request, response)
        self._is_read = not streamed

    @property
    def content(self) -> bytes:
        """Raises azure-core's ResponseNotReadError for a stream that nobody has read."""
        if not self._is_read:
            raise ResponseNotReadError(self)
        return self._content

    def body(self) -> bytes:
        return self.content

    def json(self) -> Any:
        return json.loads(self.content)

    async def read(self) -> bytes:
        self._is_read = True
        return self.content

    async def close(self) -> None:
        """Nothing to close."""


class SandboxCredential:
    """Signs in as the world's principal. The token is no secret: nothing but a sandbox takes it.

    azure-core compares a token's end with the real time, which virtual time may be far ahead of. So
    a token lasts a century, or `seconds` of virtual time: then azure-core is told that it has ended
    already, asks before each request, and is given a new one 300 seconds before the end.
    """

    CENTURY = 100 * 365 * 86400.0
    RENEW = 300.0

    def __init__(self, world: World, seconds: float = CENTURY) -> None:
        self._world, self._seconds = world, seconds
        self._claims: tokens.Claims = {"exp": 0}

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Raises what azure-identity does where the world is told that signing in fails."""
        if (failure := failures.sign_in(self._world)) is not None:
            said = ": ".join(part for part in (failure.code, failure.message) if part)
            raise ClientAuthenticationError(f"Authentication failed: {said}")
        return AccessToken(self._token(), self._told())

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        token = await self.get_token()
        return AccessTokenInfo(token.token, token.expires_on)

    def _told(self) -> int:
        return int(self._claims["exp"]) if self._seconds == self.CENTURY else 0

    def _token(self) -> str:
        if self._claims["exp"] - self._world.now <= min(self.RENEW, self._seconds / 2):
            self._claims = tokens.claims(self._world, self._seconds)
        return tokens.unsigned(self._claims)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> SandboxCredential:
        return self

    async def __aexit__(self, *args: object) -> None:
        """Nothing to close."""
