"""What Azure is at work on for us: operations that have begun and were not seen to end."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

ADDRESSES = ("Azure-AsyncOperation", "Location")
"""Headers that say where an operation is polled, the better one first (async-operations.md)."""
ENDED = ("succeeded", "failed", "canceled", "cancelled", "registered")
REGISTER = "/register?"
"""A registration has no address of its own: the provider is asked after its state."""
VERBS = {"PUT": "making", "PATCH": "changing", "DELETE": "deleting", "POST": "with"}


class Operations:
    """The operations of a connection, kept by the address at which each is asked after."""

    def __init__(self) -> None:
        self._running: dict[str, str] = {}
        self.abandoned = False
        """Whether nobody waits for answers any more: then nothing is asked either."""

    @property
    def told(self) -> str:
        """A sentence that names them."""
        if not self._running:
            return "Nothing that this run began is under way in Azure."
        return f"Azure goes on {', '.join(self._running.values())}."

    def saw(self, asked: Any, answer: Any) -> None:
        """Learn from an answer what has begun, goes on or has ended."""
        if answer.status_code >= 400:
            return
        if what := self._running.pop(asked.url, ""):
            going = answer.status_code == 202 or _state(asked, answer) not in ("", *ENDED)
        else:
            going = asked.method in VERBS and _begins(asked, answer)
        if going:
            self._running[_address(asked, answer)] = what or _named(asked.method, asked.url)


def _begins(asked: Any, answer: Any) -> bool:
    """But for the tags of who is at work, which nobody follows to their end."""
    if urlsplit(asked.url).path.endswith("/providers/Microsoft.Resources/tags/default"):
        return False
    operation = answer.status_code == 202 or bool(answer.headers.get(ADDRESSES[0]))
    return operation or REGISTER in asked.url


def _address(asked: Any, answer: Any) -> str:
    """Where an operation is asked after."""
    told = (answer.headers[name] for name in ADDRESSES if answer.headers.get(name))
    return str(next(told, asked.url.replace(REGISTER, "?")))


def _state(asked: Any, answer: Any) -> str:
    """What the body of an answer says of the operation, if it says something.

    Only a poll's is read by now: what begins an operation comes as a stream.
    """
    if asked.method != "GET":
        return ""
    try:
        body = json.loads(answer.text())
    except ValueError:
        return ""
    said = body if isinstance(body, dict) else {}
    return str(said.get("status") or said.get("registrationState") or "").lower()


def _named(method: str, url: str) -> str:
    """What is done to what: `making virtualMachines/vm-demo-0e0e0e`."""
    *_, type, name, action = ("", *urlsplit(url).path.split("/"))
    of = f"{action} of {type}/{name}" if method == "POST" else f"{name}/{action}"
    return f"{VERBS[method]} {of}"


class Finishing:
    """A policy of azure-core: finishes the request in hand before it lets itself be interrupted.

    An answer that is thrown away would leave nobody knowing whether Azure has done the thing.
    """

    next: Any
    """What comes after it in the pipeline, which sets this."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        if self._operations.abandoned:
            raise asyncio.CancelledError
        sending = asyncio.ensure_future(self._sent(request))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            with suppress(Exception, KeyboardInterrupt):
                await sending
            raise
        except KeyboardInterrupt:  # it has ended the loop before; what waits ends with it
            raise asyncio.CancelledError from None

    async def _sent(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response: PipelineResponse[Any, Any] = await self.next.send(request)
        self._operations.saw(request.http_request, response.http_response)
        return response
