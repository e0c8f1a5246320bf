"""The lines that stand on every screen: which world, how bad, who acts, what changed; and the next key.

Each line is cut from the right on a small screen, so what matters most comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.view import numbers
from console.view.overview import NARROW, title, told
from console.view.world import Origin, World
from keelwatch.workspace.reading import Value
from slo.snapshot import ObjectiveReading, Snapshot, State, Trend
from slo.verdict import Verdict, verdict

TREND_WORDS = {
    Trend.INCREASING: "getting worse",
    Trend.RECOVERING: "recovering",
    Trend.STEADY: "steady",
}
RECENT_S = 24 * 3600.0
NO_OBJECTIVES = "this workspace has no objectives: keelwatch check"


def world_line(world: World, width: int) -> str:
    """Which world this is, how fresh, what works, when, and who is asking."""
    wide = width >= NARROW
    parts = [
        f"{world.environment.upper()}  {'+'.join(world.regions)}".rstrip(),
        "PAUSED" if world.paused else "READ-ONLY",
        _freshness(world),
        _source(world),
        numbers.clock(world.now) + (f" ({numbers.local(world.now)} local)" if wide else ""),
        world.user if wide else "",
    ]
    return " | ".join(part for part in parts if part)


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
    if world.trouble:
        return f"{world.source} DOWN"
    return f"{world.source} ok" if world.origin is Origin.LIVE else f"asking {world.source}"


def verdict_line(world: World, width: int) -> tuple[State, str]:
    """The worst state there is, and one sentence: what is worst, how fast, when empty, since when."""
    snapshot = world.snapshot
    if snapshot is None or (world.trouble and world.data_age_s is None):
        reason = world.trouble or f"waiting for the first answer of {world.source}"
        return State.UNKNOWN, f"UNKNOWN  nothing is known: {reason}"
    judged = verdict(snapshot)
    sentence = f"{judged.worst.upper()}  {_words(judged, snapshot, world.now, wide=width >= NARROW)}"
    if world.trouble:
        age = numbers.length(world.data_age_s or 0)
        return State.UNKNOWN, f"UNKNOWN  no data for {age}: {world.trouble}. Before that: {sentence}"
    return judged.worst, sentence


def summary(snapshot: Snapshot) -> str:
    """The sentence for a script."""
    if snapshot.source_error:
        return f"nothing is known: {snapshot.source_error}"
    return _words(verdict(snapshot), snapshot, snapshot.at, wide=True)


def _words(judged: Verdict, snapshot: Snapshot, now: float, *, wide: bool) -> str:
    if judged.first is None:
        return NO_OBJECTIVES
    many, total = judged.counts[judged.worst], len(snapshot.objectives)
    rising = f", {judged.rising} rising" if judged.rising else ""
    match judged.worst, wide:
        case State.OK, _:
            return f"all {total} objectives within budget{rising}. {_least_left(snapshot.objectives)}"
        case State.UNKNOWN, True:
            return f"{many} of {total} unknown{rising}. First: {_unknown(judged.first)}"
        case State.UNKNOWN, False:
            return f"{many}/{total}: {_unknown(judged.first)}"
        case State.PAGE, True:
            return f"{many} of {total} paging{rising}. Worst: {_worst(judged.first, now)}"
        case _, True:
            return f"{many} of {total} need a look{rising}. Worst: {_worst(judged.first, now)}"
        case _:
            return f"{many}/{total}: {_worst(judged.first, now)}"


def _unknown(one: ObjectiveReading) -> str:
    return f"{title(one)}: {one.unknown_reason or 'no reason given'}"


def _worst(one: ObjectiveReading, now: float) -> str:
    parts = [f"{title(one)} {numbers.burn(one.burn.get(one.empty_basis))}/{one.empty_basis}"]
    if one.empty_in_s is not None:
        parts.append(f"empty in {numbers.length(one.empty_in_s)}" if one.empty_in_s else "budget EMPTY")
    if one.since is not None:
        parts.append(f"since {numbers.hour_minute(one.since, now)}")
    parts.append(TREND_WORDS[one.trend])
    return ", ".join(parts)


def _least_left(objectives: Iterable[ObjectiveReading]) -> str:
    known = [
        (one.budget_remaining.value, one) for one in objectives if isinstance(one.budget_remaining, Value)
    ]
    if not known:
        return ""
    left, one = min(known, key=lambda pair: pair[0])
    return f"Least budget left: {title(one)} {numbers.percent(left)}"


def acting_line(world: World) -> str:
    """What was left behind, who is acting now, and what changed just before."""
    parts = [f"{world.left_open} LEFT BEHIND: keelwatch heal"] if world.left_open else []
    parts.append("RUNNING " + ", ".join(world.running) if world.running else "no run active")
    recent = [change for change in world.changes if world.now - change.at < RECENT_S]
    changed = [told(change, world.now) for change in recent[-2:][::-1]]
    return " | ".join([*parts, f"WHAT CHANGED  {' | '.join(changed) or 'nothing in the last day'}"])


def next_line(world: World, width: int) -> str:
    """The next key, and where there is room the command that shows the same."""
    twin = f"   (keelwatch status --env {world.environment})" if width >= NARROW else ""
    if world.trouble:
        return "NEXT  this screen recovers by itself; keelwatch doctor says what is wrong"
    judged = verdict(world.snapshot) if world.snapshot else None
    if judged is None or judged.first is None:
        return "NEXT  q: leave"
    match judged.worst:
        case State.PAGE | State.TICKET:
            return f"NEXT  enter: open {title(judged.first)}   w: why{twin}"
        case State.UNKNOWN:
            return f"NEXT  w: why it is unknown{twin}"
        case State.OK:
            return f"NEXT  nothing burns; enter: look closer{twin}"
