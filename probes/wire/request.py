"""What is asked of the wire, and how it says that it could not."""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.workspace.errors import Refused
from probes.record import Cause, Hop

AGENT = ("User-Agent", "keelwatch-probe")

type Host = tuple[str, str, int]  # scheme, host, port


@dataclass(frozen=True, slots=True)
class WireRequest:
    """`url` is absolute; `headers` go out in this order."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request without its answer: the phase it is in, or was in when it was cut off; its `hop` so far
    (status 0), and the redirects `earlier` on the way to it."""

    phase: str
    hop: Hop
    earlier: tuple[Hop, ...] = ()


class WireFailure(Exception):
    """No answer, or none that may be used. `hop` is the one that failed, `earlier` the redirects to it."""

    def __init__(self, cause: Cause, reason: str, hop: Hop, earlier: tuple[Hop, ...] = ()) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
        self.hop = hop
        self.earlier = earlier


class NotOurs(Refused):
    """The request leads out of the environment. Nothing was sent."""


class Broken(Exception):
    """Inside the wire: what broke, before there is a hop to tell of it."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
