"""Practise on: a real two-region self-service platform on loopback, made of real servers.

Promises: `up` and `down` may be called twice or at once; everything lives under one folder and answers
on 127.0.0.1 only; whatever process dies, the next `up` or `down` leaves nothing behind.
Never imports another room but `workspace`, and no room imports it: they talk to its control socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelwatch.sandbox.endpoints import Child, Endpoints
    from keelwatch.sandbox.lifecycle import Options, down, status, up

__all__ = ["Child", "Endpoints", "Options", "down", "status", "up"]


def __getattr__(name: str) -> object:
    """Loaded when asked for: each of the sandbox's own processes comes through this door, and few need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keelwatch.sandbox import endpoints, lifecycle

    return getattr(endpoints if name in {"Child", "Endpoints"} else lifecycle, name)
