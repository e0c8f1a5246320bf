"""`redis.promote`, `redis.follow` and `redis.rejoin`: who of the caches is primary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import amount, choice, estate_in, place_in, word
from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.redis.connection import (
    Replication,
    ask_access,
    ask_hold,
    connection,
    primary_beside,
    replication_of,
)
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.runs.fields import text, whole
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UnknownResult
from keelwatch.workspace.estate import Cache, Estate
from keelwatch.workspace.reading import Condition

SETTLE_S = 12.0
SYNC_S = 5.0  # until a replica has applied what its primary had written
LINK_S = 8.0  # until a new replica has been sent everything
PAUSE_S = 0.02
# So long nobody writes to a primary that is succeeded: for what was under way to arrive at the replica, and
# for its clients to notice whom to ask now. It ends by itself, also when we die in it.
HELD_S = 3.0
LAST_BYTES_S = 1.0
LATEST_S = 2.0


class Mode(StrEnum):
    GRACEFUL = "graceful"
    UNGRACEFUL = "ungraceful"


@dataclass(frozen=True, slots=True)
class PromoteVerb:
    """The replica of a region follows nobody any more. Graceful: its primary answers, holds all writes for
    some seconds, and the replica has applied the last of them before (where the primary does not hold them:
    all that was written when asked); ungraceful: whatever it has. Arguments: `region`, `mode`."""

    name: str = "redis.promote"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        _, cache, region, mode = _read(args, "mode")
        now = replication_of(cache, region)
        if not now.is_replica or now.follows is None:
            raise Refused(f"{now.words} already", "nothing to do; see the other regions: redis.rejoin")
        primary = primary_beside(cache, region)
        _refuse_unsynced(now, primary, mode)
        before: JsonObject = {"host": now.follows[0], "port": now.follows[1], "history": now.history}
        return Prediction(_target(args, region), before, _in_words(now, primary))

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        _, cache, region, mode = _read(args, "mode")
        with connection(cache, region) as asked:
            now = asked.replication()
            if now.is_replica and now.history != text(attempt.before, "history"):
                raise Refused(f"{now.words} follows another history than planned", "plan anew")
            with _last_write_applied(cache, now, mode) as held:
                lasts = _unsure(asked.follow_nobody, f"{region} may have been promoted")
            after = asked.replication()
        return {
            "region": region,
            "offset": after.offset,
            "history": after.history,
            "writes_held": held,
            "outlives_restart": lasts,
        }

    def check(self, args: JsonObject) -> Condition:
        try:
            _, cache, region, _ = _read(args, "mode")
            with connection(cache, region) as asked:
                role, now = asked.role(), asked.replication()
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return Condition.yes(now.words) if role == "master" else Condition.no(now.words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        host, port = text(before, "host"), whole(before, "port")
        region = word(args, "region")
        return Action("redis.follow", {**place_in(args), "region": region, "host": host, "port": port})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        _, cache, region, mode = _read(args, "mode")
        asked = ask_access(cache, region)
        return asked if mode is Mode.UNGRACEFUL else (*asked, *ask_hold(cache, region))


@dataclass(frozen=True, slots=True)
class FollowVerb:
    """A region's server is a replica of `host` and `port`; what only it has is thrown away. Refused unless a
    primary is left among the others. Arguments: `region`, `host`, `port`."""

    name: str = "redis.follow"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        cache, region, host, port = _read_follow(args)
        now = replication_of(cache, region)
        _needed(cache, region)
        summary = f"{now.words}; becomes a replica of {host}:{port}, and what only it has is thrown away"
        return Prediction(_target(args, region), {"history": now.history}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        cache, region, host, port = _read_follow(args)
        primary = _needed(cache, region)
        followed = _follow(cache, region, host, port)
        _release_writes(cache, primary.region)
        return followed

    def check(self, args: JsonObject) -> Condition:
        try:
            cache, region, host, port = _read_follow(args)
            now = replication_of(cache, region)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        follows = now.follows == (host, port) and now.is_linked
        return Condition.yes(now.words) if follows else Condition.no(now.words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None  # it is an undo itself

    def access(self, args: JsonObject) -> tuple[str, ...]:
        cache, region, _, _ = _read_follow(args)
        return ask_access(cache, region)


@dataclass(frozen=True, slots=True)
class RejoinVerb:
    """A region's server is a replica of the one that is primary now. The sandbox does that itself, over its
    links; elsewhere the server is told the primary's address in the workspace. Argument: `region`."""

    name: str = "redis.rejoin"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S + 3

    def plan(self, args: JsonObject) -> Prediction:
        _, cache, region, _ = _read(args)
        primary = _needed(cache, region)
        try:
            now = replication_of(cache, region)
            words, history = now.words, now.history
        except SourceError as error:
            words, history = error.message, ""
        loss = "what only it has is thrown away"
        summary = f"{words}; becomes a replica of {primary.region}, and {loss}"
        return Prediction(_target(args, region), {"history": history}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        estate, cache, region, _ = _read(args)
        primary = _needed(cache, region)
        if not estate.sandbox:
            address = cache.region(primary.region)
            followed = _follow(cache, region, address.host, address.port)
        else:
            sandbox.rejoin("cache", region, name=estate.sandbox, within_s=SETTLE_S)
            followed = {"region": region, "primary": primary.region}
        _release_writes(cache, region)
        return followed

    def check(self, args: JsonObject) -> Condition:
        try:
            _, cache, region, _ = _read(args)
            now, primary = replication_of(cache, region), primary_beside(cache, region)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if not now.is_replica:
            return Condition.no(now.words)
        if primary is None:
            return Condition.unknown(f"{now.words}, and no primary answers")
        words = f"{now.words}; {primary.words}"
        follows = now.is_linked and not now.is_syncing and now.history == primary.history
        return Condition.yes(words) if follows else Condition.no(words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        estate, cache, region, _ = _read(args)
        return sandbox.ask_access(estate.sandbox) if estate.sandbox else ask_access(cache, region)


def _follow(cache: Cache, region: str, host: str, port: int) -> JsonObject:
    with connection(cache, region) as asked:
        asked.role()  # who cannot be reached is told nothing, and nobody need wonder what became of it
        lasts = _unsure(lambda: asked.follow(host, port), f"{region} may follow {host}:{port}")
        if not Deadline.within(LINK_S).until(lambda: asked.replication().is_linked, PAUSE_S):
            raise SourceError(
                f"{region} follows {host}:{port} and has no link to it after {LINK_S:g} s",
                "does it reach that address, and has it `masterauth`? see its log",
            )
    return {"region": region, "host": host, "port": port, "outlives_restart": lasts}


def _unsure(act: Callable[[], bool], words: str) -> bool:
    """A command without an answer may have been carried out."""
    try:
        return act()
    except SourceError as error:
        raise UnknownResult(f"{error.message}; {words}", error.hint) from None


@contextmanager
def _last_write_applied(cache: Cache, now: Replication, mode: Mode) -> Iterator[bool]:
    """Inside, the replica has all that its primary acknowledged, and where the primary holds writes (true)
    no more is acknowledged. They are let go again when nothing was promoted."""
    if not now.is_replica or mode is Mode.UNGRACEFUL:
        yield False
        return
    primary = primary_beside(cache, now.region)
    _refuse_unsynced(now, primary, mode)
    assert primary is not None
    _catch_up(cache, now, primary, SYNC_S)
    with connection(cache, primary.region) as old:
        began = time.monotonic()
        held = old.hold_writes(HELD_S)
        try:
            if held:
                _catch_up(cache, now, old.replication(), LAST_BYTES_S)
                _refuse_late(primary.region, time.monotonic() - began)
            yield held
        except SourceError:
            _release_writes(cache, primary.region)
            raise


def _refuse_late(region: str, held_s: float) -> None:
    """Soon the old primary takes writes again, which nobody would have."""
    if held_s > LATEST_S:
        raise SourceError(
            f"{region} held its writes, but it took {held_s:.1f} s to catch up; nothing was promoted",
            "try again on a calmer network, or go on ungraceful and lose what is missing",
        )


def _release_writes(cache: Cache, region: str) -> None:
    """What a promotion holds that has come to its end, or to nothing. It ends by itself if we fail."""
    with suppress(SourceError), connection(cache, region) as asked:
        asked.release_writes()


def _catch_up(cache: Cache, now: Replication, primary: Replication, within_s: float) -> None:
    """What the primary had written when asked is applied."""
    region, offset = now.region, primary.offset
    if not Deadline.within(within_s).until(lambda: replication_of(cache, region).offset >= offset, PAUSE_S):
        raise SourceError(
            f"{region} has not applied what {primary.region} wrote, after {within_s:g} s; none was promoted",
            "try again, or go on ungraceful and lose what is missing",
        )


def _refuse_unsynced(now: Replication, primary: Replication | None, mode: Mode) -> None:
    if mode is Mode.UNGRACEFUL:
        return
    hint = "wait until it is in sync, or go on ungraceful and lose what is missing"
    if now.is_syncing or not now.is_linked:
        raise Refused(f"{now.words}: it is not in sync", hint)
    if primary is None:
        raise Refused(f"{now.words}, and no primary answers that could tell what it lacks", hint)


def _needed(cache: Cache, region: str) -> Replication:
    """The primary that is left: two that follow each other would leave nobody to write to."""
    primary = primary_beside(cache, region)
    if primary is None:
        raise Refused(f"no primary answers that {region} could follow", "promote one first: redis.promote")
    return primary


def _in_words(now: Replication, primary: Replication | None) -> str:
    if primary is None:
        return f"{now.words} -> primary; no primary answers: what it lacks is unknown"
    lacks = max(0, primary.offset - now.offset)
    return f"{now.words} -> primary; it lacks {lacks} bytes that {primary.region} has written so far"


def _target(args: JsonObject, region: str) -> str:
    return f"{args['environment']}/cache/{region}"


def _read(args: JsonObject, *known: str) -> tuple[Estate, Cache, str, Mode]:
    estate = estate_in(args, "region", *known)
    cache, region = estate.the_cache(), word(args, "region")
    cache.region(region)
    return estate, cache, region, choice(args, "mode", (Mode.GRACEFUL, Mode.UNGRACEFUL))


def _read_follow(args: JsonObject) -> tuple[Cache, str, str, int]:
    cache = estate_in(args, "region", "host", "port").the_cache()
    region = word(args, "region")
    cache.region(region)
    return cache, region, word(args, "host"), int(amount(args, "port", 0, 65535))
