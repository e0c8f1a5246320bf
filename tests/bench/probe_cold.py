"""What we ourselves take for one journey, cold: `python -m tests.bench.probe_cold`.

From exec of `keelwatch probe run` to its end, with all processes that takes (command, run, guardian), less
what the portal took to answer. One journey of five steps only reads; another changes something and takes it
back, which needs a guardian. Beside both runs a bare interpreter that imports what an HTTP client with strict
files needs. Medians of interleaved cold processes; exits 1 over the limit.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keelwatch.workspace import write_out
from tests.probes.conftest import CHANGE, LOGIN, ROOT, WORKSPACE, Bench
from tests.probes.shop import Asked, Reply, Running, Shop

ROUNDS = 9
OWN_S = 1.0
LOOK = "  - get: /plan\n"
JOURNEYS = {"ask": LOGIN + LOOK * 4, "change": LOGIN + CHANGE + LOOK * 2}
PEER = "import httpx, pydantic"


class Timed(Shop):
    """A shop that says how long it took to answer."""

    took_s = 0.0

    def answer(self, asked: Asked) -> Reply:
        began = time.perf_counter()
        reply = super().answer(asked)
        self.took_s += time.perf_counter() - began
        return reply


def own_s(bench: Bench, journey: str) -> float:
    """Of one cold run of `journey`."""
    shop = bench.shop
    assert isinstance(shop, Timed)
    shop.took_s = 0.0
    keelwatch = str(Path(sys.executable).parent / "keelwatch")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, keelwatch, "--workspace", str(bench.folder), "probe", "run", journey, "--json", "-"],
        env=bench.environment,
        capture_output=True,
        check=True,
    )
    took_s = time.perf_counter() - began
    (execution,) = json.loads(done.stdout)["executions"]
    assert [step["state"] for step in execution["steps"]] == ["ok"] * 5
    return took_s - shop.took_s


def peer_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", PEER], check=True)
    return time.perf_counter() - began


def main() -> int:
    shop = Timed()
    running = Running(shop)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "workspace"
        folder.mkdir()
        (folder / "keelwatch.yaml").write_text(WORKSPACE.format(url=shop.url))
        environment = {
            **os.environ,
            "KEELWATCH_STATE": str(Path(scratch) / "state"),
            "SHOP_PASSWORD": shop.password,
            "PYTHONPATH": str(ROOT),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
        bench = Bench(shop, folder, environment)
        for name, steps in JOURNEYS.items():
            bench.journey(name, steps)
            own_s(bench, name)  # compiles what a new checkout has not compiled yet
        rounds = [(peer_s(), *(own_s(bench, name) for name in JOURNEYS)) for _ in range(ROUNDS)]
    running.close()
    peer, *ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    write_out(f"python -c '{PEER}': {peer:.2f} s")
    for name, own in zip(JOURNEYS, ours, strict=True):
        write_out(
            f"one journey cold, {name}: {own:.2f} s of our own (limit {OWN_S:g} s), {own / peer:.1f} x that"
        )
    return 0 if max(ours) <= OWN_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
