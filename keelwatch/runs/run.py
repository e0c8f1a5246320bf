"""What an actor is given: the run it works in. Every act, sample and question goes through here."""

from __future__ import annotations

import itertools
import secrets
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import IO, TYPE_CHECKING

from keelwatch.ledger.fact import Fact, FactKind, JsonObject
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.child import Child, start_child
from keelwatch.runs.effect import Effect, Fate
from keelwatch.runs.fields import text, whole
from keelwatch.runs.guardlink import GuardianLink
from keelwatch.runs.journal import Journal
from keelwatch.runs.lease import Lease, take_lease
from keelwatch.runs.spec import RunSpec
from keelwatch.runs.state import RunView, view
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.stream import StreamWriter
from keelwatch.runs.table import OnDeath, ProcessTable
from keelwatch.runs.undo import Undone, undo_effects
from keelwatch.runs.verb import Action, Attempt, EffectClass, Prediction, Verb
from keelwatch.runs.verdict import Stopped
from keelwatch.workspace.clock import boot_id
from keelwatch.workspace.errors import InternalError, KeelwatchError, Refused, UnknownResult
from keelwatch.workspace.reading import Answer, Condition
from keelwatch.workspace.sink import narrate

if TYPE_CHECKING:
    from keelwatch.runs.heal import OpenUndo

