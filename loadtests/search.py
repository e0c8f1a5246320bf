"""The search for the highest rate that holds: doubling until one does not, then halving what lies between;
at the end both what holds and what does not are tried once more, and for longer. A rate that nobody here can
push is an end as well: what lies below it may still be found.
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
    `reason` was too short to tell: what comes of it is only that more may be tried. `is_pushed`: one that did
    not hold was of this rate; otherwise the load was less, and nothing is known of the server."""

    rate: float
    held: bool
    reason: str
    is_proof: bool = False
    is_pushed: bool = True


@dataclass(frozen=True, slots=True)
class Next:
    """The step to make. `is_proof`: one that confirms, and takes longer. `is_doubt`: the rate did not hold
    when it was tried before, and that is what is to be confirmed."""

    rate: float
    is_proof: bool = False
    is_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """`last_ok` held (0: nothing did), and above it `first_breach` did not or `out_of_reach` could not be
    pushed, and why; both ends are confirmed. Neither of the two: `most` held."""

    last_ok: float
    first_breach: float | None = None
    out_of_reach: float | None = None
    why: str = ""


def next_step(tried: Sequence[Tried], first: float, most: float) -> Next | Interval:
    """What to do after `tried`, beginning at `first` and never beyond `most` (per second). Of a rate its last
    step counts. The search names the lowest rate of all that did not hold, so it would end at a moment's bad
    luck if a short step were enough for that. One that could not be pushed did not hold either."""
    if not tried:
        return Next(min(first, most))
    last = {one.rate: one for one in tried}
    end = min((one.rate for one in last.values() if not one.held), default=None)
    below = [one for one in last.values() if one.held and (end is None or one.rate < end)]
    ok = max((one.rate for one in below), default=None)
    if ok is None:
        assert end is not None
        if end / 2 >= LEAST:
            return Next(end / 2)
        return _between(0.0, last[end]) if last[end].is_proof else _doubted(end)
    if end is None and ok < most:
        return Next(min(ok * 2, most))
    if end is not None and (end - ok) / end > PRECISION:
        return Next((ok + end) / 2)
    if end is not None and not last[end].is_proof:
        return _doubted(end)
    if not last[ok].is_proof:
        return Next(ok, is_proof=True)
    return _between(ok, last[end]) if end is not None else Interval(ok)


def _between(ok: float, end: Tried) -> Interval:
    if end.is_pushed:
        return Interval(ok, first_breach=end.rate, why=end.reason)
    return Interval(ok, out_of_reach=end.rate, why=end.reason)


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
