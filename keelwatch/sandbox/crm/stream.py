"""The stream between relay and consumers, and what an event looks like on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from keelwatch.sandbox.layout import Layout

STREAM = "events"
GROUP = "crm"
LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """`seq` rises with every change of an account; `made_at` is a Unix time (s); `plan` may be empty."""

    id: str
    seq: int
    kind: str
    account: str
    plan: str
    made_at: float

    def fields(self) -> dict[str, str | int | float]:
        return {
            "id": self.id,
            "seq": self.seq,
            "kind": self.kind,
            "account": self.account,
            "plan": self.plan,
            "made_at": self.made_at,
        }


def event_of(fields: Mapping[bytes, bytes]) -> Event:
    """Raises `KeyError` or `ValueError` for what is no event."""
    text = {name.decode(): value.decode() for name, value in fields.items()}
    return Event(
        text["id"], int(text["seq"]), text["kind"], text["account"], text["plan"], float(text["made_at"])
    )


def redis_of(layout: Layout) -> Redis:
    """The primary. Reading waits longer than a block of the consumer."""
    return Redis(
        host="127.0.0.1",
        port=layout.ports["west-redis"],
        password=layout.passwords.redis,
        protocol=2,
        socket_timeout=10.0,
        socket_connect_timeout=1.0,
    )
