"""What is broken in an environment, and owed: every undo of a fault or an experiment that no run has paid
yet, for a screen. What others owe, like a probe while it runs, is theirs."""

from __future__ import annotations

from console.view.chaos_shelf import OpenRow
from console.view.run import undo_words
from keelwatch.ledger import FactKind, LedgerStore
from keelwatch.runs import OpenUndo, RunView, list_open, view
from keelwatch.runs.fields import number

CHAOS = "chaos"
FAULTS = frozenset({"fault.set", "process.kill", "process.hang"})
CLEAR = "fault.clear"


def owed_in(store: LedgerStore, environment: str) -> tuple[OpenRow, ...]:
    """As `keelwatch heal --list` has them, the newest run first."""
    views: dict[str, RunView] = {}
    found = []
    for undo in list_open(store):
        if undo.kind != CHAOS and undo.verb not in FAULTS:
            continue
        if undo.run not in views:
            views[undo.run] = view(store, undo.run)
        if views[undo.run].state.env == environment:
            found.append(_row(store, views[undo.run], undo))
    return tuple(found)


def _row(store: LedgerStore, one: RunView, undo: OpenUndo) -> OpenRow:
    from chaos.words import of_verb

    effect = next((each for each in one.state.open if each.seq == undo.seq), None)
    args = effect.undo.args if effect is not None and effect.undo is not None else {}
    told = {key: value for key, value in args.items() if key not in {"workspace", "environment", "sandbox"}}
    evidence = effect.evidence if effect is not None else None
    announced = next(store.after(undo.seq - 1, run=undo.run, kinds=(FactKind.INTENT,)), None)
    return OpenRow(
        run=undo.run,
        seq=undo.seq,
        name=one.state.name,
        care=undo.state.value,
        words=f"{undo.verb} on {undo.target}",
        undo=of_verb(CLEAR, told) if undo.undo.startswith(CLEAR) else undo_words(undo.undo),
        since=announced.at if announced is not None else one.state.started,
        until=number(evidence or {}, "until") or None,
        error=undo.error,
    )
