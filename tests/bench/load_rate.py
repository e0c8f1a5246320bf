"""How fast our generators are, beside bare Locust: `python -m tests.bench.load_rate`.

A plain GET, one generator, a server that answers by itself. Closed: bare `FastHttpUser` and the same
locustfile as a profile, in turns. Journeys of one such request: their rate is told,
with no limit. Open: half of what bare Locust did, none dropped, all begun in the time that was ordered. wrk
says whether the server was the limit. Exits 1 over a limit."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from keelwatch.workspace import write_out
from tests.bench.load_world import LoadWorld, fast_server, load_world

USERS, FOR_S, ROUNDS = 10, 8, 3
CLOSED_SHARE, OPEN_SHARE = 0.9, 0.5
IN_TIME = 0.99
SERVER_TIMES = 2.0
"""So many times more than a generator asks for, wrk must get from the server."""


def bare_rate(world: LoadWorld, scratch: Path) -> float:
    """Requests per second of Locust as anybody starts it."""
    report = scratch / "bare"
    words = ["-f", str(world.folder / "loadtests" / "visit.py"), "--headless", "--only-summary"]
    words += ["-u", str(USERS), "-r", str(USERS), "-t", f"{FOR_S}s", "--host", world.url]
    subprocess.run(
        [sys.executable, "-m", "locust", *words, "--json-file", str(report)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=120,
        cwd=scratch,
    )
    (stats,) = json.loads(report.with_suffix(".json").read_text())
    return float(stats["num_requests"]) / float(stats["last_request_timestamp"] - stats["start_time"])


def our_rate(world: LoadWorld, name: str) -> float:
    found = world.keelwatch("run", name)
    assert found["all"]["failed"] == 0, found["judged"]
    whole = [one["count"] for one in found["seconds"][1:-2]]
    return float(statistics.mean(whole))


def server_rate(url: str) -> float:
    """By wrk, on one core."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is missing: apt install wrk")
    told = subprocess.run(
        [wrk, "-t1", "-c10", "-d3s", url], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    line = next(one for one in told.splitlines() if one.startswith("Requests/sec"))
    return float(line.split()[1])


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder:
        scratch = Path(folder)
        with fast_server(scratch) as (url, _), load_world(scratch, url) as world:
            closed = f"model: closed\nstages: [{{users: {USERS}, for: {FOR_S}s}}]\n"
            world.profile("closed", closed)
            world.profile("journeys", closed, "journeys: [{journey: front-page, weight: 1}]")
            server = server_rate(url)
            pairs = [(bare_rate(world, scratch), our_rate(world, "closed")) for _ in range(ROUNDS)]
            bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
            journeys = our_rate(world, "journeys")
            rate = int(bare * OPEN_SHARE)
            stages = f"stages: [{{rate: {rate}, for: {FOR_S}s}}]\n"
            world.profile("open", f"model: open\narrivals: paced\nmost_in_flight: 4000\n{stages}")
            opened = world.keelwatch("run", "open")
    dropped, due = opened["judged"]["dropped"], opened["judged"]["due"]
    write_out(f"server: {server:.0f} requests/s by wrk, {server / bare:.1f} x bare Locust")
    write_out(
        f"closed: {ours:.0f} requests/s beside {bare:.0f} of bare FastHttpUser = {ours / bare:.2f} x"
        f" (limit {CLOSED_SHARE} x)"
    )
    write_out(f"journeys of one request, closed: {journeys:.0f}/s = {journeys / bare:.2f} x")
    write_out(
        f"open: {rate} arrivals/s = {OPEN_SHARE} x bare, {due} due, {opened['all']['count']} answered,"
        f" {dropped} dropped (limit 0), {opened['verdict']}: {opened['reason']}"
    )
    held = server >= SERVER_TIMES * bare and ours >= CLOSED_SHARE * bare and not dropped
    in_time = sum(one["due"] for one in opened["seconds"] if one["at_s"] < FOR_S)
    write_out(f"open: {in_time / due:.1%} of them begun in the {FOR_S} s (limit {IN_TIME:.0%})")
    held = held and opened["all"]["count"] == due and in_time >= IN_TIME * due
    return 0 if held and due >= rate * FOR_S * 0.99 else 1


if __name__ == "__main__":
    raise SystemExit(main())
