"""How many requests are let in: the buckets of Resource Manager, Compute and Resource Graph.

Sizes and refills are documented ("Request limits and throttling", "Compute throttling limits",
"Guidance for throttled requests in Azure Resource Graph"). Which header goes with which answer is
recorded, and so is that a refusal of the gateway itself carries none. The words of a 429 are from
public threads (azure-docs#105248, aks-engine#2295, azure-cli-extensions#3325).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from arm_sandbox.access import action_and_scope
from arm_sandbox.ids import Id, parse
from arm_sandbox.tokens import caller
from arm_sandbox.wire import Refusal, Request
from arm_sandbox.world import World, stamp

KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
"""What a method counts as; any other counts among the writes."""
LIMITS = {"reads": (250, 25.0), "writes": (200, 10.0), "deletes": (200, 10.0)}
"""Tokens of a principal's full bucket, and how many come back in a second."""
EVERYBODY = 15
"""How many times that all principals of a subscription have together."""

OWN_LIMITS = {
    ("microsoft.insights/actiongroups", "PUT"): 25,
    ("microsoft.insights/actiongroups", "GET"): 250,
    ("microsoft.logic/workflows", "GET"): 20000,
    ("microsoft.maintenance/maintenanceconfigurations", "GET"): 100,
}
"""Types that count their requests apart (recorded)."""
OWN_TIME = 300
"""Seconds until such a bucket is full again; the recordings do not tell. No other takes longer."""
MANY = 500
"""Above so many buckets those are forgotten that must be full again by now."""
OWN = "subscription-resource-requests"

PER_MINUTE = {
    "PutVM": ((4, 12), (500, 1500)),
    "UpdateVM": ((4, 12), (500, 1500)),
    "DeleteVM": ((4, 12), (500, 1500)),
    "LowCostGet": ((12, 36), (8000, 24000)),
    "HighCostGet": ((300, 900), (300, 900)),
    "GetOperation": ((15, 45), (5000, 15000)),
    "VMGuestPatchOperation": ((2, 6), (200, 600)),
}
"""Compute's policies: refill and size for one machine, and for a region of a subscription."""
PATCHING = ("assesspatches", "installpatches")

QUERIES, QUERIES_TIME = 15, 5
"""Queries of Resource Graph that a caller has, and the seconds after which all are given back."""


@dataclass(frozen=True)
class Bucket:
    """`shown` is the name that its remaining tokens go by in a header."""

    key: str
    shown: str
    size: int
    per_second: float


# -- the gates; each answers with the headers that tell what is left


def admit(world: World, request: Request) -> dict[str, str]:
    """Take tokens of Resource Manager. Raises a Refusal (429) where there are none left."""
    buckets = _of_resource_manager(world, request) if world.options.throttling else []
    empty = _take(world, buckets)
    if empty is None:
        told = {
            f"x-ms-ratelimit-remaining-{bucket.shown}": str(_left(world, bucket))
            for bucket in buckets
        }
        return {"x-ms-throttling-version": "v2", **told} if told else {}
    seconds = _until_one(world, empty)
    code, message = (
        _own_limit(request, empty, seconds)
        if empty.shown == OWN
        else _subscription_limit(world, request, seconds)
    )
    headers = {"Retry-After": str(seconds), "x-ms-failure-cause": "gateway"}
    raise Refusal(429, code, message, shape="arm", headers=headers)


def admit_to_provider(world: World, request: Request) -> dict[str, str]:
    """The same for Compute, which counts by machine, and Resource Graph, which counts by caller."""
    if not world.options.throttling:
        return {}
    if request.is_query:
        return _admit_query(world, request)
    buckets = _of_compute(world, request)
    empty = _take(world, buckets)
    told = ",".join(f"{bucket.shown};{_left(world, bucket)}" for bucket in buckets)
    headers = {"x-ms-ratelimit-remaining-resource": told} if told else {}
    if empty is not None:
        raise _too_many(world, empty, headers)
    return headers


# -- the words of a refusal


def _subscription_limit(world: World, request: Request, seconds: int) -> tuple[str, str]:
    kind = KINDS.get(request.method, "writes").removesuffix("s")
    return (
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{parse(request.path).subscription}' actor "
        f"'{caller(world, request).oid}' exceeded. Please try again after '{seconds}' seconds "
        "after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
    )


def _own_limit(request: Request, empty: Bucket, seconds: int) -> tuple[str, str]:
    action, _ = action_and_scope(request, parse(request.path))
    return (
        "ResourceRequestsThrottled",
        f"Number of requests for action '{action}' exceeded the limit of '{empty.size}' for time "
        f"interval '00:05:00'. Please try again after '{seconds}' seconds.",
    )


def _too_many(world: World, empty: Bucket, headers: dict[str, str]) -> Refusal:
    """Compute says which of its policies it was in a JSON text inside the details; the header tells
    what is left of each, as with any answer ("Troubleshooting API throttling errors")."""
    policy, seconds = empty.shown.partition("/")[2], _until_one(world, empty)
    measured = {
        "operationGroup": policy,
        "startTime": stamp(world.now - 60),
        "endTime": stamp(world.now + seconds),
        "allowedRequestCount": empty.size,
        "measuredRequestCount": empty.size + 1,
    }
    detail = {"code": "TooManyRequests", "target": policy, "message": json.dumps(measured)}
    return Refusal(
        429,
        "OperationNotAllowed",
        "The server rejected the request because too many requests have been received for this "
        "subscription.",
        shape="arm",
        headers={**headers, "Retry-After": str(seconds)},
        more={"details": [detail]},
    )


