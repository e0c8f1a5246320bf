"""Telling a run something: stop, pause, or the answer to its question. Signals go first, by pidfd; the
record comes second, so a full or locked ledger never keeps a run from being stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass

from keelwatch.ledger.actor import current_actor
from keelwatch.ledger.fact import FactKind, JsonObject
from keelwatch.ledger.sqlite import open_ledger
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.mark import read_mark
from keelwatch.runs.spec import read_spec, run_folders
from keelwatch.runs.state import is_alive, load
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UsageError
from keelwatch.workspace.paths import run_dir

PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class StopReport:
    """`signalled`: its process was there and got the signal. `error`: why it could not be recorded."""

    run: str
    signalled: bool
    error: str


def stop(run: str, reason: str = "") -> StopReport:
    """Tell one run to stop and undo (or pause, as its kind says). Needs neither ledger nor spec.

    Raises `UsageError` when there never was such a run; nothing is recorded then.
    """
    signalled = _signal(run)
    if not signalled and not run_dir(run).is_dir():
        raise UsageError(f"there is no run {run}", "see: keelwatch runs")
    return StopReport(run, signalled, _record([run], reason))


def stop_all(env: str, reason: str = "") -> list[StopReport]:
    """The lever: stop every living run on environment `env`, empty for all. Never raises."""
    return stop_runs([run for run in living() if not env or _env(run) in {env, ""}], reason)


def stop_runs(runs: Iterable[str], reason: str) -> list[StopReport]:
    signalled = {run: _signal(run) for run in runs}  # all of them before the first is recorded
    recorded = _record(list(signalled), reason)
    return [StopReport(run, sent, recorded) for run, sent in signalled.items()]


def answer(store: LedgerStore, run: str, choice: str, note: str = "") -> None:
    """Answer the question a run has put. Raises `Refused` when it asks none, or not that, or wants a note
    with this answer, and when it has no process."""
    question = load(store, run).question
    if question is None:
        raise Refused(f"run {run} asks nothing now", f"watch it: keelwatch attach {run}")
    if not is_alive(run):  # taken up again it asks anew, and an old answer would be to nothing
        raise Refused(f"run {run} has no process that hears an answer", "take it up again; it then asks anew")
    if choice not in question.choices:
        raise Refused(
            f"{choice!r} is no answer to: {question.text}", f"one of: {', '.join(question.choices)}"
        )
    if choice in question.wants_note and not note:
        raise Refused(f"{choice!r} wants a reason: {question.text}", 'say it: --note "..."')
    payload: JsonObject = {"event": "answer", "question": question.seq, "answer": choice, "note": note}
    store.append(run, FactKind.COMMAND, payload, actor=current_actor())


def living() -> list[str]:
    """Ids of the runs whose process is alive, told by their locks, oldest first."""
    return [folder.name for folder in run_folders() if is_alive(folder.name)]


def living_environments() -> set[str]:
    """The environments that living runs act on, as they recorded them; empty text for one whose spec
    cannot be read."""
    return {_env(run) for run in living()}


def _signal(run: str) -> bool:
    mark = read_mark(run_dir(run) / "process.json") if is_alive(run) else None
    return mark is not None and mark.send(signal.SIGTERM)


def _record(runs: list[str], reason: str) -> str:
    """Why it could not be recorded, or nothing."""
    try:
        store = open_ledger(patience_s=PATIENCE_S)
    except SourceError as error:
        return error.message
    try:
        for run in runs:
            store.append(run, FactKind.COMMAND, {"event": "stop", "reason": reason}, actor=current_actor())
    except KeelwatchError as error:
        return error.message
    finally:
        store.close()
    return ""


def _env(run: str) -> str:
    """Empty when its spec cannot be read: such a run is stopped rather than spared."""
    try:
        return read_spec(run).env
    except KeelwatchError:
        return ""
