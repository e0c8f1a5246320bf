"""What an actor is given: the run it works in. Every act, sample and question goes through here."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import IO

from keelwatch.ledger.fact import Fact, FactKind, JsonObject
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.child import Child, start_child
from keelwatch.runs.effect import Effect, Fate
from keelwatch.runs.fields import text, whole
from keelwatch.runs.guardlink import GuardianLink
from keelwatch.runs.journal import Journal
from keelwatch.runs.lease import Lease, take_lease
from keelwatch.runs.spec import RunSpec
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.stream import StreamWriter
from keelwatch.runs.table import OnDeath, ProcessTable
from keelwatch.runs.undo import Undone, undo_effects
from keelwatch.runs.verb import Action, Attempt, Verb
from keelwatch.runs.verdict import Stopped
from keelwatch.workspace.clock import boot_id
from keelwatch.workspace.errors import KeelwatchError, UnknownResult
from keelwatch.workspace.reading import Answer

ATTEMPTS = 3
ASK_PAUSE_S = 0.2


class UndoBy(Enum):
    VERB = auto()  # whatever the verb says takes it back
    NOBODY = auto()  # point of no return, or a step that takes back another


class Run:
    """Made by the kernel. Its methods are for the actor's thread (the main one), except
    `stop_requested`, which anybody may look at or wait for."""

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
        self._read_seq = since
        self._leases: list[Lease] = []
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
        return tuple(self._effects.values())

    def act(
        self, verb: str, args: JsonObject, *, step: str = "", undo: Action | UndoBy = UndoBy.VERB
    ) -> JsonObject:
        """Do `verb` on the world and return its evidence; its undo is owed from before it acts.

        `step` names the act within the run. A resumed run gets the recorded evidence of a step that
        was done, and a step in doubt is settled first: by its check, else by a person. Raises
        `Stopped` before acting once a stop is asked for, `SourceError` when the intent cannot be
        synced or no guardian is ready (nothing was done then), and what the verb raises.
        """
        known = self._table.verb(verb)
        step = step or f"{len(self._effects) + 1}-{verb}"
        earlier = [effect for effect in self._effects.values() if effect.step == step]
        if earlier and earlier[-1].fate is not Fate.NOT_DONE:
            evidence = self._settled(earlier[-1], known)
            if evidence is not None:
                return evidence
        for number in range(len(earlier) + 1, len(earlier) + ATTEMPTS + 1):
            evidence = self._attempt(known, args, step, undo, number)
            if evidence is not None:
                return evidence
        raise UnknownResult(f"{step}: not done after {ATTEMPTS} attempts", "look at the target, then resume")

    def undo_all(self) -> list[Undone]:
        """Take back everything owed, newest first, verified. Also runs after a stop."""
        outcomes = undo_effects(self._journal, self._table, self.effects)
        for done in outcomes:
            if not done.error:
                self._effects.pop(done.effect.seq)
        return outcomes

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

    def commands(self) -> list[Fact]:
        """Commands sent to this run since the last call."""
        facts = list(self._store.after(self._read_seq, run=self.id, kinds=(FactKind.COMMAND,)))
        if facts:
            self._read_seq = facts[-1].seq
        return facts

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Put a question to a person and wait for the answer, one of `choices`; raises `Stopped`
        when the run is told to stop or pause first."""
        asked = self._journal.note("asked", {"question": question, "choices": list(choices)}).seq
        while True:
            for fact in self.commands():
                answer = text(fact.body, "answer")
                if fact.event == "answer" and whole(fact.body, "question") == asked and answer in choices:
                    return answer
            self.wait(ASK_PAUSE_S)

    def lease(self, scope: str) -> int:
        """Hold `scope` until the run ends; returns the epoch, which also fences every later fact of
        this run. Raises `Refused`, naming the holder."""
        lease = take_lease(self._store, scope, self.id, self.spec.actor)
        self._leases.append(lease)
        self._journal.fences.append(lease.fence)
        return lease.fence.epoch

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

    def _attempt(
        self, verb: Verb, args: JsonObject, step: str, undo: Action | UndoBy, number: int
    ) -> JsonObject | None:
        """Evidence, or None when the check says it was not done after all."""
        self.check_stop()
        prediction = verb.plan(args)
        match undo:
            case Action():
                owed: Action | None = undo
            case UndoBy.VERB:
                owed = verb.undo(args, prediction.before)
            case UndoBy.NOBODY:
                owed = None
        if owed is not None or self.spec.on_death is OnDeath.ORPHAN:
            self.guardian.ensure()
        self.check_stop()
        effect = self._journal.intend(
            Effect(
                run=self.id,
                seq=0,
                step=step,
                action=Action(verb.name, args),
                effect_class=verb.effect,
                target=prediction.target,
                before=prediction.before,
                undo=owed,
                settle_s=verb.settle_s,
                number=number,
                boot=boot_id(),
                boot_s=time.clock_gettime(time.CLOCK_BOOTTIME),
            )
        )
        self._effects[effect.seq] = effect
        return self._do(effect, verb)

    def _do(self, effect: Effect, verb: Verb) -> JsonObject | None:
        key = f"{self.id}/{effect.step}"
        attempt = Attempt(key, effect.number, self._journal.epoch, before=effect.before)
        try:
            evidence = verb.do(effect.action.args, attempt)
        except UnknownResult:
            return self._settled(effect, verb)
        except KeelwatchError as error:
            self._settle(effect, Fate.FAILED, {"error": error.message}, by="do")
            raise
        self._settle(effect, Fate.DONE, evidence, by="do")
        return evidence

    def _settled(self, effect: Effect, verb: Verb) -> JsonObject | None:
        """The evidence of an effect that may have happened, or None when it did not."""
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
                self._settle(effect, Fate.NOT_DONE, evidence, by="check")
                return None
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
        raise UnknownResult(f"{effect.step}: left in doubt by the operator")

    def _settle(self, effect: Effect, fate: Fate, evidence: JsonObject, by: str) -> None:
        self._effects[effect.seq] = self._journal.settle(effect, fate, evidence, by)
