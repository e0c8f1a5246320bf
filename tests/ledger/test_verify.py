"""Whoever tampers with the file, past all triggers, is found: which fact, and in what way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.ledger import Anchor, FactKind, SqliteLedger, anchor, open_ledger, verify
from keelwatch.ledger.fact import GENESIS, chain_hash
from keelwatch.workspace import UsageError
from tests.ledger.conformance import note

SWAP = "UPDATE events SET seq = CASE seq WHEN 3 THEN -4 WHEN 4 THEN -3 ELSE seq END"
BEFORE_THE_FIRST = (
    "INSERT INTO events SELECT -9223372036854775808, at, run, kind, actor, payload, payload_sha, prev, 'f' "
    "FROM events WHERE seq = 1"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    for number in range(1, 7):
        note(ledger, f"fact {number}")
    yield ledger
    ledger.close()


def tamper(tmp_path: Path, *statements: str) -> None:
    """As somebody with write access to the file would: without the triggers."""
    connection = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    for trigger in ("events_never_deleted", "events_never_replaced", "events_never_changed"):
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statements", "seq", "why"),
    [
        (['UPDATE events SET payload = \'{"words":"nicer"}\' WHERE seq = 3'], 3, "payload was changed"),
        (["UPDATE events SET actor = 'somebody else' WHERE seq = 3"], 3, "was changed"),
        (["UPDATE events SET at = at - 60 WHERE seq = 3"], 3, "was changed"),
        (["UPDATE events SET kind = 'verdict' WHERE seq = 6"], 6, "was changed"),
        (["UPDATE events SET hash = 'f' WHERE seq = 3"], 3, "was changed"),
        (["UPDATE events SET prev = 'f' WHERE seq = 3"], 3, "does not follow"),
        (["UPDATE events SET payload = NULL WHERE seq = 3"], 3, "no redaction says why"),
        (["DELETE FROM events WHERE seq = 1"], 1, "missing"),
        (["DELETE FROM events WHERE seq = 3"], 3, "missing"),
        (
            ["DELETE FROM events WHERE seq = 3", "UPDATE events SET seq = seq - 1 WHERE seq > 3"],
            3,
            "not follow",
        ),
        (["UPDATE events SET payload = CAST(x'7bff7d' AS TEXT) WHERE seq = 3"], 3, "payload was changed"),
        (["UPDATE events SET actor = CAST(x'ff' AS TEXT) WHERE seq = 3"], 3, "was changed"),
        ([BEFORE_THE_FIRST], 1, "missing"),
        ([SWAP, "UPDATE events SET seq = -seq WHERE seq < 0"], 3, "not follow"),
    ],
)
def test_the_first_fact_that_was_changed_removed_or_moved_is_named(
    store: SqliteLedger, tmp_path: Path, statements: list[str], seq: int, why: str
) -> None:
    tamper(tmp_path, *statements)
    flaw = verify(store).flaw
    assert flaw is not None
    assert flaw.seq == seq
    assert why in flaw.why


def test_a_cut_tail_is_invisible_alone_and_shown_by_an_anchor(store: SqliteLedger, tmp_path: Path) -> None:
    known = anchor(store)
    tamper(tmp_path, "DELETE FROM events WHERE seq > 4")
    assert verify(store).flaw is None
    flaw = verify(store, known).flaw
    assert flaw is not None
    assert flaw.seq == 5
    assert "cut" in flaw.why


def test_a_tail_cut_and_grown_again_is_shown_by_an_anchor(store: SqliteLedger, tmp_path: Path) -> None:
    known = anchor(store)
    tamper(tmp_path, "DELETE FROM events WHERE seq > 4")
    for _ in range(5):
        note(store, "another story")
    flaw = verify(store, known).flaw
    assert flaw is not None
    assert flaw.seq == 6
    assert "anchored" in flaw.why


def test_a_chain_written_anew_from_the_start_is_shown_by_an_anchor(
    store: SqliteLedger, tmp_path: Path
) -> None:
    known = anchor(store)
    prev, statements = GENESIS, list[str]()
    for fact in list(store.after(0)):
        digest = chain_hash(fact.seq, fact.at, fact.run, fact.kind, "forger", fact.payload_sha, prev)
        statements.append(
            f"UPDATE events SET actor = 'forger', prev = '{prev}', hash = '{digest}' WHERE seq = {fact.seq}"
        )
        prev = digest
    tamper(tmp_path, *statements)
    assert verify(store).flaw is None
    assert verify(store, known).flaw is not None


def test_a_redaction_explains_only_the_fact_it_names(store: SqliteLedger, tmp_path: Path) -> None:
    store.redact(2, "asked for", actor="x")
    tamper(tmp_path, "UPDATE events SET payload = NULL WHERE seq = 4")
    flaw = verify(store).flaw
    assert flaw is not None
    assert flaw.seq == 4


def test_a_note_of_a_run_cannot_pass_for_a_redaction(store: SqliteLedger, tmp_path: Path) -> None:
    store.append("run-1", FactKind.NOTE, {"event": "redacted", "seq": 2, "reason": "trust me"}, actor="x")
    tamper(tmp_path, "UPDATE events SET payload = NULL WHERE seq = 2")
    flaw = verify(store).flaw
    assert flaw is not None
    assert flaw.seq == 2


def test_an_anchor_reads_back_what_it_prints(store: SqliteLedger) -> None:
    known = anchor(store)
    assert Anchor.parse(str(known)) == known
    for text in ("", "6", "6:abc", f"x:{known.hash}"):
        with pytest.raises(UsageError):
            Anchor.parse(text)
