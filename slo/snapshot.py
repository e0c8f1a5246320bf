"""What one tick found: the values that the console, the guards and the disk cache share.

Standard library and `keelwatch.workspace` only, so that a first frame can be painted from a cached
snapshot before any client is loaded. Ratios are 0..1, times are Unix seconds, lengths are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from keelwatch.workspace.reading import Reading, Unknown

PERIOD = "period"
"""The key of the whole budget period among the windows of a reading."""

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", PERIOD)
"""The windows of every reading, shortest first."""

BASIS = "1h"
"""The window whose burn rate the time to empty goes on with."""

Outcome = Literal["critical", "clear", "undecided"]
Stratum = Literal["real", "probe"]
Kind = Literal["availability", "latency"]


class State(StrEnum):
    PAGE = "page"
    TICKET = "ticket"
    OK = "ok"
    UNKNOWN = "unknown"


class Trend(StrEnum):
    INCREASING = "increasing"
    RECOVERING = "recovering"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Counts:
    """Events in one window. `bad` may exceed `total` when the instrumentation lies; it is shown as it is."""

    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class PairReading:
    """A long and a short window with the burn rate that both must exceed.

    `since` is when both were first seen over it, of a pair that is critical. If it was so already at our
    first look: half a minute early at most, or up to ten minutes late where the source would not tell;
    never before the first bad event by more than a scrape.
    """

    long: str
    short: str
    factor: float
    severity: State
    budget_ratio: float
    long_burn: Reading
    short_burn: Reading
    outcome: Outcome
    since: float | None = None


@dataclass(frozen=True, slots=True)
class ObjectiveReading:
    """One objective in one region (`None`: all regions) at the time of its snapshot.

    `burn`, `error_ratio` and `counts` are keyed by `WINDOWS`; a window longer than the period is absent.
    `since` is when the present state, if not ok, was first seen. `recent_burn` is the last hour in steps of
    5 minutes, oldest first; None where there is no number. `approximate`: a fixed range in its queries makes
    the counts an integral of samples, not a count.
    """

    name: str
    component: str
    region: str | None
    display: str
    target: float
    period_s: float
    state: State
    trend: Trend
    budget_remaining: Reading
    burn: Mapping[str, Reading]
    error_ratio: Mapping[str, Reading]
    pairs: tuple[PairReading, ...]
    empty_in_s: float | None
    unknown_reason: str | None
    stratum: Stratum = "real"
    kind: Kind = "availability"
    counts: Mapping[str, Counts] = field(default_factory=dict)
    since: float | None = None
    sample_age_s: float | None = None
    empty_basis: str = BASIS
    recent_burn: tuple[float | None, ...] = ()
    approximate: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        return (self.name, self.region)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every objective at one evaluation time, the most urgent first.

    `source_error` says why the source gave nothing at all; the objectives are then unknown.
    `fresh_s` is the age of the newest sample at `at`; None when there is none.
    """

    at: float
    environment: str
    source: str
    objectives: tuple[ObjectiveReading, ...]
    warnings: tuple[str, ...] = ()
    source_error: str | None = None
    fresh_s: float | None = None


URGENCY = (State.PAGE, State.UNKNOWN, State.TICKET, State.OK)
"""Most urgent first. Unknown stands above ticket: it may be a page that nobody can see."""


def urgency(reading: ObjectiveReading) -> tuple[int, float, float, str, str]:
    """Sort key: state first, then time to empty, then the budget left, then the name.

    What has no time to empty comes after what has, and an unknown budget after none of the known ones.
    """
    empty = float("inf") if reading.empty_in_s is None else reading.empty_in_s
    match reading.budget_remaining:
        case Unknown():
            left = float("-inf")
        case known:
            left = known.value
    return (URGENCY.index(reading.state), empty, left, reading.name, reading.region or "")


def in_order(readings: tuple[ObjectiveReading, ...]) -> tuple[ObjectiveReading, ...]:
    """`readings`, the most urgent first."""
    return tuple(sorted(readings, key=urgency))
