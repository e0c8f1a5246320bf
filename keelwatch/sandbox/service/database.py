"""PostgreSQL as a service uses it: the region's server for reading, the primary for writing.

The primary is whichever server is writable: the own region's is asked first, then the other one over the
link. It is looked for when a connection is made, so a found one costs nothing. A connection whose server died
or became read-only is dropped with all its idle sisters, and the next transaction looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import LiteralString

import psycopg

from keelwatch.sandbox.hang_up import hung_up_at
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

STATEMENT_SECONDS = 2.5
# The server is gone, hangs, or takes no writes any more: whatever leads there is of no use.
LOST = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction, TimeoutError)
Row = tuple[object, ...]


class Pool:
    """At most `size` connections to one server, made when first needed.

    `port` is that of the newest connection; None when the next one has to find a server first."""

    def __init__(self, conninfo: str, size: int) -> None:
        self.port: int | None = None
        self._conninfo = conninfo
        self._idle: list[psycopg.AsyncConnection] = []
        self._slots = asyncio.Semaphore(size)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection in autocommit mode. Raises `psycopg.Error` or `TimeoutError`."""
        deadline = asyncio.get_running_loop().time() + STATEMENT_SECONDS
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                await stack.enter_async_context(self._slots)
                connection = self._idle.pop() if self._idle else await self._connect()
            stack.push_async_callback(self._give_back, connection)
            async with hung_up_at(connection, deadline):
                yield connection

    async def _give_back(self, connection: psycopg.AsyncConnection) -> None:
        """Hung up on in the middle of an answer it is not idle: never reuse it then."""
        if connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        self.port = connection.info.port
        return connection

    async def forget_idle(self) -> None:
        """After a server died all its connections are dead, not only the one that noticed."""
        self.port = None
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


class Database:
    def __init__(self, layout: Layout, region: str, application: str, strikes: Strikes, size: int) -> None:
        self._region = region
        self._strikes = strikes
        self._readers = Pool(layout.conninfo(region, application), size)
        self._writers = Pool(layout.primary_conninfo(application, region), size)
        self._region_at = {layout.port("postgres", place, region): place for place in REGIONS}

    async def rows(self, query: LiteralString, *values: object) -> Sequence[Row]:
        """Read from the region's server. Tried once more on a fresh connection after a lost one.

        Raises `ComponentFailure`.
        """
        pool = self._readers
        await self._strikes.at("database", self._region)
        try:
            return await _fetch(pool, query, values)
        except psycopg.errors.QueryCanceled:
            raise ComponentFailure("database") from None  # too slow once: no second try
        except psycopg.OperationalError:
            await pool.forget_idle()
        except (psycopg.Error, TimeoutError):
            raise ComponentFailure("database") from None
        try:
            return await _fetch(pool, query, values)
        except (psycopg.Error, TimeoutError):
            raise ComponentFailure("database") from None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A transaction on the primary, committed at the end of the block. Raises `ComponentFailure`."""
        try:
            await self._strike_primary()
            async with AsyncExitStack() as stack:
                yield await self._begin(stack)
        except LOST:
            await self._writers.forget_idle()
            raise ComponentFailure("database") from None
        except psycopg.Error:
            raise ComponentFailure("database") from None

    async def _strike_primary(self) -> None:
        """The faults of the region that has the primary. One that is down may have a successor by now."""
        place = await self._primary()
        if self._strikes.has("database", "down", place):
            await self._writers.forget_idle()
            place = await self._primary()
        await self._strikes.at("database", place)

    async def _primary(self) -> str:
        if self._writers.port is None:
            async with self._writers.connection() as connection:
                return self._region_at[connection.info.port]
        return self._region_at[self._writers.port]

    async def _begin(self, stack: AsyncExitStack) -> psycopg.AsyncConnection:
        """Tried once more on a fresh connection: an idle one may have been lost, and nothing is done yet."""
        try:
            async with AsyncExitStack() as first:
                connection = await _enter(first, self._writers)
                stack.push_async_exit(first.pop_all())
                return connection
        except psycopg.OperationalError:
            await self._writers.forget_idle()
        return await _enter(stack, self._writers)

    async def close(self) -> None:
        await self._readers.forget_idle()
        await self._writers.forget_idle()


async def _enter(stack: AsyncExitStack, pool: Pool) -> psycopg.AsyncConnection:
    connection = await stack.enter_async_context(pool.connection())
    await stack.enter_async_context(connection.transaction())
    return connection


async def _fetch(pool: Pool, query: LiteralString, values: Sequence[object]) -> Sequence[Row]:
    async with pool.connection() as connection:
        cursor = await connection.execute(query, values)
        return await cursor.fetchall()
