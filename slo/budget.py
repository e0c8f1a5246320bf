"""What an error budget did, does and will do, and how the regions stand. Pure; shares are of one period's
budget: 1 is all of it, below 0 is overspent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.burn import LEAST_EVENTS, consumed, empty_in_s
from slo.snapshot import PERIOD, ObjectiveReading, Snapshot, State
from slo.windows import HOUR_S, lengths

BEYOND_EMPTY = 1.25
"""A forecast goes this much further than the moment at which the budget is empty."""


def burn_down(hours: Sequence[tuple[int, float, float]], target: float) -> list[float]:
    """The share left after each hour, from a whole budget on. `hours` are (end, bad, total), oldest first,
    as `Engine.hourly` gives them. Nothing when there were no events to allow any bad ones."""
    events = sum(total for _, _, total in hours)
    if events < LEAST_EVENTS:
        return []
    allowed, spent, series = events * (1.0 - target), 0.0, []
    for _, bad, _ in hours:
        spent += bad
        series.append(1.0 - spent / allowed)
    return series


def empty_at(reading: ObjectiveReading, window: str) -> float | None:
    """Seconds until the budget is empty at that window's burn rate, 0 when it is empty already.

    None when it does not empty at that rate, or when either is unknown.
    """
    rate = reading.burn.get(window)
    return None if rate is None else empty_in_s(reading.budget_remaining, rate, reading.period_s)


def consumed_of(reading: ObjectiveReading, window: str) -> Reading:
    """The share of the period's budget that the window has spent. As partial as the window's burn rate,
    and unknown for the same reason.

    From the counts where both are known: bad events of the window / (events of the period * budget). That
    is the SRE workbook's burn * window / period (chapter 5) without its assumption that traffic is even:
    the same bad events cost the same in every window.
    """
    length_s = lengths(reading.period_s).get(window)
    match reading.burn.get(window):
        case Value(value, at, source, partial) if length_s is not None:
            spent = _counted(reading, window)
            spent = consumed(value, length_s, reading.period_s) if spent is None else spent
            return Value(spent, at, source, partial)
        case Unknown() as unknown:
            return unknown
        case _:
            remaining = reading.budget_remaining
            return Unknown(f"no window {window} in this period", remaining.at, remaining.source)


def _counted(reading: ObjectiveReading, window: str) -> float | None:
    here, period = reading.counts.get(window), reading.counts.get(PERIOD)
    if here is None or period is None or period.total < LEAST_EVENTS:
        return None
    return here.bad / (period.total * (1.0 - reading.target))


def incident_cost(reading: ObjectiveReading, at: float) -> tuple[str, float] | None:
    """The shortest window that covers all since the state began, and the share it has spent: what the
    incident has cost at most. None while nothing is wrong, or when that is not known."""
    if reading.since is None:
        return None
    for window, length_s in sorted(lengths(reading.period_s).items(), key=lambda item: item[1]):
        if length_s >= at - reading.since:
            spent = consumed_of(reading, window)
            return (window, spent.value) if isinstance(spent, Value) else None
    return None


def forecast_s(reading: ObjectiveReading) -> float | None:
    """How far a forecast looks ahead: somewhat past the empty budget, an hour at least. None for none."""
    lasts_s = empty_at(reading, reading.empty_basis)
    return max(lasts_s * BEYOND_EMPTY, float(HOUR_S)) if lasts_s else None


def forecast(reading: ObjectiveReading, steps: int) -> list[float]:
    """The share left at `steps` even steps over the coming `forecast_s`, if it goes on burning like the
    basis window; it stops at 0. Nothing when it does not empty, is unknown or is empty already."""
    lasts_s, horizon_s = empty_at(reading, reading.empty_basis), forecast_s(reading)
    left = reading.budget_remaining
    if not lasts_s or horizon_s is None or not isinstance(left, Value):
        return []
    times_s = (horizon_s * step / steps for step in range(1, steps + 1))
    return [max(0.0, left.value * (1.0 - at_s / lasts_s)) for at_s in times_s]


@dataclass(frozen=True, slots=True)
class RegionHealth:
    """How many of a region's objectives page, need a ticket or are unknown, out of `objectives`.

    `events` and `bad` are of real customers' requests alone, so that nothing is counted twice.
    """

    region: str
    paging: int
    tickets: int
    unknown: int
    objectives: int
    events: float
    bad: float

    @property
    def error_ratio(self) -> float | None:
        """None without traffic."""
        return self.bad / self.events if self.events >= LEAST_EVENTS else None


def by_region(snapshot: Snapshot, regions: Sequence[str], window: str = "5m") -> tuple[RegionHealth, ...]:
    """One entry for each of `regions`, from the objectives that are kept per region."""
    return tuple(_health(region, snapshot, window) for region in regions)


def _health(region: str, snapshot: Snapshot, window: str) -> RegionHealth:
    here = [one for one in snapshot.objectives if one.region == region]
    states = [one.state for one in here]
    # Latency objectives look at the same requests as availability ones, and probes are no customers.
    counts = [
        one.counts[window]
        for one in here
        if one.kind == "availability" and one.stratum == "real" and window in one.counts
    ]
    return RegionHealth(
        region,
        paging=states.count(State.PAGE),
        tickets=states.count(State.TICKET),
        unknown=states.count(State.UNKNOWN),
        objectives=len(here),
        events=sum(count.total for count in counts),
        bad=sum(count.bad for count in counts),
    )
