"""The Overview as text: the table's rows and the strip of regions."""

from __future__ import annotations

from collections.abc import Sequence

from console.view import numbers
from console.view.columns import NARROW, Column, Layout
from console.view.world import Change, RegionFacts, Tally, Workers, World
from keelwatch.workspace.reading import Value
from slo.budget import RegionHealth, by_region
from slo.snapshot import URGENCY, ObjectiveReading, Snapshot, State, Trend

ARROWS = {Trend.INCREASING: "^", Trend.RECOVERING: "v", Trend.STEADY: " "}
APPROXIMATE = " *"
SPARK_TOP = 20.0  # burn rate of the highest mark in the last hour's line
REASON_ACROSS = ("5m", "1h", "6h", "3d", "empty", "recent")
LAYOUT = Layout(
    wide=(
        Column("state", "  STATE", 13),
        Column("objective", "OBJECTIVE", 32),
        Column("target", "TARGET", 7, right=True),
        Column("budget", "BUDGET LEFT", 19, right=True),
        Column("5m", "5m", 7, right=True),
        Column("1h", "1h", 6, right=True),
        Column("6h", "6h", 6, right=True),
        Column("3d", "3d", 6, right=True),
        Column("empty", "EMPTY @1h", 10, right=True),
        Column("recent", "LAST HOUR", 13, right=True),
    ),
    small=(
        Column("state", "  STATE", 13),
        Column("objective", "OBJECTIVE", 33),
        Column("left", "LEFT", 7, right=True),
        Column("5m", "5m", 8, right=True),
        Column("1h", "1h", 8, right=True),
        Column("empty", "EMPTY @1h", 10, right=True),
    ),
)
STRIP = (
    Column("region", "REGION", 9),
    Column("ready", "READY", 6, right=True),
    Column("objectives", "  OBJECTIVES", 23),
    Column("traffic", "TRAFFIC", 8, right=True),
    Column("bad", "BAD 5m", 8, right=True),
    Column("p95", "P95 5m", 8, right=True),
    Column("probes", "  PROBES (3)", 16),
)
STRIP_WIDTH = sum(column.width for column in STRIP)
BETWEEN = " | "
GROUPED = "probe"  # the stratum of objectives on journeys
GROUP = "PROBE"  # marks objectives on journeys, which have a group of their own below those on customers


def when(at: float, world: World) -> str:
    """The time of day, with its date when that is not the operator's today."""
    return numbers.hour_minute(at, world.replay.wall if world.replay else world.now)


def told(change: Change, now: float) -> str:
    return f"{numbers.hour_minute(change.at, now)} {change.text}"


def title(one: ObjectiveReading) -> str:
    """`invoices-availability west`; the region only where the objective is kept per region. An objective on
    journeys says so: `probe view-invoices west`. One whose queries have a fixed range is marked: its
    numbers are approximate."""
    name = f"probe {one.name.removeprefix('probe-')}" if one.stratum == GROUPED else one.name
    where = f" {one.region}" if one.region else ""
    return f"{name}{where}{APPROXIMATE if one.approximate else ''}"


def grouped(objectives: Sequence[ObjectiveReading]) -> tuple[list[ObjectiveReading], list[ObjectiveReading]]:
    """Those on customers, and those on journeys, each in the order they came."""
    real = [one for one in objectives if one.stratum != GROUPED]
    return real, [one for one in objectives if one.stratum == GROUPED]


def unfolded(objectives: Sequence[ObjectiveReading], room: int) -> list[ObjectiveReading]:
    """What stays when OK rows that do not fit into `room` lines are folded away.

    Whatever is not OK stays. So do OK rows on customers in the upper half: journeys that are unknown, however
    many, must not hide that customers are well.
    """
    real, probes = grouped(objectives)
    needy = [one for one in objectives if one.state is not State.OK]
    free = max(0, room - len(needy) - bool(probes))
    share = room // 2 - sum(one.stratum != GROUPED for one in needy)
    well_real = [one for one in real if one.state is State.OK][: max(free, share, 0)]
    well_probes = [one for one in probes if one.state is State.OK][: max(0, free - len(well_real))]
    kept = {one.key for one in (*needy, *well_real, *well_probes)}
    return [one for one in objectives if one.key in kept]


def group_cells(probes: Sequence[ObjectiveReading], width: int, *, stale: bool) -> dict[str, str]:
    """The line above the objectives on journeys, written across the columns."""
    count = {state: sum(one.state is state for one in probes) for state in State}
    told = [f"{count[state]} {state.upper()}" for state in URGENCY if count[state]]
    was = "was " if stale else ""
    line = f"  {GROUP}  objectives on journeys: {was}{', '.join(told)}"
    return LAYOUT.across(line, width)


def state_word(one: ObjectiveReading, *, stale: bool) -> str:
    """`PAGE  ^`, after room for a cursor; what is no longer known to hold is in the past tense."""
    if one.state is State.UNKNOWN:
        return "  UNKNOWN ?"
    if stale:
        return f"  was {one.state.upper()}"
    return f"  {one.state.upper():<7} {ARROWS[one.trend]}"


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
        "recent": numbers.sparkline(list(one.recent_burn), top=SPARK_TOP, charset=charset),
        **{window: numbers.burn(one.burn.get(window)) for window in ("5m", "1h", "6h", "3d")},
    }
    fitted = LAYOUT.fitted(text, width)
    return {**fitted, **_reason_cells(one, width)} if one.state is State.UNKNOWN else fitted


