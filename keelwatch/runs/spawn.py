"""Starting a run: its folder, its first fact, its process; and starting it again where it was left."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time

from keelwatch.ledger.actor import current_actor
from keelwatch.ledger.fact import FactKind, JsonObject, parse_object
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.child import RUN_VARIABLE
from keelwatch.runs.fields import text, whole
from keelwatch.runs.process import READY_VARIABLE
from keelwatch.runs.spec import RunSpec, make_folder, read_spec, write_spec
from keelwatch.runs.state import Phase, view
from keelwatch.runs.table import RunKind
from keelwatch.runs.verdict import invalid
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError

START_WITHIN_S = 20.0


class NotStarted(KeelwatchError):
    """The run's process said why it cannot run; `exit_code` is its own."""


def spawn(store: LedgerStore, kind: RunKind, name: str, args: JsonObject, env: str, entry: str) -> str:
    """Start a run in a process and session of its own; returns its id once it really runs.

    `env` names the environment acted on; `entry` is the module whose `run ID` is the process. The run
    outlives the caller. `args` are recorded: secrets go in by reference only. Raises `NotStarted` with
    the run's own reason, or `SourceError`.
    """
    spec = RunSpec(
        id=make_folder(kind.name),
        kind=kind.name,
        name=name,
        args=args,
        env=env,
        entry=entry,
        actor=current_actor(),
        created=time.time(),
        on_death=kind.on_death,
        on_term=kind.on_term,
    )
    write_spec(spec)
    store.append(spec.id, FactKind.NOTE, _created(spec), actor=spec.actor)
    try:
        _start(spec)
    except KeelwatchError as error:
        verdict = invalid(f"not started: {error.message}").but(error.exit_code)
        closing: JsonObject = {"verdict": verdict.outcome, "reason": verdict.reason, "left": []}
        store.append(spec.id, FactKind.VERDICT, {**closing, "exit": int(verdict.exit_code)}, actor=spec.actor)
        raise
    return spec.id


def resume(store: LedgerStore, run: str) -> None:
    """Take up a paused or orphaned run: a new process, the pinned spec, a higher epoch.

    Raises `Refused` when it runs, has ended, or is of a kind that is undone instead.
    """
    phase = view(store, run).phase
    if phase not in {Phase.PAUSED, Phase.ORPHANED, Phase.HEALING}:
        raise Refused(f"run {run} is {phase}, not paused or orphaned", f"watch it: keelwatch attach {run}")
    _start(read_spec(run))


def _created(spec: RunSpec) -> JsonObject:
    return {
        "event": "created",
        "kind": spec.kind,
        "name": spec.name,
        "env": spec.env,
        "entry": spec.entry,
        "spec_sha": spec.sha(),
        "on_death": spec.on_death,
        "on_term": spec.on_term,
    }


def _start(spec: RunSpec) -> None:
    ready, told = os.pipe()
    environment = {key: value for key, value in os.environ.items() if key != RUN_VARIABLE}
    try:
        with (spec.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", spec.entry, "run", spec.id],
                env={**environment, READY_VARIABLE: str(told)},
                pass_fds=[told],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(told)
        told = -1
        threading.Thread(target=process.wait, name=f"reap {spec.id}", daemon=True).start()
        try:
            _await_start(spec, ready)
        except KeelwatchError:
            process.kill()  # it acts only after it has said that it started
            raise
    except OSError as error:
        raise SourceError(f"the run's process cannot be started: {error.strerror}") from None
    finally:
        os.close(ready)
        if told >= 0:
            os.close(told)


def _await_start(spec: RunSpec, ready: int) -> None:
    message = b""
    while True:
        if not select.select([ready], [], [], START_WITHIN_S)[0]:
            raise SourceError(f"run {spec.id} did not start within {START_WITHIN_S:g} s", _tail(spec))
        piece = os.read(ready, 65536)
        if not piece:
            break
        message += piece
    if not message:
        raise SourceError(f"run {spec.id} ended before it had started", _tail(spec))
    answer = parse_object(message.decode())
    if "error" in answer:
        error = NotStarted(text(answer, "error"), text(answer, "hint"))
        error.exit_code = type(error.exit_code)(whole(answer, "exit"))
        raise error


def _tail(spec: RunSpec) -> str:
    """The last words of its log."""
    path = spec.folder / "log"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join([*lines[-5:], f"see {path}"])
