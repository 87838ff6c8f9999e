"""Requests wait for their turn once Azure has few tokens left, and never ask before it says."""

from __future__ import annotations

import pytest

from patchctl.pacing import FEW, Bucket, Buckets


def test_nothing_waits_while_there_are_plenty() -> None:
    bucket = Bucket(10.0)
    bucket.answered("150", None, 0.0)
    assert [bucket.turn(5.0) for _ in range(20)] == [0.0] * 20


def test_with_few_left_requests_go_out_at_the_rate_of_the_refill() -> None:
    bucket = Bucket(10.0)
    bucket.answered(str(FEW), None, 0.0)
    assert [bucket.turn(5.0) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
    bucket.answered("150", None, 6.0)
    assert bucket.turn(6.0) == 0.0


def test_nobody_asks_before_retry_after() -> None:
    bucket = Bucket(10.0)
    bucket.answered(None, "7", 100.0)
    assert [bucket.turn(101.0) for _ in range(2)] == pytest.approx([6.0, 6.1])


def test_what_azure_does_not_tell_changes_nothing() -> None:
    bucket = Bucket(10.0)
    bucket.answered(None, None, 0.0)
    bucket.answered("unknown", "soon", 0.0)
    assert bucket == Bucket(10.0)


def test_each_subscription_and_verb_has_its_own() -> None:
    buckets = Buckets()
    url = "https://management.azure.com/subscriptions/{}/resourceGroups"
    asked = [
        ("GET", "a"),
        ("PUT", "a"),
        ("DELETE", "a"),
        ("GET", "b"),
        ("HEAD", "A"),
        ("POST", "a"),
    ]
    kinds, found = zip(*(buckets.of(verb, url.format(at)) for verb, at in asked), strict=True)
    assert kinds == ("reads", "writes", "deletes", "reads", "reads", "writes")
    assert len({id(bucket) for bucket in found}) == 4
