"""The file that says how a world behaves."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from arm_sandbox.options import Access, Failure, Lock, Options, Policy, load
from arm_sandbox.world import World

EXAMPLE = Path(__file__).parents[2] / "examples/sandbox/complete.toml"


def test_the_example_shows_every_key() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for kind in (Options, Access, Lock, Policy, Failure):
        for field in fields(kind):
            assert field.name in text


def test_options_come_back_with_their_world() -> None:
    world = World(options=load(EXAMPLE))
    assert world.options.failures[1].code == "OSProvisioningTimedOut"
    assert World.from_json(json.loads(world.saved())).options == world.options


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed = 3", "speed\n  Unexpected keyword argument"),
        ("read_lag = 3", "read_lag\n  Input should be a valid tuple"),
        ("read_lag = [3]", "read_lag.1\n  Field required"),
        (
            '[[access]]\nrole = "King"',
            "access.0.role\n  Value error, the sandbox knows no built-in",
        ),
        ('[[failures]]\nnth = "x"', "failures.0.type\n  Field required"),
        ("list_lag = [9, 3]", "list_lag\n  Value error, it goes from the shorter"),
        ('[[policies]]\ndefinition = "x"\nscope = "/"', "the sandbox knows no built-in policy 'x'"),
        ("speed =", "Invalid value"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "world.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        load(file)
