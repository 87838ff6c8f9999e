"""A record of what goes over the wire: one JSON line an exchange, and no secret in it."""

from __future__ import annotations

import itertools
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from arm_sandbox.wire import Json, Request, Response

HIDDEN = "REDACTED"
_SECRET_HEADER = re.compile(
    r"(proxy-)?authorization|x-ms-authorization-auxiliary|(set-)?cookie", re.IGNORECASE
)
_SECRET_NAME = re.compile(
    r"(password|secret|assertion|(access|refresh|id|sas)_?token|(callback|service|trigger)_?ur[il]"
    r"|protected_?settings|custom_?data|user_?data|connection_?string)$",
    re.IGNORECASE,
)
_SECRET_PARAMETER = re.compile(
    r"(^|[?&])(sig|code|s|[a-z_-]*(?:token|secret|password|assertion))=[^&\s\"']+", re.IGNORECASE
)
"""In a URL or a form; `s` signs the operation URLs of Compute and Network since 2024 (recorded)."""
_TOKEN = re.compile(r"\bBearer +(?!\w+=\")[\w.~+/=-]{16,}|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")
"""A bearer token (but not a challenge), or a JWT wherever it stands."""


class Recorder:
    """A watcher that appends each exchange to a file; several processes may share the file.

    `seq` counts the exchanges of one recorder.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._numbers = itertools.count()

    def __call__(self, request: Request, response: Response) -> None:
        line = json.dumps({"seq": next(self._numbers), **exchange(request, response)})
        with self._file.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())  # one write, so that lines are never mixed


def recorders(variable: str) -> tuple[Recorder, ...]:
    """A recorder for the file that an environment variable names, or none.

    Raises OSError where it cannot be written.
    """
    file = os.environ.get(variable)
    if not file:
        return ()
    Path(file).open("ab").close()
    return (Recorder(Path(file)),)


def exchange(request: Request, response: Response) -> dict[str, Any]:
    """One exchange in the form of a recording, without its secrets."""
    query = urlencode(request.query, safe="$:/,'()", quote_via=quote)
    url = public(f"{request.origin}{request.path}" + (f"?{query}" if query else ""))
    return {
        "method": request.method,
        "url": url,
        "path": request.path,
        "query": dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)),
        "api_version": request.api_version,
        "request": {"headers": _public_headers(request.headers), "body": public(request.body)},
        "status": response.status,
        "response": {"headers": _public_headers(response.headers), "body": public(response.body)},
    }


def public(value: Json, secret: frozenset[str] = frozenset()) -> Json:
    """What anybody may see of a body: secrets are replaced wherever they stand in it.

    `secret` holds more names of secrets: those that a template has declared above.
    """
    if isinstance(value, str):
        return _public_text(value)
    if isinstance(value, list):
        return [public(item, secret) for item in value]
    if not isinstance(value, dict):
        return value
    if "template" in value:
        secret |= _secure_parameters(value["template"])
    return {
        name: _hidden(item) if name in secret or _is_secret(name) else public(item, secret)
        for name, item in value.items()
    }


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _public_text(text: str) -> str:
    if "=" in text:
        text = _SECRET_PARAMETER.sub(rf"\1\2={HIDDEN}", text)
    return _TOKEN.sub(HIDDEN, text) if "eyJ" in text or "earer" in text else text


def _secure_parameters(template: Json) -> frozenset[str]:
    """The parameters that a template declares as `securestring` or `secureObject`."""
    declared = template.get("parameters") if isinstance(template, dict) else None
    return frozenset(
        name
        for name, parameter in (declared or {}).items()
        if str(parameter.get("type", "")).lower().startswith("secure")
    )


def _hidden(value: Json) -> Json:
    """A secret's place, still of its shape; a template says of what `type` a parameter is."""
    if isinstance(value, dict):
        return {k: item if k == "type" else _hidden(item) for k, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _public_headers(headers: dict[str, str]) -> dict[str, str]:
    return {
        name: HIDDEN if _is_secret_header(name) else _public_text(value)
        for name, value in headers.items()
    }


@lru_cache(maxsize=4096)
def _is_secret_header(name: str) -> bool:
    return _SECRET_HEADER.fullmatch(name) is not None
