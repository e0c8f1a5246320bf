"""What a screen lists of one environment: things, runs of them, and those that ended lately. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from console.view import numbers
from console.view.columns import Layout

ENDED_ROW = "@ended"  # no run has this id


class Goes(Protocol):
    @property
    def is_over(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A run of a load or an experiment. `words` say how far it is, or how it ended, `at`."""

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

    @property
    def is_looked_after(self) -> bool:
        """Whether it goes on: one that is orphaned has a row of its own, and runs no more."""
        return self.phase not in {"ended", "orphaned"}

    @property
    def told(self) -> str:
        """What a filter looks at."""
        return f"{self.name} {self.run} {self.phase} {self.starter} {self.words}"

    def ago(self, now: float) -> str:
        """Since when it is over; empty while it is not."""
        return f"{numbers.length(now - self.at)} ago" if self.is_over else ""


@dataclass(frozen=True, slots=True)
class Listed[Thing, Run: Goes]:
    """At one time; `trouble` says what could not be read."""

    environment: str
    at: float
    rows: tuple[Thing, ...] = ()
    runs: tuple[Run, ...] = ()
    trouble: str = ""

    @property
    def living(self) -> tuple[Run, ...]:
        return tuple(one for one in self.runs if not one.is_over)

    @property
    def ended(self) -> tuple[Run, ...]:
        return tuple(one for one in self.runs if one.is_over)


def short(run: str) -> str:
    """The end of its id, which tells it from others of its name."""
    return run.rpartition("-")[2]


def state_words(phase: str, *, is_over: bool) -> str:
    return phase if is_over else phase.upper()


def ended_line(count: int) -> str:
    """Stands above the runs that ended lately."""
    return f"  ENDED in the last day, the newest {count}"


def fits(told: str, expression: str) -> bool:
    """`text` or `!text`; an empty expression fits all."""
    text = expression.strip().removeprefix("/").lower()
    if text.startswith("!"):
        return not fits(told, text[1:])
    return text in told.lower()


def plain_lines(
    heading: str, trouble: str, layout: Layout, width: int, rows: Iterable[Mapping[str, str]]
) -> list[str]:
    """A whole screen as lines; each of `rows` is the cells of one."""
    lines = [heading, *([trouble] if trouble else []), "", layout.header(width).rstrip()]
    return [*lines, *("".join(cells.values()).rstrip() for cells in rows)]
