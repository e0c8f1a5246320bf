"""The open model over a locustfile as it is: whoever arrives does one task of its users."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Callable
from itertools import accumulate
from typing import Any, cast

from gevent import Timeout
from locust import User
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, StopUser

from loadtests.locustfile import NO_USERS
from loadtests.worker.process import LATE, SEEN, Process

THEIRS = (Exception, Timeout)
"""What a locustfile's own code may raise; a limit of time of gevent's is no `Exception`."""
OURS = "Arrivals"
"""Our own class among those that Locust knows."""


class Visitors:
    """Users who wait for somebody to arrive. Each arrival draws a kind by weight, and is given the user of it
    that came back last from a task, so that few connections do most. Each begins with its `on_start`, which
    counts for nobody's arrival. Whoever raised before it asked anything did nothing, and is counted as such,
    whatever it raised: where a request of its start failed, that is what is told."""

    def __init__(self, process: Process, environment: Environment) -> None:
        self._environment = environment
        self._random = random.Random(process.plan.seed * 1009 + process.number)  # noqa: S311 -- no secret
        known = cast("dict[str, type[User]]", environment.available_user_classes or {})
        self._kinds = [kind for name, kind in known.items() if name != OURS]
        self._weights = list(accumulate(float(kind.weight) for kind in self._kinds))
        self._idle: dict[type[User], list[User]] = {kind: [] for kind in self._kinds}
        self._process = process
        for kind in self._kinds:
            kind.host = process.plan.host  # Locust says so only to the classes that it starts itself
        if complaint := _unfit(self._kinds):
            process.unfit(complaint)
            self._kinds = []

    def take(self, due: float) -> None:
        if not self._kinds:
            return
        late_ms = max(0.0, time.monotonic() - due) * 1000
        seen = [0, 0]
        try:
            (kind,) = self._random.choices(self._kinds, cum_weights=self._weights)
            user = self._idle[kind].pop() if self._idle[kind] else self._new(kind, seen)
        except THEIRS as error:  # nobody has come in, and it is told
            self._process.raised("a user's start", error)
            self._process.meter.idle += not seen[1]
            return
        seen[0] = 0
        user.context = _once(late_ms, seen)  # type: ignore[method-assign]  # Locust adds it to every request
        raised = self._done(user)
        self._process.meter.idle += raised is not None and not any(seen)
        if not isinstance(raised, StopUser):
            self._idle[kind].append(user)

    def _done(self, user: User) -> BaseException | None:
        """One task; what it raised. Some of that is how Locust's users say what comes next."""
        try:
            cast("Callable[[User], None]", self._random.choice(user.tasks))(user)
        except (InterruptTaskSet, RescheduleTask, StopUser) as said:
            return said
        except THEIRS as error:  # Locust's users go on after it too
            self._process.raised(type(user).__name__, error)
            return error
        return None

    def _new(self, kind: type[User], seen: list[int]) -> User:
        user: User = kind(self._environment)
        user.context = lambda: {SEEN: seen}  # type: ignore[method-assign]
        user.on_start()
        return user


def _unfit(kinds: list[type[User]]) -> str:
    """Why these users can do no single task; empty when they can."""
    if not kinds:
        return NO_USERS
    for kind in kinds:
        if any(inspect.isclass(one) for one in kind.tasks):
            return f"{kind.__name__} has sets of tasks, which go on as they like: use model: closed"
        if not kind.tasks:
            return f"{kind.__name__} has no tasks"
    return ""


def _once(late_ms: float, seen: list[int]) -> Callable[[], dict[str, Any]]:
    """The first request of a task is late; those after it wait for the one before."""
    left = [late_ms]

    def context() -> dict[str, Any]:
        late, left[0] = left[0], 0.0
        return {LATE: late, SEEN: seen}

    return context
