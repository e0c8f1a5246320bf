"""What a run writes before and after it touches the world. The one place that knows how the facts of
a run look; `state.fold` reads them back."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from keelwatch.ledger.fact import Fact, FactKind, Fence, JsonObject
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.effect import Effect, Fate, intent_payload
from keelwatch.runs.verdict import Verdict
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.sink import narrate

HURRY_S = 2.0
HOPELESS_S = 0.2


class Journal:
    """Appends facts of one run, fenced by every lease in `fences`: once one of them has passed on,
    each method raises `Fenced` and nothing is written."""

    def __init__(self, store: LedgerStore, run: str, actor: str, fences: Sequence[Fence] = ()) -> None:
        self.run = run
        self.fences = list(fences)
        self._store = store
        self._actor = actor
        self._usual_s = store.patience_s
        self._hurrying = 0
        self._mutex = threading.Lock()

    @property
    def epoch(self) -> int:
        """Of the scope leased last, else of the run itself; 0 without a lease."""
        return self.fences[-1].epoch if self.fences else 0

    def intend(self, effect: Effect) -> Effect:
        """Synced when this returns; raises `KernelError` when it cannot be, and then nobody may act."""
        return replace(effect, seq=self._append(FactKind.INTENT, intent_payload(effect)).seq)

    def settle(self, effect: Effect, fate: Fate, evidence: JsonObject, by: str = "do") -> Effect:
        """Record what became of an intent; `by` says who knows: do, check, key or a person."""
        payload: JsonObject = {"intent": effect.seq, "outcome": fate, "by": by, "evidence": evidence}
        self._append(FactKind.RESULT, payload)
        return replace(effect, fate=fate, evidence=evidence)

    @contextmanager
    def in_a_hurry(self) -> Iterator[None]:
        """While undoing, the world does not wait long for other writers, and hardly at all once they
        have shown that they do not let go."""
        with self._mutex:
            self._hurrying += 1
            self._store.patience_s = min(self._usual_s, HURRY_S)
        try:
            yield
        finally:
            with self._mutex:  # several may undo at once; the last one out is patient again
                self._hurrying -= 1
                if not self._hurrying:
                    self._store.patience_s = self._usual_s

    def intend_undo(self, effect: Effect) -> bool:
        """Whether it could be recorded. An undo runs even when it cannot: leaving the world broken
        because the disk is full would be worse; it then stays listed until `heal` has verified it."""
        assert effect.undo is not None
        undo: JsonObject = {"verb": effect.undo.verb, "args": effect.undo.args}
        return self._try(FactKind.INTENT, {"undoes": effect.seq, "target": effect.target, **undo})

    def settle_undo(self, effect: Effect, error: str, evidence: str) -> bool:
        """`error` empty: undone and verified."""
        payload: JsonObject = {
            "undoes": effect.seq,
            "outcome": "undo-failed" if error else "undone",
            "error": error,
            "evidence": evidence,
        }
        return self._try(FactKind.RESULT, payload)

    def note(self, event: str, payload: JsonObject) -> Fact:
        return self._append(FactKind.NOTE, {"event": event, **payload})

    def close(self, verdict: Verdict, left: Sequence[Effect], stream: JsonObject) -> Fact:
        """The closing fact: the verdict, the seqs of undos still owed, and the stream's hash."""
        payload: JsonObject = {
            "verdict": verdict.outcome,
            "reason": verdict.reason,
            "exit": int(verdict.exit_code),
            "left": [effect.seq for effect in left],
            "stream": stream,
        }
        return self._append(FactKind.VERDICT, payload)

    def release(self, fence: Fence) -> None:
        self.note_release(fence)
        self.fences.remove(fence)

    def note_release(self, fence: Fence) -> None:
        payload: JsonObject = {"event": "released", "scope": fence.scope, "epoch": fence.epoch}
        self._append(FactKind.LEASE, payload)

    def _try(self, kind: FactKind, payload: JsonObject) -> bool:
        try:
            self._append(kind, payload)
        except SourceError as error:
            narrate(f"not recorded: {error.message}")
            self._store.patience_s = min(self._store.patience_s, HOPELESS_S)
            return False
        return True

    def _append(self, kind: FactKind, payload: JsonObject) -> Fact:
        return self._store.append(self.run, kind, payload, actor=self._actor, fences=self.fences)
