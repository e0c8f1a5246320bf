"""The run's second thread: beats for the guardian, notices its loss, and reads commands. When it
hangs, no beats are sent, and the guardian takes the run for frozen: that is meant."""

from __future__ import annotations

import threading

from keelwatch.ledger.fact import FactKind
from keelwatch.ledger.sqlite import Access, SqliteLedger, open_ledger
from keelwatch.runs.guardlink import GuardianLink
from keelwatch.runs.spec import RunSpec
from keelwatch.runs.stopflag import StopFlag
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.sink import narrate


class Watcher:
    """`since` is the fact from which on commands count."""

    def __init__(self, spec: RunSpec, guardian: GuardianLink, stop: StopFlag, since: int) -> None:
        self._spec = spec
        self._guardian = guardian
        self._stop = stop
        self._since = since
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _watch(self) -> None:
        ledger = open_ledger(access=Access.READ)  # its own: never behind an append of the main thread
        while True:
            try:
                self._guardian.attend()
            except (KeelwatchError, OSError) as error:
                narrate(f"guardian lost: {error}")
                self._stop.raise_flag("its guardian was lost and no other could be started")
            self._heed(ledger)

    def _heed(self, ledger: SqliteLedger) -> None:
        try:
            for fact in ledger.after(self._since, run=self._spec.id, kinds=(FactKind.COMMAND,)):
                self._since = fact.seq
                if fact.event in {"stop", "pause"}:
                    self._stop.raise_flag(f"{fact.event} by {fact.actor}")
        except KeelwatchError as error:  # a signal still reaches the run
            narrate(f"commands cannot be read: {error.message}")
