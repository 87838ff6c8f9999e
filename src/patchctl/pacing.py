"""Never asking Azure for more than it gives: buckets of tokens, known by what answers tell.

Resource Manager counts a subscription's requests by verb; Compute counts besides what is asked of a
region and of each machine. Both tell with each answer how many they will still take, and refill at
a known rate (azure-resource-manager, request-limits-and-throttling.md; azure-compute-docs,
compute-throttling-limits.md). As long as there are plenty nothing waits; once few are left,
requests go out at the rate of the refill. After a 429 nobody asks again before its Retry-After.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

FEW = 60
"""Tokens to keep for what is under way and has not been answered yet; of one machine's, none."""
KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
RATES = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""Requests a second that Resource Manager gives back, for one subscription and one principal."""
COMPUTE = "/providers/microsoft.compute/"
POLICIES = "x-ms-ratelimit-remaining-resource"
OF_ONE = "Resource"
"""The end of the names of Compute's policies for one machine; the others are for a region."""
REFILLS = {
    "HighCostGet": (300, 300),
    "LowCostGet": (12, 8000),
    "GetOperation": (15, 5000),
    "VMGuestPatchOperation": (2, 200),
}
"""Requests a minute that Compute gives back, by policy: for one machine, for a region."""
CHANGES = (4, 500)
"""The same for whatever makes, changes or deletes machines."""


@dataclass
class Bucket:
    """What is known of some tokens. Times are the event loop's."""

    rate: float
    few: int = FEW
    left: float = math.inf
    told: float = 0.0
    """When `left` was."""
    next: float = 0.0
    """When the next turn is."""
    closed: float = 0.0
    """Until when nothing may be asked."""

    def turn(self, now: float) -> float:
        """Take a turn; the seconds to wait for it."""
        at = max(now, self.next)
        if self.left <= self.few:
            self.next = at + 1 / self.rate
        return at - now

    def remain(self, tokens: int, now: float) -> None:
        """Regions have their own, and a request does not name its region: few stay few until they
        must have been given back."""
        self.left = min(float(tokens), self.left + (now - self.told) * self.rate)
        self.told = now

    def close(self, seconds: int, now: float) -> None:
        self.left, self.told = 0.0, now
        self.closed = max(self.closed, now + seconds)
        self.next = max(self.next, self.closed)


class Buckets:
    """The buckets of a connection, shared by all its clients."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def of(self, method: str, url: str) -> list[Bucket]:
        """What a request draws from: Resource Manager's bucket, and if it is for Compute, that of
        all such requests to the subscription and that of all such to the very same."""
        path, kind = urlsplit(url).path.lower(), KINDS.get(method, "writes")
        found = re.search(r"/subscriptions/([^/]+)", path)
        subscription = found[1] if found else ""
        drawn = [self._of(RATES[kind], FEW, subscription, kind)]
        if asked := _asked_of_compute(path):
            one, all = CHANGES
            drawn += [
                self._of(all / 60, FEW, subscription, method, asked),
                self._of(one / 60, 0, path, method),
            ]
        return drawn

    def _of(self, rate: float, few: int, *key: str) -> Bucket:
        return self._buckets.setdefault(key, Bucket(rate, few))


def _asked_of_compute(path: str) -> str:
    """What is asked of Compute: a path without names; empty if another provider is asked."""
    _, _, asked = path.partition(COMPUTE)
    return "" if not asked or "/providers/" in asked else re.sub(r"/[^/]+(/|$)", r"/_\1", asked)


def answered(
    drawn: Sequence[Bucket], kind: str, status: int, headers: Mapping[str, str], now: float
) -> None:
    """Learn from an answer what is left, and after a 429 who has to wait, and how long."""
    empty = []
    for bucket, tokens in _told(drawn, kind, headers):
        bucket.remain(tokens, now)
        empty += [bucket] if tokens == 0 else []
    wait = headers.get("Retry-After", "")
    for bucket in (empty or drawn) if status == 429 and wait.isdigit() else ():
        bucket.close(int(wait), now)


def _told(
    drawn: Sequence[Bucket], kind: str, headers: Mapping[str, str]
) -> Iterator[tuple[Bucket, int]]:
    """Compute's policies come in one header or in several."""
    left = headers.get(f"x-ms-ratelimit-remaining-subscription-{kind}", "")
    if left.isdigit():
        yield drawn[0], int(left)
    if len(drawn) == 1:
        return
    values = (value for name, value in headers.items() if name.lower() == POLICIES)
    for policy, tokens in re.findall(r"Microsoft\.Compute/(\w+);(\d+)", ",".join(values)):
        bucket, refill = _of_policy(drawn, policy)
        bucket.rate = refill / 60
        yield bucket, int(tokens)


def _of_policy(drawn: Sequence[Bucket], policy: str) -> tuple[Bucket, int]:
    """The bucket of one of Compute's policies, and what it is given back a minute."""
    one, all = next((r for name, r in REFILLS.items() if policy.startswith(name)), CHANGES)
    return (drawn[2], one) if policy.endswith(OF_ONE) else (drawn[1], all)


async def wait(drawn: Sequence[Bucket]) -> None:
    """Wait for a turn in each; another one, where a bucket was closed meanwhile."""
    now = asyncio.get_running_loop().time
    await asyncio.sleep(max(bucket.turn(now()) for bucket in drawn))
    if any(now() < bucket.closed for bucket in drawn):
        await wait(drawn)


class Pacing:
    """A policy of azure-core, which asks for no base class: each request waits for its turn."""

    next: Any
    """What comes after it in the pipeline, which sets this."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        asked = request.http_request
        drawn = self._buckets.of(asked.method, asked.url)
        await wait(drawn)
        response: PipelineResponse[Any, Any] = await self.next.send(request)
        answer, now = response.http_response, asyncio.get_running_loop().time()
        answered(drawn, KINDS.get(asked.method, "writes"), answer.status_code, answer.headers, now)
        return response
