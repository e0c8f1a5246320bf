"""Servers to be asked, in a thread and loop of their own: what stops our loop does not stop them."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.wire import LagMeter, Resolver, Trust, Wire
from probes.wire.resolver import Address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

type Reader = asyncio.StreamReader
type Writer = asyncio.StreamWriter
type Handler = Callable[[str, Reader, Writer], Awaitable[None]]


@dataclass(frozen=True)
class Portal:
    scheme: str
    port: int
    name: str = "localhost"

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://{self.name}:{self.port}{path}"

    @property
    def host(self) -> tuple[str, str, int]:
        return (self.scheme, self.name, self.port)


def answer(body: bytes = b"ok", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(to: str, status: str = "302 Found", *headers: str) -> bytes:
    return answer(b"", status, f"Location: {to}", *headers)


async def _serve(handler: Handler, reader: Reader, writer: Writer) -> None:
    with suppress(OSError, EOFError, asyncio.IncompleteReadError, asyncio.CancelledError):
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            for line in head.lower().splitlines():
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.partition(":")[2]))
            await handler(head, reader, writer)
            await writer.drain()
    writer.close()


@contextmanager
def portal(handler: Handler, tls: ssl.SSLContext | None = None, greeting: bytes = b"") -> Iterator[Portal]:
    """A server that calls `handler(head, reader, writer)` for each request, after saying `greeting` to each
    connection. Ends with everything it runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        def connected(reader: Reader, writer: Writer) -> Awaitable[None]:
            writer.write(greeting)
            return _serve(handler, reader, writer)

        return await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)

    async def stop() -> None:
        server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield Portal("https" if tls else "http", server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def loopback(name: str) -> Sequence[Address]:
    """A resolver's lookup to which every name is this host."""
    return [Address(2, ("127.0.0.1", 0))]


@asynccontextmanager
async def wired(
    *portals: Portal, ca: Path | None = None, lookup: Callable[[str], Sequence[Address]] = loopback
) -> AsyncIterator[Wire]:
    hosts = frozenset(one.host for one in portals)
    async with LagMeter() as lag, Wire(Trust.of(ca), Resolver(lookup), lag, hosts) as wire:
        yield wire


__all__ = ["Handler", "Portal", "Reader", "Writer", "answer", "loopback", "portal", "redirect", "wired"]
