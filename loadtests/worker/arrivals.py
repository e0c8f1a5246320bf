"""The open model: journeys begin when they are due, however long the ones before take.

One user of Locust in each process keeps the schedule; everybody who arrives has a greenlet of its own.
Whoever finds as many in flight as may be is dropped, and counted: an arrival that was never sent is no quick
answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import gevent
from locust import FastHttpUser, User, constant, task

from loadtests.arrivals import Process as Arriving
from loadtests.arrivals import due_times
from loadtests.plan import Plan
from loadtests.worker.crowd import Crowd
from loadtests.worker.customers import customers
from loadtests.worker.process import Process
from loadtests.worker.visitors import Visitors

DRAIN_S = 15.0
"""After the last arrival, for those still in flight."""

BEHIND_S = 0.001
"""Later than this, the generator does not keep up."""

HEARS_S = 0.1
"""So soon somebody who waits for the next arrival hears that all is over."""


def arrivals_of(process: Process) -> type[User]:
    class Arrivals(FastHttpUser):  # type: ignore[misc]
        fixed_count = process.plan.processes
        host = process.plan.host
        wait_time = constant(1)

        @task  # type: ignore[untyped-decorator]
        def arrive(self) -> None:
            if not process.arrived:
                process.arrived = True
                whom = customers if process.plan.journeys else Visitors
                _keep(process, whom(process, self.environment).take)

    return Arrivals


def _keep(process: Process, take: Callable[[float], None]) -> None:
    """The schedule of this process: every so-manieth arrival of the whole."""
    plan, meter = process.plan, process.meter
    began = process.start()
    crowd = Crowd(take, plan.most_in_flight // plan.processes or 1)
    process.in_flight = lambda: len(crowd)
    for after_s in _mine(plan, process.number):
        due = began + after_s
        while not process.stopping.is_set() and (wait_s := due - time.monotonic()) > 0:
            gevent.sleep(min(wait_s, HEARS_S))
        if process.stopping.is_set():
            break
        if time.monotonic() > due + BEHIND_S:
            gevent.sleep(0)  # who came before acts first: a crowd at once would want a user each
        meter.due += 1
        if crowd.is_full:
            meter.dropped += 1
            continue
        crowd.let_in(due)
        meter.late_ms = max(meter.late_ms, (time.monotonic() - due) * 1000)
    is_cut = process.stopping.is_set()
    crowd.drain(DRAIN_S)
    if not is_cut:
        process.tell({"do": "done", "left": len(crowd)})
    crowd.send_away()


def _mine(plan: Plan, number: int) -> Iterator[float]:
    return islice(due_times(plan.stages, Arriving(plan.arrivals), plan.seed), number, None, plan.processes)
