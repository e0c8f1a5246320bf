"""What was the primary becomes a replica of its successor: the end of a failover.

The same again finds nothing to do. It never decides who is the primary: that was done by a promotion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from keelwatch.sandbox.children import Keeper, State
from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS, other
from keelwatch.sandbox.servers import postgres, redis, standby
from keelwatch.workspace import SourceError, UsageError

FOLLOWS_WITHIN_S = 10.0
POLL_S = 0.05
COMPONENTS = ("database", "cache")


@dataclass(frozen=True, slots=True)
class Rejoined:
    """`by` says how: `nothing` was needed, `rewind`, `copy` (all of the primary's data), or `replicaof`."""

    component: str
    region: str
    primary: str
    by: str


class Rejoining:
    """One at a time. `under_way` are the servers that are stopped for it: nobody else may start them."""

    def __init__(self, layout: Layout, servers: Servers, keepers: Mapping[str, Keeper]) -> None:
        self.under_way: set[str] = set()
        self._layout = layout
        self._servers = servers
        self._keepers = keepers
        self._turn = asyncio.Lock()

    async def rejoin(self, component: str, region: str) -> Rejoined:
        """Returns when the server of `region` streams from the other one.

        Raises `UsageError` when that cannot be asked now, and `SourceError` when it fails.
        """
        if component not in COMPONENTS or region not in REGIONS:
            raise UsageError(
                f"nothing can rejoin as {component!r} in {region!r}", "database or cache, in west or east"
            )
        async with self._turn:
            act = self._database if component == "database" else self._cache
            return Rejoined(component, region, other(region), await act(region))

    async def _cache(self, region: str) -> str:
        layout = self._layout
        if not await redis.shows(layout, other(region), redis.MASTER):
            raise _no_primary("cache", other(region))
        if await redis.shows(layout, region, redis.FOLLOWS):
            return "nothing"
        _refuse_held(self._keepers[f"redis-{region}"], "cache", region)
        await redis.follow(layout, region)
        if await _comes_true(lambda: redis.shows(layout, region, redis.FOLLOWS)):
            return "replicaof"
        raise _does_not_follow("cache", region)

    async def _database(self, region: str) -> str:
        layout = self._layout
        keeper = self._keepers[f"postgres-{region}"]
        if not await postgres.is_ready(postgres.superuser(layout, other(region)), postgres.WRITABLE):
            raise _no_primary("database", other(region))
        if await standby.follows(layout, region):
            return "nothing"
        _refuse_held(keeper, "database", region)
        await self._refuse_without_link(region)
        self.under_way.add(keeper.server.name)
        try:
            return await self._make_standby(keeper, region)
        finally:
            self.under_way.discard(keeper.server.name)
            await keeper.release()

    async def _refuse_without_link(self, region: str) -> None:
        """Before anything is stopped."""
        over_link = postgres.superuser(self._layout, other(region), region)
        if not await postgres.is_ready(over_link, "select true"):
            raise SourceError(
                f"the database of {region} does not reach its new primary in {other(region)} over the link",
                "end the fault of the link first: keelwatch sandbox fault clear link",
            )

    async def _make_standby(self, keeper: Keeper, region: str) -> str:
        """The quick way, and when it does not lead there, the sure one."""
        layout = self._layout
        failure: SourceError | None = None
        for by, change in (("rewind", standby.rewind), ("copy", standby.copy)):
            await keeper.hold()
            await standby.prepare_primary(layout, region)
            try:
                await change(layout, self._servers, region)
            except SourceError as error:
                failure = error
                continue
            await keeper.release()
            if await _comes_true(lambda: standby.follows(layout, region)):
                await standby.drop_own_slots(layout, region)
                return by
        raise failure or _does_not_follow("database", region)


async def _comes_true(question: Callable[[], Awaitable[bool]]) -> bool:
    deadline = time.monotonic() + FOLLOWS_WITHIN_S
    while not await question():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


def _refuse_held(keeper: Keeper, component: str, region: str) -> None:
    if keeper.state is State.HELD:
        raise UsageError(
            f"the {component} of {region} is kept down by a fault",
            f"keelwatch sandbox fault clear {component}",
        )


def _no_primary(component: str, region: str) -> UsageError:
    return UsageError(
        f"the {component} of {region} is no primary: there is nothing that {other(region)} could rejoin",
        f"promote the one of {region} first",
    )


def _does_not_follow(component: str, region: str) -> SourceError:
    server = "postgres" if component == "database" else "redis"
    return SourceError(
        f"the {component} of {region} was told to follow {other(region)}, and does not yet",
        f"is the link whole (keelwatch sandbox fault list)? See {server}-{region}.log, then ask again",
    )
