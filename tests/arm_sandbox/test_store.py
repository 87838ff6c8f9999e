"""A world on disk: saved as a whole, locked, and refused when it is not ours."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from arm_sandbox import mail
from arm_sandbox.store import Store, WorldInUse
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, wait


def test_a_world_comes_back_as_it_was(world: World, tmp_path: Path) -> None:
    response = ask(world, "DELETE", GROUP)
    mail.make(world, "you@example.com", "test", "s", "t")
    store = Store(tmp_path)
    store.save(world)
    loaded = store.load()
    assert asdict(loaded) == asdict(world)
    assert finish(loaded, response).status == 200
    assert ask(loaded, "GET", GROUP).status == 404
    assert ask(world, "GET", GROUP).status == 200


def test_a_loaded_world_draws_what_the_saved_one_would(world: World, tmp_path: Path) -> None:
    store = Store(tmp_path)
    world.draw("a", "b")
    store.save(world)
    assert store.load().draw("a", "b") == world.draw("a", "b")


def test_a_new_world_starts_at_the_present(tmp_path: Path) -> None:
    assert Store(tmp_path).load().now > 1_700_000_000
    assert not Store(tmp_path).file.exists()


def test_mails_go_to_the_outbox_once(world: World, tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "below")
    made = mail.make(world, "you@example.com", "test", "Subject", "Text")
    store.save(world)
    file = store.outbox / made["file"]
    assert b"Subject: Subject" in file.read_bytes()
    file.write_bytes(b"read")
    store.save(world)
    assert file.read_bytes() == b"read"


def test_no_half_written_file_is_left(world: World, tmp_path: Path) -> None:
    Store(tmp_path).save(world)
    assert [file.name for file in tmp_path.iterdir()] == ["world.json"]


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "sedd": 1'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "world.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        Store(tmp_path).load()


def test_a_file_of_another_version_is_refused(world: World, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(world)
    saved = json.loads(store.file.read_text())
    store.file.write_text(json.dumps({**saved, "format": 0}))
    with pytest.raises(ValueError, match="format"):
        store.load()


def test_a_world_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    with (
        Store(tmp_path).locked(),
        pytest.raises(WorldInUse, match="in use"),
        Store(tmp_path).locked(wait=0),
    ):
        pass
    with Store(tmp_path).locked(wait=0):
        assert (tmp_path / "world.lock").exists()


def test_clear_forgets_world_and_mails(world: World, tmp_path: Path) -> None:
    store = Store(tmp_path)
    mail.make(world, "you@example.com", "test", "s", "t")
    store.save(world)
    store.clear()
    assert not store.file.exists()
    assert list(store.outbox.iterdir()) == []
    assert ask(store.load(), "GET", GROUP).status == 404


def test_time_that_passes_between_commands_is_made_up_for(world: World, tmp_path: Path) -> None:
    ask(world, "DELETE", GROUP)
    store = Store(tmp_path)
    store.save(world)
    loaded = store.load()
    wait(loaded, 301)
    assert ask(loaded, "GET", GROUP).status == 404
