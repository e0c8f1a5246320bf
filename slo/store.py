"""Bucket counts on disk, so that a restart asks only for the gap. A cache: losing it costs one long query.

One row holds one bucket of many streams, in the order of a layout: a new bucket is one small append.
"""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from keelwatch.workspace.errors import SourceError

VERSION = 1
BUSY_S = 2.0
NAMES = "buckets-*.sqlite"
UNUSED_S = 7 * 86400.0

_TABLES = """
CREATE TABLE layout (id INTEGER PRIMARY KEY, keys TEXT NOT NULL UNIQUE);
CREATE TABLE bucket (
    step_s INTEGER NOT NULL, at INTEGER NOT NULL, layout INTEGER NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (step_s, at, layout)
) WITHOUT ROWID;
"""

Columns = Mapping[str, tuple[Sequence[int], Sequence[float]]]
"""By key: buckets in ascending order, and the count of each (NaN: absent)."""


class Store:
    """Raises `SourceError` when the file cannot be used; the engine then goes on without it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # a cache need not survive a power cut
            self._migrate()
            with suppress(OSError):  # dates the last use, for `forget_unused`
                os.utime(path)
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _migrate(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            for table in ("layout", "bucket"):
                self._db.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")

    def load(self, step_s: int, since: int, until: int, keys: Iterable[str]) -> Columns:
        """The buckets of [since, until] of those `keys` that are here."""
        wanted = frozenset(keys)
        found: dict[str, tuple[Sequence[int], Sequence[float]]] = {}
        try:
            for layout, names in self._layouts():
                if wanted.isdisjoint(names):
                    continue
                rows = self._db.execute(
                    "SELECT at, counts FROM bucket"
                    " WHERE step_s = ? AND layout = ? AND at BETWEEN ? AND ? ORDER BY at",
                    (step_s, layout, since, until),
                ).fetchall()
                _scatter(found, wanted, names, rows)
        except sqlite3.Error as error:
            raise self._error(error) from None
        return found

    def save(self, step_s: int, buckets: Sequence[int], counts: Mapping[str, Sequence[float]]) -> None:
        """Keep the counts of `buckets`, aligned with them, for every key."""
        if not counts or not buckets:
            return
        names = sorted(counts)
        rows = zip(*(counts[name] for name in names), strict=True)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            layout = self._layout(names)
            self._db.executemany(
                "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)",
                (
                    (step_s, bucket, layout, array("d", row).tobytes())
                    for bucket, row in zip(buckets, rows, strict=True)
                ),
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise self._error(error) from None

    def prune(self, step_s: int, before: int) -> None:
        """Forget buckets older than `before`."""
        try:
            self._db.execute("DELETE FROM bucket WHERE step_s = ? AND at < ?", (step_s, before))
        except sqlite3.Error as error:
            raise self._error(error) from None

    def close(self) -> None:
        self._db.close()

    def _layouts(self) -> list[tuple[int, list[str]]]:
        rows = self._db.execute("SELECT id, keys FROM layout ORDER BY id").fetchall()
        return [(number, json.loads(names)) for number, names in rows]

    def _layout(self, names: Sequence[str]) -> int:
        text = json.dumps(names)
        self._db.execute("INSERT OR IGNORE INTO layout (keys) VALUES (?)", (text,))
        (number,) = self._db.execute("SELECT id FROM layout WHERE keys = ?", (text,)).fetchone()
        return int(number)

    def _error(self, error: sqlite3.Error) -> SourceError:
        return SourceError(
            f"the bucket store {self.path} cannot be used: {error}", "delete it; it is a cache"
        )


def forget_unused(
    folder: Path, now: float, older_than_s: float = UNUSED_S, *, keep: Path | None = None
) -> int:
    """Delete the stores (`NAMES`) of `folder` that nobody has opened or written for `older_than_s` seconds,
    except `keep`; returns how many. Each sandbox and each source leaves one behind. Never raises: what cannot
    be deleted stays. A program that has one open goes on with it, and asks the source at its next start."""
    last = now - older_than_s
    forgotten = 0
    for path in sorted(folder.glob(NAMES)):
        with suppress(OSError):
            if path == keep or max(one.stat().st_mtime for one in _files(path)) > last:
                continue
            for one in _files(path):
                one.unlink(missing_ok=True)
            forgotten += 1
    return forgotten


def _files(path: Path) -> list[Path]:
    """The database and those beside it, where SQLite writes first."""
    return [one for one in (Path(f"{path}{end}") for end in ("", "-wal", "-shm")) if one.exists()]


def _scatter(
    found: dict[str, tuple[Sequence[int], Sequence[float]]],
    wanted: frozenset[str],
    names: Sequence[str],
    rows: Sequence[tuple[int, bytes]],
) -> None:
    whole = [(at, blob) for at, blob in rows if len(blob) == 8 * len(names)]
    joined = array("d", b"".join(blob for _, blob in whole))
    buckets = [at for at, _ in whole]
    for index, name in enumerate(names):
        if name not in wanted or not buckets:
            continue
        counts = joined[index :: len(names)]
        if name in found:  # a stream moves to another layout when objectives come and go
            both = sorted(
                (dict(zip(*found[name], strict=True)) | dict(zip(buckets, counts, strict=True))).items()
            )
            found[name] = ([at for at, _ in both], [count for _, count in both])
        else:
            found[name] = (buckets, counts)
