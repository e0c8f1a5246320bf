"""What is still owed to the world, and paying it: every unfinished undo, whoever died."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

from keelwatch.ledger.fact import FactKind, canonical
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.aftermath import take_over
from keelwatch.runs.effect import Effect
from keelwatch.runs.fields import wholes
from keelwatch.runs.locks import try_lock
from keelwatch.runs.pulse import frozen, kill_processes
from keelwatch.runs.spec import run_folders
from keelwatch.runs.state import Phase, RunView, is_alive, view
from keelwatch.runs.table import OnDeath, ProcessTable
from keelwatch.workspace.errors import ExitCode, Fenced
from keelwatch.workspace.paths import run_dir

DIED = "the run died and so did its guardian"
"""Why such a run is invalid."""


class Care(StrEnum):
    """Who looks after an unfinished undo."""

    HELD = "held"  # the run is alive, or paused in good order
    HEALING = "healing"  # the run is dead, its guardian or a healer is at work
    ORPHANED = "orphaned"  # nobody
    FAILED = "failed"  # it was tried and could not be verified


@dataclass(frozen=True, slots=True)
class OpenUndo:
    """One undo owed. `undo` says what will be done: verb and arguments."""

    run: str
    kind: str
    on_death: OnDeath
    seq: int
    verb: str
    target: str
    undo: str
    state: Care
    error: str = ""

    @property
    def needs_heal(self) -> bool:
        return self.state in {Care.ORPHANED, Care.FAILED}


@dataclass(frozen=True, slots=True)
class HealReport:
    """`open` is what is still owed afterwards, whoever looks after it; `healed` what was closed now."""

    open: tuple[OpenUndo, ...]
    healed: tuple[OpenUndo, ...]

    @property
    def exit_code(self) -> ExitCode:
        left = any(undo.needs_heal for undo in self.open)
        return ExitCode.LEFT_BEHIND if left else ExitCode.PASS


def list_open(store: LedgerStore) -> tuple[OpenUndo, ...]:
    """Every unfinished undo, newest run first. Reads only."""
    return tuple(undo for run in unfinished(store) for undo in _undos(view(store, run)))


def heal(store: LedgerStore, table: ProcessTable) -> HealReport:
    """Close what is orphaned or failed in runs whose kind is undone on death; name the rest.

    Takes each run's guardian lock, so two healers, or a healer and a guardian, never act on the same
    run. A run that died owing nothing gets its closing fact too. Where every process of a run is
    frozen, they are ended first, also those of a run that has closed.
    """
    open_runs = unfinished(store)
    for folder in frozen(run_folders(), table.tick_s):
        kill_processes(folder)  # what the one would have done to the other
    healed = [undo for run in open_runs if not is_alive(run) for undo in _heal_one(store, table, run)]
    return HealReport(list_open(store), tuple(healed))


def _heal_one(store: LedgerStore, table: ProcessTable, run: str) -> list[OpenUndo]:
    lock = try_lock(run_dir(run) / "guardian.lock")
    if lock is None:
        return []
    try:
        if is_alive(run):  # resumed while we waited for the lock
            return []
        before = _undos(view(store, run))
        after = take_over(store, table, run, DIED, by="heal")
        done = {effect.seq for effect in after.healed}
        return [undo for undo in before if undo.seq in done]
    except Fenced:  # it was resumed, or healed elsewhere, in this moment
        return []
    finally:
        lock.release()


def unfinished(store: LedgerStore) -> list[str]:
    """Runs that never closed, or closed with something left; newest first."""
    return Unfinished(store).now()


class Unfinished:
    """`unfinished`, asked again and again: after the first time only what is new is read. From any thread."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._leased: set[str] = set()
        self._left: dict[str, bool] = {}  # of each run that closed; the last closing counts
        self._seen = 0
        self._mutex = threading.Lock()

    def now(self) -> list[str]:
        with self._mutex:
            head = self._store.head()[0]
            if self._seen:
                leases = self._store.after(self._seen, kinds=(FactKind.LEASE,))
                self._leased.update(fact.run for fact in leases)
            else:
                self._leased.update(self._store.runs_with(FactKind.LEASE))
            closings = self._store.after(self._seen, kinds=(FactKind.VERDICT,))
            self._left.update({fact.run: bool(wholes(fact.body, "left")) for fact in closings})
            self._seen = head
            return sorted((run for run in self._leased if self._left.get(run, True)), reverse=True)


def _undos(run: RunView) -> list[OpenUndo]:
    return [
        OpenUndo(
            run=run.state.id,
            kind=run.state.kind,
            on_death=run.state.on_death,
            seq=effect.seq,
            verb=effect.action.verb,
            target=effect.target,
            undo=_words(effect),
            state=_care(run, effect),
            error=effect.undo_error,
        )
        for effect in run.state.open
    ]


def _words(effect: Effect) -> str:
    assert effect.undo is not None
    return f"{effect.undo.verb} {canonical(effect.undo.args)}"


def _care(run: RunView, effect: Effect) -> Care:
    match run.phase:
        case Phase.RUNNING | Phase.STOPPING | Phase.PAUSED:
            return Care.HELD
        case Phase.HEALING:
            return Care.HEALING
    return Care.FAILED if effect.undo_error else Care.ORPHANED
