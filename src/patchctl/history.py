"""What was seen of a deployment's machines, kept longer than Azure keeps it, in one SQLite file.

What a command sees goes into scratch tables first and is then merged in one short transaction: two
commands at once wait a moment for each other, and a crash leaves the old history whole. A merge may
be repeated; the same sight changes nothing. Where the file cannot be used, the scratch is merged
into a temporary database and the command goes on with what Azure itself remembers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from patchctl.observation import Assessment, Machine, Run, Update

Seen = Machine | Assessment | Run | Update
COLUMNS: Mapping[type[Seen], tuple[str, ...]] = {
    Machine: ("id", "name", "os"),
    Assessment: ("machine", "at", "status", "reboot_pending", "urgent", "other", "error"),
    Run: tuple(field.name for field in fields(Run)),
    Update: tuple(field.name for field in fields(Update)),
}
"""What is kept of each kind of row."""

KEPT = timedelta(days=400)
"""A year, and a month to compare it with."""
PATIENCE = 10
"""Seconds to wait for another command that is just writing."""

MIGRATIONS = (
    """
    CREATE TABLE machine (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, os TEXT,
        here INTEGER NOT NULL  -- whether it was among the deployment's machines at the last look
    );
    CREATE TABLE patch (
        key INTEGER PRIMARY KEY, name TEXT, kb TEXT, version TEXT, classification TEXT,
        severity TEXT, published TEXT, UNIQUE (name, kb, version)
    );
    CREATE TABLE assessment (
        machine INTEGER, at TEXT, status TEXT, reboot_pending INTEGER,
        urgent INTEGER, other INTEGER, error TEXT, PRIMARY KEY (machine, at)
    ) WITHOUT ROWID;
    CREATE TABLE run (
        key INTEGER PRIMARY KEY, machine INTEGER, id TEXT, schedule_run TEXT, started TEXT,
        ended TEXT, status TEXT, reboot TEXT, exceeded INTEGER, installed INTEGER, failed INTEGER,
        pending INTEGER, excluded INTEGER, not_selected INTEGER, error TEXT, UNIQUE (machine, id)
    );
    CREATE TABLE installation (
        run INTEGER, patch INTEGER, state TEXT, PRIMARY KEY (run, patch)
    ) WITHOUT ROWID;
    CREATE TABLE pending (
        machine INTEGER, patch INTEGER,
        since TEXT,  -- since when the machine lacks this patch or an older version of it
        first_seen TEXT, last_seen TEXT,
        gone TEXT,  -- when it was no longer found
        PRIMARY KEY (machine, patch)
    ) WITHOUT ROWID;
    """,
)
"""Each takes the history to the next version of its form; SQLite's `user_version` counts them."""

MACHINES = (
    "UPDATE machine SET here = 0",
    """INSERT INTO machine (id, name, os, here) SELECT id, name, os, 1 FROM seen_machine WHERE true
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, os = excluded.os, here = 1""",
    """UPDATE pending SET gone = :now
    WHERE gone IS NULL AND machine IN (SELECT key FROM machine WHERE NOT here)""",
    """INSERT OR REPLACE INTO assessment
    SELECT key, at, status, reboot_pending, urgent, other, error
    FROM seen_assessment JOIN machine ON machine.id = seen_assessment.machine""",
)
RUNS = (
    """INSERT INTO run (machine, id, schedule_run, started, ended, status, reboot, exceeded,
        installed, failed, pending, excluded, not_selected, error)
    SELECT key, seen_run.id, schedule_run, started, ended, status, reboot, exceeded,
        installed, failed, pending, excluded, not_selected, error
    FROM seen_run JOIN machine ON machine.id = seen_run.machine WHERE true
    ON CONFLICT (machine, id) DO UPDATE SET (schedule_run, started, ended, status, reboot,
        exceeded, installed, failed, pending, excluded, not_selected, error)
    = (excluded.schedule_run, excluded.started, excluded.ended, excluded.status, excluded.reboot,
        excluded.exceeded, excluded.installed, excluded.failed, excluded.pending,
        excluded.excluded, excluded.not_selected, excluded.error)""",
    # What is known of a turn alone gives way to the installation, whose rows may come later.
    """DELETE FROM run WHERE id = schedule_run AND EXISTS (SELECT 1 FROM run AS own
        WHERE own.machine = run.machine AND own.schedule_run = run.schedule_run
        AND own.id <> own.schedule_run)""",
    """INSERT INTO patch (name, kb, version, classification, severity, published)
    SELECT name, kb, version, max(classification), max(severity), max(published)
    FROM seen_update WHERE true GROUP BY name, kb, version
    ON CONFLICT (name, kb, version) DO UPDATE SET classification = excluded.classification,
        severity = excluded.severity, published = coalesce(excluded.published, published)""",
    """INSERT INTO installation (run, patch, state)
    SELECT run.key, patch.key, state
    FROM seen_update JOIN machine ON machine.id = seen_update.machine
    JOIN run ON run.machine = machine.key AND run.id = seen_update.run
    JOIN patch USING (name, kb, version) WHERE seen_update.run <> ''
    ON CONFLICT (run, patch) DO UPDATE SET state = excluded.state""",
)
PENDING = (
    """INSERT INTO pending (machine, patch, since, first_seen, last_seen)
    SELECT machine.key, patch.key, coalesce(
        (SELECT min(since) FROM pending AS older JOIN patch AS named ON named.key = older.patch
        WHERE older.machine = machine.key AND named.name = patch.name AND gone IS NULL), at),
        at, at
    FROM seen_update JOIN machine ON machine.id = seen_update.machine
    JOIN seen_assessment ON seen_assessment.machine = seen_update.machine
    JOIN patch USING (name, kb, version) WHERE seen_update.run = ''
    ON CONFLICT (machine, patch) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen),
        since = iif(gone IS NULL, since, excluded.since), gone = NULL""",
    """UPDATE pending SET gone = at
    FROM machine JOIN seen_assessment ON seen_assessment.machine = machine.id
    WHERE pending.machine = machine.key AND gone IS NULL AND last_seen < at
        AND lower(status) = 'succeeded'""",
)
"""For a look at single updates: what a later assessment does not show is no longer pending."""
FORGETTING = (
    "DELETE FROM run WHERE coalesce(ended, started) < :oldest",
    "DELETE FROM installation WHERE run NOT IN (SELECT key FROM run)",
    "DELETE FROM assessment WHERE at < :oldest",
    "DELETE FROM pending WHERE gone < :oldest",
)


