"""The audit trail: who (by pseudonym) did what, and with which outcome.

What changes an account is written in the same transaction as the change. Logins and refusals are written by
a background task once a second, so that a customer can log in while the primary is away; what does not fit
the bounded queue meanwhile is lost and counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.strikes import ComponentFailure

if TYPE_CHECKING:
    import psycopg

FLUSH_SECONDS = 0.5
QUEUE = 2000
INSERT = """
    insert into audit (at, subject, action, outcome, region, trace, key_sha256, before, after)
    values (to_timestamp(%s), %s, %s, %s, %s, %s, %s, %s, %s)
"""
EXPIRE_KEYS = "delete from idempotency where made_at < now() - interval '24 hours'"
FLUSHES_PER_EXPIRY = 7200

Entry = tuple[float, str, str, str, str, str, str | None, str | None, str | None]


class Audit:
    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._queue: deque[Entry] = deque()
        self._arrived = asyncio.Event()

    def note(self, subject: str, action: str, outcome: str, trace: str, *, key: str = "") -> None:
        """Written within about a second. `key` is the Idempotency-Key of what was asked."""
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self._metrics.count_lost_audits(1)
        region = self._metrics.region
        entry = (time.time(), subject, action, outcome, region, trace, hash_of(key), None, None)
        self._queue.append(entry)
        self._arrived.set()

    async def write(
        self,
        connection: psycopg.AsyncConnection,
        subject: str,
        action: str,
        trace: str,
        *,
        key: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """What was done, as part of the transaction of `connection`."""
        region = self._metrics.region
        entry = (time.time(), subject, action, "done", region, trace, hash_of(key), before, after)
        await connection.execute(INSERT, entry)

    async def keep_flushing(self) -> None:
        flushes = 0
        while True:
            await self._arrived.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()
            flushes += 1
            if flushes % FLUSHES_PER_EXPIRY == 0:
                await self._expire_keys()

    async def flush(self) -> None:
        """Write what waits; on failure it goes on waiting."""
        self._arrived.clear()
        entries, self._queue = list(self._queue), deque()
        if not entries:
            return
        try:
            async with self._database.transaction() as connection, connection.cursor() as cursor:
                await cursor.executemany(INSERT, entries)
        except ComponentFailure:
            self._queue.extendleft(reversed(entries))
            self._arrived.set()

    async def _expire_keys(self) -> None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(EXPIRE_KEYS)
        except ComponentFailure:
            return  # the next hour will do


def hash_of(key: str) -> str | None:
    """What the trail holds of an Idempotency-Key: enough to find it, nothing that a client put into it."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest() if key else None
