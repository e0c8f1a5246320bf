"""One journey in one region, as its screen and its command tell it: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from probes.history import Past
from probes.record import Execution, StepRecord


@dataclass(frozen=True, slots=True)
class Story:
    """`shown` is the execution looked at, `green` the last that passed before it, `greens` all kept ones that
    passed, `regions` the newest of each region, `past` the list (newest first), `causes` why those in it did
    not pass, by id. `steps` are the names in the journey's file. `running` is the run that is shown while it
    goes on."""

    environment: str
    journey: str
    title: str
    component: str
    region: str
    steps: tuple[str, ...] = ()
    every_s: float | None = None
    past: tuple[Past, ...] = ()
    shown: Execution | None = None
    green: Execution | None = None
    greens: tuple[Execution, ...] = ()
    regions: Mapping[str, Execution] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    running: str = ""

    @property
    def records(self) -> Sequence[StepRecord]:
        return self.shown.steps if self.shown else ()

    @property
    def is_newest(self) -> bool:
        return self.shown is None or not self.past or self.past[0].id == self.shown.id


def medians_ms(greens: Sequence[Execution]) -> dict[int, float]:
    """What each step, by its index, took in the middle one of the executions that passed. Those whose times
    do not count are left out."""
    found: dict[int, list[float]] = {}
    for execution in greens:
        if not execution.tainted:
            for step in execution.steps:
                found.setdefault(step.index, []).append(step.took_ms)
    return {index: median(values) for index, values in found.items()}
