"""Which accounts nobody may have, and which the run itself has at the moment."""

from __future__ import annotations

import threading
import time

from keelwatch.runs import Run
from keelwatch.runs.heal import Care
from probes.undo import UNDO_VERB

GOOD_FOR_S = 1.0  # every execution that waits for an account asks, four times a second


def quarantined(run: Run) -> frozenset[str]:
    """The scopes of accounts with an undo that failed, or that no living run looks after, whoever owes it.
    What a living run has yet to undo is not among them."""
    return frozenset(
        undo.target
        for undo in run.open_undos()
        if (undo.error or undo.state is not Care.HELD) and undo.undo.startswith(UNDO_VERB)
    )


class Accounts:
    """As all executions of one run see them, each from a thread of its own."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._held: set[str] = set()
        self._mutex = threading.Lock()
        self._looked = -GOOD_FOR_S
        self._quarantined: frozenset[str] = frozenset()

    def quarantined(self) -> frozenset[str]:
        """As of a moment ago."""
        with self._mutex:
            if time.monotonic() - self._looked > GOOD_FOR_S:
                self._quarantined = quarantined(self._run)
                self._looked = time.monotonic()
            return self._quarantined

    def look_again(self) -> None:
        """An undo of ours has failed."""
        with self._mutex:
            self._looked = -GOOD_FOR_S

    def hold(self, scope: str) -> None:
        self._held.add(scope)

    def holds(self, scope: str) -> bool:
        return scope in self._held

    def let_go(self, scope: str) -> None:
        self._held.discard(scope)
