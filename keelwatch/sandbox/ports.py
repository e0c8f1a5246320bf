"""Which loopback port each server of a sandbox has: a block of 200, counted from 17000.

A block is reserved by an abstract unix socket named after it. The supervisor holds it as long as it
lives, so two sandboxes never race for a block (whatever their state folders) and a dead one frees it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keelwatch.workspace import SourceError, UsageError

FIRST_BASE = 17000
BLOCK = 200
BLOCKS = 40
REGIONS = ("west", "east")
WORKERS = (1, 2)
SERVICES = ("postgres", "redis")  # what one region asks of the other

OFFSETS: Mapping[str, int] = {
    "edge": 0,
    "edge-metrics": 1,
    "west-edge": 10,
    "west-1": 11,
    "west-2": 12,
    "west-billing": 13,
    "east-edge": 20,
    "east-1": 21,
    "east-2": 22,
    "east-billing": 23,
    "smtp": 25,
    "mail": 26,
    "crm": 27,
    "west-postgres": 31,
    "east-postgres": 32,
    "west-redis": 41,
    "east-redis": 42,
    "edge-tls": 43,
    # Links between the regions are named FROM-TO-SERVICE.
    "west-east-postgres": 51,
    "west-east-redis": 52,
    "east-west-postgres": 53,
    "east-west-redis": 54,
    "prometheus": 90,
    "probes": 100,
}


def other(region: str) -> str:
    """The region that is not `region`."""
    return REGIONS[1 - REGIONS.index(region)]


LINKS = tuple(f"{region}-{other(region)}-{service}" for region in REGIONS for service in SERVICES)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A block of ports, held until `lock` is closed."""

    base: int
    ports: Mapping[str, int]
    lock: socket.socket


def reserve(base: int | None = None, overrides: Mapping[str, int] | None = None) -> Reservation:
    """The ports of a new sandbox.

    With `base` exactly that block, else the first free one. `overrides` replaces single ports by name.
    Raises `UsageError` for an unknown name and `SourceError` when the ports asked for are taken.
    """
    chosen = dict(overrides or {})
    if unknown := sorted(set(chosen) - set(OFFSETS)):
        raise UsageError(f"no server is called {', '.join(unknown)}", f"ports: {', '.join(OFFSETS)}")
    _refuse_taken(chosen.values(), "choose another port for it")
    if base is not None:
        return _reserve_exactly(base, chosen)
    for number in range(BLOCKS):
        if found := _try_block(FIRST_BASE + number * BLOCK, chosen):
            return found
    last = FIRST_BASE + BLOCKS * BLOCK - 1
    raise SourceError(f"no free block of ports between {FIRST_BASE} and {last}", "keelwatch sandbox down")


def _reserve_exactly(base: int, chosen: Mapping[str, int]) -> Reservation:
    lock = _lock(base)
    if lock is None:
        raise SourceError(f"the ports from {base} belong to another sandbox", "leave out the base port")
    ports = _block(base, chosen)
    try:
        _refuse_taken(ports.values(), "stop what holds it, or leave out the base port")
    except SourceError:
        lock.close()
        raise
    return Reservation(base, ports, lock)


def _try_block(base: int, chosen: Mapping[str, int]) -> Reservation | None:
    lock = _lock(base)
    if lock is None:
        return None
    ports = _block(base, chosen)
    if all(is_free(port) for port in ports.values()):
        return Reservation(base, ports, lock)
    lock.close()
    return None


def _block(base: int, chosen: Mapping[str, int]) -> dict[str, int]:
    return {name: base + offset for name, offset in OFFSETS.items()} | dict(chosen)


def _lock(base: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(f"\0keelwatch-sandbox-ports-{base}")
    except OSError:
        lock.close()
        return None
    return lock


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # As servers do; otherwise connections lingering after `down` would look like a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _refuse_taken(ports: Iterable[int], hint: str) -> None:
    if taken := [port for port in ports if not is_free(port)]:
        raise SourceError(f"port {', '.join(map(str, taken))} on 127.0.0.1 is taken", hint)
