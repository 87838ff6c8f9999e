"""Reading what an answer says went wrong, in whichever of Azure's many shapes it says so.

Resource Manager wraps code and message in `error`; Microsoft.Insights does not; the maintenance
service writes them in PascalCase; deployments put the provider's whole answer into a message, as
text; a gateway or a proxy answers with HTML (all recorded). Older services speak OData or XML, and
the authority of sign-ins OAuth (RFC 6749, 5.2).
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

INNER = (
    "error",
    "odata.error",
    "errorresponse",
    "statusmessage",
    "properties",
    "details",
    "innererror",
    "inner_error",
    "innerexception",
)
"""Where an error may hold what caused it, what says most first; names are compared case-blind."""
MESSAGES = ("message", "error_description", "error", "title", "detail")
SIGN_IN = re.compile(r"\b(AADSTS\d+)\b:?\s*")
DEEPEST = 20


@dataclass(frozen=True)
class Told:
    """One error: either may be empty, but not both."""

    code: str
    message: str


def read(body: str) -> list[Told]:
    """What a body tells, from the outermost error to the one that caused it. Empty for nothing."""
    text = body.strip().removeprefix("\ufeff")
    try:
        document = json.loads(text)
    except ValueError:  # of JSON that was cut off nobody knows what is in it, secrets included
        return [] if text.startswith(("{", "[")) else _markup(text)
    return read(document) if isinstance(document, str) else _chain(document)


def _chain(document: Any, depth: int = 0) -> list[Told]:
    """An error and what is inside it; of several side by side, the first that says something."""
    if isinstance(document, list):
        return next((found for each in document if (found := _chain(each, depth + 1))), [])
    if isinstance(document, str):
        embedded = _embedded(document)
        return _chain(embedded, depth + 1) if embedded is not None else []
    if not isinstance(document, dict) or depth > DEEPEST:
        return []
    known = {str(name).lower(): value for name, value in document.items()}
    told, written = _own(known)
    inside = (known[name] for name in INNER if name in known)
    inner = next((found for each in inside if (found := _chain(each, depth + 1))), [])
    return told + (inner or (_chain(written, depth + 1) if written is not None else []))


def _own(known: dict[str, Any]) -> tuple[list[Told], Any]:
    """What an error says itself, and the document that its message holds as text."""
    message = next((text for name in MESSAGES if (text := _words(known.get(name)))), "")
    named = known.get("code")
    code = str(named) if isinstance(named, (str, int)) and not isinstance(named, bool) else ""
    if found := SIGN_IN.search(message):
        code, message = found[1], message[found.end() :]
    embedded = _embedded(message)
    own = "" if embedded is not None else message
    return ([Told(code, own)] if code or own else []), embedded


def _words(value: Any) -> str:
    """A message, which OData gives once a language."""
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    return value.strip() if isinstance(value, str) else ""


def _embedded(text: str) -> Any:
    """The JSON object that stands in a text, or None."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        document, _ = json.JSONDecoder().raw_decode(text[start:])
    except ValueError:
        return None
    return document if _chain(document) else None


def _markup(text: str) -> list[Told]:
    """What HTML, XML or plain words tell."""
    if found := SIGN_IN.search(text):
        return [Told(found[1], _plain(text[found.end() :]))]
    code = _element(text, "code")
    message = _element(text, "message") or _element(text, "title") or _plain(text)
    return [Told(code, message)] if code or message else []


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}\b[^>]*>(.*?)</{name}>", text, re.IGNORECASE | re.DOTALL)
    return _plain(found[1]) if found else ""


def _plain(text: str) -> str:
    without = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", text, flags=re.I | re.S)
    lines = (" ".join(line.split()) for line in html.unescape(without).splitlines())
    return "\n".join(line for line in lines if line)
