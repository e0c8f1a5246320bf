"""How far the reported wait is from the truth, with 20 journeys in flight.

    python -m tests.bench.probe_timing

`probe watch` runs the five-step journey in two worker processes, over TLS, with ledger and undo; the truth
server says in each answer how long it really took, and the stream of the runs what was reported. Alone,
beside a process that eats a core, and with the console open on the very journeys. First a bare client, which
corrects nothing, reads the same server's times. Exits 1 over a limit.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from console import cache
from keelwatch.workspace import write_out
from tests.bench import bare_streams
from tests.bench.five_steps import IN_FLIGHT, JOURNEY, Done, World, done, world
from tests.bench.truth_server import RECEIVED, SENT, Truth, truth, wall_ahead_s
from tests.console.tmux import terminal
from tests.console.worlds import world as evening

WINDOW_S, SETTLE_S, BARE_S = 14.0, 3.0, 5.0
FULL = 0.9  # of the journeys that should be in flight, on average
CLOCK_MONOTONIC_COARSE = 6  # linux/time.h; it goes by the tick


@dataclass(frozen=True, slots=True)
class Condition:
    """Limits on the p99 error, in ms beside one tick of the kernel, and on the share of untainted hops."""

    name: str
    error_ms: float
    untainted: float
    beside: Callable[[World], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured from `begin` to `end` (monotonic s)."""

    begin: float
    end: float
    wall_ahead_s: float

    def overlap_s(self, begin: float, end: float) -> float:
        """Of a time by the wall clock."""
        ahead_s = self.wall_ahead_s
        return max(0.0, min(self.end, end - ahead_s) - max(self.begin, begin - ahead_s))


@dataclass(frozen=True, slots=True)
class Sample:
    """A wait that the portal received `at` (monotonic s); in ms as it was, and as it was reported."""

    at: float
    true_ms: float
    reported_ms: float
    tainted: bool

    @property
    def error_ms(self) -> float:
        return abs(self.reported_ms - self.true_ms)


@contextmanager
def nothing(_: World) -> Iterator[None]:
    yield


@contextmanager
def hog(_: World) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def console(opened: World) -> Iterator[None]:
    """The Probes screen in a terminal, from a cached snapshot on: it shows the journeys of the bench."""
    settings = [f"{key}={opened.environment[key]}" for key in ("KEELWATCH_STATE", "PYTHONPATH")]
    with terminal(120, 36, shlex.join(["env", *settings, *opened.command()])) as screen:
        screen.until("READ-ONLY")
        screen.press("3")
        screen.until(JOURNEY)
        yield


CONDITIONS = (
    Condition("alone", 4.0, 0.9, nothing),
    Condition("beside a CPU hog", 6.0, 0.5, hog),
    Condition("with the console open", 6.0, 0.5, console),
)


def percentile(values: Sequence[float], ratio: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * ratio))]


def samples_of(finished: Sequence[Done]) -> list[Sample]:
    """Every hop with a truth: those of undos are on no record."""
    steps = [step for one in finished for step in one.execution.steps]
    found = []
    for step in steps:
        assert step.exchange is not None
        lines = [line.partition(": ") for line in step.exchange.response.splitlines()]
        headers = {name: value for name, _, value in lines}
        received, sent = (float(headers[name.lower()]) for name in (RECEIVED, SENT))
        (hop,) = step.hops
        found.append(Sample(received, (sent - received) * 1000, hop.phases["wait"], hop.tainted))
    return found


def measured(condition: Condition, opened: World) -> Window:
    with condition.beside(opened):
        time.sleep(SETTLE_S)
        begin = time.monotonic()
        time.sleep(WINDOW_S)
        return Window(begin, time.monotonic(), wall_ahead_s())


def judge(condition: Condition, window: Window, finished: Sequence[Done], samples: Sequence[Sample]) -> bool:
    tick_ms = time.clock_getres(CLOCK_MONOTONIC_COARSE) * 1000
    limit_ms = condition.error_ms + tick_ms
    mine = [one for one in samples if window.begin <= one.at <= window.end]
    good = [one.error_ms for one in mine if not one.tainted]
    untainted, p99_ms = len(good) / len(mine), percentile(good, 0.99)
    seconds = window.end - window.begin
    in_flight = sum(window.overlap_s(one.execution.started, one.at) for one in finished) / seconds
    write_out(
        f"{condition.name}: p99 |reported - true| {p99_ms:.2f} ms = {p99_ms / limit_ms:.2f} x limit"
        f" ({condition.error_ms:g} ms + a tick of {tick_ms:g} ms), p50 {percentile(good, 0.5):.2f} ms"
    )
    write_out(
        f"{condition.name}: untainted {untainted:.1%} of {len(mine)} hops (limit {condition.untainted:.0%}),"
        f" {in_flight:.1f} of {IN_FLIGHT} journeys in flight"
    )
    return p99_ms <= limit_ms and untainted >= condition.untainted and in_flight >= FULL * IN_FLIGHT


def tell_bare(server: Truth) -> None:
    errors = bare_streams.errors_ms(server, IN_FLIGHT, BARE_S)
    p50_ms, p99_ms = percentile(errors, 0.5), percentile(errors, 0.99)
    write_out(f"a bare client alone, {IN_FLIGHT} in flight: p99 {p99_ms:.2f} ms, p50 {p50_ms:.2f} ms")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="keelwatch-bench-") as folder:
        scratch = Path(folder)
        with truth(scratch, is_slow=True) as server, world(scratch, server) as opened:
            tell_bare(server)
            os.environ["KEELWATCH_STATE"] = str(opened.state)  # of `cache`
            cache.remember(opened.folder / "keelwatch.yaml", replace(evening(), environment="bench"))
            with opened.watching() as streams:
                windows = [measured(condition, opened) for condition in CONDITIONS]
            finished = done(streams)
    samples = samples_of(finished)
    held = [
        judge(condition, window, finished, samples)
        for condition, window in zip(CONDITIONS, windows, strict=True)
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
