"""The schema, as named steps in order. A step runs once, in a transaction of its own; running all
of them again does nothing. Never edit one that was released: append another."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from keelwatch.workspace.errors import SourceError


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        "0001-events",
        (
            """CREATE TABLE events (
                seq INTEGER PRIMARY KEY, at REAL NOT NULL, run TEXT NOT NULL, kind TEXT NOT NULL,
                actor TEXT NOT NULL, payload TEXT, payload_sha TEXT NOT NULL,
                prev TEXT NOT NULL, hash TEXT NOT NULL UNIQUE) STRICT""",
            "CREATE INDEX events_run ON events(run, seq)",
            "CREATE INDEX events_kind ON events(kind, run)",
            """CREATE INDEX events_lease ON events(json_extract(payload, '$.scope'), seq)
               WHERE kind = 'lease'""",
        ),
    ),
    Migration(
        "0002-append-only",
        (
            """CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
               BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END""",
            """CREATE TRIGGER events_never_replaced BEFORE INSERT ON events
               WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq)
               BEGIN SELECT RAISE(ABORT, 'facts are never replaced'); END""",
            """CREATE TRIGGER events_never_changed BEFORE UPDATE ON events
               WHEN NOT (NEW.payload IS NULL AND NEW.seq = OLD.seq AND NEW.at = OLD.at
                   AND NEW.run = OLD.run AND NEW.kind = OLD.kind AND NEW.actor = OLD.actor
                   AND NEW.payload_sha = OLD.payload_sha AND NEW.prev = OLD.prev AND NEW.hash = OLD.hash)
               BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END""",
        ),
    ),
    # The salt is part of the stored payload, so no column changes, every older fact still verifies, and a
    # run that was started before this step can go on appending. What the step does is to be there: a
    # program that would write without salts refuses to open the ledger, and its time tells since when.
    Migration("0003-salted-payloads", ()),
)

_TABLE = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at REAL NOT NULL) STRICT"


def migrate(connection: sqlite3.Connection, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """Bring the schema up to date; returns the names of the steps that ran.

    `connection` is in autocommit mode and no other writer is at work. Raises `SourceError` when a
    newer Keelwatch was here.
    """
    connection.execute(_TABLE)
    done = applied(connection)
    if unknown := done - {migration.name for migration in migrations}:
        raise SourceError(
            f"the ledger was written by a newer Keelwatch (it has {', '.join(sorted(unknown))})",
            "upgrade this Keelwatch, or point KEELWATCH_STATE elsewhere",
        )
    missing = [migration for migration in migrations if migration.name not in done]
    for migration in missing:
        _apply(connection, migration)
    return [migration.name for migration in missing]


def applied(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM migrations")}


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in migration.statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (migration.name, time.time()))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
