"""What the guard of a load or an experiment watches, as questions by their names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keelwatch.safety.questions import USUAL_WINDOW_S
from keelwatch.workspace.reading import Condition
from slo.durations import spell

if TYPE_CHECKING:
    from keelwatch.runs import Run
    from keelwatch.safety.around import Around
    from keelwatch.safety.spec import GuardSpec
    from keelwatch.safety.watching import Ask

JOURNEYS_EVERY_S = 15.0
"""Each look is a run of journeys: more of them would be a load of their own."""


def asks_of(guard: GuardSpec, around: Around, run: Run, regions: Sequence[str]) -> dict[str, Ask]:
    """`regions` are those in which journeys are asked, one after the other."""
    burn = guard.burn_rate
    window_s = burn.window.total_seconds() if burn.window else USUAL_WINDOW_S
    name = f"burn < {burn.above:g}x over {spell(window_s)}: {', '.join(burn.objectives)}"
    asks: dict[str, Ask] = {name: lambda: around.burn_below(burn.above, window_s, None, burn.objectives)}
    if guard.journeys:
        asks[f"journeys pass: {', '.join(guard.journeys)}"] = _Journeys(around, run, guard.journeys, regions)
    if (query := guard.promql_false) is not None:
        asks[f"holds: {query}"] = lambda: around.promql_holds(query)
    return asks


class _Journeys:
    """Asked now and then; in between, the last answer holds."""

    def __init__(self, around: Around, run: Run, names: Sequence[str], regions: Sequence[str]) -> None:
        self._around = around
        self._run = run
        self._names = names
        self._regions = regions
        self._turn = 0
        self._asked = -JOURNEYS_EVERY_S
        self._found = Condition.unknown("not asked yet")

    def __call__(self) -> Condition:
        if time.monotonic() - self._asked >= JOURNEYS_EVERY_S:
            self._asked = time.monotonic()
            region = self._regions[self._turn % len(self._regions)]
            self._turn += 1
            self._found = self._around.journeys(self._run, self._names, region)
        return self._found
