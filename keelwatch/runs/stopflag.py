"""A flag that a signal handler may raise at any moment and anybody may wait for.

`threading.Event` will not do: a handler that sets it while the main thread is inside `wait` can
deadlock on the event's own lock. A pipe cannot; and an event loop can watch it.
"""

from __future__ import annotations

import os
import select

from keelwatch.runs.verdict import Stopped


class StopFlag:
    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.reason = ""

    def raise_flag(self, reason: str) -> None:
        """Only the first reason counts."""
        if not self.reason:
            self.reason = reason
            os.write(self._write, b"!")

    def is_set(self) -> bool:
        return bool(self.reason)

    def wait(self, seconds: float) -> bool:
        """True as soon as the flag is up, False after `seconds` without it."""
        return bool(select.select([self._read], [], [], max(0.0, seconds))[0])

    def check(self) -> None:
        """Raises `Stopped` once the flag is up."""
        if self.is_set():
            raise Stopped(self.reason)

    def sleep(self, seconds: float) -> None:
        """Raises `Stopped` as soon as the flag is up."""
        self.wait(seconds)
        self.check()

    def fileno(self) -> int:
        """Readable from the moment the flag is up: for `loop.add_reader`."""
        return self._read
