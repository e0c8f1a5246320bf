"""The actor of a run of kind `runbook`: readiness, steps, settling, and what came of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING

from keelwatch.runs import Effect, Fate, Run, RunView, Stopped, Verdict, failed, passed
from keelwatch.runs.fields import mapping
from keelwatch.runs.spec import read_spec
from keelwatch.runs.verdict import from_error, stopped
from keelwatch.safety import require_beside
from keelwatch.workspace.clock import utc
from keelwatch.workspace.errors import ExitCode, Fenced, KeelwatchError, Refused, SourceError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.conduct.access import access
from runbooks.conduct.ask_world import Asked, World, until
from runbooks.conduct.measure import measured, measured_words
from runbooks.conduct.order import Order, order_of, pinned
from runbooks.conduct.plan import plan_sha
from runbooks.conduct.record import Aborted, Record, WentBack
from runbooks.conduct.rivals import rivals
from runbooks.conduct.step import Doer
from runbooks.conduct.world import in_words, standing_of
from runbooks.rules import point_of_no_return
from runbooks.stages import Mode
from runbooks.verbs.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runbooks.spec import Ready, RunbookSpec, Step

USUAL_SETTLING_S = 60.0
READY_S = 5.0


def perform(run: Run) -> Verdict:
    """Carry the runbook of `run` out, or go on where it was left."""
    order = order_of(run.args)
    spec = pinned(order, run.spec.folder).spec
    conductor = Conductor(run, order, spec)
    if not conductor.has_begun:
        run.note("planned", {"plan": mapping(run.args, "plan")})
        refused = conductor.refusal()
        if refused is not None:
            return refused
    return conductor.conduct()


class Conductor:
    def __init__(self, run: Run, order: Order, spec: RunbookSpec) -> None:
        self._run = run
        self._order = order
        self._spec = spec
        self._world = World(run, order)
        self._record = Record(run)
        self._doer = Doer(run, order, spec, self._world, self._record)

    @property
    def has_begun(self) -> bool:
        return self._record.progress().is_ready

    def refusal(self) -> Verdict | None:
        """Why it cannot begin, as the verdict it ends with; None when it can. Nothing was done yet, so a run
        that is refused has ended: there is nothing to pause."""
        try:
            self._take_lock()
            self._refuse_beside_unended()
            require_beside("runbook", self._order.environment, self._run.others())
            self._refuse_another_world()
            self._refuse_unready()
        except Stopped as error:
            return stopped(error.message)
        except Fenced:
            raise
        except KeelwatchError as error:
            if error.hint:
                self._run.say(error.hint)
            return from_error(error)
        self._run.note("ready", {"plan_sha": self._order.plan_sha})
        return None

    def conduct(self) -> Verdict:
        self._take_lock()
        try:
            self._doer.keeper.require_as_left()
            while not self._are_over():
                pass
            return self._settle()
        except Aborted as error:
            return self._abort(error.message)

    def _are_over(self) -> bool:
        """Whether all steps are; False: one was taken back, and they go on from there."""
        try:
            for group in _groups(self._spec.steps):
                self._together(group)
        except WentBack:
            return False
        return True

    def _take_lock(self) -> None:
        if self._run.holds(self._scope):
            return
        try:
            self._run.lease(self._scope)
        except Fenced:
            raise
        except Refused as error:
            holder = self._holder()
            raise Refused(error.message, _how_to_take_over(holder) if holder else error.hint) from None

    def _refuse_beside_unended(self) -> None:
        """A run that is paused or died holds no lock, but its work is half done."""
        holder = self._holder()
        if holder is not None:
            state = holder.state
            raise Refused(
                f"run {state.id} of {state.actor} ({state.name}) since {utc(state.started)}"
                f" is {holder.phase} and not over",
                _how_to_take_over(holder),
            )

    def _holder(self) -> RunView | None:
        """Another run of a runbook with our lock that is not over."""
        for one in self._run.others():
            state = one.state
            if state.kind != "runbook" or state.env != self._order.environment or not one.state.since:
                continue
            theirs = order_of(read_spec(state.id).args)
            if (theirs.lock, theirs.sandbox) == (self._spec.lock, self._order.sandbox):
                return one
        return None

    @property
    def _scope(self) -> str:
        where = (
            f"{self._order.environment}/{self._order.sandbox}"
            if self._order.sandbox
            else self._order.environment
        )
        return f"{where}/runbook/{self._spec.lock}"

    def _refuse_another_world(self) -> None:
        """A plan is for the world it was made in. Raises `Refused` naming what has changed."""
        if plan_sha(self._order, standing_of(self._world.estate())) == self._order.plan_sha:
            return
        differences = self._world.changed_since(self._record.progress().plan)
        what = "; ".join(differences) or "the plan that was looked at is not this one"
        raise Refused(f"the world has changed since the plan: {what}", "plan anew: keelwatch runbook plan")

    def _refuse_unready(self) -> None:
        """Raises `Refused` for a condition that does not hold, `SourceError` for one that nobody can tell."""
        flaws: list[Asked] = []
        for one in self._spec.ready:
            for asked in self._ready(one):
                self._record.asked("ready", asked)
                if asked.found.answer is Answer.YES:
                    continue
                if self._is_ungraceful and one.ungraceful == "warn":
                    self._run.say(f"warning: {asked.name}: {asked.found.evidence}")
                else:
                    flaws.append(asked)
        for asked in self._world.rules(self._spec.rules):
            self._record.asked("ready", asked)
            if asked.found.answer is not Answer.YES:
                flaws.append(asked)
        if flaws:
            words = "; ".join(f"{one.name}: {one.found.answer}, {one.found.evidence}" for one in flaws)
            surely = any(one.found.answer is Answer.NO for one in flaws)
            kind: type[KeelwatchError] = Refused if surely else SourceError
            raise kind(f"not ready: {words}", "mend that first; nothing was done")

    def _ready(self, one: Ready) -> Iterator[Asked]:
        if self._is_ungraceful and one.ungraceful == "skip":
            return
        if one.access is not None:
            yield Asked("access to what each step acts on", self._access())
        yield from until(self._run, lambda: list(self._world.wanted(one)), READY_S)

    def _access(self) -> Condition:
        return access(self._run, self._world, self._order, self._spec.steps)

    def _together(self, group: Sequence[Step]) -> None:
        """Neighbours of one `parallel` group at the same time; all end before a failure of one is raised."""
        self._doer.keeper.now_and_then()
        self._doer.is_alone = len(group) == 1
        if self._doer.is_alone:
            self._doer.carry_out(group[0])
            return
        with ThreadPoolExecutor(len(group)) as pool:
            outcomes = [pool.submit(self._doer.carry_out, step) for step in group]
        self._doer.is_alone = True
        for outcome in outcomes:
            outcome.result()

    def _settle(self) -> Verdict:
        """What was done must still be so, and `done_when` must hold; then it is measured."""
        self._run.note("settling", {})
        done = self._spec.done_when
        within_s = done.within.total_seconds() if done and done.within is not None else USUAL_SETTLING_S

        def look() -> list[Asked]:
            self._record.refuse_aborted()
            found = self._doer.keeper.again()
            wanted = list(self._world.wanted(done)) if done is not None else []
            found += wanted
            for asked in found:
                self._record.asked("done", asked)
            return found

        found = until(self._run, look, within_s)
        unmet = [one for one in found if one.found.answer is not Answer.YES]
        if unmet:
            words = "; ".join(f"{one.name}: {one.found.answer}, {one.found.evidence}" for one in unmet)
            return failed(f"all steps were done, but not settled after {within_s:g} s: {words}")
        result = measured(self._run, self._spec, self._record.progress(), self._world)
        self._run.note("measured", {"measured": result})
        verdict = passed(measured_words(result))
        left = [*rivals(self._world, self._run.effects), *self._doubtful()]
        if not left:
            return verdict
        return Verdict(verdict.outcome, f"{verdict.reason}; LEFT: {'; '.join(left)}", ExitCode.LEFT_BEHIND)

    def _doubtful(self) -> list[str]:
        """Acts of which nobody knows what became, though the run went on without them."""
        return [
            f"{one.action.verb} on {one.target} is {one.fate}"
            for one in self._run.effects
            if one.may_land_late and CATALOGUE[one.action.verb].acts and not self._is_settled(one)
        ]

    def _is_settled(self, effect: Effect) -> bool:
        """Whether a later attempt was done, or it surely is not, or all is as it was before."""
        later = [one for one in self._run.effects if one.step == effect.step and one.seq > effect.seq]
        if any(one.fate is Fate.DONE for one in later):
            return True
        time.sleep(effect.unsettled_s())
        if self._run.check(effect.action).answer is Answer.NO:
            return True
        return effect.undo is not None and self._run.check(effect.undo).answer is Answer.YES

    def _abort(self, reason: str) -> Verdict:
        """Before the point of no return everything is taken back, newest first. After it nothing is: a half
        way back would be worse than where it stands, and the run says what is left."""
        last = self._passed()
        if last is not None:
            self._run.say(f"{last} was done: there is no way back but another runbook")
            verdict = failed(f"aborted after {last}, the point of no return: {reason}; {self._standing()}")
            return verdict.but(ExitCode.LEFT_BEHIND)
        outcomes = self._run.undo_all()
        for one in outcomes:
            self._run.say(f"{one.effect.step}: " + (one.error or "taken back, verified"))
        left = [one for one in self._run.effects if _counts(one) and CATALOGUE[one.action.verb].acts]
        left = [one for one in left if one.fate is Fate.DONE or not self._is_settled(one)]
        if left:
            names = ", ".join(dict.fromkeys(one.step for one in left))
            return stopped(f"{reason}; not taken back: {names}").but(ExitCode.LEFT_BEHIND)
        return stopped(f"{reason}; " + ("all taken back" if outcomes else "nothing had been done"))

    def _passed(self) -> str | None:
        """The step from which there is no way back, when it was done, or may have been."""
        index = point_of_no_return(self._spec.steps)
        if index is None:
            return None
        name = self._spec.steps[index].id
        effects = [one for one in self._run.effects if one.step.startswith(f"{name}/") and _counts(one)]
        return name if any(map(self._may_be_done, effects)) else None

    def _may_be_done(self, effect: Effect) -> bool:
        """Also what nobody can tell. A check is asked only once a request of it can no longer land."""
        if effect.fate is Fate.DONE:
            return True
        time.sleep(effect.unsettled_s())
        return self._run.check(effect.action).answer is not Answer.NO

    def _standing(self) -> str:
        try:
            return in_words(standing_of(self._world.estate()))
        except KeelwatchError as error:
            return error.message

    @property
    def _is_ungraceful(self) -> bool:
        return self._order.mode is Mode.UNGRACEFUL


def _how_to_take_over(holder: RunView) -> str:
    run = holder.state.id
    adopt = "" if holder.pid is None else f"keelwatch attach {run}, or keelwatch stop {run} and then "
    return (
        f"take over: {adopt}keelwatch runbook resume {run};"
        f" or end it: keelwatch runbook abort {run} --reason WHY"
    )


def _counts(effect: Effect) -> bool:
    return effect.fate is not Fate.NOT_DONE


def _groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Neighbours with the same `parallel` together, every other step alone."""
    numbered = list(enumerate(steps))
    found = groupby(numbered, key=lambda one: one[1].parallel or one[0])
    return [[step for _, step in group] for _, group in found]
