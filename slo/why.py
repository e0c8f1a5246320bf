"""Why a number is what it is: counts, queries, times and doubts of one objective. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keelwatch.workspace.reading import Reading
from slo.ask import Answers, bucket_question
from slo.burn import Count
from slo.evaluate import PartOfTotal
from slo.history import FINE_S, FINE_SPAN_S, boundary
from slo.objective import Stream, Tracked
from slo.plan import Increase, alone
from slo.snapshot import ObjectiveReading
from slo.windows import HOUR_S, lengths

FAR_RATIO = 0.1
FEW_EVENTS = 1000.0


@dataclass(frozen=True, slots=True)
class Drift:
    """The period as our buckets sum it, and as one query of the server counts it at the same time."""

    at: float
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How far ours is off, 0.01 = 1 % too many."""
        return (self.ours - self.theirs) / self.theirs if self.theirs else 0.0

    @property
    def far(self) -> bool:
        """Whether it is more than extrapolation to the edges of buckets explains."""
        return self.theirs >= FEW_EVENTS and abs(self.ratio) > FAR_RATIO


@dataclass(frozen=True, slots=True)
class Asked:
    """One stream in one window: the text that stood in the query sent, and the same to paste."""

    sent: str
    alone: str


@dataclass(frozen=True, slots=True)
class WindowWhy:
    """`covered` is the share (0..1) of the window with samples behind it, None when nothing was counted."""

    window: str
    length_s: float
    bad: float | None
    total: float | None
    error_ratio: Reading
    burn: Reading
    covered: float | None
    how: str
    part: Asked
    total_asked: Asked


@dataclass(frozen=True, slots=True)
class Why:
    """All behind one reading. `part_is` says whether the spec counts good or bad events."""

    reading: ObjectiveReading
    at: float
    part_is: str
    approximate: bool
    sample_age_s: float | None
    windows: tuple[WindowWhy, ...]
    warnings: tuple[str, ...]
    drift_bad: Drift | None
    drift_total: Drift | None
    drift_error: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a tick keeps for `why`."""

    at: float
    answers: Answers
    direct: frozenset[str]
    counted: Mapping[tuple[str, str | None], Mapping[str, PartOfTotal]]
    drifts: Mapping[Stream, Drift]
    drift_error: str | None
    warnings: tuple[str, ...]


def why(tracked: Tracked, reading: ObjectiveReading, evidence: Evidence) -> Why:
    """Everything that led to `reading`."""
    ratio = tracked.objective.ratio
    return Why(
        reading=reading,
        at=evidence.at,
        part_is=ratio.part_is,
        approximate=ratio.approximate,
        sample_age_s=reading.sample_age_s,
        windows=tuple(
            _window(window, length_s, tracked, reading, evidence)
            for window, length_s in lengths(tracked.objective.period_s).items()
        ),
        warnings=evidence.warnings,
        drift_bad=evidence.drifts.get(tracked.part),
        drift_total=evidence.drifts.get(tracked.total),
        drift_error=evidence.drift_error,
    )


def _window(
    window: str, length_s: float, tracked: Tracked, reading: ObjectiveReading, evidence: Evidence
) -> WindowWhy:
    counts = reading.counts.get(window)
    counted = evidence.counted.get(tracked.key, {}).get(window)
    total = counted.total if counted else None
    return WindowWhy(
        window=window,
        length_s=length_s,
        bad=counts.bad if counts else None,
        total=counts.total if counts else None,
        error_ratio=reading.error_ratio[window],
        burn=reading.burn[window],
        covered=total.covered if isinstance(total, Count) else None,
        how=_how(window, length_s, evidence, _spoiled(tracked, length_s, evidence)),
        part=_asked(tracked.part, window, length_s, evidence),
        total_asked=_asked(tracked.total, window, length_s, evidence),
    )


def _spoiled(tracked: Tracked, length_s: float, evidence: Evidence) -> str:
    asked = ((stream, Increase(length_s)) for stream in (tracked.part, tracked.total))
    reasons = [evidence.answers.failures[one] for one in asked if one in evidence.answers.spoiled]
    return reasons[0] if reasons else ""


def _how(window: str, length_s: float, evidence: Evidence, spoiled: str) -> str:
    if spoiled:
        return f"{spoiled}; what is counted comes from the closed buckets"
    if window in evidence.direct:
        return "one query at the time of the tick"
    tail = f"the last {evidence.at - boundary(evidence.at):.0f} s asked at the tick"
    fine = f"{FINE_S // 60}-minute buckets"
    if length_s <= FINE_SPAN_S:
        return f"sum of {fine} and {tail}"
    return f"sum of {HOUR_S // 60}-minute buckets, {fine} since the last full hour, and {tail}"


def _asked(stream: Stream, window: str, length_s: float, evidence: Evidence) -> Asked:
    if window in evidence.direct:
        term = evidence.answers.terms.get((stream, Increase(length_s)))
        return Asked(term.text if term else "", alone(stream, Increase(length_s)))
    bucket = alone(stream, bucket_question(FINE_S if length_s <= FINE_SPAN_S else HOUR_S))
    return Asked(bucket, alone(stream, Increase(length_s)))
