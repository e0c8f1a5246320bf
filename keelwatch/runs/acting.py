"""What a run does to the world: intent synced before, result after, doubt settled, undo owed."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from keelwatch.ledger.fact import JsonObject
from keelwatch.runs.effect import Effect, Fate
from keelwatch.runs.journal import Journal
from keelwatch.runs.spec import RunSpec
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.table import OnDeath, ProcessTable
from keelwatch.runs.undo import Undone, undo_effects
from keelwatch.runs.verb import Action, Attempt, EffectClass, Prediction, Verb
from keelwatch.workspace.clock import boot_id
from keelwatch.workspace.errors import InternalError, KeelwatchError, UnknownResult
from keelwatch.workspace.reading import Answer

if TYPE_CHECKING:
    from keelwatch.runs.asking import Questions
    from keelwatch.runs.guardlink import GuardianLink

ATTEMPTS = 3


class LeftInDoubt(UnknownResult):
    """A person said that an effect is to stay in doubt, and the run to end."""


class UndoBy(Enum):
    VERB = auto()  # whatever the verb says takes it back
    NOBODY = auto()  # point of no return, or a step that takes back another
    MENDS = auto()  # it takes back something itself: also after a stop, and then nobody takes it back


class Acts:
    """Of one run, also those before it was resumed. Every method may be called from any thread."""

    def __init__(
        self,
        spec: RunSpec,
        table: ProcessTable,
        journal: Journal,
        guardian: GuardianLink,
        stop: StopFlag,
        questions: Questions,
        effects: Sequence[Effect],
    ) -> None:
        self._spec = spec
        self._table = table
        self._journal = journal
        self._guardian = guardian
        self._stop = stop
        self._questions = questions
        self._effects = {effect.seq: effect for effect in effects}
        self._inherited = frozenset(self._effects)
        self._left: dict[int, Effect] = {}
        self._denied: dict[int, str] = {}
        self._unnamed = itertools.count(1)
        self._mutex = threading.RLock()

    @property
    def effects(self) -> tuple[Effect, ...]:
        with self._mutex:
            return tuple(self._effects.values())

    def act(
        self,
        verb: str,
        args: JsonObject,
        step: str,
        undo: Action | UndoBy,
        give_up_at: float | None = None,
    ) -> JsonObject:
        """As `Run.act`."""
        known = self._table.verb(verb)
        step = step or f"{next(self._unnamed)}-{verb}"
        earlier = [effect for effect in self.effects if effect.step == step]
        if earlier and earlier[-1].fate is Fate.DONE and earlier[-1].seq not in self._inherited:
            raise InternalError(f"step {step} was done already in this run", "give each act its own name")
        if earlier and earlier[-1].fate is not Fate.NOT_DONE:
            evidence = self._settled(earlier[-1], known)
            if evidence is not None:
                return evidence
        first = earlier[0] if earlier else None
        key = first.key if first else self._new_key(step)
        for number in range(len(earlier) + 1, len(earlier) + ATTEMPTS + 1):
            effect = self._intend(known, args, step, undo, key, number, first)
            first = first or effect
            evidence = self._do(effect, known)
            if evidence is not None:
                return evidence
            if give_up_at is not None and time.monotonic() >= give_up_at:
                raise UnknownResult(
                    f"{step}: not known to be done when its time was over", "look, then retry"
                )
        raise UnknownResult(
            f"{step}: not known to be done after {ATTEMPTS} attempts", "look at the target, then resume"
        )

    def announce(self, verb: str, args: JsonObject, step: str, undo: Action | UndoBy) -> Effect:
        step = step or f"{next(self._unnamed)}-{verb}"
        return self._intend(self._table.verb(verb), args, step, undo, self._new_key(step), number=1)

    def settle(self, effect: Effect, fate: Fate, evidence: JsonObject, by: str) -> None:
        self._remember(self._journal.settle(effect, fate, evidence, by))

    def undo_all(self, steps: str) -> list[Undone]:
        chosen = [effect for effect in self.effects if effect.step.startswith(steps)]
        outcomes = undo_effects(self._journal, self._table, chosen)
        with self._mutex:
            for done in outcomes:
                if done.error or not done.recorded:
                    self._left[done.effect.seq] = done.effect
                    continue
                self._left.pop(done.effect.seq, None)
                del self._effects[done.effect.seq]
        return outcomes

    @property
    def left(self) -> tuple[Effect, ...]:
        with self._mutex:
            return tuple(self._left[seq] for seq in sorted(self._left))

    def _new_key(self, step: str) -> str:
        """Another one each time, for a step that was undone may be done anew."""
        return f"{self._spec.id}/{step}/{secrets.token_hex(4)}"

    def _intend(
        self,
        verb: Verb,
        args: JsonObject,
        step: str,
        undo: Action | UndoBy,
        key: str,
        number: int,
        first: Effect | None = None,
    ) -> Effect:
        """A later attempt owes what the `first` did: that may have acted in part, and what is before this
        one is then its work, and not as it was."""
        if undo is not UndoBy.MENDS:
            self._stop.check()
        prediction = verb.plan(args)
        owed = first.undo if first else _owed(verb, args, prediction, undo)
        if owed is not None or self._spec.on_death is OnDeath.ORPHAN:
            self._guardian.ensure()
        if undo is not UndoBy.MENDS:
            self._stop.check()
        effect = self._journal.intend(
            Effect(
                run=self._spec.id,
                seq=0,
                step=step,
                key=key,
                action=Action(verb.name, args),
                effect_class=verb.effect,
                target=prediction.target,
                before=first.before if first else prediction.before,
                undo=owed,
                settle_s=verb.settle_s,
                number=number,
                epoch=self._journal.epoch,
                boot=boot_id(),
                boot_s=time.clock_gettime(time.CLOCK_BOOTTIME),
            )
        )
        self._remember(effect)
        self._deny_earlier(effect)
        return effect

    def _deny_earlier(self, effect: Effect) -> None:
        """Earlier attempts of which a check said that they did not happen: only now that their undo is owed
        by `effect`, so that no moment is without it."""
        for other in self.effects:
            if other.key == effect.key and other.seq in self._denied:
                self.settle(other, Fate.NOT_DONE, {"evidence": self._denied.pop(other.seq)}, by="check")

    def _do(self, effect: Effect, verb: Verb) -> JsonObject | None:
        """Evidence, or None when the check says it was not done after all."""
        attempt = Attempt(effect.key, effect.number, effect.epoch, before=effect.before)
        try:
            evidence = verb.do(effect.action.args, attempt)
        except UnknownResult:
            return self._settled(effect, verb)
        except KeelwatchError as error:
            self.settle(effect, Fate.FAILED, {"error": error.message}, by="do")
            raise
        self._supersede(effect)
        self.settle(effect, Fate.DONE, evidence, by="do")
        return evidence

    def _supersede(self, effect: Effect) -> None:
        """Earlier attempts with its key are this one: the target acted once, and one undo is owed. Recorded
        before it is done itself, so that a kill in between leaves this one in doubt, and none of them."""
        for other in self.effects:
            if other.key == effect.key and other.seq != effect.seq and other.may_land_late:
                words = f"attempt {effect.number} with the same key was answered"
                self.settle(other, Fate.NOT_DONE, {"evidence": words}, by="key")

    def _settled(self, effect: Effect, verb: Verb) -> JsonObject | None:
        """The evidence of an effect that may have happened, or None when it is to be tried again: it did not
        happen, or it has a key, by which the target knows that it did."""
        if effect.fate is Fate.DONE:
            return effect.evidence or {}
        self._stop.sleep(effect.unsettled_s())
        found = verb.check(effect.action.args)
        evidence: JsonObject = {"evidence": found.evidence}
        match found.answer:
            case Answer.YES:
                self.settle(effect, Fate.DONE, evidence, by="check")
                return evidence
            case Answer.NO:
                self._denied[effect.seq] = found.evidence
                return None
            case Answer.UNKNOWN if verb.effect is EffectClass.KEYED:
                return None  # in doubt until an attempt is answered, so that its undo stays owed
            case Answer.UNKNOWN:
                return self._decided(effect, found.evidence)

    def _decided(self, effect: Effect, why: str) -> JsonObject | None:
        if self._spec.on_death is not OnDeath.ORPHAN:  # nobody sits beside it; its undo will be verified
            raise UnknownResult(f"{effect.step}: {effect.action.verb} on {effect.target} is in doubt: {why}")
        question = f"{effect.step}: did {effect.action.verb} on {effect.target} happen? {why}"
        evidence: JsonObject = {"evidence": why}
        match self._questions.ask(question, ("done", "not-done", "abort"), ()).choice:
            case "done":
                self.settle(effect, Fate.DONE, evidence, by="person")
                return evidence
            case "not-done":
                self.settle(effect, Fate.NOT_DONE, evidence, by="person")
                return None
        raise LeftInDoubt(f"{effect.step}: left in doubt by the operator")

    def _remember(self, effect: Effect) -> None:
        with self._mutex:
            self._effects[effect.seq] = effect


def _owed(verb: Verb, args: JsonObject, prediction: Prediction, undo: Action | UndoBy) -> Action | None:
    match undo:
        case Action():
            return undo
        case UndoBy.VERB:
            return verb.undo(args, prediction.before)
        case UndoBy.NOBODY | UndoBy.MENDS:
            return None
