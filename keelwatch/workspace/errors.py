"""The one error tree of Keelwatch.

    KeelwatchError              message, hint, and the exit code of its kind
    |-- UsageError        2     the command line asks for something that cannot be
    |-- InputError        3     a file the user wrote is wrong; carries every problem at once
    |-- UnknownResult     4     the question could not be answered
    |-- SourceError       5     one of our sources cannot be reached, or answers nonsense
    |   `-- KernelError   5     our own ledger, stream or guardian fails: nothing may be done without it
    |-- Refused           6     safety says no: guard, freeze, lease, approval, not armed
    |   `-- Fenced        6     a later operator holds the lease; this one must stop
    |-- LeftBehind        8     an undo failed or an effect is in doubt: act now
    `-- InternalError    70     our own fault

No exception of a foreign library crosses an adapter: it is turned into one of these there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What every command ends with (design, section 2)."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    BAD_INPUT = 3
    UNKNOWN = 4
    SOURCE = 5
    REFUSED = 6
    STOPPED = 7
    LEFT_BEHIND = 8
    INTERNAL = 70


PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.BAD_INPUT,
    ExitCode.LEFT_BEHIND,
    ExitCode.REFUSED,
    ExitCode.STOPPED,
    ExitCode.SOURCE,
    ExitCode.FAIL,
    ExitCode.UNKNOWN,
    ExitCode.PASS,
)


def worst(codes: Sequence[ExitCode]) -> ExitCode:
    """The code that a command with several outcomes ends with; `PASS` for none."""
    return next((code for code in PRECEDENCE if code in codes), ExitCode.PASS)


class KeelwatchError(Exception):
    """What happened (`message`) and what to do next (`hint`, may be empty)."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KeelwatchError):
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one place of a file; `line` and `column` count from 1."""

    file: Path
    line: int
    column: int
    found: str
    expected: str
    did_you_mean: str = ""

    def __str__(self) -> str:
        hint = f"; did you mean {self.did_you_mean!r}?" if self.did_you_mean else ""
        return f"{self.file}:{self.line}:{self.column}: found {self.found}, expected {self.expected}{hint}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, by its place; of one place always in the same order."""
    return sorted(set(problems), key=_place_and_words)


def _place_and_words(one: Problem) -> tuple[str, int, int, str, str, str]:
    return (str(one.file), one.line, one.column, one.found, one.expected, one.did_you_mean)


MOST_TOLD = 20


def lines_of(problems: Sequence[Problem]) -> list[str]:
    """A line each, but no more than can be read: the rest is counted."""
    lines = [str(problem) for problem in problems[:MOST_TOLD]]
    return [*lines, f"and {len(problems) - MOST_TOLD} more"] if len(problems) > MOST_TOLD else lines


class InputError(KeelwatchError):
    """A file is wrong. Carries all problems found, not only the first."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(lines_of(problems)))
        self.problems = tuple(problems)


class UnknownResult(KeelwatchError):
    exit_code = ExitCode.UNKNOWN


class SourceError(KeelwatchError):
    exit_code = ExitCode.SOURCE


class KernelError(SourceError):
    """No target's fault, so no target may be given up for it."""


class Refused(KeelwatchError):
    exit_code = ExitCode.REFUSED


class Fenced(Refused):
    """The lease this actor held has passed to another; nothing it does counts any more."""


class LeftBehind(KeelwatchError):
    exit_code = ExitCode.LEFT_BEHIND


class InternalError(KeelwatchError):
    exit_code = ExitCode.INTERNAL
