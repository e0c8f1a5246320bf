"""How long a run took, for customers too, and what was lost: beside the objectives of its runbook.

RTO: from the start of the run until its `done_when` held, split into readiness, the time that people took to
decide, waiting for approval, each step, and settling. RPO: acknowledged writes that the primary does not
have, as a heartbeat writer sees them; without one nobody can tell, and that is said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.adapters import heartbeat, postgres
from keelwatch.ledger import FactKind
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from keelwatch.adapters.heartbeat import Beat
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Run
    from runbooks.conduct.ask_world import World
    from runbooks.conduct.progress import Progress
    from runbooks.spec import RunbookSpec

MOST_LISTED = 200  # each by number and time; all of them are told as ranges of numbers
LOOK_BACK_S = 3600.0  # before the run began: what is lost was lost before anybody was awake


@dataclass(frozen=True, slots=True)
class Writes:
    """`lost` were acknowledged and are not there; `gap_s` is the longest time between two acknowledged ones.
    `reason` is why none of it is known."""

    lost: tuple[Beat, ...] = ()
    gap_s: float | None = None
    reason: str = ""

    @property
    def rpo_s(self) -> float | None:
        """From the oldest lost write to the newest; 0 when nothing is lost."""
        if self.reason:
            return None
        return self.lost[-1].at - self.lost[0].at if self.lost else 0.0


def measured(run: Run, spec: RunbookSpec, progress: Progress, world: World) -> JsonObject:
    """The numbers of a run that has settled now; `*_s` in seconds."""
    began, now = _began(run), time.time()
    writes = _writes(world, began)
    rto_s, wanted = now - began, spec.objectives
    rto_wanted_s = wanted.rto.total_seconds() if wanted else None
    rpo_wanted_s = wanted.rpo.total_seconds() if wanted and wanted.rpo is not None else None
    return {
        "rto_s": rto_s,
        "rto_objective_s": rto_wanted_s,
        "rto_met": None if rto_wanted_s is None else rto_s <= rto_wanted_s,
        "rpo_s": writes.rpo_s,
        "rpo_objective_s": rpo_wanted_s,
        "rpo_met": None if rpo_wanted_s is None or writes.rpo_s is None else _met(writes, rpo_wanted_s),
        "rpo_unknown_reason": writes.reason or None,
        "lost_writes": None if writes.reason else len(writes.lost),
        "lost": [{"n": one.n, "at": one.at, "region": one.region} for one in writes.lost[:MOST_LISTED]],
        "lost_ranges": ranges(writes.lost),
        "write_gap_s": writes.gap_s,
        "split": _split(spec, progress, began, now),
    }


def ranges(lost: Sequence[Beat]) -> list[JsonObject]:
    """Neighbours by number that one region acknowledged, together: their first and last number, and when
    (Unix s) those were acknowledged. Pure."""
    found: list[list[Beat]] = []
    for one in lost:
        last = found[-1][-1] if found else None
        if last is not None and (one.n, one.region) == (last.n + 1, last.region):
            found[-1].append(one)
        else:
            found.append([one])
    return [
        {
            "first": part[0].n,
            "last": part[-1].n,
            "region": part[0].region,
            "since": part[0].at,
            "until": part[-1].at,
        }
        for part in found
    ]


def measured_words(found: JsonObject) -> str:
    """`RTO 21 s (objective 180 s), RPO 0 s: no write lost, write gap 0.6 s`"""
    rto = f"RTO {_number(found['rto_s']):.1f} s{_beside(found, 'rto')}"
    if found["rpo_s"] is None:
        return f"{rto}, RPO unknown: {found['rpo_unknown_reason']}"
    lost = found["lost_writes"]
    words = "no write lost" if not lost else f"{lost} acknowledged writes lost"
    gap = found["write_gap_s"]
    after = f", write gap {_number(gap):.2f} s" if gap is not None else ""
    return f"{rto}, RPO {_number(found['rpo_s']):.1f} s{_beside(found, 'rpo')}: {words}{after}"


def _beside(found: JsonObject, key: str) -> str:
    wanted = found[f"{key}_objective_s"]
    if wanted is None:
        return ""
    return f" (objective {_number(wanted):g} s{'' if found[f'{key}_met'] else ', MISSED'})"


def _met(writes: Writes, wanted_s: float) -> bool:
    return not writes.lost if not wanted_s else (writes.rpo_s or 0.0) <= wanted_s


def _began(run: Run) -> float:
    made = run.facts(FactKind.NOTE)
    return made[0].at if made else time.time()


def _writes(world: World, since: float) -> Writes:
    try:
        estate = world.estate()
        if estate.database is None:
            return Writes(reason="this environment has no database")
        if not estate.sandbox:
            return Writes(reason="no heartbeat writes to this database")
        told = heartbeat.acknowledged(estate.sandbox, since - LOOK_BACK_S)
        beats = heartbeat.at_stake(told, since)
        if not beats:
            return Writes(reason="the heartbeat told of no write")
        primary = postgres.primary_among(postgres.ask_all(estate.database, estate.database.regions))
        if primary is None:
            return Writes(reason="no primary answers")
        lost = heartbeat.missing(beats, estate.database, primary.region)
        return Writes(lost, heartbeat.longest_gap_s(beats, since))
    except KeelwatchError as error:
        return Writes(reason=error.message)


def _split(spec: RunbookSpec, progress: Progress, began: float, now: float) -> Mapping[str, float]:
    """Where the time went. Steps at the same time count each, so the parts may be more than all."""
    steps = [(one, progress.step(one.id)) for one in spec.steps]
    first = min((each.began for _, each in steps if each.began is not None), default=now)
    approvals = [each.took_s or 0.0 for one, each in steps if one.approve is not None]
    settling = progress.settling_since if progress.settling_since is not None else now
    return {
        "ready_s": first - began,
        "decision_s": progress.decided_s,
        "approval_s": sum(approvals),
        **{f"{one.id}_s": each.took_s or 0.0 for one, each in steps if one.approve is None},
        "settle_s": now - settling,
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
