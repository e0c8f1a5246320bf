"""How the systems that a runbook acts on stand now: what a plan is made for, and is void without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keelwatch.adapters import haproxy, postgres, redis
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.estate import Cache, Estate

SILENT = "does not answer"


def standing_of(estate: Estate) -> JsonObject:
    """Roles, timelines, fences, weights: what only somebody's decision changes, by part and region. Lag and
    sessions change by themselves and are left out. What does not answer says so: its coming back is a change.
    """
    return {
        "edge": _or_silent(lambda: _edge(estate)),
        "database": _or_silent(lambda: _database(estate)),
        "cache": _or_silent(lambda: _cache(estate)),
    }


def changed(before: JsonObject, now: JsonObject, at: str = "") -> list[str]:
    """What is different, in words: `database/east: standby -> primary`."""
    found = []
    for key in dict.fromkeys([*before, *now]):
        one, other, place = before.get(key), now.get(key), f"{at}/{key}" if at else key
        if isinstance(one, dict) and isinstance(other, dict):
            found += changed(one, other, place)
        elif one != other:
            found.append(f"{place}: {_word(one)} -> {_word(other)}")
    return found


def in_words(standing: JsonObject) -> str:
    """`database: west primary, timeline 1; east standby, timeline 1`, and so on."""
    return " | ".join(
        f"{part}: {_part_words(found)}" for part, found in standing.items() if found is not None
    )


def _part_words(found: object) -> str:
    if isinstance(found, dict):
        return "; ".join(f"{name} {one}" for name, one in found.items())
    return str(found)


def _edge(estate: Estate) -> JsonObject | None:
    if estate.edge is None:
        return None
    return {
        name: f"weight {one.weight}" + (", draining" if one.is_draining else "")
        for name, one in haproxy.look(estate.edge).items()
    }


def _database(estate: Estate) -> JsonObject | None:
    if estate.database is None:
        return None
    answers = postgres.ask_all(estate.database, estate.database.regions)
    return {region: _role(one) for region, one in answers.items()}


def _role(one: postgres.Standing | KeelwatchError) -> str:
    if isinstance(one, KeelwatchError):
        return SILENT
    role = "standby" if one.is_standby else "primary, fenced" if one.is_fenced else "primary"
    return f"{role}, timeline {one.timeline}"


def _cache(estate: Estate) -> JsonObject | None:
    if estate.cache is None:
        return None
    return {region: _replication(estate.cache, region) for region in estate.cache.regions}


def _replication(cache: Cache, region: str) -> str:
    try:
        now = redis.replication_of(cache, region)
    except KeelwatchError:
        return SILENT
    return "replica" if now.is_replica else "primary"


def _or_silent(look: Callable[[], JsonObject | None]) -> JsonObject | str | None:
    try:
        return look()
    except KeelwatchError:
        return SILENT


def _word(value: object) -> str:
    return "nothing" if value is None else str(value)
