"""Brings what stands in the outbox onto the stream, in order, as soon as PostgreSQL tells of it.

An event is marked as sent after it is on the stream, so a crash in between repeats it and loses none. Redis
keeps nothing on disk: when the stream is gone, what was sent in the last hour is sent again; and so it is
when another server has become the primary.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import psycopg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from keelwatch.sandbox.crm.metering import Meters
from keelwatch.sandbox.crm.stream import LONGEST, STREAM, Event, primary_of
from keelwatch.sandbox.layout import Layout

if TYPE_CHECKING:
    from redis.typing import EncodableT, FieldT

BATCH = 200
LOOK_SECONDS = 5.0  # PostgreSQL tells of each change; this is for what was told while nobody listened
PAUSE_SECONDS = 0.5
UNSENT = """
    select id, seq, kind, account_id, coalesce(plan, ''), extract(epoch from made_at)::float8
    from outbox where sent_at is null order by seq limit %s for update
"""
SENT = "update outbox set sent_at = now() where seq = any(%s)"
PENDING = "select count(*) from outbox where sent_at is null"
AGAIN = "update outbox set sent_at = null where sent_at is not null"
TIDY = "delete from outbox where sent_at < now() - interval '1 hour'"


class Relay:
    def __init__(self, layout: Layout, meters: Meters) -> None:
        self._layout = layout
        self._conninfo = layout.primary_conninfo("relay")
        self._meters = meters
        self._servers: tuple[object, ...] | None = None

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with (
                    primary_of(self._layout) as redis,
                    await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection,
                ):
                    await connection.execute("listen outbox")
                    await self._send_again_after_failover(redis, connection)
                    await self._relay(redis, connection)
            except (psycopg.Error, RedisError, OSError, TimeoutError):
                await asyncio.sleep(PAUSE_SECONDS)

    async def _send_again_after_failover(self, redis: Redis, connection: psycopg.AsyncConnection) -> None:
        """What a server's successor never got may be gone from the stream, or from the CRM."""
        servers = (redis.connection_pool.connection_kwargs["port"], connection.info.port)
        if self._servers not in {None, servers}:
            await connection.execute(AGAIN)
        self._servers = servers

    async def _relay(self, redis: Redis, connection: psycopg.AsyncConnection) -> None:
        while True:
            if not await redis.exists(STREAM):
                await connection.execute(AGAIN)
            while await self._send(redis, connection) == BATCH:
                pass
            row = await (await connection.execute(PENDING)).fetchone()
            self._meters.pending.set(row[0] if row else 0)
            await connection.execute(TIDY)
            async for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                pass

    async def _send(self, redis: Redis, connection: psycopg.AsyncConnection) -> int:
        async with connection.transaction():
            rows = await (await connection.execute(UNSENT, (BATCH,))).fetchall()
            self._meters.pending.set(len(rows))
            for row in rows:
                await _put(redis, Event(*row))
            await connection.execute(SENT, ([row[1] for row in rows],))
        return len(rows)


async def _put(redis: Redis, event: Event) -> None:
    # The client wants a dictionary of every type that it could send.
    fields = cast("dict[FieldT, EncodableT]", event.fields())
    await redis.xadd(STREAM, fields, maxlen=LONGEST, approximate=True)
