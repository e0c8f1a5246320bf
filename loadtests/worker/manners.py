"""What every process of a load keeps to, whatever a locustfile says: no host but the environment's, and every
request says that it is load. Locust itself has no guard of hosts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import gevent.socket
from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers

from loadtests.plan import Plan

TRAFFIC, LOAD = "Keelwatch-Traffic", "load"
IP = {socket.AF_INET, socket.AF_INET6}


def install(plan: Plan, refused: Callable[[str], None]) -> None:
    """For this process and those it forks. `refused` is told of each connection that was not made."""
    _guard_connections(_addresses(plan), refused)
    _mark_requests()


def _addresses(plan: Plan) -> frozenset[tuple[str, int]]:
    """What the hosts resolve to now: a name that leads elsewhere later leads nowhere."""
    found = set()
    for _, host, port in plan.hosts:
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            found.add((str(address[0]), int(address[1])))
    return frozenset(found)


def _guard_connections(allowed: frozenset[tuple[str, int]], refused: Callable[[str], None]) -> None:
    kind = gevent.socket.socket

    def guarded(name: str) -> None:
        connect = getattr(kind, name)

        def checked(self: Any, address: Any) -> Any:
            if self.family in IP and (str(address[0]), int(address[1])) not in allowed:
                words = f"{address[0]}:{address[1]} is not a host of this environment"
                refused(words)
                raise ConnectionRefusedError(words)
            return connect(self, address)

        setattr(kind, name, checked)

    guarded("connect")
    guarded("connect_ex")


def _mark_requests() -> None:
    """Where a request is written down for its connection, after all that a locustfile can say of it: a header
    of its own there does not count. All connections lead to the environment's hosts."""
    _mark_fast()
    _mark_plain()


def _mark_fast() -> None:
    """Of `FastHttpUser`."""
    plain = HTTPClient.request

    def marked(self: Any, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> Any:
        told = Headers()
        told.update(headers or {})
        told[TRAFFIC] = LOAD
        return plain(self, method, request_uri, body, told)

    HTTPClient.request = marked  # type: ignore[method-assign, assignment]  # Locust has no hook for all requests


def _mark_plain() -> None:
    """Of `HttpUser`, of `requests`, and of whatever else uses Python's own client."""
    put, end = HTTPConnection.putheader, HTTPConnection.endheaders

    def kept(self: Any, header: str | bytes, *values: Any) -> None:
        name = header.decode("latin-1") if isinstance(header, bytes) else header
        if name.lower() != TRAFFIC.lower():
            put(self, header, *values)

    def ended(self: Any, *args: Any, **kwargs: Any) -> None:
        put(self, TRAFFIC, LOAD)
        end(self, *args, **kwargs)

    HTTPConnection.putheader = kept  # type: ignore[method-assign]
    HTTPConnection.endheaders = ended  # type: ignore[method-assign]
