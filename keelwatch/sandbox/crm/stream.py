"""The stream between relay and consumers, and what an event looks like on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS

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


@asynccontextmanager
async def primary_of(layout: Layout) -> AsyncIterator[Redis]:
    """The Redis that is the master now; to be asked for again after each failure. Raises `RedisError`."""
    for region in REGIONS:
        async with _client(layout, region) as redis:
            if await _is_master(redis):
                yield redis
                return
    raise LostConnection("no Redis is the master")


async def _is_master(redis: Redis) -> bool:
    try:
        return bool((await redis.role())[0] == b"master")
    except (RedisError, OSError, TimeoutError):
        return False


def _client(layout: Layout, region: str) -> Redis:
    """Reading waits longer than a block of the consumer."""
    return Redis(
        host="127.0.0.1",
        port=layout.port("redis", region),
        password=layout.passwords.redis,
        protocol=2,
        socket_timeout=10.0,
        socket_connect_timeout=1.0,
    )
