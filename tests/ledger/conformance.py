"""What every ledger must do, as tests over a store and nothing else. A test module of a store
subclasses `LedgerConformance` and gives the `store` fixture; SQLite's does, and Postgres' will."""

from __future__ import annotations

import pytest

from keelwatch.ledger import Fact, FactKind, Fence, JsonObject, LedgerStore, anchor, verify
from keelwatch.workspace import Fenced, InternalError, Refused, Secret, UsageError
from tests.sentinel import SENTINEL, leaks_in


def note(store: LedgerStore, words: str, run: str = "run-1") -> Fact:
    return store.append(run, FactKind.NOTE, {"event": "said", "words": words}, actor="7:ada (claimed)")


class LedgerConformance:
    def test_an_empty_ledger_has_a_head_and_verifies(self, store: LedgerStore) -> None:
        assert store.head() == (0, "0" * 64)
        assert verify(store).flaw is None

    def test_facts_come_back_as_they_were_written_and_in_order(self, store: LedgerStore) -> None:
        written = [note(store, f"word {number} é \udc80") for number in range(3)]
        assert list(store.after(0)) == written
        assert [fact.seq for fact in written] == [1, 2, 3]
        assert [fact.prev for fact in written[1:]] == [fact.hash for fact in written[:-1]]
        assert store.head() == (3, written[-1].hash)

    def test_after_gives_only_what_was_asked_for(self, store: LedgerStore) -> None:
        note(store, "a", "run-1")
        note(store, "b", "run-2")
        store.append("run-1", FactKind.RESULT, {"intent": 1}, actor="x")
        assert [fact.seq for fact in store.after(0, run="run-1")] == [1, 3]
        assert [fact.seq for fact in store.after(0, kinds=(FactKind.RESULT, FactKind.INTENT))] == [3]
        assert [fact.seq for fact in store.after(1, run="run-1", kinds=(FactKind.NOTE,))] == []

    def test_after_gives_more_than_a_page(self, store: LedgerStore) -> None:
        for number in range(1203):
            note(store, str(number))
        assert [fact.seq for fact in store.after(1)] == list(range(2, 1204))

    def test_runs_with_a_kind_of_fact_are_listed_once(self, store: LedgerStore) -> None:
        for run in ("b", "a", "b", ""):
            note(store, "x", run)
        assert store.runs_with(FactKind.NOTE) == ("a", "b")
        assert store.runs_with(FactKind.VERDICT) == ()

    def test_a_payload_that_is_no_json_is_refused_and_leaves_nothing(self, store: LedgerStore) -> None:
        with pytest.raises(InternalError):
            store.append("r", FactKind.NOTE, {"ratio": float("nan")}, actor="x")
        assert store.head()[0] == 0

    def test_a_secret_never_reaches_a_payload(self, store: LedgerStore) -> None:
        Secret(SENTINEL)
        payload: JsonObject = {"args": {SENTINEL: [f"x {SENTINEL} y", 5, None, True]}}
        fact = store.append("r", FactKind.NOTE, payload, actor="x")
        assert fact.payload == {"args": {"***": ["x *** y", 5, None, True]}}
        assert leaks_in(str(list(store.events()))) == []

    def test_epochs_of_a_scope_rise_and_scopes_do_not_share_them(self, store: LedgerStore) -> None:
        epochs = [
            store.raise_epoch("west", "r", {"event": "taken"}, actor="x").body["epoch"] for _ in range(2)
        ]
        assert epochs == [1, 2]
        assert store.raise_epoch("east", "r", {"event": "taken"}, actor="x").body["epoch"] == 1
        newest = store.lease("west")
        assert newest is not None
        assert newest.body == {"event": "taken", "scope": "west", "epoch": 2}
        assert store.lease("north") is None

    def test_a_late_writer_is_fenced_and_writes_nothing(self, store: LedgerStore) -> None:
        store.raise_epoch("west", "r1", {}, actor="first")
        mine = Fence("west", 1)
        assert store.append("r1", FactKind.INTENT, {}, actor="first", fences=[mine]).seq == 2
        store.raise_epoch("west", "r2", {}, actor="second")
        with pytest.raises(Fenced, match="epoch 2 now, 1 here"):
            store.append("r1", FactKind.INTENT, {}, actor="first", fences=[mine])
        assert store.head()[0] == 3

    def test_a_redacted_payload_is_gone_and_the_chain_still_verifies(self, store: LedgerStore) -> None:
        note(store, "a customer's name")
        note(store, "other")
        fact = store.redact(1, "personal data", actor="7:ada (claimed)")
        assert fact.body == {"event": "redacted", "seq": 1, "reason": "personal data", "salted": True}
        assert next(store.after(0)).payload is None
        assert "customer" not in str(list(store.events()))
        assert verify(store).flaw is None

    def test_what_must_stay_cannot_be_redacted(self, store: LedgerStore) -> None:
        store.raise_epoch("west", "r", {}, actor="x")
        note(store, "gone")
        store.redact(2, "why not", actor="x")
        for seq in (1, 2, 3):  # a lease, gone already, the redaction
            with pytest.raises(Refused):
                store.redact(seq, "again", actor="x")
        with pytest.raises(UsageError, match="there is no fact 99"):
            store.redact(99, "never was", actor="x")
        assert verify(store).flaw is None

    def test_no_fact_of_a_run_that_may_owe_an_undo_can_be_redacted(self, store: LedgerStore) -> None:
        note(store, "created", "r")
        store.append("r", FactKind.INTENT, {"undo": None}, actor="x")
        store.append("r", FactKind.VERDICT, {"left": [2]}, actor="x")
        for seq in (1, 2, 3):
            with pytest.raises(Refused, match="may still have to undo"):
                store.redact(seq, "too early", actor="x")
        store.append("r", FactKind.VERDICT, {"left": []}, actor="x")
        for seq in (1, 2, 3, 4):
            store.redact(seq, "healed", actor="x")
        assert verify(store).flaw is None

    def test_an_anchor_is_the_head_and_verifies_later(self, store: LedgerStore) -> None:
        note(store, "one")
        known = anchor(store)
        note(store, "two")
        assert verify(store, known).flaw is None
        assert verify(store, known).count == 2
