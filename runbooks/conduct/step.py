"""One step carried out: its rules, its act under a guard, and what a person says when it fails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from keelwatch.adapters import haproxy
from keelwatch.ledger import FactKind
from keelwatch.runs import Action, Effect, Fate, LeftInDoubt, Run, Stopped, UndoBy
from keelwatch.runs.verb import EffectClass
from keelwatch.safety import Request, login_of, questions, standing
from keelwatch.workspace.errors import Fenced, InternalError, KeelwatchError, Refused, SourceError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.conduct.ask_world import Asked, World, until
from runbooks.conduct.plan import expected_loss
from runbooks.conduct.progress import Progress, StepState, WantedApproval
from runbooks.conduct.watch_step import StepGuard
from runbooks.inputs import fill
from runbooks.stages import Mode, Stage, at_moment, stages_of
from runbooks.verbs.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.model import PolicySpec
    from runbooks.conduct.order import Order
    from runbooks.spec import Approve, RunbookSpec, Step

USUAL_LIMIT_S = 120.0
CLEAR_S = 30.0
PAUSE_S = 0.2
FRESH_S = 1.0
RETRY, SKIP, ABORT = "retry", "skip", "abort"
DONE, CANNOT = "done", "cannot"
GO_ON = "go-on"
LONG_S = 5.0
NOBODY_KNOWS = frozenset({EffectClass.OPAQUE, EffectClass.KEYED})
"""Whose checks have nothing to tell: the target's answer was all there is."""


class Aborted(KeelwatchError):
    """Somebody, or a limit, says that the run is to end here."""


class Tripped(KeelwatchError):
    """The guard of a step tripped, and the step was taken back."""


