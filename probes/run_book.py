"""The book of an execution that is part of a run: its leases and undos are the run's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Effect, Fate, Run
from keelwatch.runs.lease import Lease, lease_file
from keelwatch.workspace.entrance import Account, Entrance
from keelwatch.workspace.errors import Refused
from probes.accounts import Accounts
from probes.book import Leased, NoAccount, Owed
from probes.one_time_code import LastSteps
from probes.record import UndoRecord
from probes.scope_name import scope_of
from probes.undo import STEP_VERB, UNDO_VERB


class RunBook:
    """`failed` is told of an undo that could not be verified: a run that would go on ends then, so that
    `heal` can take it up."""

    def __init__(
        self, run: Run, entrance: Entrance, accounts: Accounts, failed: Callable[[], None] = lambda: None
    ) -> None:
        self._run = run
        self._accounts = accounts
        self._entrance = entrance
        self._codes = LastSteps(entrance.environment)
        self._failed = failed

    def lease(self, pool: str, region: str, *, exclusive: bool) -> Leased:
        accounts = self._entrance.pool(pool)
        if not accounts:
            raise NoAccount(f"the pool {pool} is empty")
        quarantined = self._accounts.quarantined()
        refusals: list[str] = []
        is_ours = False
        for account in sorted(accounts, key=lambda one: (one.region != region, *self._last_used(one))):
            scope = self._scope(account)
            if scope in quarantined:
                refusals.append(f"{scope}: an undo there is not verified; see: keelwatch heal --list")
                continue
            try:
                return Leased(account, self._borrowed(scope) if exclusive else None)
            except Refused as refusal:
                refusals.append(refusal.message)
                is_ours = is_ours or self._accounts.holds(scope)
        raise NoAccount(
            f"no account of {pool} is free: {refusals[0]}; {len(refusals)} tried", is_ours=is_ours
        )

    def _borrowed(self, scope: str) -> Lease:
        lease = self._run.borrow(scope)
        self._accounts.hold(scope)
        return lease

    def give_back(self, leased: Leased) -> None:
        if isinstance(leased.ticket, Lease):
            self._accounts.let_go(self._scope(leased.account))
            self._run.give_back(leased.ticket)

    def announce(self, step: str, target: str, action: JsonObject, undo: JsonObject) -> Owed:
        args = {**action, "target": target}
        return Owed(step, self._run.announce(STEP_VERB, args, step=step, undo=Action(UNDO_VERB, undo)))

    def report(self, owed: Owed, evidence: JsonObject) -> None:
        assert isinstance(owed.ticket, Effect)
        self._run.report(owed.ticket, Fate.DONE, evidence)

    def undo(self, prefix: str) -> list[UndoRecord]:
        found = [
            UndoRecord(done.effect.step.partition("/")[2], not done.error and done.recorded, done.error)
            for done in self._run.undo_all(prefix)
        ]
        if any(not one.done for one in found):
            self._accounts.look_again()
            self._failed()
        return found

    def _scope(self, account: Account) -> str:
        return scope_of(self._entrance.environment, account.name)

    def _last_used(self, account: Account) -> tuple[int, float]:
        """The one whose last one-time code is the oldest comes first, for its next one is free; then the one
        that was leased the longest ago."""
        return self._codes.of(account.name), _mtime(lease_file(self._scope(account)))


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
