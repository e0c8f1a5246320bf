"""The Chaos screen as text: experiments that run first, then each with its last run, then what is broken and
owed, then what ended lately. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.bounds import Bounds
from console.view import numbers
from console.view.columns import NARROW, Column, Layout
from console.view.last_run import LastRun, last_words
from console.view.listed import CourseRow, Listed, ended_line, fits, plain_lines, short, state_words

LAYOUT = Layout(
    wide=(
        Column("state", "  EXPERIMENT / RUN", 30),
        Column("now", "STATE", 12),
        Column("component", "COMPONENT", 12),
        Column("expect", "EXPECTS", 9),
        Column("last", "  LAST RUN / NOW", 56),
    ),
    small=(
        Column("state", "  EXPERIMENT / RUN", 25),
        Column("now", "STATE", 10),
        Column("component", "COMPONENT", 10),
        Column("expect", "EXPECTS", 7),
        Column("last", "  LAST RUN / NOW", 27),
    ),
)
OPEN_ROW = "@open"  # no run has this id


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    name: str
    title: str
    bounds: Bounds
    last: LastRun | None

    @property
    def key(self) -> str:
        return f"experiment:{self.name}"

    @property
    def surprise(self) -> str:
        """How its last run was not what it expects; empty when it was, or nobody can tell."""
        expect = self.bounds.expect
        if self.last is None or not expect or self.last.outcome in {expect, "inconclusive"}:
            return ""
        return f", {expect.upper()} EXPECTED"


@dataclass(frozen=True, slots=True)
class OpenRow:
    """An undo that is owed: `care` says who looks after it, `words` what was done, `undo` the command that
    takes it back, `until` (Unix s) when the fault ends by itself, where it does."""

    run: str
    seq: int
    name: str
    care: str
    words: str
    undo: str
    since: float
    until: float | None = None
    error: str = ""

    @property
    def key(self) -> str:
        return f"open:{self.run}:{self.seq}"

    @property
    def needs_heal(self) -> bool:
        return self.care in {"orphaned", "failed"}


type Row = ExperimentRow | CourseRow | OpenRow


@dataclass(frozen=True, slots=True)
class ChaosShelf(Listed[ExperimentRow, CourseRow]):
    """Every experiment of one environment, its runs, and what is broken there."""

    @property
    def running(self) -> tuple[CourseRow, ...]:
        return tuple(one for one in self.living if one.is_looked_after)

    owed: tuple[OpenRow, ...] = ()
    owed_known: bool = True


def cells(row: Row, width: int, now: float) -> dict[str, str]:
    match row:
        case ExperimentRow():
            texts = {
                "state": row.name,
                "now": "" if row.bounds.is_guarded else "NO GUARD",
                "component": row.bounds.component or numbers.DASH,
                "expect": row.bounds.expect or numbers.DASH,
                "last": last_words(row.last, now, row.surprise),
            }
        case CourseRow():
            texts = {
                "state": f"{row.name} {short(row.run)}",
                "now": state_words(row.phase, is_over=row.is_over),
                "component": row.ago(now),
                "expect": "",
                "last": row.words,
            }
        case OpenRow():
            texts = {
                "state": f"{row.name} {short(row.run)}",
                "now": row.care.upper() if row.needs_heal else row.care,
                "component": numbers.length(now - row.since),
                "expect": "",
                "last": f"{ends_words(row, now)}{row.words}",
            }
    texts |= {"state": f"  {texts['state']}", "last": f"  {texts['last']}"}
    return LAYOUT.fitted(texts, width)


def ends_words(row: OpenRow, now: float) -> str:
    """`ends in 1m46s: `."""
    if row.until is None:
        return ""
    return f"ends in {numbers.length(row.until - now)}: " if row.until > now else "has ended by itself: "


def open_words(found: ChaosShelf) -> str:
    """How much is owed, and by whom it is looked after: stands above all that is."""
    if not found.owed_known:
        return "OPEN FAULTS not known"
    if not found.owed:
        return "OPEN FAULTS none: nothing of an experiment is owed in this environment"
    mine = sum(one.needs_heal for one in found.owed)
    words = f"OPEN FAULTS {len(found.owed)}: who holds each, and for how long"
    return f"{words}; {mine} LEFT: keelwatch heal" if mine else words


def heading(shelf: ChaosShelf, width: int, chip: str = "") -> str:
    count, running = len(shelf.rows), len(shelf.running)
    parts = [f"Chaos {count} experiment{'' if count == 1 else 's'}"]
    if chip:
        parts.append(f"filter: {chip}")
    parts.append(f"{running} RUNNING" if running else "none runs")
    left = sum(one.needs_heal for one in shelf.owed)
    if left:
        parts.append(f"{left} LEFT BEHIND: keelwatch heal")
    else:
        parts.append(f"{len(shelf.owed)} open fault{'' if len(shelf.owed) == 1 else 's'}")
    return numbers.fit(parts[0], [f" | {one}" for one in parts[1:]], width - 1)


def matches(row: Row, expression: str) -> bool:
    match row:
        case ExperimentRow():
            told = f"{row.name} {row.title} {row.bounds.component} {row.bounds.expect}"
        case CourseRow():
            told = row.told
        case OpenRow():
            told = f"{row.name} {row.run} {row.care} {row.words}"
    return fits(told, expression)


def row_line(row: Row | None, shelf: ChaosShelf) -> str:
    """More about the row under the cursor."""
    match row:
        case None:
            return shelf.trouble or "no experiment matches"
        case ExperimentRow():
            guarded = ", ".join(row.bounds.objectives) or "nothing: it cannot pass"
            return f"{row.title}; guarded by {guarded}"
        case CourseRow():
            return f"{row.run} by {row.starter}: {row.words}"
        case OpenRow():
            error = f": {row.error}" if row.error else ""
            return f"{row.care} by {row.run}{error}; undo: {row.undo}"


def next_line(row: Row | None, shelf: ChaosShelf, width: int) -> str:
    """The next key, with the command that does or shows the same."""
    more: list[str] = []
    match row:
        case None:
            keys = "esc: all of them"
        case ExperimentRow():
            keys, more = "enter: what it would do", ["   l: its last run"] if row.last else []
        case CourseRow() if row.is_over:
            keys = "enter: what came of it"
        case CourseRow(phase="orphaned"):
            keys, more = "nobody looks after it: in a shell", ["   enter: what it has left"]
        case CourseRow():
            keys, more = "enter: watch it", ["   x: stop it and take back"]
        case OpenRow() if row.needs_heal:
            keys = "nobody looks after it: in a shell"
        case OpenRow():
            keys = "its run, or its guardian, takes it back"
    return numbers.fit(f"NEXT  {keys}   ({twin(row, shelf.environment)})", more, width - 1)


def twin(row: Row | None, environment: str) -> str:
    """The command that plans an experiment, shows a run, or heals."""
    match row:
        case None:
            return f"keelwatch chaos list --env {environment}"
        case ExperimentRow():
            return f"keelwatch chaos dry-run {row.name} --env {environment}"
        case CourseRow() if row.is_over:
            return f"keelwatch chaos show {row.run}"
        case CourseRow(phase="orphaned"):
            return "keelwatch heal"
        case CourseRow():
            return f"keelwatch attach {row.run}"
        case OpenRow():
            return "keelwatch heal" if row.needs_heal else "keelwatch heal --list"


def stop_lines(row: CourseRow) -> list[str]:
    """What somebody confirms who stops it."""
    return [
        f"Stop {row.name}, {row.phase}: {row.words}?",
        "Its rollbacks are played, and what it did is taken back.",
        "",
        f"keelwatch stop {row.run}",
    ]


def shelf_lines(shelf: ChaosShelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""
    first: list[Row] = [*shelf.living, *shelf.rows]
    rows = [cells(one, width, now) for one in first]
    rows.append(LAYOUT.across(f"  {open_words(shelf)}", width))
    rows += [cells(one, width, now) for one in shelf.owed]
    if shelf.ended:
        rows.append(LAYOUT.across(ended_line(len(shelf.ended)), width))
        rows += [cells(one, width, now) for one in shelf.ended]
    return plain_lines(heading(shelf, width), shelf.trouble, LAYOUT, width, rows)
