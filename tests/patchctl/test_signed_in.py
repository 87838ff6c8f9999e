"""A run outlives its tokens, by the clock and against it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from arm_sandbox import tokens
from arm_sandbox.transport import SandboxCredential, SandboxTransport
from arm_sandbox.world import World
from patchctl.azure_transport import SharedCredential
from patchctl.errors import NotSignedIn
from patchctl.report import Outcome
from patchctl.steps import STEPS, resource_group
from tests.patchctl.conftest import Place

pytestmark = pytest.mark.world
LASTS = 60.0
"""Seconds; far less than it takes to make a machine."""
MILLENNIUM = 10**10


class Slow:
    """Signs in on a machine whose clock is slow: no token ever ends there, until one is refused."""

    def __init__(self, world: World, lasts: float) -> None:
        self._world, self._lasts = world, lasts
        self.given: list[str] = []

    async def get_token(
        self, *scopes: str, refused: str | None = None, **kwargs: Any
    ) -> AccessToken:
        if not self.given or self.given[-1] == refused:
            self.given.append(tokens.unsigned(tokens.claims(self._world, self._lasts)))
        return AccessToken(self.given[-1], MILLENNIUM)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Slow:
        return self

    async def __aexit__(self, *args: object) -> None: ...


def world(place: Place) -> World:
    transport = place.clients.transport
    assert isinstance(transport, SandboxTransport)
    return transport.world


def sign_in(place: Place, credential: Any) -> None:
    place.connection.clients = replace(place.clients, credential=credential)


def test_tokens_end_while_a_machine_is_made(place: Place) -> None:
    began = world(place).now
    sign_in(place, SandboxCredential(world(place), LASTS))
    reports = place.deploy(*STEPS)
    assert not {r.outcome for r in reports} & {Outcome.FAILED, Outcome.SKIPPED}
    assert world(place).now - began > 3 * LASTS


def test_tokens_that_end_unexpectedly_are_fetched_anew(place: Place) -> None:
    credential = Slow(world(place), LASTS)
    sign_in(place, credential)
    reports = place.deploy(*STEPS)
    assert not {r.outcome for r in reports} & {Outcome.FAILED, Outcome.SKIPPED}
    assert len(credential.given) > 3
    assert all(place.inspect(step).ready for step in STEPS)


def test_where_no_token_is_taken_the_end_comes_soon(place: Place) -> None:
    credential = Slow(world(place), -1.0)
    sign_in(place, credential)
    with pytest.raises(NotSignedIn) as refused:
        place.inspect(resource_group)
    assert refused.value.code == "ExpiredAuthenticationToken"
    assert refused.value.request_id
    assert len(credential.given) == 2


class Counting:
    """The credential below; each of its tokens lasts an hour."""

    def __init__(self) -> None:
        self.count = 0

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        self.count += 1
        return AccessToken(f"token {self.count}", int(time.time()) + 3600)


def test_one_token_is_shared_until_it_is_refused() -> None:
    below = Counting()
    shared = SharedCredential(lambda: below, None)

    async def main() -> set[str]:
        first = await shared.get_token("scope")
        assert await shared.get_token("scope") is first
        asking = [shared.get_token("scope", refused=first.token) for _ in range(5)]
        return {token.token for token in await asyncio.gather(*asking)}

    assert asyncio.run(main()) == {"token 2"}
