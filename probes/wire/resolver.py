"""Names as the host resolves them, in threads of our own, so that a name that hangs holds up nobody else.

asyncio's own executor has six threads on a small machine: six hung names, and no healthy one resolves.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from probes.record import Cause
from probes.wire.request import Broken

MOST_THREADS = 64

type SocketAddress = tuple[str, int] | tuple[str, int, int, int]
type Lookup = Callable[[str], Sequence[Address]]


@dataclass(frozen=True, slots=True)
class Address:
    family: int
    to: SocketAddress


@dataclass(frozen=True, slots=True)
class Resolved:
    """`at`: when the host had answered (monotonic s); our loop may hear of it later."""

    addresses: tuple[Address, ...]
    at: float


type Outcome = Resolved | Broken


@dataclass(slots=True, eq=False)
class _Running:
    """One lookup in its thread, and everybody who waits for it, each in a loop of its own."""

    waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[Outcome]]] = field(default_factory=list)


def host_lookup(name: str) -> Sequence[Address]:
    """What the C library says, with `/etc/hosts` and all; raises `socket.gaierror`."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [Address(family, address) for family, _, _, _, address in found]  # type: ignore[arg-type]


class Resolver:
    """One for the process. A lookup is a daemon thread, `most` at once; who asks for a name that is being
    looked up already waits with the first. Nothing is kept: every answer is the host's of this moment."""

    def __init__(self, lookup: Lookup = host_lookup, most: int = MOST_THREADS) -> None:
        self._lookup = lookup
        self._most = most
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    async def resolve(self, name: str, port: int) -> Resolved:
        """All addresses of `name`, at least one. Raises `Broken` (dns)."""
        literal = _literal(name)
        if literal is not None:
            return Resolved((_with_port(literal, port),), time.monotonic())
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Outcome] = loop.create_future()
        with self._lock:
            self._join(name).waiting.append((loop, mine))
        match await mine:
            case Broken() as broken:
                raise Broken(broken.cause, broken.reason)
            case Resolved(addresses, at):
                return Resolved(tuple(_with_port(address, port) for address in addresses), at)

    def _join(self, name: str) -> _Running:
        running = self._running.get(name)
        if running is None:
            if len(self._running) >= self._most:
                raise Broken(Cause.DNS, f"{name} not looked up: {self._most} other names hang already")
            running = self._running[name] = _Running()
            threading.Thread(target=self._work, args=(name,), name=f"resolve {name}", daemon=True).start()
        return running

    def _work(self, name: str) -> None:
        outcome = self._ask(name)
        with self._lock:
            waiting = self._running.pop(name).waiting
        for loop, future in waiting:
            with suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_answer, future, outcome)

    def _ask(self, name: str) -> Outcome:
        try:
            found = self._lookup(name)
        except socket.gaierror as error:
            return Broken(Cause.DNS, _reason(name, error))
        except (OSError, ValueError) as error:  # a label too long is a UnicodeError
            return Broken(Cause.DNS, f"{name} cannot be looked up: {error}")
        if not found:
            return Broken(Cause.DNS, f"{name} has no address")
        return Resolved(tuple(dict.fromkeys(found)), time.monotonic())


def _answer(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _literal(name: str) -> Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    if address.version == 4:
        return Address(socket.AF_INET, (name, 0))
    plain, _, scope = name.partition("%")
    return Address(socket.AF_INET6, (plain, 0, 0, _scope(scope)))


def _scope(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return socket.if_nametoindex(name) if name else 0
    except OSError:
        return 0


def _with_port(address: Address, port: int) -> Address:
    return Address(address.family, (address.to[0], port, *address.to[2:]))


def _reason(name: str, error: socket.gaierror) -> str:
    match error.errno:
        case socket.EAI_AGAIN:
            return f"no name server answered for {name}"
        case socket.EAI_NONAME:
            return f"no such name: {name}"
        case _:
            return f"{name} does not resolve: {error.strerror}"
