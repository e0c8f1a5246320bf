"""The thread that looks at the world, so that the screen never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message

from console.feed import FeedLike
from console.tui.messages import Looked, LookFailed
from keelwatch.workspace import KeelwatchError, redact


class Ticker:
    """Calls `feed.look()` every `every_s` and posts what it found.

    A daemon thread: quitting does not wait for a request that is still under way.
    """

    def __init__(self, feed: FeedLike, post: Callable[[Message], object], every_s: float) -> None:
        self._feed = feed
        self._post = post
        self._every_s = every_s
        self._ended = threading.Event()
        self._awake = threading.Event()
        self._paused = False
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._awake.set()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self.hurry()

    def hurry(self) -> None:
        """Look again now, not at the next beat."""
        self._awake.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._awake.clear()
            if not self._paused:
                self._post(self._look())
            self._awake.wait(self._every_s)

    def _look(self) -> Message:
        try:
            return Looked(self._feed.look())
        except KeelwatchError as error:
            hint = f"\n  try: {error.hint}" if error.hint else ""
            return LookFailed(redact(error.message + hint), int(error.exit_code))
        except Exception as error:  # noqa: BLE001 - the screen must outlive any fault of a tick
            return LookFailed(redact(f"internal error: {type(error).__name__}: {error}"), 70)
