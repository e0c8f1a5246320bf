"""From burn rates to page, ticket, ok or unknown, and where it is heading. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.snapshot import Outcome, PairReading, State, Trend
from slo.windows import Pair

TREND_RATIO = 1.1
"""How far the 5 minute burn must leave the hour's before a burning objective is said to move."""


class _Side(Enum):
    OVER = auto()
    UNDER = auto()
    UNKNOWN = auto()


def _side(burn: Reading, factor: float) -> _Side:
    match burn:
        case Unknown():
            return _Side.UNKNOWN
        case Value(value):
            return _Side.OVER if value > factor else _Side.UNDER  # exactly at the factor is not over


def outcome(long_burn: Reading, short_burn: Reading, factor: float) -> Outcome:
    """Three-valued AND: both over is critical, any known value not over clears, else undecided."""
    sides = {_side(long_burn, factor), _side(short_burn, factor)}
    if _Side.UNDER in sides:
        return "clear"
    return "critical" if sides == {_Side.OVER} else "undecided"


def read_pair(pair: Pair, burn: Mapping[str, Reading]) -> PairReading:
    long_burn, short_burn = burn[pair.long], burn[pair.short]
    return PairReading(
        long=pair.long,
        short=pair.short,
        factor=pair.factor,
        severity=pair.severity,
        budget_ratio=pair.budget_ratio,
        long_burn=long_burn,
        short_burn=short_burn,
        outcome=outcome(long_burn, short_burn, pair.factor),
    )


def state_of(pairs: Sequence[PairReading]) -> State:
    """The most severe critical pair; unknown when none is critical and one is undecided."""
    critical = [pair.severity for pair in pairs if pair.outcome == "critical"]
    if critical:
        return State.PAGE if State.PAGE in critical else State.TICKET
    return State.UNKNOWN if any(pair.outcome == "undecided" for pair in pairs) or not pairs else State.OK


def trend_of(pairs: Sequence[PairReading], burn: Mapping[str, Reading]) -> Trend:
    """A burning objective is told by its last 5 minutes against its last hour, another by the first pair
    with one side over: only the short one means that trouble begins, only the long one that it ends.

    A short window of hours still remembers what is over; it counts only while the 5 minutes agree.
    """
    if any(pair.outcome == "critical" for pair in pairs):
        return _compare(burn.get("5m"), burn.get("1h"))
    for pair in pairs:
        now = _side(burn["5m"], pair.factor)
        match _side(pair.long_burn, pair.factor), _side(pair.short_burn, pair.factor):
            case _Side.UNDER, _Side.OVER if now is not _Side.UNDER:
                return Trend.INCREASING
            case _Side.OVER, _Side.UNDER:
                return Trend.RECOVERING
    return Trend.STEADY


def _compare(recent: Reading | None, hour: Reading | None) -> Trend:
    match recent, hour:
        case Value(value=now), Value(value=before) if now > before * TREND_RATIO:
            return Trend.INCREASING
        case Value(value=now), Value(value=before) if now * TREND_RATIO < before:
            return Trend.RECOVERING
        case _:
            return Trend.STEADY


def unknown_reason(pairs: Sequence[PairReading]) -> str | None:
    """Why the first undecided pair is undecided."""
    for pair in pairs:
        if pair.outcome == "undecided":
            for burn in (pair.short_burn, pair.long_burn):
                if isinstance(burn, Unknown):
                    return burn.reason
    return None
