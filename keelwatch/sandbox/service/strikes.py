"""Faults as a process meets them: read from the sandbox's fault file, felt at the call points.

The file's modification time is looked at once per call point (a microsecond), so a change counts from
the next request on; each fault carries its own end, so nobody needs to be alive to end it.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from keelwatch.sandbox.faults import Fault, from_json


class ComponentFailure(Exception):
    """A component failed this request: by an injected fault, or in earnest."""

    def __init__(self, component: str, status: int = 503) -> None:
        super().__init__(f"{component} failed")
        self.component = component
        self.status = status


class Strikes:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._faults: tuple[Fault, ...] = ()

    def active(self, component: str, region: str) -> list[Fault]:
        self._read_when_changed()
        if not self._faults:
            return []
        now = time.time()
        return [
            fault
            for fault in self._faults
            if fault.component == component and fault.strikes(region) and fault.until > now
        ]

    async def at(self, component: str, region: str) -> None:
        """Wait and fail as the active faults say. Raises `ComponentFailure`."""
        for fault in self.active(component, region):
            match fault.kind:
                case "latency":
                    await asyncio.sleep(fault.amount)
                case "errors" if random.random() < fault.amount:  # noqa: S311 chance, not secrecy
                    raise ComponentFailure(component, 500 if component == "portal" else 503)
                case "down":
                    raise ComponentFailure(component)
                case _:
                    pass

    def has(self, component: str, kind: str, region: str) -> bool:
        """Whether a defect (a fault that neither delays nor fails anything) is switched on."""
        return any(fault.kind == kind for fault in self.active(component, region))

    def _read_when_changed(self) -> None:
        try:
            found = self._path.stat()
        except OSError:
            self._faults = ()
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            self._faults = from_json(self._path.read_text())
            self._seen = seen
