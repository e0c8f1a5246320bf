"""Which shape applies: decided once Locust has loaded the locustfile, for its text shows no shape that it
imports or hides."""

from __future__ import annotations

from typing import Any

from locust import LoadTestShape
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import WorkerRunner

from loadtests.locustfile import SHAPE_IN_OPEN, SHAPE_REPLACED, several_shapes
from loadtests.worker.process import Process, told_of
from loadtests.worker.users import shape_of


class Shapes:
    """The locustfile's one concrete shape in a closed load; ours where it has none. In an open load, none."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._decided: LoadTestShape | None = None

    def decide(self, environment: Environment, **_: Any) -> None:
        """After the process has begun. Locust looks at the environment's shape only when it starts a load."""
        theirs = list((environment.available_shape_classes or {}).values())
        if complaint := _complaint(theirs, is_open=self._process.plan.is_open):
            self._process.unfit(complaint)
        elif theirs:
            self._watch(theirs[0])
        elif not self._process.plan.is_open:
            environment.shape_class = shape_of(self._process)()
            environment.shape_class.runner = environment.runner
        self._decided = environment.shape_class

    def confirm(self, environment: Environment, **_: Any) -> None:
        """When a load starts: a listener of the locustfile's may have come after us."""
        if not isinstance(environment.runner, WorkerRunner) and environment.shape_class is not self._decided:
            self._process.unfit(SHAPE_REPLACED)

    def _watch(self, shape: LoadTestShape) -> None:
        """One that raises ends the load as if it had come to its end. `StopTest` is how it may say so."""
        tick = shape.tick

        def watched() -> Any:
            try:
                return tick()
            except StopTest:
                raise
            except Exception as error:
                self._process.unfit(f"its shape raised {type(error).__name__}: {told_of(error)}")
                raise

        shape.tick = watched  # type: ignore[method-assign]


def _complaint(theirs: list[LoadTestShape], *, is_open: bool) -> str:
    """Why none of them can apply; empty when one can, or there is none."""
    if is_open:
        return SHAPE_IN_OPEN if theirs else ""
    return several_shapes([type(one).__name__ for one in theirs]) if len(theirs) > 1 else ""
