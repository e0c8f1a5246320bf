"""The console's one window on the world: what every face shows comes through `Feed.look()`.

The TUI, `status` and `slo` share it, so that none of them has its own way to compute anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from console.view.world import Causes, Change, Origin, RegionFacts, World
from slo.snapshot import Snapshot

if TYPE_CHECKING:
    from console.chaos_book import ChaosBook
    from console.journeys import JourneyBook
    from console.load_book import LoadBook
    from console.runbook_book import RunbookBook

Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Look:
    """One tick: the snapshot, and what the ledger and the sandbox say around it. `asked`: whether the source
    was asked at all; when it could not be, the snapshot says why. `watched`: whether somebody watches the
    journeys, None where that is not known or there are none; `unwatched` says what to do about it where it is
    certain that somebody should. `failover` as in a `World`."""

    snapshot: Snapshot
    regions: tuple[str, ...]
    source: str
    changes: tuple[Change, ...] = ()
    running: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    backfill_until: float | None = None
    user: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, RegionFacts] = field(default_factory=dict)
    asked: bool = True
    failover: str = ""
    watched: bool | None = None
    unwatched: str = ""


class FeedLike(Protocol):
    """What the TUI needs; tests hand in a recorded one. What takes `at` is about that moment, which must be
    the one of the last `look_at`."""

    def look(self) -> Look: ...

    def look_at(self, at: float) -> Look: ...

    def burn_down(self, key: Key, at: float | None = None) -> Sequence[float | None]: ...

    def causes(self, key: Key, at: float | None = None) -> Causes: ...

    def why(self, key: Key, at: float | None = None) -> Sequence[str]: ...

    def journeys(self) -> JourneyBook: ...

    def loads(self) -> LoadBook: ...

    def chaos(self) -> ChaosBook: ...

    def runbooks(self) -> RunbookBook: ...


def world_of(look: Look, now: float, before: World | None = None) -> World:
    """The world after `look`: while a source is silent, the last good snapshot stays on show."""
    snapshot, trouble = look.snapshot, look.snapshot.source_error
    if trouble and before is not None and before.snapshot is not None:
        snapshot = before.snapshot
    origin = Origin.CACHED if trouble and before and before.origin is Origin.CACHED else Origin.LIVE
    return World(
        environment=look.snapshot.environment,
        regions=look.regions,
        origin=origin,
        now=now,
        snapshot=snapshot if not trouble or (before and before.snapshot) else None,
        trouble=trouble,
        changes=look.changes,
        running=look.running,
        left=look.left,
        user=look.user,
        source=look.source,
        backfill_until=look.backfill_until,
        owners=look.owners,
        facts=look.facts,
        asked=look.asked,
        failover=look.failover if not trouble else "",
        unwatched=look.unwatched,
    )
