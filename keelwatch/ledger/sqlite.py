"""The ledger in one SQLite file: WAL, every commit synced, one writer at a time.

Nothing here ever opens the file but SQLite itself, nor may anybody else in a process that has a ledger
open: closing any descriptor of a file drops the process's POSIX locks on it. The next process to leave
then takes itself for the last one and deletes the write-ahead log, and facts appended later are lost.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum, auto
from functools import partial
from pathlib import Path

from keelwatch.ledger.fact import (
    GENESIS,
    SALT_KEY,
    Fact,
    FactKind,
    Fence,
    JsonObject,
    canonical,
    chain_hash,
    parse_object,
    parse_payload,
    salted,
    sha,
)
from keelwatch.ledger.migrations import MIGRATIONS, applied, migrate
from keelwatch.ledger.place import refuse_network_filesystem
from keelwatch.ledger.store import RawEvent
from keelwatch.ledger.writelock import WriteLock
from keelwatch.workspace.errors import Fenced, InternalError, KernelError, Refused, UsageError
from keelwatch.workspace.paths import ledger_path

PATIENCE_S = 10.0
PAGE_ROWS = 500
COLUMNS = "seq, at, run, kind, actor, payload, payload_sha, prev, hash"
LEASE_OF = "kind = 'lease' AND json_extract(payload, '$.scope') = ?"


class Access(Enum):
    READ = auto()  # never writes, not even a missing file: it then reads as empty
    WRITE = auto()


def open_ledger(
    path: Path | None = None, access: Access = Access.WRITE, patience_s: float = PATIENCE_S
) -> SqliteLedger:
    """The ledger at `path` (default: that of the state folder), made and migrated when needed.

    Raises `KernelError` on a network filesystem, a corrupt or newer file, no permission, no space.
    """
    where = path or ledger_path()
    with _told_plainly(where):
        if access is Access.READ:
            return SqliteLedger(_open_to_read(where), None, where, patience_s)
        refuse_network_filesystem(where.parent)
        lock = WriteLock(where.with_suffix(".lock"))
        try:
            return SqliteLedger(_open_to_write(where, lock, patience_s), lock, where, patience_s)
        except BaseException:
            lock.close()
            raise


def _open_to_write(path: Path, lock: WriteLock, patience_s: float) -> sqlite3.Connection:
    with suppress(FileExistsError):  # exclusive: a file that is there must not be opened, see above
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)  # -wal and -shm take its mode
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # a redacted payload leaves no bytes behind
        if _needs_work(connection):
            with lock.held(patience_s):
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _needs_work(connection: sqlite3.Connection) -> bool:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        return True
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone():
        return True
    return applied(connection) != {migration.name for migration in MIGRATIONS}


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.exists() or path.stat().st_size == 0:
        empty = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        migrate(empty)
        return empty
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(
        address, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:  # a read-only folder cannot hold the -shm file; nobody writes there
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise KernelError(
                f"the last facts of {path} are in {log.name}, which cannot be read in a read-only folder",
                "copy both files to a folder of yours and read them there",
            ) from None
        address += "&immutable=1"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    return connection


class SqliteLedger:
    """A `LedgerStore`. Safe to use from several threads; not across a fork. Make it with `open_ledger`."""

    def __init__(
        self, connection: sqlite3.Connection, lock: WriteLock | None, path: Path, patience_s: float
    ) -> None:
        self.patience_s = patience_s
        # What was tampered with may be no UTF-8 any more: `verify` must see it, not stumble over it.
        connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        self._connection = connection
        self._lock = lock
        self._path = path
        self._mutex = threading.Lock()

    def append(
        self, run: str, kind: FactKind, payload: JsonObject, *, actor: str, fences: Sequence[Fence] = ()
    ) -> Fact:
        def write() -> Fact:
            for fence in fences:
                self._refuse_stale(fence)
            return self._insert(run, kind, payload, actor)

        return self._in_transaction(write)

    def raise_epoch(self, scope: str, run: str, payload: JsonObject, *, actor: str) -> Fact:
        def write() -> Fact:
            epoch = self._epoch(scope) + 1
            return self._insert(run, FactKind.LEASE, {**payload, "scope": scope, "epoch": epoch}, actor)

        return self._in_transaction(write)

    def lease(self, scope: str) -> Fact | None:
        query = f"SELECT {COLUMNS} FROM events WHERE {LEASE_OF} ORDER BY seq DESC LIMIT 1"  # noqa: S608 -- two constants of ours
        with self._reading():
            row = self._connection.execute(query, (scope,)).fetchone()
        return self._fact(row) if row else None

    def after(self, seq: int, *, run: str | None = None, kinds: Sequence[FactKind] = ()) -> Iterator[Fact]:
        where, values = ["seq > ?"], list[object]()
        if run is not None:
            where.append("run = ?")
            values.append(run)
        if kinds:
            where.append(f"kind IN ({', '.join('?' * len(kinds))})")
            values.extend(kinds)
        for row in self._pages(" AND ".join(where), values, seq):
            yield self._fact(row)

    def runs_with(self, kind: FactKind) -> tuple[str, ...]:
        query = "SELECT DISTINCT run FROM events WHERE kind = ? AND run != '' ORDER BY run"
        with self._reading():
            return tuple(str(run) for (run,) in self._connection.execute(query, (kind,)))

    def head(self) -> tuple[int, str]:
        with self._reading():
            return self._head()

    def redact(self, seq: int, reason: str, *, actor: str) -> Fact:
        def write() -> Fact:
            self._refuse_to_redact(seq)
            was_salted = self._is_salted(seq)
            self._connection.execute("UPDATE events SET payload = NULL WHERE seq = ?", (seq,))
            payload: JsonObject = {"event": "redacted", "seq": seq, "reason": reason, "salted": was_salted}
            return self._insert("", FactKind.NOTE, payload, actor)

        fact = self._in_transaction(write)
        self._empty_log()
        return fact

    def _empty_log(self) -> None:
        """The old page must not linger in the write-ahead log."""
        if self._lock is None:
            return
        with self._mutex, _told_plainly(self._path), self._lock.held(self.patience_s):
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise KernelError(
                f"the payload is dropped, but a reader keeps its old bytes in {self._path}-wal",
                "close the program that reads the ledger; the next redaction clears them too",
            )

    def events(self) -> Iterator[RawEvent]:
        for row in self._pages("seq > ?", [], None):
            yield RawEvent(*row)

    def close(self) -> None:
        with self._mutex:
            self._connection.close()
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    def _in_transaction(self, write: Callable[[], Fact]) -> Fact:
        if self._lock is None:
            raise KernelError(f"the ledger {self._path} was opened to read only")
        with self._mutex, _told_plainly(self._path), self._lock.held(self.patience_s):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                fact = write()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        return fact

    def _insert(self, run: str, kind: FactKind, payload: JsonObject, actor: str) -> Fact:
        if SALT_KEY in payload:
            raise InternalError(f"a payload has no key {SALT_KEY!r} of its own")
        last, prev = self._head()
        text = canonical(payload)
        stored = salted(text)
        seq, at, payload_sha = last + 1, time.time(), sha(stored)
        digest = chain_hash(seq, at, run, kind, actor, payload_sha, prev)
        row = (seq, at, run, kind, actor, stored, payload_sha, prev, digest)
        self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return Fact(seq, at, run, kind, actor, parse_object(text), payload_sha, prev, digest)

    def _refuse_stale(self, fence: Fence) -> None:
        newest = self._epoch(fence.scope)
        if newest != fence.epoch:
            raise Fenced(
                f"the lease {fence.scope} has passed on: epoch {newest} now, {fence.epoch} here",
                "somebody took over; see: keelwatch runs",
            )

    def _epoch(self, scope: str) -> int:
        query = (
            f"SELECT json_extract(payload, '$.epoch') FROM events WHERE {LEASE_OF} ORDER BY seq DESC LIMIT 1"  # noqa: S608 -- a constant of ours
        )
        row = self._connection.execute(query, (scope,)).fetchone()
        return int(row[0]) if row else 0

    def _head(self) -> tuple[int, str]:
        row = self._connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), str(row[1])) if row else (0, GENESIS)

    def _pages(self, where: str, values: list[object], seq: int | None) -> Iterator[tuple[object, ...]]:
        """Rows page by page, so that no reader holds a snapshot open (which would keep the log growing)."""
        query = f"SELECT {COLUMNS} FROM events WHERE {where} ORDER BY seq LIMIT {PAGE_ROWS}"  # noqa: S608 -- `where` is built above from literals; every value is bound
        last: object = seq if seq is not None else -math.inf  # no fact of ours, and yet it must be seen
        while True:
            with self._reading():
                rows = self._connection.execute(query, [last, *values]).fetchall()
            yield from rows
            if len(rows) < PAGE_ROWS:
                return
            last = rows[-1][0]

    def _fact(self, row: tuple[object, ...]) -> Fact:
        seq, at, run, kind, actor, payload, payload_sha, prev, digest = row
        try:
            parsed = None if payload is None else parse_payload(_utf8(payload))[0]
            known = FactKind(str(kind))
        except ValueError as error:
            raise KernelError(f"fact {seq} cannot be read: {error}", "run: keelwatch audit verify") from None
        when = at if isinstance(at, float) else 0.0
        return Fact(
            int(str(seq)), when, str(run), known, str(actor), parsed, str(payload_sha), str(prev), str(digest)
        )

    def _refuse_to_redact(self, seq: int) -> None:
        query = f"SELECT {COLUMNS} FROM events WHERE seq = ?"  # noqa: S608 -- our own list of columns
        row = self._connection.execute(query, (seq,)).fetchone()
        if row is None:
            raise UsageError(f"there is no fact {seq}", "see: keelwatch audit verify")
        fact = self._fact(row)
        if fact.payload is None:
            raise Refused(f"fact {seq} is already redacted")
        if fact.kind is FactKind.LEASE or fact.event == "redacted":
            raise Refused(
                f"fact {seq} is a {fact.event or fact.kind}: it fences, or says why another is gone"
            )
        if self._may_owe(fact.run):
            raise Refused(
                f"fact {seq} belongs to run {fact.run}, which may still have to undo something",
                f"end it first, and heal what it left: keelwatch stop {fact.run}; keelwatch heal",
            )

    def _is_salted(self, seq: int) -> bool:
        query = "SELECT payload FROM events WHERE seq = ?"
        return bool(parse_payload(str(self._connection.execute(query, (seq,)).fetchone()[0]))[1])

    def _may_owe(self, run: str) -> bool:
        """Whether `run` acted and its last verdict is missing or names something left behind."""
        has_intent = "SELECT 1 FROM events WHERE kind = 'intent' AND run = ? AND run != '' LIMIT 1"
        left = (
            "SELECT coalesce(json_array_length(payload, '$.left'), 0) FROM events"
            " WHERE kind = 'verdict' AND run = ? ORDER BY seq DESC LIMIT 1"
        )
        if self._connection.execute(has_intent, (run,)).fetchone() is None:
            return False
        last = self._connection.execute(left, (run,)).fetchone()
        return last is None or last[0] != 0

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._mutex, _told_plainly(self._path):
            yield


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors, as one of ours with a remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise _plain(path, str(error)) from None
    except OSError as error:
        raise _plain(path, error.strerror or str(error)) from None


def _plain(path: Path, reason: str) -> KernelError:
    low = reason.lower()
    hints = {
        "full": "free some space; nothing is done that cannot be recorded first",
        "space": "free some space; nothing is done that cannot be recorded first",
        "too large": "the limit on file size is reached: see ulimit -f",
        "i/o": "check the disk: dmesg, df",
        "malformed": "keep the file, restore a copy, and compare: keelwatch audit verify",
        "not a database": "keep the file, restore a copy, and compare: keelwatch audit verify",
        "readonly": "the file or its folder cannot be written: check owner and mode",
        "read-only": "the file or its folder cannot be written: check owner and mode",
        "permission": "the file or its folder cannot be written: check owner and mode",
        "locked": "another program holds the file: fuser it",
    }
    hint = next((text for word, text in hints.items() if word in low), "check the path and KEELWATCH_STATE")
    return KernelError(f"the ledger {path} cannot be used: {reason}", hint)


def _utf8(payload: object) -> str:
    """Raises ValueError for bytes that no writer of ours has written."""
    text = str(payload)
    text.encode()
    return text