class Doer:
    """Carries steps out. Steps of one group come in at the same time; questions to people go one by one."""

    def __init__(
        self, run: Run, order: Order, spec: RunbookSpec, world: World, progress: Callable[[], Progress]
    ) -> None:
        self._run = run
        self._order = order
        self._spec = spec
        self._world = world
        self._progress = progress
        self._repeats = 0
        self._acted_at = time.monotonic()
        self._held_at = 0.0  # monotonic (s): when the rules were last seen to hold

    def carry_out(self, step: Step) -> None:
        """Until it is done, or a person or the runbook says that it is borne. Raises `Aborted`, `Stopped`."""
        before = self._progress().step(step.id)
        if before.state.is_over:
            return
        self._require_edge_as_left()
        if before.state in {StepState.FAILED, StepState.TAKEN_BACK}:  # it died or paused while it asked
            if self._is_borne(step, Refused(before.words)):
                return
        else:
            self._note(step, StepState.BEGUN)
        while True:
            self.refuse_aborted()
            skipped = self._left_out(step)
            if skipped is not None:
                self._note(step, StepState.SKIPPED, skipped)
                return
            acted = False
            try:
                self._require_rules(step)
                acted = True
                words = self._do(step)
                self._held_at, self._acted_at = 0.0, time.monotonic()
                acted = False
                self._require_rules(step)
            except (Stopped, Aborted, Fenced, InternalError):
                raise
            except LeftInDoubt as error:
                self._abort(error.message)
            except KeelwatchError as error:
                if self._is_borne(step, error, may_accept=acted):
                    return
                continue
            self._note(step, StepState.DONE, words)
            return

    def refuse_aborted(self) -> None:
        reason = self._progress().aborted
        if reason is not None:
            raise Aborted(reason or "aborted")

    def note_asked(self, at: str, asked: Asked) -> None:
        payload = {
            "at": at,
            "name": asked.name,
            "answer": asked.found.answer,
            "evidence": asked.found.evidence,
        }
        self._run.note("asked-world", payload)

    def _abort(self, reason: str) -> NoReturn:
        """On record first, so that whoever takes the run up again goes on taking back."""
        self._run.note("aborted", {"reason": reason})
        raise Aborted(reason)

    def require_as_left(self) -> None:
        """A run that is taken up again goes on only in the world that it left, unless a person says so."""
        if not self._progress().steps:
            return
        for asked in self._look_again():
            if asked.found.answer is Answer.NO:
                question = f"{asked.name}: no, {asked.found.evidence}. Somebody changed it meanwhile. Go on?"
                answered = self._run.ask_why(question, (GO_ON, ABORT), wants_note=(GO_ON,))
                if answered.choice == ABORT:
                    self._abort(answered.note or f"{asked.name}: {asked.found.evidence}")

    def _require_edge_as_left(self) -> None:
        """After a while in which people did something else: a reload of the edge loses what was set there."""
        if time.monotonic() - self._acted_at > LONG_S:
            self.again()

    def _look_again(self) -> list[Asked]:
        return [
            Asked(f"{one.step.partition('/')[0]} still holds", self._run.check(one.action))
            for one in self._newest()
        ]

    def again(self) -> list[Asked]:
        """Whether what was done last to each target is still so. What a reload of the edge has lost is set
        again; what somebody else has decided is left alone, and told."""
        found = []
        for effect in self._newest():
            condition = self._run.check(effect.action)
            if condition.answer is Answer.NO and haproxy.LOST in condition.evidence:
                condition = self._assert_again(effect, condition)
            found.append(Asked(f"{effect.step.partition('/')[0]} still holds", condition))
        return found

    def _newest(self) -> list[Effect]:
        """The last effect on each target, in order; of those that were done, and that anybody can tell of."""
        last = {one.target: one for one in self._run.effects if one.fate is Fate.DONE}
        last = {key: one for key, one in last.items() if one.effect_class not in NOBODY_KNOWS}
        return sorted(last.values(), key=lambda one: one.seq)

    def _assert_again(self, effect: Effect, found: Condition) -> Condition:
        step = effect.step.partition("/")[0]
        self._repeats += 1
        name = f"{step}/again-{len(self._run.effects)}-{self._repeats}"
        self._run.say(f"{step} no longer holds ({found.evidence}); asserted again")
        try:
            self._run.act(effect.action.verb, effect.action.args, step=name, undo=UndoBy.NOBODY)
        except (Stopped, Fenced, InternalError):
            raise
        except KeelwatchError as error:
            return Condition.no(f"{found.evidence}; {error.message}")
        return self._run.check(effect.action)

    def _left_out(self, step: Step) -> str | None:
        """Why the step is not done at all, if so. An approval is never left out: whoever started the run
        could say yes to their own."""
        said = self._progress().skips.get(step.id) if step.approve is None else None
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
                self.note_asked(f"rule {step.id}", asked)
                raise Refused(f"{asked.name}: {asked.found.answer}, {asked.found.evidence}")
        self._held_at = time.monotonic()

    def _do(self, step: Step) -> str:
        """Carry it out once; returns the evidence in words."""
        if step.approve is not None:
            return self._approve(step.id, step.approve)
        if step.human is not None:
            return self._human(step)
        if step.pg_lag is not None or step.probe is not None or step.slo_hold is not None:
            return self._look(step)
        return self._act(step)

    def _look(self, step: Step) -> str:
        from runbooks.spec import Condition as Wanted

        wanted = Wanted.model_construct(
            pg_lag=step.pg_lag, probe=step.probe, slo_hold=step.slo_hold, serving=None
        )
        found = until(self._run, lambda: list(self._world.wanted(wanted)), _limit_s(step), self._is_aborted)
        for one in found:
            self.note_asked(step.id, one)
            if one.found.answer is not Answer.YES:
                raise Refused(f"{one.name}: {one.found.answer}, {one.found.evidence}")
        return "; ".join(one.found.evidence for one in found)

    def _act(self, step: Step) -> str:
        """Every stage of it, each after the one before has stood as long as it must and nothing tripped."""
        end = time.monotonic() + _limit_s(step)
        words = ""
        with StepGuard(step.stop_if, self._world, self._order.mode) as guard:
            for number, stage in enumerate(stages_of(step, self._order.values, self._order.mode), 1):
                self.refuse_aborted()
                evidence = self._stage(step, f"{step.id}/{number}", stage)
                words = _in_words(evidence) or words
                self._stand(step, stage, guard, end)
            for name, found in guard.answers.items():
                self.note_asked(f"guard {step.id}", Asked(name, found))
        return words

    def _stage(self, step: Step, name: str, stage: Stage) -> JsonObject:
        """What came of it; of one that was done before a later one failed, what came of it then."""
        left = {one.seq for one in self._run.left}
        effects = [one for one in self._run.effects if one.step == name and one.seq not in left]
        done = [one for one in effects if one.fate is Fate.DONE]
        if done:
            return done[-1].evidence or {}
        action = at_moment(self._world.placed(stage.action), time.time())
        return self._run.act(action.verb, action.args, step=name, undo=self._undo(step, action.verb))

    def _stand(self, step: Step, stage: Stage, guard: StepGuard, end: float) -> None:
        """What a stage made stands for as long as it must, and until the guard has seen it and is content."""
        began = time.monotonic()
        give_up = max(end, began + stage.hold_s + CLEAR_S) if step.stop_if is not None else end
        while True:
            self.refuse_aborted()
            if guard.trips:
                self._take_back(step, "; ".join(map(str, guard.trips)))
            stood = time.monotonic() - began >= stage.hold_s
            if stood and guard.is_clear_after(began):
                return
            if stood and time.monotonic() > give_up:
                told = "; ".join(f"{name}: {one.evidence}" for name, one in guard.answers.items())
                self._take_back(step, f"nobody could tell whether it is well ({told})")
            self._run.wait(PAUSE_S)

    def _take_back(self, step: Step, why: str) -> None:
        """This one step, and say so. Raises `Tripped`."""
        owed = [one for one in self._run.effects if one.step.startswith(f"{step.id}/") and one.is_open]
        outcomes = self._run.undo_all(f"{step.id}/")
        errors = [one.error for one in outcomes if one.error]
        back = (
            f"not taken back: {'; '.join(errors)}"
            if errors
            else "taken back"
            if owed
            else "nothing to take back"
        )
        self._note(step, StepState.TAKEN_BACK, f"{why}; {back}")
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

    def _is_borne(self, step: Step, error: KeelwatchError, *, may_accept: bool = True) -> bool:
        """Whether to go on without the step. False: try it again. Raises `Aborted`. `may_accept`: it is the
        act itself that failed, and not a rule."""
        self._note(step, StepState.FAILED, error.message)
        self.refuse_aborted()
        different = step.ungraceful if self._is_ungraceful and may_accept else None
        if different is not None and different.accept is not None and not isinstance(error, Tripped):
            self._note(
                step, StepState.ACCEPTED, f"{error.message}; {fill(different.accept, self._order.values)}"
            )
            return True
        unreachable = isinstance(error, SourceError)
        if different is not None and different.if_unreachable == "skip" and unreachable:
            self._note(step, StepState.SKIPPED, f"it does not answer: {error.message}")
            return True
        if different is not None and different.if_unreachable == "ask" and unreachable:
            question = (
                f"{step.id}: it does not answer ({error.message}) and may still take writes. Go on without?"
            )
        else:
            question = f"{step.id} failed: {error.message}"
        choices = (RETRY, ABORT) if step.approve is not None else (RETRY, SKIP, ABORT)
        answered = self._run.ask_why(question, choices, wants_note=(SKIP,))
        if answered.choice == ABORT:
            self._abort(answered.note or f"{step.id} failed: {error.message}")
        if answered.choice == SKIP:
            self._note(step, StepState.SKIPPED, f"{answered.actor}: {answered.note}")
            return True
        self._note(step, StepState.BEGUN)
        return False

    def _approve(self, step: str, wanted: Approve) -> str:
        """Wait until enough other people say yes to this plan. Raises `Aborted` when the time is over, or the
        world has changed while they thought about it."""
        request = Request(self._order.plan_sha, login_of(self._run.spec.actor), step, wanted.people)
        pending = self._progress().approval
        if pending is None or pending.step != step:
            pending = WantedApproval(step, wanted.people, time.time() + wanted.expires.total_seconds())
            self._run.note("approval-wanted", {**pending.as_json(), "shown": self._shown(wanted)})
        while True:
            self.refuse_aborted()
            in_time = [one for one in self._run.facts(FactKind.APPROVAL) if one.at < pending.until]
            found = standing(self._policy(), request, in_time, time.time())
            if found.suffice:
                self._require_same_world()
                return found.words
            if time.time() >= pending.until:
                self._abort(f"not approved in time: {found.words}")
            self._run.wait(PAUSE_S)

    def _shown(self, wanted: Approve) -> JsonObject:
        """What is put before them, beside the plan."""
        found = {}
        if "burn-rate" in wanted.show:
            limit, window_s = questions.USUAL_BURN, questions.USUAL_WINDOW_S
            found["burn-rate"] = self._world.burn_below(limit, window_s, None, []).evidence
        if "expected-loss" in wanted.show:
            found["expected-loss"] = expected_loss(self._progress().plan)
        return found

    def _require_same_world(self) -> None:
        """Raises `Aborted` when something has changed since the plan, and not by this run."""
        acts = [one for one in self._run.effects if CATALOGUE[one.action.verb].acts]
        if any(one.fate is not Fate.NOT_DONE for one in acts):
            return
        differences = self._world.changed_since(self._progress().plan)
        if differences:
            self._abort(f"the world has changed since the plan: {'; '.join(differences)}")

    def _policy(self) -> PolicySpec:
        from keelwatch.workspace.workspace import load_workspace

        _, spec = load_workspace(self._order.workspace).environment(self._order.environment)
        return spec.policy

    def _human(self, step: Step) -> str:
        """What a person did, in their words. Raises `Refused` when they cannot."""
        assert step.human is not None
        asks = fill(step.human, self._order.values)
        wants = (DONE,) if step.evidence is not None else ()
        kind = f" (evidence: {step.evidence})" if step.evidence else ""
        complaint = ""
        while True:
            question = f"{step.id}: {complaint}{asks}{kind}"
            answered = self._run.ask_why(question, (DONE, CANNOT), wants_note=wants)
            if answered.choice == CANNOT:
                raise Refused(f"{answered.actor} cannot: {answered.note or 'no reason given'}")
            complaint = _flaw_of(step.evidence, answered.note)
            if not complaint:
                return f"{answered.actor}: {answered.note or 'done'}"

    def _note(self, step: Step, state: StepState, words: str = "") -> None:
        self._run.note("step", {"step": step.id, "state": state, "words": words})
        if state is not StepState.BEGUN:
            self._run.say(f"{step.id}: {state}" + (f", {words}" if words else ""))
        else:
            self._run.say(f"{step.id} ...")

    def _is_aborted(self) -> bool:
        return self._progress().aborted is not None

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


def _flaw_of(kind: str | None, note: str) -> str:
    """Why a note is no evidence of its kind, as the beginning of the next question; empty when it is."""
    match kind:
        case "url" if not (urlsplit(note).scheme in {"http", "https"} and urlsplit(note).netloc):
            return f"{note!r} is no link. "
        case "number" if not _is_number(note):
            return f"{note!r} is no number. "
        case "file" if not Path(note).is_file():
            return f"{note!r} is no file here. "
    return ""


def _is_number(note: str) -> bool:
    try:
        float(note)
    except ValueError:
        return False
    return True
