"""PostgreSQL as a service uses it: the region's server for reading, the primary for writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

PRIMARY = "west"
STATEMENT_SECONDS = 2.5
Row = tuple[object, ...]


class Pool:
    """At most `size` connections to one server, made when first needed."""

    def __init__(self, conninfo: str, size: int) -> None:
        self._conninfo = conninfo
        self._idle: list[psycopg.AsyncConnection] = []
        self._slots = asyncio.Semaphore(size)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection in autocommit mode. Raises `psycopg.Error` or `TimeoutError`."""
        async with asyncio.timeout(STATEMENT_SECONDS), self._slots:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            finally:
                # After a timeout in the middle of an answer it is not idle: never reuse it then.
                if connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:
                    await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)

    async def forget_idle(self) -> None:
        """After a server died all its connections are dead, not only the one that noticed."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


class Database:
    def __init__(self, layout: Layout, region: str, application: str, strikes: Strikes, size: int) -> None:
        self._region = region
        self._strikes = strikes
        self._pools = {place: Pool(layout.conninfo(place, application), size) for place in {region, PRIMARY}}

    async def rows(self, query: LiteralString, *values: object) -> Sequence[Row]:
        """Read from the region's server. Tried once more on a fresh connection after a lost one.

        Raises `ComponentFailure`.
        """
        pool = self._pools[self._region]
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
        pool = self._pools[PRIMARY]
        await self._strikes.at("database", PRIMARY)
        try:
            async with pool.connection() as connection, connection.transaction():
                yield connection
        except psycopg.OperationalError:
            await pool.forget_idle()
            raise ComponentFailure("database") from None
        except (psycopg.Error, TimeoutError):
            raise ComponentFailure("database") from None

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.forget_idle()


async def _fetch(pool: Pool, query: LiteralString, values: Sequence[object]) -> Sequence[Row]:
    async with pool.connection() as connection:
        cursor = await connection.execute(query, values)
        return await cursor.fetchall()
