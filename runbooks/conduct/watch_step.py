"""The guard of one step: its `stop_if`, as questions to the world."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keelwatch.safety import Watching
from keelwatch.safety.questions import elapsed_below
from runbooks.stages import Mode

if TYPE_CHECKING:
    from keelwatch.safety.watching import Ask
    from runbooks.conduct.ask_world import World
    from runbooks.spec import StopIf


def step_guard(stop_if: StopIf | None, world: World, mode: Mode) -> Watching:
    """Watches from when its context is entered; what counts from the step's beginning counts from now."""
    return Watching(_asks(stop_if, world, mode))


def _asks(stop_if: StopIf | None, world: World, mode: Mode) -> dict[str, Ask]:
    asks: dict[str, Ask] = {}
    if stop_if is None:
        return asks
    journeys, burn, began = stop_if.journey_failing, stop_if.burn_rate, time.monotonic()
    if journeys is not None:
        asks["journeys pass"] = lambda: world.journey_limit(journeys)
    if burn is not None and (mode is Mode.GRACEFUL or burn.ungraceful == "watch"):
        asks["the budget burns slowly"] = lambda: world.burn_limit(burn, time.monotonic() - began)
    lag, promql, elapsed = stop_if.lag, stop_if.promql_false, stop_if.elapsed
    if lag is not None:
        asks["the standby keeps up"] = lambda: world.keeps_up(lag)
    if promql is not None:
        asks["PromQL"] = lambda: world.promql_holds(promql)
    if elapsed is not None:
        most_s = elapsed.total_seconds()
        asks["time"] = lambda: elapsed_below(time.monotonic() - began, most_s)
    return asks
