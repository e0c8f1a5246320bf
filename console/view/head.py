"""The lines that stand on every screen: which world, how bad, who acts, what changed; and the next key.

What matters most comes first: a small screen drops whole phrases from the right, never half of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.view import numbers
from console.view.columns import NARROW
from console.view.overview import suspect, title, told
from console.view.world import Origin, Replay, World
from keelwatch.workspace.reading import Value
from slo.budget import empty_at
from slo.snapshot import ObjectiveReading, Snapshot, State, Trend
from slo.verdict import Verdict, verdict

TREND_WORDS = {
    Trend.INCREASING: "getting worse",
    Trend.RECOVERING: "recovering",
    Trend.STEADY: "steady",
}
RECENT_S = 24 * 3600.0
FRESH, FAR_FASTER = "5m", 2.0
UNCUT = 100_000  # columns
NO_OBJECTIVES = "this workspace has no objectives: keelwatch check"


def world_line(world: World, width: int) -> str:
    """Which world this is, how fresh, what works, when, and who is asking."""
    wide = width >= NARROW
    if world.replay is not None:
        return _replay_line(world, world.replay)
    parts = [
        f"{world.environment.upper()}  {'+'.join(world.regions)}".rstrip(),
        _seeking(world),
        "PAUSED" if world.paused else _mode(world),
        _freshness(world),
        _source(world),
        numbers.clock(world.now) + (f" ({numbers.local(world.now)} local)" if wide else ""),
        world.user if wide else "",
    ]
    return " | ".join(part for part in parts if part)


def _mode(world: World) -> str:
    if world.armed_until is None or not world.armed:
        return "READ-ONLY"
    return f"ARMED {numbers.length(world.armed_until - world.now)} left"


def _replay_line(world: World, replay: Replay) -> str:
    """Which moment of the past this is, how to leave it, and how things are now."""
    parts = [
        f"{world.environment.upper()}  {'+'.join(world.regions)}".rstrip(),
        f"REPLAY {numbers.hour_minute(world.now, replay.wall)}Z",
        _seeking(world),
        f"{numbers.length(replay.wall - world.now)} ago, f: live",
        f"now {replay.worst.upper() if replay.worst else 'UNKNOWN'} {numbers.clock(replay.wall)}",
    ]
    return " | ".join(part for part in parts if part)


def _seeking(world: World) -> str:
    if world.seeking is None:
        return ""
    return f"asking for {numbers.hour_minute(world.seeking, world.now)}Z ..."


def _freshness(world: World) -> str:
    age = world.data_age_s
    match world.origin:
        case Origin.LOADING:
            return "loading"
        case _ if age is None:
            return "no data"
        case Origin.CACHED:
            return f"CACHED {numbers.length(age)} ago"
        case Origin.LIVE:
            return f"data {numbers.length(age)} old"


def _source(world: World) -> str:
    if not world.asked:
        return f"{world.source} NOT ASKED"
    if world.trouble:
        return f"{world.source} DOWN"
    return f"{world.source} ok" if world.origin is Origin.LIVE else f"asking {world.source}"


def verdict_line(world: World, width: int) -> tuple[State, str]:
    """The worst state there is, and one sentence: what is worst, how fast, when empty, since when. It fits
    into `width` columns of which the first is blank."""
    state, (first, *more) = _verdict(world, wide=width >= NARROW)
    return state, numbers.fit(first, more, width - 1)


def _verdict(world: World, *, wide: bool) -> tuple[State, list[str]]:
    snapshot = world.snapshot
    if snapshot is None or (world.trouble and world.data_age_s is None):
        reason = world.trouble or f"waiting for the first answer of {world.source}"
        return State.UNKNOWN, [f"UNKNOWN  nothing is known: {reason}"]
    judged = verdict(snapshot)
    first, *more = _phrases(judged, snapshot, world.now, wide=wide)
    first = f"{judged.worst.upper()}  {first}"
    if world.trouble:
        age = numbers.length(world.data_age_s or 0)
        silent = f"UNKNOWN  no data for {age}: {world.trouble}"
        return State.UNKNOWN, [silent, f". Before that: {first}", *more]
    return judged.worst, [f"WAS {first}" if world.replay else first, *more]


def summary(snapshot: Snapshot) -> str:
    """The sentence for a script."""
    if snapshot.source_error:
        return f"nothing is known: {snapshot.source_error}"
    return "".join(_phrases(verdict(snapshot), snapshot, snapshot.at, wide=True))


def _phrases(judged: Verdict, snapshot: Snapshot, now: float, *, wide: bool) -> list[str]:
    if judged.first is None:
        return [NO_OBJECTIVES]
    many, total = judged.counts[judged.worst], len(snapshot.objectives)
    rising = f", {judged.rising} rising" if judged.rising else ""
    match judged.worst, wide:
        case State.OK, True:
            least = _least_left(snapshot.objectives)
            return [f"all {total} objectives within budget{rising}", f". Least budget left: {least}"]
        case State.OK, False:
            return [f"all {total} within budget{rising}", f". Least left: {_least_left(snapshot.objectives)}"]
        case State.UNKNOWN, True:
            return [f"{many} of {total} unknown{rising}. First: {_unknown(judged.first)}"]
        case State.UNKNOWN, False:
            return [f"{many}/{total}: {_unknown(judged.first)}"]
        case State.PAGE, True:
            counted = [f"{many}/{total} paging{rising}", ". Worst: "]
        case _, True:
            counted = [f"{many}/{total} need a look{rising}", ". Worst: "]
        case _:
            counted = [f"{many}/{total}: "]
    worst, *more = _worst(judged.first, now)
    return [*counted[:-1], counted[-1] + worst, *(f", {phrase}" for phrase in more)]


def _unknown(one: ObjectiveReading) -> str:
    return f"{title(one)}: {one.unknown_reason or 'no reason given'}"


def _worst(one: ObjectiveReading, now: float) -> list[str]:
    parts = [f"{title(one)} {numbers.burn(one.burn.get(one.empty_basis))}/{one.empty_basis}"]
    if one.empty_in_s is not None:
        parts.append(f"empty in {_end(one, one.empty_in_s)}" if one.empty_in_s else "budget EMPTY")
    if one.since is not None:
        parts.append(f"since {numbers.hour_minute(one.since, now)}")
    parts.append(TREND_WORDS[one.trend])
    return parts


def _end(one: ObjectiveReading, usual_s: float) -> str:
    """How long the budget lasts; where the last minutes burn far faster than the hour, at their rate, for a
    fresh outage has hardly begun to show in the hour. The rows have it at the hour's rate."""
    fresh_s = empty_at(one, FRESH)
    if fresh_s is None or fresh_s * FAR_FASTER > usual_s:
        return numbers.length(usual_s)
    return f"{numbers.length(fresh_s)} @{FRESH}"


