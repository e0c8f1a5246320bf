"""Time as an argument. Wall time names moments; boot time measures how long something took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix time in seconds."""

    def boot(self) -> float:
        """Seconds since boot, counting suspended time; never jumps."""


class SystemClock:
    def now(self) -> float:
        return time.time()

    def boot(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class FixedClock:
    """A clock that moves only when told; for tests and for rendering a moment again."""

    at: float = 0.0

    def now(self) -> float:
        return self.at

    def boot(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


def boot_id() -> str:
    """Tells one boot of this host from another; a pid or boot time means nothing across them."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def utc(at: float) -> str:
    """`at` as `2026-11-22T03:14:07Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