class History:
    """What this command saw, and after `merge` also what earlier ones did.

    `complain` is told, once and in a sentence, when the file cannot be used.
    """

    def __init__(self, file: Path, complain: Callable[[str], None]) -> None:
        self.file = file
        self._complain = complain
        # A database without a name is temporary, and on disk as soon as it grows.
        self._connection = sqlite3.connect("", timeout=PATIENCE, isolation_level=None)
        for kind, columns in COLUMNS.items():
            self._connection.execute(f"CREATE TEMP TABLE {_scratch(kind)} ({', '.join(columns)})")

    def saw(self, things: Sequence[Seen]) -> None:
        """Take some rows, all of one kind, into the scratch."""
        if not things:
            return
        kind = type(things[0])
        places = ", ".join("?" * len(COLUMNS[kind]))
        values = ([_stored(getattr(thing, name)) for name in COLUMNS[kind]] for thing in things)
        with _transaction(self._connection):
            self._connection.executemany(f"INSERT INTO {_scratch(kind)} VALUES ({places})", values)

    def merge(self, now: datetime, *, updates: bool) -> None:
        """Make what was seen a part of the history. `updates`: single ones were looked at, too."""
        try:
            self._attach()
            self._merge(now, updates=updates)
        except (sqlite3.Error, OSError) as error:
            self._complain(f"The history in {self.file} cannot be used: {error}.")
            self._do_without()
            self._merge(now, updates=updates)

    def rows(self, query: str, **values: Any) -> Iterator[tuple[Any, ...]]:
        stored = {name: _stored(value) for name, value in values.items()}
        return iter(self._connection.execute(query, stored))

    def close(self) -> None:
        self._connection.close()

    def _attach(self) -> None:
        """Open the file beside the scratch; its tables are found by their bare names."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with _opened(self.file) as connection:
            _migrate(connection)
        self._connection.execute("ATTACH ? AS history", (str(self.file),))
        found = self._connection.execute("PRAGMA history.quick_check(1)").fetchall()
        if found != [("ok",)]:
            raise sqlite3.DatabaseError(found[0][0])

    def _do_without(self) -> None:
        attached = self._connection.execute("PRAGMA database_list").fetchall()
        if any(name == "history" for _, name, _ in attached):
            self._connection.execute("DETACH history")
        _migrate(self._connection)

    def _merge(self, now: datetime, *, updates: bool) -> None:
        statements = (*MACHINES, *RUNS, *(PENDING if updates else ()), *FORGETTING)
        values = {"now": _stored(now), "oldest": _stored(now - KEPT)}
        with _transaction(self._connection):
            for statement in statements:
                self._connection.execute(statement, values)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; waits for another command that writes, for PATIENCE seconds."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest form. Raises DatabaseError for one that is newer still."""
    with _transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise sqlite3.DatabaseError("a newer patchctl has written it")
        for migration in MIGRATIONS[version:]:
            for statement in migration.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _scratch(kind: type[Seen]) -> str:
    return f"seen_{kind.__name__.lower()}"


def _stored(value: Any) -> Any:
    """Times as text that sorts: `2026-11-28T07:00:00Z`."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value
