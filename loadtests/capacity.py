"""The search for the highest rate within an objective, step by step, each a load of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keelwatch.ledger import JsonObject
from keelwatch.runs import Run, Verdict, failed, inconclusive, passed
from keelwatch.runs.fields import number, text
from keelwatch.safety.capacity import CAPACITY, Capacity
from keelwatch.workspace.errors import ExitCode
from loadtests.arrivals import Stage
from loadtests.certain import breached
from loadtests.gathered import Gathered
from loadtests.run import Push, applied_of, measured_since
from loadtests.search import Interval, Next, Tried, next_step, proof_s, rest_s
from loadtests.verdict import (
    Applied,
    Finding,
    failures_of,
    flaws_of_any_rate,
    flaws_of_the_rate,
    late_findings,
    missed_findings,
)

if TYPE_CHECKING:
    from loadtests.spec import Threshold

WARM_UP_S = 2.0


def search(run: Run) -> Verdict:
    return _Search(run).go()


class _Search(Push):
    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.objective = text(run.args, "objective")
        self.step_s = number(run.args, "step_s")
        self.first = number(run.args, "first")
        self.most = number(run.args, "most")
        self._known: dict[float, list[Finding]] = {}  # what the last step at a rate has found

    @property
    def thresholds(self) -> Sequence[Threshold]:
        """Those of the profile, and the objective."""
        from loadtests.spec import Threshold

        known = super().thresholds
        if not self.objective or self.objective in {one.objective for one in known}:
            return known
        return [*known, Threshold(objective=self.objective)]

    def pushed(self, stages: Sequence[Stage]) -> Verdict:  # noqa: ARG002 -- the search has its own
        tried: list[Tried] = []
        while True:
            match next_step(tried, self.first, self.most):
                case Interval() as found:
                    return self._found(found)
                case Next() as step:
                    began = time.monotonic()
                    outcome = self._step(step)
                    self.seed += 1  # other arrivals: the same burst again would be no second opinion
                    if isinstance(outcome, Verdict):
                        return outcome
                    tried.append(outcome)
                    self._tell(outcome)
                    self.run.wait(rest_s(tried, time.monotonic() - began))

    def _planned(self, stages: Sequence[Stage]) -> JsonObject:
        """How long each step is, and that how many there are is not known yet."""
        step = [self.first, self.most, WARM_UP_S + self.step_s]
        told: JsonObject = {"search": True, "stages": [step], "warm_up_s": WARM_UP_S}
        return {**super()._planned(stages), **told, "objective": self.objective}

    def _step(self, step: Next) -> Tried | Verdict:
        """What came of it; a verdict where it ends the search."""
        length_s = WARM_UP_S + self._measured_s(step)
        gathered = Gathered(WARM_UP_S)
        broker, ending = self.applied([Stage(step.rate, step.rate, length_s)], gathered)
        if ending.trip:
            return inconclusive(f"guard-tripped: {ending.trip}").but(ExitCode.STOPPED)
        if ending.stopped:
            return inconclusive(f"stopped: {ending.stopped}").but(ExitCode.STOPPED)
        applied = applied_of(broker, gathered, ending, self.profile, length_s)
        if flaws := "; ".join(flaws_of_any_rate(applied)):
            return inconclusive(f"load-invalid: at {step.rate:.4g} per second: {flaws}")
        if ours := "; ".join(flaws_of_the_rate(applied)):
            return Tried(step.rate, held=False, reason=ours, is_proof=step.is_proof, is_pushed=False)
        if reason := ending.breach or _dropped(applied) or failures_of(applied):
            return Tried(step.rate, held=False, reason=reason, is_proof=step.is_proof)
        found = self._known[step.rate] = self.found(gathered, measured_since(broker, gathered))
        return judged(step, found)

    def _measured_s(self, step: Next) -> float:
        if not step.is_proof:
            return self.step_s
        return proof_s(self.step_s, [(one.samples, one.least) for one in self._known.get(step.rate, ())])

    def certainly(self, gathered: Gathered, whole_s: float) -> str:
        return breached(self.thresholds, gathered, whole_s - WARM_UP_S)

    def _tell(self, one: Tried) -> None:
        words = f"{_word(one)}: {one.reason}" if one.reason else _word(one)
        proof = ", confirmed" if one.is_proof else ""
        self.run.say(f"{one.rate:.4g} per second {words}{proof}")
        payload: JsonObject = {
            "rate": one.rate,
            "held": one.held,
            "reason": one.reason,
            "is_proof": one.is_proof,
            "is_pushed": one.is_pushed,
        }
        self.run.note("tried", payload)

    def _found(self, found: Interval) -> Verdict:
        capacity = Capacity(
            self.run.spec.env,
            self.profile.name,
            self.objective,
            found.last_ok,
            found.first_breach,
            time.time(),
            found.out_of_reach,
        )
        if found.last_ok or found.first_breach is not None:
            self.run.note(CAPACITY, capacity.payload())
        return concluded(found)


def _word(one: Tried) -> str:
    if one.held:
        return "may hold" if one.reason else "holds"
    return "does not hold" if one.is_pushed else "cannot be pushed"


def _dropped(applied: Applied) -> str:
    return f"arrivals-dropped: {applied.dropped} of {applied.due}" if applied.dropped else ""


def concluded(found: Interval) -> Verdict:
    """A rate that holds is an answer, though nobody here may be able to push what would be too much."""
    ok, breach, end = found.last_ok, found.first_breach, found.out_of_reach
    if end is not None and not ok:
        return inconclusive(f"generator-is-the-limit: not even {end:.4g} per second: {found.why}")
    if end is not None:
        return passed(f"holds at {ok:.4g} per second; {end:.4g} cannot be pushed from here: {found.why}")
    if breach is None:
        return passed(f"holds at {ok:.4g} per second, the most that was to be tried")
    if not ok:
        return failed(f"not even {breach:.4g} per second holds: {found.why}")
    return passed(f"between {ok:.4g} and {breach:.4g} journeys per second: {found.why}")


def judged(step: Next, findings: Sequence[Finding]) -> Tried | Verdict:
    """What came of a step that was applied as ordered. One that confirms that a rate holds must have measured
    every threshold; any other that had too few requests for all of them is only a reason to try more. What
    nobody could measure however many there were ends the search: nothing stands between it and the limit."""
    if missed := "; ".join(missed_findings(findings)):
        return Tried(step.rate, held=False, reason=missed, is_proof=step.is_proof)
    if ours := "; ".join(late_findings(findings)):
        return Tried(step.rate, held=False, reason=ours, is_proof=step.is_proof, is_pushed=False)
    dark = [one for one in findings if one.value is None]
    words = "; ".join(f"{one.name}: {one.reason}" for one in dark)
    is_blind = len(dark) == len(findings)
    confirms = step.is_proof and not step.is_doubt
    if dark and (confirms or (is_blind and not any(one.least for one in dark))):
        return inconclusive(f"too-few-samples: {words} (at {step.rate:.4g} per second)")
    return Tried(step.rate, held=True, reason=words if is_blind else "", is_proof=step.is_proof and not dark)
