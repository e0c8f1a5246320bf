"""Those who have arrived and are not done, each in a greenlet.

Greenlets are used again: a new one has a stack of its own that nobody has touched yet, which costs an arrival
half as much again as its request.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent import getcurrent

LOOK_S = 0.02


class Crowd:
    """At most `most` at a time; each of them calls `take` with the time when it was due."""

    def __init__(self, take: Callable[[float], None], most: int) -> None:
        self._take = take
        self._most = most
        self._hub = gevent.get_hub()
        self._there: set[gevent.Greenlet] = set()
        self._idle: list[gevent.Greenlet] = []

    def __len__(self) -> int:
        return len(self._there)

    @property
    def is_full(self) -> bool:
        return len(self._there) >= self._most

    def let_in(self, due: float) -> None:
        """It begins as soon as whoever lets it in waits for something."""
        if self._idle:
            one = self._idle.pop()
            self._hub.loop.run_callback(one.switch, due)
        else:
            one = gevent.spawn_raw(self._serve, due)
        self._there.add(one)

    def drain(self, seconds: float) -> None:
        """Wait until all are done, for so long."""
        with gevent.Timeout(seconds, exception=False):
            while self._there:
                gevent.sleep(LOOK_S)

    def send_away(self) -> None:
        gevent.killall([*self._there, *self._idle])

    def _serve(self, due: float) -> None:
        me = getcurrent()
        while True:
            try:
                self._take(due)
            finally:
                self._there.discard(me)
            self._idle.append(me)
            due = self._hub.switch()
