"""The stream between relay and consumers, and what an event looks like on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.service.cache import cache_at, primaries

STREAM = "events"
GROUP = "crm"
LONGEST = 10_000
ANSWER_S, CONNECT_S = 10.0, 1.0  # longer than a block of the consumer


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
    async with AsyncExitStack() as stack:
        asked = {
            region: await stack.enter_async_context(
                cache_at(layout, region, answer_s=CONNECT_S, connect_s=CONNECT_S)
            )
            for region in REGIONS
        }
        masters = await primaries(asked)
    if not masters:
        raise LostConnection("no Redis is the master")
    async with cache_at(layout, masters[0], answer_s=ANSWER_S, connect_s=CONNECT_S) as primary:
        yield primary
