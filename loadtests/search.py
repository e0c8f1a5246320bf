"""The search for the highest rate that holds: doubling until one does not, then halving what lies between;
at the end both what holds and what does not are tried once more, and for longer.
Pure: which rate is next follows from what came of those before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PRECISION = 0.1
"""Of the first rate that did not hold: nearer than this, two rates say the same."""
LEAST = 0.1  # journeys per second
REST_S, MOST_REST_S = 1.0, 20.0
"""After a step that did not hold (s); new generators take a second to come anyway."""
PROOF, MOST_PROOF = 2.0, 4.0
"""So many times longer than the others is a step that confirms: enough for its samples, within these. It
decides alone, whatever a shorter one said, so chance must not."""
SPARE = 1.2
"""Arrivals scatter: so many times the samples that are enough are waited for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One step: `held`, or not and why. `is_proof`: held for long enough to count. One that held with a
    `reason` was too short to tell: what comes of it is only that more may be tried."""

    rate: float
    held: bool
    reason: str
    is_proof: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """The step to make. `is_proof`: one that confirms, and takes longer. `is_doubt`: the rate did not hold
    when it was tried before, and that is what is to be confirmed."""

    rate: float
    is_proof: bool = False
    is_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """`last_ok` held (0: nothing did), `first_breach` did not (None: `most` held); both are confirmed."""

    last_ok: float
    first_breach: float | None


def next_step(tried: Sequence[Tried], first: float, most: float) -> Next | Interval:
    """What to do after `tried`, beginning at `first` and never beyond `most` (per second). Of a rate its last
    step counts. The search names the lowest rate of all that did not hold, so it would end at a moment's bad
    luck if a short step were enough for that."""
    if not tried:
        return Next(min(first, most))
    last = {one.rate: one for one in tried}
    breach = min((one.rate for one in last.values() if not one.held), default=None)
    below = [one for one in last.values() if one.held and (breach is None or one.rate < breach)]
    ok = max((one.rate for one in below), default=None)
    if ok is None:
        assert breach is not None
        if breach / 2 >= LEAST:
            return Next(breach / 2)
        return Interval(0.0, breach) if last[breach].is_proof else _doubted(breach)
    if breach is None and ok < most:
        return Next(min(ok * 2, most))
    if breach is not None and (breach - ok) / breach > PRECISION:
        return Next((ok + breach) / 2)
    if breach is not None and not last[breach].is_proof:
        return _doubted(breach)
    if not last[ok].is_proof:
        return Next(ok, is_proof=True)
    return Interval(ok, breach)


def _doubted(rate: float) -> Next:
    return Next(rate, is_proof=True, is_doubt=True)


def proof_s(step_s: float, seen: Sequence[tuple[float, float]]) -> float:
    """How long (s) a step that confirms is, after one of `step_s` at its rate, which had `samples` of the
    `least` that are enough: a pair for each threshold."""
    wanted = [least / samples if samples else MOST_PROOF for samples, least in seen if least > 0]
    return step_s * min(max([PROOF, *(SPARE * one for one in wanted)]), MOST_PROOF)


def rest_s(tried: Sequence[Tried], took_s: float) -> float:
    """How long (s) to leave the server alone after the last of `tried`, which took `took_s`: what it left in
    queues is at most what came beyond the highest rate that held, and drains at that rate."""
    last = tried[-1]
    if last.held:
        return 0.0
    ok = max((one.rate for one in tried if one.held), default=last.rate / 2)
    return min(REST_S + took_s * max(0.0, last.rate - ok) / ok, MOST_REST_S)
