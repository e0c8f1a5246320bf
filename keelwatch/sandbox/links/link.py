"""One link: who may pass, and how fast."""

from __future__ import annotations

import asyncio
import socket

from keelwatch.sandbox.links.crossing import Crossing
from keelwatch.sandbox.links.gate import Gate
from keelwatch.sandbox.links.mode import CLEAR, Mode, Weather


class Link:
    """Listens on `port` for connections from `region`, and passes them on to `target`."""

    def __init__(self, weather: Weather, region: str, port: int, target: int) -> None:
        self.mode = CLEAR
        self.target = target
        self.is_open = asyncio.Event()
        self.is_open.set()
        self._weather = weather
        self._region = region
        self._crossings: set[Crossing] = set()
        self._gate = Gate(port, self._begin)

    def _begin(self, client: socket.socket) -> None:
        self._crossings.add(Crossing(self, client))

    def look(self) -> Mode:
        """The mode now; when it changed, every connection feels it before this returns."""
        found = self._weather.over(self._region)
        if found != self.mode:
            was, self.mode = self.mode, found
            self._change(was)
        return self.mode

    def _change(self, was: Mode) -> None:
        if self.mode.is_shut:
            self.is_open.clear()
            self._gate.shut()
        for crossing in list(self._crossings):
            crossing.changed(was)
        if was.is_shut and not self.mode.is_shut:
            self.is_open.set()
            self._gate.open()

    def forget(self, crossing: Crossing) -> None:
        self._crossings.discard(crossing)

    def close(self) -> None:
        self._gate.close()
        for crossing in list(self._crossings):
            crossing.reset()
