"""The SQLite ledger: the conformance suite, and what is particular to a file on a disk."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.ledger import Access, FactKind, SqliteLedger, current_actor, open_ledger, verify
from keelwatch.ledger.fact import GENESIS, canonical, chain_hash, sha
from keelwatch.ledger.migrations import MIGRATIONS, Migration, migrate
from keelwatch.ledger.writelock import WriteLock
from keelwatch.workspace import InternalError, Secret, SourceError
from tests.ledger.conformance import LedgerConformance, note
from tests.sentinel import SENTINEL, leaks_under
from tests.tiny_disk import on_a_tiny_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteLedger]:
    ledger = open_ledger(path)
    yield ledger
    ledger.close()


class TestSqliteLedger(LedgerConformance):
    pass


def test_facts_cannot_be_deleted_changed_or_replaced_through_sql(store: SqliteLedger, path: Path) -> None:
    note(store, "one")
    other = sqlite3.connect(path)
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET actor = 'me'",
        "UPDATE events SET payload = '{}'",
        "UPDATE events SET payload = NULL, at = 0",
        "REPLACE INTO events SELECT seq, at, run, kind, 'me', payload, payload_sha, prev, 'x' FROM events",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="facts are never"):
            other.execute(statement)
    other.close()
    assert verify(store).flaw is None


def test_the_file_and_its_log_are_private(store: SqliteLedger, path: Path) -> None:
    note(store, "one")
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.lock"):
        assert stat.S_IMODE(path.with_name(name).stat().st_mode) == 0o600, name


def test_a_redacted_payload_leaves_no_bytes_on_the_disk(store: SqliteLedger, path: Path) -> None:
    for number in range(20):
        note(store, f"sentinel-customer-{number}-" + "x" * 3000)
    for seq in range(1, 21):
        store.redact(seq, "asked for", actor="x")
    found = [file.name for file in path.parent.iterdir() if b"sentinel-customer" in file.read_bytes()]
    assert found == []


def test_a_secret_leaves_no_bytes_on_the_disk(store: SqliteLedger, path: Path) -> None:
    secret = Secret(f'pä"{SENTINEL}"ö')
    store.append("r", FactKind.NOTE, {"text": secret.reveal(), "deep": [{"a": secret.reveal()}]}, actor="x")
    assert list(leaks_under(path.parent)) == []
    assert b"***" in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_opening_again_migrates_nothing(path: Path) -> None:
    open_ledger(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    assert migrate(connection) == []
    connection.close()


def test_migrations_run_once_in_order_and_a_broken_one_leaves_nothing(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    good = (*MIGRATIONS, Migration("9003-note", ("CREATE TABLE extra (a)",)))
    broken = (*good, Migration("9004-broken", ("CREATE TABLE more (a)", "CREATE TABLE more (a)")))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, broken)
    assert migrate(connection, good) == []
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"events", "extra", "migrations"}
    connection.close()


def unsalted_ledger(path: Path) -> None:
    """A ledger as it was before salts: two migrations, and facts whose hash covers the payload alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection, MIGRATIONS[:2])
    prev = GENESIS
    for seq, words in enumerate(("ann", "bob"), start=1):
        text = canonical({"event": "said", "words": words})
        digest = chain_hash(seq, 1.0, "r", "note", "x", sha(text), prev)
        row = (seq, 1.0, "r", "note", "x", text, sha(text), prev, digest)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        prev = digest
    connection.close()


def test_facts_from_before_salts_still_verify_read_and_redact(path: Path) -> None:
    unsalted_ledger(path)
    store = open_ledger(path)
    assert migrate(sqlite3.connect(path, isolation_level=None)) == []
    note(store, "new")

    assert verify(store).flaw is None
    assert [fact.body["words"] for fact in store.after(0)] == ["ann", "bob", "new"]
    assert store.redact(1, "asked for", actor="x").body["salted"] is False, "its hash can still be guessed"
    assert store.redact(3, "asked for", actor="x").body["salted"] is True
    assert verify(store).flaw is None
    store.close()


def test_a_redacted_value_cannot_be_guessed_from_what_is_left(store: SqliteLedger, path: Path) -> None:
    first, second = note(store, "bob"), note(store, "bob")
    assert first.payload_sha != second.payload_sha, "equal payloads do not show as equal"
    (salt,) = {json.loads(str(event.payload))["~salt"] for event in store.events() if event.seq == 1}
    assert len(salt) == 32

    store.redact(1, "asked for", actor="x")
    body = {"event": "said", "words": "bob"}
    guesses = {sha(canonical(body)), sha(canonical({**body, "~salt": ""}))}
    assert first.payload_sha not in guesses
    assert "~salt" not in str(list(store.after(0)))
    assert [file.name for file in path.parent.iterdir() if salt.encode() in file.read_bytes()] == []


