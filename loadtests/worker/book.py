"""What a customer needs of the run: accounts that nobody else has, and its changes on record before they are
made. The run keeps both; a generator may die."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from keelwatch.ledger import JsonObject
from loadtests.worker.process import Process

if TYPE_CHECKING:
    from probes.load import Journey
    from probes.visit import Session


class NoneFree(Exception):
    """Every account of the pool is in use, or has used up its one-time code."""


@dataclass(frozen=True, slots=True)
class Lent:
    pool: str
    account: str


class Book:
    def __init__(self, process: Process) -> None:
        self._process = process

    def pool_of(self, journey: Journey) -> str:
        """Whose accounts the journey takes: never those of probes, where the profile names a pool."""
        if journey.spec.as_ is None:
            return ""
        return self._process.plan.pool or journey.spec.as_.pool

    def lend(self, journey: Journey) -> Lent:
        """Raises `NoneFree`."""
        pool = self.pool_of(journey)
        told = self._process.line.call({"do": "lend", "pool": pool})
        if not told["account"]:
            raise NoneFree(pool)
        return Lent(pool, str(told["account"]))

    def give_back(self, lent: Lent) -> None:
        self._process.tell({"do": "give-back", "pool": lent.pool, "account": lent.account})

    def announce(self, step: str, target: str, action: JsonObject, undo: JsonObject) -> int:
        """Intent and undo are on disk when this returns. Raises what the run raises."""
        told = self._process.line.call(
            {"do": "announce", "step": step, "target": target, "action": action, "undo": undo}
        )
        return cast("int", told["owed"])

    def report(self, owed: int, status: int) -> None:
        self._process.tell({"do": "report", "owed": owed, "status": status})

    def undo(self, execution: str, session: Session | None) -> None:
        """Take back every change of an execution, verified, by the run, which is lent the session: an account
        that would have to log in anew waits for its next one-time code."""
        access = session.access.reveal() if session is not None and session.access is not None else ""
        self._process.line.call({"do": "undo", "execution": execution, "access": access})
