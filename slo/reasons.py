"""What the bad events of an objective have in common: their count by the labels that tell errors apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slo.objective import Tracked
from slo.promql import Counter, duration

LABELS = ("code", "status", "status_code", "reason", "error", "version")
"""Whichever of these a metric has; the others come back empty and are left out."""

WINDOW_S = 900.0
MOST = 4


@dataclass(frozen=True, slots=True)
class Cause:
    """Bad events of the last `WINDOW_S` seconds that share these labels."""

    labels: Mapping[str, str]
    events: float


def question(tracked: Tracked) -> str | None:
    """PromQL for the largest groups of bad events; None where the spec counts good ones only."""
    ratio = tracked.objective.ratio
    if ratio.part_is != "bad" or not isinstance(tracked.part.query, Counter):
        return None
    counted = f"increase({tracked.part.query.selector}[{duration(WINDOW_S)}])"
    return f"topk({MOST}, sum by ({', '.join(LABELS)}) ({counted}))"


def causes(samples: Iterable[tuple[Mapping[str, str], float]]) -> tuple[Cause, ...]:
    """The answer of `question`, largest first; groups without an event are no causes."""
    found = [
        Cause({name: value for name, value in labels.items() if value}, events)
        for labels, events in samples
        if events > 0
    ]
    return tuple(sorted(found, key=lambda cause: -cause.events))
