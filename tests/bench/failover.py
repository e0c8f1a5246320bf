"""What a runbook adds to a failover: `python -m tests.bench.failover`.

The write gap of `failover-region` beside that of a bare script that makes the same calls, in the same
sandbox, in turn; and how long it takes to adopt a run that was killed.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from console.places import place
from console.runbooks import approve, planned, start
from keelwatch.adapters import heartbeat
from keelwatch.ledger import FactKind, LedgerStore, open_ledger
from keelwatch.runs import Phase, resume, view
from keelwatch.runs.mark import read_mark
from keelwatch.sandbox import Options, down, up
from keelwatch.sandbox.ports import other
from keelwatch.workspace import run_dir, write_out
from keelwatch.workspace.find import built_in
from runbooks.conduct.follow import progress_of
from runbooks.stages import Mode
from tests.sandbox.failing_over import Estate, estate_of
from tests.sandbox.running import RunningSandbox

NAME = "tests"
ROUNDS = 3
GAP_LIMIT = 1.5
ADOPT_LIMIT_S = 1.0
WITHIN_S = 120.0


def until(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.005)


def bare_gap_s(estate: Estate, to: str) -> float:
    """Fence, wait for the standby, promote: no record, no check, nobody to ask."""
    began = time.time()
    until(lambda: len(heartbeat.acknowledged(NAME, began)) > 10)
    estate.promote(to, at_least=estate.fence(other(to)))
    until(lambda: heartbeat.acknowledged(NAME, began)[-1].region == to)
    beats = heartbeat.acknowledged(NAME, began)
    estate.rejoin(other(to))
    return max(later.at - earlier.at for earlier, later in pairwise(beats))


def runbook_gap_s(store: LedgerStore, to: str) -> float:
    run = started(store, to)
    until(lambda: progress_of(store, run)[1].approval is not None)
    approve(store, place(built_in(), "sandbox"), run, drill_as="second")
    until(lambda: view(store, run).phase is Phase.ENDED)
    gap = progress_of(store, run)[1].measured["write_gap_s"]
    assert isinstance(gap, float)
    return gap


def started(store: LedgerStore, to: str) -> str:
    where = place(built_in(), "sandbox")
    order, plan = planned(where, "failover-region", {"from": other(to), "to": to}, Mode.GRACEFUL, NAME)
    return start(store, order, plan)


def adopt_s(store: LedgerStore, to: str) -> float:
    """From `resume` until the new process has taken the run over; it was killed while it waited."""
    run = started(store, to)
    until(lambda: progress_of(store, run)[1].approval is not None)
    mark = read_mark(run_dir(run) / "process.json")
    assert mark is not None
    mark.send(signal.SIGKILL)
    until(lambda: view(store, run).phase is Phase.ORPHANED)
    leases = len(list(store.after(0, run=run, kinds=(FactKind.LEASE,))))
    began = time.monotonic()
    resume(store, run)
    until(lambda: len(list(store.after(0, run=run, kinds=(FactKind.LEASE,)))) > leases)
    took_s = time.monotonic() - began
    store.append(run, FactKind.COMMAND, {"event": "abort", "reason": "measured"}, actor="bench")
    until(lambda: view(store, run).phase is Phase.ENDED)
    return took_s


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as state:
        os.environ["KEELWATCH_STATE"] = state
        store = open_ledger()
        try:
            estate = estate_of(RunningSandbox(NAME, Path(state), up(NAME, Options(history_days=0.05))))
            bare, ours = [], []
            for _ in range(ROUNDS):
                bare += [bare_gap_s(estate, "east"), bare_gap_s(estate, "west")]
                ours += [runbook_gap_s(store, "east"), runbook_gap_s(store, "west")]
            adopt = adopt_s(store, "east")
        finally:
            store.close()
            down(NAME)
    gap, peer = statistics.median(ours), statistics.median(bare)
    told = f"{gap:.2f} s beside {peer:.2f} s of a bare script"
    write_out(f"failover write gap: {told} = {gap / peer:.2f} x (limit {GAP_LIMIT:g} x)")
    write_out(
        f"adopting a killed run: {adopt:.2f} s = {adopt / ADOPT_LIMIT_S:.2f} x limit ({ADOPT_LIMIT_S:g} s)"
    )
    return 0 if gap <= GAP_LIMIT * peer and adopt <= ADOPT_LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
