"""A pause of an activity beside the main thread hears the stop: Chaos Toolkit sits it out before it plays the
rollbacks."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import chaoslib.activity
from chaoslib.exceptions import InterruptExecution

from chaos.worker.stopping import Stopping

LOOK_S = 0.05


def install(stopping: Stopping) -> None:
    """Once, before the experiment runs."""
    chaoslib.activity.time = SimpleNamespace(sleep=lambda lasts_s: pause(lasts_s, stopping))


def pause(lasts_s: float, stopping: Stopping) -> None:
    """The main thread is interrupted by the signal. A pause of a rollback is played to its end; one of the
    method that is still on while others are played is given up, and what would follow it with it."""
    if threading.current_thread() is threading.main_thread() or stopping.rolling_back:
        time.sleep(lasts_s)
        return
    end = time.monotonic() + lasts_s
    while (left := end - time.monotonic()) > 0:
        if stopping.why:
            raise InterruptExecution(f"stopped: {stopping.why}")
        time.sleep(min(left, LOOK_S))
