"""How many five-step journeys a second, 20 in flight: `python -m tests.bench.probe_rate`.

On a portal that answers at once; a journey counts from its login's arrival to the answer that proves the plan
is back, as the portal saw it. Beside it Tavern makes the same requests, one journey after another in as many
processes as ours. There is no limit: each of our journeys syncs facts to disk, so that its undo survives us,
and accuracy comes before rate. How many facts is printed too.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from keelwatch.workspace import write_out
from tests.bench.five_steps import IN_FLIGHT, SHARDS, done, world
from tests.bench.tavern_peer import Tavern, tavern
from tests.bench.truth_server import truth

SETTLE_S, WINDOW_S = 3.0, 10.0
PEER_JOURNEYS = 100


def ours(scratch: Path) -> tuple[float, float]:
    """Journeys per second, and the facts in the ledger for each."""
    with truth(scratch, is_slow=False) as server, world(scratch, server) as opened:
        with opened.watching() as streams:
            time.sleep(SETTLE_S)
            begin = time.monotonic()
            time.sleep(WINDOW_S)
            end = time.monotonic()
            journeys = server.tally().journeys
        with closing(sqlite3.connect(opened.state / "ledger.sqlite")) as ledger:
            ((facts,),) = ledger.execute("SELECT count(*) FROM events")
        count = len(done(streams))
    return sum(begin <= ended <= end for _, ended in journeys) / (end - begin), facts / count


def theirs_per_s(peer: Tavern, scratch: Path) -> float:
    """Its start does not count here: from its first journey's end to its last one's."""
    with truth(scratch, is_slow=False) as server:
        peer.run(scratch, server, PEER_JOURNEYS, processes=SHARDS)
        ends = [ended for _, ended in server.tally().journeys]
    return (len(ends) - 1) / (max(ends) - min(ends))


def main() -> int:
    peer = tavern()
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder:
        scratch = Path(folder)
        theirs = theirs_per_s(peer, scratch) if peer else None
        per_s, facts = ours(scratch)
    write_out(
        f"five-step journeys, {IN_FLIGHT} in flight in {SHARDS} processes: {per_s:.1f} per second,"
        f" each with {facts:.1f} facts on disk"
    )
    if theirs is not None:
        write_out(f"Tavern, {SHARDS} processes: {theirs:.1f} per second; ours {per_s / theirs:.2f} x that")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
