"""How a run ends: one of four outcomes with a reason, or stopped, or paused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keelwatch.workspace.errors import ExitCode, KeelwatchError, worst


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 -- an outcome, no password
    FAIL = "fail"
    INVALID = "invalid"
    INCONCLUSIVE = "inconclusive"


_EXITS = {Outcome.PASS: ExitCode.PASS, Outcome.FAIL: ExitCode.FAIL}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is a few words in kebab-case or a sentence (`hypothesis-deviated`); `exit_code` is what
    a follower of the run ends with."""

    outcome: Outcome
    reason: str
    exit_code: ExitCode

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}" if self.reason else str(self.outcome)

    def but(self, code: ExitCode) -> Verdict:
        """The same verdict, ending with `code` where that is the more pressing one."""
        return Verdict(self.outcome, self.reason, worst([self.exit_code, code]))


def passed(reason: str = "") -> Verdict:
    return _verdict(Outcome.PASS, reason)


def failed(reason: str) -> Verdict:
    return _verdict(Outcome.FAIL, reason)


def invalid(reason: str) -> Verdict:
    return _verdict(Outcome.INVALID, reason)


def inconclusive(reason: str) -> Verdict:
    return _verdict(Outcome.INCONCLUSIVE, reason)


def stopped(reason: str) -> Verdict:
    return Verdict(Outcome.INCONCLUSIVE, f"stopped: {reason}", ExitCode.STOPPED)


def from_error(error: KeelwatchError) -> Verdict:
    return Verdict(Outcome.INVALID, error.message, error.exit_code)


def _verdict(outcome: Outcome, reason: str) -> Verdict:
    return Verdict(outcome, reason, _EXITS.get(outcome, ExitCode.UNKNOWN))


class Stopped(KeelwatchError):
    """Raised in the actor when the run was told to stop, or by it when a guard trips. Let it pass:
    the kernel undoes what is undone-able and closes the run (or pauses it, as its kind says)."""

    exit_code = ExitCode.STOPPED
