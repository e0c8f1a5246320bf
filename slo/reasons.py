"""What the bad events of an objective have in common: their count by the labels that tell errors apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from slo.objective import Tracked
from slo.promql import Counter
from slo.selector import Matcher, Op, Selector, duration, le_spellings, literal

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
    if tracked.objective.ratio.part_is != "bad":
        return None
    counted = bad_by(tracked, LABELS)
    return f"topk({MOST}, {counted})" if counted else None


def bad_by(tracked: Tracked, labels: Sequence[str]) -> str | None:
    """PromQL for the bad events of the last `WINDOW_S` seconds by `labels`, also where the spec counts good
    ones; None where its queries are expressions, whose labels are unknown."""
    part, total = tracked.part.query, tracked.total.query
    if not isinstance(part, Counter) or not isinstance(total, Counter):
        return None
    counted = _counted(part.selector, labels)
    if tracked.objective.ratio.part_is == "bad":
        return counted
    whole = _counted(total.selector, labels)
    return f"{whole} - ({counted} or {whole} * 0)"


def _counted(selector: Selector, labels: Sequence[str]) -> str:
    if bound := selector.equals("le"):
        spelled = "|".join(literal(one) for one in le_spellings(float(bound)))
        others = selector.without("le").matchers
        selector = Selector(selector.metric, tuple(sorted([*others, Matcher("le", Op.REGEX, spelled)])))
    return f"sum by ({', '.join(labels)}) (increase({selector}[{duration(WINDOW_S)}]))"


def causes(samples: Iterable[tuple[Mapping[str, str], float]]) -> tuple[Cause, ...]:
    """The answer of `question`, largest first; groups without an event are no causes."""
    found = [
        Cause({name: value for name, value in labels.items() if value}, events)
        for labels, events in samples
        if events > 0
    ]
    return tuple(sorted(found, key=lambda cause: -cause.events))
