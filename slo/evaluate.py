"""From the counts of every window to the reading of one objective. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slo.burn import (
    Absent,
    Count,
    Counted,
    Failed,
    bad_of_good,
    budget_remaining,
    burn_rate,
    empty_in_s,
    error_ratio,
    shown,
)
from slo.objective import Tracked
from slo.snapshot import BASIS, PERIOD, ObjectiveReading, State
from slo.state import read_pair, state_of, trend_of, unknown_reason
from slo.windows import DIRECT_S, lengths, pairs


@dataclass(frozen=True, slots=True)
class PartOfTotal:
    """What was counted for one window: the part the spec names (good or bad), and all."""

    part: Counted
    total: Counted

    def bad(self, part_is: str) -> Counted:
        return bad_of_good(self.part, self.total) if part_is == "good" else self.part


def evaluate(
    tracked: Tracked,
    counted: Mapping[str, PartOfTotal],
    at: float,
    source: str,
    *,
    since: float | None = None,
    sample_age_s: float | None = None,
) -> ObjectiveReading:
    """The reading of one objective at `at`. `counted` has every window of its period."""
    objective = tracked.objective
    bad = {window: counts.bad(objective.ratio.part_is) for window, counts in counted.items()}
    ratio = {window: error_ratio(bad[window], counts.total, at, source) for window, counts in counted.items()}
    burn = {window: burn_rate(one, objective.target) for window, one in ratio.items()}
    read = tuple(read_pair(pair, burn) for pair in pairs(objective.period_s))
    remaining = budget_remaining(burn[PERIOD])
    state = state_of(read)
    found = {window: shown(bad[window], counts.total) for window, counts in counted.items()}
    return ObjectiveReading(
        name=objective.name,
        component=objective.component,
        region=tracked.region,
        display=objective.display,
        target=objective.target,
        period_s=objective.period_s,
        state=state,
        trend=trend_of(read, burn),
        budget_remaining=remaining,
        burn=burn,
        error_ratio=ratio,
        pairs=read,
        empty_in_s=empty_in_s(remaining, burn[BASIS], objective.period_s),
        unknown_reason=unknown_reason(read) if state is State.UNKNOWN else None,
        stratum=objective.stratum,
        kind=objective.kind,
        counts={window: counts for window, counts in found.items() if counts},
        since=since,
        sample_age_s=sample_age_s,
        approximate=objective.ratio.approximate,
    )


def unreachable(tracked: Tracked, reason: str, at: float, source: str) -> ObjectiveReading:
    """The reading of an objective whose source gave nothing."""
    counted = {
        window: PartOfTotal(Failed(reason), Failed(reason)) for window in lengths(tracked.objective.period_s)
    }
    return evaluate(tracked, counted, at, source)


def stale(counted: Mapping[str, PartOfTotal], reason: str) -> dict[str, PartOfTotal]:
    """`counted` with nothing known of the short windows: what has stopped reporting is not well."""
    failed = PartOfTotal(Failed(reason), Failed(reason))
    return {window: failed if window in DIRECT_S else counts for window, counts in counted.items()}


def without_bucket(counted: Mapping[str, PartOfTotal], reason: str) -> dict[str, PartOfTotal]:
    """`counted` where a missing part is no zero but a histogram bound that nobody exports."""
    return {
        window: PartOfTotal(Failed(reason), counts.total)
        if isinstance(counts.part, Absent) and isinstance(counts.total, Count)
        else counts
        for window, counts in counted.items()
    }
