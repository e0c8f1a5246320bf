"""A run of a runbook as its screen and its command tell it: plain values, folded from its facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelwatch.ledger import Fact, FactKind
from keelwatch.runs import Effect, Fate, Phase, Question, RunView
from keelwatch.runs.fields import mapping, text, texts, whole
from runbooks.conduct.progress import AskedWorld, Progress, Remark, StepState, WantedApproval

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Verdict

NO_RETURN = "none: the point of no return"  # as a plan says it
IN_DOUBT = ("done", "not-done", "abort")
BY_HAND = ("done", "cannot")


@dataclass(frozen=True, slots=True)
class Told:
    """What the pinned text says of a step, beside its plan."""

    why: str = ""
    is_approval: bool = False
    by_hand: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Of the text that the run carries out, as far as it can be read; times in seconds."""

    title: str = ""
    rto_s: float | None = None
    steps: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepStory:
    """A step. `does`, `effects` and `way_back` are of its plan, `words` what came of it, `doubt` the act
    of it that may or may not have happened, announced `doubt_at`, `trips` why its guard stopped it. Times in
    Unix time (s)."""

    name: str
    state: StepState
    does: str = ""
    effects: tuple[str, ...] = ()
    way_back: str = ""
    words: str = ""
    began: float | None = None
    ended: float | None = None
    trips: str = ""
    doubt: Effect | None = None
    doubt_at: float | None = None
    skip_asked: str | None = None
    told: Told = field(default_factory=Told)
    asked: tuple[AskedWorld, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def is_no_return(self) -> bool:
        return self.way_back == NO_RETURN

    @property
    def took_s(self) -> float | None:
        return self.ended - self.began if self.began is not None and self.ended is not None else None


@dataclass(frozen=True, slots=True)
class RunStory:
    """`alive`: its process is there. `owed` are the acts that an abort would take back, the newest first;
    `passed` is the step from which there is no way back, once it was done; `maybe_passed` the same, where it
    failed or is in doubt, and only its check can tell. `approvals` are who said yes so far. `stands` is why
    it stands still while nobody carries it out."""

    run: str
    runbook: str
    environment: str
    mode: str
    inputs: Mapping[str, str]
    phase: Phase
    alive: bool
    starter: str
    started: float
    steps: tuple[StepStory, ...]
    plan_sha: str = ""
    ended: float | None = None
    verdict: Verdict | None = None
    question: Question | None = None
    approval: WantedApproval | None = None
    approvals: tuple[str, ...] = ()
    ready: tuple[AskedWorld, ...] = ()
    is_ready: bool = False
    done: tuple[AskedWorld, ...] = ()
    settling_since: float | None = None
    measured: JsonObject = field(default_factory=dict)
    aborted: str | None = None
    owed: tuple[str, ...] = ()
    passed: str = ""
    maybe_passed: str = ""
    left: tuple[str, ...] = ()
    stands: str = ""
    pinned: Pinned = field(default_factory=Pinned)

    @property
    def is_over(self) -> bool:
        """It goes on no more, whether or not it left something behind."""
        return self.phase is Phase.ENDED or (self.verdict is not None and not self.alive)

    @property
    def left_behind(self) -> tuple[str, ...]:
        """What it should have taken back, and did not."""
        return (self.left or self.owed) if self.is_over and self.verdict is not None else ()

    @property
    def counts(self) -> tuple[int, int]:
        """How many steps are over, of how many."""
        return sum(one.state.is_over for one in self.steps), len(self.steps)

    @property
    def no_return(self) -> StepStory | None:
        return next((one for one in self.steps if one.is_no_return), None)

    @property
    def current(self) -> StepStory | None:
        """The first step that is not over; None when all are, and before the run is ready."""
        return next((one for one in self.steps if not one.state.is_over), None) if self.is_ready else None

    @property
    def asking(self) -> StepStory | None:
        """The step that the question is about."""
        if self.question is None:
            return None
        words = self.question.text
        return next(
            (one for one in self.steps if words.startswith((f"{one.name}:", f"{one.name} "))), None
        ) or (next((one for one in self.steps if words.startswith(f"{one.name}/")), None))

    @property
    def way_back(self) -> str:
        """The step that the answer `back` takes back; empty when it is no answer now."""
        if self.question is None or "back" not in self.question.choices:
            return ""
        here = self.asking.name if self.asking is not None else ""
        names = [one.partition("/")[0] for one in self.owed]
        return next((one for one in names if one != here), "")

    def step(self, name: str) -> StepStory | None:
        return next((one for one in self.steps if one.name == name), None)


def story_of(view: RunView, progress: Progress, facts: Sequence[Fact], pinned: Pinned) -> RunStory:
    """`facts` are all those of the run, in order."""
    state = view.state
    undone = _taken_back(facts, state.effects)
    doubts = _doubts(view)
    sent = {fact.seq: fact.at for fact in facts if fact.kind is FactKind.INTENT}
    steps = tuple(
        _step(forecast, progress, undone, doubts, pinned.steps.get(text(forecast, "step"), Told()), sent)
        for forecast in _forecasts(progress.plan)
    )
    verdict_at = next((fact.at for fact in facts if fact.kind is FactKind.VERDICT), None)
    return RunStory(
        run=state.id,
        runbook=state.name,
        environment=state.env,
        mode=text(progress.plan, "mode"),
        inputs={name: str(value) for name, value in mapping(progress.plan, "inputs").items()},
        phase=view.phase,
        alive=view.pid is not None,
        starter=login_of(state.actor),
        started=state.started,
        steps=steps,
        plan_sha=progress.plan_sha,
        ended=verdict_at,
        verdict=state.verdict,
        question=asked_by(view),
        approval=progress.approval if state.verdict is None else None,
        approvals=tuple(_approvers(facts)),
        ready=tuple(one for one in progress.asked if one.at == "ready"),
        is_ready=progress.is_ready,
        done=tuple(one for one in progress.asked if one.at == "done"),
        settling_since=progress.settling_since,
        measured=progress.measured,
        aborted=progress.aborted,
        owed=tuple(f"{one.step}: {one.action.verb} on {one.target}" for one in reversed(state.open)),
        passed=_passed(steps, state.effects, {Fate.DONE}),
        maybe_passed=_passed(steps, state.effects, {Fate.DOUBT, Fate.FAILED}),
        left=tuple(f"{one.step}: {one.undo_error}" for one in state.effects if one.undo_error),
        stands=state.paused or state.orphaned or "",
        pinned=pinned,
    )


def asked_by(view: RunView) -> Question | None:
    """What it asks while its process is there: one that is taken up again asks anew."""
    return view.state.question if view.pid is not None else None


def login_of(actor: str) -> str:
    """`0:sre (claimed)` to `sre`."""
    return actor.partition(":")[2].partition(" ")[0] or actor


def _forecasts(plan: JsonObject) -> Iterable[JsonObject]:
    steps = plan.get("steps")
    return [one for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []


def _step(
    forecast: JsonObject,
    progress: Progress,
    undone: frozenset[str],
    doubts: Mapping[str, Effect],
    told: Told,
    sent: Mapping[int, float],
) -> StepStory:
    name = text(forecast, "step")
    found = progress.step(name)
    doubt = doubts.get(name)
    back = found.state is StepState.DONE and name in undone
    return StepStory(
        name=name,
        state=StepState.TAKEN_BACK if back else found.state,
        does=text(forecast, "does") or text(forecast, "skipped"),
        effects=texts(forecast, "effects"),
        way_back=text(forecast, "way_back"),
        words=found.words,
        began=found.began,
        ended=found.ended,
        trips=found.trips,
        doubt=doubt,
        doubt_at=sent.get(doubt.seq) if doubt is not None else None,
        skip_asked=progress.skips.get(name),
        told=told,
        asked=tuple(one for one in progress.asked if one.at in {name, f"guard {name}", f"rule {name}"}),
        remarks=progress.remarks.get(name, ()),
    )


def _taken_back(facts: Iterable[Fact], standing: Iterable[Effect]) -> frozenset[str]:
    """Steps whose every act was undone, and verified so."""
    step_of: dict[int, str] = {}
    undone: set[str] = set()
    for fact in facts:
        if fact.kind is FactKind.INTENT and "undoes" not in fact.body:
            step_of[fact.seq] = text(fact.body, "step").partition("/")[0]
        elif fact.kind is FactKind.RESULT and text(fact.body, "outcome") == "undone":
            undone.add(step_of.get(whole(fact.body, "undoes"), ""))
    return frozenset(undone - {one.step.partition("/")[0] for one in standing if one.fate is Fate.DONE})


def _doubts(view: RunView) -> dict[str, Effect]:
    """By step. An act that is under way just now is in no doubt yet."""
    question = asked_by(view)
    open_now = [one for one in view.state.effects if one.fate is Fate.DOUBT]
    if question is not None and question.choices == IN_DOUBT:
        open_now = [one for one in open_now if question.text.startswith(f"{one.step}:")]
    elif view.phase in {Phase.RUNNING, Phase.STOPPING} or view.pid is not None:
        open_now = []
    return {one.step.partition("/")[0]: one for one in open_now}


def _passed(steps: Iterable[StepStory], effects: Iterable[Effect], fates: set[Fate]) -> str:
    last = next((one.name for one in steps if one.is_no_return), None)
    acted = last is not None and any(one.step.startswith(f"{last}/") and one.fate in fates for one in effects)
    return last or "" if acted else ""


def _approvers(facts: Iterable[Fact]) -> Iterable[str]:
    for fact in facts:
        if fact.kind is FactKind.APPROVAL:
            drill = text(fact.body, "as")
            yield f"{drill} (for practice, by {login_of(fact.actor)})" if drill else login_of(fact.actor)
