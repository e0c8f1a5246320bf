"""What a stall of the server does to the percentiles of each model: `python -m tests.bench.load_frozen`.

The server stands still for 5 s of 20 s. In an open load the truth is known: whoever was due in the stall
waited until its end. A closed load asks nobody meanwhile, and hardly sees it (coordinated omission). Exits
1 where the open load is off by more than 5 %, or the closed one is not too low by 100 times."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from keelwatch.workspace import write_out
from loadtests.arrivals import Process, Stage, due_times
from tests.bench.load_world import LoadWorld, fast_server, load_world

RATE, FOR_S, STALL_S = 100.0, 20.0, 5.0
SEED = 20261126
OFF, TOO_LOW = 0.05, 100.0
P95 = 0.95


def stalled(world: LoadWorld, server: subprocess.Popen[bytes], name: str) -> tuple[float, float]:
    """The p95 of the response times (s) that the load tells, and when after its start the server stood
    still."""
    at: list[float] = []

    def stall() -> None:
        began = _begin(world)
        time.sleep(FOR_S / 3)
        os.kill(server.pid, signal.SIGSTOP)
        at.append(time.monotonic() - began)
        time.sleep(STALL_S)
        os.kill(server.pid, signal.SIGCONT)

    thread = threading.Thread(target=stall)
    thread.start()
    found = world.keelwatch("run", name, "--seed", str(SEED))
    thread.join()
    return float(found["all"]["response_s"]["p95"]), at[0]


def _begin(world: LoadWorld) -> float:
    """When the load's first second begins (monotonic s), as its generator was told."""
    runs = Path(os.environ["KEELWATCH_STATE"]) / "runs"
    known = set(runs.iterdir()) if runs.is_dir() else set()
    while True:
        for run in set(runs.iterdir() if runs.is_dir() else ()) - known:
            stream = run / "stream.jsonl"
            if stream.exists() and '"told"' in stream.read_text():
                return time.monotonic() - 1.0
        time.sleep(0.005)


def truth(stall_at: float) -> float:
    """The p95 of what customers waited (s), by nearest rank: until the end of the stall, or not at all."""
    end = stall_at + STALL_S
    due = due_times([Stage(RATE, RATE, FOR_S)], Process.POISSON, SEED)
    waits = sorted(max(0.0, end - one) if stall_at <= one else 0.0 for one in due)
    return waits[math.ceil(P95 * len(waits)) - 1]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder:
        scratch = Path(folder)
        with fast_server(scratch) as (url, server), load_world(scratch, url) as world:
            stages = f"stages: [{{rate: {RATE:g}, for: {FOR_S:g}s}}]\n"
            world.profile("open", f"model: open\nmost_in_flight: 2000\n{stages}")
            world.profile("closed", f"model: closed\nstages: [{{users: 20, for: {FOR_S:g}s}}]\n")
            opened, stall_at = stalled(world, server, "open")
            closed, _ = stalled(world, server, "closed")
    wanted = truth(stall_at)
    off = abs(opened - wanted) / wanted
    write_out(f"a stall of {STALL_S:g} s in {FOR_S:g} s: the truth is p95 {wanted:.3f} s")
    write_out(f"open: p95 {opened:.3f} s, off by {off:.1%} (limit {OFF:.0%})")
    write_out(f"closed: p95 {closed:.4f} s, {wanted / closed:.0f} x too low (more than {TOO_LOW:.0f} x)")
    return 0 if off <= OFF and wanted / closed > TOO_LOW else 1


if __name__ == "__main__":
    raise SystemExit(main())
