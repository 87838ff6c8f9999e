"""The history file: what is kept, that repeating adds nothing, and that nothing stops a command."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from patchctl.history import KEPT, MIGRATIONS, History
from patchctl.observation import Assessment, Machine, Run, Update

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/vm"
VM = Machine(ID, "vm", "windows", "eastus", "running", (), None)
RUN = Run(ID, "r1", "c/applyupdates/20261121070000", NOON, NOON, "Succeeded", "Completed", False,
          1, 0, 0, 0, 0, "")  # fmt: skip
CUMULATIVE = Update(ID, "2026-11 Cumulative Update", "5068000", "", "Security", "Critical", NOON)
OPENSSL = Update(ID, "openssl", "", "3.0-1", "Security", "Security, unrated", None)
LATER_OPENSSL = Update(ID, "openssl", "", "3.0-2", "Security", "Security, unrated", None)
VIM = Update(ID, "vim", "", "9", "Other", "Other", None)


def assessed(at: datetime, status: str = "Succeeded") -> Assessment:
    return Assessment(ID, at, status, False, {"security": 1}, "")


class Desk:
    """Looks, each with a history of its own on one file, as commands do it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.complaints: list[str] = []

    def look(
        self, at: datetime, *updates: Update, runs: Sequence[Run] = (), status: str = "Succeeded"
    ) -> None:
        history = self.history()
        history.saw([VM])
        history.saw([assessed(at, status)])
        history.saw(runs)
        history.saw(updates)
        history.merge(at, updates=True)
        history.close()

    def history(self) -> History:
        return History(self.file, self.complaints.append)

    def all(self, table: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(f"SELECT * FROM {table}").fetchall()
        finally:
            connection.close()

    def pending(self) -> list[tuple[object, ...]]:
        """Name, version, since, gone."""
        connection = sqlite3.connect(self.file)
        query = """SELECT name, version, since, gone FROM pending
        JOIN patch ON patch.key = patch ORDER BY name, version"""
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "below" / "history.sqlite")
    yield desk
    assert desk.complaints == []


TABLES = ("machine", "patch", "assessment", "run", "installation", "pending")


def test_the_same_sight_twice_changes_nothing(desk: Desk) -> None:
    part = replace(CUMULATIVE, run="r1", state="Installed")
    desk.look(NOON, VIM, part, runs=[RUN])
    once = [desk.all(table) for table in TABLES]
    desk.look(NOON, VIM, part, runs=[RUN])
    assert [desk.all(table) for table in TABLES] == once
    assert [len(rows) for rows in once] == [1, 2, 1, 1, 1, 1]


def test_an_update_is_aged_from_its_first_sight(desk: Desk) -> None:
    desk.look(NOON, VIM)
    desk.look(NOON + WEEK, VIM)
    desk.look(NOON + 2 * WEEK, VIM)
    assert desk.pending() == [("vim", "9", "2026-11-23T12:00:00Z", None)]


def test_a_newer_version_takes_over_the_age_of_the_one_that_was_never_installed(desk: Desk) -> None:
    desk.look(NOON, OPENSSL)
    desk.look(NOON + WEEK, LATER_OPENSSL)
    assert desk.pending() == [
        ("openssl", "3.0-1", "2026-11-23T12:00:00Z", "2026-11-30T12:00:00Z"),
        ("openssl", "3.0-2", "2026-11-23T12:00:00Z", None),
    ]


def test_what_was_installed_in_between_begins_anew(desk: Desk) -> None:
    desk.look(NOON, OPENSSL, VIM)
    desk.look(NOON + WEEK, VIM)
    desk.look(NOON + 2 * WEEK, LATER_OPENSSL, OPENSSL, VIM)
    assert desk.pending() == [
        ("openssl", "3.0-1", "2026-12-07T12:00:00Z", None),
        ("openssl", "3.0-2", "2026-12-07T12:00:00Z", None),
        ("vim", "9", "2026-11-23T12:00:00Z", None),
    ]


