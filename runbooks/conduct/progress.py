"""How far a run of a runbook has come, folded from its facts: what a resumed run goes on from, and every face
shows. Pure.

Facts of this room, all notes: `step` (step, state, words), `asked-world` (at, name, answer, evidence),
`planned` (plan), `approval-wanted` (step, needed, until), `measured`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from keelwatch.ledger import FactKind
from keelwatch.runs.fields import mapping, number, one_of, text, whole

if TYPE_CHECKING:
    from keelwatch.ledger import Fact, JsonObject


class StepState(StrEnum):
    WAITING = "waiting"  # not begun
    BEGUN = "begun"
    DONE = "done"
    SKIPPED = "skipped"
    ACCEPTED = "accepted"  # it failed, and the runbook or a person says that is borne
    FAILED = "failed"
    TAKEN_BACK = "taken-back"

    @property
    def is_over(self) -> bool:
        """Whether a run does not come back to it."""
        return self in {StepState.DONE, StepState.SKIPPED, StepState.ACCEPTED}


@dataclass(frozen=True, slots=True)
class StepProgress:
    """`began` and `ended` in Unix time (s); `words` are the evidence, or why. `trips` is why its guard
    stopped it and it was taken back, until it is begun anew."""

    state: StepState = StepState.WAITING
    words: str = ""
    began: float | None = None
    ended: float | None = None
    trips: str = ""

    @property
    def took_s(self) -> float | None:
        return self.ended - self.began if self.began is not None and self.ended is not None else None


@dataclass(frozen=True, slots=True)
class WantedApproval:
    """`until` in Unix time (s): without enough people by then the run is aborted. `shown` is what is put
    before them beside the plan: what it is to what was found."""

    step: str
    needed: int
    until: float
    shown: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        return {"step": self.step, "needed": self.needed, "until": self.until}


@dataclass(frozen=True, slots=True)
class AskedWorld:
    """One question asked of the world: `at` says when in the run (ready, rule, guard STEP, done)."""

    at: str
    name: str
    answer: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person noted beside a step; `at` in Unix time (s)."""

    at: float
    actor: str
    words: str


@dataclass(frozen=True, slots=True)
class Progress:
    """`aborted` is why, once somebody has said so; `skips` are steps to be left out, with the reason.
    `decided_s` is how long people took to answer, `asked_at` since when it asks now (Unix s)."""

    steps: Mapping[str, StepProgress] = field(default_factory=dict)
    asked: tuple[AskedWorld, ...] = ()
    plan_sha: str = ""
    plan: JsonObject = field(default_factory=dict)
    approval: WantedApproval | None = None
    is_ready: bool = False
    aborted: str | None = None
    skips: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, tuple[Remark, ...]] = field(default_factory=dict)
    measured: JsonObject = field(default_factory=dict)
    settling_since: float | None = None
    asked_at: float | None = None
    decided_s: float = 0.0

    @property
    def step_names(self) -> tuple[str, ...]:
        """Of its plan, in order."""
        steps = self.plan.get("steps")
        found = steps if isinstance(steps, list) else []
        return tuple(text(one, "step") for one in found if isinstance(one, dict))

    def step(self, name: str) -> StepProgress:
        return self.steps.get(name, StepProgress())


def fold(progress: Progress, facts: Iterable[Fact]) -> Progress:
    """`progress` after `facts`, which are those of its run that follow, in order."""
    for fact in facts:
        match fact.kind:
            case FactKind.NOTE:
                progress = _noted(progress, fact)
            case FactKind.COMMAND:
                progress = _commanded(progress, fact)
    return progress


def _noted(progress: Progress, fact: Fact) -> Progress:
    body = fact.body
    match fact.event:
        case "step":
            return _step(progress, fact)
        case "asked-world":
            one = AskedWorld(
                text(body, "at"), text(body, "name"), text(body, "answer"), text(body, "evidence")
            )
            others = tuple(each for each in progress.asked if (each.at, each.name) != (one.at, one.name))
            return replace(progress, asked=(*others, one))
        case "planned":
            plan = mapping(body, "plan")
            return replace(progress, plan=plan, plan_sha=text(plan, "plan"))
        case "ready":
            return replace(progress, is_ready=True)
        case "approval-wanted":
            shown = {name: str(found) for name, found in mapping(body, "shown").items()}
            wanted = WantedApproval(text(body, "step"), whole(body, "needed"), number(body, "until"), shown)
            return replace(progress, approval=wanted)
        case "asked":
            return replace(progress, asked_at=fact.at)
        case "aborted":
            return replace(progress, aborted=text(body, "reason"))
        case "settling":
            return replace(progress, settling_since=progress.settling_since or fact.at)
        case "measured":
            return replace(progress, measured=mapping(body, "measured"))
    return progress


def _step(progress: Progress, fact: Fact) -> Progress:
    name, state = text(fact.body, "step"), one_of(fact.body, "state", StepState.BEGUN)
    before = progress.step(name)
    if state is StepState.WAITING:  # an earlier one was taken back
        now = StepProgress()
    elif state is StepState.BEGUN:
        now = StepProgress(state, "", before.began or fact.at)
    else:
        words = text(fact.body, "words")
        trips = words if state is StepState.TAKEN_BACK else before.trips
        now = StepProgress(state, words, before.began or fact.at, fact.at, trips)
    over = progress.approval if progress.approval and progress.approval.step != name else None
    approval = progress.approval if state is StepState.BEGUN else over
    return replace(progress, steps={**progress.steps, name: now}, approval=approval)


def _commanded(progress: Progress, fact: Fact) -> Progress:
    match fact.event:
        case "answer" if progress.asked_at is not None:
            decided_s = progress.decided_s + fact.at - progress.asked_at
            return replace(progress, asked_at=None, decided_s=decided_s)
        case "abort":
            return replace(progress, aborted=text(fact.body, "reason"))
        case "skip":
            skips = {**progress.skips, text(fact.body, "step"): text(fact.body, "reason")}
            return replace(progress, skips=skips)
        case "remark":
            step = text(fact.body, "step")
            told = (*progress.remarks.get(step, ()), Remark(fact.at, fact.actor, text(fact.body, "words")))
            return replace(progress, remarks={**progress.remarks, step: told})
    return progress
