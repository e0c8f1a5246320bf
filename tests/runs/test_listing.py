"""What a listing of runs reads: no more than how each of them stands."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence

from keelwatch.ledger import Fact, FactKind, LedgerStore
from keelwatch.ledger.fact import Fence, JsonObject
from keelwatch.ledger.store import RawEvent
from keelwatch.runs import Phase, load, runs, view
from keelwatch.runs.heal import Unfinished, unfinished
from tests.runs.conftest import Stage

LEASES = 3000


class Counting:
    """A ledger that counts, by kind, the facts that are read out of it."""

    def __init__(self, inner: LedgerStore) -> None:
        self._inner = inner
        self.patience_s = inner.patience_s
        self.read: Counter[FactKind] = Counter()

    def after(self, seq: int, *, run: str | None = None, kinds: Sequence[FactKind] = ()) -> Iterator[Fact]:
        for fact in self._inner.after(seq, run=run, kinds=kinds):
            self.read[fact.kind] += 1
            yield fact

    def lease(self, scope: str) -> Fact | None:
        self.read[FactKind.LEASE] += 1
        return self._inner.lease(scope)

    def runs_with(self, kind: FactKind) -> tuple[str, ...]:
        return self._inner.runs_with(kind)

    def append(
        self, run: str, kind: FactKind, payload: JsonObject, *, actor: str, fences: Sequence[Fence] = ()
    ) -> Fact:
        return self._inner.append(run, kind, payload, actor=actor, fences=fences)

    def raise_epoch(self, scope: str, run: str, payload: JsonObject, *, actor: str) -> Fact:
        return self._inner.raise_epoch(scope, run, payload, actor=actor)

    def head(self) -> tuple[int, str]:
        return self._inner.head()

    def redact(self, seq: int, reason: str, *, actor: str) -> Fact:
        return self._inner.redact(seq, reason, actor=actor)

    def events(self) -> Iterator[RawEvent]:
        return self._inner.events()

    def close(self) -> None:
        self._inner.close()


def _made(store: LedgerStore, run: str, spec: JsonObject | None = None) -> None:
    payload: JsonObject = {
        "event": "created", "kind": "probe", "name": "watch", "env": "toy", "spec_sha": "",
        "on_death": "undo", "on_term": "undo", **(spec or {}),
    }  # fmt: skip
    store.append(run, FactKind.NOTE, payload, actor="0:sre")
    store.raise_epoch(f"run/{run}", run, {"event": "taken"}, actor="0:sre")


def _borrows(store: LedgerStore, run: str, count: int) -> None:
    """As a shift of journeys takes and gives back its accounts."""
    for number in range(count):
        payload: JsonObject = {"event": "released", "scope": f"account/{number}", "epoch": 1}
        store.append(run, FactKind.LEASE, payload, actor="0:sre")


def _intends(store: LedgerStore, run: str, target: str) -> int:
    payload: JsonObject = {
        "step": "s", "key": f"{run}/{target}", "verb": "toy.set", "args": {}, "effect": "desired-state",
        "target": target, "access": {}, "timeout_s": 1.0, "undo": {"verb": "toy.set", "args": {}},
    }  # fmt: skip
    return store.append(run, FactKind.INTENT, payload, actor="0:sre").seq


def _closes(store: LedgerStore, run: str, left: Sequence[int] = ()) -> None:
    payload: JsonObject = {"verdict": "pass", "reason": "", "exit": 0, "left": list(left), "stream": {}}
    store.append(run, FactKind.VERDICT, payload, actor="0:sre")


def test_a_run_with_thousands_of_leases_costs_a_listing_one_of_them(stage: Stage) -> None:
    _made(stage.ledger, "a-shift")
    _borrows(stage.ledger, "a-shift", LEASES)
    _closes(stage.ledger, "a-shift")
    counting = Counting(stage.ledger)
    (listed,) = runs(counting)
    assert counting.read == {FactKind.NOTE: 1, FactKind.LEASE: 1, FactKind.VERDICT: 1}
    whole = load(stage.ledger, "a-shift")
    assert listed.phase is Phase.ENDED
    assert (listed.state.epoch, listed.state.since, str(listed.state.verdict)) == (
        whole.epoch,
        whole.since,
        str(whole.verdict),
    )


def test_a_listing_of_the_newest_reads_nothing_of_older_runs(stage: Stage) -> None:
    for number in range(30):
        _made(stage.ledger, f"run-{number:02d}")
        _closes(stage.ledger, f"run-{number:02d}")
    counting = Counting(stage.ledger)
    assert [one.state.id for one in runs(counting, newest=3)] == ["run-29", "run-28", "run-27"]
    assert counting.read.total() == 9


def test_a_dead_run_that_owes_is_read_once_and_then_only_what_is_new(stage: Stage) -> None:
    _made(stage.ledger, "dead")
    _borrows(stage.ledger, "dead", 40)
    owed = _intends(stage.ledger, "dead", "cache")
    counting = Counting(stage.ledger)
    (first,) = runs(counting)
    assert (first.phase, [effect.seq for effect in first.state.open]) == (Phase.ORPHANED, [owed])
    counting.read.clear()
    assert runs(counting) == [first]
    assert counting.read[FactKind.INTENT] == 0
    assert counting.read.total() <= 4
    payload: JsonObject = {"undoes": owed, "outcome": "undone", "error": "", "evidence": ""}
    stage.ledger.append("dead", FactKind.RESULT, payload, actor="0:sre")
    (healed,) = runs(counting)
    assert (healed.phase, healed.state) == (Phase.ENDED, load(stage.ledger, "dead"))


def test_what_a_closed_run_left_behind_is_listed_until_it_is_undone(stage: Stage) -> None:
    _made(stage.ledger, "closed")
    owed = _intends(stage.ledger, "closed", "cache")
    _closes(stage.ledger, "closed", [owed])
    (before,) = runs(stage.ledger)
    assert before.phase is Phase.ORPHANED
    payload: JsonObject = {"undoes": owed, "outcome": "undone", "error": "", "evidence": ""}
    stage.ledger.append("closed", FactKind.RESULT, payload, actor="0:sre")
    (after,) = runs(stage.ledger)
    assert after.phase is Phase.ENDED


def test_a_run_fenced_by_a_healer_that_died_is_no_run_that_never_began(stage: Stage) -> None:
    _made(stage.ledger, "fenced")
    _intends(stage.ledger, "fenced", "cache")
    _borrows(stage.ledger, "fenced", 40)
    stage.ledger.raise_epoch("run/fenced", "fenced", {"event": "fenced", "by": "heal"}, actor="0:sre")
    (listed,) = runs(stage.ledger)
    assert (listed.phase, listed.state.epoch) == (Phase.ORPHANED, 2)
    _closes(stage.ledger, "fenced")
    counting = Counting(stage.ledger)
    (closed,) = runs(counting)
    assert closed.phase is Phase.ENDED
    assert closed.state.since == load(stage.ledger, "fenced").since
    assert counting.read[FactKind.LEASE] == 2


def test_a_paused_run_is_listed_without_what_it_did(stage: Stage) -> None:
    _made(stage.ledger, "book", {"kind": "runbook", "on_death": "orphan", "on_term": "pause"})
    for number in range(50):
        _intends(stage.ledger, "book", f"step-{number}")
    stage.ledger.append("book", FactKind.NOTE, {"event": "paused", "reason": "asked"}, actor="0:sre")
    counting = Counting(stage.ledger)
    (listed,) = runs(counting)
    assert listed.phase is Phase.PAUSED
    assert counting.read[FactKind.INTENT] == 0
    stage.ledger.raise_epoch("run/book", "book", {"event": "taken"}, actor="0:sre")
    (resumed,) = runs(counting)
    assert (resumed.state.paused, resumed.phase) == (None, Phase.ORPHANED)


def test_a_listing_and_a_view_agree_on_a_run_that_was_killed(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    stage.kill(run, number=signal.SIGKILL)
    stage.until_over(run)
    (listed,) = runs(stage.ledger)
    seen = view(stage.ledger, run)
    assert (listed.phase, listed.pid) == (seen.phase, seen.pid) == (Phase.ENDED, None)
    assert (listed.state.epoch, listed.state.since) == (seen.state.epoch, seen.state.since)
    assert seen.state == load(stage.ledger, run)


def test_who_asks_again_what_is_unfinished_reads_only_what_is_new(stage: Stage) -> None:
    """A runbook asks before and after each of its steps, while customers wait."""
    for number in range(30):
        _made(stage.ledger, f"run-{number:02d}")
        _closes(stage.ledger, f"run-{number:02d}")
    _made(stage.ledger, "run-30")
    counting = Counting(stage.ledger)
    asked = Unfinished(counting)
    assert asked.now() == ["run-30"]
    counting.read.clear()
    assert asked.now() == ["run-30"]
    assert counting.read.total() == 0
    _made(stage.ledger, "run-31")
    _closes(stage.ledger, "run-30", [_intends(stage.ledger, "run-30", "cache")])
    assert asked.now() == ["run-31", "run-30"] == unfinished(stage.ledger)
    _closes(stage.ledger, "run-30")
    _closes(stage.ledger, "run-31")
    assert asked.now() == [] == unfinished(stage.ledger)
    assert counting.read.total() <= 8
