"""A link by itself: what each fault does to connections, old ones and new ones, and how they end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelwatch.sandbox import faults
from keelwatch.sandbox.layout import write_private
from keelwatch.sandbox.links.link import Link
from keelwatch.sandbox.links.mode import Weather

A_LOT = b"x" * 3_000_000


@dataclass
class Line:
    """A link from the west to a server that says what it hears."""

    link: Link
    port: int
    file: Path

    def strike(self, *found: tuple[str, str], region: str = "all", for_s: float = 60) -> None:
        at = time.time()
        active = [faults.parse(f"link.{kind}", value, region, for_s, at) for kind, value in found]
        write_private(self.file, faults.to_json(active))

    async def open(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def echo(self, data: bytes = b"hello", within_s: float = 5.0) -> float:
        """How long `data` took there and back."""
        began = time.monotonic()
        self.writer.write(data)
        assert await asyncio.wait_for(self.reader.readexactly(len(data)), within_s) == data
        return time.monotonic() - began

    async def hears_nothing(self, data: bytes = b"hello") -> None:
        self.writer.write(data)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), 0.3)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def line(folder: Path) -> AsyncIterator[Line]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = folder / "faults.json"
    link = Link(Weather(file), "west", port, server.sockets[0].getsockname()[1])

    async def look() -> None:
        while True:
            link.look()
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    try:
        yield Line(link, port, file)
        assert not looking.done()
    finally:
        looking.cancel()
        link.close()
        server.close()


def on_a_line(test: Callable[[Line], Awaitable[None]], folder: Path) -> None:
    async def run() -> None:
        async with line(folder) as it:
            await test(it)

    asyncio.run(run())


def test_without_a_fault_everything_passes(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        client = await it.open()
        assert await client.echo() < 0.1
        await client.echo(A_LOT)
        client.writer.write_eof()
        assert await client.reader.read() == b""
        client.writer.close()

    on_a_line(test, tmp_path)


def test_latency_counts_in_each_direction_and_for_the_handshake(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        old = await it.open()
        await old.echo()
        it.strike(("latency", "100ms"))
        assert 0.19 < await old.echo() < 0.4
        assert 0.39 < await (await it.open()).echo() < 0.7
        assert await old.echo(A_LOT) < 1.0, "a delay is no bottleneck"
        it.strike(("latency", "100ms"), region="east")
        assert await old.echo() < 0.1, "who starts in the west is not struck by the east's faults"

    on_a_line(test, tmp_path)


def test_reset_strikes_old_and_new_connections(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        old = await it.open()
        await old.echo()
        it.strike(("reset", "on"))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(old.reader.read(1), 1)
        new = await it.open()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(new.reader.read(1), 1)
        it.strike()
        await (await it.open()).echo()

    on_a_line(test, tmp_path)


@pytest.mark.parametrize("kind", ["blackhole", "partition"])
def test_connects_hang_and_get_through_once_it_is_over(tmp_path: Path, kind: str) -> None:
    async def test(it: Line) -> None:
        it.strike((kind, "on"))
        await asyncio.sleep(0.1)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(it.open(), 0.3)
        patient = asyncio.create_task(it.open())
        await asyncio.sleep(0.2)
        it.strike()
        await (await asyncio.wait_for(patient, 5)).echo()

    on_a_line(test, tmp_path)


def test_what_a_partition_holds_back_arrives_when_it_heals(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        client, leaver = await it.open(), await it.open()
        await client.echo()
        await leaver.echo()
        it.strike(("partition", "on"))
        await client.hears_nothing(b"later")
        leaver.writer.close()
        await asyncio.sleep(0.1)
        it.strike()
        assert await asyncio.wait_for(client.reader.readexactly(5), 2) == b"later"
        await client.echo()

    on_a_line(test, tmp_path)


def test_what_lost_bytes_in_a_blackhole_does_not_outlive_it(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        talker, silent = await it.open(), await it.open()
        await talker.echo()
        await silent.echo()
        it.strike(("blackhole", "on"))
        await talker.hears_nothing()
        it.strike()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(talker.reader.read(1), 2)
        await silent.echo()

    on_a_line(test, tmp_path)


def test_nobody_learns_in_a_blackhole_that_the_other_side_left(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        client = await it.open()
        await client.echo()
        it.strike(("blackhole", "on"))
        await asyncio.sleep(0.1)
        client.writer.transport.abort()
        await asyncio.sleep(0.1)
        assert len(it.link._crossings) == 1
        it.strike()
        await asyncio.sleep(0.1)
        assert not it.link._crossings

    on_a_line(test, tmp_path)


def test_a_fault_ends_by_itself_also_for_who_only_waits(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        client = await it.open()
        await client.echo()
        it.strike(("partition", "on"), for_s=0.5)
        assert await client.echo(within_s=3) > 0.2

    on_a_line(test, tmp_path)


def test_who_is_refused_beyond_the_link_is_reset_here(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        it.link.target = 1
        client = await it.open()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(client.reader.read(1), 1)

    on_a_line(test, tmp_path)


def test_nothing_is_left_of_connections_that_ended(tmp_path: Path) -> None:
    async def test(it: Line) -> None:
        for _ in range(50):
            client = await it.open()
            await client.echo()
            client.writer.close()
        await asyncio.sleep(0.2)
        assert not it.link._crossings

    on_a_line(test, tmp_path)
