"""Who else takes writes after a run has promoted somebody: a second primary is left behind, and is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelwatch.adapters import postgres, redis
from keelwatch.runs import Effect, Fate
from keelwatch.runs.fields import text
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelwatch.workspace.estate import Cache, Database
    from runbooks.conduct.ask_world import World


def rivals(world: World, effects: Sequence[Effect]) -> list[str]:
    """In words with what to do, those beside whom the run of `effects` has promoted; who does not answer may
    take writes again."""
    done = [one.action for one in effects if one.fate is Fate.DONE]
    databases = any(one.verb == "pg.promote" for one in done)
    caches = [text(one.args, "region") for one in done if one.verb == "redis.promote"]
    if not databases and not caches:
        return []
    try:
        estate = world.estate()
        found = _databases(estate.database) if databases and estate.database else []
        return found + (_caches(estate.cache, caches[-1]) if caches and estate.cache else [])
    except KeelwatchError as error:
        return [error.message]


def _databases(database: Database) -> list[str]:
    answers = postgres.ask_all(database, database.regions)
    primary = postgres.primary_among(answers)
    found = []
    for region, one in answers.items():
        if isinstance(one, KeelwatchError):
            found.append(f"{region} does not answer: pg.rejoin before it takes writes again")
        elif primary is None or region == primary.region:
            continue
        elif not one.is_standby and not one.is_fenced:
            found.append(f"{region} takes writes beside {primary.region}: pg.rejoin")
    return found


def _caches(cache: Cache, promoted: str) -> list[str]:
    answers = {region: _replication(cache, region) for region in cache.regions}
    primary = answers.get(promoted)
    if primary is not None and primary.is_replica:
        return []  # that was taken back
    found = []
    for region, one in answers.items():
        if one is None:
            found.append(f"the cache of {region} does not answer: redis.rejoin before it takes writes again")
        elif region != promoted and not one.is_replica:
            found.append(f"the cache of {region} takes writes beside {promoted}: redis.rejoin")
    return found


def _replication(cache: Cache, region: str) -> redis.Replication | None:
    try:
        return redis.replication_of(cache, region)
    except KeelwatchError:
        return None
