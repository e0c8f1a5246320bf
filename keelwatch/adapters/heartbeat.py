"""What a sandbox's heartbeat writer saw: which writes were acknowledged, when, and which are still there.

Knows `endpoints.json` and the writer's file alone; it imports nothing of the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.session import session
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.estate import Database
from keelwatch.workspace.paths import endpoints_path

ASK_S = 5.0
KEPT = "SELECT coalesce(array_agg(n), '{}') FROM heartbeat WHERE n BETWEEN %s AND %s"


@dataclass(frozen=True, slots=True)
class Beat:
    """A write that `region` acknowledged at `at` (Unix s)."""

    n: int
    at: float
    region: str


def acknowledged(sandbox: str, since: float) -> tuple[Beat, ...]:
    """Every write acknowledged since then (Unix s), in order. Raises `SourceError` when the sandbox tells of
    no writer."""
    path = _file(sandbox)
    found = [beat for one in (path.with_name(path.name + ".1"), path) for beat in _beats(one)]
    return tuple(beat for beat in found if beat.at >= since)


def at_stake(beats: Sequence[Beat], began: float) -> tuple[Beat, ...]:
    """Those that a failover that `began` then (Unix s) may lose: all since the primary of before took over,
    for what was lost was lost before anybody began. Pure."""
    before = [beat for beat in beats if beat.at < began]
    if not before:
        return tuple(beats)
    other = [number for number, beat in enumerate(before) if beat.region != before[-1].region]
    return tuple(beats[other[-1] + 1 if other else 0 :])


def longest_gap_s(beats: Sequence[Beat], began: float) -> float | None:
    """The longest time between two acknowledged writes, from the last one before `began` (Unix s). Pure."""
    ats = [beat.at for beat in beats]
    earlier = [at for at in ats if at < began][-1:]
    later = [at for at in ats if at >= began]
    return max((one - other for other, one in pairwise([*earlier, *later])), default=None)


def missing(beats: Sequence[Beat], database: Database, region: str) -> tuple[Beat, ...]:
    """Those of `beats` that the database of `region` does not have. Raises `SourceError` when it cannot be
    asked."""
    if not beats:
        return ()
    numbers = [beat.n for beat in beats]
    with session(database, region, Deadline.within(ASK_S)) as asked:
        (there,) = asked.row(KEPT, [min(numbers), max(numbers)])
    known = set(there) if isinstance(there, list) else set()
    return tuple(beat for beat in beats if beat.n not in known)


def _file(sandbox: str) -> Path:
    path = endpoints_path(sandbox)
    try:
        return Path(str(json.loads(path.read_text())["heartbeat_file"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise SourceError(f"the sandbox {sandbox} tells of no heartbeat", "keelwatch sandbox up") from None


def _beats(path: Path) -> Iterator[Beat]:
    """Of a file that may not be there; a line cut off by a kill counts for nothing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            told = json.loads(line)
            if "failed" not in told:
                yield Beat(int(told["n"]), float(told["at"]), str(told["region"]))
        except (ValueError, KeyError, TypeError):
            continue
