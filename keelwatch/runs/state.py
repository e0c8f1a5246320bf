"""The state of a run, folded from its facts and from who is alive."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from keelwatch.ledger.fact import Fact, FactKind
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.effect import Effect, Fate, effect_of
from keelwatch.runs.fields import mapping, one_of, text, texts, whole, wholes
from keelwatch.runs.locks import is_held
from keelwatch.runs.mark import read_mark
from keelwatch.runs.spec import run_scope
from keelwatch.runs.table import OnDeath, OnTerm
from keelwatch.runs.verdict import Outcome, Verdict
from keelwatch.workspace.errors import ExitCode, UsageError
from keelwatch.workspace.paths import run_dir

LIFE_FACTS = (FactKind.NOTE, FactKind.COMMAND, FactKind.VERDICT)  # a run has few of these, however long
MOST_REMEMBERED = 64


class Phase(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"  # waits for a person; its process may have ended
    STOPPING = "stopping"
    HEALING = "healing"  # dead, its guardian is undoing
    ORPHANED = "orphaned"  # dead, with something left that nobody is looking after
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Question:
    """What a run asks of a person; `seq` is that of the fact, and what an answer must name. `wants_note` are
    the choices that are no answer without a note."""

    seq: int
    text: str
    choices: tuple[str, ...]
    wants_note: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunState:
    """What the facts of one run say. `since` is the seq of the lease its last process took."""

    id: str
    kind: str = ""
    name: str = ""
    env: str = ""
    actor: str = ""
    started: float = 0.0
    spec_sha: str = ""
    on_death: OnDeath = OnDeath.UNDO
    on_term: OnTerm = OnTerm.UNDO
    epoch: int = 0
    since: int = 0
    at_seq: int = 0
    effects: tuple[Effect, ...] = ()
    question: Question | None = None
    paused: str | None = None
    orphaned: str | None = None
    stop_asked: bool = False
    verdict: Verdict | None = None
    left: tuple[int, ...] = field(default=())

    @property
    def open(self) -> tuple[Effect, ...]:
        """Effects whose undo is owed, oldest first. A closing fact says which of them are: what a
        finished failover moved stays where it is."""
        owed = (effect for effect in self.effects if effect.is_open)
        return tuple(effect for effect in owed if self.verdict is None or effect.seq in self.left)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as `keelwatch runs` lists it; `pid` is None once it has ended."""

    state: RunState
    phase: Phase
    pid: int | None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it goes on, whatever it has left behind."""
        return self.phase in {Phase.ENDED, Phase.ORPHANED}


def fold(state: RunState, facts: Iterable[Fact]) -> RunState:
    """`state` after `facts`, which are those of its run that follow, in order.

    An effect that was undone is as if it had never been: a resumed run may do that step anew.
    """
    effects = {effect.seq: effect for effect in state.effects}
    for fact in facts:
        match fact.kind:
            case FactKind.INTENT:
                _announced(effects, fact)
            case FactKind.RESULT:
                _settled(effects, fact)
            case _:
                state = _next(state, fact)
        state = replace(state, at_seq=fact.seq)
    return replace(state, effects=tuple(effects.values()))


def _announced(effects: dict[int, Effect], fact: Fact) -> None:
    undone = whole(fact.body, "undoes")
    if undone in effects:
        effects[undone] = replace(effects[undone], undo_tried=True)
    elif "undoes" not in fact.body:
        effects[fact.seq] = effect_of(fact)


def _settled(effects: dict[int, Effect], fact: Fact) -> None:
    payload = fact.body
    intent, undone, outcome = whole(payload, "intent"), whole(payload, "undoes"), text(payload, "outcome")
    if intent in effects:
        fate = one_of(payload, "outcome", Fate.DOUBT)
        effects[intent] = replace(effects[intent], fate=fate, evidence=mapping(payload, "evidence"))
    elif undone in effects and outcome == "undone":
        del effects[undone]
    elif undone in effects:
        effects[undone] = replace(effects[undone], undo_error=text(payload, "error"))


def _next(state: RunState, fact: Fact) -> RunState:
    match fact.kind:
        case FactKind.NOTE:
            return _noted(state, fact)
        case FactKind.LEASE if text(fact.body, "scope") == run_scope(state.id):
            return _leased(state, fact)
        case FactKind.COMMAND:
            return _commanded(state, fact)
        case FactKind.VERDICT:
            return replace(state, verdict=_verdict(fact), left=wholes(fact.body, "left"), question=None)
    return state


def _noted(state: RunState, fact: Fact) -> RunState:
    payload = fact.body
    match fact.event:
        case "created":
            return replace(
                state,
                kind=text(payload, "kind"),
                name=text(payload, "name"),
                env=text(payload, "env"),
                actor=fact.actor,
                started=fact.at,
                spec_sha=text(payload, "spec_sha"),
                on_death=one_of(payload, "on_death", OnDeath.UNDO),
                on_term=one_of(payload, "on_term", OnTerm.UNDO),
            )
        case "asked":
            choices, noted = texts(payload, "choices"), texts(payload, "wants_note")
            return replace(state, question=Question(fact.seq, text(payload, "question"), choices, noted))
        case "paused":
            return replace(state, paused=text(payload, "reason"))
        case "orphaned":
            return replace(state, orphaned=text(payload, "reason"))
    return state


def _leased(state: RunState, fact: Fact) -> RunState:
    epoch = whole(fact.body, "epoch")
    if fact.event != "taken":
        return replace(state, epoch=epoch)
    return replace(
        state, epoch=epoch, since=fact.seq, paused=None, orphaned=None, question=None, stop_asked=False
    )


def _commanded(state: RunState, fact: Fact) -> RunState:
    match fact.event:
        case "stop" | "pause":
            return replace(state, stop_asked=True)
        case "answer":
            return replace(state, question=None)
    return state


def _verdict(fact: Fact) -> Verdict:
    payload = fact.body
    if not payload:
        return Verdict(Outcome.INCONCLUSIVE, "redacted", ExitCode.UNKNOWN)
    outcome = one_of(payload, "verdict", Outcome.INCONCLUSIVE)
    return Verdict(outcome, text(payload, "reason"), _exit_code(whole(payload, "exit")))


def _exit_code(number: int) -> ExitCode:
    return ExitCode(number) if number in set(ExitCode) else ExitCode.UNKNOWN


def load(store: LedgerStore, run: str, kinds: Sequence[FactKind] = ()) -> RunState:
    """Raises `UsageError` when the ledger knows no such run."""
    state = fold(RunState(run), store.after(0, run=run, kinds=kinds))
    if not state.at_seq:
        raise UsageError(f"there is no run {run}", "see: keelwatch runs")
    return state


def is_alive(run: str) -> bool:
    return is_held(run_dir(run) / "alive.lock")


def has_guardian(run: str) -> bool:
    return is_held(run_dir(run) / "guardian.lock")


@dataclass(frozen=True, slots=True)
class Life:
    """Which processes of a run exist. Look at them before its facts: whoever is seen dead has written
    all it ever will, so a run that just ended is never taken for an orphan."""

    pid: int | None
    alive: bool
    guarded: bool

    @classmethod
    def of(cls, run: str) -> Life:
        alive, guarded = is_alive(run), has_guardian(run)
        mark = read_mark(run_dir(run) / "process.json") if alive else None
        return cls(mark.pid if mark else None, alive, guarded)


class _Memory:
    """The newest folds of a few runs, by the hash of the fact that made each: no other ledger has it. So
    whoever looks at every tick reads only what is new. Facts never change; those of a run that may still
    owe something are not redacted either."""

    def __init__(self) -> None:
        self._states: dict[str, RunState] = {}
        self._mutex = threading.Lock()

    def load(self, store: LedgerStore, run: str) -> RunState:
        """As `load` of all facts; for faces, never for who acts."""
        made = next(store.after(0, run=run, kinds=(FactKind.NOTE,)), None)
        if made is None:
            return load(store, run)
        with self._mutex:
            before = self._states.pop(made.hash, RunState(run))
        state = fold(before, store.after(before.at_seq, run=run))
        with self._mutex:
            self._states[made.hash] = state
            while len(self._states) > MOST_REMEMBERED:
                del self._states[next(iter(self._states))]
        return state


_memory = _Memory()


def view(store: LedgerStore, run: str) -> RunView:
    """How a run stands now."""
    life = Life.of(run)
    return view_of(_memory.load(store, run), life)


def view_of(state: RunState, life: Life) -> RunView:
    phase = _living_phase(state) if life.alive else _dead_phase(state, guarded=life.guarded)
    return RunView(state, phase, None if phase is Phase.ENDED else life.pid)


def _living_phase(state: RunState) -> Phase:
    if state.verdict is not None and not state.left:
        return Phase.ENDED  # it has written its last; its process is on the way out
    if state.stop_asked or state.verdict is not None:
        return Phase.STOPPING
    return Phase.RUNNING if state.question is None else Phase.PAUSED


def _dead_phase(state: RunState, *, guarded: bool) -> Phase:
    if state.verdict is not None and not state.open:
        return Phase.ENDED
    if state.paused is not None and state.verdict is None:
        return Phase.PAUSED
    if guarded:
        return Phase.HEALING
    if not state.since:
        return Phase.ENDED  # its process never began
    return Phase.ORPHANED if state.open or state.on_death is OnDeath.ORPHAN else Phase.ENDED


def runs(store: LedgerStore, newest: int = 200) -> list[RunView]:
    """The newest runs, newest first."""
    ids = sorted(store.runs_with(FactKind.NOTE), reverse=True)[:newest]
    return [_listed(store, run) for run in ids]


def _listed(store: LedgerStore, run: str) -> RunView:
    """Without its effects, unless they decide how it stands, and without the leases of other scopes: a long
    run has thousands of both."""
    life = Life.of(run)
    facts = [*store.after(0, run=run, kinds=LIFE_FACTS), *_own_leases(store, run)]
    state = fold(RunState(run), sorted(facts, key=lambda fact: fact.seq))
    return view(store, run) if _hangs_on_effects(state, life) else view_of(state, life)


def _own_leases(store: LedgerStore, run: str) -> list[Fact]:
    """The newest lease of a run on itself; if that is whoever fenced it, also its first, which it took as
    it began: what is fenced is not resumed, so there is none between."""
    newest = store.lease(run_scope(run))
    if newest is None:
        return []
    first = None if newest.event == "taken" else next(store.after(0, run=run, kinds=(FactKind.LEASE,)), None)
    return [newest] if first is None or first.seq == newest.seq else [first, newest]


def _hangs_on_effects(state: RunState, life: Life) -> bool:
    """Whether `_dead_phase` would ask what is open."""
    if life.alive:
        return False
    if state.verdict is not None:
        return bool(state.left)
    return not (
        state.paused is not None or life.guarded or not state.since or state.on_death is OnDeath.ORPHAN
    )
