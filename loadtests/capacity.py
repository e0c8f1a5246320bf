"""The search for the highest rate within an objective, step by step, each a load of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keelwatch.ledger import JsonObject
from keelwatch.runs import Run, Verdict
from keelwatch.runs.fields import number, text
from keelwatch.safety.capacity import CAPACITY, Capacity
from loadtests.arrivals import Stage
from loadtests.certain import breached
from loadtests.gathered import Gathered
from loadtests.outcome import came_to, concluded, judged
from loadtests.run import Ending, Push, applied_of, measured_since
from loadtests.search import Interval, Next, Tried, next_step, proof_s, rest_s
from loadtests.verdict import Finding, late_for
from probes.one_time_code import STEP_S

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
        self._is_drained = False  # by the last step
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
                    self.run.wait(max(rest_s(tried, time.monotonic() - began), self._codes_s()))

    def _codes_s(self) -> float:
        """After a step that used up the accounts: until all of them have a one-time code again (s)."""
        return STEP_S - time.time() % STEP_S if self._is_drained else 0.0

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
        applied = applied_of(broker, gathered, ending, self.profile, length_s)
        self._is_drained = applied.no_account > 0
        if (outcome := came_to(step, applied, ending)) is not None:
            return outcome
        found = self._known[step.rate] = self.found(gathered, measured_since(broker, gathered))
        return judged(step, found)

    def _measured_s(self, step: Next) -> float:
        if not step.is_proof:
            return self.step_s
        return proof_s(self.step_s, [(one.samples, one.least) for one in self._known.get(step.rate, ())])

    def certainly(self, gathered: Gathered, whole_s: float) -> Ending | None:
        if late := late_for(gathered.late_s):
            return Ending(behind=late)
        breach = breached(self.thresholds, gathered, whole_s - WARM_UP_S)
        return Ending(breach=breach) if breach else None

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
