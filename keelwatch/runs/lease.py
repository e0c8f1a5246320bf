"""Leases: at most one run acts on a scope. A flock says who, on this host; a rising epoch in the
ledger fences whoever held it before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from keelwatch.ledger.fact import Fence, JsonObject, canonical, parse_object
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.effect import Effect
from keelwatch.runs.fields import text
from keelwatch.runs.locks import GLANCE_S, FileLock, try_lock
from keelwatch.runs.state import load
from keelwatch.runs.table import OnDeath
from keelwatch.workspace.clock import boot_id, utc
from keelwatch.workspace.errors import Refused
from keelwatch.workspace.paths import state_dir


@dataclass(frozen=True, slots=True)
class Lease:
    fence: Fence
    lock: FileLock


def lease_file(scope: str) -> Path:
    """Written each time the lease is taken."""
    return state_dir() / "leases" / f"{quote(scope, safe='')}.lock"


def take_lease(
    store: LedgerStore,
    scope: str,
    run: str,
    actor: str,
    *,
    patience_s: float = GLANCE_S,
    blocks: Callable[[Effect], bool] = lambda _: True,
) -> Lease:
    """The lease on `scope`, with an epoch above every earlier one.

    A holder that died frees it at once. Raises `Refused`, naming who, since when and how to take over,
    while a living run holds it (waits `patience_s`), or while a dead one still owes undos in it: those of
    its open effects that `blocks` says yes to, all of them unless given.
    """
    path = lease_file(scope)
    lock = try_lock(path, patience_s)
    if lock is None:
        raise _refusal(scope, path)
    try:
        _refuse_unhealed(store, scope, run, blocks)
        fact = store.raise_epoch(scope, run, lease_payload(), actor=actor)
        lock.write(canonical({"run": run, "actor": actor, "since": utc(fact.at)}))
    except BaseException:
        lock.release()
        raise
    return Lease(Fence(scope, int(str(fact.body["epoch"]))), lock)


def lease_payload() -> JsonObject:
    """When it was taken, on the clock that does not jump: `boot_s` seconds after the start of `boot`."""
    return {"event": "taken", "boot": boot_id(), "boot_s": time.clock_gettime(time.CLOCK_BOOTTIME)}


def _refusal(scope: str, path: Path) -> Refused:
    try:
        holder = parse_object(path.read_text())
    except (OSError, ValueError):
        return Refused(f"another run has just taken {scope}", "see: keelwatch runs")
    run, actor, since = text(holder, "run"), text(holder, "actor"), text(holder, "since")
    return Refused(
        f"{scope} is held by {actor} with run {run} since {since}",
        f"watch it, and answer what it asks: keelwatch attach {run}; or end it: keelwatch stop {run}",
    )


def _refuse_unhealed(store: LedgerStore, scope: str, run: str, blocks: Callable[[Effect], bool]) -> None:
    """Undos of a dead holder may still run; they must not meet the acts of a new one."""
    last = store.lease(scope)
    if last is None or last.run == run:
        return
    state = load(store, last.run)
    owed = [effect for effect in state.open if blocks(effect)]
    if owed and state.on_death is OnDeath.UNDO:
        targets = ", ".join(effect.target for effect in owed)
        raise Refused(
            f"{scope}: run {state.id} of {state.actor} died there and its undo is not verified ({targets})",
            "its guardian may be at it now; otherwise: keelwatch heal",
        )
