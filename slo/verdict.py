"""What a snapshot comes down to. Pure, and light enough for the first frame; the words are the console's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from slo.snapshot import URGENCY, ObjectiveReading, Snapshot, State, Trend


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worst` by urgency (page, unknown, ticket, ok), how many objectives are in which state, the most
    urgent of those in the worst state (None without objectives), and how many get worse."""

    worst: State
    counts: Mapping[State, int]
    first: ObjectiveReading | None
    rising: int

    @property
    def word(self) -> str:
        """`pass`, `pass: ticket`, `fail: page` or `inconclusive: unknown`."""
        match self.worst:
            case State.PAGE:
                return "fail: page"
            case State.UNKNOWN:
                return "inconclusive: unknown"
            case State.TICKET:
                return "pass: ticket"
            case State.OK:
                return "pass"


def verdict(snapshot: Snapshot) -> Verdict:
    """The verdict on every objective of `snapshot`; without any nothing is known."""
    found = Counter(reading.state for reading in snapshot.objectives)
    counts = {state: found.get(state, 0) for state in State}
    worst = next((state for state in URGENCY if counts[state]), State.UNKNOWN)
    first = next((reading for reading in snapshot.objectives if reading.state is worst), None)
    rising = sum(reading.trend is Trend.INCREASING for reading in snapshot.objectives)
    return Verdict(worst, counts, first, rising)