def test_a_failed_assessment_clears_nothing(desk: Desk) -> None:
    desk.look(NOON, VIM)
    desk.look(NOON + WEEK, status="Failed")
    assert desk.pending() == [("vim", "9", "2026-11-23T12:00:00Z", None)]


def test_a_look_at_machines_alone_leaves_the_single_updates(desk: Desk) -> None:
    desk.look(NOON, VIM)
    history = desk.history()
    history.saw([VM])
    history.saw([assessed(NOON + WEEK)])
    history.merge(NOON + WEEK, updates=False)
    history.close()
    assert desk.pending() == [("vim", "9", "2026-11-23T12:00:00Z", None)]
    assert len(desk.all("assessment")) == 2


def test_what_a_machine_that_left_was_lacking_is_no_longer_counted(desk: Desk) -> None:
    desk.look(NOON, VIM)
    history = desk.history()
    history.merge(NOON + WEEK, updates=False)
    history.close()
    assert desk.pending() == [("vim", "9", "2026-11-23T12:00:00Z", "2026-11-30T12:00:00Z")]


def test_a_run_is_followed_to_its_end(desk: Desk) -> None:
    running = Run(ID, "r1", "", NOON, None, "InProgress", "", False, 0, 0, 1, 0, 0, "")
    desk.look(NOON, runs=[running])
    desk.look(NOON, runs=[RUN])
    ((_, _, _, _, _, _, status, *_),) = desk.all("run")
    assert status == "Succeeded"


def test_the_old_is_forgotten(desk: Desk) -> None:
    part = replace(CUMULATIVE, run="r1", state="Installed")
    desk.look(NOON, VIM, part, runs=[RUN])
    desk.look(NOON + KEPT + WEEK)
    desk.look(NOON + 2 * (KEPT + WEEK))
    kept = [desk.all(table) for table in ("run", "installation", "pending")]
    assert (len(desk.all("assessment")), kept) == (1, [[], [], []])


# -- two at once, and files that cannot be used


def write(file: Path, number: int) -> None:
    history = History(file, lambda sentence: None)
    history.saw([VM])
    history.saw([assessed(NOON + timedelta(minutes=number))])
    history.merge(NOON, updates=False)
    history.close()


def test_commands_at_once_all_get_in(desk: Desk) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write, args=(desk.file, n)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(desk.all("assessment")) == 4


def unusable(file: Path, how: str) -> None:
    file.parent.mkdir(parents=True)
    if how == "damaged":
        file.write_bytes(b"no database at all" * 100)
    elif how == "a directory":
        file.mkdir()
    else:
        connection = sqlite3.connect(file)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.close()


@pytest.mark.parametrize("how", ["damaged", "a directory", "newer"])
def test_a_file_that_cannot_be_used_stops_nothing(tmp_path: Path, how: str) -> None:
    desk = Desk(tmp_path / "below" / "history.sqlite")
    unusable(desk.file, how)
    history = desk.history()
    history.saw([VM])
    history.saw([assessed(NOON)])
    history.saw([VIM])
    history.merge(NOON, updates=True)
    assert list(history.rows("SELECT name FROM machine")) == [("vm",)]
    assert list(history.rows("SELECT since FROM pending")) == [("2026-11-23T12:00:00Z",)]
    history.close()
    assert len(desk.complaints) == 1
    assert str(desk.file) in desk.complaints[0]


def test_pages_damaged_in_the_middle_are_found_before_anything_is_merged(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "history.sqlite")
    many = [Update(ID, f"package-{n}", "", "1", "Other", "Other", None) for n in range(500)]
    desk.look(NOON, *many)
    content = bytearray(desk.file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xa5" * 8192
    desk.file.write_bytes(content)
    desk.look(NOON + WEEK, *many)
    assert len(desk.complaints) == 1


def test_a_locked_file_is_waited_for_and_then_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchctl.history.PATIENCE", 0.05)
    desk = Desk(tmp_path / "history.sqlite")
    desk.look(NOON)
    other = sqlite3.connect(desk.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    desk.look(NOON + WEEK)
    other.close()
    assert len(desk.complaints) == 1
    assert len(desk.all("assessment")) == 1
