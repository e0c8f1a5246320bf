"""The sockets under httpcore: ours, so that each phase is timed where it happens, and by the kernel."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakSet

import httpcore

from probes.record import Cause
from probes.wire.connect import close, connected
from probes.wire.kernel import ANCILLARY_BYTES, lateness_s
from probes.wire.request import Broken
from probes.wire.resolver import Resolver
from probes.wire.stopwatch import Peer, Stopwatch, running

CHUNK_BYTES = 65536
AT_ONCE_BYTES = 16384  # the kernel takes them without a pause: where there is one, we had lost the CPU
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one read brought, `at` (monotonic s), and how long it had been lying there."""

    data: bytes
    at: float
    late_s: float | None


class Stream(httpcore.AsyncNetworkStream):
    """One TCP connection. It tells the running hop's `Stopwatch` what goes out and what comes in."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.peer = Peer(_shown(sock))
        self._head: bytes | None = b""  # of the answer that is being read; None when it is complete
        self.body_bytes = 0  # what came after it

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 httpcore's
        arrival = await self._arrival(max_bytes)
        return self._heard(arrival, arrival.data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 as above
        if not buffer:
            return
        watch = _watch()
        watch.peer = self.peer
        watch.send()
        self._head, self.body_bytes = b"", 0
        data = self._outgoing(buffer)
        began = time.monotonic()
        await self._send(data)
        if len(data) <= AT_ONCE_BYTES:
            watch.stalled(time.monotonic() - began)
        watch.enter("wait")

    async def aclose(self) -> None:
        close(self.sock)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 as above
    ) -> httpcore.AsyncNetworkStream:
        watch = _watch()
        watch.enter("tls")
        try:
            stream = await TlsStream.shaken(self.sock, ssl_context, server_hostname or "", watch)
        except BaseException:
            close(self.sock)
            raise
        watch.leave()
        return stream

    def get_extra_info(self, info: str) -> object:
        match info:
            case "socket":
                return self.sock
            case "is_readable":  # of an idle connection: the server has closed it, or says what nobody asked
                return self.sock.fileno() < 0 or _is_readable(self.sock)
            case "server_addr":
                return self.sock.getpeername()
        return None

    def _outgoing(self, data: bytes) -> bytes:
        return data

    def _heard(self, arrival: Arrival, data: bytes) -> bytes:
        self._count(data)
        watch = running.get()
        if watch is not None and (data or watch.phase == "receive"):
            watch.hear(arrival.at, arrival.late_s)
        return data

    def _count(self, data: bytes) -> None:
        if self._head is None:
            self.body_bytes += len(data)
        elif (end := (self._head + data).find(END_OF_HEAD)) < 0:
            self._head += data
        else:
            self.body_bytes = len(self._head) + len(data) - end - len(END_OF_HEAD)
            self._head = None

    async def _send(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)
        except OSError as error:  # httpcore reads on after this one: servers refuse a body and say why
            raise httpcore.WriteError(str(error)) from error

    async def _arrival(self, most: int = CHUNK_BYTES) -> Arrival:
        """The next bytes; empty at the end. Raises `Broken` (http)."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[Arrival] = loop.create_future()
        loop.add_reader(self.sock, self._receive, arrived, most, time.monotonic())
        try:
            return await arrived
        except OSError as error:
            raise Broken(Cause.HTTP, f"connection lost: {error.strerror or error}") from None
        finally:
            if self.sock.fileno() >= 0:
                loop.remove_reader(self.sock)

    def _receive(self, arrived: asyncio.Future[Arrival], most: int, asked_at: float) -> None:
        """Runs inside the loop as soon as there is something; whoever waits may run later."""
        if arrived.done():
            return
        try:
            data, ancillary, _, _ = self.sock.recvmsg(most, ANCILLARY_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            arrived.set_exception(error)
            return
        at = time.monotonic()
        late_s = lateness_s(self.sock, ancillary, at - asked_at, at)
        arrived.set_result(Arrival(data, at, late_s))


class TlsStream(Stream):
    """The same inside TLS."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        super().__init__(sock)
        self._arrived = Arrival(b"", time.monotonic(), None)
        self._incoming, self._encrypted = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._encrypted, server_hostname=name)

    @classmethod
    async def shaken(
        cls, sock: socket.socket, context: ssl.SSLContext, name: str, watch: Stopwatch
    ) -> TlsStream:
        """The stream after its handshake. Raises `Broken` (tls)."""
        try:
            stream = cls(sock, context, name)
            await stream._shake(watch)
        except ssl.SSLCertVerificationError as error:
            raise Broken(Cause.TLS, f"certificate of {name} refused: {error.verify_message}") from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise Broken(Cause.TLS, f"{_shown(sock)} hung up during the TLS handshake") from None
        except ssl.SSLError as error:
            what = (error.reason or str(error)).replace("_", " ").lower()
            raise Broken(Cause.TLS, f"TLS handshake with {_shown(sock)} failed: {what}") from None
        except (Broken, httpcore.WriteError) as error:
            raise Broken(Cause.TLS, f"TLS handshake with {_shown(sock)} broken off: {error}") from None
        stream.peer = watch.peer = stream._peer()
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 as above
        while True:
            try:
                return self._heard(self._arrived, self._tls.read(max_bytes))
            except ssl.SSLWantReadError:
                await self._fed()
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                return b""
            except ssl.SSLError as error:
                raise Broken(Cause.HTTP, f"TLS broke during the answer: {error.reason or error}") from None

    def get_extra_info(self, info: str) -> object:
        return self._tls if info == "ssl_object" else super().get_extra_info(info)

    def _outgoing(self, data: bytes) -> bytes:
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
        return self._encrypted.read()

    async def _shake(self, watch: Stopwatch) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                arrival = await self._fed()
                late_s = arrival.late_s
                watch.late(None if late_s is None else late_s + _since_s(arrival.at))
            except ssl.SSLError:
                await self._flush()  # the alert: the server's log shall say why, too
                raise
            else:
                await self._flush()
                return

    async def _flush(self) -> None:
        if self._encrypted.pending:
            await self._send(self._encrypted.read())

    async def _fed(self) -> Arrival:
        self._arrived = await self._arrival()
        if self._arrived.data:
            self._incoming.write(self._arrived.data)
        else:
            self._incoming.write_eof()
        return self._arrived

    def _peer(self) -> Peer:
        certificate = self._tls.getpeercert() or {}
        end = certificate.get("notAfter")
        return Peer(
            address=_shown(self.sock),
            tls=self._tls.version() or "",
            expires=float(ssl.cert_time_to_seconds(end)) if isinstance(end, str) else None,
            serial=str(certificate.get("serialNumber", "")),
        )


class Network(httpcore.AsyncNetworkBackend):
    """Makes connections, and can close all it made."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 deadlines are the caller's, and total
        local_address: str | None = None,  # noqa: ARG002 never set
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 never set
    ) -> httpcore.AsyncNetworkStream:
        """Raises `Broken` (dns, tcp)."""
        watch = _watch()
        watch.reused = False
        watch.enter("dns", sure=False)
        resolved = await self._resolver.resolve(host, port)
        watch.late(_since_s(resolved.at), settles=True)
        watch.enter("connect", sure=False)
        made = await connected(resolved.addresses)
        if made.at is not None:
            watch.late(_since_s(made.at), settles=True)
        watch.leave()
        self._sockets.add(made.sock)
        stream = Stream(made.sock)
        watch.peer = stream.peer
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def close(self) -> None:
        for sock in list(self._sockets):
            close(sock)


def _watch() -> Stopwatch:
    watch = running.get()
    assert watch is not None, "a request outside Wire.send"
    return watch


def _since_s(at: float) -> float:
    return max(0.0, time.monotonic() - at)


def _is_readable(sock: socket.socket) -> bool:
    poll = select.poll()  # select() ends at file number 1023
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _shown(sock: socket.socket) -> str:
    try:
        host, port = sock.getpeername()[:2]
    except OSError:
        return "the server"
    return f"[{host}]:{port}" if sock.family == socket.AF_INET6 else f"{host}:{port}"
