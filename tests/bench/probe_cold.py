"""What we ourselves take for the five-step journey, cold: `python -m tests.bench.probe_cold`.

From exec of `keelwatch probe run` to its end, with all processes that takes (command, run, guardian), less
what the portal let it wait for. Beside it Tavern makes the same requests from a cold start. Medians of
interleaved cold processes; exits 1 over the limit.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from keelwatch.workspace import write_out
from tests.bench.five_steps import JOURNEY, World, world
from tests.bench.tavern_peer import Tavern, tavern
from tests.bench.truth_server import Truth, truth

ROUNDS = 7
OWN_S = 1.0


def own_s(server: Truth, journey: Callable[[], None]) -> float:
    """What `journey` took, less what it waited for."""
    waited_s, began = server.tally().busy_s, time.perf_counter()
    journey()
    took_s = time.perf_counter() - began
    return took_s - (server.tally().busy_s - waited_s)


def ours(opened: World) -> None:
    found = json.loads(opened.run("probe", "run", JOURNEY, "--region", opened.place, "--json", "-"))
    (execution,) = found["executions"]
    assert [step["state"] for step in execution["steps"]] == ["ok"] * 4
    assert [undo["done"] for undo in execution["undos"]] == [True]


def measure(peer: Tavern | None, scratch: Path) -> list[list[float]]:
    """Our own times, and Tavern's where it is there."""
    with truth(scratch, is_slow=False) as server, world(scratch, server) as opened:
        tools: list[Callable[[], None]] = [lambda: ours(opened)]
        if peer is not None:
            tools.append(lambda: peer.run(scratch, server, 1))
        for tool in tools:
            tool()  # compiles what a new checkout has not compiled yet
        rounds = [[own_s(server, tool) for tool in tools] for _ in range(ROUNDS)]
    return [list(column) for column in zip(*rounds, strict=True)]


def main() -> int:
    peer = tavern()
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder:
        mine, *theirs = measure(peer, Path(folder))
    own = statistics.median(mine)
    write_out(
        f"five-step journey cold: {own:.2f} s of our own = {own / OWN_S:.2f} x limit ({OWN_S:g} s),"
        f" best {min(mine):.2f} s"
    )
    for times in theirs:
        peer_s = statistics.median(times)
        write_out(f"Tavern cold: {peer_s:.2f} s, best {min(times):.2f} s; ours {own / peer_s:.2f} x that")
    return 0 if own <= OWN_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
