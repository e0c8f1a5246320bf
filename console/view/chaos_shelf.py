"""The Chaos screen as text: experiments that run first, then each with its last run, then what is broken and
owed, then what ended lately. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.bounds import Bounds
from console.view import numbers
from console.view.last_run import LastRun, last_words
from console.view.overview import NARROW, Column

WIDE = (
    Column("state", "  EXPERIMENT / RUN", 30),
    Column("now", "STATE", 12),
    Column("component", "COMPONENT", 12),
    Column("expect", "EXPECTS", 9),
    Column("last", "  LAST RUN / NOW", 56),
)
SMALL = (
    Column("state", "  EXPERIMENT / RUN", 25),
    Column("now", "STATE", 10),
    Column("component", "COMPONENT", 10),
    Column("expect", "EXPECTS", 7),
    Column("last", "  LAST RUN / NOW", 27),
)
OPEN_ROW, ENDED_ROW = "@open", "@ended"  # no run has these ids


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
class ChaosRow:
    """A run of an experiment. `words` say how far it is, or how it ended, `at`."""

    run: str
    name: str
    phase: str
    started: float
    starter: str
    words: str
    at: float

    @property
    def key(self) -> str:
        return f"run:{self.run}"

    @property
    def is_over(self) -> bool:
        return self.phase == "ended"


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


type Row = ExperimentRow | ChaosRow | OpenRow


@dataclass(frozen=True, slots=True)
class ChaosShelf:
    """Every experiment of one environment, its runs, and all that is owed there, at one time; `trouble` says
    what could not be read."""

    environment: str
    at: float
    rows: tuple[ExperimentRow, ...] = ()
    runs: tuple[ChaosRow, ...] = ()
    owed: tuple[OpenRow, ...] = ()
    trouble: str = ""
    owed_known: bool = True

    @property
    def living(self) -> tuple[ChaosRow, ...]:
        return tuple(one for one in self.runs if not one.is_over)

    @property
    def ended(self) -> tuple[ChaosRow, ...]:
        return tuple(one for one in self.runs if one.is_over)


def columns(width: int) -> tuple[Column, ...]:
    return WIDE if width >= NARROW else SMALL


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
        case ChaosRow():
            ago = f"{numbers.length(now - row.at)} ago" if row.is_over else ""
            state = row.phase if row.is_over else row.phase.upper()
            name = f"{row.name} {short(row.run)}"
            texts = {"state": name, "now": state, "component": ago, "expect": "", "last": row.words}
        case OpenRow():
            texts = {
                "state": f"{row.name} {short(row.run)}",
                "now": row.care.upper() if row.needs_heal else row.care,
                "component": numbers.length(now - row.since),
                "expect": "",
                "last": f"{ends_words(row, now)}{row.words}",
            }
    texts |= {"state": f"  {texts['state']}", "last": f"  {texts['last']}"}
    return {column.key: column.fit(texts[column.key]) for column in columns(width)}


def ends_words(row: OpenRow, now: float) -> str:
    """`ends in 1m46s: `."""
    if row.until is None:
        return ""
    return f"ends in {numbers.length(row.until - now)}: " if row.until > now else "has ended by itself: "


def short(run: str) -> str:
    return run.rpartition("-")[2]


def heading_cells(found: ChaosShelf, key: str, width: int) -> dict[str, str]:
    """The line above what is owed, and above what ended lately."""
    if key == ENDED_ROW:
        line = f"  ENDED in the last day, the newest {len(found.ended)}"
    else:
        line = f"  {open_words(found)}"
    told, at = {}, 0
    for column in columns(width):
        told[column.key] = line[at : at + column.width].ljust(column.width)
        at += column.width
    return told


def open_words(found: ChaosShelf) -> str:
    """How much is owed, and by whom it is looked after."""
    if not found.owed_known:
        return "OPEN FAULTS not known"
    if not found.owed:
        return "OPEN FAULTS none: nothing is owed in this environment"
    mine = sum(one.needs_heal for one in found.owed)
    words = f"OPEN FAULTS {len(found.owed)}: who holds each, and for how long"
    return f"{words}; {mine} LEFT: keelwatch heal" if mine else words


def heading(shelf: ChaosShelf, width: int, chip: str = "") -> str:
    count, running = len(shelf.rows), len(shelf.living)
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
    """`text` or `!text`; an empty expression matches all."""
    text = expression.strip().removeprefix("/").lower()
    if text.startswith("!"):
        return not matches(row, text[1:])
    match row:
        case ExperimentRow():
            told = f"{row.name} {row.title} {row.bounds.component} {row.bounds.expect}"
        case ChaosRow():
            told = f"{row.name} {row.run} {row.phase} {row.starter} {row.words}"
        case OpenRow():
            told = f"{row.name} {row.run} {row.care} {row.words}"
    return text in told.lower()


def row_line(row: Row | None, shelf: ChaosShelf) -> str:
    """More about the row under the cursor."""
    match row:
        case None:
            return shelf.trouble or "no experiment matches"
        case ExperimentRow():
            guarded = ", ".join(row.bounds.objectives) or "nothing: it cannot pass"
            return f"{row.title}; guarded by {guarded}"
        case ChaosRow():
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
        case ChaosRow() if row.is_over:
            keys = "enter: what came of it"
        case ChaosRow(phase="orphaned"):
            keys, more = "nobody looks after it: in a shell", ["   enter: what it has left"]
        case ChaosRow():
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
        case ChaosRow() if row.is_over:
            return f"keelwatch chaos show {row.run}"
        case ChaosRow(phase="orphaned"):
            return "keelwatch heal"
        case ChaosRow():
            return f"keelwatch attach {row.run}"
        case OpenRow():
            return "keelwatch heal" if row.needs_heal else "keelwatch heal --list"


def stop_lines(row: ChaosRow) -> list[str]:
    """What somebody confirms who stops it."""
    return [
        f"Stop {row.name}, {row.phase}: {row.words}?",
        "Its rollbacks are played, and what it did is taken back.",
        "",
        f"keelwatch stop {row.run}",
    ]


def shelf_lines(shelf: ChaosShelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""

    def joined(texts: dict[str, str]) -> str:
        return "".join(texts.values()).rstrip()

    lines = [heading(shelf, width), *([shelf.trouble] if shelf.trouble else []), ""]
    lines.append("".join(column.fit(column.title) for column in columns(width)).rstrip())
    first: list[Row] = [*shelf.living, *shelf.rows]
    lines += [joined(cells(one, width, now)) for one in first]
    lines.append(joined(heading_cells(shelf, OPEN_ROW, width)))
    lines += [joined(cells(one, width, now)) for one in shelf.owed]
    if shelf.ended:
        lines.append(joined(heading_cells(shelf, ENDED_ROW, width)))
        lines += [joined(cells(one, width, now)) for one in shelf.ended]
    return lines
