"""The Probes screen as text: a row for each journey in each region, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.view import numbers
from console.view.columns import NARROW, Column, Layout
from console.view.world import Tally
from probes.history import KEPT, Past
from probes.record import Result

MARKS = {Result.PASS: ".", Result.FAIL: "F", Result.INVALID: "!", Result.INCONCLUSIVE: "?"}
WORDS = {
    Result.PASS: "pass",
    Result.FAIL: "FAIL",
    Result.INVALID: "INVALID",
    Result.INCONCLUSIVE: "INCONCLUSIVE",
}
URGENCY = (Result.FAIL, Result.INCONCLUSIVE, Result.INVALID, None, Result.PASS)
NEVER = "no run"
PERIODS_LATE = 3  # a journey that is so many periods late is no longer known to be as it was
LATE_S, UNSCHEDULED_S = 60.0, 3600.0

LAYOUT = Layout(
    wide=(
        Column("state", "  LAST RESULT", 19),
        Column("journey", "JOURNEY", 23),
        Column("region", "REGION", 10),
        Column("component", "COMPONENT", 14),
        Column("strip", f"LAST {KEPT}, NEWEST RIGHT", KEPT + 3),
        Column("age", "AGE", 9, right=True),
        Column("took", "TOOK", 8, right=True),
        Column("next", "NEXT IN", 10, right=True),
    ),
    small=(
        Column("state", "  LAST RESULT", 17),
        Column("journey", "JOURNEY", 22),
        Column("region", "REGION", 7),
        Column("strip", f"LAST {KEPT} >", KEPT),
        Column("age", "AGE", 6, right=True),
        Column("took", "TOOK", 7, right=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A journey in a region. `past` is what is kept of it, the newest first; `reason` is why the newest did
    not pass. `every_s` is None for a journey without a schedule."""

    journey: str
    title: str
    component: str
    region: str
    every_s: float | None
    past: tuple[Past, ...] = ()
    reason: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.journey, self.region)

    @property
    def last(self) -> Past | None:
        return self.past[0] if self.past else None

    @property
    def result(self) -> Result | None:
        return self.last.result if self.last else None

    def stale(self, now: float) -> bool:
        """The newest result is too old to say how things are."""
        if self.last is None:
            return True
        limit_s = UNSCHEDULED_S if self.every_s is None else PERIODS_LATE * self.every_s + LATE_S
        return now - self.last.started > limit_s


@dataclass(frozen=True, slots=True)
class Board:
    """Every journey in every region at one time. `watched`: whether `probe watch` runs them; None where that
    is not known. `left` names what was left behind by journeys; `trouble` says why there are no rows;
    `remedy` is what starts the watch."""

    environment: str
    at: float
    rows: tuple[Row, ...] = ()
    watched: bool | None = None
    left: tuple[str, ...] = ()
    trouble: str = ""
    remedy: str = "keelwatch probe watch"


def in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """What fails comes first, then what is not known, then the rest by name."""
    return tuple(sorted(rows, key=lambda row: (URGENCY.index(row.result), row.journey, row.region)))


def matches(row: Row, expression: str) -> bool:
    """`text`, `!text`, or `-s fail` by result; an empty expression matches all."""
    text = expression.strip().removeprefix("/").lower()
    if text.startswith("!"):
        return not matches(row, text[1:])
    if text.startswith("-s"):
        return (row.result or NEVER).startswith(text[2:].strip())
    return text in f"{row.journey} {row.region} {row.component} {row.title}".lower()


def strip(past: Sequence[Past]) -> str:
    """`....FF..`: the last results, the newest at the right; blank where there were none."""
    return "".join(MARKS[one.result] for one in reversed(past[:KEPT])).rjust(KEPT)


def word(row: Row, now: float) -> str:
    """`FAIL`, or `was FAIL` when that is too old to hold; `no run` where there is none."""
    if row.result is None:
        return NEVER
    return f"{'was ' if row.stale(now) else ''}{WORDS[row.result]}"


def age(row: Row, now: float) -> str:
    return numbers.length(now - row.last.started) if row.last else numbers.DASH


def took(seconds: float) -> str:
    """`412ms`, `3.1s`."""
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"


