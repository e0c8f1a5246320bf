"""One generator's process: its line to the run, and what it tells each second."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from keelwatch.ledger import JsonObject
from keelwatch.runs import Line
from keelwatch.workspace.errors import KernelError
from keelwatch.workspace.sink import redact
from loadtests.arrivals import level_at
from loadtests.meter import Meter
from loadtests.plan import Plan

LATE = "keelwatch_late_ms"
"""In the context of a request: how long after it was due it was sent."""
STEP = "keelwatch_step"
"""In the context of a journey's request, whose name is that of its step."""
SEEN = "keelwatch_seen"
"""In the context of a visitor's request: how many its arrival has had so far, and how many of them failed. A
list: locustfiles may write contexts down as JSON."""
MASTERS_TURN_S = 1.0
GONE = 75  # the exit status of a process whose run is gone


class Process:
    """`number` tells the generators of a run apart, from 0; a master, which only shares out users, has -1.
    `own_shape`: the locustfile says how many users there are; the stages, only for how long."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.meter = Meter()
        self.number = 0
        self.arrived = False
        self.own_shape = False
        self.stopping = Event()
        self.in_flight: Callable[[], int] = lambda: 0
        self._line: Line | None = None
        self._environment: Environment | None = None
        self._began: float | None = None
        self._told = -1

    @property
    def line(self) -> Line:
        assert self._line is not None, "before Locust has begun"
        return self._line

    def begin(self, environment: Environment, **_: Any) -> None:
        """After the fork: each process is a generator of its own. An interrupt is met by a greenlet of its
        own too: raised in whichever runs just then it may be lost, and the process has to be killed."""
        self._environment = environment
        gevent.signal_handler(signal.SIGINT, self._quit)
        self._line = Line(Path(self.plan.folder))
        is_master = isinstance(environment.runner, MasterRunner)
        self.own_shape = bool(environment.available_shape_classes)
        hello: JsonObject = {"pid": os.getpid(), "master": is_master, "own_shape": self.own_shape}
        told = self.line.call({"do": "hello", **hello})
        self.number = int(str(told["number"]))
        if not is_master:
            gevent.spawn(self._tell_each_second)

    def stop(self, **_: Any) -> None:
        """Of Locust: nobody else is to begin. Who waits for the next arrival would be waited for."""
        self.stopping.set()

    def _quit(self) -> None:
        """All of the group are interrupted, and a master tells its workers to quit itself."""
        runner = self._environment.runner if self._environment is not None else None
        if isinstance(runner, WorkerRunner):
            gevent.sleep(MASTERS_TURN_S)
        if runner is not None:
            runner.quit()

    def request(
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        exception: BaseException | None,
        context: dict[str, Any] | None,
        **_: Any,
    ) -> None:
        """Of Locust: a request is over."""
        if self.number < 0:
            return
        told = context or {}
        shown = name if STEP in told else f"{request_type} {name}"
        error = "" if exception is None else told_of(exception)
        if isinstance(seen := told.get(SEEN), list):
            seen[0] += 1
            seen[1] += exception is not None
        self.meter.request(shown, float(response_time or 0.0), told.get(LATE, 0.0), error)

    def user_error(self, user_instance: object, exception: BaseException, **_: Any) -> None:
        """Of Locust: a task of a user, or of its set of tasks, has raised. No request, so no failed one."""
        self.raised(type(getattr(user_instance, "user", user_instance)).__name__, exception)

    def raised(self, whose: str, error: BaseException) -> None:
        self.meter.raised += 1
        self.meter.error(f"{whose} raised {type(error).__name__}: {told_of(error)}")

    def refused(self, words: str) -> None:
        """Something here wanted to go where it must not."""
        if self._line is not None:
            self.tell({"do": "refused", "words": words})

    def unfit(self, words: str) -> None:
        """There is nobody here who could do anything."""
        self.tell({"do": "unfit", "words": words})

    def start(self) -> float:
        """When the load begins (monotonic, s), the same for all processes of this machine."""
        if self._began is None:
            began = float(str(self.line.call({"do": "start"})["at"]))
            self._began = began
        return self._began

    def tell(self, message: JsonObject) -> None:
        """A run that is gone takes its generators along: nobody could stop them."""
        try:
            self.line.tell(message)
        except KernelError:
            os._exit(GONE)

    def end(self, **_: Any) -> None:
        if self._line is not None and self.number >= 0:
            self._tell_second()
        if self._line is not None:
            self.tell({"do": "bye"})
            self.line.call({"do": "ping"})  # all of it was heard

    def _tell_each_second(self) -> None:
        began, cpu = self.start(), time.process_time()
        at = time.monotonic()
        while True:
            gevent.sleep(max(0.0, began + self._told + 2 - time.monotonic()))
            now, used = time.monotonic(), time.process_time()
            self._tell_second((used - cpu) / max(now - at, 0.001))
            at, cpu = now, used

    def _tell_second(self, cpu: float = 0.0) -> None:
        """Of the second that has just gone by, counted from the start of the load."""
        if self._began is None:
            return
        passed_s = time.monotonic() - self._began
        second = max(self._told + 1, min(int(passed_s), round(passed_s) - 1))
        runner = self._environment.runner if self._environment else None
        told: JsonObject = {
            "second": second,
            "worker": self.number,
            "users": runner.user_count if runner else 0,
            "level": 0.0 if self.own_shape else level_at(self.plan.stages, second + 0.5),
            "cpu": cpu,
            "in_flight": self.in_flight(),
            **self.meter.take(),
        }
        self._told = second
        self.tell({"do": "told", "told": told})


QUERY = re.compile(r"\?\S+")


def told_of(error: BaseException) -> str:
    """What people read of it: without a query, which is another each time, and may hold a code."""
    return QUERY.sub("", redact(str(error))) or type(error).__name__
