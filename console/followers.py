"""Runs that a screen follows: what each has told, taken up where it was left."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from keelwatch.ledger import LedgerStore
from keelwatch.runs import Glance, Position, RunView, look
from keelwatch.workspace import UsageError

MOST_FOLLOWED = 8


class RunFollower[Course](ABC):
    """What one run has told. Whoever inherits takes it in, and says how the run goes."""

    KIND: ClassVar[str]
    NOUN: ClassVar[str]  # what a run of that kind is one of

    def __init__(self, run: str) -> None:
        self._run = run
        self._position = Position()
        self._mutex = threading.Lock()

    def read(self, store: LedgerStore) -> Course:
        """All that is new, and how it goes now. Raises `UsageError` for a run of another kind."""
        with self._mutex:
            while (glance := look(store, self._run, self._position)).items:
                if (kind := glance.run.state.kind) != self.KIND:
                    raise UsageError(
                        f"{self._run} is a {kind} run, and no {self.NOUN}", "see: keelwatch runs"
                    )
                self.take(glance)
                self._position = glance.position
            return self.course(glance.run)

    @abstractmethod
    def take(self, glance: Glance) -> None:
        """Take in what is new."""

    @abstractmethod
    def course(self, run: RunView) -> Course:
        """How it goes, by all that was taken in."""


class Followers[One]:
    """The few that were asked for last; another one is made anew."""

    def __init__(self, make: Callable[[str], One]) -> None:
        self._make = make
        self._kept: dict[str, One] = {}
        self._mutex = threading.Lock()

    def of(self, run: str) -> One:
        with self._mutex:
            found = self._kept.pop(run, None) or self._make(run)
            self._kept[run] = found
            while len(self._kept) > MOST_FOLLOWED:
                del self._kept[next(iter(self._kept))]
            return found
