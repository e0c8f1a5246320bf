"""What a sandbox costs while nobody touches it: `python -m tests.bench.sandbox_idle`.

Counts every process of it (with PostgreSQL's children), background customers and the watched journeys
included, over 30 s of /proc. The limits are those of the design: 40 % of one core, and 12 s from `keelwatch
sandbox up` until every objective has a reading.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keelwatch.sandbox import Endpoints, down, status
from keelwatch.sandbox.processes import Process, marked, with_descendants
from keelwatch.workspace import write_out

NAME = "bench"
SETTLE_SECONDS = 5.0
WATCH_SECONDS = 30.0
CORE_LIMIT = 0.40
READY_LIMIT_S = 12.0
UP_WITHIN_S = 120.0
KEELWATCH = (sys.executable, "-m", "console.main")
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(processes: list[Process]) -> float:
    """User and system time; a process that ended in between counts no more."""
    used = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def memory_mb(processes: list[Process]) -> float:
    """Proportional set size: shared pages are counted once."""
    total_kb = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1024


def by_server(found: Endpoints) -> dict[str, list[Process]]:
    supervisor = found.supervisor
    groups = {child.name: with_descendants([child.pid]) for child in found.processes if child != supervisor}
    groups["supervisor"] = [supervisor.process]
    known = {process.pid for group in groups.values() for process in group}
    beside = [process for process in marked(found.id) if process.pid not in known]
    return groups | {"probe watch": beside}  # the run that watches the journeys, and its guardian


def measure(found: Endpoints) -> float:
    """Print the share of a core that each server takes, and return the sum."""
    time.sleep(SETTLE_SECONDS)
    groups = by_server(found)
    before = {name: cpu_seconds(group) for name, group in groups.items()}
    began = time.monotonic()
    time.sleep(WATCH_SECONDS)
    took_s = time.monotonic() - began
    shares = {name: (cpu_seconds(group) - before[name]) / took_s for name, group in groups.items()}
    for name, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        write_out(f"  {name:<16} {share:6.2%} of a core  {memory_mb(groups[name]):6.0f} MB")
    memory = sum(memory_mb(group) for group in groups.values())
    write_out(f"sandbox idle memory: {memory:.0f} MB")
    return sum(shares.values())


def seconds_up() -> float:
    """What a user waits for: the program starts the sandbox and returns when every objective reads."""
    began = time.monotonic()
    subprocess.run([*KEELWATCH, "sandbox", "up", "--name", NAME], check=True, timeout=UP_WITHIN_S)
    return time.monotonic() - began


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as state:
        os.environ["KEELWATCH_STATE"] = state
        try:
            ready_s = []
            for _ in range(2):
                down(NAME)
                ready_s.append(seconds_up())
            found = status(NAME)
            assert found is not None
            share = measure(found)
        finally:
            down(NAME)
    write_out(f"sandbox first up: {ready_s[0]:.1f} s")
    write_out(
        f"sandbox up: {ready_s[1]:.1f} s = {ready_s[1] / READY_LIMIT_S:.2f} x limit ({READY_LIMIT_S:g} s)"
    )
    write_out(
        f"sandbox idle cost: {share:.1%} of a core = {share / CORE_LIMIT:.2f} x limit ({CORE_LIMIT:.0%})"
    )
    return 0 if share <= CORE_LIMIT and ready_s[1] <= READY_LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
