"""The course of a load, as values: what a screen draws of it, second by second. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.view.load import finding_word, findings_in
from console.view.run_story import login_of
from keelwatch.ledger import JsonObject
from keelwatch.runs import Phase, Verdict
from keelwatch.runs.fields import number, text, whole
from keelwatch.safety import Reservation
from keelwatch.safety.said import GuardSaid
from loadtests.gathered import Times

if TYPE_CHECKING:
    from keelwatch.runs import RunView
    from loadtests.follow import Followed
    from loadtests.gathered import Gathered, Second
    from loadtests.histogram import Histogram

RECENT_S = 10
"""Arrivals of one second scatter: a rate is that of so many."""
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Quantiles:
    """In ms; None where there was nothing."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """One second. `level` was wanted: arrivals per second, or users; `applied` began, or were there."""

    at: int
    level: float = 0.0
    applied: float = 0.0
    count: int = 0
    failed: int = 0
    response: Quantiles = Quantiles()
    service: Quantiles = Quantiles()
    in_flight: int = 0
    dropped: int = 0
    late_ms: float = 0.0
    cpu: float = 0.0
    workers: int = 0


@dataclass(frozen=True, slots=True)
class TimesRow:
    """The requests of one name, or the journeys, without the warm-up."""

    name: str
    count: int
    failed: int
    response: Quantiles
    service: Quantiles

    @property
    def share(self) -> float:
        return self.failed / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A threshold, once it was judged. `value` empty: too little to tell, `reason` says why. `late`: of one
    that only the generator missed, how long the server took."""

    name: str
    value: str
    met: bool
    reason: str
    late: str = ""

    @property
    def word(self) -> str:
        return finding_word(self.value, self.late, met=self.met)


@dataclass(frozen=True, slots=True)
class Step:
    """Of a search for capacity: a rate that held, or not and why; or one that could not be pushed."""

    rate: float
    held: bool
    reason: str = ""
    is_proof: bool = False
    is_pushed: bool = True

    @property
    def word(self) -> str:
        if self.held:
            return "may hold" if self.reason else "holds"
        return "MISSED" if self.is_pushed else "UNPUSHED"


