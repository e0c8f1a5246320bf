"""One wish to stop, from a signal or from a thread; heard at once where that is safe, and once only.

Chaos Toolkit skips the remaining rollbacks at a second signal, and all of them when the first one comes while
it puts its threads away. So the signal interrupts it only inside the hypothesis and the method, and waits
elsewhere.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Stopping:
    """`why` is empty until somebody wishes it. `safe`: the main thread is where it may be interrupted."""

    def __init__(self) -> None:
        self.why = ""
        self.safe = False
        self.rolling_back = False
        self._heard = False

    def listen(self) -> None:
        """From the main thread. Also after Chaos Toolkit has set its own handler of SIGTERM."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def be_deaf(self) -> None:
        """From the main thread: to the signals by which a safeguard ends an experiment; one that is ending
        plays what is left of its rollbacks. No `SIG_IGN`, which commands would inherit."""
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda _number, _frame: None)

    def wish(self, why: str) -> None:
        """From any thread."""
        self.why = self.why or why
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)

    def enter(self) -> None:
        """The main thread is safe to interrupt from here on. Raises `KeyboardInterrupt` when it was
        wished."""
        self.safe = True
        self._interrupt()

    def leave(self) -> None:
        self.safe = False

    def give_up(self, why: str) -> None:
        """What it interrupted by itself: nothing beside the main thread is waited for any more."""
        self.why = self.why or why
        self.safe = False

    def check(self) -> None:
        """Raises `KeyboardInterrupt` in the main thread when it was wished and not heard yet."""
        if threading.current_thread() is threading.main_thread():
            self._interrupt()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.why = self.why or signal.Signals(number).name
        self._interrupt()

    def _interrupt(self) -> None:
        if self.why and self.safe and not self._heard:
            self._heard = True
            raise KeyboardInterrupt
