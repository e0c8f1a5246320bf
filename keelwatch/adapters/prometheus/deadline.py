"""HTTP connections that a slow server cannot hold for ever.

The time limits of `requests` count from one received byte to the next: a server that drips one byte
per second is never late. Here every read, of headers and body alike, gets what is left of one deadline.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from http.client import HTTPResponse
from typing import IO, TYPE_CHECKING, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Limit(threading.local):
    at = float("inf")
    one_read_s = 60.0


_limit = _Limit()


def begin(seconds: float, one_read_s: float) -> None:
    """From now on this thread's reads end `seconds` from now, and none of them waits longer than
    `one_read_s`; a read past that is a `TimeoutError`."""
    _limit.at = time.monotonic() + seconds
    _limit.one_read_s = one_read_s


def check() -> None:
    if time.monotonic() >= _limit.at:
        raise TimeoutError


class _TimedSocketFile(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)  # keeps the socket open for as long as we read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = _limit.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(min(left, _limit.one_read_s))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _TimedSocket:
    """The one method of a socket that `http.client.HTTPResponse` uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> IO[bytes]:
        return io.BufferedReader(_TimedSocketFile(self._sock))


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(cast("socket.socket", _TimedSocket(sock)), debuglevel, method)


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter of `requests` whose connections obey `begin`; it never retries."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        super().init_poolmanager(*arguments, **options)  # type: ignore[arg-type]  # passed on as they came
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
