"""The Load screen as text: loads that run first, then the profiles with the last run of each, then what ended
lately. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console.view import numbers
from console.view.columns import NARROW, Column, Layout
from console.view.last_run import LastRun, last_words
from console.view.listed import CourseRow, Listed, ended_line, fits, plain_lines, short, state_words

LAYOUT = Layout(
    wide=(
        Column("state", "  PROFILE / RUN", 30),
        Column("now", "STATE", 12),
        Column("level", "LEVEL", 12, right=True),
        Column("lasts", "LASTS", 8, right=True),
        Column("last", "  LAST RUN / NOW", 57),
    ),
    small=(
        Column("state", "  PROFILE / RUN", 24),
        Column("now", "STATE", 10),
        Column("level", "LEVEL", 9, right=True),
        Column("lasts", "LASTS", 6, right=True),
        Column("last", "  LAST RUN / NOW", 30),
    ),
)


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


type Row = ProfileRow | CourseRow


class LoadShelf(Listed[ProfileRow, CourseRow]):
    """Every profile of one environment, and its runs."""


def level_words(level: float, *, is_open: bool) -> str:
    return f"{level:g}/s" if is_open else f"{level:.0f} users"


def cells(row: Row, width: int, now: float) -> dict[str, str]:
    match row:
        case ProfileRow():
            texts = {
                "state": row.name,
                "now": "",
                "level": row.level,
                "lasts": numbers.length(row.length_s),
                "last": last_words(row.last, now),
            }
        case CourseRow():
            texts = {
                "state": f"{row.name} {short(row.run)}",
                "now": state_words(row.phase, is_over=row.is_over),
                "level": row.ago(now),
                "lasts": "",
                "last": row.words,
            }
    texts |= {"state": f"  {texts['state']}", "last": f"  {texts['last']}"}
    return LAYOUT.fitted(texts, width)


def heading(shelf: LoadShelf, width: int, chip: str = "") -> str:
    running = sum(one.is_looked_after for one in shelf.living)
    parts = [f"Load {len(shelf.rows)} profile{'' if len(shelf.rows) == 1 else 's'}"]
    if chip:
        parts.append(f"filter: {chip}")
    parts.append(f"{running} RUNNING" if running else "none runs")
    if width >= NARROW:
        parts.append("loads that run first")
    return " | ".join(parts)


def matches(row: Row, expression: str) -> bool:
    match row:
        case ProfileRow():
            told = f"{row.name} {row.title} {row.owner} {row.model}"
        case CourseRow():
            told = row.told
    return fits(told, expression)


def row_line(row: Row | None, shelf: LoadShelf) -> str:
    """More about the row under the cursor."""
    match row:
        case None:
            return shelf.trouble or "no profile matches"
        case ProfileRow():
            return f"{row.name}: {row.title} ({row.owner}); {row.model}, guarded by {', '.join(row.guard)}"
        case CourseRow():
            return f"{row.run} by {row.starter}: {row.words}"


def next_line(row: Row | None, shelf: LoadShelf, width: int, *, armed: bool) -> str:
    """The next key, with the command that does or shows the same."""
    more: list[str] = []
    match row:
        case None:
            keys = "esc: all of them"
        case ProfileRow():
            keys = "s: start it" if armed else "A, then s: start it"
            more = ["   enter: its last run"] if row.last else []
        case CourseRow() if row.is_over:
            keys = "enter: what came of it"
        case CourseRow():
            keys, more = "enter: watch it", ["   x: stop it"]
    return numbers.fit(f"NEXT  {keys}   ({twin(row, shelf.environment)})", more, width - 1)


def twin(row: Row | None, environment: str) -> str:
    """The command that starts a profile, or shows a run."""
    match row:
        case None:
            return f"keelwatch load list --env {environment}"
        case ProfileRow():
            return f"keelwatch load run {row.name} --env {environment} --arm"
        case CourseRow() if row.is_over:
            return f"keelwatch load show {row.run}"
        case CourseRow():
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


def stop_lines(row: CourseRow) -> list[str]:
    """What somebody confirms who stops it."""
    return [
        f"Stop {row.name}, {row.phase}: {row.words}?",
        "What its customers changed is taken back.",
        "",
        f"keelwatch stop {row.run}",
    ]


def shelf_lines(shelf: LoadShelf, now: float, width: int = NARROW + 1) -> list[str]:
    """The whole screen as plain lines."""
    first: list[Row] = [*shelf.living, *shelf.rows]
    rows = [cells(one, width, now) for one in first]
    if shelf.ended:
        rows.append(LAYOUT.across(ended_line(len(shelf.ended)), width))
        rows += [cells(one, width, now) for one in shelf.ended]
    return plain_lines(heading(shelf, width), shelf.trouble, LAYOUT, width, rows)
