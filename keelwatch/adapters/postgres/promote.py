"""`pg.promote`: a standby becomes primary. The point of no return.

Graceful: the old primary is fenced and answers, and the standby has replayed all it ever acknowledged before
the promotion is asked for. Ungraceful: whatever has reached the standby is what there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keelwatch.adapters.arguments import amount, choice, estate_in, word
from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.access import ask_promotion
from keelwatch.adapters.postgres.fence import set_read_only, target_of
from keelwatch.adapters.postgres.lag import lag_between
from keelwatch.adapters.postgres.session import Session, session
from keelwatch.adapters.postgres.standing import (
    TIMELINE,
    Answers,
    Standing,
    ask_all,
    lsn,
    others,
    primary_among,
    seconds,
    standing,
    whole,
)
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.runs.fields import whole as whole_in
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UnknownResult
from keelwatch.workspace.estate import Database
from keelwatch.workspace.reading import Answer, Condition

USUAL_WAIT_S, LONGEST_WAIT_S = 5.0, 10.0
REQUEST_S = 2.0  # a request that the server gets to later finds its time over, and does nothing
ACT_S = 8.0
ASK_S = 3.0
PAUSE_S = 0.01

# Compare-and-set: done in the server, so that neither a late request nor a stale plan can win.
PROMOTE = f"""
    SELECT CASE WHEN pg_is_in_recovery() AND {TIMELINE} = %s
        AND extract(epoch FROM clock_timestamp()) < %s THEN pg_promote(false) END
"""
# Everything acknowledged before this comes before it in the WAL, which its commit flushes; `local`, for
# no standby may keep it waiting.
MARK = "SELECT pg_logical_emit_message(true, 'keelwatch', 'fence') - '0/0'::pg_lsn"
TOLD = "SELECT pg_is_in_recovery() AND (pg_stat_file('promote', true)).size IS NOT NULL"
REPLAYED = "SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() - '0/0'::pg_lsn"


class Mode(StrEnum):
    GRACEFUL = "graceful"
    UNGRACEFUL = "ungraceful"


@dataclass(frozen=True, slots=True)
class Wish:
    database: Database
    region: str
    mode: Mode
    wait_s: float
    above: int


@dataclass(frozen=True, slots=True)
class PromoteVerb:
    """Arguments: `region` of the standby; `mode` (graceful, ungraceful); `wait_s` (0..10, default 5): how
    long to wait, when graceful, until it has replayed everything; `above_timeline`: the timeline it must have
    now, and that the promotion must leave behind (default: that of the plan)."""

    name: str = "pg.promote"
    effect: EffectClass = EffectClass.CONDITIONAL
    settle_s: float = LONGEST_WAIT_S + ACT_S + 2

    def plan(self, args: JsonObject) -> Prediction:
        wish = _wish(args)
        answers = ask_all(wish.database, wish.database.regions)
        mine = answers[wish.region]
        if isinstance(mine, KeelwatchError):
            raise mine
        _refuse_moved(mine, wish.above or mine.timeline)
        primary = primary_among(answers)
        before: JsonObject = {
            "timeline": mine.timeline,
            "received": lsn(mine.received),
            "primary": primary.region if primary else None,
            "lag": lag_between(primary, mine).as_json(),
        }
        return Prediction(target_of(args, wish.region), before, _in_words(wish, mine, primary, answers))

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        wish = _wish(args)
        seen = wish.above or whole_in(attempt.before, "timeline")
        with session(wish.database, wish.region, Deadline.within(wish.wait_s + ACT_S)) as asked:
            mine = standing(asked, wish.region)
            _refuse_moved(mine, seen)
            mark = _wait_for_the_last(asked, wish) if wish.mode is Mode.GRACEFUL else None
            if mine.is_fenced:  # from when it was primary itself
                set_read_only(asked, wish.region, wanted=False)
            before = standing(asked, wish.region)
            _request(asked, wish, seen)
            after = _wait_for_promotion(asked, wish)
        return {
            "region": wish.region,
            "timeline_before": seen,
            "timeline": after.timeline,
            "received": lsn(before.received),
            "last_of_old": None if mark is None else lsn(mark),
            "mode": wish.mode,
        }

    def check(self, args: JsonObject) -> Condition:
        try:
            wish = _wish(args)
            found = judge(ask_all(wish.database, wish.database.regions, ASK_S), wish.region, wish.above)
            if found.answer is Answer.NO and _is_told(wish):
                return Condition.unknown(f"{wish.region} was told to promote, and still replays")
            return found
        except KeelwatchError as error:
            return Condition.unknown(error.message)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None  # the old primary lacks what the new one writes; `pg.rejoin`, then promote it

    def access(self, args: JsonObject) -> tuple[str, ...]:
        wish = _wish(args)
        return ask_promotion(wish.database, wish.region)


def judge(answers: Answers, region: str, above: int = 0) -> Condition:
    """Whether `region` is the one primary, on a timeline above `above` and everybody else's."""
    mine = answers[region]
    if isinstance(mine, KeelwatchError):
        return Condition.unknown(mine.message)
    if mine.is_standby:
        return Condition.no(mine.words)
    if mine.timeline <= above:
        return Condition.no(f"{mine.words}: its timeline has not risen above {above}")
    rest = [one for name, one in answers.items() if name != region]
    words = [one.words if isinstance(one, Standing) else one.message for one in rest]
    rival = any(
        isinstance(one, Standing) and not one.is_standby and one.timeline >= mine.timeline for one in rest
    )
    evidence = "; ".join([mine.words, *words])
    return Condition.no(evidence) if rival else Condition.yes(evidence)


