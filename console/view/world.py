"""Everything one frame shows, as one value: the snapshot, how far to trust it, and what went on around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from slo.snapshot import Snapshot


class Origin(StrEnum):
    LOADING = "loading"
    CACHED = "cached"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done, by whom: a line of the ledger told in words."""

    at: float
    text: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """`snapshot` is the last good one. `trouble` says why there has been none since, if so.

    `backfill_until` (Unix s): history before it was loaded, not lived. `running` names living runs,
    `left_open` counts undos that nobody is taking care of, `owners` gives the team of each component.
    """

    environment: str
    regions: tuple[str, ...]
    origin: Origin
    now: float
    snapshot: Snapshot | None = None
    trouble: str | None = None
    changes: tuple[Change, ...] = ()
    running: tuple[str, ...] = ()
    left_open: int = 0
    user: str = ""
    source: str = "prometheus"
    backfill_until: float | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False

    @property
    def data_age_s(self) -> float | None:
        """How old the newest sample on the screen is; None while there is none."""
        if self.snapshot is None or self.snapshot.fresh_s is None:
            return None
        return max(0.0, self.now - self.snapshot.at + self.snapshot.fresh_s)

    @property
    def stale(self) -> bool:
        """The states shown are what was, not what is."""
        return self.origin is not Origin.LIVE or self.trouble is not None
