"""When the journeys of an open-loop load are due, whatever the server does: the schedule is made beforehand.

A generator that waits for answers before it sends the next request leaves out exactly the requests that would
have waited longest (coordinated omission), so latency counts from these times. Pure, and the same for a seed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Process(StrEnum):
    """How arrivals are spread."""

    POISSON = "poisson"  # independent of each other, as customers are
    PACED = "paced"  # evenly


@dataclass(frozen=True, slots=True)
class Stage:
    """For `for_s` seconds the level (arrivals per second, or users) goes from `begin` to `end` in a line."""

    begin: float
    end: float
    for_s: float

    @property
    def area(self) -> float:
        """The expected number of arrivals."""
        return (self.begin + self.end) / 2 * self.for_s

    def level_at(self, since_s: float) -> float:
        return self.begin + (self.end - self.begin) * since_s / self.for_s

    def time_of(self, area: float) -> float:
        """After how many seconds of the stage `area` arrivals are expected: b t + (e - b) t^2 / 2d = area,
        in the form that does not cancel where b is large."""
        slope = (self.end - self.begin) / self.for_s
        root = math.sqrt(max(0.0, self.begin * self.begin + 2 * slope * area))
        return 2 * area / (self.begin + root)


def length_s(stages: Sequence[Stage]) -> float:
    return sum(stage.for_s for stage in stages)


def level_at(stages: Sequence[Stage], at_s: float) -> float:
    """What is wanted `at_s` seconds after the start; 0 once all stages are over."""
    for stage in stages:
        if at_s < stage.for_s:
            return stage.level_at(at_s)
        at_s -= stage.for_s
    return 0.0


def within(stages: Sequence[Stage], most_s: float) -> list[Stage]:
    """The same load in exactly `most_s` seconds: cut off, or its last level held for longer."""
    found: list[Stage] = []
    left = most_s
    for stage in stages:
        if left <= 0:
            return found
        span = min(stage.for_s, left)
        found.append(Stage(stage.begin, stage.level_at(span), span))
        left -= span
    if left > 0 and found:
        found.append(Stage(found[-1].end, found[-1].end, left))
    return found


def due_times(stages: Sequence[Stage], process: Process, seed: int) -> Iterator[float]:
    """Seconds after the start at which a journey is due, rising. A unit-rate process along the expected
    number of arrivals, taken back to time, is the one with these rates (time rescaling)."""
    generator = random.Random(seed)  # noqa: S311 -- a schedule, no secret
    began_s, area = 0.0, 0.0  # of the stage that is looked at
    wanted = _step(process, generator, first=True)
    for stage in stages:
        while wanted < area + stage.area:
            yield began_s + stage.time_of(wanted - area)
            wanted += _step(process, generator)
        area += stage.area
        began_s += stage.for_s


def _step(process: Process, generator: random.Random, *, first: bool = False) -> float:
    if process is Process.POISSON:
        return generator.expovariate(1.0)
    return 0.5 if first else 1.0
