"""What an execution needs of the run it is part of, as the engine sees it: accounts, and undos written ahead.

The engine lives in an event loop and every call here may wait for a disk, so they are made in threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keelwatch.ledger import JsonObject
from keelwatch.workspace.entrance import Account
from probes.record import UndoRecord


@dataclass(frozen=True, slots=True)
class Owed:
    """An intent on record. `ticket` is the book's own."""

    step: str
    ticket: object


@dataclass(frozen=True, slots=True)
class Leased:
    account: Account
    ticket: object


class NoAccount(Exception):
    """None can be had now; says why: leased, quarantined, or the pool is empty. `is_ours`: another execution
    of this run has one, and will give it back."""

    def __init__(self, reason: str, *, is_ours: bool = False) -> None:
        super().__init__(reason)
        self.is_ours = is_ours


class Book(Protocol):
    def lease(self, pool: str, region: str, *, exclusive: bool) -> Leased:
        """An account of the pool, one of the region first. Raises `NoAccount`."""

    def give_back(self, leased: Leased) -> None: ...

    def announce(self, step: str, target: str, action: JsonObject, undo: JsonObject) -> Owed:
        """Intent and undo are on disk, and a guardian watches, when this returns."""

    def report(self, owed: Owed, evidence: JsonObject) -> None:
        """It happened, or was answered with a refusal: the undo finds out. Without it, it is in doubt."""

    def undo(self, prefix: str) -> list[UndoRecord]:
        """Take back every step whose name begins so, newest first, verified."""
