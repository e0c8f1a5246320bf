"""Everybody out: the sessions of some accounts, or of all, ended from outside the portal, and counted.

Asks each region's Redis directly: this is an administrator's deed, and a broken link must not hinder it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.sessions import SESSION_SECONDS
from keelwatch.sandbox.portal.store import REPLICATED_WITHIN_MS
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.service.cache import FAILED, cache_at
from keelwatch.workspace import SourceError

BATCH = 500
ANSWER_S = 5.0

# An access token that was renewed is as old as the login it came of, which only the refresh token knows.
OLD = """
local owned, life = KEYS[1], tonumber(ARGV[2])
local moment = tonumber(ARGV[1]) or math.huge
local families, found, count = {}, {}, 0
for _, key in ipairs(redis.call('ZRANGE', owned, 0, -1)) do
    local text = key:sub(1, 7) ~= 'family:' and redis.call('GET', key)
    if text then
        local token = cjson.decode(text)
        found[key] = token
        if (token.began_at or token.ends_at - life) <= moment and token.family ~= '' then
            families[token.family] = true
        end
    end
end
for key, token in pairs(found) do
    if families[token.family] or (token.began_at or token.ends_at - life) <= moment then
        count = count + 1
        if ARGV[3] == 'end' then
            redis.call('DEL', key)
            redis.call('ZREM', owned, key)
        end
    end
end
if ARGV[3] == 'end' then
    for family in pairs(families) do
        redis.call('DEL', 'family:' .. family)
        redis.call('ZREM', owned, 'family:' .. family)
    end
end
return count
"""


async def revoke(layout: Layout, accounts: Sequence[str] | None, begun_before: float | None) -> int:
    """How many tokens died, on every server that is a primary: after a partition there may be two. Waits for
    their replicas, as far as they can be waited for. Raises `SourceError` when no primary answers."""
    found = await asyncio.gather(*(_end_on(layout, place, accounts, begun_before) for place in REGIONS))
    ended = [one for one in found if one is not None]
    if not ended:
        raise SourceError(
            "no primary of the cache answers: nobody was logged out", "promote one: redis.promote"
        )
    return sum(ended)


async def left(
    layout: Layout, accounts: Sequence[str] | None, begun_before: float | None
) -> dict[str, int | None]:
    """How many tokens the server of each region still knows; None where it does not answer."""
    found = await asyncio.gather(*(_count_on(layout, place, accounts, begun_before) for place in REGIONS))
    return dict(zip(REGIONS, found, strict=True))


async def _end_on(
    layout: Layout, place: str, accounts: Sequence[str] | None, begun_before: float | None
) -> int | None:
    with contextlib.suppress(*FAILED):
        async with _server(layout, place) as server:
            if (await server.role())[0] != b"master":
                return None
            ended = await _over(server, accounts, begun_before, "end")
            await server.wait(1, REPLICATED_WITHIN_MS)
            return ended
    return None


async def _count_on(
    layout: Layout, place: str, accounts: Sequence[str] | None, begun_before: float | None
) -> int | None:
    with contextlib.suppress(*FAILED):
        async with _server(layout, place) as server:
            return await _over(server, accounts, begun_before, "count")
    return None


async def _over(server: Redis, accounts: Sequence[str] | None, moment: float | None, act: str) -> int:
    script = await server.script_load(OLD)
    values = ("" if moment is None else repr(moment), SESSION_SECONDS, act)
    count = 0
    async for owners in _owners(server, accounts):
        async with server.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.evalsha(script, 1, owner, *values)
            count += sum(await pipe.execute())
    return count


async def _owners(server: Redis, accounts: Sequence[str] | None) -> AsyncIterator[list[str]]:
    """The keys under which accounts have their tokens, some at a time."""
    if accounts is not None:
        for start in range(0, len(accounts), BATCH):
            yield [f"sessions:{account}" for account in accounts[start : start + BATCH]]
        return
    cursor = 0
    while True:
        cursor, keys = await server.scan(cursor, match="sessions:*", count=BATCH)
        if keys:
            yield [key.decode() if isinstance(key, bytes) else key for key in keys]
        if cursor == 0:
            return


@asynccontextmanager
async def _server(layout: Layout, place: str) -> AsyncIterator[Redis]:
    server = cache_at(layout, place, answer_s=ANSWER_S, connect_s=1)
    try:
        yield server
    finally:
        await server.aclose()
