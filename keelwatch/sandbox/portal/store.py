"""Redis as the portal uses it: the region's server for reading, the primary for writing.

The primary is whichever server says that it is the master; the own region's is asked first, the other one
over the link. The answer is kept until a write finds it wrong: then both are asked again, and the write gets
one immediate second try.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as TooSlow

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

REPLICATED_WITHIN_MS = 200
LOST = (LostConnection, TooSlow, OSError, TimeoutError)
NO_PRIMARY = (ReadOnlyError, *LOST)
FAILED = (RedisError, OSError, TimeoutError)


class Store:
    def __init__(self, layout: Layout, region: str, strikes: Strikes) -> None:
        self._region = region
        self._strikes = strikes
        places = sorted(REGIONS, key=lambda place: place != region)
        self._servers = {place: _client(layout, place, region) for place in places}
        self._primary: str | None = None

    async def get(self, key: str) -> bytes | None:
        """What the region's server holds under `key`. Raises `ComponentFailure`."""
        await self._strikes.at("cache", self._region)
        server = self._servers[self._region]
        try:
            return await _get(server, key)
        except LOST:
            pass  # a restarted server has forgotten the connection: once more
        except FAILED:
            raise ComponentFailure("cache") from None
        return await _get_or_fail(server, key)

    async def get_surely(self, key: str) -> bytes | None:
        """Like `get`; asks the primary too when the region's server has nothing or fails.

        For what was just written elsewhere: the replica may be a moment behind.
        """
        if self._primary != self._region:
            with contextlib.suppress(ComponentFailure):
                if (found := await self.get(key)) is not None:
                    return found
        return await self.get_newest(key)

    async def get_newest(self, key: str) -> bytes | None:
        """What the primary holds: for what changes at every step. Raises `ComponentFailure`."""
        return await self._on_primary(lambda server: _get(server, key))

    async def put(self, key: str, value: str, *, seconds: int) -> None:
        """Store on the primary, replacing what was there. Raises `ComponentFailure`."""
        await self._on_primary(lambda server: server.set(key, value, ex=seconds))

    async def offer(self, key: str, value: str, *, seconds: int) -> None:
        """Store on the primary unless something newer is there already. Raises `ComponentFailure`."""
        await self._on_primary(lambda server: server.set(key, value, ex=seconds, nx=True))

    async def claim(self, key: str, *, seconds: int) -> bool:
        """Whether nobody had `key` yet: true once in `seconds`, in all regions and workers together.

        Raises `ComponentFailure`.
        """
        return bool(await self._on_primary(lambda server: server.set(key, "1", ex=seconds, nx=True)))

    async def drop(self, *keys: str) -> None:
        """Remove from every server; the replica is waited for. Raises `ComponentFailure`."""

        async def remove(server: Redis) -> None:
            async with server.pipeline(transaction=False) as pipe:
                pipe.delete(*keys)
                pipe.wait(1, REPLICATED_WITHIN_MS)
                await pipe.execute()

        await self._on_primary(remove)

    async def run(self, script: str, keys: Sequence[str], values: Sequence[str | int]) -> object:
        """Run a Lua script on the primary, in one piece. Raises `ComponentFailure`."""
        return await self._on_primary(lambda server: server.eval(script, len(keys), *keys, *values))

    async def replicated(self) -> None:
        """Returns when the replica has what was written before, or cannot be waited for."""
        if self._primary is not None:
            with contextlib.suppress(*FAILED):
                await self._servers[self._primary].wait(1, REPLICATED_WITHIN_MS)

    async def _on_primary[T](self, do: Callable[[Redis], Awaitable[T]]) -> T:
        place = self._primary or await self._find()
        if self._strikes.has("cache", "down", place):  # it may have a successor by now
            place = await self._find()
        await self._strikes.at("cache", place)
        try:
            return await do(self._servers[place])
        except NO_PRIMARY:
            place = await self._find()
        except FAILED:
            raise ComponentFailure("cache") from None
        try:
            return await do(self._servers[place])
        except FAILED:
            raise ComponentFailure("cache") from None

    async def _find(self) -> str:
        """The region whose server is the master. Raises `ComponentFailure` when none says so."""
        self._primary = None
        for place, server in self._servers.items():
            with contextlib.suppress(*FAILED):
                role = await server.role()
                if role[0] == b"master":
                    self._primary = place
                    return place
        raise ComponentFailure("cache")

    async def close(self) -> None:
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))


async def _get(server: Redis, key: str) -> bytes | None:
    found = await server.get(key)
    return found if isinstance(found, bytes) else None


async def _get_or_fail(server: Redis, key: str) -> bytes | None:
    try:
        return await _get(server, key)
    except FAILED:
        raise ComponentFailure("cache") from None


def _client(layout: Layout, place: str, region: str) -> Redis:
    """How a worker of `region` reaches the server of `place`. Second tries are the store's own business."""
    return Redis(
        host="127.0.0.1",
        port=layout.port("redis", place, region),
        password=layout.passwords.redis,
        protocol=2,
        socket_timeout=0.5,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 0),
        max_connections=50,
    )
