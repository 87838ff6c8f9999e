"""`--debug-log FILE`: every request to Azure and its answer, a JSON line each, without secrets.

Of headers and bodies only what is named here is written; of a URL's query what carries no key, as
the addresses at which operations are polled do.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from patchctl import envelopes
from patchctl.errors import BadInput
from patchctl.pipeline import read

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

LOG = logging.getLogger("patchctl.debug")
LOG.propagate = False
MINE_ONLY = 0o600
HEADERS = {
    "request_id": "x-ms-request-id",
    "correlation_id": "x-ms-correlation-request-id",
    "azure_time": "Date",
    "retry_after": "Retry-After",
}
QUERY = ("api-version", "$filter", "$expand", "$top")
REMOVED = "REMOVED"


class Requests:
    """A policy of azure-core, which asks for no base class; it sees each attempt by itself."""

    next: Any
    """What comes after it in the pipeline, which sets this."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        if not LOG.isEnabledFor(logging.DEBUG):
            return await self._send(request)
        clock = asyncio.get_running_loop().time
        started = clock()
        asked = {"method": request.http_request.method, "url": _shown(request.http_request.url)}
        try:
            response = await self._send(request)
        except BaseException as error:
            tell(**asked, seconds=clock() - started, failed=f"{type(error).__name__}: {error}")
            raise
        tell(**asked, seconds=clock() - started, **await _answer(response.http_response))
        return response

    async def _send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response: PipelineResponse[Any, Any] = await self.next.send(request)
        return response


def tell(**line: Any) -> None:
    """Write a line, where somebody wants to read it."""
    if LOG.isEnabledFor(logging.DEBUG):
        told = {name: value for name, value in line.items() if value is not None}
        LOG.debug(json.dumps({"at": datetime.now(UTC).isoformat(), **told}))


@contextmanager
def written(file: Path) -> Iterator[None]:
    """Keep the log in a file that nobody else may read, after what it holds already.

    Raises BadInput where it cannot be written.
    """
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MINE_ONLY)
        if file.is_file():  # which may have been there; a device is everybody's
            file.chmod(MINE_ONLY)
    except OSError as error:
        raise BadInput([f"--debug-log: {file}: {error.strerror or error}"]) from None
    stream = os.fdopen(number, "a", encoding="utf-8")
    lines = Lines(stream)
    LOG.addHandler(lines)
    LOG.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOG.removeHandler(lines)
        LOG.setLevel(logging.NOTSET)
        with suppress(OSError):  # nor is it one when all is done
            stream.close()


class Lines(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A disk that is full is no reason to stop half way."""


async def _answer(answer: Any) -> dict[str, Any]:
    told = {name: answer.headers.get(header) for name, header in HEADERS.items()}
    return {"status": answer.status_code, **told, "errors": await _errors(answer)}


async def _errors(answer: Any) -> list[dict[str, str]] | None:
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return None
    await read(answer)
    return [{"code": told.code, "message": told.message} for told in envelopes.read(answer.text())]


def _shown(url: str) -> str:
    parts = urlsplit(url)
    query = [
        (k, v if k in QUERY else REMOVED) for k, v in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return parts._replace(query=urlencode(query, safe="$/'")).geturl()