def due_at(row: Row, board: Board) -> float | None:
    """When the watcher runs it next (Unix s), as its schedule has it; jitter and waiting for a turn come on
    top. None when nobody watches it, or it is not known."""
    if row.every_s is None or not board.watched or row.last is None:
        return None
    return row.last.started + row.every_s


def due_in(row: Row, board: Board, now: float) -> str:
    if row.every_s is None:
        return "on call"
    due = due_at(row, board)
    if due is None:
        return numbers.DASH
    return numbers.length(due - now) if due > now else "due"


def cells(row: Row, board: Board, width: int, now: float) -> dict[str, str]:
    """The text of each column for one row."""
    text = {
        "state": f"  {word(row, now)}",
        "journey": row.journey,
        "region": row.region,
        "component": row.component,
        "strip": strip(row.past),
        "age": age(row, now),
        "took": took(row.last.took_s) if row.last else numbers.DASH,
        "next": due_in(row, board, now),
    }
    return LAYOUT.fitted(text, width)


def heading(board: Board, shown: int, width: int, now: float, chip: str = "") -> str:
    """How many journeys, how many of them fail, and who runs them."""
    failing = sum(row.result is Result.FAIL and not row.stale(now) for row in board.rows)
    parts = [f"Probes {shown}/{len(board.rows)}"]
    if chip:
        parts.append(f"filter: {chip}")
    parts.append(f"{failing} FAILING" if failing else "none known to fail")
    parts.append(watching(board))
    if width >= NARROW:
        parts.append("what fails first, then by name")
    return " | ".join(parts)


def watching(board: Board) -> str:
    match board.watched:
        case True:
            return "probe watch runs"
        case False:
            return f"NOT WATCHED: {board.remedy}"
        case None:
            return "whether they are watched is not known"


def left_line(board: Board) -> str:
    """Accounts that no journey may use until what was left in them is taken back."""
    if not board.left:
        return "QUARANTINE none"
    return f"QUARANTINE {len(board.left)}: {', '.join(board.left)}: keelwatch heal"


def row_line(row: Row | None, board: Board, now: float) -> str:
    """More about the row under the cursor: why it did not pass, or what it does."""
    if row is None:
        return board.trouble or "no journey matches"
    if row.last is None:
        return f"{row.journey} has not run in {row.region} yet: n runs it now"
    if row.result is Result.PASS:
        return f"{row.journey} {row.region}: {row.title}"
    return f"{row.journey} {row.region}, {age(row, now)} ago: {row.reason or WORDS[row.last.result]}"


def next_line(row: Row | None, board: Board, width: int) -> str:
    twin = f"   (keelwatch probe list --env {board.environment})" if width >= NARROW else ""
    if row is None:
        return f"NEXT  esc: all of them{twin}"
    if row.last is None:
        return f"NEXT  n: run {row.journey} in {row.region}{twin}"
    return f"NEXT  enter: open {row.journey} {row.region}   n: run it now{twin}"


def tally(rows: Iterable[Row], now: float, *, unwatched: bool = False) -> dict[str, Tally]:
    """The last results by region. Where nobody watches any more they are stale after a minute, for none
    follows."""

    def stale(row: Row) -> bool:
        ended = unwatched and row.last is not None and now - row.last.started > LATE_S
        return ended or row.stale(now)

    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.last is not None:
            found.setdefault(row.region, []).append(row)
    return {
        region: Tally(
            passing=sum(row.result is Result.PASS for row in here),
            failing=sum(row.result is Result.FAIL for row in here),
            total=len(here),
            stale=sum(stale(row) for row in here),
            oldest_s=max(now - row.past[0].started for row in here),
        )
        for region, here in found.items()
    }


def board_lines(board: Board, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""
    rows = ["".join(cells(row, board, width, now).values()).rstrip() for row in board.rows]
    why = [row_line(row, board, now) for row in board.rows if row.result not in {None, Result.PASS}]
    return [
        heading(board, len(board.rows), width, now),
        left_line(board),
        *([board.trouble] if board.trouble else []),
        "",
        LAYOUT.header(width).rstrip(),
        *rows,
        *(["", *why] if why else []),
    ]
