"""Never asking Azure for more than it gives: a bucket of tokens for each subscription and verb.

Resource Manager tells with each answer how many requests it will still take, and refills at a known
rate (azure-resource-manager, request-limits-and-throttling.md). As long as there are plenty nothing
waits; once few are left, requests go out at the rate of the refill. After a 429 nobody asks again
before its Retry-After.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

FEW = 60
"""Tokens to keep for what is under way and has not been answered yet."""
KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
RATES = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Requests a second, for one subscription and one principal."""


@dataclass
class Bucket:
    """What is known of one subscription's tokens of a kind. Times are the event loop's."""

    rate: float
    left: int = FEW + 1
    next: float = 0.0
    """When the next turn is."""
    closed: float = 0.0
    """Until when nothing may be asked."""

    def turn(self, now: float) -> float:
        """Take a turn; the seconds to wait for it."""
        at = max(now, self.next)
        if self.left <= FEW:
            self.next = at + 1 / self.rate
        return at - now

    def answered(self, remaining: str | None, retry_after: str | None, now: float) -> None:
        if remaining is not None and remaining.isdigit():
            self.left = int(remaining)
        if retry_after is not None and retry_after.isdigit():
            self.left, self.closed = 0, max(self.closed, now + int(retry_after))
            self.next = max(self.next, self.closed)


class Buckets:
    """The buckets of a connection, shared by all its clients."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def of(self, method: str, url: str) -> tuple[str, Bucket]:
        """The kind of a request, and the bucket it is taken from."""
        kind = KINDS.get(method, "writes")
        found = re.search(r"/subscriptions/([^/?]+)", url)
        key = (found[1].lower() if found else "", kind)
        return kind, self._buckets.setdefault(key, Bucket(RATES[kind]))


async def _wait(bucket: Bucket) -> None:
    """Wait for a turn; another one, where the bucket was closed meanwhile."""
    now = asyncio.get_running_loop().time
    await asyncio.sleep(bucket.turn(now()))
    if now() < bucket.closed:
        await _wait(bucket)


class Pacing:
    """A policy of azure-core, which asks for no base class: each request waits for its turn."""

    next: Any
    """What comes after it in the pipeline, which sets this."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        loop = asyncio.get_running_loop()
        asked = request.http_request
        kind, bucket = self._buckets.of(asked.method, asked.url)
        await _wait(bucket)
        response: PipelineResponse[Any, Any] = await self.next.send(request)
        headers = response.http_response.headers
        throttled = response.http_response.status_code == 429
        bucket.answered(
            headers.get(f"x-ms-ratelimit-remaining-subscription-{kind}"),
            headers.get("Retry-After") if throttled else None,
            loop.time(),
        )
        return response