ATTEMPTS = 3
ASK_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person chose, what they noted, and who they are."""

    choice: str
    note: str
    actor: str


class LeftInDoubt(UnknownResult):
    """A person said that an effect is to stay in doubt, and the run to end."""


class UndoBy(Enum):
    VERB = auto()  # whatever the verb says takes it back
    NOBODY = auto()  # point of no return, or a step that takes back another


class Run:
    """Made by the kernel. Its methods may be called from any thread, but `spawn_child` only from the
    main one, and `ask` and `commands` from one at a time. `act` blocks for as long as its verb does: an
    actor with an event loop uses `announce` and `report` around its own request, or a thread."""

    def __init__(
        self,
        spec: RunSpec,
        table: ProcessTable,
        store: LedgerStore,
        journal: Journal,
        effects: Sequence[Effect],
        since: int,
    ) -> None:
        self.spec = spec
        self.stop_requested = StopFlag()
        self.guardian = GuardianLink(spec, table.tick_s)
        self.stream = StreamWriter(spec.folder / "stream.jsonl")
        self._table = table
        self._store = store
        self._journal = journal
        self._effects = {effect.seq: effect for effect in effects}
        self._inherited = frozenset(self._effects)
        self._left: dict[int, Effect] = {}
        self._denied: dict[int, str] = {}
        self._asking = threading.Lock()
        self.while_asking: Callable[[], None] = lambda: None
        self._read_seq = since
        self._leases: list[Lease] = []
        self._last_words: list[Callable[[], None]] = []
        self._unnamed = itertools.count(1)
        self._mutex = threading.RLock()

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def args(self) -> JsonObject:
        return self.spec.args

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What this run did so far, also before it was resumed, oldest first."""
        with self._mutex:
            return tuple(self._effects.values())

    def act(
        self, verb: str, args: JsonObject, *, step: str = "", undo: Action | UndoBy = UndoBy.VERB
    ) -> JsonObject:
        """Do `verb` on the world and return its evidence; its undo is owed from before it acts.

        `step` names the act within the run, each act another one. A resumed run gets the recorded
        evidence of a step that was done, and a step in doubt is settled first: by its check, by doing it
        again where the target knows its key, else by a person. Raises `Stopped` before acting once a stop is
        asked for, `SourceError` when the intent cannot be synced or no guardian is ready (nothing was done
        then), and what the verb raises.
        """
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
        raise UnknownResult(
            f"{step}: not known to be done after {ATTEMPTS} attempts", "look at the target, then resume"
        )

    def announce(
        self, verb: str, args: JsonObject, *, step: str = "", undo: Action | UndoBy = UndoBy.VERB
    ) -> Effect:
        """The first half of `act`, for an actor that makes the request itself: the intent and its undo
        are on record when this returns. End it with `report`; without that it stays in doubt."""
        step = step or f"{next(self._unnamed)}-{verb}"
        return self._intend(self._table.verb(verb), args, step, undo, self._new_key(step), number=1)

    def report(self, effect: Effect, fate: Fate, evidence: JsonObject) -> None:
        """What became of an announced effect: done, failed or not done."""
        self._settle(effect, fate, evidence, by="do")

    def undo_all(self, steps: str = "") -> list[Undone]:
        """Take back what is owed, newest first, verified: everything, or only the steps whose names
        begin with `steps`. Also runs after a stop."""
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
        """Effects that were to be taken back and are not, or nobody knows, oldest first."""
        with self._mutex:
            return tuple(self._left[seq] for seq in sorted(self._left))

    def sample(self, record: JsonObject) -> None:
        """Add a record to the stream."""
        with self._mutex:
            self.stream.write({"sample": record})

    def say(self, words: str) -> None:
        """Tell whoever follows, in a sentence."""
        with self._mutex:
            self.stream.write({"say": words})

    def note(self, event: str, payload: JsonObject) -> Fact:
        """Put a fact of the room above into the ledger, under the run's lease."""
        return self._journal.note(event, payload)

    def check_stop(self) -> None:
        """Raises `Stopped` once a stop is asked for."""
        if self.stop_requested.is_set():
            raise Stopped(self.stop_requested.reason)

    def wait(self, seconds: float) -> None:
        """Sleep, but raise `Stopped` as soon as a stop is asked for."""
        self.stop_requested.wait(seconds)
        self.check_stop()

    def facts(self, *kinds: FactKind) -> list[Fact]:
        """Facts of this run, oldest first; only of `kinds` when given."""
        return list(self._store.after(0, run=self.id, kinds=kinds))

    def commands(self) -> list[Fact]:
        """Commands sent to this run since the last call."""
        facts = list(self._store.after(self._read_seq, run=self.id, kinds=(FactKind.COMMAND,)))
        if facts:
            self._read_seq = facts[-1].seq
        return facts

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Put a question to a person and wait for the answer, one of `choices`; raises `Stopped`
        when the run is told to stop or pause first."""
        return self.ask_why(question, choices).choice

    def ask_why(self, question: str, choices: Sequence[str], wants_note: Sequence[str] = ()) -> Answered:
        """The same, with what the person noted beside the answer; `wants_note` are the choices that are
        no answer without. Questions of several threads are put one after the other; `while_asking` is called
        again and again meanwhile, and ends the wait by what it raises."""
        while not self._asking.acquire(timeout=ASK_PAUSE_S):
            self.check_stop()
            self.while_asking()
        try:
            return self._answered(question, choices, wants_note)
        finally:
            self._asking.release()

    def _answered(self, question: str, choices: Sequence[str], wants_note: Sequence[str]) -> Answered:
        self.while_asking()
        payload: JsonObject = {
            "question": question,
            "choices": list(choices),
            "wants_note": list(wants_note),
        }
        asked = self._journal.note("asked", payload).seq
        while True:
            for fact in self.commands():
                answer = text(fact.body, "answer")
                if fact.event == "answer" and whole(fact.body, "question") == asked and answer in choices:
                    return Answered(answer, text(fact.body, "note"), fact.actor)
            self.wait(ASK_PAUSE_S)
            self.while_asking()

    def lease(self, scope: str) -> int:
        """Hold `scope` until the run ends; returns the epoch, which also fences every later fact of
        this run. Raises `Refused`, naming the holder."""
        lease = take_lease(self._store, scope, self.id, self.spec.actor)
        self._leases.append(lease)
        self._journal.fences.append(lease.fence)
        return lease.fence.epoch

    def holds(self, scope: str) -> bool:
        """Whether this process has leased `scope`."""
        return any(lease.fence.scope == scope for lease in self._leases)

    def borrow(self, scope: str) -> Lease:
        """Hold `scope` until `give_back`: for one of several like things, of which a run needs many in turn.

        It fences nothing that the run writes. Raises `Refused` at once while it is held, or while this or a
        dead run owes an undo whose target is `scope`.
        """
        if any(effect.is_open and effect.target == scope for effect in self.effects):
            raise Refused(f"{scope}: an undo of this run is not verified yet", "see: keelwatch heal --list")
        return take_lease(
            self._store,
            scope,
            self.id,
            self.spec.actor,
            patience_s=0.0,
            blocks=lambda effect: effect.target == scope,
        )

    def give_back(self, lease: Lease) -> None:
        """A borrowed lease is free again, and others may see so."""
        try:
            self._journal.note_release(lease.fence)
        finally:
            lease.lock.release()

    def hand_over(self, other_args: JsonObject) -> str:
        """Start another run like this one, but for `other_args`, which goes on when this one ends; returns
        its id."""
        return self.start(self.spec.kind, self.spec.name, {**self.spec.args, **other_args})

    def start(self, kind: str, name: str, args: JsonObject) -> str:
        """Start another run in the same environment, which outlives this one; returns its id."""
        from keelwatch.runs.spawn import spawn

        return spawn(self._store, self._table.kind(kind), name, args, self.spec.env, self.spec.entry)

    def other(self, run: str) -> RunView:
        """How another run stands now."""
        return view(self._store, run)

    def others(self) -> list[RunView]:
        """Every run but this one that has not closed, or has left something, newest first."""
        from keelwatch.runs.heal import unfinished

        return [view(self._store, run) for run in unfinished(self._store) if run != self.id]

    def check(self, action: Action) -> Condition:
        """Whether the world is as `action` leaves it. Never raises for what cannot be told."""
        try:
            return self._table.verb(action.verb).check(action.args)
        except KeelwatchError as error:
            return Condition.unknown(error.message)

    def access(self, action: Action) -> tuple[str, ...]:
        """What whoever starts `action` must be allowed to do. Raises what the verb raises."""
        return self._table.verb(action.verb).access(action.args)

    def open_undos(self) -> tuple[OpenUndo, ...]:
        """Every unfinished undo there is, whosever it is."""
        from keelwatch.runs.heal import list_open

        return list_open(self._store)

    def at_the_end(self, words: Callable[[], None]) -> None:
        """Call `words` once the last undo was tried, before the run closes: for what only then is true."""
        self._last_words.append(words)

    def say_last_words(self) -> None:
        """By the kernel. Nothing that fails here keeps the run from closing."""
        for words in self._last_words:
            try:
                words()
            except Exception:  # noqa: BLE001 -- the bug of a room above
                narrate(traceback.format_exc())

    def release_leases(self) -> None:
        for lease in reversed(self._leases):
            self._journal.release(lease.fence)
            lease.lock.release()
        self._leases.clear()

    def spawn_child(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | int = subprocess.PIPE,
        stderr: IO[bytes] | int | None = None,
    ) -> Child:
        """Start a tool that dies with this run: its process by the kernel's word, its whole group by
        the guardian's. Call it from the main thread. stderr goes to the run's log unless given."""
        self.guardian.ensure()
        self.check_stop()
        with (self.spec.folder / "log").open("ab") as log:
            return start_child(self.id, argv, env or {}, stdout, log if stderr is None else stderr)

    def _new_key(self, step: str) -> str:
        """Another one each time, for a step that was undone may be done anew."""
        return f"{self.id}/{step}/{secrets.token_hex(4)}"

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
        self.check_stop()
        prediction = verb.plan(args)
        owed = first.undo if first else _owed(verb, args, prediction, undo)
        if owed is not None or self.spec.on_death is OnDeath.ORPHAN:
            self.guardian.ensure()
        self.check_stop()
        effect = self._journal.intend(
            Effect(
                run=self.id,
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
                self._settle(other, Fate.NOT_DONE, {"evidence": self._denied.pop(other.seq)}, by="check")

    def _do(self, effect: Effect, verb: Verb) -> JsonObject | None:
        """Evidence, or None when the check says it was not done after all."""
        attempt = Attempt(effect.key, effect.number, effect.epoch, before=effect.before)
        try:
            evidence = verb.do(effect.action.args, attempt)
        except UnknownResult:
            return self._settled(effect, verb)
        except KeelwatchError as error:
            self._settle(effect, Fate.FAILED, {"error": error.message}, by="do")
            raise
        self._supersede(effect)
        self._settle(effect, Fate.DONE, evidence, by="do")
        return evidence

    def _supersede(self, effect: Effect) -> None:
        """Earlier attempts with its key are this one: the target acted once, and one undo is owed. Recorded
        before it is done itself, so that a kill in between leaves this one in doubt, and none of them."""
        for other in self.effects:
            if other.key == effect.key and other.seq != effect.seq and other.may_land_late:
                words = f"attempt {effect.number} with the same key was answered"
                self._settle(other, Fate.NOT_DONE, {"evidence": words}, by="key")

    def _settled(self, effect: Effect, verb: Verb) -> JsonObject | None:
        """The evidence of an effect that may have happened, or None when it is to be tried again: it did not
        happen, or it has a key, by which the target knows that it did."""
        if effect.fate is Fate.DONE:
            return effect.evidence or {}
        self.wait(effect.unsettled_s())
        found = verb.check(effect.action.args)
        evidence: JsonObject = {"evidence": found.evidence}
        match found.answer:
            case Answer.YES:
                self._settle(effect, Fate.DONE, evidence, by="check")
                return evidence
            case Answer.NO:
                self._denied[effect.seq] = found.evidence
                return None
            case Answer.UNKNOWN if verb.effect is EffectClass.KEYED:
                return None  # in doubt until an attempt is answered, so that its undo stays owed
            case Answer.UNKNOWN:
                return self._decided(effect, found.evidence)

    def _decided(self, effect: Effect, why: str) -> JsonObject | None:
        if self.spec.on_death is not OnDeath.ORPHAN:  # nobody sits beside it; its undo will be verified
            raise UnknownResult(f"{effect.step}: {effect.action.verb} on {effect.target} is in doubt: {why}")
        question = f"{effect.step}: did {effect.action.verb} on {effect.target} happen? {why}"
        evidence: JsonObject = {"evidence": why}
        match self.ask(question, ("done", "not-done", "abort")):
            case "done":
                self._settle(effect, Fate.DONE, evidence, by="person")
                return evidence
            case "not-done":
                self._settle(effect, Fate.NOT_DONE, evidence, by="person")
                return None
        raise LeftInDoubt(f"{effect.step}: left in doubt by the operator")

    def _settle(self, effect: Effect, fate: Fate, evidence: JsonObject, by: str) -> None:
        self._remember(self._journal.settle(effect, fate, evidence, by))

    def _remember(self, effect: Effect) -> None:
        with self._mutex:
            self._effects[effect.seq] = effect


def _owed(verb: Verb, args: JsonObject, prediction: Prediction, undo: Action | UndoBy) -> Action | None:
    match undo:
        case Action():
            return undo
        case UndoBy.VERB:
            return verb.undo(args, prediction.before)
        case UndoBy.NOBODY:
            return None
