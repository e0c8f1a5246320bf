"""What people say in a run: yes to its plan, what they did by hand, and how to go on where a step failed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelwatch.ledger import FactKind
from keelwatch.runs import Fate
from keelwatch.safety import Request, login_of, questions, standing
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError
from runbooks.conduct.keep import step_of, take_back
from runbooks.conduct.plan import expected_loss
from runbooks.conduct.progress import StepState, WantedApproval
from runbooks.conduct.record import Tripped, WentBack
from runbooks.inputs import fill
from runbooks.stages import Mode
from runbooks.verbs.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Answered, Run
    from keelwatch.workspace.model import PolicySpec
    from runbooks.conduct.ask_world import World
    from runbooks.conduct.order import Order
    from runbooks.conduct.record import Record
    from runbooks.spec import Approve, Step, Ungraceful

PAUSE_S = 0.2
RETRY, SKIP, BACK, ABORT = "retry", "skip", "back", "abort"
DONE, CANNOT = "done", "cannot"


class People:
    """`meanwhile` is called again and again while an approval is waited for."""

    def __init__(
        self, run: Run, order: Order, world: World, record: Record, meanwhile: Callable[[], None]
    ) -> None:
        self._run = run
        self._order = order
        self._world = world
        self._record = record
        self._meanwhile = meanwhile

    def bear(self, step: Step, error: KeelwatchError, *, may_accept: bool = True) -> bool:
        """Whether to go on without the step, as the runbook or a person says. False: try it again. Raises
        `Aborted`, `WentBack`. `may_accept`: it is the act itself that failed, and not a rule."""
        self._record.step(step.id, StepState.FAILED, error.message)
        self._record.refuse_aborted()
        different = step.ungraceful if self._order.mode is Mode.UNGRACEFUL and may_accept else None
        if different is not None and self._runbook_bears(step, error, different):
            return True
        asks = different is not None and different.if_unreachable == "ask" and isinstance(error, SourceError)
        question = (
            f"{step.id}: it does not answer ({error.message}) and may still take writes. Go on without?"
            if asks
            else f"{step.id} failed: {error.message}"
        )
        return self._decide(step, question, f"{step.id} failed: {error.message}")

    def do_again(self, step: Step, words: str) -> bool:
        """Whether to go on without a step that was taken back; as `bear`."""
        told = f"{step.id} was taken back: {words}"
        return self._decide(step, told, told)

    def approve(self, step: str, wanted: Approve) -> str:
        """Wait until enough other people say yes to this plan. Raises `Aborted` when the time is over, or the
        world has changed while they thought about it."""
        request = Request(self._order.plan_sha, login_of(self._run.spec.actor), step, wanted.people)
        pending = self._record.progress().approval
        if pending is None or pending.step != step:
            pending = WantedApproval(step, wanted.people, time.time() + wanted.expires.total_seconds())
            self._run.note("approval-wanted", {**pending.as_json(), "shown": self._shown(wanted)})
        while True:
            self._record.refuse_aborted()
            in_time = [one for one in self._run.facts(FactKind.APPROVAL) if one.at < pending.until]
            found = standing(self._policy(), request, in_time, time.time())
            if found.suffice:
                self._require_same_world()
                return found.words
            if time.time() >= pending.until:
                self._record.abort(f"not approved in time: {found.words}")
            self._meanwhile()
            self._run.wait(PAUSE_S)

    def do(self, step: Step) -> str:
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

    def _runbook_bears(self, step: Step, error: KeelwatchError, different: Ungraceful) -> bool:
        if different.accept is not None and not isinstance(error, Tripped):
            words = f"{error.message}; {fill(different.accept, self._order.values)}"
            self._record.step(step.id, StepState.ACCEPTED, words)
            return True
        if different.if_unreachable == "skip" and isinstance(error, SourceError):
            self._record.step(step.id, StepState.SKIPPED, f"it does not answer: {error.message}")
            return True
        return False

    def _decide(self, step: Step, question: str, reason: str) -> bool:
        last = self._before(step)
        choices = [RETRY, SKIP, BACK, ABORT]
        if step.approve is not None:
            choices.remove(SKIP)
        if last is None:
            choices.remove(BACK)
        else:
            question += f" (back: take back {last}, which was done before)"
        answered = self._run.ask_why(question, choices, wants_note=(SKIP,))
        if answered.choice == ABORT:
            self._record.abort(answered.note or reason)
        if answered.choice == BACK and last is not None:
            stuck = self._go_back(step, last, answered)
            return self._decide(step, f"{step.id}: {stuck}", reason)
        if answered.choice == SKIP:
            self._record.step(step.id, StepState.SKIPPED, f"{answered.actor}: {answered.note}")
            return True
        self._record.step(step.id, StepState.BEGUN)
        return False

    def _before(self, step: Step) -> str | None:
        """The step that acted last before this one, when both have a way back: never past a point of no
        return, nor beside a neighbour that may be acting."""
        if step.parallel is not None:
            return None
        acts = [one for one in self._run.effects if CATALOGUE[one.action.verb].acts]
        for effect in reversed(acts):
            if effect.fate is Fate.NOT_DONE:
                continue
            if not effect.is_open:
                return None
            if step_of(effect) != step.id:
                return step_of(effect)
        return None

    def _go_back(self, step: Step, last: str, answered: Answered) -> str:
        """Take back what the step may have done, then the `last` before it; whoever goes on asks what is to
        become of that one. Returns why it stays here, when its own cannot be taken back; else raises
        `WentBack`."""
        is_clean, words = take_back(self._run, step.id)
        if not is_clean:
            return words
        is_clean, words = take_back(self._run, last)
        self._record.step(step.id, StepState.WAITING, f"until {last} is done again")
        note = f": {answered.note}" if answered.note else ""
        state = StepState.TAKEN_BACK if is_clean else StepState.FAILED
        self._record.step(last, state, f"{words}, by {answered.actor}{note}")
        raise WentBack(f"{last}: {words}")

    def _shown(self, wanted: Approve) -> JsonObject:
        """What is put before them, beside the plan."""
        found = {}
        if "burn-rate" in wanted.show:
            limit, window_s = questions.USUAL_BURN, questions.USUAL_WINDOW_S
            found["burn-rate"] = self._world.burn_below(limit, window_s, None, []).evidence
        if "expected-loss" in wanted.show:
            found["expected-loss"] = expected_loss(self._record.progress().plan)
        return found

    def _require_same_world(self) -> None:
        """Raises `Aborted` when something has changed since the plan, and not by this run."""
        acts = [one for one in self._run.effects if CATALOGUE[one.action.verb].acts]
        if any(one.fate is not Fate.NOT_DONE for one in acts):
            return
        differences = self._world.changed_since(self._record.progress().plan)
        if differences:
            self._record.abort(f"the world has changed since the plan: {'; '.join(differences)}")

    def _policy(self) -> PolicySpec:
        from keelwatch.workspace.workspace import load_workspace

        _, spec = load_workspace(self._order.workspace).environment(self._order.environment)
        return spec.policy


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
