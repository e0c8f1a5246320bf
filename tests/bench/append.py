"""How long an append takes beside two writers at 50 Hz, against a bare fdatasync on the same disk.

    python -m tests.bench.append [FOLDER]

Prints the p50 and p99 of both and the limit, 10 x the p99 of a bare fdatasync + 2 ms; exits 1 over it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from keelwatch.ledger import FactKind, JsonObject, open_ledger
from keelwatch.workspace import write_out

APPENDS = 500
RATE_HZ = 50
WRITERS = 2
PAYLOAD: JsonObject = {"verb": "edge.weight", "args": {"server": "west-1", "weight": 0}, "note": "x" * 200}


def paced(action: Callable[[], object], count: int) -> list[float]:
    """Seconds that each of `count` actions took, at 50 Hz."""
    start, taken = time.perf_counter(), list[float]()
    for number in range(count):
        time.sleep(max(0.0, start + number / RATE_HZ - time.perf_counter()))
        before = time.perf_counter()
        action()
        taken.append(time.perf_counter() - before)
    return taken


def percentile(values: list[float], ratio: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * ratio))]


def bare(folder: Path) -> list[float]:
    with (folder / "bare").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())

        return paced(write, APPENDS)


def appends(path: Path, count: int) -> list[float]:
    store = open_ledger(path)
    taken = paced(lambda: store.append("bench", FactKind.NOTE, PAYLOAD, actor="bench"), count)
    store.close()
    return taken


def measure(folder: Path) -> tuple[float, float]:
    """(p99 of an append, limit), in seconds."""
    path = folder / "ledger.sqlite"
    open_ledger(path).close()
    disk = bare(folder)
    beside = [sys.executable, "-m", "tests.bench.append", "--write", str(path)]
    writers = [subprocess.Popen(beside) for _ in range(WRITERS)]
    try:
        time.sleep(0.5)
        taken = appends(path, APPENDS)
    finally:
        for writer in writers:
            writer.terminate()
            writer.wait()
    limit = 10 * percentile(disk, 0.99) + 0.002
    for name, values in (("fdatasync", disk), ("append", taken)):
        p50_ms, p99_ms = percentile(values, 0.5) * 1e3, percentile(values, 0.99) * 1e3
        write_out(f"{name:<10} p50 {p50_ms:6.2f} ms   p99 {p99_ms:6.2f} ms")
    return percentile(taken, 0.99), limit


def main(argv: list[str]) -> int:
    match argv:
        case ["--write", path]:
            appends(Path(path), 100 * APPENDS)
            return 0
    with tempfile.TemporaryDirectory(dir=argv[0] if argv else None) as folder:
        p99, limit = measure(Path(folder))
    ratio = p99 / limit
    write_out(f"append beside {WRITERS} writers at {RATE_HZ} Hz: p99 {ratio:.2f} of its limit")
    return 0 if ratio <= 1 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
