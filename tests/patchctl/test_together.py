"""Two patchctl at once on one deployment: whatever the order of their requests, both end, and the
same commands again lead to one correct state.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from arm_sandbox.world import World
from patchctl import clients
from patchctl.errors import Exit
from patchctl.remembered import AT_WORK
from tests.comparison import differences, state
from tests.fleet.building import build
from tests.patchctl.own_machines import quiet
from tests.patchctl.shell import EMAIL
from tests.patchctl.together import Together
from tests.seeds import more

pytestmark = [pytest.mark.world, pytest.mark.slow]

NOON = 1_795_435_200.0
DEPLOY = ("deploy", *EMAIL)
DESTROY = ("destroy", "--yes")
PAIRS = {
    "deploy, deploy": (DEPLOY, DEPLOY),
    "deploy, deploy otherwise": (DEPLOY, (*DEPLOY, "--at", "04:00")),
    "deploy, destroy": (DEPLOY, DESTROY),
    "destroy, destroy": (DESTROY, DESTROY),
    "validate, deploy": (("validate",), DEPLOY),
}
SEEDS = range(1)
MORE = [*more(1, 6, for_ci=5), *more(100, 300, for_ci=3)]


def place(
    seed: int, monkeypatch: pytest.MonkeyPatch, directory: Path, world: World | None = None
) -> Together:
    together = Together(world or World(now=NOON), seed)
    monkeypatch.setattr(clients, "connect_to_sandbox", together.connect)
    monkeypatch.setenv("PATCHCTL_SANDBOX", "1")
    monkeypatch.setenv("PATCHCTL_STATE_DIR", str(directory))
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(directory))
    monkeypatch.chdir(directory)
    return together


def types(world: World) -> Counter[str]:
    return Counter(resource.type.lower() for resource in world.resources.values())


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How many there are of each type when one has deployed alone."""
    directory = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch, place(0, patch, directory) as together:
        assert together.play(DEPLOY) == [0]
        return types(together.world)


def converges(together: Together, one: Counter[str]) -> None:
    assert together.play(DEPLOY) == [Exit.DONE]
    assert types(together.world) == one
    assert not any(AT_WORK in (r.body.get("tags") or {}) for r in together.world.resources.values())
    before = together.world.events
    assert together.play(DEPLOY) == [Exit.DONE]
    assert together.world.events == before
    assert together.play(("validate",)) == [Exit.DONE]
    assert together.play(DESTROY) == [Exit.DONE]
    assert not together.world.resources


def meet(pair: str, seed: int, together: Together, one: Counter[str]) -> None:
    if pair == "destroy, destroy" or seed % 2:
        assert together.play(DEPLOY) == [Exit.DONE]
    codes = together.play(*PAIRS[pair])
    assert set(codes) <= set(Exit)
    found = types(together.world)
    assert not found - one, codes
    converges(together, one)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("pair", PAIRS)
def test_two_at_once(
    pair: str, seed: int, one: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(seed, monkeypatch, tmp_path) as together:
        meet(pair, seed, together, one)


@pytest.mark.parametrize("seed", MORE)
@pytest.mark.parametrize("pair", PAIRS)
def test_two_at_once_many_times(
    pair: str, seed: int, one: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place(seed, monkeypatch, tmp_path) as together:
        meet(pair, seed, together, one)


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("both", ["deploy", "destroy"])
def test_your_own_machines_are_put_back(
    both: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(quiet(2))
    before = state(world)
    commands = {"deploy": (*DEPLOY, "--vm", "*"), "destroy": DESTROY}
    with place(seed, monkeypatch, tmp_path, world) as together:
        if both == "destroy":
            assert together.play(commands["deploy"]) == [Exit.DONE]
        assert set(together.play(commands[both], commands[both])) <= set(Exit)
        assert together.play(commands["deploy"]) == [Exit.DONE]
        assert together.play(DESTROY) == [Exit.DONE]
    assert differences(before, state(world)) == []