def _too_many_queries(world: World, headers: dict[str, str]) -> Refusal:
    message = (
        "Client application has been throttled and should not attempt to repeat the request until "
        "an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for "
        "help."
    )
    return Refusal(
        429,
        "RateLimiting",
        f"Please provide below info when asking for support: timestamp = {world.stamp}, "
        f"correlationId = {world.guid('throttled query')}.",
        shape="arm",
        headers=headers,
        more={"details": [{"code": "RateLimiting", "message": message}]},
    )


# -- which buckets a request draws from


def _of_resource_manager(world: World, request: Request) -> list[Bucket]:
    """Its principal's and everybody's; a type with a limit of its own has only that (docs)."""
    if request.is_query:
        return []
    id, oid = parse(request.path), caller(world, request).oid
    own = OWN_LIMITS.get((id.type.lower(), request.method))
    if own is not None:
        key = f"{id.subscription}|{oid}|{id.type}|{request.method}"
        return [Bucket(key.lower(), OWN, own, own / OWN_TIME)]
    kind = KINDS.get(request.method, "writes")
    size, refill = LIMITS[kind]
    key = f"{id.subscription}|{kind}".lower()
    if not id.subscription:
        return [Bucket(f"{key}|{oid}", f"tenant-{kind}", size, refill)]
    return [
        Bucket(f"{key}|{oid}", f"subscription-{kind}", size, refill),
        Bucket(key, f"subscription-global-{kind}", size * EVERYBODY, refill * EVERYBODY),
    ]


def _of_compute(world: World, request: Request) -> list[Bucket]:
    """A region's and the machine's own; a list of machines is of no one machine."""
    machine = _machine(world, parse(request.path))
    if machine is None:
        return []
    policy = _policy(world, request, machine)
    own, all = PER_MINUTE[policy]
    standing = world.find(machine.text)
    body = standing.body if standing is not None else request.body or {}
    place = f"{machine.subscription}|{body.get('location', '')}"
    region_bucket = _per_minute(place, f"{policy}SubscriptionMaximum", all)
    if not machine.name:
        return [region_bucket]
    return [region_bucket, _per_minute(machine.text, f"{policy}Resource", own)]


def _per_minute(whose: str, policy: str, limit: tuple[int, int]) -> Bucket:
    refill, size = limit
    return Bucket(f"{whose}|{policy}".lower(), f"Microsoft.Compute/{policy}", size, refill / 60)


def _machine(world: World, id: Id) -> Id | None:
    """The machine that a request to Compute is about, a list of machines, or None."""
    if id.namespace.lower() != "microsoft.compute" or not id.types:
        return None
    if id.types[0].lower() == "virtualmachines":
        return parse("/".join(id.text.split("/")[:9]))
    operation = world.operations.get(id.name)
    return _machine(world, parse(operation.resource)) if operation is not None else None


def _policy(world: World, request: Request, machine: Id) -> str:
    id = parse(request.path)
    if id.types[0].lower() == "locations":
        return "GetOperation"
    if request.method == "GET":
        return "LowCostGet" if machine.name else "HighCostGet"
    last = id.types[-1].lower()
    if last in PATCHING:
        return "VMGuestPatchOperation"
    if last == "deallocate" or (last == "virtualmachines" and request.method == "DELETE"):
        return "DeleteVM"
    new = request.method == "PUT" and world.find(machine.text) is None
    return "PutVM" if new else "UpdateVM"


# -- buckets


def _take(world: World, buckets: Sequence[Bucket]) -> Bucket | None:
    """One token out of each, or none out of any: then the bucket that is empty is answered."""
    for bucket in buckets:
        if _tokens(world, bucket) < 1:
            return bucket
    for bucket in buckets:
        world.buckets[bucket.key] = [_tokens(world, bucket) - 1, world.now]
    if len(world.buckets) > MANY:
        since = world.now - OWN_TIME
        world.buckets = {key: kept for key, kept in world.buckets.items() if kept[1] > since}
    return None


def _tokens(world: World, bucket: Bucket) -> float:
    tokens, at = world.buckets.get(bucket.key, [bucket.size, world.now])
    return min(float(bucket.size), tokens + (world.now - at) * bucket.per_second)


def _left(world: World, bucket: Bucket) -> int:
    return max(0, int(_tokens(world, bucket)))


def _until_one(world: World, bucket: Bucket) -> int:
    return max(1, math.ceil((1 - _tokens(world, bucket)) / bucket.per_second))


# -- Resource Graph: so many queries, and all of them back at once


def _admit_query(world: World, request: Request) -> dict[str, str]:
    key = f"queries|{caller(world, request).oid}".lower()
    left, began = world.buckets.get(key, [QUERIES, world.now])
    if world.now - began >= QUERIES_TIME:
        left, began = QUERIES, world.now
    told = {
        "x-ms-user-quota-remaining": str(max(0, int(left) - 1)),
        "x-ms-user-quota-resets-after": f"00:00:{math.ceil(began + QUERIES_TIME - world.now):02}",
    }
    if left < 1:
        raise _too_many_queries(world, told)
    world.buckets[key] = [left - 1, began]
    return told