def _wish(args: JsonObject) -> Wish:
    database = estate_in(args, "region", "mode", "wait_s", "above_timeline").the_database()
    region = word(args, "region")
    database.region(region)
    return Wish(
        database,
        region,
        choice(args, "mode", (Mode.GRACEFUL, Mode.UNGRACEFUL)),
        amount(args, "wait_s", USUAL_WAIT_S, LONGEST_WAIT_S),
        int(amount(args, "above_timeline", 0, 2**31)),
    )


def _refuse_moved(mine: Standing, seen: int) -> None:
    if not mine.is_standby:
        raise Refused(f"{mine.words}: it is promoted already", "nothing to do; see: pg.lag of the others")
    if mine.timeline != seen:
        raise Refused(
            f"{mine.words}, and this was planned on timeline {seen}: somebody promoted in between",
            "plan anew",
        )


def _wait_for_the_last(asked: Session, wish: Wish) -> int:
    """Until the standby has replayed all that the fenced primary acknowledged; returns where that ended."""
    old = _fenced_primary(wish)
    deadline = asked.deadline.sooner(wish.wait_s)
    with session(wish.database, old, deadline) as there:
        there.run("SET default_transaction_read_only = off")  # of this session: the mark is the last write
        there.run("SET synchronous_commit = local")
        mark = whole(there.row(MARK)[0])

    def replayed() -> bool:
        in_recovery, at = asked.row(REPLAYED)
        return not in_recovery or whole(at) >= mark

    if not deadline.until(replayed, PAUSE_S):
        at = whole(asked.row(REPLAYED)[1])
        raise SourceError(
            f"{wish.region} has not replayed the last {mark - at} bytes of {old} after {wish.wait_s:g} s; "
            "nothing was promoted",
            "does WAL reach it? see pg.lag; try again, or go on ungraceful and lose what is missing",
        )
    return mark


def _fenced_primary(wish: Wish) -> str:
    answers = others(wish.database, wish.region, ASK_S)
    primary = primary_among(answers)
    if primary is None:
        told = "; ".join(one.words if isinstance(one, Standing) else one.message for one in answers.values())
        raise Refused(
            f"no primary answers, so nobody can tell what {wish.region} lacks ({told})",
            "graceful needs the old primary; without it: mode ungraceful",
        )
    if not primary.is_fenced:
        raise Refused(
            f"{primary.words} and still takes writes, which {wish.region} would lack",
            f"fence it first: pg.fence of {primary.region}",
        )
    return primary.region


def _is_told(wish: Wish) -> bool:
    """Whether the server has a promotion before it: it replays what it has first, however long that takes."""
    with session(wish.database, wish.region, Deadline.within(ASK_S)) as asked:
        return asked.row(TOLD)[0] is True


def _request(asked: Session, wish: Wish, seen: int) -> None:
    now = seconds(asked.row("SELECT extract(epoch FROM clock_timestamp())")[0])
    try:
        asked_for = asked.row(PROMOTE, [seen, now + REQUEST_S])[0]
    except SourceError as error:
        raise UnknownResult(f"{error.message}; it may have been promoted", error.hint) from None
    if asked_for is not True:
        raise Refused(
            f"{standing(asked, wish.region).words}: it moved while it was to be promoted; nothing was done",
            "plan anew",
        )


def _wait_for_promotion(asked: Session, wish: Wish) -> Standing:
    try:
        if asked.deadline.until(lambda: not standing(asked, wish.region).is_standby, PAUSE_S):
            return standing(asked, wish.region)
    except SourceError as error:
        raise UnknownResult(f"{error.message}; it was being promoted", error.hint) from None
    raise UnknownResult(f"{wish.region} was told to promote and is still in recovery", "look at its log")


def _in_words(wish: Wish, mine: Standing, primary: Standing | None, answers: Answers) -> str:
    parts = [f"{mine.words} -> primary on timeline {mine.timeline + 1}", lag_between(primary, mine).words]
    if wish.mode is Mode.GRACEFUL:
        parts.append(f"waits up to {wish.wait_s:g} s until nothing would be lost")
    elif primary is not None and not primary.is_fenced:
        parts.append(f"{primary.region} still takes writes: two primaries until it is fenced")
    for region, one in answers.items():
        if isinstance(one, KeelwatchError):
            parts.append(f"{region} does not answer and may still take writes: {one.message}")
    return "; ".join([*parts, "no way back"])
