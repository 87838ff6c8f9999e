"""What goes over the wire: requests, responses, and refusals in the shapes of Azure's services."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Json = Any
"""Anything that JSON can hold; the wire is the one place where plain dictionaries are the model."""

FORM = "application/x-www-form-urlencoded"
"""What a request for a token is written in; all else is JSON."""

Shape = Literal["arm", "flat", "maintenance", "network"]
"""How a service words an error: see `Refusal.response`."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, header and query names in lower case, the body parsed."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Json = None
    complaint: str = ""
    """What is wrong with a body that cannot be read."""
    origin: str = "https://management.azure.com"
    """Scheme and host that the client used; the operation URLs of the answer start with it."""

    @classmethod
    def parse(cls, method: str, url: str, headers: dict[str, str], content: bytes) -> Request:
        parts = urlsplit(url)
        named = {k.lower(): v for k, v in headers.items()}
        is_form = named.get("content-type", "").startswith(FORM)
        form = dict(parse_qsl(content.decode(errors="replace"))) if is_form else None
        body, complaint = (form, "") if is_form else _parsed(content)
        return cls(
            method=method.upper(),
            path=re.sub("/+", "/", parts.path).rstrip("/") or "/",  # `az resource` doubles one
            query={k.lower(): v for k, v in parse_qsl(parts.query, keep_blank_values=True)},
            headers=named,
            body=body,
            complaint=complaint,
            origin=f"{parts.scheme}://{parts.netloc}",
        )

    @property
    def is_query(self) -> bool:
        """Whether it asks Resource Graph, by a POST that changes nothing."""
        return self.path.lower() == "/providers/microsoft.resourcegraph/resources"

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")


def _parsed(content: bytes) -> tuple[Json, str]:
    """JSON as Resource Manager reads it: comments, names without quotes and lines in strings too.

    `az deployment group create` pastes the file of a template into its request (azure-cli's own
    recordings). With it, what is wrong with what cannot be read even so.
    """
    if not content:
        return None, ""
    try:
        return json.loads(content), ""
    except ValueError:
        return _parsed_leniently(content)


def _parsed_leniently(content: bytes) -> tuple[Json, str]:
    import json5  # slow, and seldom wanted

    try:
        return json5.loads(content, encoding="utf-8", strict=False), ""
    except ValueError as error:
        return None, str(error)


@dataclass(frozen=True)
class Response:
    """One HTTP response; `seconds` is how long the service took to give it."""

    status: int
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    text: str | None = None
    """A body that is no JSON, or not all of it."""

    def with_headers(self, headers: dict[str, str]) -> Response:
        return replace(self, headers={**headers, **self.headers})

    @property
    def content(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refusal(Exception):
    """The service says no. `shape` None means: as the resource's own provider words it.

    `more` stands beside code and message: `details`, `additionalInfo`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        shape: Shape | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Json] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.target, self.shape, self.headers = target, shape, headers or {}
        self.more = more or {}

    @property
    def by_gateway(self) -> bool:
        """Whether Resource Manager itself refuses, before any provider has seen the request."""
        return self.headers.get("x-ms-failure-cause") == "gateway"

    def response(self, shape: Shape = "arm") -> Response:
        """In its own shape, else in the given one, which is that of the resource's provider."""
        return Response(self.status, self._body(self.shape or shape), self.headers)

    def _body(self, shape: Shape) -> Json:
        if shape == "maintenance":
            # Microsoft.Maintenance answers in PascalCase, which azure-core cannot parse (recorded).
            if not self.code:
                return {"Message": self.message}
            return {"Error": {"Code": self.code, "Message": self.message}}
        if shape == "flat":
            return {"code": self.code, "message": self.message}
        if shape == "network":
            return {"error": {**self.error, "details": self.more.get("details", [])}}  # recorded
        return {"error": self.error}

    @property
    def error(self) -> dict[str, Any]:
        """The error as Resource Manager words it, and as a deployment shows it in its details."""
        target = {} if self.target is None else {"target": self.target}
        return {"code": self.code, "message": self.message, **target, **self.more}


def gateway(
    status: int,
    code: str,
    message: str,
    *,
    target: str | None = None,
    more: dict[str, Json] | None = None,
) -> Refusal:
    """A refusal by Resource Manager itself, before any provider has seen the request."""
    cause = {"x-ms-failure-cause": "gateway"}
    return Refusal(status, code, message, target=target, shape="arm", headers=cause, more=more)
