"""What is asked of Prometheus beside the objectives: a region's latency, and what bad events share."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from keelwatch.adapters.prometheus import Prometheus
from keelwatch.workspace import SourceError
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.objective import Objective, Tracked
from slo.promql import Counter, Selector
from slo.reasons import LABELS, Cause, bad_by

PATIENCE_S = 1.0  # for what is beside the objectives: a tick does not wait long for it
SPLITS = tuple(dict.fromkeys(("region", "route", "version", *LABELS)))
MOST_GROUPS = 200
LEAST_BAD = 0.5  # a difference of two extrapolated counts is seldom quite nothing
NO_HISTOGRAM = "no latency objective that is kept per region counts a histogram's buckets (`..._bucket`)"


def p95_question(objectives: Iterable[Objective]) -> tuple[str, str] | None:
    """PromQL for the 95th percentile of each region, in seconds, and the label that names the region.

    Over the histogram most latency objectives are made of, narrowed by what all of these ask for; None when
    there is no such objective, or none is kept per region.
    """
    found = [
        (one.ratio.part.selector, one.group_by)
        for one in objectives
        if one.kind == "latency" and one.stratum == "real" and isinstance(one.ratio.part, Counter)
    ]
    metrics = Tally(selector.metric for selector, _ in found if selector.metric.endswith("_bucket"))
    if not metrics:
        return None
    metric = metrics.most_common(1)[0][0]
    labels = Tally(label for selector, label in found if label and selector.metric == metric)
    if not labels:
        return None
    label = labels.most_common(1)[0][0]
    asked = [set(selector.matchers) for selector, _ in found if selector.metric == metric]
    common = sorted(one for one in set.intersection(*asked) if one.name not in {"le", label})
    counted = f"rate({Selector(metric, tuple(common))}[5m])"
    return f"histogram_quantile(0.95, sum by ({label}, le) ({counted}))", label


def ask_p95(
    client: Prometheus | None, objectives: Iterable[Objective], at: float
) -> dict[str, Reading] | Unknown:
    question = p95_question(objectives)
    if question is None:
        return Unknown(NO_HISTOGRAM, at)
    if client is None:
        return Unknown("no source to ask", at)
    text, label = question
    try:
        samples = client.query(text, at, PATIENCE_S).samples
    except SourceError as error:
        return Unknown(error.message, at)
    return {
        one.labels.get(label, ""): Value(one.value, at, client.shown)
        for one in samples
        if isinstance(one.value, float)
    }


def split_question(tracked: Tracked) -> str | None:
    """PromQL for the bad events of an objective in the last 15 minutes, by all `SPLITS` at once; None
    where the spec's queries are expressions, whose labels are unknown."""
    bad = bad_by(tracked, SPLITS)
    return f"topk({MOST_GROUPS}, {bad})" if bad else None


def split(groups: Sequence[tuple[Mapping[str, str], float]]) -> dict[str, list[Cause]]:
    """Bad events by each label that any group has, the largest first."""
    found: dict[str, list[Cause]] = {}
    for label in SPLITS:
        sums: defaultdict[str, float] = defaultdict(float)
        for labels, events in groups:
            sums[labels.get(label, "")] += events
        if any(sums):
            told = [Cause({label: name or "(none)"}, bad) for name, bad in sums.items() if bad > LEAST_BAD]
            found[label] = sorted(told, key=lambda cause: -cause.events)
    return found
