"""A guard that watches while something acts: each of its limits in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

from keelwatch.runs import Stopped
from keelwatch.safety.guard import Limit, Trip, Watch, judge
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Answer, Condition

EVERY_S = 1.0
MOST_UNKNOWN_S = 20.0

type Ask = Callable[[], Condition]


class Watching:
    """A context: it watches while one is in it. Without anything to watch it is always content. `asks` are
    the limits by their names; one that does not answer keeps no other from tripping."""

    def __init__(self, asks: Mapping[str, Ask], grace_s: float = MOST_UNKNOWN_S) -> None:
        self._asks = asks
        self._grace_s = grace_s
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
        for thread in self._threads:  # one that is kept waiting has nothing to say any more
            thread.join(EVERY_S)

    def is_clear_after(self, moment: float) -> bool:
        """Whether a look of each limit that began at or after `moment` (monotonic, s) found nothing wrong."""
        return all(self._clear_since.get(name, -1.0) >= moment for name in self._asks)

    def _watch(self, name: str, ask: Ask) -> None:
        watch, limits = Watch(), [Limit(name, self._grace_s)]
        while not self._over.is_set():
            began = time.monotonic()
            try:
                found = _told(ask)
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


def _told(ask: Ask) -> Condition:
    """Whatever cannot be asked is unknown: a guard that dies guards nothing."""
    try:
        return ask()
    except Stopped:
        raise
    except KeelwatchError as error:
        return Condition.unknown(error.message)
    except Exception as error:  # noqa: BLE001 -- a bug must trip the guard in the end, not end its watch unseen
        return Condition.unknown(f"{type(error).__name__}: {error}")
