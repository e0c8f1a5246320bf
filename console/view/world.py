"""Everything one frame shows, as one value: the snapshot, how far to trust it, and what went on around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keelwatch.workspace.reading import Reading, Unknown
from slo.reasons import Cause
from slo.snapshot import Snapshot, State


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
class Workers:
    """Processes that serve customers: how many are up, of how many there should be."""

    up: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The last results of a region's journeys. `total` counts those that have one, `stale` those whose last
    is too old to say how things are; `oldest_s` is the age of the oldest."""

    passing: int = 0
    failing: int = 0
    total: int = 0
    stale: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """What is known of a region beside its objectives; the 95th percentile is of the last 5 minutes."""

    workers: Workers | Unknown
    p95_s: Reading
    probes: Tally | Unknown = Unknown("no journey has run here yet", 0.0)  # noqa: RUF009 - it is frozen


@dataclass(frozen=True, slots=True)
class Causes:
    """Bad events of the last 15 minutes: by what they share, and by each single label that there is."""

    shared: Sequence[Cause] = ()
    split: Mapping[str, Sequence[Cause]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is true now while a world of the past is shown: the time, and the worst state if it is known."""

    wall: float
    worst: State | None


@dataclass(frozen=True, slots=True)
class World:
    """`snapshot` is the last good one. `trouble` says why there has been none since, if so.

    `asked` is False when the source was not even asked: `trouble`, if any, is then on our side. `unwatched`
    is the command that has the journeys watched again, where they should be and are not.

    `backfill_until` (Unix s): history before it was loaded, not lived. `running` names living runs,
    `left` says where undos are owed that nobody is taking care of, `owners` gives the team of each component,
    `facts` what is known of each region. With `replay` this is a world of the past and `now` is a moment
    then; `running` and `left` are of the present all the same. `seeking` is a moment asked for. Until
    `armed_until` (Unix s) what acts on the world needs no further arming. `failover` is the runbook that
    leads out of the region that pages alone; empty while regions agree.
    """

    environment: str
    regions: tuple[str, ...]
    origin: Origin
    now: float
    snapshot: Snapshot | None = None
    trouble: str | None = None
    changes: tuple[Change, ...] = ()
    running: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    user: str = ""
    source: str = "prometheus"
    backfill_until: float | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    armed_until: float | None = None
    facts: Mapping[str, RegionFacts] = field(default_factory=dict)
    replay: Replay | None = None
    seeking: float | None = None
    asked: bool = True
    failover: str = ""
    unwatched: str = ""

    @property
    def data_age_s(self) -> float | None:
        """How old the newest sample on the screen is; None while there is none."""
        if self.snapshot is None or self.snapshot.fresh_s is None:
            return None
        return max(0.0, self.now - self.snapshot.at + self.snapshot.fresh_s)

    @property
    def armed(self) -> bool:
        return self.armed_until is not None and self.now < self.armed_until

    @property
    def stale(self) -> bool:
        """The states shown are what was, not what is."""
        return self.origin is not Origin.LIVE or self.trouble is not None or self.replay is not None
