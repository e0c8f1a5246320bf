"""The CRM: reads the stream in a consumer group and keeps a table of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from keelwatch.sandbox.crm.metering import Meters
from keelwatch.sandbox.crm.stream import GROUP, STREAM, Event, event_of, primary_of
from keelwatch.sandbox.layout import Layout

CONSUMER = "crm-1"
BATCH = 100
BLOCK_MS = 5000
PAUSE_SECONDS = 0.5
# The condition makes it idempotent: an event of the past, or one seen before, changes nothing.
APPLY = """
    insert into crm_accounts as c (account_id, plan, state, event_id, seq, made_at)
    values (%s, %s, %s, %s, %s, to_timestamp(%s))
    on conflict (account_id) do update set
        plan = excluded.plan, state = excluded.state, event_id = excluded.event_id, seq = excluded.seq,
        made_at = excluded.made_at, seen_at = clock_timestamp()
    where c.seq < excluded.seq
"""


class Consumer:
    def __init__(self, layout: Layout, meters: Meters) -> None:
        self._layout = layout
        self._conninfo = layout.primary_conninfo("crm")
        self._meters = meters

    async def work(self) -> None:
        """Until cancelled. What was read but not applied before a crash comes first."""
        while True:
            try:
                async with (
                    primary_of(self._layout) as redis,
                    await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection,
                ):
                    await _join(redis)
                    await self._consume(redis, connection, "0")
                    while True:
                        await self._consume(redis, connection, ">")
            except (psycopg.Error, RedisError, OSError, TimeoutError):
                await asyncio.sleep(PAUSE_SECONDS)

    async def _consume(self, redis: Redis, connection: psycopg.AsyncConnection, after: str) -> None:
        """Apply and acknowledge the next events: `0` those read before, `>` new ones."""
        found: Any = await redis.xreadgroup(GROUP, CONSUMER, {STREAM: after}, count=BATCH, block=BLOCK_MS)
        for _, entries in found or ():
            for entry, fields in entries:
                if fields:
                    await self._apply(connection, event_of(fields))
                await redis.xack(STREAM, GROUP, entry)

    async def _apply(self, connection: psycopg.AsyncConnection, event: Event) -> None:
        state = "closed" if event.kind == "account.closed" else "active"
        values = (event.account, event.plan or None, state, event.id, event.seq, event.made_at)
        done = await connection.execute(APPLY, values)
        if done.rowcount:
            self._meters.lag.observe(max(0.0, time.time() - event.made_at))


async def _join(redis: Redis) -> None:
    with contextlib.suppress(ResponseError):  # the group is there already
        await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
