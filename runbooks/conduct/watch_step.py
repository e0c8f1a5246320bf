"""The guard of one step: its `stop_if`, watched while the step acts."""

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
    """A context: it watches while one is in it. Without anything to watch it is always content. Each limit is
    watched in a thread of its own, for one that does not answer must not keep the others from tripping."""

    def __init__(self, stop_if: StopIf | None, world: World, mode: Mode) -> None:
        self._asks = _questions(stop_if, world, mode)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clear_since: dict[str, float] = {}
        self._found: dict[str, Condition] = {}
        self._tripped: dict[str, Trip] = {}

    @property
    def answers(self) -> dict[str, Condition]:
        """The last one of each limit that was asked."""
        return dict(self._found)

    @property
    def trips(self) -> tuple[Trip, ...]:
        return tuple(self._tripped.values())

    def __enter__(self) -> Self:
        for name, ask in self._asks.items():
            thread = threading.Thread(
                target=self._watch, args=(name, ask), name=f"guard: {name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:  # one that is kept waiting by a journey has nothing to say any more
            thread.join(EVERY_S)

    def is_clear_after(self, moment: float) -> bool:
        """Whether a look of each limit that began at or after `moment` (monotonic, s) found nothing wrong."""
        return all(self._clear_since.get(name, -1.0) >= moment for name in self._asks)

    def _watch(self, name: str, ask: Callable[[], Condition]) -> None:
        watch, limits = Watch(), [Limit(name, MOST_UNKNOWN_S)]
        while not self._over.is_set():
            began = time.monotonic()
            try:
                found = ask()
            except Stopped:
                return
            self._found[name] = found
            watch, trips = judge(limits, {name: found}, watch, time.monotonic())
            for trip in trips:
                self._tripped[name] = trip
                return
            if found.answer is Answer.YES:
                self._clear_since[name] = began
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
