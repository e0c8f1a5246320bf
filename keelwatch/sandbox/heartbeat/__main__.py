"""`python -m keelwatch.sandbox.heartbeat FOLDER`, started by the supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import psycopg

from keelwatch.sandbox.hang_up import hung_up_at
from keelwatch.sandbox.heartbeat.record import Record
from keelwatch.sandbox.layout import Layout, load
from keelwatch.sandbox.ports import REGIONS

EVERY_SECONDS = 0.1
ATTEMPT_SECONDS = 1.0
KEPT_ROWS = 100_000
TIDY_EVERY = 6000
INSERT = "insert into heartbeat (n, at) values (%s, clock_timestamp())"
TIDY = "delete from heartbeat where n < %s"
HIGHEST = "select coalesce(max(n), 0) from heartbeat"
LSN = "select pg_current_wal_insert_lsn()::text"


class Heart:
    def __init__(self, layout: Layout) -> None:
        self._conninfo = layout.primary_conninfo("heartbeat")
        self._region_at = {layout.port("postgres", region): region for region in REGIONS}
        self._record = Record(layout.heartbeat_file)
        self._n = self._record.last
        self._connection: psycopg.AsyncConnection | None = None

    async def beat(self) -> None:
        """Until cancelled: attempts follow the clock, one at a time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                await self._attempt()
                due = max(due + EVERY_SECONDS, loop.time())
                await asyncio.sleep(due - loop.time())
        finally:
            self._record.close()

    async def _attempt(self) -> None:
        self._n += 1
        try:
            region, lsn = await self._write(asyncio.get_running_loop().time() + ATTEMPT_SECONDS)
        except (psycopg.Error, OSError, TimeoutError) as error:
            self._record.write(n=self._n, at=round(time.time(), 4), failed=type(error).__name__)
            await self._hang_up()
        else:
            self._record.write(n=self._n, at=round(time.time(), 4), region=region, lsn=lsn)

    async def _write(self, deadline: float) -> tuple[str, str]:
        if self._connection is None:
            async with asyncio.timeout_at(deadline):
                self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
            async with hung_up_at(self._connection, deadline):
                await self._skip_known(self._connection)
        async with hung_up_at(self._connection, deadline):
            return await self._insert(self._connection)

    async def _skip_known(self, connection: psycopg.AsyncConnection) -> None:
        """A number that is in the table already (its acknowledgement was lost) is not used again."""
        row = await (await connection.execute(HIGHEST)).fetchone()
        self._n = max(self._n, int(row[0]) + 1 if row else 0)

    async def _insert(self, connection: psycopg.AsyncConnection) -> tuple[str, str]:
        await connection.execute(INSERT, (self._n,))
        row = await (await connection.execute(LSN)).fetchone()
        assert row is not None
        if self._n % TIDY_EVERY == 0:
            await connection.execute(TIDY, (self._n - KEPT_ROWS,))
        return self._region_at[connection.info.port], str(row[0])

    async def _hang_up(self) -> None:
        gone, self._connection = self._connection, None
        if gone is not None:
            await gone.close()


async def run(folder: Path) -> None:
    beating = asyncio.create_task(Heart(load(folder)).beat())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, beating.cancel)
    await asyncio.wait({beating})


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
