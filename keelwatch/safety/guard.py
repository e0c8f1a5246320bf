"""The guard: conditions that must hold while a run acts. Pure: who asks the world, and when, is the run's.

A condition that is no trips at once. One that is unknown trips when it stays so longer than its grace, for a
guard that cannot see guards nothing; one that nobody asked is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keelwatch.workspace.reading import Answer, Condition

GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Limit:
    """`name` says what must hold, in words for a screen; `grace_s` how long it may be unknown."""

    name: str
    grace_s: float = GRACE_S


@dataclass(frozen=True, slots=True)
class Trip:
    """`limit` tripped, `because` of this."""

    limit: str
    because: str

    def __str__(self) -> str:
        return f"{self.because} (must hold: {self.limit})"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a guard remembers: since when (s, any steady clock) each limit has been unknown."""

    unknown_since: Mapping[str, float] = field(default_factory=dict)


def judge(
    limits: Sequence[Limit], found: Mapping[str, Condition], watch: Watch, now_s: float
) -> tuple[Watch, tuple[Trip, ...]]:
    """What the guard remembers from now on, and all limits that tripped, in order; none of them: go on.

    `found` holds the answers of this moment by the limits' names; an answer from before is no answer.
    """
    since: dict[str, float] = {}
    trips = []
    for limit in limits:
        answer = found.get(limit.name, Condition.unknown("not asked"))
        match answer.answer:
            case Answer.NO:
                trips.append(Trip(limit.name, answer.evidence))
            case Answer.UNKNOWN:
                began = since[limit.name] = min(now_s, watch.unknown_since.get(limit.name, now_s))
                if now_s - began > limit.grace_s:
                    trips.append(Trip(limit.name, f"unknown for {now_s - began:.0f} s: {answer.evidence}"))
    return Watch(since), tuple(trips)
