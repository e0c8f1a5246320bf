"""How long a tick takes: 12 and 1,000 objectives, against a real Prometheus filled by promtool.

    python -m tests.bench.tick [--objectives 12,1000]

Measured in the same run: the bare queries of a tick, sent by the plainest client and not even parsed, of
which a warm tick may take 3 times the time (and 50 ms); and a peer that asks one query per objective,
stream and window, as generators of SLO reports do.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import requests

from keelwatch.adapters.prometheus import Prometheus, PrometheusConfig
from keelwatch.workspace.sink import write_out
from slo.engine import Engine
from slo.objective import Objective, Ratio
from slo.plan import Increase, alone, pack
from slo.promql import Counter, Matcher, Op, Selector
from slo.windows import DAY_S, DIRECT_S
from tests.adapters.prometheus_server import fill, running

BEGIN = 1_767_225_600  # 2026-01-01, a multiple of every bucket
END = BEGIN + 31 * DAY_S
PEER_SAMPLE = 20
MOST_TIMES_BARE, SLACK_S = 3.0, 0.05


def objective(number: int) -> Objective:
    name = f"journey-{number:04d}"
    matcher = Matcher("slo", Op.EQUAL, name)
    ratio = Ratio(
        Counter(Selector("bench_bad_total", (matcher,))), "bad", Counter(Selector("bench_total", (matcher,)))
    )
    return Objective(name, name, "portal", 0.999, 30.0 * DAY_S, ratio, "availability")


def _times() -> list[int]:
    """Hourly, then 5-minute, then 15-second samples: as much as a console that has run for a month asks."""
    fine, finest = END - 3 * DAY_S, END - 6 * 3600
    return [*range(BEGIN, fine, 3600), *range(fine, finest, 300), *range(finest, END + 1, 15)]


def _lines(count: int) -> Iterator[str]:
    times = _times()
    for metric, rate in (("bench_bad", 0.0005), ("bench", 1.0)):
        yield f"# TYPE {metric} counter\n"
        for number in range(count):
            head = f'{metric}_total{{slo="journey-{number:04d}"}} '
            for at in times:
                yield f"{head}{(at - BEGIN) * rate:.3f} {at}\n"


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measure(count: int, folder: Path) -> bool:
    """Print one line for `count` objectives; whether the limit is kept."""
    fill(folder, _lines(count))
    objectives = [objective(number) for number in range(count)]
    with running(folder) as server:
        source = Prometheus(PrometheusConfig(server.url, read_s=10.0))
        store = folder / "buckets.sqlite"
        engine = Engine(source, objectives, store_path=store)
        cold = _seconds(lambda: engine.tick(END - 60.0))
        warm = [_seconds(partial(engine.tick, END - 50.0 + at)) for at in range(5)]
        restarted = Engine(source, objectives, store_path=store)
        restart = _seconds(lambda: restarted.tick(END - 40.0))
        assert not restarted.tick(END - 39.0).source_error
        bare = statistics.median(_seconds(lambda: _bare(server.url, restarted)) for _ in range(3))
        peer = _peer(source, restarted, count)
    median = statistics.median(warm)
    limit = MOST_TIMES_BARE * bare + SLACK_S
    write_out(
        f"tick of {count}: warm {median:.3f} s = {median / bare:.1f} x its bare queries"
        f" (limit {limit:.2f} s), cold {cold:.2f} s, after a restart {restart:.2f} s;"
        f" one query each would take {peer:.1f} s ({peer / median:.0f} x)"
    )
    return median <= limit


def _bare(url: str, engine: Engine) -> None:
    """The fixed queries of a tick, one after another."""
    for packed in pack(engine._fixed):  # the very queries that it sends
        form = {"query": packed.text, "time": str(END - 30)}
        requests.post(f"{url}/api/v1/query", data=form, timeout=30).raise_for_status()


def _peer(source: Prometheus, engine: Engine, count: int) -> float:
    """Seconds for one query per stream and window, from a sample of them."""
    sample = engine.tracked[:: max(1, count // PEER_SAMPLE)]
    questions = [Increase(float(seconds)) for seconds in DIRECT_S.values()]
    texts = [
        alone(stream, one) for entry in sample for stream in (entry.part, entry.total) for one in questions
    ]
    took = _seconds(lambda: [source.query(text, END - 30.0) for text in texts])
    return took / len(sample) * count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objectives", default="12,1000")
    kept = []
    for count in map(int, parser.parse_args().objectives.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            kept.append(measure(count, Path(folder)))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
