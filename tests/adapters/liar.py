"""A server that answers whatever bytes a test tells it to, at the speed a test tells it to."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket], None]
LONGEST_S = 30.0
TLS_HELLO = b"\x16"


@dataclass(slots=True)
class Liar:
    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(body: bytes, status: str = "200 OK", headers: str = "", length: int | None = None) -> Behaviour:
    """One answer with `length` (default: true) as its Content-Length, and the end of the connection."""

    def behave(connection: socket.socket) -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)

    return behave


def drip(prefix: bytes, byte: bytes, pause_s: float) -> Behaviour:
    """`prefix`, then one byte every `pause_s` until the other side has had enough."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(prefix)
        end = time.monotonic() + LONGEST_S
        while time.monotonic() < end:
            connection.sendall(byte)
            time.sleep(pause_s)

    return behave


def flood(prefix: bytes, block: bytes) -> Behaviour:
    """`prefix`, then `block` for as long as somebody reads."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(prefix)
        end = time.monotonic() + LONGEST_S
        while time.monotonic() < end:
            connection.sendall(block)

    return behave


def _request(connection: socket.socket) -> bytes:
    """Head and body of one request."""
    connection.settimeout(5)
    got = b""
    while b"\r\n\r\n" not in got and got[:1] != TLS_HELLO and (more := connection.recv(65536)):
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def lying(behave: Behaviour) -> Iterator[Liar]:
    """A server on a free port that does `behave` to every connection, after one request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        liar = Liar(listener.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                liar.requests.append(_request(connection))
                behave(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield liar
        listener.shutdown(socket.SHUT_RDWR)
