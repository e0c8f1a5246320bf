"""Redis as the portal uses it: the region's server for reading, the primary for writing."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

PRIMARY = "west"


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

    async def drop(self, key: str) -> None:
        """Remove from the primary. Raises `ComponentFailure`."""
        await self._strikes.at("cache", PRIMARY)
        try:
            await self._servers[PRIMARY].delete(key)
        except (RedisError, OSError, TimeoutError):
            raise ComponentFailure("cache") from None

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
