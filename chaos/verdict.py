"""What came of an experiment: pass, fail, invalid or inconclusive, with its reason. Pure.

Chaos Toolkit's status and exit code are no help: both are green when the baseline was not met, when the fault
could not be set, when a rollback failed, when the steady state was lost only meanwhile, and when a control
crashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from keelwatch.runs import Verdict, failed, inconclusive, invalid, passed
from keelwatch.workspace.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Answers:
    """How often the hypothesis held, did not, and could not be told; `first` is the probe that did not."""

    met: int = 0
    missed: int = 0
    unknown: int = 0
    first: str = ""

    @property
    def word(self) -> str:
        if self.missed:
            return "deviated"
        if self.unknown:
            return "unknown"
        return "met" if self.met else "not asked"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a verdict rests on. `ended`: Chaos Toolkit went to its end. `died` is what became of its
    process otherwise. `unfinished` are activities of the method that neither succeeded nor failed, also those
    that never began. `reached`: whether the fault was seen to reach traffic, None where nobody said how it
    shows. The method lasted for `method_s`, and the hypothesis was to be asked `every_s` of it (0: not at
    all). `rollbacks` are those that failed, or were not played, and that nobody else verifies; texts are
    empty where nothing happened."""

    ended: bool = False
    died: str = ""
    not_begun: str = ""
    before: Answers = field(default_factory=Answers)
    during: Answers = field(default_factory=Answers)
    method_s: float = 0.0
    every_s: float = 0.0
    after: Answers = field(default_factory=Answers)
    actions: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    rollbacks: tuple[str, ...] = ()
    crashed: str = ""
    gate: str = ""
    out_of_bounds: str = ""
    overrun: str = ""
    interrupted: str = ""
    reached: bool | None = None
    load: str = ""


def judge(seen: Seen, trip: str = "", stopped: str = "") -> Verdict:
    """`trip` is why the guard ended it, `stopped` why a person did. What makes an experiment worthless comes
    before what it found; what is left behind presses most, whatever it found."""
    verdict = _judged(seen, trip, stopped)
    if not seen.rollbacks:
        return verdict
    words = f"{verdict.reason}; rollback-failed: {', '.join(seen.rollbacks)}"
    return Verdict(verdict.outcome, words, verdict.exit_code).but(ExitCode.LEFT_BEHIND)


def _judged(seen: Seen, trip: str, stopped: str) -> Verdict:
    if trip:
        return inconclusive(f"guard-tripped: {trip}").but(ExitCode.STOPPED)
    if stopped:
        return inconclusive(f"stopped: {stopped}").but(ExitCode.STOPPED)
    if seen.out_of_bounds:
        return invalid(f"out-of-bounds: {seen.out_of_bounds}").but(ExitCode.REFUSED)
    flaw = next(iter(_flaws(seen)), "")
    if flaw:
        return invalid(flaw)
    return _found(seen)


def _flaws(seen: Seen) -> Sequence[str]:
    """What makes it worthless."""
    reasons = {
        "not-begun": seen.not_begun,
        "control-crashed": seen.crashed,
        "baseline-not-met": seen.before.first if seen.before.missed or seen.before.unknown else "",
        "tool-died": seen.died,
        "load": seen.load,
        "action-failed": "; ".join(seen.actions) or seen.overrun,
        "unfinished": "; ".join(seen.unfinished)
        if seen.ended and not (seen.interrupted or seen.gate)
        else "",
    }
    return [f"{name}: {reason}" for name, reason in reasons.items() if reason]


def _found(seen: Seen) -> Verdict:
    for when, answers in (("during", seen.during), ("after", seen.after)):
        if answers.missed:
            return failed(f"hypothesis-deviated: {answers.first} ({when} the method)")
    if seen.gate:
        return inconclusive(f"control-interrupted: {seen.gate}").but(ExitCode.STOPPED)
    if seen.interrupted or not seen.ended:
        return inconclusive(f"interrupted: {seen.interrupted or 'it did not go to its end'}").but(
            ExitCode.STOPPED
        )
    dark = next((one.first for one in (seen.during, seen.after) if one.unknown), "")
    if dark:
        return inconclusive(f"hypothesis-unknown: {dark}")
    if seen.probes:
        return inconclusive(f"probe-failed: {'; '.join(seen.probes)}")
    return _proven(seen)


def _proven(seen: Seen) -> Verdict:
    """Whether what held was asked of somebody, and met the fault."""
    if not seen.before.met or not seen.after.met:
        return inconclusive("no-steady-state-hypothesis: nothing was asked of customers")
    if seen.every_s and seen.method_s > seen.every_s and not seen.during.met:
        return inconclusive(
            f"hypothesis-not-asked: nobody was asked during a method of {seen.method_s:.0f} s"
        )
    match seen.reached:
        case None:
            return inconclusive("reach-unproven: nobody said how the fault shows in traffic (`reaches`)")
        case False:
            return invalid("fault-never-reached-traffic")
    return passed("hypothesis-held")
