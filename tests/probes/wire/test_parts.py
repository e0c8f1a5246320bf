"""Trust, names, lag, and what we rely on in httpx and httpcore."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import httpcore
import pytest

from keelwatch.workspace import SourceError
from probes.wire import LagMeter, Resolver, Trust, WireRequest, warm_up
from probes.wire.request import Broken
from probes.wire.resolver import Address
from probes.wire.stopwatch import Stopwatch, running
from tests.probes.wire.conftest import Authority, make_authority
from tests.probes.wire.portal import Reader, Writer, answer, loopback, portal
from tests.probes.wire.quiet import in_a_quiet_moment


def test_one_context_per_authority_until_its_file_changes(authority: Authority) -> None:
    first = Trust.of(authority.file)
    assert Trust.of(authority.file) is first
    make_authority(authority.file)
    os.utime(authority.file, ns=(1, 1))
    assert Trust.of(authority.file).context is not first.context


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_an_authority_that_cannot_be_read_is_said_with_its_file(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError, match=str(file)):
        Trust.of(file)


def test_callers_of_one_name_share_one_lookup_and_a_cancelled_one_harms_nobody() -> None:
    lookups: list[str] = []
    release = threading.Event()

    def slow(name: str) -> Sequence[Address]:
        lookups.append(name)
        release.wait(10)
        return loopback(name)

    async def go() -> None:
        resolver = Resolver(slow)
        asked = [asyncio.create_task(resolver.resolve("shop.invalid", 80)) for _ in range(5)]
        await asyncio.sleep(0.05)
        asked[0].cancel()
        release.set()
        found = await asyncio.gather(*asked[1:])
        assert {one.addresses for one in found} == {(Address(socket.AF_INET, ("127.0.0.1", 80)),)}
        assert lookups == ["shop.invalid"]

    asyncio.run(go())


def test_when_every_thread_hangs_the_next_name_is_told_so() -> None:
    release = threading.Event()

    def hanging(name: str) -> Sequence[Address]:
        release.wait(10)
        return loopback(name)

    async def go() -> None:
        resolver = Resolver(hanging, most=2)
        asked = [asyncio.create_task(resolver.resolve(f"hung-{number}", 80)) for number in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(Broken, match="not looked up: 2 other names hang"):
            await resolver.resolve("healthy", 80)
        assert (await resolver.resolve("127.0.0.1", 80)).addresses[0].to == ("127.0.0.1", 80)
        release.set()
        await asyncio.gather(*asked)
        assert len((await resolver.resolve("healthy", 80)).addresses) == 1

    asyncio.run(go())


def test_names_are_looked_up_as_the_host_does() -> None:
    found = asyncio.run(Resolver().resolve("localhost", 443)).addresses
    host = {one[4][0] for one in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    assert {address.to[0] for address in found} == host


def test_a_hung_name_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, time
from probes.wire import Resolver
async def go():
    try:
        async with asyncio.timeout(0.1):
            await Resolver(lambda name: time.sleep(30)).resolve("hung", 80)
    except TimeoutError:
        print("ended")
asyncio.run(go())
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == "ended\n"
    assert time.monotonic() - began < 10


@in_a_quiet_moment
def test_the_lag_meter_sees_a_loop_that_stood_still_and_when() -> None:
    async def go() -> None:
        async with LagMeter() as lag:
            await asyncio.sleep(0.03)
            began = time.monotonic()
            time.sleep(0.1)
            now = lag.worst_ms(began)
            await asyncio.sleep(0.03)
            after = time.monotonic()
            assert now == pytest.approx(100, abs=15)
            assert lag.worst_ms(began) == pytest.approx(100, abs=20)
            assert lag.worst_ms(began + 0.08) == pytest.approx(20, abs=15)
            assert lag.worst_ms(after) < 20
        assert lag.worst_ms(after) < 20

    asyncio.run(go())


def test_a_meter_that_does_not_run_knows_of_no_lag() -> None:
    assert LagMeter().worst_ms(0.0) == 0.0


async def fine(head: str, reader: Reader, writer: Writer) -> None:
    writer.write(answer())


def test_a_first_request_loads_nothing(authority: Authority) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from tests.probes.wire.portal import Portal, wired
from probes.wire import WireRequest, warm_up
async def go(server):
    assert warm_up() > 1
    loaded = set(sys.modules)
    async with wired(server, ca=Path({str(authority.file)!r})) as wire:
        await wire.follow(WireRequest("POST", server.url(), (), b"x"))
    print(sorted(name for name in set(sys.modules) - loaded))
asyncio.run(go(Portal("https", int(sys.argv[1]))))
"""
    with portal(fine, authority.server()) as server:
        command = [sys.executable, "-c", program, str(server.port)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "[]\n"


def test_the_room_is_entered_without_httpx() -> None:
    program = "import probes.wire, sys; print({'httpx', 'httpcore', 'anyio'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == "set()\n"


def test_who_wakes_up_late_after_the_read_lengthens_no_wait() -> None:
    """The read was in time, but the task that waits for it ran 50 ms later."""
    watch = Stopwatch(WireRequest("GET", "http://localhost/"), LagMeter())
    watch.enter("wait")
    read_at = time.monotonic()
    while time.monotonic() < read_at + 0.05:
        pass
    watch.hear(read_at, 0.0)
    watch.stop()

    phases = watch.hop(200).phases

    assert phases["wait"] < 25
    assert phases["receive"] < 25
    assert phases["unaccounted"] > 25


class Spy(httpcore.AsyncNetworkStream):
    """What httpcore asks of a stream, in order, and whether it asks in the task that sent the request."""

    def __init__(self, calls: list[str], watch: Stopwatch) -> None:
        self.calls = calls
        self.watch = watch

    def note(self, call: str) -> None:
        self.calls.append(call if running.get() is self.watch else f"{call} elsewhere")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.note("read")
        return answer()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.note(f"write {len(buffer) > 0}")

    async def aclose(self) -> None:
        self.note("close")

    async def start_tls(
        self, ssl_context: object, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        self.note(f"tls {server_hostname}")
        return self

    def get_extra_info(self, info: str) -> object:
        return False if info == "is_readable" else None


def test_httpcore_calls_the_network_as_our_times_assume() -> None:
    """Contract: connect, TLS, writes, reads, in this order and in the caller's context; on a reused one
    the last two alone. A version of httpcore that breaks it breaks here."""
    calls: list[str] = []
    watch = Stopwatch(WireRequest("POST", "https://localhost/"), LagMeter())

    class Network(httpcore.AsyncNetworkBackend):
        async def connect_tcp(
            self, host: str, port: int, *_: object, **__: object
        ) -> httpcore.AsyncNetworkStream:
            stream = Spy(calls, watch)
            stream.note(f"connect {host}:{port}")
            return stream

    async def go() -> None:
        running.set(watch)
        connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(b"https", b"localhost", 443), network_backend=Network()
        )
        for _ in range(2):
            request = httpcore.Request(
                "POST", "https://localhost/", headers={"Host": "x", "Content-Length": "2"}, content=b"hi"
            )
            response = await connection.handle_async_request(request)
            assert isinstance(response.extensions["network_stream"], Spy)
            await response.aread()
            await response.aclose()
            assert connection.is_available()

    asyncio.run(go())
    exchange = ["write True", "write True", "write False", "read"]
    assert calls == ["connect localhost:443", "tls localhost", *exchange, *exchange]


def test_warming_up_twice_costs_nothing() -> None:
    warm_up()
    began = time.monotonic()
    warm_up()
    assert time.monotonic() - began < 0.01
