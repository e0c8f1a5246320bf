"""What a customer needs of the run: accounts that nobody else has, and its changes on record before they are
made. The run keeps both; a generator may die."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keelwatch.ledger import JsonObject
from keelwatch.runs import Line
from keelwatch.workspace.entrance import Account
from loadtests.pool import Pool
from loadtests.worker.process import Process
from probes.one_time_code import LastSteps

if TYPE_CHECKING:
    from probes.visit import Session


class Book:
    """Its accounts are this process' share of the pool."""

    def __init__(self, process: Process, accounts: Sequence[Account]) -> None:
        self._process = process
        plan = process.plan
        mine = frozenset(plan.accounts[process.number :: plan.processes])
        self.codes = LastSteps(plan.environment)
        self._pool = Pool([one for one in accounts if one.name in mine], self.codes.of)
        self.pool = plan.pool

    def lend(self) -> Account | None:
        """None when no account is left that may log in now."""
        return self._pool.lend()

    def give_back(self, account: Account) -> None:
        self._pool.give_back(account)

    def announce(self, step: str, target: str, action: JsonObject, undo: JsonObject) -> int:
        """Intent and undo are on disk when this returns. Raises what the run raises."""
        told = self._asked({"do": "announce", "step": step, "target": target, "action": action, "undo": undo})
        return cast("int", told["owed"])

    def report(self, owed: int, status: int) -> None:
        self._asked({"do": "report", "owed": owed, "status": status})

    def undo(self, execution: str, session: Session | None) -> bool:
        """Take back every change of an execution, by the run, which is lent the session: an account that
        would have to log in anew waits for its next one-time code. Whether all of it is verified."""
        access = session.access.reveal() if session is not None and session.access is not None else ""
        return bool(self._asked({"do": "undo", "execution": execution, "access": access})["done"])

    def _asked(self, message: JsonObject) -> JsonObject:
        """On a line of its own: an undo takes its time, and nothing else that is told may wait for it."""
        line = Line(Path(self._process.plan.folder))
        try:
            return line.call(message)
        finally:
            line.close()
