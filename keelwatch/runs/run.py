"""What an actor is given: the run it works in. Every act, sample and question goes through here."""

from __future__ import annotations

import subprocess
import threading
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from keelwatch.ledger.fact import Fact, FactKind, JsonObject
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.acting import Acts, UndoBy
from keelwatch.runs.asking import Answered, Questions
from keelwatch.runs.child import Child, start_child
from keelwatch.runs.effect import Effect, Fate
from keelwatch.runs.guardlink import GuardianLink
from keelwatch.runs.journal import Journal
from keelwatch.runs.lease import Lease, take_lease
from keelwatch.runs.spec import RunSpec
from keelwatch.runs.state import RunView, view
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.stream import StreamWriter
from keelwatch.runs.table import ProcessTable
from keelwatch.runs.undo import Undone
from keelwatch.runs.verb import Action
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.reading import Condition
from keelwatch.workspace.sink import narrate

if TYPE_CHECKING:
    from keelwatch.runs.heal import OpenUndo, Unfinished


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
        self._questions = Questions(store, journal, self.stop_requested, since)
        self._acts = Acts(spec, table, journal, self.guardian, self.stop_requested, self._questions, effects)
        self._unfinished: Unfinished | None = None
        self._leases: list[Lease] = []
        self._last_words: list[Callable[[], None]] = []
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
        return self._acts.effects

    @property
    def left(self) -> tuple[Effect, ...]:
        """Effects that were to be taken back and are not, or nobody knows, oldest first."""
        return self._acts.left

    def act(
        self,
        verb: str,
        args: JsonObject,
        *,
        step: str = "",
        undo: Action | UndoBy = UndoBy.VERB,
        give_up_at: float | None = None,
    ) -> JsonObject:
        """Do `verb` on the world and return its evidence; its undo is owed from before it acts.

        `step` names the act within the run, each act another one. A resumed run gets the recorded
        evidence of a step that was done, and a step in doubt is settled first: by its check, by doing it
        again where the target knows its key, else by a person. After `give_up_at` (monotonic, s) no further
        attempt begins. Raises `Stopped` before acting once a stop is asked for, `KernelError` when the intent
        cannot be synced or no guardian is ready (nothing was done then), and what the verb raises.
        """
        return self._acts.act(verb, args, step, undo, give_up_at)

    def announce(
        self, verb: str, args: JsonObject, *, step: str = "", undo: Action | UndoBy = UndoBy.VERB
    ) -> Effect:
        """The first half of `act`, for an actor that makes the request itself: the intent and its undo
        are on record when this returns. End it with `report`; without that it stays in doubt."""
        return self._acts.announce(verb, args, step, undo)

    def report(self, effect: Effect, fate: Fate, evidence: JsonObject) -> None:
        """What became of an announced effect: done, failed or not done."""
        self._acts.settle(effect, fate, evidence, by="do")

    def undo_all(self, steps: str = "") -> list[Undone]:
        """Take back what is owed, newest first, verified: everything, or only the steps whose names
        begin with `steps`. Also runs after a stop."""
        return self._acts.undo_all(steps)

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
        self.stop_requested.check()

    def wait(self, seconds: float) -> None:
        """Sleep, but raise `Stopped` as soon as a stop is asked for."""
        self.stop_requested.sleep(seconds)

    def facts(self, *kinds: FactKind, since: int = 0) -> list[Fact]:
        """Facts of this run after `since`, oldest first; only of `kinds` when given."""
        return list(self._store.after(since, run=self.id, kinds=kinds))

    def facts_of(self, run: str, *kinds: FactKind) -> list[Fact]:
        """Facts of another run, oldest first; only of `kinds` when given."""
        return list(self._store.after(0, run=run, kinds=kinds))

    def commands(self) -> list[Fact]:
        """Commands sent to this run since the last call."""
        return self._questions.commands()

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Put a question to a person and wait for the answer, one of `choices`; raises `Stopped`
        when the run is told to stop or pause first."""
        return self.ask_why(question, choices).choice

    def ask_why(self, question: str, choices: Sequence[str], wants_note: Sequence[str] = ()) -> Answered:
        """The same, with what the person noted beside the answer; `wants_note` are the choices that are
        no answer without. Questions of several threads are put one after the other."""
        return self._questions.ask(question, choices, wants_note)

    def while_asking(self, meanwhile: Callable[[], None]) -> None:
        """Call `meanwhile` again and again while a question is open; what it raises ends the wait. What it
        does must not ask."""
        self._questions.meanwhile = meanwhile

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
        if self._unfinished is None:
            from keelwatch.runs.heal import Unfinished

            self._unfinished = Unfinished(self._store)
        return [view(self._store, run) for run in self._unfinished.now() if run != self.id]

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
        cwd: Path | None = None,
        keep: Collection[str] | None = None,
    ) -> Child:
        """Start a tool that dies with this run: its process by the kernel's word, its whole group by
        the guardian's. Call it from the main thread. stderr goes to the run's log unless given; `keep` names
        the variables it gets of our environment beside `env` (all of them, unless given)."""
        self.guardian.ensure()
        self.check_stop()
        with (self.spec.folder / "log").open("ab") as log:
            errors = log if stderr is None else stderr
            return start_child(self.id, argv, env or {}, stdout, errors, cwd, keep)
