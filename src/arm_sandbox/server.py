"""A world over HTTPS, on this machine only: its clock follows the wall's, `speed` times as fast."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from arm_sandbox import authority, certificates, discovery, serving
from arm_sandbox.app import respond, settle, standard_headers
from arm_sandbox.authority import Authority
from arm_sandbox.serving import Serving
from arm_sandbox.store import Store
from arm_sandbox.transport import Watcher
from arm_sandbox.wire import Refusal, Request, Response, gateway
from arm_sandbox.world import World

HOST = "127.0.0.1"
PORT = 8443
SPEED = 60.0
"""A minute of the world passes in a second of yours."""
TICK = 0.25
"""Real seconds between looks at what is due when nobody asks."""
INTERVAL = 30
"""Seconds between polls that azure-core takes where a service says nothing."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a request, which is Resource Manager's limit, too."""
GRACE = 5
"""Real seconds that requests in hand have to be finished in, once it is told to stop."""
OUT_OF_ORDER = Response(
    500,
    {"error": {"code": "InternalServerError", "message": "The sandbox has a fault; see its log."}},
    {"Content-Type": "application/json; charset=utf-8"},
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger("arm_sandbox")


class Endpoint:
    """A world as an ASGI application. Every write is on disk before it is answered."""

    def __init__(
        self,
        world: World,
        store: Store,
        authority: Authority,
        watchers: tuple[Watcher, ...] = (),
    ) -> None:
        self._world, self._store, self._authority = world, store, authority
        self._watchers = watchers
        self._start, self._began = world.now, time.monotonic()
        self._changes = self._saved = 0
        self._saving = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            response = self._answered(scope, await _body(receive))
            if scope["method"] not in ("GET", "HEAD"):
                self._changes += 1
                await self._save()
        except Exception:  # the last net: a client is owed an answer in the form it knows
            log.exception("%s %s", scope["method"], scope["path"])
            response = OUT_OF_ORDER
        if response.seconds:
            await asyncio.sleep(response.seconds / self._authority.speed)
        await _send(send, response)

    def _answered(self, scope: Message, content: bytes) -> Response:
        self._catch_up()
        try:
            request = _request(scope, content)
        except Refusal as refusal:
            return refusal.response()
        response = self._respond(request)
        for watch in self._watchers:
            watch(request, response)
        return at_speed(response, self._authority.speed)

    def _respond(self, request: Request) -> Response:
        """What is asked before signing in; the rest by the world, if the token is genuine."""
        before = discovery.answer(self._world, request) or authority.answer(
            self._authority, self._world, request
        )
        if before is not None:
            return before.with_headers(standard_headers(self._world, request))
        try:
            if "authorization" in request.headers:
                self._authority.require_genuine(self._world, request)
        except Refusal as refusal:
            return refusal.response().with_headers(standard_headers(self._world, request))
        return respond(self._world, request)

    def _catch_up(self) -> None:
        """Let everything happen that is due by now."""
        now = self._start + (time.monotonic() - self._began) * self._authority.speed
        coming = self._world.happenings
        self._changes += bool(coming and coming[0].due <= now)
        settle(self._world, now)

    async def _save(self) -> None:
        """Wait until all changes so far are on disk. One write serves everybody who waits."""
        mine = self._changes
        async with self._saving:
            if self._saved < mine:
                newest, write = self._changes, self._store.snapshot(self._world)
                await asyncio.to_thread(write)
                self._saved = newest

    async def _live(self, receive: Receive, send: Send) -> None:
        """From the server's start to its end."""
        await receive()
        ticking = asyncio.create_task(self._tick())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ticking.cancel()
        self._catch_up()
        self._changes += 1
        await self._save()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        """Time passes with nobody asking, too."""
        while True:
            await asyncio.sleep(TICK)
            try:
                self._catch_up()
                await self._save()
            except Exception:  # the next tick tries again
                log.exception("time could not pass")


def at_speed(response: Response, speed: float) -> Response:
    """The same answer for a client whose time is the wall's: how long to wait, at least 1 second.

    Where the service says nothing a client takes an interval of its own, which is made short, too.
    """
    asked = response.headers.get("Retry-After") or (INTERVAL if _goes_on(response) else None)
    if speed == 1 or asked is None:
        return response
    seconds = max(1, math.ceil(float(asked) / speed))
    return replace(response, headers={**response.headers, "Retry-After": str(seconds)})


def _goes_on(response: Response) -> bool:
    """Whether it tells of an operation that has not ended."""
    status = response.body.get("status") if isinstance(response.body, dict) else None
    begun = response.status == 202 or "Azure-AsyncOperation" in response.headers
    return begun or status in ("InProgress", "Running", "Accepted")


async def _body(receive: Receive) -> bytes:
    content = b""
    while len(content) <= LARGEST:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            break
    return content


def _request(scope: Message, content: bytes) -> Request:
    """The request as the client meant it. Raises Refusal where it cannot be read."""
    if len(content) > LARGEST:
        message = f"The request content size exceeds the maximum size of {LARGEST} bytes."
        raise gateway(413, "RequestContentTooLarge", message)
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    url = f"https://{headers.get('host', HOST)}{path}?{query}"
    return Request.parse(scope["method"], url, headers, content)


async def _send(send: Send, response: Response) -> None:
    content = response.content
    headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in response.headers.items()]
    if response.status != 204:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class _Listener(uvicorn.Server):
    """uvicorn's server, except that its end does not wait for clients to say good-bye over TLS."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hang_up(
            lambda connection: connection.cycle is None or connection.cycle.response_complete
        )
        await super().shutdown(sockets)
        self._hang_up(lambda connection: True)
        await asyncio.sleep(0)

    def _hang_up(self, when: Callable[[Any], bool]) -> None:
        for connection in list(self.server_state.connections):
            if when(connection):
                connection.transport.abort()


@contextlib.contextmanager
def running(
    world: World,
    store: Store,
    *,
    port: int = 0,
    speed: float = SPEED,
    watchers: tuple[Watcher, ...] = (),
) -> Iterator[Serving]:
    """A server in a thread, until the end of the block; the world is saved then.

    Whoever calls it holds the store's lock. Raises OSError where the port is taken; 0 is any.
    """
    directory = serving.directory_in(store.directory)
    with socket.create_server((HOST, port)) as listening:
        told = Serving(
            f"https://{HOST}:{listening.getsockname()[1]}",
            os.getpid(),
            world.tenant,
            next(iter(world.subscriptions)),
            speed,
        )
        endpoint = Endpoint(world, store, Authority.kept_in(directory, speed), watchers)
        server = _Listener(_config(endpoint, certificates.issue(directory)))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            with serving.announced(store.directory, told):
                yield told
        finally:
            server.should_exit = True
            thread.join()


def _config(endpoint: Endpoint, certificate: Path) -> uvicorn.Config:
    return uvicorn.Config(
        endpoint,
        ssl_certfile=certificate,
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE,
    )


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block, and nothing more."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        yield
    signal.signal(signal.SIGTERM, before)
