"""The guard of one step: its `stop_if`, watched in a thread of its own while the step acts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from keelwatch.runs import Stopped
from keelwatch.safety import Limit, Trip, Watch, judge
from keelwatch.safety.questions import elapsed_below
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.stages import Mode

if TYPE_CHECKING:
    from runbooks.conduct.ask_world import World
    from runbooks.spec import StopIf

EVERY_S = 1.0
MOST_UNKNOWN_S = 20.0


class StepGuard:
    """A context: it watches while one is in it. Without anything to watch it is always content."""

    def __init__(self, stop_if: StopIf | None, world: World, mode: Mode) -> None:
        self._asks = _questions(stop_if, world, mode)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._clear_since: float | None = None
        self.answers: dict[str, Condition] = {}
        self.trips: tuple[Trip, ...] = ()

    def __enter__(self) -> Self:
        if self._asks:
            self._thread = threading.Thread(target=self._watch, name="step guard", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def is_clear_after(self, moment: float) -> bool:
        """Whether a look that began at or after `moment` (monotonic, s) found nothing wrong."""
        return not self._asks or (self._clear_since is not None and self._clear_since >= moment)

    def _watch(self) -> None:
        watch = Watch()
        limits = [Limit(name, MOST_UNKNOWN_S) for name in self._asks]
        while not self._over.is_set() and not self.trips:
            began = time.monotonic()
            try:
                found = {name: ask() for name, ask in self._asks.items()}
            except Stopped:
                return
            watch, self.trips = judge(limits, found, watch, time.monotonic())
            self.answers = found
            if all(one.answer is Answer.YES for one in found.values()):
                self._clear_since = began
            self._over.wait(max(0.0, EVERY_S - (time.monotonic() - began)))


def _questions(stop_if: StopIf | None, world: World, mode: Mode) -> dict[str, Callable[[], Condition]]:
    asks: dict[str, Callable[[], Condition]] = {}
    if stop_if is None:
        return asks
    journeys, burn, began = stop_if.journey_failing, stop_if.burn_rate, time.monotonic()
    if journeys is not None:
        asks["journeys pass"] = lambda: _told(lambda: world.journey_limit(journeys))
    if burn is not None and (mode is Mode.GRACEFUL or burn.ungraceful == "watch"):
        asks["the budget burns slowly"] = lambda: _told(
            lambda: world.burn_limit(burn, time.monotonic() - began)
        )
    lag, promql, elapsed = stop_if.lag, stop_if.promql_false, stop_if.elapsed
    if lag is not None:
        asks["the standby keeps up"] = lambda: _told(lambda: world.keeps_up(lag))
    if promql is not None:
        asks["PromQL"] = lambda: _told(lambda: world.promql_holds(promql))
    if elapsed is not None:
        most_s = elapsed.total_seconds()
        asks["time"] = lambda: elapsed_below(time.monotonic() - began, most_s)
    return asks


def _told(ask: Callable[[], Condition]) -> Condition:
    """Whatever cannot be asked is unknown: a guard that dies guards nothing."""
    try:
        return ask()
    except Stopped:
        raise
    except KeelwatchError as error:
        return Condition.unknown(error.message)
    except Exception as error:  # noqa: BLE001 -- a bug must trip the guard in the end, not end its watch unseen
        return Condition.unknown(f"{type(error).__name__}: {error}")
