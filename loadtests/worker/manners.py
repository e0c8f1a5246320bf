"""What every process of a load keeps to, whatever a locustfile says: no host but the environment's, and every
request says that it is load. Locust itself has no guard of hosts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent.socket
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

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
    fast, plain = FastHttpSession.request, HttpSession.__init__

    def marked(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        kwargs["headers"] = {TRAFFIC: LOAD, **(kwargs.get("headers") or {})}
        return fast(self, method, url, *args, **kwargs)

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        self.headers[TRAFFIC] = LOAD

    FastHttpSession.request = marked  # type: ignore[method-assign]  # Locust has no hook for all requests
    HttpSession.__init__ = made  # type: ignore[method-assign]
