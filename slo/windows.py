"""The windows of burn-rate alerting, as data.

A pair pages (or opens a ticket) when a long and a short window both burn faster than its factor. The
factor follows from the share of the budget that may burn within the long window before somebody is told:
factor = share * period / long (SRE workbook, chapter 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from slo import durations
from slo.snapshot import PERIOD, WINDOWS, State

HOUR_S = 3600
DAY_S = 86400

SHORT_PERIOD_S = 21 * DAY_S
"""Below this the shares of a week apply: those of a month, over a week, would page at a burn of 3.4 and raise
a ticket at 0.2, which spends less than the budget."""

MIN_PERIOD_S = 7 * DAY_S
MAX_PERIOD_S = 90 * DAY_S

DIRECT_S = {name: durations.parse(name) for name in ("5m", "30m", "1h", "2h", "6h")}
"""The short windows, unknown when samples are stale. As far as an engine is told to, it asks them of the
source at the time of the tick; the longer ones are summed from buckets."""


@dataclass(frozen=True, slots=True)
class Pair:
    """`factor` is in multiples of the rate that spends the budget evenly over the period."""

    long: str
    short: str
    budget_ratio: float
    severity: State
    period_s: float

    @property
    def factor(self) -> float:
        return self.budget_ratio * self.period_s / durations.parse(self.long)

    def reachable(self, budget: float) -> bool:
        """Whether an outage of everything exceeds the factor at all (an error ratio cannot pass 1)."""
        return self.factor * budget < 1.0


@dataclass(frozen=True, slots=True)
class _Shape:
    long: str
    short: str
    month: float
    week: float
    severity: State


# The month's shares are the workbook's; the week's are those that sloth publishes for 7 days.
_SHAPES = (
    _Shape("1h", "5m", 0.02, 0.08, State.PAGE),
    _Shape("6h", "30m", 0.05, 0.125, State.PAGE),
    _Shape("1d", "2h", 0.10, 0.20, State.TICKET),
    _Shape("3d", "6h", 0.10, 0.42, State.TICKET),
)


@cache
def pairs(period_s: float) -> tuple[Pair, ...]:
    """The pairs of a period, pages first. A pair whose long window exceeds the period is left out."""
    weekly = period_s < SHORT_PERIOD_S
    return tuple(
        Pair(shape.long, shape.short, shape.week if weekly else shape.month, shape.severity, period_s)
        for shape in _SHAPES
        if durations.parse(shape.long) <= period_s
    )


@cache
def lengths(period_s: float) -> Mapping[str, float]:
    """Seconds of each window of a period by name, shortest first, the period itself last."""
    fixed = {name: float(durations.parse(name)) for name in WINDOWS if name != PERIOD}
    within = {name: length for name, length in fixed.items() if length <= period_s}
    return MappingProxyType(within | {PERIOD: period_s})