@dataclass(frozen=True, slots=True)
class Course:
    """`length_s` is that of its stages, 0 until it is planned; `began` is when its first second did, None
    before. Of a search for capacity `ticks` are those of the step it is at, or of the last one
    until the next tells of any, and `steps` the ones that are over.
    `idle`: arrivals that did nothing; `quiet_s`: for so long a generator told nothing; `late_s`: for so long
    arrivals began too late.
    `lately` is of the last `RECENT_S` seconds, warm-up or not. `cpu` is the busiest generator's share of
    a core in its busiest seconds."""

    run: str
    profile: str
    environment: str
    phase: Phase
    started: float
    starter: str
    alive: bool = True
    stop_asked: bool = False
    verdict: Verdict | None = None
    title: str = ""
    model: str = ""
    top: float = 0.0
    length_s: float = 0.0
    warm_up_s: float = 0.0
    processes: int = 1
    began: float | None = None
    ended: float | None = None
    ticks: tuple[Tick, ...] = ()
    requests: tuple[TimesRow, ...] = ()
    journeys: tuple[TimesRow, ...] = ()
    all: TimesRow | None = None
    lately: TimesRow | None = None
    guard: Mapping[str, GuardSaid] = field(default_factory=dict)
    budget: tuple[Reservation, ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    found: tuple[Found, ...] = ()
    is_search: bool = False
    steps: tuple[Step, ...] = ()
    due: int = 0
    dropped: int = 0
    no_account: int = 0
    idle: int = 0
    quiet_s: int = 0
    late_s: int = 0
    cpu: float | None = None

    @property
    def is_open(self) -> bool:
        return self.model != "closed"

    @property
    def is_planned(self) -> bool:
        return self.length_s > 0

    @property
    def is_over(self) -> bool:
        return self.phase is Phase.ENDED

    @property
    def is_late(self) -> bool:
        """Whether waiting to be sent took time too: response and service time differ."""
        return any(one.response != one.service for one in (*self.requests, *self.journeys))

    @property
    def told_s(self) -> float:
        """How far it was when it last told anything; a search does not know how far it has to go."""
        if self.is_search:
            return float(self.ticks[-1].at + 1) if self.ticks else 0.0
        return min(float(self.ticks[-1].at + 1), self.length_s) if self.ticks else 0.0

    def elapsed_s(self, now: float) -> float:
        """Of its stages, at most all of them."""
        if self.is_over or self.began is None or self.is_search:
            return self.told_s
        return min(self.length_s, max(self.told_s, now - self.began))

    @property
    def applying(self) -> tuple[Tick, ...]:
        """The seconds of its stages: after them those in flight end, and nobody comes."""
        return tuple(
            one for one in self.ticks if self.is_search or not self.length_s or one.at < self.length_s
        )

    @property
    def recent(self) -> tuple[Tick, ...]:
        return self.applying[-RECENT_S:]

    @property
    def applied(self) -> float | None:
        """Arrivals per second lately, or users now; None before any."""
        if not self.recent:
            return None
        if not self.is_open:
            return self.recent[-1].applied
        return sum(one.applied for one in self.recent) / len(self.recent)

    @property
    def wanted(self) -> float | None:
        """What `applied` should be."""
        if not self.recent:
            return None
        if not self.is_open:
            return self.recent[-1].level
        return sum(one.level for one in self.recent) / len(self.recent)


def tick_of(at: int, second: Second, *, is_open: bool) -> Tick:
    """`second` may grow later, when another generator tells of it."""
    return Tick(
        at=at,
        level=second.level,
        applied=float(second.due - second.dropped if is_open else second.users),
        count=second.times.count,
        failed=second.times.failed,
        response=quantiles(second.times.response),
        service=quantiles(second.times.service),
        in_flight=second.in_flight,
        dropped=second.dropped,
        late_ms=second.late_ms,
        cpu=second.cpu,
        workers=second.workers,
    )


def ticks_of(gathered: Gathered, *, is_open: bool) -> tuple[Tick, ...]:
    return tuple(tick_of(at, one, is_open=is_open) for at, one in sorted(gathered.seconds.items()))


def quantiles(histogram: Histogram) -> Quantiles:
    return Quantiles(*(histogram.quantile_ms(share) for share in (0.5, 0.95, 0.99)))


def course_of(view: RunView, told: Followed, ticks: tuple[Tick, ...], ended: float | None) -> Course:
    """`ticks` are those of `told`, which is read here and not kept: a face may draw while more is taken."""
    planned, gathered, state = told.planned, told.gathered, view.state
    stages = _stages(planned)
    length_s = sum(for_s for _, _, for_s in stages)
    processes = whole(planned, "processes") or 1
    return Course(
        run=state.id,
        profile=state.name,
        environment=state.env,
        phase=view.phase,
        started=state.started,
        starter=login_of(state.actor),
        alive=view.pid is not None,
        stop_asked=state.stop_asked,
        verdict=state.verdict,
        title=text(planned, "title"),
        model=text(planned, "model"),
        top=max((max(begin, end) for begin, end, _ in stages), default=0.0),
        length_s=length_s,
        warm_up_s=number(planned, "warm_up_s"),
        processes=processes,
        began=told.began,
        ended=ended,
        ticks=ticks,
        requests=_rows(gathered.requests),
        journeys=_rows(gathered.journeys),
        all=_row("all", gathered.all) if gathered.all.count else None,
        lately=lately(gathered),
        guard=dict(told.guard),
        budget=told.budget,
        errors=tuple(gathered.errors.most_common(MOST_ERRORS)),
        found=tuple(_found(one) for one in findings_in(told.judged)),
        is_search=planned.get("search") is True,
        steps=tuple(_step(one) for one in told.tried),
        due=gathered.due,
        dropped=max(gathered.dropped, whole(told.judged, "dropped")),
        no_account=gathered.no_account,
        idle=gathered.idle,
        quiet_s=gathered.quiet_s(processes, length_s or math.inf),
        late_s=gathered.late_s,
        cpu=gathered.cpu,
    )


def is_open_load(told: Followed) -> bool:
    return told.planned.get("model") != "closed"


def lately(gathered: Gathered) -> TimesRow | None:
    """The last `RECENT_S` seconds; None where nothing was answered in them."""
    whole = Times()
    for at in sorted(gathered.seconds)[-RECENT_S:]:
        times = gathered.seconds[at].times
        whole.service.add(times.service)
        whole.response.add(times.response)
        whole.failed += times.failed
    return _row("lately", whole) if whole.count else None


def progress_words(course: Course, elapsed_s: float) -> str:
    """`1:12/5:00 3.9/s p95 48ms`; of a search for capacity `step 4 8.0/s p95 48ms`."""
    far = (
        f"step {len(course.steps) + 1}"
        if course.is_search
        else f"{minutes(elapsed_s)}/{minutes(course.length_s)}"
    )
    words = [far]
    if course.applied is not None:
        words.append(f"{course.applied:.1f}/s" if course.is_open else f"{course.applied:.0f} users")
    if course.lately is not None and course.lately.response.p95 is not None:
        words.append(f"p95 {course.lately.response.p95:.0f}ms")
    return " ".join(words)


def minutes(seconds: float) -> str:
    """`1:12`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _stages(planned: JsonObject) -> list[tuple[float, float, float]]:
    found = planned.get("stages")
    rows = found if isinstance(found, list) else []
    return [
        (float(one[0]), float(one[1]), float(one[2]))
        for one in rows
        if isinstance(one, list) and len(one) == 3
    ]


def _rows(found: Mapping[str, Times]) -> tuple[TimesRow, ...]:
    return tuple(_row(name, times) for name, times in sorted(found.items()))


def _row(name: str, times: Times) -> TimesRow:
    return TimesRow(name, times.count, times.failed, quantiles(times.response), quantiles(times.service))


def _found(one: JsonObject) -> Found:
    return Found(
        text(one, "name"), text(one, "value"), bool(one.get("met")), text(one, "reason"), text(one, "late")
    )


def _step(one: JsonObject) -> Step:
    return Step(
        rate=number(one, "rate"),
        held=bool(one.get("held")),
        reason=text(one, "reason"),
        is_proof=bool(one.get("is_proof")),
        is_pushed=one.get("is_pushed") is not False,
    )
