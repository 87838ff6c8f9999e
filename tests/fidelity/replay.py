"""Recorded traffic with Azure, played again before the sandbox.

Each request is sent as it was recorded, except that the sandbox's own polling URLs are followed.
Time passes as the recording tells: an operation ends when Azure's poll said so, or when nobody
polls it any more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from arm_sandbox.app import settle
from arm_sandbox.ids import parse
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.fidelity.compare import differences
from tests.fidelity.scenes import send_as, world_of

Exchange = dict[str, Any]
ZEROS = "00000000-0000-0000-0000-000000000000"
RETRY = 5
"""Seconds after which `az` sends a refused request again."""
SCRUBBED, PASSWORD = '"***"', '"Fidelity-2024!"'
Key = tuple[Any, ...]
POLLING = ("azure-asyncoperation", "location")
UNTIL_NEXT = 60
"""Seconds between the end of an operation and the request after it: clients poll every 30."""
RUNNING = ("Accepted", "InProgress", "Running")
ORIGIN = "https://management.azure.com"


@dataclass(frozen=True)
class Compared:
    """One exchange of a recording and how the sandbox answers it."""

    recording: str
    exchange: Exchange
    differences: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"{self.recording}#{self.exchange['seq']}"

    @property
    def interaction(self) -> str:
        """The class of the exchange: the method and what it was about."""
        path, method = self.exchange["path"], self.exchange["method"]
        id = parse(path)
        if not id.types:
            ours = re.sub(r"(?i)/subscriptions/[^/]+|(?<=/resourcegroups)/[^/]+", "", path)
            return f"{method} {re.sub('(?<=/operationresults)/.*', '', ours) or '/'}"
        kind = id.type if id.name else f"{id.type} (list)"
        return f"{method} {kind}"


def load(file: Path) -> list[Exchange]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def replay(name: str, recording: list[Exchange]) -> Iterator[Compared]:
    world = world_of(name, recording)
    polled: dict[Key, str] = {}
    principal = ZEROS
    for at, exchange in enumerate(recording):
        settle(world, world.now + (RETRY if _is_again(recording, at) else 1))
        key = _key(exchange["url"])
        if key not in polled:
            _finish_the_forgotten(world, polled, recording[at:])
            content = _content(exchange, principal)
            answer = send_as(world, exchange["method"], _url(exchange), content)
        elif _is_running(exchange["status"], exchange["response"]["body"]):
            answer = send_as(world, "GET", polled[key])
        else:
            answer = _finished(world, polled[key])
        _note_polling(exchange, answer, polled)
        principal = _principal(answer) or principal
        found = differences(exchange, answer.status, answer.headers, answer.body)
        yield Compared(name, exchange, tuple(found))


def _url(exchange: Exchange) -> str:
    query = urlencode(exchange["query"], quote_via=quote)
    return f"{ORIGIN}{quote(exchange['path'], safe='/')}?{query}"


def _content(exchange: Exchange, principal: str) -> bytes:
    """The body, with a password and the last identity's id where the recording scrubbed them."""
    body = exchange["request"]["body"]
    if body is None:
        return b""
    text = json.dumps(body).replace(SCRUBBED, PASSWORD)
    return text.replace(f'"principalId": "{ZEROS}"', f'"principalId": "{principal}"').encode()


def _principal(answer: Response) -> str:
    identity = answer.body.get("identity") if isinstance(answer.body, dict) else None
    return str(identity.get("principalId", "")) if isinstance(identity, dict) else ""


def _is_again(recording: list[Exchange], at: int) -> bool:
    """Whether a request is the one before it, sent again."""
    this, before = recording[at], recording[at - 1]
    return at > 0 and this["method"] == "PUT" == before["method"] and this["url"] == before["url"]


def _is_running(status: int, body: Any) -> bool:
    return status == 202 or (isinstance(body, dict) and body.get("status") in RUNNING)


def _key(url: str) -> Key:
    """What tells the polling URLs of a recording apart; their signatures and names are scrubbed."""
    parts = urlsplit(url)
    return (*parts.path.lower().split("/")[-2:], "monitor=true" in parts.query)


def _note_polling(exchange: Exchange, answer: Response, polled: dict[Key, str]) -> None:
    """Remember which URL of ours stands for each one that Azure gave."""
    recorded = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
    ours = {k.lower(): v for k, v in answer.headers.items()}
    for header in POLLING:
        if header in recorded and header in ours:
            polled[_key(recorded[header])] = ours[header]


def _finish_the_forgotten(world: World, polled: dict[Key, str], rest: list[Exchange]) -> None:
    """End the operations that the recording does not poll to their end."""
    coming = {_key(exchange["url"])[1] for exchange in rest}
    for key in [key for key in polled if key[1] not in coming]:
        _finished(world, polled.pop(key))


def _finished(world: World, url: str) -> Response:
    for _ in range(400):
        answer = send_as(world, "GET", url)
        if not _is_running(answer.status, answer.body):
            settle(world, world.now + UNTIL_NEXT)
            return answer
        settle(world, world.now + 5)
    raise AssertionError(f"{url} never ended")
