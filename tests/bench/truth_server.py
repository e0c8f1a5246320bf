"""A portal behind TLS that says when each request reached it and when its answer left.

    python -m tests.bench.truth_server CERTIFICATE slow|fast

Both are CLOCK_MONOTONIC, which all processes of a host share. A request counts from the kernel's stamp of its
last segment, so what this server is late itself is part of the truth, as it is of what a client sees.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.truth_portal import TALLY, Asked, Portal

SO_TIMESTAMPNS = 35  # asm-generic/socket.h
TIMESPEC = struct.Struct("@ll")
AT_ONCE_S = 0.0001
CHUNK_BYTES = 65536
RECEIVED, SENT = "Truth-Received", "Truth-Sent"
REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found"}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def arrived_at(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When the kernel had what was just read (monotonic s); now, where it does not say."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            return float(seconds) + float(nanoseconds) / 1e9 - wall_ahead_s()
    return time.monotonic()


def wall_ahead_s() -> float:
    """Wall clock less monotonic clock, read without losing the CPU in between."""
    for _ in range(5):
        before, wall = time.monotonic(), time.time()
        if time.monotonic() - before < AT_ONCE_S:
            break
    return wall - before


class Link:
    """One connection. Its TLS is in memory: only a bare socket gives a stamp beside the bytes."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, portal: Portal) -> None:
        self._sock = sock
        self._portal = portal
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._read = b""
        self._loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(CHUNK_BYTES, socket.CMSG_SPACE(TIMESPEC.size))
            at = arrived_at(ancillary)
            if data:
                self._incoming.write(data)
                self._advance(at)
                return
        except OSError:  # ssl.SSLError is one too
            pass
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _advance(self, at: float) -> None:
        """Raises `OSError` when the other end is gone, or says good-bye."""
        with suppress(ssl.SSLWantReadError):
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
            while part := self._tls.read(CHUNK_BYTES):
                self._read += part
        self._flush()
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._read = b""
            asked = Asked.of(head.decode(), body)
            self._loop.call_later(self._portal.delay_s(asked), self._reply, asked, at)

    def _reply(self, asked: Asked, received: float) -> None:
        status, answer = self._portal.answer(asked)
        body = json.dumps(answer)
        lines = [
            f"HTTP/1.1 {status} {REASONS[status]}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"{RECEIVED}: {received:.6f}",
            f"{SENT}: {{:.6f}}",
        ]
        head = "\r\n".join(lines)
        sent = time.monotonic()
        with suppress(OSError):
            self._tls.write(f"{head.format(sent)}\r\n\r\n{body}".encode())
            self._flush()
        self._portal.note(asked, received, sent)

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())  # small: the kernel takes it at once


async def serve(certificate: Path, portal: Portal) -> None:
    with suppress(OSError):  # the truth should not wait for its turn; only root may say so
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        for level, option in ((socket.SOL_SOCKET, SO_TIMESTAMPNS), (socket.IPPROTO_TCP, socket.TCP_NODELAY)):
            server.setsockopt(level, option, 1)  # what it accepts inherits both
        server.setblocking(False)  # noqa: FBT003 the standard library's own signature
        print(server.getsockname()[1], flush=True)  # noqa: T201 for the parent, in a process of its own
        while True:
            sock, _ = await loop.sock_accept(server)
            sock.setblocking(False)  # noqa: FBT003 as above
            Link(sock, context, portal)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the portal saw since it began: whole journeys (monotonic s), and how long requests waited."""

    journeys: tuple[tuple[float, float], ...]
    busy_s: float


@dataclass(frozen=True, slots=True)
class Truth:
    """A server that runs; `ca` is whom its clients must trust."""

    port: int
    ca: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def tally(self) -> Tally:
        context = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(f"{self.url}{TALLY}", context=context, timeout=10) as answer:
            found = json.load(answer)
        return Tally(tuple((begun, ended) for begun, ended in found["journeys"]), found["busy_s"])


@contextmanager
def truth(folder: Path, *, is_slow: bool) -> Iterator[Truth]:
    """The server in a process of its own, with a certificate from an authority made for it, in `folder`."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    speed = "slow" if is_slow else "fast"
    command = [sys.executable, "-m", "tests.bench.truth_server", str(folder / "server.pem"), speed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Truth(int(process.stdout.readline()), folder / "ca.pem")
        finally:
            process.kill()


def main(argv: list[str]) -> None:
    certificate, speed = argv
    asyncio.run(serve(Path(certificate), Portal(is_slow=speed == "slow")))


if __name__ == "__main__":
    main(sys.argv[1:])
