"""The Overview as text: the table's rows and the strip of regions."""

from __future__ import annotations

from dataclasses import dataclass

from console.view import numbers
from console.view.world import Change, World
from keelwatch.workspace.reading import Value
from slo.budget import RegionHealth, by_region
from slo.snapshot import ObjectiveReading, State, Trend

NARROW = 119  # below this many columns the table drops what can wait
ARROWS = {Trend.INCREASING: "^", Trend.RECOVERING: "v", Trend.STEADY: " "}
REASON_ACROSS = ("5m", "1h", "6h", "3d", "empty", "recent")


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
    Column("empty", "EMPTY @1h", 10, right=True),
    Column("recent", "LAST HOUR", 13, right=True),
)
SMALL = (
    Column("state", " STATE", 12),
    Column("objective", "OBJECTIVE", 33),
    Column("left", "LEFT", 7, right=True),
    Column("5m", "5m", 8, right=True),
    Column("1h", "1h", 8, right=True),
    Column("empty", "EMPTY @1h", 10, right=True),
)


def columns(width: int) -> tuple[Column, ...]:
    return WIDE if width >= NARROW else SMALL


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
    fitted = {column.key: column.fit(text[column.key]) for column in columns(width)}
    return {**fitted, **_reason_cells(one, width)} if one.state is State.UNKNOWN else fitted


def _reason_cells(one: ObjectiveReading, width: int) -> dict[str, str]:
    """Why it is unknown, written across the columns whose numbers are missing."""
    across = [column for column in columns(width) if column.key in REASON_ACROSS]
    room = sum(column.width for column in across)
    left = f"  {one.unknown_reason or 'no reason given'}"
    reason = (left if len(left) <= room else left[: room - 1] + "~").ljust(room)
    found, at = {}, 0
    for column in across:
        found[column.key] = reason[at : at + column.width]
        at += column.width
    return found


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


def _regions(world: World) -> tuple[RegionHealth, ...]:
    return by_region(world.snapshot, world.regions) if world.snapshot else ()


def region_lines(world: World) -> list[str]:
    rows = _regions(world)
    everything = sum(row.events for row in rows)
    lines = [f"{'REGION':<10}{'OBJECTIVES':<22}{'TRAFFIC':>8}{'BAD 5m':>9}"]
    for row in rows:
        share = numbers.percent(row.events / everything, 0) if everything else "?"
        ratio = "?" if row.error_ratio is None else numbers.percent(row.error_ratio, 2)
        lines.append(f"{row.region:<10}{_health(row, stale=world.stale):<22}{share:>8}{ratio:>9}")
    return lines


def region_line(world: World) -> str:
    return " | ".join(f"{row.region} {_health(row, stale=world.stale)}" for row in _regions(world))


def _health(row: RegionHealth, *, stale: bool) -> str:
    if not row.objectives:
        return "not measured"
    was = "was " if stale else ""
    if row.paging:
        return f"{was}{row.paging}/{row.objectives} PAGE"
    if row.unknown:
        return f"{was}{row.unknown}/{row.objectives} UNKNOWN"
    return f"{was}{row.objectives}/{row.objectives} not paging"
