"""What a link does to the connections it carries, as the active faults have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelwatch.sandbox.service.strikes import Strikes


@dataclass(frozen=True, slots=True)
class Mode:
    """`delay_s` is added to each direction."""

    delay_s: float = 0.0
    is_reset: bool = False
    is_blackhole: bool = False
    is_partition: bool = False

    @property
    def is_shut(self) -> bool:
        return self.is_blackhole or self.is_partition


CLEAR = Mode()


class Weather:
    """The active faults of the links, as modes."""

    def __init__(self, path: Path) -> None:
        self._strikes = Strikes(path)

    def over(self, region: str) -> Mode:
        """What strikes connections that start in `region` now; `CLEAR` itself when nothing does."""
        active = self._strikes.active("link", region)
        if not active:
            return CLEAR
        kinds = {fault.kind for fault in active}
        delay_s = max((fault.amount for fault in active if fault.kind == "latency"), default=0.0)
        return Mode(delay_s, "reset" in kinds, "blackhole" in kinds, "partition" in kinds)
