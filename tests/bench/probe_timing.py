"""How far the reported wait is from the truth, with 20 journeys in flight.

    python -m tests.bench.probe_timing

The server, a process of its own, waits 50 ms and says how long it took from a request's arrival in its kernel
to its answer: that is the truth. Beside ours runs a bare client on asyncio streams, which has no
tracing, no cookies and no correction. Once alone, once beside a process that eats a core. Prints the errors,
their ratio, and how many hops were tainted; exits 1 over a limit.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from keelwatch.workspace import write_out
from probes.wire import LagMeter, Resolver, Trust, Wire, WireRequest, warm_up
from probes.wire.kernel import ANCILLARY_BYTES, lateness_s, stamp_arrivals

DELAY_S = 0.05
IN_FLIGHT = 20
EXECUTIONS = 300
STEPS = 5
CLOCK_MONOTONIC_COARSE = 6  # linux/time.h; it goes by the tick


@dataclass(frozen=True, slots=True)
class Limits:
    """On the p99 error, in ms beside one tick of the kernel, and on the share of untainted hops."""

    name: str
    error_ms: float
    untainted: float


QUIET, HOGGED = Limits("alone", 4.0, 0.9), Limits("beside a CPU hog", 6.0, 0.5)


@dataclass(frozen=True, slots=True)
class Sample:
    """A reported wait and the true one, in ms."""

    reported_ms: float
    true_ms: float
    tainted: bool = False

    @property
    def error_ms(self) -> float:
        return abs(self.reported_ms - self.true_ms)


def _receive(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """A request has come, at the time that the kernel says: our own lateness is no part of the truth."""
    try:
        data, ancillary, _, _ = sock.recvmsg(65536, ANCILLARY_BYTES)
    except OSError:
        data = b""
    if not data:
        loop.remove_reader(sock)
        sock.close()
        return
    began = time.monotonic() - (lateness_s(sock, ancillary, math.inf, time.monotonic()) or 0.0)
    loop.call_later(DELAY_S, _answer, sock, began)


def _answer(sock: socket.socket, began: float) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTook: %f\r\n\r\nok"
    with suppress(OSError):
        sock.send(head % ((time.monotonic() - began) * 1000))


async def serve() -> None:
    with suppress(OSError):  # the truth should not wait for its turn; only root may say so
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        stamp_arrivals(server)  # what it accepts inherits it
        server.setblocking(False)  # noqa: FBT003 the standard library's own signature
        print(server.getsockname()[1], flush=True)  # noqa: T201 for the parent, in a process of its own
        while True:
            sock, _ = await loop.sock_accept(server)
            loop.add_reader(sock, _receive, loop, sock)


async def bare(port: int) -> list[Sample]:
    """One execution with nothing but streams."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    samples = []
    for _ in range(STEPS):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sent = time.monotonic()
        head = await reader.readuntil(b"\r\n\r\n")
        reported_ms = (time.monotonic() - sent) * 1000
        await reader.readexactly(2)
        took = next(line for line in head.decode().splitlines() if line.startswith("Took: "))
        samples.append(Sample(reported_ms, float(took.partition(" ")[2])))
    writer.close()
    return samples


async def ours(port: int, resolver: Resolver, lag: LagMeter) -> list[Sample]:
    samples = []
    async with Wire(Trust.of(None), resolver, lag, frozenset({("http", "127.0.0.1", port)})) as wire:
        for _ in range(STEPS):
            reply = await wire.send(WireRequest("GET", f"http://127.0.0.1:{port}/"))
            took = float(reply.header("took") or "nan")
            samples.append(Sample(reply.hop.phases["wait"], took, reply.hop.tainted))
    return samples


async def in_flight(execution: Callable[[], Awaitable[list[Sample]]]) -> tuple[list[Sample], float]:
    """All executions, so many at once; and how many there were per second."""
    left = iter(range(EXECUTIONS))
    samples: list[Sample] = []

    async def worker() -> None:
        for _ in left:
            samples.extend(await execution())

    began = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return samples, EXECUTIONS / (time.monotonic() - began)


def percentile(values: list[float], ratio: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * ratio))]


async def measure(port: int) -> tuple[list[Sample], list[Sample]]:
    resolver = Resolver()
    async with LagMeter() as lag:
        theirs, their_rate = await in_flight(lambda: bare(port))
        mine, rate = await in_flight(lambda: ours(port, resolver, lag))
    for name, samples, per_s in (("streams", theirs, their_rate), ("wire", mine, rate)):
        errors = [sample.error_ms for sample in samples if not sample.tainted]
        off_ms = abs(percentile([sample.reported_ms for sample in samples], 0.5) - DELAY_S * 1000)
        write_out(
            f"{name:<8} |median - 50| {off_ms:5.2f} ms   error p50 {percentile(errors, 0.5):5.2f} ms"
            f"   p99 {percentile(errors, 0.99):5.2f} ms   {per_s:4.0f} executions/s"
        )
    return theirs, mine


@contextmanager
def child(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def main(argv: list[str]) -> int:
    if argv == ["--serve"]:
        asyncio.run(serve())
        return 0
    write_out(f"loading the transport: {warm_up():.0f} ms, once per process")
    with child("-m", "tests.bench.probe_timing", "--serve") as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        held = [_verdict(QUIET, *asyncio.run(measure(port)))]
        with child("-c", "while True: pass"):
            held.append(_verdict(HOGGED, *asyncio.run(measure(port))))
    return 0 if all(held) else 1


def _verdict(limits: Limits, theirs: list[Sample], mine: list[Sample]) -> bool:
    limit_ms = limits.error_ms + time.clock_getres(CLOCK_MONOTONIC_COARSE) * 1000
    good = [sample.error_ms for sample in mine if not sample.tainted]
    untainted, p99_ms = len(good) / len(mine), percentile(good, 0.99)
    ratio = p99_ms / percentile([sample.error_ms for sample in theirs], 0.99)
    write_out(
        f"{limits.name}: p99 error {p99_ms:.1f} of {limit_ms:.0f} ms, {ratio:.2f} of bare streams';"
        f" untainted {untainted:.1%} of at least {limits.untainted:.0%}"
    )
    return p99_ms <= limit_ms and untainted >= limits.untainted


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
