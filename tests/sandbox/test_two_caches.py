"""Of two caches that both say that they are the master, everybody takes the same one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from keelwatch.sandbox.service.cache import primaries, ranked
from tests.adapters.redis_pair import PASSWORD, Caches, running_caches

FIRST, SECOND, NONE = "a" * 40, "b" * 40, "0" * 40


def told(replid: str, before: str = NONE, offset: int = 10, role: str = "master") -> dict[str, object]:
    return {"role": role, "master_replid": replid, "master_replid2": before, "master_repl_offset": offset}


@pytest.mark.parametrize(
    ("west", "east", "first"),
    [
        (told(FIRST), told(SECOND, FIRST), "east"),
        (told(SECOND, FIRST), told(FIRST), "west"),
        (told("c" * 40, offset=99), told(SECOND, FIRST), "east"),
        (told(FIRST), told(SECOND, offset=11), "east"),
        (told(FIRST), told(SECOND), "east"),
        (told(FIRST), told(SECOND, FIRST, role="slave"), "west"),
        ({}, told(SECOND, FIRST), "east"),
    ],
    ids=["successor", "back", "restarted", "wrote more", "alike", "replica", "silent"],
)
def test_whoever_asks_first(west: dict[str, object], east: dict[str, object], first: str) -> None:
    assert ranked({"west": west, "east": east})[0] == first
    assert ranked({"east": east, "west": west})[0] == first


def test_nobody_is_the_primary_when_nobody_says_so() -> None:
    assert ranked({"west": {}, "east": told(SECOND, role="slave")}) == ()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_promoted_server_is_taken_before_the_one_it_succeeded(tmp_path: Path, *, restarted: bool) -> None:
    """Also when that one has restarted meanwhile, and knows of no history at all."""
    with running_caches(tmp_path / "caches") as caches:
        if restarted:
            caches.kill("west")
        with caches.client("east") as east:
            east.replicaof("NO", "ONE")
        if restarted:
            caches.start("west")
        for order in (("west", "east"), ("east", "west")):
            assert asyncio.run(asked(caches, order)) == ("east", "west")


async def asked(caches: Caches, order: tuple[str, ...]) -> tuple[str, ...]:
    servers = {place: Redis(port=caches.ports[place], password=PASSWORD) for place in order}
    try:
        return await primaries(servers)
    finally:
        await asyncio.gather(*(one.aclose() for one in servers.values()))
