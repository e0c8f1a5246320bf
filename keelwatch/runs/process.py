"""The processes of this room, as an entry module starts them: `run ID` and `guard ID FD`."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from keelwatch.ledger.fact import Fence, canonical
from keelwatch.ledger.sqlite import open_ledger
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.effect import Effect
from keelwatch.runs.guardian import guard
from keelwatch.runs.journal import Journal
from keelwatch.runs.lease import lease_payload
from keelwatch.runs.locks import try_lock
from keelwatch.runs.mark import write_mark
from keelwatch.runs.run import Run
from keelwatch.runs.signals import unmoved
from keelwatch.runs.spec import RunSpec, read_spec
from keelwatch.runs.state import RunState, load
from keelwatch.runs.table import OnDeath, OnTerm, ProcessTable
from keelwatch.runs.verdict import Stopped, Verdict, from_error, invalid, stopped
from keelwatch.runs.watcher import Watcher
from keelwatch.workspace.errors import ExitCode, Fenced, KeelwatchError, Refused, SourceError, UsageError
from keelwatch.workspace.sink import narrate

READY_VARIABLE = "KEELWATCH_READY_FD"
GUARDIAN_S = 10.0


def main(table: ProcessTable, argv: Sequence[str]) -> int:
    """What an entry module ends with: `raise SystemExit(main(TABLE, sys.argv[1:]))`."""
    try:
        match argv:
            case ["run", run]:
                return perform(table, run)
            case ["guard", run, fd] if fd.isdigit():
                return guard(table, run, int(fd))
        raise UsageError("expected: run ID, or guard ID FD")
    except KeelwatchError as error:
        narrate(f"{error.message}\n{error.hint}".rstrip())
        return error.exit_code
    except Exception:  # noqa: BLE001 -- masked on its way into the log, as a plain traceback would not be
        narrate(traceback.format_exc())
        return ExitCode.INTERNAL


def perform(table: ProcessTable, run_id: str) -> ExitCode:
    """The body of a run's process. It says on the ready pipe that it runs, or why not."""
    report = _Report()
    try:
        spec = read_spec(run_id)
        kind = table.kind(spec.kind)
        alive = try_lock(spec.folder / "alive.lock")
        if alive is None:
            raise Refused(f"run {run_id} is already running", f"watch it: keelwatch attach {run_id}")
        run, journal = _begin(table, spec)
        report.started()
    except KeelwatchError as error:
        report.failed(error)
        raise
    try:
        verdict = kind.actor(run)
    except Fenced as error:  # somebody else owns this run now: touch nothing more
        narrate(error.message)
        return error.exit_code
    except KeelwatchError as error:
        return _broken_off(run, journal, error)
    except Exception:  # noqa: BLE001 -- the actor's own bug; it is written to the log, and the world restored
        narrate(traceback.format_exc())
        return _broken_off(run, journal, None)
    return _end(run, journal, verdict)


def _begin(table: ProcessTable, spec: RunSpec) -> tuple[Run, Journal]:
    _wait_for_guardian_to_leave(spec)
    write_mark(spec.folder / "process.json")
    store = open_ledger()
    state = load(store, spec.id)
    _refuse_what_cannot_run(spec, state)
    journal = _take_over_journal(store, spec)
    since = store.head()[0]
    run = Run(spec, table, store, journal, state.effects, since)
    _wire_signals(run)
    Watcher(spec, run.guardian, run.stop_requested, since).start()
    return run, journal


def _wait_for_guardian_to_leave(spec: RunSpec) -> None:
    """A resumed run's last guardian may still be marking it orphaned."""
    lock = try_lock(spec.folder / "guardian.lock", GUARDIAN_S)
    if lock is None:
        raise Refused(f"the guardian of run {spec.id} is still at work", "see: keelwatch heal --list")
    lock.release()


def _refuse_what_cannot_run(spec: RunSpec, state: RunState) -> None:
    if state.verdict is not None:
        raise Refused(f"run {spec.id} has ended: {state.verdict}", "start a new one")
    if state.spec_sha != spec.sha():
        raise Refused(f"the spec of run {spec.id} was changed after it was made", "start a new run")
    if state.since and spec.on_death is OnDeath.UNDO:
        raise Refused(f"run {spec.id} died; a {spec.kind} run is not resumed", "see: keelwatch heal")


def _take_over_journal(store: LedgerStore, spec: RunSpec) -> Journal:
    fact = store.raise_epoch(spec.scope, spec.id, {**lease_payload(), "pid": os.getpid()}, actor=spec.actor)
    return Journal(store, spec.id, spec.actor, [Fence(spec.scope, int(str(fact.body["epoch"])))])


def _wire_signals(run: Run) -> None:
    def ask(number: int, _frame: FrameType | None) -> None:
        run.stop_requested.raise_flag(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGHUP, unmoved)  # a closed lid or lost terminal stops nothing


def _broken_off(run: Run, journal: Journal, error: KeelwatchError | None) -> ExitCode:
    """The actor raised: undo and close, or pause when the kind wants a person."""
    reason = error.message if error else "internal error, see the log"
    code = error.exit_code if error else ExitCode.INTERNAL
    if run.spec.on_term is OnTerm.PAUSE:
        return _pause(run, journal, reason, ExitCode.UNKNOWN if code is ExitCode.STOPPED else code)
    if isinstance(error, Stopped):
        return _end(run, journal, stopped(reason))
    return _end(run, journal, from_error(error) if error else invalid(reason).but(code))


def _pause(run: Run, journal: Journal, reason: str, code: ExitCode) -> ExitCode:
    """The process ends, the run does not: `resume` starts another one that takes it up."""
    run.stream.close()
    journal.note("paused", {"reason": reason, "exit": int(code)})
    run.release_leases()
    run.guardian.dismiss()
    return code


def _end(run: Run, journal: Journal, verdict: Verdict) -> ExitCode:
    left: tuple[Effect, ...] = ()
    try:
        if run.spec.on_death is OnDeath.UNDO:
            run.undo_all()
        left = run.left
        verdict = verdict.but(ExitCode.LEFT_BEHIND) if left else verdict
        run.say_last_words()
        journal.close(verdict, left, run.stream.close())
        run.release_leases()
        run.guardian.dismiss()
    except Fenced as error:
        narrate(error.message)
        return error.exit_code
    except SourceError as error:  # not closed: the guardian, then `heal`, will try
        narrate(error.message)
        return ExitCode.LEFT_BEHIND if left else error.exit_code
    return verdict.exit_code


class _Report:
    """The pipe to whoever spawned this run: one JSON line, then closed. A resumed or hand-started run
    has none."""

    def __init__(self) -> None:
        number = os.environ.pop(READY_VARIABLE, "")
        self._fd = int(number) if number.isdigit() else None
        if self._fd is not None:
            os.set_inheritable(self._fd, False)  # noqa: FBT003 -- the standard library's own signature

    def started(self) -> None:
        self._send({"started": True})

    def failed(self, error: KeelwatchError) -> None:
        self._send({"error": error.message, "hint": error.hint, "exit": int(error.exit_code)})

    def _send(self, message: dict[str, str | int | bool]) -> None:
        if self._fd is not None:
            with suppress(OSError):  # the one who asked has gone; the run stays
                os.write(self._fd, canonical(message).encode())
            os.close(self._fd)
            self._fd = None
