"""The closed model: customers who wait for an answer before they ask again, as many as the stages want."""

from __future__ import annotations

import time
from typing import Any

from locust import FastHttpUser, LoadTestShape, constant, task

from loadtests.arrivals import length_s, level_at
from loadtests.worker.customers import customers
from loadtests.worker.process import Process


def customers_of(process: Process) -> type[FastHttpUser]:
    """Users who take one journey after the other, by weight."""

    class Customers(FastHttpUser):  # type: ignore[misc]
        host = process.plan.host
        wait_time = constant(0)

        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            self.customers = customers(process, environment)

        @task  # type: ignore[untyped-decorator]
        def journey(self) -> None:
            self.customers.take()

    return Customers


def shape_of(process: Process) -> type[LoadTestShape]:
    """How many users there are, second by second; None ends the load."""

    class Stages(LoadTestShape):  # type: ignore[misc]
        def tick(self) -> tuple[int, float] | None:
            stages, at = process.plan.stages, max(0.0, time.monotonic() - process.start())
            if at >= length_s(stages):
                return None
            level = round(level_at(stages, at))
            return level, max(1.0, float(abs(level - self.get_current_user_count())))

    return Stages
