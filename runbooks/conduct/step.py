"""One step carried out: its rules, its act under a guard, and what a person says when it fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keelwatch.runs import Action, Fate, LeftInDoubt, Run, Stopped, UndoBy
from keelwatch.workspace.errors import (
    Fenced,
    InternalError,
    KeelwatchError,
    KernelError,
    Refused,
    UnknownResult,
)
from keelwatch.workspace.reading import Answer
from runbooks.conduct.ask_world import Asked, World, until
from runbooks.conduct.keep import Keeper, take_back
from runbooks.conduct.people import People
from runbooks.conduct.progress import StepState
from runbooks.conduct.record import Aborted, Tripped, WentBack
from runbooks.conduct.watch_step import step_guard
from runbooks.inputs import fill
from runbooks.stages import Mode, Stage, at_moment, stages_of
from runbooks.verbs.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelwatch.ledger import JsonObject
    from keelwatch.safety import Watching
    from runbooks.conduct.order import Order
    from runbooks.conduct.record import Record
    from runbooks.spec import RunbookSpec, Step

USUAL_LIMIT_S = 120.0
CLEAR_S = 30.0
PAUSE_S = 0.2
FRESH_S = 1.0


class Doer:
    """Carries steps out. Steps of one group come in at the same time; questions to people go one by one."""

    def __init__(self, run: Run, order: Order, spec: RunbookSpec, world: World, record: Record) -> None:
        self._run = run
        self._order = order
        self._spec = spec
        self._world = world
        self._record = record
        self._people = People(run, order, world, record, self._keep)
        self._held_at = 0.0  # monotonic (s): when the rules were last seen to hold
        self.keeper = Keeper(run, record)
        self.is_alone = True
        run.while_asking(self.meanwhile)

    def meanwhile(self) -> None:
        """What a run does not lose sight of while people think. Raises `Aborted`."""
        self._record.refuse_aborted()
        self._keep()

    def carry_out(self, step: Step) -> None:
        """Until it is done, or a person or the runbook says that it is borne. Raises `Aborted`, `Stopped`,
        `WentBack`."""
        before = self._record.progress().step(step.id)
        if before.state.is_over:
            return
        match before.state:
            case StepState.FAILED if self._people.bear(step, Refused(before.words)):
                return  # it died or paused while it asked
            case StepState.TAKEN_BACK if self._people.do_again(step, before.words):
                return
            case StepState.WAITING | StepState.BEGUN:
                self._record.step(step.id, StepState.BEGUN)
        while not self._is_over(step):
            pass

    def _is_over(self, step: Step) -> bool:
        """Whether one try brought it to an end; False: it is to be tried again."""
        self._record.refuse_aborted()
        skipped = self._left_out(step)
        if skipped is not None:
            self._record.step(step.id, StepState.SKIPPED, skipped)
            return True
        acted = False
        try:
            self._require_rules(step)
            acted = True
            words = self._do(step)
            self._held_at = 0.0
            self.keeper.seen()
            acted = False
            self._require_rules(step)
        except (Stopped, Aborted, WentBack, Fenced, KernelError, InternalError):
            raise
        except LeftInDoubt as error:
            self._record.abort(error.message)
        except KeelwatchError as error:
            return self._people.bear(step, error, may_accept=acted)
        self._record.step(step.id, StepState.DONE, words)
        return True

    def _keep(self) -> None:
        if self.is_alone:
            self.keeper.now_and_then()

    def _left_out(self, step: Step) -> str | None:
        """Why the step is not done at all, if so. An approval is never left out: whoever started the run
        could say yes to their own."""
        said = self._record.progress().skips.get(step.id) if step.approve is None else None
        if said is not None:
            return said
        if self._is_ungraceful and step.ungraceful is not None and step.ungraceful.skip is not None:
            return fill(step.ungraceful.skip, self._order.values)
        return None

    def _require_rules(self, step: Step) -> None:
        """Raises `Refused` for a rule that does not hold, or that nobody can tell. What held a moment ago,
        after the step before, is not asked again: customers may be waiting."""
        if time.monotonic() - self._held_at < FRESH_S:
            return
        for asked in self._world.rules(self._spec.rules):
            if asked.found.answer is not Answer.YES:
                self._record.asked(f"rule {step.id}", asked)
                raise Refused(f"{asked.name}: {asked.found.answer}, {asked.found.evidence}")
        self._held_at = time.monotonic()

    def _do(self, step: Step) -> str:
        """Carry it out once; returns the evidence in words."""
        if step.approve is not None:
            return self._people.approve(step.id, step.approve)
        if step.human is not None:
            return self._people.do(step)
        if step.pg_lag is not None or step.probe is not None or step.slo_hold is not None:
            return self._look(step)
        return self._act(step)

    def _look(self, step: Step) -> str:
        from runbooks.spec import Condition as Wanted

        wanted = Wanted.model_construct(
            pg_lag=step.pg_lag, probe=step.probe, slo_hold=step.slo_hold, serving=None
        )

        def look() -> Sequence[Asked]:
            self._keep()
            return list(self._world.wanted(wanted))

        found = until(self._run, look, _limit_s(step), lambda: self._record.is_aborted)
        for one in found:
            self._record.asked(step.id, one)
            if one.found.answer is not Answer.YES:
                raise Refused(f"{one.name}: {one.found.answer}, {one.found.evidence}")
        return "; ".join(one.found.evidence for one in found)

    def _act(self, step: Step) -> str:
        """Every stage of it, each after the one before has stood as long as it must and nothing tripped."""
        end = time.monotonic() + _limit_s(step)
        words = ""
        with step_guard(step.stop_if, self._world, self._order.mode) as guard:
            for number, stage in enumerate(stages_of(step, self._order.values, self._order.mode), 1):
                self._record.refuse_aborted()
                evidence = self._stage(step, f"{step.id}/{number}", stage, end)
                words = _in_words(evidence) or words
                self._stand(step, stage, guard, end)
            for name, found in guard.answers.items():
                self._record.asked(f"guard {step.id}", Asked(name, found))
        return words

    def _stage(self, step: Step, name: str, stage: Stage, end: float) -> JsonObject:
        """What came of it; of one that was done before a later one failed, what came of it then."""
        left = {one.seq for one in self._run.left}
        effects = [one for one in self._run.effects if one.step == name and one.seq not in left]
        done = [one for one in effects if one.fate is Fate.DONE]
        if done:
            return done[-1].evidence or {}
        if time.monotonic() > end:
            raise UnknownResult(f"not done within {_limit_s(step):g} s; {name} was not begun")
        action = at_moment(self._world.placed(stage.action), time.time())
        undo = self._undo(step, action.verb)
        return self._run.act(action.verb, action.args, step=name, undo=undo, give_up_at=end)

    def _stand(self, step: Step, stage: Stage, guard: Watching, end: float) -> None:
        """What a stage made stands for as long as it must, and until the guard has seen it and is content."""
        began = time.monotonic()
        give_up = max(end, began + stage.hold_s + CLEAR_S) if step.stop_if is not None else end
        while True:
            self._record.refuse_aborted()
            if guard.trips:
                self._take_back(step, "; ".join(map(str, guard.trips)))
            stood = time.monotonic() - began >= stage.hold_s
            if stood and guard.is_clear_after(began):
                return
            if stood and time.monotonic() > give_up:
                told = "; ".join(f"{name}: {one.evidence}" for name, one in guard.answers.items())
                self._take_back(step, f"nobody could tell whether it is well ({told})")
            self._keep()
            self._run.wait(PAUSE_S)

    def _take_back(self, step: Step, why: str) -> None:
        """This one step, and say so. Raises `Tripped`."""
        _, back = take_back(self._run, step.id)
        self._record.step(step.id, StepState.TAKEN_BACK, f"{why}; {back}")
        raise Tripped(f"stopped: {why}; {back}")

    def _undo(self, step: Step, verb: str) -> Action | UndoBy:
        match step.undo:
            case "previous" if CATALOGUE[verb].has_previous:
                return UndoBy.VERB
            case None | "none" | "previous":
                return UndoBy.NOBODY
            case other:
                (stage,) = stages_of(other, self._order.values, self._order.mode)
                return self._world.placed(stage.action)

    @property
    def _is_ungraceful(self) -> bool:
        return self._order.mode is Mode.UNGRACEFUL


def _limit_s(step: Step) -> float:
    return step.within.total_seconds() if step.within is not None else USUAL_LIMIT_S


def _in_words(evidence: JsonObject) -> str:
    told = {key: value for key, value in evidence.items() if value is not None}
    return ", ".join(f"{key} {_value(value)}" for key, value in told.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return str(value)