def _reason_cells(one: ObjectiveReading, width: int) -> dict[str, str]:
    """Why it is unknown, written across the columns whose numbers are missing."""
    across = [column for column in LAYOUT.at(width) if column.key in REASON_ACROSS]
    room = sum(column.width for column in across)
    left = f"  {one.unknown_reason or 'no reason given'}"
    reason = (left if len(left) <= room else left[: room - 1] + "~").ljust(room)
    found, at = {}, 0
    for column in across:
        found[column.key] = reason[at : at + column.width]
        at += column.width
    return found


def table_title(world: World, shown: int, width: int, *, folded: int, chip: str = "") -> str:
    total = len(world.snapshot.objectives) if world.snapshot else 0
    parts = [f"Overview {shown}/{total}"]
    if chip:
        parts.append(f"filter: {chip}")
    if world.replay is not None:
        parts.append(f"as of {when(world.now, world)}Z, not now")
    if told_of := backfilled(world):
        parts.append(told_of)
    if folded:
        parts.append(f"{folded} OK folded (space)")
    if width >= NARROW:
        parts.append("sorted by time to empty")
    return " | ".join(parts)


def backfilled(world: World) -> str:
    """Which part of what is shown was loaded and not lived; empty when none was."""
    if world.backfill_until is None:
        return ""
    if world.backfill_until >= world.now:
        return "all of it BACKFILLED"
    return f"before {when(world.backfill_until, world)} BACKFILLED"


def _regions(world: World) -> tuple[RegionHealth, ...]:
    return by_region(world.snapshot, world.regions) if world.snapshot else ()


def suspect(snapshot: Snapshot, regions: Sequence[str]) -> str:
    """The one region that pages while another is known not to; empty when they agree, or nobody can tell."""
    rows = [one for one in by_region(snapshot, regions) if one.objectives]
    paging = [one.region for one in rows if one.paging]
    well = [one for one in rows if not one.paging and one.unknown < one.objectives]
    return paging[0] if len(paging) == 1 and well else ""


def region_lines(world: World) -> list[str]:
    """The strip of regions, its header first."""
    rows = _regions(world)
    everything = sum(row.events for row in rows)
    lines = ["".join(column.fit(column.title) for column in STRIP)]
    for row in rows:
        facts = world.facts.get(row.region)
        text = {
            "region": row.region,
            "ready": ready(facts),
            "objectives": "  " + _health(row, stale=world.stale),
            "traffic": numbers.percent(row.events / everything, 0) if everything else "?",
            "bad": "?" if row.error_ratio is None else numbers.percent(row.error_ratio, 2),
            "p95": numbers.seconds(facts.p95_s if facts else None),
            "probes": f"  {probes(facts)}",
        }
        lines.append("".join(column.fit(text[column.key]) for column in STRIP))
    return lines


def region_line(world: World, width: int) -> str:
    """The strip in one line of `width` columns, of which the first is blank: for a small screen."""
    phrases = [phrase for row in _regions(world) for phrase in _region(row, world)]
    return numbers.fit("", phrases, width - 1 + len(BETWEEN)).removeprefix(BETWEEN)


def _region(row: RegionHealth, world: World) -> list[str]:
    facts = world.facts.get(row.region)
    p95 = numbers.seconds(facts.p95_s if facts else None)
    health = _health(row, stale=world.stale)
    return [f"{BETWEEN}{row.region} up {ready(facts)}", f", {health}", f", p95 {p95}"]


def ready(facts: RegionFacts | None) -> str:
    """`2/2`: workers up of those there should be; `--` where nobody counts them."""
    match facts:
        case RegionFacts(workers=Workers(up=up, wanted=wanted)):
            return f"{up}/{wanted}"
        case _:
            return numbers.DASH


def probes_line(world: World) -> str:
    """How the journeys of each region went last, in one line."""
    told = [f"{region} {probes(world.facts.get(region))}" for region in world.regions]
    return f"PROBES  {' | '.join(told)}   3: which"


def probes(facts: RegionFacts | None) -> str:
    """`9/10 failing`, `10/10 passing`; `was 9/10 fail` when one of them is too old to hold; `--` where no
    journey has run."""
    match facts:
        case RegionFacts(probes=Tally(total=total) as found) if total:
            bad = total - found.passing
            if found.failing:
                count, word = found.failing, "fail"
            elif bad:
                return f"{bad}/{total} unclear"
            else:
                count, word = total, "pass"
            return f"was {count}/{total} {word}" if found.stale else f"{count}/{total} {word}ing"
        case _:
            return numbers.DASH


def _health(row: RegionHealth, *, stale: bool) -> str:
    if not row.objectives:
        return "not measured"
    was = "was " if stale else ""
    if row.paging:
        return f"{was}{row.paging}/{row.objectives} PAGE"
    if row.unknown:
        return f"{was}{row.unknown}/{row.objectives} UNKNOWN"
    return f"{was}{row.objectives}/{row.objectives} not paging"
