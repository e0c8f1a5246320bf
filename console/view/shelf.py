"""The Runbooks screen as text: runs that are not over first, then the runbooks, then what ended lately."""

from __future__ import annotations

from dataclasses import dataclass

from console.view import numbers
from console.view.columns import NARROW, Column, Layout
from console.view.listed import Listed, fits, plain_lines, short, state_words

NEVER = "never rehearsed"
LAYOUT = Layout(
    wide=(
        Column("state", "  RUNBOOK / RUN", 30),
        Column("now", "STATE", 12),
        Column("steps", "STEPS", 8, right=True),
        Column("last", "  NO RETURN FROM", 21),
        Column("rto", "RTO", 8, right=True),
        Column("badge", "  REHEARSED / WAITS FOR", 40),
    ),
    small=(
        Column("state", "  RUNBOOK / RUN", 27),
        Column("now", "STATE", 10),
        Column("steps", "STEPS", 6, right=True),
        Column("badge", "  REHEARSED / WAITS FOR", 36),
    ),
)
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


type Row = ShelfRow | RunRow


@dataclass(frozen=True, slots=True)
class Shelf(Listed[ShelfRow, RunRow]):
    """Every runbook of one environment, and its runs. `more_ended` of the last day are left out."""

    more_ended: int = 0


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


def cells(row: Row, width: int, now: float) -> dict[str, str]:
    match row:
        case ShelfRow():
            texts = {
                "state": row.name,
                "now": "",
                "steps": str(row.steps),
                "last": row.last or numbers.DASH,
                "rto": numbers.length(row.rto_s) if row.rto_s is not None else numbers.DASH,
                "badge": badge(row, now),
            }
        case RunRow():
            texts = {
                "state": f"{row.name} {short(row.run)}",
                "now": state_words(row.phase, is_over=row.is_over),
                "steps": f"{row.done}/{row.steps}",
                "last": f"began {numbers.hour_minute(row.started, now)}Z",
                "rto": "",
                "badge": row.waits,
            }
    texts |= {key: f"  {texts[key]}" for key in ("state", "last", "badge")}
    return LAYOUT.fitted(texts, width)


def ended_words(found: Shelf) -> str:
    """Stands above the runs that ended lately."""
    count = len(found.ended) + found.more_ended
    newest = f", the newest {len(found.ended)}" if found.more_ended else ""
    return f"  ENDED in the last day: {count}{newest}"


def heading(shelf: Shelf, width: int, now: float, chip: str = "") -> str:
    due = sum(bool(flaws(row, now)) for row in shelf.rows)
    parts = [f"Runbooks {len(shelf.rows)}", f"{len(shelf.living)} not over" if shelf.living else "none runs"]
    if chip:
        parts.insert(1, f"filter: {chip}")
    parts.append(f"{due} TO REHEARSE" if due else "all rehearsed")
    if width >= NARROW:
        parts.append("runs that are not over first")
    return " | ".join(parts)


def matches(row: Row, expression: str) -> bool:
    match row:
        case ShelfRow():
            told = f"{row.name} {row.title} {row.owner}"
        case RunRow():
            told = f"{row.name} {row.run} {row.phase} {row.starter}"
    return fits(told, expression)


def row_line(row: Row | None, shelf: Shelf, now: float) -> str:
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


def next_line(row: Row | None, shelf: Shelf, width: int) -> str:
    twin = f"   (keelwatch runbook list --env {shelf.environment})" if width >= NARROW else ""
    match row:
        case None:
            return f"NEXT  esc: all of them{twin}"
        case ShelfRow():
            return f"NEXT  enter: read {row.name} and what it would do now; nothing runs yet{twin}"
        case RunRow():
            return f"NEXT  enter: open run {row.run}{twin}"


def twin(row: Row | None, environment: str) -> str:
    """The command that plans a runbook, or shows a run."""
    match row:
        case None:
            return f"keelwatch runbook list --env {environment}"
        case ShelfRow():
            return f"keelwatch runbook plan {row.name} --env {environment}"
        case RunRow():
            return f"keelwatch runbook show {row.run}"


def shelf_lines(shelf: Shelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""
    first: list[Row] = [*shelf.living, *shelf.rows]
    rows = [cells(one, width, now) for one in first]
    if shelf.ended:
        rows.append(LAYOUT.across(ended_words(shelf), width))
        rows += [cells(one, width, now) for one in shelf.ended]
    return plain_lines(heading(shelf, width, now), shelf.trouble, LAYOUT, width, rows)
