"""What a run has done stays so to its end: looked at again, and set again where a reload has lost it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keelwatch.adapters import haproxy
from keelwatch.runs import Effect, Fate, Stopped, UndoBy
from keelwatch.runs.verb import EffectClass
from keelwatch.workspace.errors import Fenced, InternalError, KeelwatchError, KernelError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.conduct.ask_world import Asked

if TYPE_CHECKING:
    from keelwatch.runs import Run
    from runbooks.conduct.record import Record

GO_ON, ABORT = "go-on", "abort"
EVERY_S = 5.0
NOBODY_KNOWS = frozenset({EffectClass.OPAQUE, EffectClass.KEYED})
"""Whose checks have nothing to tell: the target's answer was all there is."""


class Keeper:
    """Used by whichever thread carries a step out, and never beside an act."""

    def __init__(self, run: Run, record: Record) -> None:
        self._run = run
        self._record = record
        self._repeats = 0
        self._looked_at = time.monotonic()

    def require_as_left(self) -> None:
        """A run that is taken up again goes on only in the world that it left, unless a person says so."""
        if not self._record.progress().steps:
            return
        for one in self.again():
            if one.found.answer is Answer.NO:
                self._ask_about(f"{one.name}: no, {one.found.evidence}")

    def now_and_then(self) -> None:
        """`again`, where some time has passed since the last look: people may be thinking for long."""
        if time.monotonic() - self._looked_at > EVERY_S:
            self.again()

    def seen(self) -> None:
        """What was just done needs no look for a while."""
        self._looked_at = time.monotonic()

    def again(self) -> list[Asked]:
        """Whether what was done last to each target is still so. What a reload of the edge has lost is set
        again; what somebody else has decided is left alone, and told."""
        self.seen()
        found = []
        for effect in self._newest():
            condition = self._run.check(effect.action)
            if condition.answer is Answer.NO and haproxy.LOST in condition.evidence:
                condition = self._assert_again(effect, condition)
            found.append(Asked(f"{step_of(effect)} still holds", condition))
        return found

    def _ask_about(self, words: str) -> None:
        question = f"{words}. Somebody changed it meanwhile. Go on?"
        answered = self._run.ask_why(question, (GO_ON, ABORT), wants_note=(GO_ON,))
        if answered.choice == ABORT:
            self._record.abort(answered.note or words)

    def _newest(self) -> list[Effect]:
        """The last effect on each target, in order; of those that were done, and that anybody can tell of."""
        last = {one.target: one for one in self._run.effects if one.fate is Fate.DONE}
        last = {key: one for key, one in last.items() if one.effect_class not in NOBODY_KNOWS}
        return sorted(last.values(), key=lambda one: one.seq)

    def _assert_again(self, effect: Effect, found: Condition) -> Condition:
        step = step_of(effect)
        self._repeats += 1
        name = f"{step}/again-{len(self._run.effects)}-{self._repeats}"
        self._run.say(f"{step} no longer holds ({found.evidence}); asserted again")
        try:
            self._run.act(effect.action.verb, effect.action.args, step=name, undo=UndoBy.NOBODY)
        except (Stopped, Fenced, KernelError, InternalError):
            raise
        except KeelwatchError as error:
            return Condition.no(f"{found.evidence}; {error.message}")
        return self._run.check(effect.action)


def take_back(run: Run, step: str) -> tuple[bool, str]:
    """What `step` did, newest first, verified. Whether nothing of it is left, and so in words."""
    owed = [one for one in run.effects if one.step.startswith(f"{step}/") and one.is_open]
    errors = [one.error for one in run.undo_all(f"{step}/") if one.error]
    if errors:
        return False, f"not taken back: {'; '.join(errors)}"
    return True, "taken back" if owed else "nothing to take back"


def step_of(effect: Effect) -> str:
    """The name of the step whose stage it is."""
    return effect.step.partition("/")[0]
