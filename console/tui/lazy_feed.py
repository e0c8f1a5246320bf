"""The feed of the TUI: opened on the ticker's thread, after the first frame."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.chaos_book import ChaosBook
    from console.feed import Key, Look
    from console.journeys import JourneyBook
    from console.live_feed import LiveFeed
    from console.load_book import LoadBook
    from console.runbook_book import RunbookBook
    from console.view.world import Causes


class LazyFeed:
    """Loads the workspace and its clients at the first look, not when it is made."""

    def __init__(self, workspace: Path | None, environment: str | None) -> None:
        self._workspace = workspace
        self._environment = environment
        self._feed: LiveFeed | None = None
        self._lock = threading.Lock()

    def _open(self) -> LiveFeed:
        with self._lock:
            if self._feed is None:
                from console.live_feed import LiveFeed

                self._feed = LiveFeed.open(self._workspace, self._environment)
            return self._feed

    def look(self) -> Look:
        return self._open().look()

    def look_at(self, at: float) -> Look:
        return self._open().look_at(at)

    def burn_down(self, key: Key, at: float | None = None) -> Sequence[float | None]:
        return self._open().burn_down(key, at)

    def causes(self, key: Key, at: float | None = None) -> Causes:
        return self._open().causes(key, at)

    def why(self, key: Key, at: float | None = None) -> Sequence[str]:
        return self._open().why(key, at)

    def journeys(self) -> JourneyBook:
        return self._open().journeys()

    def loads(self) -> LoadBook:
        return self._open().loads()

    def chaos(self) -> ChaosBook:
        return self._open().chaos()

    def runbooks(self) -> RunbookBook:
        return self._open().runbooks()
