"""Redis as the portal uses it: the region's server for reading, the primary for writing.

The primary is whichever server says that it is the master, and of two the one that `primaries` names first:
between a promotion and the rejoining of the old primary both say it, and the workers must agree, or a login
begun at one is unknown to the next. The servers are asked every second, and at once when a write fails or
nothing is found; the write then gets one immediate second try.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as TooSlow

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.service.cache import FAILED, cache_at, primaries
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

ANSWER_S, CONNECT_S = 0.5, 0.3
ASK_EVERY_S = 1.0
REPLICATED_WITHIN_MS = 200
LOST = (LostConnection, TooSlow, OSError, TimeoutError)
NO_PRIMARY = (ReadOnlyError, *LOST)


class Store:
    def __init__(self, layout: Layout, region: str, strikes: Strikes) -> None:
        self._region = region
        self._strikes = strikes
        places = sorted(REGIONS, key=lambda place: place != region)
        self._servers = {
            place: cache_at(layout, place, region, answer_s=ANSWER_S, connect_s=CONNECT_S) for place in places
        }
        self._primary: str | None = None
        self._near = region  # whose server is read from: one that was left behind knows of no new logout

    async def get(self, key: str) -> bytes | None:
        """What the region's server holds under `key`. Raises `ComponentFailure`."""
        await self._strikes.at("cache", self._near)
        server = self._servers[self._near]
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
        if self._primary != self._near:
            with contextlib.suppress(ComponentFailure):
                if (found := await self.get(key)) is not None:
                    return found
        return await self.get_newest(key)

    async def get_newest(self, key: str) -> bytes | None:
        """What the primary holds: for what changes at every step. Raises `ComponentFailure`."""
        asked, found = await self._at_primary(lambda server: _get(server, key))
        if found is None and await self._has_moved_from(asked):
            return await self._on_primary(lambda server: _get(server, key))
        return found

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
        _, found = await self._at_primary(do)
        return found

    async def _at_primary[T](self, do: Callable[[Redis], Awaitable[T]]) -> tuple[str, T]:
        """Where it was done, and what came of it."""
        place = self._primary or await self._find()
        if self._strikes.has("cache", "down", place):  # it may have a successor by now
            place = await self._find()
        await self._strikes.at("cache", place)
        try:
            return place, await do(self._servers[place])
        except NO_PRIMARY:
            place = await self._find()
        except FAILED:
            raise ComponentFailure("cache") from None
        try:
            return place, await do(self._servers[place])
        except FAILED:
            raise ComponentFailure("cache") from None

    async def keep_asking(self) -> None:
        """Who is the primary, until cancelled: a promotion is seen before a write to the old one fails."""
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            with contextlib.suppress(ComponentFailure):
                await self._find()

    async def _has_moved_from(self, place: str) -> bool:
        """Whether another server than that of `place`, which has just answered, is the primary."""
        with contextlib.suppress(ComponentFailure):
            return await self._find() != place
        return False

    async def _find(self) -> str:
        """The region whose server is the primary. Raises `ComponentFailure` when none says so."""
        masters = await primaries(self._servers)
        self._primary = next(iter(masters), None)
        if self._primary is None:
            self._near = self._region
            raise ComponentFailure("cache")
        self._near = self._primary if self._region in masters else self._region
        return self._primary

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
