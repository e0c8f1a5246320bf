"""The Overview as text: the three head lines, the table's rows, the strip of regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.view import numbers
from console.view.world import Change, Origin, World
from keelwatch.workspace.reading import Value
from slo.snapshot import URGENCY, ObjectiveReading, Snapshot, State, Trend

NARROW = 119  # below this many columns the table drops what can wait
ARROWS = {Trend.INCREASING: "^", Trend.RECOVERING: "v", Trend.STEADY: " "}
TREND_WORDS = {
    Trend.INCREASING: "getting worse",
    Trend.RECOVERING: "recovering",
    Trend.STEADY: "steady",
}
RECENT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    width: int
    right: bool = False

    def fit(self, text: str) -> str:
        text = text if len(text) <= self.width else text[: self.width - 1] + "~"
        return text.rjust(self.width) if self.right else text.ljust(self.width)


WIDE = (
    Column("state", " STATE", 12),
    Column("objective", "OBJECTIVE", 30),
    Column("target", "TARGET", 7, right=True),
    Column("budget", "BUDGET LEFT", 19, right=True),
    Column("5m", "5m", 7, right=True),
    Column("1h", "1h", 7, right=True),
    Column("6h", "6h", 7, right=True),
    Column("3d", "3d", 7, right=True),
    Column("empty", "EMPTY IN", 10, right=True),
    Column("recent", "LAST HOUR", 13, right=True),
)
SMALL = (
    Column("state", " STATE", 12),
    Column("objective", "OBJECTIVE", 33),
    Column("left", "LEFT", 7, right=True),
    Column("5m", "5m", 8, right=True),
    Column("1h", "1h", 8, right=True),
    Column("empty", "EMPTY IN", 10, right=True),
)


def columns(width: int) -> tuple[Column, ...]:
    return WIDE if width >= NARROW else SMALL


def world_line(world: World, width: int) -> str:
    """Which world this is, how fresh, what works, when, and who is asking."""
    age = world.data_age_s
    match world.origin:
        case Origin.LOADING:
            fresh = "loading"
        case Origin.CACHED:
            fresh = f"CACHED {numbers.length(age or 0)} ago"
        case Origin.LIVE:
            fresh = f"data {numbers.length(age or 0)} old"
    if world.trouble:
        source = f"{world.source} DOWN"
    else:
        source = f"{world.source} ok" if world.origin is Origin.LIVE else f"asking {world.source}"
    wide = width >= NARROW
    parts = [
        f"{world.environment.upper()}  {'+'.join(world.regions)}".rstrip(),
        "PAUSED" if world.paused else "READ-ONLY",
        fresh,
        source,
        numbers.clock(world.now) + (f" ({numbers.local(world.now)} local)" if wide else ""),
        world.user if wide else "",
    ]
    return " | ".join(part for part in parts if part)


def verdict_line(world: World, width: int) -> tuple[State, str]:
    """The worst state there is, and one sentence that says what to worry about; short on a narrow screen."""
    snapshot = world.snapshot
    if snapshot is None:
        reason = world.trouble or f"waiting for the first answer of {world.source}"
        return State.UNKNOWN, f"UNKNOWN  nothing is known yet: {reason}"
    state, sentence = _sentence(snapshot, world.now, wide=width >= NARROW)
    if world.trouble:
        age = numbers.length(world.data_age_s or 0)
        return State.UNKNOWN, f"UNKNOWN  no data for {age}: {world.trouble}. Before that: {sentence}"
    return state, sentence


def _sentence(snapshot: Snapshot, now: float, *, wide: bool) -> tuple[State, str]:
    total = len(snapshot.objectives)
    by_state = {state: [one for one in snapshot.objectives if one.state is state] for state in State}
    rising = sum(1 for one in snapshot.objectives if one.trend is Trend.INCREASING)
    rise = f", {rising} rising" if rising and wide else ""
    if not total:
        return State.UNKNOWN, "UNKNOWN  this workspace has no objectives: keelwatch check"
    state = next(state for state in URGENCY if by_state[state])
    first, many = by_state[state][0], len(by_state[state])
    count = f"{many} of {total} objectives" if wide else f"{many}/{total}"
    match state:
        case State.PAGE:
            words = f"{count} paging{rise}. Worst" if wide else count
            return state, f"PAGE  {words}: {_worst(first, now, wide=wide)}"
        case State.UNKNOWN:
            words = f"{count} unknown{rise}. First" if wide else count
            return state, f"UNKNOWN  {words}: {title(first)}: {first.unknown_reason}"
        case State.TICKET:
            words = f"{count} need a look{rise}. Worst" if wide else count
            return state, f"TICKET  {words}: {_worst(first, now, wide=wide)}"
        case State.OK:
            return (
                state,
                f"OK  all {total} objectives within budget{rise}. {_least_left(snapshot.objectives)}",
            )


def _worst(one: ObjectiveReading, now: float, *, wide: bool) -> str:
    parts = [f"{title(one)} {numbers.burn(one.burn.get(one.empty_basis))}/{one.empty_basis}"]
    match one.empty_in_s:
        case None:
            pass
        case 0 | 0.0:
            parts.append("budget empty")
        case seconds:
            parts.append(f"empty in {numbers.length(seconds)}")
    parts.append(TREND_WORDS[one.trend])
    if one.since is not None and wide:
        parts.append(f"since {numbers.hour_minute(one.since, now)} ({numbers.length(now - one.since)})")
    return ", ".join(parts)


def _least_left(objectives: Iterable[ObjectiveReading]) -> str:
    known = [
        (one.budget_remaining.value, one) for one in objectives if isinstance(one.budget_remaining, Value)
    ]
    if not known:
        return ""
    left, one = min(known, key=lambda pair: pair[0])
    return f"Least budget left: {title(one)} {numbers.percent(left)}"


def changed_line(world: World) -> str:
    """What changed just before, and who is acting now."""
    recent = [change for change in world.changes if world.now - change.at < RECENT_S]
    parts = [told(change, world.now) for change in recent[-2:][::-1]] or ["nothing recorded in the last day"]
    parts.append("running: " + ", ".join(world.running) if world.running else "no run")
    if world.left_open:
        parts.append(f"{world.left_open} LEFT BEHIND: keelwatch heal")
    return "WHAT CHANGED  " + " | ".join(parts)


def when(at: float, world: World) -> str:
    return numbers.hour_minute(at, world.now)


def told(change: Change, now: float) -> str:
    return f"{numbers.hour_minute(change.at, now)} {change.text}"


def title(one: ObjectiveReading) -> str:
    """`invoices-availability west`; the region only where the objective is kept per region."""
    name = f"{one.name} {one.region}" if one.region else one.name
    return f"{name} (probe)" if one.stratum == "probe" else name


def state_word(one: ObjectiveReading, *, stale: bool) -> str:
    """`PAGE  ^`; what is no longer known to hold is in the past tense."""
    if one.state is State.UNKNOWN:
        return " UNKNOWN ?"
    if stale:
        return f" was {one.state.upper()}"
    return f" {one.state.upper():<7} {ARROWS[one.trend]}"


def cells(one: ObjectiveReading, width: int, *, stale: bool, charset: str = "ascii") -> dict[str, str]:
    """The text of each column for one objective."""
    left = one.budget_remaining
    shares = f"{numbers.bar(left.value) if isinstance(left, Value) else '?'} {numbers.budget(left):>7}"
    text = {
        "state": state_word(one, stale=stale),
        "objective": title(one),
        "target": f"{one.target * 100:.6g}",
        "budget": shares,
        "left": numbers.budget(left),
        "empty": numbers.empty_in(one.empty_in_s),
        "recent": numbers.sparkline(list(one.recent_burn), top=20.0, charset=charset),
        **{window: numbers.burn(one.burn.get(window)) for window in ("5m", "1h", "6h", "3d")},
    }
    return {column.key: column.fit(text[column.key]) for column in columns(width)}


def header(width: int) -> str:
    return "".join(column.fit(column.title) for column in columns(width))


def table_title(world: World, shown: int, width: int, *, folded: int, chip: str = "") -> str:
    total = len(world.snapshot.objectives) if world.snapshot else 0
    parts = [f"Overview {shown}/{total}"]
    if chip:
        parts.append(f"filter: {chip}")
    if folded:
        parts.append(f"{folded} OK folded (space)")
    if world.backfill_until is not None:
        parts.append(f"before {when(world.backfill_until, world)} BACKFILLED")
    if width >= NARROW:
        parts.append("sorted by time to empty")
    return " | ".join(parts)


@dataclass(frozen=True, slots=True)
class RegionRow:
    """What the objectives say of one region; events are of the last 5 minutes."""

    region: str
    paging: int
    unknown: int
    objectives: int
    events: float
    bad: float

    @property
    def error_ratio(self) -> float | None:
        return self.bad / self.events if self.events else None


def regions(world: World) -> list[RegionRow]:
    """One row a region, from the objectives kept per region (traffic: availability of real customers)."""
    rows = []
    objectives = world.snapshot.objectives if world.snapshot else ()
    for region in world.regions:
        here = [one for one in objectives if one.region == region]
        counts = [
            one.counts["5m"]
            for one in here
            if one.kind == "availability" and one.stratum == "real" and "5m" in one.counts
        ]
        rows.append(
            RegionRow(
                region,
                sum(one.state is State.PAGE for one in here),
                sum(one.state is State.UNKNOWN for one in here),
                len(here),
                sum(count.total for count in counts),
                sum(count.bad for count in counts),
            )
        )
    return rows


def region_lines(world: World) -> list[str]:
    rows = regions(world)
    everything = sum(row.events for row in rows)
    lines = [f"{'REGION':<10}{'OBJECTIVES':<22}{'TRAFFIC':>8}{'BAD 5m':>9}"]
    for row in rows:
        share = numbers.percent(row.events / everything, 0) if everything else "?"
        ratio = "?" if row.error_ratio is None else numbers.percent(row.error_ratio, 2)
        lines.append(f"{row.region:<10}{_health(row, stale=world.stale):<22}{share:>8}{ratio:>9}")
    return lines


def region_line(world: World) -> str:
    return " | ".join(f"{row.region} {_health(row, stale=world.stale)}" for row in regions(world))


def _health(row: RegionRow, *, stale: bool) -> str:
    if not row.objectives:
        return "not measured"
    was = "was " if stale else ""
    if row.paging:
        return f"{was}{row.paging}/{row.objectives} PAGE"
    if row.unknown:
        return f"{was}{row.unknown}/{row.objectives} UNKNOWN"
    return f"{was}{row.objectives}/{row.objectives} not paging"


def next_line(world: World, width: int) -> str:
    """The next key, and where there is room the command that shows the same."""
    twin = f"   (keelwatch status --env {world.environment})" if width >= NARROW else ""
    state, _ = verdict_line(world, NARROW)
    if world.trouble:
        return "NEXT  this screen recovers by itself; keelwatch doctor says what is wrong"
    if state in {State.PAGE, State.TICKET} and world.snapshot:
        return f"NEXT  enter: open {title(world.snapshot.objectives[0])}   w: why{twin}"
    if state is State.UNKNOWN:
        return f"NEXT  w: why it is unknown{twin}"
    return f"NEXT  nothing burns; enter: look closer{twin}"