def test_a_payload_cannot_bring_its_own_salt(store: SqliteLedger) -> None:
    with pytest.raises(InternalError, match="~salt"):
        store.append("r", FactKind.NOTE, {"~salt": "mine"}, actor="x")
    assert store.head()[0] == 0


def test_an_empty_payload_is_salted_too(store: SqliteLedger) -> None:
    facts = [store.append("r", FactKind.NOTE, {}, actor="x") for _ in range(2)]
    assert facts[0].payload_sha != facts[1].payload_sha
    assert [fact.payload for fact in store.after(0)] == [{}, {}]
    assert verify(store).flaw is None


def test_a_ledger_of_a_newer_keelwatch_is_refused(path: Path) -> None:
    open_ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO migrations VALUES ('0999-from-the-future', 0)")
    connection.commit()
    connection.close()
    with pytest.raises(SourceError, match="newer Keelwatch"):
        open_ledger(path)


def test_many_opening_a_new_ledger_at_once_all_succeed(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from keelwatch.ledger import *\n"
        "store = open_ledger(Path(sys.argv[1]))\n"
        "for n in range(20): store.append('r', FactKind.NOTE, {'n': n}, actor=sys.argv[2])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(n)]) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    store = open_ledger(path)
    assert verify(store).flaw is None
    assert store.head()[0] == 80
    store.close()


def test_opening_a_second_time_in_one_process_loses_no_later_fact(path: Path) -> None:
    first = open_ledger(path)
    note(first, "one")
    open_ledger(path).close()
    program = (
        "import sys; from pathlib import Path; from keelwatch.ledger import *\n"
        "store = open_ledger(Path(sys.argv[1])); print(store.head()[0]); store.close()"
    )
    other = [sys.executable, "-c", program, str(path)]
    subprocess.run(other, check=True, capture_output=True)  # the last to leave deletes the log, if it is
    note(first, "two")
    assert subprocess.run(other, check=True, capture_output=True, text=True).stdout == "2\n"
    first.close()


def test_threads_may_share_a_ledger(store: SqliteLedger) -> None:
    threads = [threading.Thread(target=lambda: [note(store, "x") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(store).count == 80
    assert verify(store).flaw is None


def test_a_corrupt_file_is_named_and_not_touched(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever the name says" * 100)
    for access in Access:
        with pytest.raises(SourceError, match="not a database") as caught:
            open_ledger(path, access)
        assert "audit verify" in caught.value.hint
    assert path.read_bytes().startswith(b"this is no database")


def test_a_ledger_locked_by_a_frozen_writer_is_given_up_after_its_patience(path: Path) -> None:
    holder = WriteLock(path.with_suffix(".lock"))
    store = open_ledger(path, patience_s=0.2)
    with holder.held(1.0), pytest.raises(SourceError, match="locked by another writer"):
        note(store, "never")
    assert note(store, "now").seq == 1
    store.close()
    holder.close()


def test_a_full_disk_refuses_the_append_and_recovers(path: Path) -> None:
    store = open_ledger(path)
    note(store, "one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("ledger.sqlite-wal").stat().st_size, before[1]))
    try:
        with pytest.raises(SourceError) as caught:
            note(store, "x" * 200_000)
        assert [fact.seq for fact in store.after(0)] == [1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint
    assert note(store, "two").seq == 2
    assert verify(store).flaw is None
    store.close()


def test_a_filesystem_that_is_really_full_refuses_the_append_and_recovers(tmp_path: Path) -> None:
    on_a_tiny_disk(tmp_path / "disk", "tests.ledger.full_disk")


def test_reading_needs_no_right_to_write_and_follows_a_writer(store: SqliteLedger, path: Path) -> None:
    reader = open_ledger(path, Access.READ)
    note(store, "one")
    assert [fact.seq for fact in reader.after(0)] == [1]
    note(store, "two")
    assert [fact.seq for fact in reader.after(1)] == [2]
    with pytest.raises(SourceError, match="read only"):
        note(reader, "three")
    reader.close()


def test_a_ledger_on_read_only_media_can_be_read_and_verified(path: Path) -> None:
    store = open_ledger(path)
    note(store, "one")
    store.close()
    for file in path.parent.iterdir():
        if file != path:
            file.unlink()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        reader = open_ledger(path, Access.READ)
        assert verify(reader).count == 1
        reader.close()
    finally:
        path.parent.chmod(0o700)


def test_a_ledger_that_is_not_there_yet_reads_as_empty_and_is_not_made(path: Path) -> None:
    reader = open_ledger(path, Access.READ)
    assert list(reader.after(0)) == []
    assert reader.head()[0] == 0
    reader.close()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError):
        open_ledger(tmp_path / "file" / "ledger.sqlite")


def test_the_actor_is_the_uid_and_says_that_it_is_claimed() -> None:
    assert current_actor().startswith(f"{os.getuid()}:")
    assert current_actor().endswith(" (claimed)")
