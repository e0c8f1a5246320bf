"""Practise on: a real two-region self-service platform on loopback, made of real servers.

Promises: `up` and `down` may be called twice or at once; everything lives under one folder and answers
on 127.0.0.1 only; whatever process dies, the next `up` or `down` leaves nothing behind.
Never imports another room but `workspace`, and no room imports it: they talk to its control socket.
"""

from keelwatch.sandbox.endpoints import Child, Endpoints
from keelwatch.sandbox.lifecycle import Options, down, status, up

__all__ = ["Child", "Endpoints", "Options", "down", "status", "up"]
