"""`probe watch` of a sandbox: started with it, and stopped before it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from keelwatch.workspace import KeelwatchError, SourceError, narrate, state_dir

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore
    from keelwatch.runs import RunView
    from keelwatch.sandbox.endpoints import Endpoints

MAIN = "main"
MARK = "KEELWATCH_SANDBOX"  # every process of a sandbox carries it, so that none is left unseen
STARTED_WITHIN_S = 20.0
STOPPED_WITHIN_S = 20.0
PAUSE_S = 0.05


def watch_name(sandbox: str) -> str:
    """What the run that watches a sandbox is called; each of its shifts has this name."""
    return f"watch {sandbox}"


def remedy(sandbox: str) -> str:
    """The command that has the journeys of a sandbox watched again."""
    return "keelwatch sandbox up" + ("" if sandbox == MAIN else f" --name {sandbox}")


def start_watch(found: Endpoints) -> str | None:
    """Watch the journeys of a sandbox unless somebody does; returns the run, None when it was not needed or
    could not be started, which is told and keeps nobody from using the sandbox."""
    from console.commands.runs import ledger
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn
    from keelwatch.workspace.find import built_in
    from keelwatch.workspace.workspace import load_workspace
    from probes.watch import arguments

    workspace = load_workspace(built_in())
    environment, _ = workspace.environment(None)
    port = urlsplit(found.urls["probes"]).port or 0
    args = arguments(workspace.file, regions=[], port=port, shard=(1, 1), sandbox=found.name)
    try:
        with _alone(found.name), ledger(to_write=True) as store, _marked(found.id):
            if _living(store, found.name):
                return None
            return spawn(store, TABLE.kind("probe"), watch_name(found.name), args, environment, ENTRY)
    except KeelwatchError as error:
        narrate(f"the journeys are not watched: {error.message}")
        return None


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether the journeys of a sandbox are watched; `run` and `pid` are of who watches."""

    state: Literal["running", "not running", "not known"]
    run: str | None = None
    pid: int | None = None


def watch_of(sandbox: str) -> Watch:
    """Who watches the journeys of a sandbox."""
    from console.commands.runs import ledger

    try:
        with ledger() as store:
            living = _living(store, sandbox)
    except SourceError:
        return Watch("not known")
    return Watch("running", living[0].state.id, living[0].pid) if living else Watch("not running")


def stop_watch(sandbox: str) -> None:
    """Stop whoever watches the journeys of a sandbox, and wait until everything is undone."""
    from console.commands.runs import ledger
    from keelwatch import runs as kernel

    try:
        with ledger() as store:
            watchers = _living(store, sandbox)
            for watcher in watchers:
                kernel.stop(watcher.state.id, "sandbox down")
            deadline = time.monotonic() + STOPPED_WITHIN_S
            while _living(store, sandbox) and time.monotonic() < deadline:
                time.sleep(PAUSE_S)
    except SourceError as error:  # no ledger, no watcher of ours
        narrate(f"whether journeys are watched is not known: {error.message}")


def _living(store: LedgerStore, sandbox: str) -> list[RunView]:
    from keelwatch import runs as kernel

    name = watch_name(sandbox)
    return [one for one in kernel.runs(store) if one.state.name == name and one.pid is not None]


@contextmanager
def _alone(sandbox: str) -> Iterator[None]:
    """Between looking whether somebody watches and starting to: two who start at once become one watch."""
    from keelwatch.runs.locks import try_lock

    lock = try_lock(state_dir() / "probes" / f"{watch_name(sandbox)}.lock", STARTED_WITHIN_S)
    if lock is None:
        raise SourceError(f"somebody else has been starting to watch {sandbox} for {STARTED_WITHIN_S:g} s")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _marked(sandbox_id: str) -> Iterator[None]:
    before = os.environ.get(MARK)
    os.environ[MARK] = sandbox_id
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before
