"""A limit on what a PostgreSQL connection may take: whoever exceeds it is hung up on.

Not by cancelling: psycopg then asks the server to stop, and waits up to ten seconds for its yes. Behind a
link that swallows everything nobody says yes.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg


@asynccontextmanager
async def hung_up_at(connection: psycopg.AsyncConnection, deadline: float) -> AsyncIterator[None]:
    """At `deadline` (the loop's time) the connection is lost, and the block fails with `TimeoutError`."""
    import psycopg

    is_late = False

    def hang_up() -> None:
        nonlocal is_late
        is_late = True
        if connection.closed:
            return
        with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_at(deadline, hang_up)
    try:
        yield
    except psycopg.OperationalError:
        if is_late:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
