"""An objective as the rooms use it: read from a spec, checked, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from slo.promql import Counter, Query
from slo.selector import Selector
from slo.snapshot import Kind, Stratum


@dataclass(frozen=True, slots=True)
class Stream:
    """One countable thing: a query, and the one label value of its result that is meant (or all of it).

    `key` tells this stream from every other, also across restarts. It alone is compared: a tick looks
    streams up some hundred thousand times.
    """

    query: Query = field(compare=False)
    label: tuple[str, str] | None = field(default=None, compare=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        text = str(self.query.selector) if isinstance(self.query, Counter) else self.query.text
        picked = f" | {self.label[0]}={self.label[1]}" if self.label else ""
        object.__setattr__(self, "key", text + picked)

    @property
    def newest(self) -> Selector | None:
        """A selector whose newest sample tells how fresh this stream is."""
        return self.query.selector if isinstance(self.query, Counter) else self.query.newest

    @property
    def bucket(self) -> str | None:
        """The histogram bound (`le`) this stream asks for, if it does."""
        return self.query.selector.equals("le") if isinstance(self.query, Counter) else None


def stream(query: Query, label: str | None, value: str | None) -> Stream:
    """The stream of `query` where `label` is `value`: by selector where we write the query ourselves,
    by picking from the result where the user does."""
    if label is None or value is None:
        return Stream(query)
    if isinstance(query, Counter):
        return Stream(Counter(query.selector.having(label, value)))
    return Stream(query, (label, value))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of all events, the bad ones; or the good ones, from which the bad follow."""

    part: Query
    part_is: str  # "good" | "bad"
    total: Query

    @property
    def approximate(self) -> bool:
        """Whether a fixed range makes the counts an integral of samples, not a count."""
        return any(
            not isinstance(one, Counter) and one.range_s is not None for one in (self.part, self.total)
        )


PROBE_STALE_AFTER_S = 60.0  # journeys come minutes apart, and who watches them hands over now and then


@dataclass(frozen=True, slots=True)
class Objective:
    """`group_by` names the label by which there is one reading per region; None for one reading in all."""

    name: str
    display: str
    component: str
    target: float
    period_s: float
    ratio: Ratio
    kind: Kind
    stratum: Stratum = "real"
    group_by: str | None = None
    description: str = ""
    file: Path | None = None

    @property
    def budget(self) -> float:
        return 1.0 - self.target

    def stale_after_s(self, usual_s: float) -> float:
        """How old its newest sample may be where that of others may be `usual_s`."""
        return max(usual_s, PROBE_STALE_AFTER_S) if self.stratum == "probe" else usual_s


@dataclass(frozen=True, slots=True)
class Tracked:
    """An objective in one region (None: all), with the two streams its readings are made of."""

    objective: Objective
    region: str | None
    part: Stream
    total: Stream

    @property
    def key(self) -> tuple[str, str | None]:
        return (self.objective.name, self.region)


def track(objective: Objective, regions: tuple[str, ...]) -> list[Tracked]:
    """One entry per region if the objective is grouped, else one for all."""
    wanted: tuple[str | None, ...] = regions if objective.group_by and regions else (None,)
    ratio, label = objective.ratio, objective.group_by
    return [
        Tracked(objective, region, stream(ratio.part, label, region), stream(ratio.total, label, region))
        for region in wanted
    ]