def _least_left(objectives: Iterable[ObjectiveReading]) -> str:
    known = [
        (one.budget_remaining.value, one) for one in objectives if isinstance(one.budget_remaining, Value)
    ]
    if not known:
        return "not known"
    left, one = min(known, key=lambda pair: pair[0])
    return f"{title(one)} {numbers.percent(left)}"


def acting_line(world: World, width: int) -> str:
    """What was left behind, that nobody watches the journeys, who is acting now, and what changed before, in
    `width` columns of which the first is blank."""
    if world.replay is not None:
        needed, more = _acting_then(world)
    else:
        unwatched = f"NOT WATCHED: {world.unwatched}" if world.unwatched else ""
        running = "RUNNING " + ", ".join(world.running) if world.running else ""
        acting = " | ".join(filter(None, (unwatched, running))) or "no run active"
        left = [left_behind(world.left)] if world.left else []
        newest, *more = _changed(world)
        needed = " | ".join([*left, acting, f"WHAT CHANGED  {newest}"])
        if len(needed) >= width:
            needed = needed.replace("WHAT CHANGED", "CHANGED")
    return numbers.fit(needed, [f" | {phrase}" for phrase in more], width - 1)


def left_behind(left: Sequence[str]) -> str:
    """`LEFT BEHIND: 1 undo, account sandbox/synthetic-west-03: keelwatch heal`."""
    undos = "1 undo" if len(left) == 1 else f"{len(left)} undos"
    places = list(dict.fromkeys(left))
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"LEFT BEHIND: {undos}, {places[0]}{more}: keelwatch heal"


def _acting_then(world: World) -> tuple[str, list[str]]:
    """Of a moment in the past: what had changed; who acted then is not told, only who does now."""
    newest, *parts = _changed(world)
    if world.left:
        parts.append(f"now {left_behind(world.left)}")
    if world.running:
        parts.append("now RUNNING " + ", ".join(world.running))
    return f"WHAT HAD CHANGED  {newest}", parts


def _changed(world: World) -> list[str]:
    recent = [change for change in world.changes if world.now - change.at < RECENT_S]
    changed = [told(change, world.now) for change in recent[-2:][::-1]]
    return changed or [f"nothing in the {'day before' if world.replay else 'last day'}"]


def _suggested(world: World, width: int) -> str:
    """The runbook that leads out of the region that pages alone: to be read, for nothing runs yet."""
    where = suspect(world.snapshot, world.regions) if world.snapshot else ""
    if not where or not world.failover:
        return ""
    if width < NARROW:
        return f"   6: runbook {world.failover}"
    return f"   Only {where} pages: 6: read runbook {world.failover}, nothing runs yet"


def next_line(world: World, width: int, selected: ObjectiveReading | None) -> str:
    """The next key, and where there is room the command that shows the same.

    `selected` is the objective under the cursor: `enter` opens that one and no other. None when the cursor
    stands on none, and there is nothing to open.
    """
    twin = _suggested(world, width) or (
        f"   (keelwatch status --env {world.environment})" if width >= NARROW else ""
    )
    if world.replay is not None:
        then = numbers.hour_minute(world.now, world.replay.wall)
        return f"NEXT  [ ] 5 minutes back, on   f: live   (as of {then}Z; nothing here is now)"
    if not world.asked and world.trouble:
        return "NEXT  mend the secret; for one in a variable leave (q) and start again"
    if world.trouble:
        return "NEXT  this screen recovers by itself; keelwatch doctor says what is wrong"
    judged = verdict(world.snapshot) if world.snapshot else None
    if judged is None or judged.first is None:
        return "NEXT  q: leave"
    if selected is None:
        return f"NEXT  esc: all objectives; none is selected{twin}"
    match judged.worst, selected.state:
        case State.OK, _:
            return f"NEXT  nothing burns; enter: look closer{twin}"
        case State.UNKNOWN, State.UNKNOWN:
            return f"NEXT  w: why it is unknown{twin}"
        case _ if selected.key == judged.first.key:
            return f"NEXT  enter: open {title(judged.first)}   w: why{twin}"
        case _:
            return f"NEXT  g: go to {title(judged.first)}   enter: open what is at >{twin}"
