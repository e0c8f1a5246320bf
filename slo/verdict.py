"""A snapshot in one sentence. Pure, and light enough for the first frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from keelwatch.workspace.clock import utc
from keelwatch.workspace.reading import Value
from slo.durations import spell
from slo.snapshot import BASIS, URGENCY, ObjectiveReading, Snapshot, State


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worst` by urgency (page, unknown, ticket, ok), how many objectives are in which state, the words."""

    worst: State
    counts: Mapping[State, int]
    sentence: str

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
    """What is worst, how fast it burns, when its budget is empty, since when; and how the others do."""
    found = Counter(reading.state for reading in snapshot.objectives)
    counts = {state: found.get(state, 0) for state in State}
    worst = next((state for state in URGENCY if counts[state]), State.UNKNOWN)
    return Verdict(worst, counts, _sentence(snapshot, worst, counts))


def _sentence(snapshot: Snapshot, worst: State, counts: Mapping[State, int]) -> str:
    if snapshot.source_error:
        return f"source unreachable: {snapshot.source_error}"
    if not snapshot.objectives:
        return "no objectives"
    if worst is State.OK:
        return f"all {len(snapshot.objectives)} objectives ok"
    first = next(reading for reading in snapshot.objectives if reading.state is worst)
    others = [f"{counts[state]} {state}" for state in URGENCY if counts[state] and state is not worst]
    if counts[worst] > 1:
        others.insert(0, f"{counts[worst] - 1} more {worst}")
    return "; ".join([_about(first), ", ".join(others)] if others else [_about(first)])


def _about(reading: ObjectiveReading) -> str:
    where = f" ({reading.region})" if reading.region else ""
    name = reading.name + where
    if reading.state is State.UNKNOWN:
        return f"{name} unknown: {reading.unknown_reason or 'no reading'}"
    verb = "pages" if reading.state is State.PAGE else "needs a ticket"
    return ", ".join([f"{name} {verb}", *_how_fast(reading)])


def _how_fast(reading: ObjectiveReading) -> list[str]:
    words = []
    match reading.burn.get(BASIS):
        case Value(value):
            words.append(f"burning {value:.3g}x over {BASIS}")
    if reading.empty_in_s is not None:
        words.append(f"empty in {spell(reading.empty_in_s)}" if reading.empty_in_s >= 1 else "budget gone")
    if reading.since is not None:
        words.append(f"since {utc(reading.since)[11:16]}Z")
    return words
