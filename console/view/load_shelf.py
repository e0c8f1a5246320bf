"""The Load screen as text: loads that run first, then the profiles with the last run of each, then what ended
lately. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.view import numbers
from console.view.last_run import LastRun, last_words
from console.view.overview import NARROW, Column

WIDE = (
    Column("state", "  PROFILE / RUN", 30),
    Column("now", "STATE", 12),
    Column("level", "LEVEL", 12, right=True),
    Column("lasts", "LASTS", 8, right=True),
    Column("last", "  LAST RUN / NOW", 57),
)
SMALL = (
    Column("state", "  PROFILE / RUN", 24),
    Column("now", "STATE", 10),
    Column("level", "LEVEL", 9, right=True),
    Column("lasts", "LASTS", 6, right=True),
    Column("last", "  LAST RUN / NOW", 30),
)
ENDED_ROW = "@ended"  # no run has this id


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile. `top` is its highest level: arrivals per second, or users; `budget` (0..1) what it may spend
    of each objective's."""

    name: str
    title: str
    owner: str
    model: str
    top: float
    length_s: float
    guard: tuple[str, ...]
    budget: float
    last: LastRun | None

    @property
    def key(self) -> str:
        return f"profile:{self.name}"

    @property
    def level(self) -> str:
        return level_words(self.top, is_open=self.model == "open")


@dataclass(frozen=True, slots=True)
class LoadRow:
    """A run of a load. `words` say how far it is, or how it ended, `at`."""

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
class LoadShelf:
    """Every profile of one environment, and its runs, at one time; `trouble` says what could not be read."""

    environment: str
    at: float
    rows: tuple[ProfileRow, ...] = ()
    runs: tuple[LoadRow, ...] = ()
    trouble: str = ""

    @property
    def living(self) -> tuple[LoadRow, ...]:
        return tuple(one for one in self.runs if not one.is_over)

    @property
    def ended(self) -> tuple[LoadRow, ...]:
        return tuple(one for one in self.runs if one.is_over)


def level_words(level: float, *, is_open: bool) -> str:
    return f"{level:g}/s" if is_open else f"{level:.0f} users"


def columns(width: int) -> tuple[Column, ...]:
    return WIDE if width >= NARROW else SMALL


def profile_cells(row: ProfileRow, width: int, now: float) -> dict[str, str]:
    return _fitted(
        {
            "state": f"  {row.name}",
            "now": "",
            "level": row.level,
            "lasts": numbers.length(row.length_s),
            "last": f"  {last_words(row.last, now)}",
        },
        width,
    )


def run_cells(row: LoadRow, width: int, now: float) -> dict[str, str]:
    short = row.run.rpartition("-")[2]
    ago = f"{numbers.length(now - row.at)} ago" if row.is_over else ""
    return _fitted(
        {
            "state": f"  {row.name} {short}",
            "now": row.phase.upper() if not row.is_over else row.phase,
            "level": ago,
            "lasts": "",
            "last": f"  {row.words}",
        },
        width,
    )


def ended_cells(found: LoadShelf, width: int) -> dict[str, str]:
    """The line above the runs that ended lately."""
    line = f"  ENDED in the last day, the newest {len(found.ended)}"
    cells, at = {}, 0
    for column in columns(width):
        cells[column.key] = line[at : at + column.width].ljust(column.width)
        at += column.width
    return cells


def _fitted(text: dict[str, str], width: int) -> dict[str, str]:
    return {column.key: column.fit(text[column.key]) for column in columns(width)}


def heading(shelf: LoadShelf, width: int, chip: str = "") -> str:
    running = len(shelf.living)
    parts = [f"Load {len(shelf.rows)} profile{'' if len(shelf.rows) == 1 else 's'}"]
    if chip:
        parts.append(f"filter: {chip}")
    parts.append(f"{running} RUNNING" if running else "none runs")
    if width >= NARROW:
        parts.append("loads that run first")
    return " | ".join(parts)


def matches(row: ProfileRow | LoadRow, expression: str) -> bool:
    """`text` or `!text`; an empty expression matches all."""
    text = expression.strip().removeprefix("/").lower()
    if text.startswith("!"):
        return not matches(row, text[1:])
    match row:
        case ProfileRow():
            return text in f"{row.name} {row.title} {row.owner} {row.model}".lower()
        case LoadRow():
            return text in f"{row.name} {row.run} {row.phase} {row.starter} {row.words}".lower()


def row_line(row: ProfileRow | LoadRow | None, shelf: LoadShelf) -> str:
    """More about the row under the cursor."""
    match row:
        case None:
            return shelf.trouble or "no profile matches"
        case ProfileRow():
            return f"{row.name}: {row.title} ({row.owner}); {row.model}, guarded by {', '.join(row.guard)}"
        case LoadRow():
            return f"{row.run} by {row.starter}: {row.words}"


def next_line(row: ProfileRow | LoadRow | None, shelf: LoadShelf, width: int, *, armed: bool) -> str:
    """The next key, with the command that does or shows the same."""
    more: list[str] = []
    match row:
        case None:
            keys = "esc: all of them"
        case ProfileRow():
            keys = "s: start it" if armed else "A, then s: start it"
            more = ["   enter: its last run"] if row.last else []
        case LoadRow() if row.is_over:
            keys = "enter: what came of it"
        case LoadRow():
            keys, more = "enter: watch it", ["   x: stop it"]
    return numbers.fit(f"NEXT  {keys}   ({twin(row, shelf.environment)})", more, width - 1)


def twin(row: ProfileRow | LoadRow | None, environment: str) -> str:
    """The command that starts a profile, or shows a run."""
    match row:
        case None:
            return f"keelwatch load list --env {environment}"
        case ProfileRow():
            return f"keelwatch load run {row.name} --env {environment} --arm"
        case LoadRow() if row.is_over:
            return f"keelwatch load show {row.run}"
        case LoadRow():
            return f"keelwatch attach {row.run}"


def confirm_lines(row: ProfileRow, environment: str) -> list[str]:
    """What somebody types the environment's name for."""
    per = "each of its objectives" if len(row.guard) > 1 else "its objective"
    return [
        f"{row.title}.",
        f"{row.level} at most, {row.model}, for {numbers.length(row.length_s)}, in {environment}.",
        "",
        f"guard   it ends when one of these burns: {', '.join(row.guard)}",
        f"budget  {numbers.percent(row.budget)} of the period's, of {per}, is set aside",
        "stop    x stops it at any time; what it did is taken back",
        "",
        twin(row, environment),
    ]


def stop_lines(row: LoadRow) -> list[str]:
    """What somebody confirms who stops it."""
    return [
        f"Stop {row.name}, {row.phase}: {row.words}?",
        "What its customers changed is taken back.",
        "",
        f"keelwatch stop {row.run}",
    ]


def shelf_lines(shelf: LoadShelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""

    def joined(cells: Iterable[dict[str, str]]) -> Sequence[str]:
        return ["".join(one.values()).rstrip() for one in cells]

    lines = [heading(shelf, width), *([shelf.trouble] if shelf.trouble else []), ""]
    lines.append("".join(column.fit(column.title) for column in columns(width)).rstrip())
    lines += joined(run_cells(one, width, now) for one in shelf.living)
    lines += joined(profile_cells(one, width, now) for one in shelf.rows)
    if shelf.ended:
        lines += joined([ended_cells(shelf, width)])
        lines += joined(run_cells(one, width, now) for one in shelf.ended)
    return lines
