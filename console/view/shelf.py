"""The Runbooks screen as text: runs that are not over first, then the runbooks, then what ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.view import numbers
from console.view.overview import NARROW, Column

NEVER = "never rehearsed"
WIDE = (
    Column("state", "  RUNBOOK / RUN", 30),
    Column("now", "STATE", 12),
    Column("steps", "STEPS", 8, right=True),
    Column("last", "  NO RETURN FROM", 21),
    Column("rto", "RTO", 8, right=True),
    Column("badge", "  REHEARSED / WAITS FOR", 40),
)
SMALL = (
    Column("state", "  RUNBOOK / RUN", 27),
    Column("now", "STATE", 10),
    Column("steps", "STEPS", 6, right=True),
    Column("badge", "  REHEARSED / WAITS FOR", 36),
)
ENDED_ROW = "@ended"  # no run has this id
LEFT_BEHIND = "left behind"
LIVELY = frozenset({"running", "paused", "stopping", "healing", "orphaned", LEFT_BEHIND})


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The last one on record: `passes` of `of` cases, with the text whose sha256 is `text_sha`."""

    at: float
    passes: int
    of: int
    text_sha: str


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A runbook. `last` is the step from which there is no way back, empty for none; `text_sha` that of its
    file as it is now."""

    name: str
    title: str
    owner: str
    steps: int
    last: str
    rto_s: float | None
    text_sha: str
    rehearsal: Rehearsal | None
    rehearse_every_s: float | None

    @property
    def key(self) -> str:
        return f"runbook:{self.name}"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of a runbook. `waits` says for what or whom; of one that has ended, how. `done` of `steps`."""

    run: str
    name: str
    phase: str
    done: int
    steps: int
    started: float
    starter: str
    waits: str

    @property
    def key(self) -> str:
        return f"run:{self.run}"

    @property
    def is_over(self) -> bool:
        return self.phase not in LIVELY


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every runbook of one environment, and its runs, at one time; `trouble` says what could not be read.
    `more_ended` runs of the last day are left out."""

    environment: str
    at: float
    rows: tuple[ShelfRow, ...] = ()
    runs: tuple[RunRow, ...] = ()
    trouble: str = ""
    more_ended: int = 0

    @property
    def living(self) -> tuple[RunRow, ...]:
        return tuple(one for one in self.runs if not one.is_over)

    @property
    def ended(self) -> tuple[RunRow, ...]:
        return tuple(one for one in self.runs if one.is_over)


def flaws(row: ShelfRow, now: float) -> tuple[str, ...]:
    """Why its last rehearsal says less than it seems to: `failed`, `stale`, `text changed since`."""
    last = row.rehearsal
    if last is None:
        return (NEVER,)
    found = ["failed"] if last.passes < last.of else []
    if row.rehearse_every_s is not None and now - last.at > row.rehearse_every_s:
        found.append("stale")
    if last.text_sha != row.text_sha:
        found.append("text changed since")
    return tuple(found)


def badge(row: ShelfRow, now: float) -> str:
    """`9/9 2d03h ago`, with what is to be said against it: `9/9 41d00h ago STALE`."""
    last = row.rehearsal
    if last is None:
        return NEVER
    told = [f"{last.passes}/{last.of} {numbers.length(now - last.at)} ago", *flaws(row, now)]
    return " ".join(word.upper() if index else word for index, word in enumerate(told))


def badge_json(row: ShelfRow, now: float) -> dict[str, object] | None:
    last = row.rehearsal
    if last is None:
        return None
    return {
        "at": last.at,
        "age_s": now - last.at,
        "passes": last.passes,
        "of": last.of,
        "stale": "stale" in flaws(row, now),
        "text_changed": last.text_sha != row.text_sha,
    }


def columns(width: int) -> tuple[Column, ...]:
    return WIDE if width >= NARROW else SMALL


def runbook_cells(row: ShelfRow, width: int, now: float) -> dict[str, str]:
    text = {
        "state": f"  {row.name}",
        "now": "",
        "steps": str(row.steps),
        "last": f"  {row.last or numbers.DASH}",
        "rto": numbers.length(row.rto_s) if row.rto_s is not None else numbers.DASH,
        "badge": f"  {badge(row, now)}",
    }
    return _fitted(text, width)


def run_cells(row: RunRow, width: int, now: float) -> dict[str, str]:
    short = row.run.rpartition("-")[2]
    text = {
        "state": f"  {row.name} {short}",
        "now": row.phase.upper() if not row.is_over else row.phase,
        "steps": f"{row.done}/{row.steps}",
        "last": f"  began {numbers.hour_minute(row.started, now)}Z",
        "rto": "",
        "badge": f"  {row.waits}",
    }
    return _fitted(text, width)


def ended_cells(found: Shelf, width: int) -> dict[str, str]:
    """The line above the runs that ended lately."""
    count = len(found.ended) + found.more_ended
    newest = f", the newest {len(found.ended)}" if found.more_ended else ""
    line = f"  ENDED in the last day: {count}{newest}"
    cells, at = {}, 0
    for column in columns(width):
        cells[column.key] = line[at : at + column.width].ljust(column.width)
        at += column.width
    return cells


def _fitted(text: dict[str, str], width: int) -> dict[str, str]:
    return {column.key: column.fit(text[column.key]) for column in columns(width)}


def header(width: int) -> str:
    return "".join(column.fit(column.title) for column in columns(width))


def heading(shelf: Shelf, width: int, now: float, chip: str = "") -> str:
    due = sum(bool(flaws(row, now)) for row in shelf.rows)
    parts = [f"Runbooks {len(shelf.rows)}", f"{len(shelf.living)} not over" if shelf.living else "none runs"]
    if chip:
        parts.insert(1, f"filter: {chip}")
    parts.append(f"{due} TO REHEARSE" if due else "all rehearsed")
    if width >= NARROW:
        parts.append("runs that are not over first")
    return " | ".join(parts)


def matches(row: ShelfRow | RunRow, expression: str) -> bool:
    """`text` or `!text`; an empty expression matches all."""
    text = expression.strip().removeprefix("/").lower()
    if text.startswith("!"):
        return not matches(row, text[1:])
    match row:
        case ShelfRow():
            return text in f"{row.name} {row.title} {row.owner}".lower()
        case RunRow():
            return text in f"{row.name} {row.run} {row.phase} {row.starter}".lower()


def row_line(row: ShelfRow | RunRow | None, shelf: Shelf, now: float) -> str:
    """More about the row under the cursor."""
    match row:
        case None:
            return shelf.trouble or "no runbook matches"
        case ShelfRow():
            return f"{row.name}: {row.title} ({row.owner}); {_rehearsed(row, now)}"
        case RunRow():
            return f"{row.run} by {row.starter}: {row.waits}"


def _rehearsed(row: ShelfRow, now: float) -> str:
    if row.rehearsal is None:
        return f"{NEVER}: keelwatch runbook rehearse {row.name}"
    return f"rehearsed {badge(row, now)}"


def next_line(row: ShelfRow | RunRow | None, shelf: Shelf, width: int) -> str:
    twin = f"   (keelwatch runbook list --env {shelf.environment})" if width >= NARROW else ""
    match row:
        case None:
            return f"NEXT  esc: all of them{twin}"
        case ShelfRow():
            return f"NEXT  enter: read {row.name} and what it would do now; nothing runs yet{twin}"
        case RunRow():
            return f"NEXT  enter: open run {row.run}{twin}"


def shelf_lines(shelf: Shelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""

    def joined(cells: Iterable[dict[str, str]]) -> Sequence[str]:
        return ["".join(one.values()).rstrip() for one in cells]

    lines = [heading(shelf, width, now), *([shelf.trouble] if shelf.trouble else []), ""]
    lines.append(header(width).rstrip())
    lines += joined(run_cells(one, width, now) for one in shelf.living)
    lines += joined(runbook_cells(one, width, now) for one in shelf.rows)
    if shelf.ended:
        lines += joined([ended_cells(shelf, width)])
        lines += joined(run_cells(one, width, now) for one in shelf.ended)
    return lines
