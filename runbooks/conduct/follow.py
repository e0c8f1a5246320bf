"""How a run of a runbook stands, for whoever is not it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelwatch.runs import RunState, load
from keelwatch.workspace.errors import UsageError
from runbooks.conduct.progress import Progress, fold

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore


def progress_of(store: LedgerStore, run: str) -> tuple[RunState, Progress]:
    """Raises `UsageError` when there is no such run, or it is of another kind."""
    state = load(store, run)
    if state.kind != "runbook":
        raise UsageError(f"{run} is a {state.kind} run, and no runbook", "see: keelwatch runs")
    return state, fold(Progress(), store.after(0, run=run))
