"""What is done for a run that is dead: by its guardian at once, or by `heal` when both died.

The caller holds the run's guardian lock, so two of them never race."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keelwatch.ledger.actor import current_actor
from keelwatch.ledger.fact import Fence
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.child import RUN_VARIABLE
from keelwatch.runs.effect import Effect
from keelwatch.runs.journal import Journal
from keelwatch.runs.mark import kill_marked
from keelwatch.runs.spec import run_scope
from keelwatch.runs.state import RunState, load
from keelwatch.runs.stream import stream_summary
from keelwatch.runs.table import OnDeath, ProcessTable
from keelwatch.runs.undo import Undone, undo_effects
from keelwatch.runs.verdict import invalid
from keelwatch.workspace.errors import ExitCode, SourceError
from keelwatch.workspace.paths import run_dir
from keelwatch.workspace.sink import narrate


@dataclass(frozen=True, slots=True)
class Aftermath:
    healed: tuple[Effect, ...]
    left: tuple[Effect, ...]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.LEFT_BEHIND if self.left else ExitCode.PASS


def take_over(store: LedgerStore, table: ProcessTable, run: str, why: str, by: str) -> Aftermath:
    """Fence the dead run, end what it started, take back what it did and close it; or mark it orphaned
    when its kind wants a person. Does nothing for a run that ended or paused in good order."""
    kill_marked(RUN_VARIABLE, run)
    state = load(store, run)
    if state.paused is not None or (state.verdict is not None and not state.open):
        return Aftermath((), ())
    if state.on_death is OnDeath.ORPHAN:
        if state.orphaned is None and state.verdict is None:
            _mark_orphaned(store, state, why)
        return Aftermath((), ())
    journal = Journal(store, run, current_actor(), _fence_off(store, state, by))
    outcomes = undo_effects(journal, table, state.open)
    left = tuple(done.effect for done in outcomes if done.error or not done.recorded)
    _close(journal, state, why, outcomes, _remains(store, table, state))
    return Aftermath(tuple(done.effect for done in outcomes if done.effect not in left), left)


def _fence_off(store: LedgerStore, state: RunState, by: str) -> list[Fence]:
    """Raise the run's epoch, so that a late write of its own finds itself fenced."""
    scope = run_scope(state.id)
    try:
        fact = store.raise_epoch(scope, state.id, {"event": "fenced", "by": by}, actor=current_actor())
    except SourceError as error:  # the process is dead already; the undo is worth more than the record
        narrate(f"not recorded: {error.message}")
        return [Fence(scope, state.epoch)]
    return [Fence(scope, int(str(fact.body["epoch"])))]


def _mark_orphaned(store: LedgerStore, state: RunState, why: str) -> None:
    fences = [Fence(run_scope(state.id), state.epoch)]
    Journal(store, state.id, current_actor(), fences).note("orphaned", {"reason": why})


def _remains(store: LedgerStore, table: ProcessTable, state: RunState) -> tuple[str, ...]:
    """What nobody but the run itself could have taken back; one that has its verdict has said it."""
    kind = table.kinds.get(state.kind)
    if kind is None or state.verdict is not None:
        return ()
    return kind.remains(store.after(0, run=state.id))


def _close(
    journal: Journal, state: RunState, why: str, outcomes: list[Undone], remains: tuple[str, ...]
) -> None:
    left = [done.effect for done in outcomes if done.error]
    code = ExitCode.LEFT_BEHIND if left or remains else ExitCode.UNKNOWN
    verdict = replace(state.verdict or invalid("; ".join((why, *remains))), exit_code=code)
    try:
        journal.close(verdict, left, stream_summary(run_dir(state.id) / "stream.jsonl"))
    except SourceError as error:
        narrate(f"not recorded: {error.message}")
