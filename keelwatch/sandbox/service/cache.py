"""Redis as services reach it, and which of its servers is the primary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, cast

from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError

from keelwatch.sandbox.layout import Layout

FAILED = (RedisError, OSError, TimeoutError)


class Line(Connection):
    """CPython's `writelines` on a transport whose other end hung up a moment ago is an `AttributeError`
    (3.12.1: it asks the event loop that the transport has let go of). Here it is a lost connection."""

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*args, **options)
        except AttributeError as error:
            raise LostConnection("the other end hung up") from error


def cache_at(
    layout: Layout, place: str, start: str | None = None, *, answer_s: float, connect_s: float
) -> Redis:
    """The server of `place` as it is reached from the region `start` (None: from no region). Each answer is
    awaited `answer_s`; second tries are the caller's business."""
    pool = ConnectionPool(
        connection_class=Line,
        host="127.0.0.1",
        port=layout.port("redis", place, start),
        password=layout.passwords.redis,
        protocol=2,
        socket_timeout=answer_s,
        socket_connect_timeout=connect_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=50,
    )
    return Redis.from_pool(pool)


async def primaries(servers: Mapping[str, Redis]) -> tuple[str, ...]:
    """The places whose server says that it is the master, as far as they answer; first the one that everybody
    is to take for the primary, whatever the order in which they ask."""
    told = await asyncio.gather(*(_told(server) for server in servers.values()))
    return ranked(dict(zip(servers, told, strict=True)))


def ranked(told: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """As `primaries`, of what `INFO replication` of each place told. Pure.

    A promoted server keeps the name of the history that it went on from (`master_replid2`). Who has another's
    history behind it is the other's successor. Next comes who has any behind it: a restarted server begins
    with none, for it keeps no data. Of equals the one that has written more.
    """
    masters = {place: one for place, one in told.items() if one.get("role") == "master"}
    left_behind = {one.get("master_replid2") for one in masters.values()}

    def rank(place: str) -> tuple[bool, bool, int, str]:
        one = masters[place]
        is_promoted = bool(str(one.get("master_replid2", "")).strip("0"))
        written = int(str(one.get("master_repl_offset", 0)))
        return one.get("master_replid") in left_behind, not is_promoted, -written, place

    return tuple(sorted(masters, key=rank))


async def _told(server: Redis) -> Mapping[str, object]:
    """What the server says of its replication; nothing when it does not answer."""
    try:
        return await cast("Awaitable[dict[str, object]]", server.info("replication"))
    except FAILED:
        return {}
