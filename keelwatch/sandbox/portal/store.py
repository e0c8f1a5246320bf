"""Redis as the portal uses it: the region's server for reading, the primary for writing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

PRIMARY = "west"
REPLICATED_WITHIN_MS = 200


class Store:
    def __init__(self, layout: Layout, region: str, strikes: Strikes) -> None:
        self._region = region
        self._strikes = strikes
        self._servers = {place: _client(layout, place) for place in {region, PRIMARY}}

    async def get(self, key: str) -> bytes | None:
        """What the region's server holds under `key`. Raises `ComponentFailure`."""
        return await self._get(self._region, key)

    async def get_surely(self, key: str) -> bytes | None:
        """Like `get`; asks the primary too when the region's server has nothing or fails.

        For what was just written elsewhere: the replica may be a moment behind.
        """
        try:
            found = await self._get(self._region, key)
        except ComponentFailure:
            if self._region == PRIMARY:
                raise
            found = None
        if found is not None or self._region == PRIMARY:
            return found
        return await self._get(PRIMARY, key)

    async def get_newest(self, key: str) -> bytes | None:
        """What the primary holds: for what changes at every step. Raises `ComponentFailure`."""
        return await self._get(PRIMARY, key)

    async def _get(self, place: str, key: str) -> bytes | None:
        await self._strikes.at("cache", place)
        try:
            found = await self._servers[place].get(key)
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, value: str, *, seconds: int) -> None:
        """Store on the primary, replacing what was there. Raises `ComponentFailure`."""
        await self._strikes.at("cache", PRIMARY)
        try:
            await self._servers[PRIMARY].set(key, value, ex=seconds)
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

    async def offer(self, key: str, value: str, *, seconds: int) -> None:
        """Store on the primary unless something newer is there already. Raises `ComponentFailure`."""
        await self._strikes.at("cache", PRIMARY)
        try:
            await self._servers[PRIMARY].set(key, value, ex=seconds, nx=True)
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

    async def claim(self, key: str, *, seconds: int) -> bool:
        """Whether nobody had `key` yet: true once in `seconds`, in all regions and workers together.

        Raises `ComponentFailure`.
        """
        await self._strikes.at("cache", PRIMARY)
        try:
            return bool(await self._servers[PRIMARY].set(key, "1", ex=seconds, nx=True))
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

    async def drop(self, *keys: str) -> None:
        """Remove from every server; the replica is waited for. Raises `ComponentFailure`."""
        await self._strikes.at("cache", PRIMARY)
        try:
            async with self._servers[PRIMARY].pipeline(transaction=False) as pipe:
                pipe.delete(*keys)
                pipe.wait(1, REPLICATED_WITHIN_MS)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

    async def run(self, script: str, keys: Sequence[str], values: Sequence[str | int]) -> object:
        """Run a Lua script on the primary, in one piece. Raises `ComponentFailure`."""
        await self._strikes.at("cache", PRIMARY)
        try:
            return await self._servers[PRIMARY].eval(script, len(keys), *keys, *values)
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

    async def replicated(self) -> None:
        """Returns when the replica has what was written before, or cannot be waited for."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._servers[PRIMARY].wait(1, REPLICATED_WITHIN_MS)

    async def close(self) -> None:
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))


def _client(layout: Layout, place: str) -> Redis:
    """One immediate second try: enough for a connection that a restarted server has forgotten."""
    return Redis(
        host="127.0.0.1",
        port=layout.ports[f"{place}-redis"],
        password=layout.passwords.redis,
        protocol=2,
        socket_timeout=0.5,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 1),
        max_connections=50,
    )
