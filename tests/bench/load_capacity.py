"""The capacity of a queue that is known: `python -m tests.bench.load_capacity`.

One desk, a fixed time of service, arrivals at random (M/D/1). At which rate the 95th percentile of the time
in the system reaches the limit follows from Lindley's recursion over many arrivals (D. V. Lindley, "The
theory of queues with a single server", 1952). Exits 1 when the search's answer is off by more than 10 %, or
takes longer than 120 s.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keelwatch.workspace import write_out
from tests.adapters.prometheus_server import free_port
from tests.bench.load_world import ROOT, await_answer, load_world

SERVICE_S, LIMIT_S = 0.004, 0.032
"""The limit is far above the service, where p95 rises steeply with the rate: chance, and the two milliseconds
that the way there and back takes, move the answer least."""
OFF, MOST_S = 0.10, 120.0
ARRIVALS = 200_000


def p95(rate: float) -> float:
    """Of the time in the system (s) at `rate` arrivals per second: waiting and being served."""
    generator = random.Random(1)
    wait, times = 0.0, []
    for _ in range(ARRIVALS):
        times.append(wait + SERVICE_S)
        wait = max(0.0, wait + SERVICE_S - generator.expovariate(rate))
    times.sort()
    return times[int(0.95 * ARRIVALS)]


def known_capacity() -> float:
    low, high = 1.0, 1 / SERVICE_S
    while high - low > 0.1:
        middle = (low + high) / 2
        low, high = (middle, high) if p95(middle) <= LIMIT_S else (low, middle)
    return low


def main() -> int:
    port = free_port()
    desk = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.one_desk", str(port), f"{SERVICE_S * 1000:g}"], cwd=ROOT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await_answer(url)
        with (
            tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder,
            load_world(Path(folder), url) as world,
        ):
            threshold = f"thresholds: [{{percentile: 95, below: {LIMIT_S * 1000:g}ms}}]\n"
            world.profile("desk", f"model: open\nstages: [{{rate: 1, for: 10s}}]\n{threshold}")
            began = time.monotonic()
            found = world.keelwatch("capacity", "desk", "--first", "40", "--step", "5s")
            took_s = time.monotonic() - began
    finally:
        desk.kill()
        desk.wait(10)
    truth = known_capacity()
    if found["last_ok"] is None or found["first_breach"] is None:
        write_out(f"no interval: {found['verdict']}: {found['reason']}")
        return 1
    middle = (found["last_ok"] + found["first_breach"]) / 2
    off = abs(middle - truth) / truth
    write_out(
        f"one desk, {SERVICE_S * 1000:g} ms each, p95 < {LIMIT_S * 1000:g} ms: the truth is {truth:.1f}/s,"
        f" found {found['last_ok']:.1f} to {found['first_breach']:.1f}/s in {len(found['tried'])} steps"
    )
    write_out(f"off by {off:.1%} (limit {OFF:.0%}), in {took_s:.0f} s (limit {MOST_S:g} s)")
    return 0 if off <= OFF and took_s <= MOST_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
