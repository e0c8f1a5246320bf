"""Deadlines are the caller's `asyncio.timeout`, they are total, and they harm nobody else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from probes.wire import LagMeter, Resolver, Trust, Wire, WireRequest
from probes.wire.resolver import Address
from tests.probes.wire.conftest import Authority
from tests.probes.wire.portal import Handler, Portal, Reader, Writer, answer, loopback, portal, wired
from tests.probes.wire.quiet import in_a_quiet_moment


def open_files() -> int:
    """Ours and the server's."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def all_closed(before: int) -> bool:
    """Whether no more files are open than before; the server closes its ends a little later."""
    deadline = time.monotonic() + 5
    while open_files() > before and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return open_files() <= before


async def cut_off(wire: Wire, request: WireRequest, within_s: float) -> float:
    """Seconds that it took to be cut off."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(within_s):
            await wire.follow(request)
    return time.monotonic() - began


def dripping(head: bytes, pause_s: float) -> Handler:
    async def handler(_: str, reader: Reader, writer: Writer) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(pause_s)

    return handler


@pytest.mark.parametrize(
    ("head", "phase"),
    [(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "receive"), (b"HTTP/1.1 200 OK\r\nX: ", "receive")],
)
@in_a_quiet_moment
def test_a_server_that_drips_does_not_outlast_the_deadline(head: bytes, phase: str) -> None:
    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            assert await cut_off(wire, WireRequest("GET", server.url()), 0.5) < 0.6
            pending = wire.phase_now
        assert pending is not None
        assert pending.phase == phase
        assert pending.hop.status == 0
        assert pending.hop.total_ms == pytest.approx(500, abs=60)

    with portal(dripping(head, 0.05)) as server:
        asyncio.run(go(server))


def test_what_was_cut_off_is_known_afterwards_with_the_redirects_before(authority: Authority) -> None:
    async def silent(head: str, reader: Reader, writer: Writer) -> None:
        if "/first" in head:
            writer.write(answer(b"", "302 Found", "Location: /second"))
        elif "/second" in head:
            await asyncio.sleep(60)
        else:
            writer.write(answer())

    async def go(server: Portal) -> None:
        async with wired(server, ca=authority.file) as wire:
            await cut_off(wire, WireRequest("GET", server.url("/first")), 0.3)
            pending = wire.phase_now
            await asyncio.sleep(0.1)
            assert wire.phase_now == pending  # the clock of what is over stands still
            assert pending is not None
            assert (pending.phase, len(pending.earlier)) == ("wait", 1)
            assert pending.hop.reused
            assert (await wire.send(WireRequest("GET", server.url("/third")))).status == 200
            assert wire.phase_now is None

    with portal(silent, authority.server()) as server:
        asyncio.run(go(server))


def test_a_silent_address_is_cut_off_while_connecting() -> None:
    async def go() -> None:
        async with wired(server, lookup=lambda _: [Address(2, ("127.0.0.1", 0))]) as wire:
            await cut_off(wire, WireRequest("GET", server.url()), 0.3)
            assert wire.phase_now is not None
            assert wire.phase_now.phase == "connect"

    with full_backlog() as port:
        server = Portal("http", port)
        asyncio.run(go())


def test_a_server_that_never_shakes_hands_is_cut_off_in_tls(authority: Authority) -> None:
    async def never(head: str, reader: Reader, writer: Writer) -> None:
        raise AssertionError

    async def go(server: Portal) -> None:
        async with wired(server, ca=authority.file) as wire:
            await cut_off(wire, WireRequest("GET", server.url()), 0.2)
            assert wire.phase_now is not None
            assert wire.phase_now.phase == "tls"

    with portal(never) as plain:
        asyncio.run(go(Portal("https", plain.port)))


def test_fifty_cancelled_requests_leave_no_trace(authority: Authority) -> None:
    async def slow(head: str, reader: Reader, writer: Writer) -> None:
        if "/slow" in head:
            await asyncio.sleep(0.05)
        writer.write(answer(b"x" * 100_000))

    async def go(server: Portal) -> None:
        async with wired(server, ca=authority.file) as wire:
            await wire.send(WireRequest("GET", server.url()))
            before = open_files()
            for number in range(50):
                await cut_off(wire, WireRequest("GET", server.url("/slow")), number * 0.0004)
            for _ in range(5):
                assert len((await wire.send(WireRequest("GET", server.url()))).body) == 100_000
            assert await all_closed(before)

    with portal(slow, authority.server()) as server:
        asyncio.run(go(server))


def test_a_wire_that_ends_leaves_no_socket_open() -> None:
    async def fine(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer())

    async def go(server: Portal) -> None:
        async with wired(server) as wire:  # opens what a process opens once
            await wire.send(WireRequest("GET", server.url()))
        before = open_files()
        for _ in range(5):
            async with wired(server) as wire:
                await wire.send(WireRequest("GET", server.url()))
                asked = asyncio.create_task(wire.send(WireRequest("GET", server.url())))
                await asyncio.sleep(0)
                asked.cancel()
        assert await all_closed(before)

    with portal(fine) as server:
        asyncio.run(go(server))


def test_requests_at_once_have_connections_of_their_own() -> None:
    meeting: list[asyncio.Event] = []

    async def together(head: str, reader: Reader, writer: Writer) -> None:
        meeting.append(asyncio.Event())
        if len(meeting) == 10:
            for event in meeting:
                event.set()
        await meeting[-1].wait() if len(meeting) < 10 else None
        writer.write(answer())

    async def go(server: Portal) -> None:
        request = WireRequest("POST", server.url(), (), b"x")
        async with wired(server) as wire, asyncio.timeout(10):
            answers = await asyncio.gather(*(wire.send(request, fresh=True) for _ in range(10)))
        assert all(reply.status == 200 and not reply.hop.reused for reply in answers)

    with portal(together) as server:
        asyncio.run(go(server))


def test_twelve_hung_names_hold_up_no_healthy_one() -> None:
    async def fine(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer())

    def lookup(name: str) -> Sequence[Address]:
        if name.startswith("hung"):
            time.sleep(3)
        return loopback(name)

    async def go(server: Portal) -> None:
        hung = [("http", f"hung-{number}.invalid", server.port) for number in range(12)]
        hosts = frozenset({server.host, *hung})
        async with LagMeter() as lag, Wire(Trust.of(None), Resolver(lookup), lag, hosts) as wire:
            waiting = [
                asyncio.create_task(cut_off(wire, WireRequest("GET", f"http://{name}:{port}/"), 0.4))
                for _, name, port in hung
            ]
            await asyncio.sleep(0.05)
            reply = await wire.send(WireRequest("GET", server.url()))
            assert reply.hop.phases["dns"] < 100
            assert max(await asyncio.gather(*waiting)) < 0.6

    with portal(fine) as server:
        asyncio.run(go(server))


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port that lets nobody in: its queue is full, and nobody empties it."""
    with ExitStack() as open_sockets:
        server = open_sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = open_sockets.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 the standard library's own signature
            client.connect_ex(server.getsockname())
        port: int = server.getsockname()[1]
        yield port
