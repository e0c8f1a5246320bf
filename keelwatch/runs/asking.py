"""Questions of a run to people: one at a time, each on record with its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keelwatch.ledger.fact import Fact, FactKind, JsonObject
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.fields import text, whole
from keelwatch.runs.journal import Journal
from keelwatch.runs.stopflag import StopFlag
from keelwatch.workspace.errors import UnknownResult

PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person chose, what they noted, and who they are."""

    choice: str
    note: str
    actor: str


class Questions:
    """`meanwhile` is called again and again while one is open, and ends the wait by what it raises."""

    def __init__(self, store: LedgerStore, journal: Journal, stop: StopFlag, since: int) -> None:
        self._store = store
        self._journal = journal
        self._stop = stop
        self._read_seq = since
        self._open = threading.Lock()
        self._asker = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def ask(self, question: str, choices: Sequence[str], wants_note: Sequence[str]) -> Answered:
        """Raises `Stopped`, and `UnknownResult` for a question that arises out of `meanwhile`: nobody can be
        asked it while the first is open."""
        if self._asker == threading.get_ident():
            raise UnknownResult(f"{question} Another question is open.", "answer that one first")
        while not self._open.acquire(timeout=PAUSE_S):
            self._stop.check()
            self.meanwhile()
        try:
            self._asker = threading.get_ident()
            return self._answered(question, choices, wants_note)
        finally:
            self._asker = 0
            self._open.release()

    def commands(self) -> list[Fact]:
        """Sent to this run since the last call."""
        facts = list(self._store.after(self._read_seq, run=self._journal.run, kinds=(FactKind.COMMAND,)))
        if facts:
            self._read_seq = facts[-1].seq
        return facts

    def _answered(self, question: str, choices: Sequence[str], wants_note: Sequence[str]) -> Answered:
        self.meanwhile()
        payload: JsonObject = {
            "question": question,
            "choices": list(choices),
            "wants_note": list(wants_note),
        }
        asked = self._journal.note("asked", payload).seq
        while True:
            for fact in self.commands():
                answer = text(fact.body, "answer")
                if fact.event == "answer" and whole(fact.body, "question") == asked and answer in choices:
                    return Answered(answer, text(fact.body, "note"), fact.actor)
            self._stop.sleep(PAUSE_S)
            self.meanwhile()
