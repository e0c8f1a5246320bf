"""When the hypothesis is asked during the method: first as soon as something was done, not beside it, and no
more once the experiment is interrupted.

Chaos Toolkit asks before anything of the method has happened, and sits out the pause between two askings
before it plays the rollbacks of an experiment that was interrupted.
"""

from __future__ import annotations

import threading
from typing import Any

import chaoslib.run


class Asking:
    """Of one experiment."""

    def __init__(self) -> None:
        self._acted = threading.Event()
        self._over: threading.Event | None = None
        self._is_ceased = False

    def install(self) -> None:
        """Once, before the experiment runs."""
        ask = chaoslib.run.run_hypothesis_continuously

        def ask_once_acted(over: threading.Event, schedule: Any, *given: Any, **more: Any) -> None:
            self._over = over
            if self._is_ceased:
                over.set()
            self._acted.wait(schedule.continuous_hypothesis_frequency)
            ask(over, schedule, *given, **more)

        chaoslib.run.run_hypothesis_continuously = ask_once_acted

    def begin(self) -> None:
        """Something of the method was done, or will not be any more."""
        self._acted.set()

    def cease(self) -> None:
        """From any thread."""
        self._is_ceased = True
        if self._over is not None:
            self._over.set()
        self._acted.set()
