"""A TCP connection to the first address of a name that answers, tried as browsers do (RFC 8305)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from probes.record import Cause
from probes.wire.kernel import handshake_s, stamp_arrivals
from probes.wire.request import Broken
from probes.wire.resolver import Address

STAGGER_S = 0.25  # a silent address gets so much of a lead over the next; one that refuses gets none


@dataclass(frozen=True, slots=True)
class Connected:
    """A non-blocking socket that stamps what arrives. `at`: when its connection was made (monotonic s), by
    the kernel's measure; None when that is unknown."""

    sock: socket.socket
    at: float | None


type Attempt = asyncio.Task[Connected | str]


async def connected(addresses: Sequence[Address]) -> Connected:
    """Raises `Broken` (tcp) when no address answers; cancelled, it leaves no socket open."""
    if len(addresses) == 1:
        return _won(await _try(addresses[0]))
    waiting, trying = _by_turns(addresses), set[Attempt]()
    refusals: list[str] = []
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_try(waiting.pop(0))))
            lead_s = STAGGER_S if waiting else None
            done, trying = await asyncio.wait(trying, timeout=lead_s, return_when=asyncio.FIRST_COMPLETED)
            results = [task.result() for task in done]
            refusals += [result for result in results if isinstance(result, str)]
            winners = [result for result in results if isinstance(result, Connected)]
            if winners:
                for second in winners[1:]:
                    close(second.sock)
                return winners[0]
    finally:
        for task in trying:
            task.add_done_callback(_forget)
            task.cancel()
    raise Broken(Cause.TCP, "; ".join(refusals))


def close(sock: socket.socket) -> None:
    """Close it so that the loop forgets it too: the number of its file is soon another's."""
    if sock.fileno() >= 0:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        sock.close()


def shown(address: Address) -> str:
    host = f"[{address.to[0]}]" if address.family == socket.AF_INET6 else address.to[0]
    return f"{host}:{address.to[1]}"


def _won(result: Connected | str) -> Connected:
    if isinstance(result, str):
        raise Broken(Cause.TCP, result)
    return result


async def _try(address: Address) -> Connected | str:
    """A connection, or why there is none."""
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError as error:
        return f"{shown(address)}: {error.strerror}"
    try:
        sock.setblocking(False)  # noqa: FBT003 the standard library's own signature
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stamp_arrivals(sock)
        began = time.monotonic()
        await asyncio.get_running_loop().sock_connect(sock, address.to)
    except OSError as error:
        close(sock)
        return _reason(address, error)
    except BaseException:
        close(sock)
        raise
    took_s = handshake_s(sock)
    return Connected(sock, None if took_s is None else began + took_s)


def _forget(task: Attempt) -> None:
    """An attempt that nobody wants any more may have succeeded at that very moment."""
    if not task.cancelled() and task.exception() is None:
        result = task.result()
        if isinstance(result, Connected):
            result.sock.close()


def _by_turns(addresses: Sequence[Address]) -> list[Address]:
    """The families in turns, the host's first choice first."""
    first = [one for one in addresses if one.family == addresses[0].family]
    other = [one for one in addresses if one.family != addresses[0].family]
    turns: list[Address] = []
    for number in range(max(len(first), len(other))):
        turns += first[number : number + 1] + other[number : number + 1]
    return turns


def _reason(address: Address, error: OSError) -> str:
    match error.errno:
        case errno.ECONNREFUSED:
            return f"connection refused by {shown(address)}"
        case errno.ETIMEDOUT:
            return f"no answer from {shown(address)} to the attempt to connect"
        case errno.EHOSTUNREACH | errno.ENETUNREACH:
            return f"no way to {shown(address)}"
        case None:
            return f"cannot connect to {shown(address)}: {error}"
        case number:
            return f"cannot connect to {shown(address)}: {os.strerror(number)}"
