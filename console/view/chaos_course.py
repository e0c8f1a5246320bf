"""A run of an experiment, as values that a screen draws. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chaos.bounds import Bounds
from chaos.follow import Ahead, Asked
from chaos.story import Fault, Step, Story
from console.view.run_story import login_of
from keelwatch.runs import Phase, Verdict
from keelwatch.safety.said import GuardSaid

if TYPE_CHECKING:
    from chaos.follow import Followed
    from keelwatch.runs import RunView

PHASES = {
    "before": "hypothesis before",
    "method": "method",
    "after": "hypothesis after",
    "rollbacks": "rollbacks",
    "end": "ending",
}


@dataclass(frozen=True, slots=True)
class Course:
    """`asked` is by the probe's name and by before, during or after; `method_at` is when the method began.
    `stopped` says by whom it was told to stop, and why."""

    run: str
    experiment: str
    environment: str
    phase: Phase
    started: float
    starter: str
    told: Story
    alive: bool = True
    stop_asked: bool = False
    stopped: str = ""
    verdict: Verdict | None = None
    ended: float | None = None
    bounds: Bounds = field(default_factory=Bounds)
    steady_state: str = ""
    probes: tuple[str, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    asked: Mapping[tuple[str, str], Asked] = field(default_factory=dict)
    guard: Mapping[str, GuardSaid] = field(default_factory=dict)
    method_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Also of one that was judged and has left something behind, which counts as orphaned."""
        return self.phase is Phase.ENDED or (self.verdict is not None and not self.alive)

    @property
    def is_left(self) -> bool:
        """Whether nobody looks after what it did."""
        return bool(self.open_faults) and (self.is_over or self.phase is Phase.ORPHANED)

    @property
    def open_faults(self) -> tuple[Fault, ...]:
        return tuple(one for one in self.told.faults if one.is_open)

    @property
    def current(self) -> Step | None:
        """The step that is on."""
        begun = [one for one in self.told.steps if one.state == "begun"]
        return begun[-1] if begun and not self.is_over else None

    def of(self, phase: str) -> tuple[Step, ...]:
        return tuple(one for one in self.told.steps if one.phase == phase)

    def waiting(self, phase: str) -> tuple[Ahead, ...]:
        """What it has not begun yet: Chaos Toolkit takes one after the other."""
        planned = [one for one in self.ahead if one.phase == phase]
        return tuple(planned[len(self.of(phase)) :])

    def counts(self, phase: str) -> tuple[int, int]:
        """How many of its activities are over, and how many there are."""
        begun = self.of(phase)
        over = sum(one.state != "begun" for one in begun)
        return over, len(begun) + len(self.waiting(phase))


def course_of(view: RunView, told: Followed) -> Course:
    state = view.state
    return Course(
        run=state.id,
        experiment=state.name,
        environment=state.env,
        phase=view.phase,
        started=state.started,
        starter=login_of(state.actor),
        told=told.story,
        alive=view.pid is not None,
        stop_asked=state.stop_asked,
        stopped=f"by {login_of(told.stopped[0])}: {told.stopped[1]}" if told.stopped else "",
        verdict=state.verdict,
        ended=told.ended,
        bounds=told.bounds,
        steady_state=told.steady_state,
        probes=told.probes,
        ahead=told.ahead,
        asked=dict(told.asked),
        guard=dict(told.guard),
        method_at=told.method_at,
    )


def progress_words(course: Course) -> str:
    """`method 1/2: customers meet it, 1 fault on`; without a count where nobody has told what is ahead. Of
    one that was judged, its verdict."""
    if course.is_over and course.verdict is not None:
        return str(course.verdict)
    phase = course.told.phase
    words = PHASES.get(phase, "asks what it may hurt first")
    if phase in {"method", "rollbacks"}:
        over, count = course.counts(phase)
        current = course.current
        words += f" {min(over + 1, count)}/{count}" if course.ahead and count else ""
        words += f": {current.name}" if current is not None else ""
    faults = len(course.open_faults)
    return f"{words}, {faults} fault{'' if faults == 1 else 's'} on" if faults else words
