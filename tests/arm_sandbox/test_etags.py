"""Writes on a condition: `If-Match` and `If-None-Match`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, send, signed_in, wait
from tests.arm_sandbox.test_authorization import NSG
from tests.arm_sandbox.test_compute import API, MACHINE, make, make_interface, windows

NETWORK = "2024-05-01"
BODY = {"location": "eastus", "tags": {"a": "b"}}
OTHER = 'W/"11111111-0000-4000-8000-000000000000"'


def write(
    world: World, path: str, body: Any, version: str, method: str = "PUT", **headers: str
) -> Response:
    url = f"https://management.azure.com{path}?api-version={version}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = signed_in(world) | named
    return send(world, Request.parse(method, url, sent, json.dumps(body).encode()))


@pytest.fixture
def standing(world: World) -> World:
    """A world with a security group."""
    finish(world, ask(world, "PUT", NSG, BODY, version=NETWORK))
    return world


def etag(world: World) -> str:
    return str(ask(world, "GET", NSG, version=NETWORK).headers["ETag"])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_network_names_both_etags_when_they_differ(standing: World, method: str) -> None:
    refused = write(standing, NSG, BODY, NETWORK, method, if_match=OTHER)
    assert refused.status == 412
    assert refused.body["error"]["code"] == "PreconditionFailed"
    assert refused.body["error"]["message"] == "Precondition failed."
    assert refused.body["error"]["details"] == [
        {
            "code": "PreconditionFailedEtagMismatch",
            "message": f"Etag provided in if-match header {OTHER} does not match etag "
            f"{etag(standing)} of resource {NSG} in NRP data store.",
        }
    ]
    fitting = write(standing, NSG, BODY, NETWORK, method, if_match=etag(standing))
    assert fitting.status in (200, 202)


def test_what_must_not_be_there_yet_is_refused_when_it_is(standing: World) -> None:
    assert write(standing, NSG, BODY, NETWORK, if_none_match="*").status == 412
    assert write(standing, NSG, BODY, NETWORK, if_none_match=OTHER).status == 200
    assert write(standing, f"{NSG}2", BODY, NETWORK, if_none_match="*").status == 201
    assert write(standing, f"{NSG}3", BODY, NETWORK, if_match="*").status == 412


def test_compute_says_it_in_words_of_its_own(world: World) -> None:
    make_interface(world, outbound=True)
    made = make(world, windows())
    assert made["etag"] == '"1"'
    refused = write(world, MACHINE, {"tags": {}}, API, "PATCH", if_match='"7"')
    assert (refused.status, refused.body["error"]) == (
        412,
        {
            "code": "PreconditionFailed",
            "message": 'Etag provided in if-match header "7" does not match etag "1" of resource.',
        },
    )
    assert write(world, MACHINE, {"tags": {}}, API, "PATCH", if_match='"1"').status == 200
    wait(world, 60)


def test_a_service_without_etags_overlooks_the_headers(world: World) -> None:
    path = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag"
    body = {"location": "Global", "properties": {"groupShortName": "ag", "enabled": True}}
    assert write(world, path, body, "2023-01-01", if_match=OTHER).status == 201
