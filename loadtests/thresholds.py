"""What was found of each threshold of a profile."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import UsageError
from keelwatch.workspace.reading import Unknown
from loadtests.gathered import Gathered, Times
from loadtests.verdict import Finding
from slo.objective import Objective, Ratio
from slo.promql import Counter, Query

if TYPE_CHECKING:
    from loadtests.spec import Threshold

LEAST_BEYOND = 5
"""Samples beyond a percentile; with fewer it is the accident of a few requests."""
RULE_OF_THREE = 3.0
"""None failed of n requests: at most 3/n do, with 95 % confidence (Hanley, Lippman-Hand, JAMA 1983)."""
ROOM = 0.8
"""Of a limit: what the server by itself does within so much of it, it has not missed."""
SIGMAS = 3.0
"""So far beyond what is expected (Poisson), even a few requests say that too many are bad."""
TRAFFIC, REAL, LOAD = "traffic", "real", "load"


@dataclass(frozen=True, slots=True)
class Events:
    """Of an objective, by the load's own traffic: `bad` of `total`; `target` (0..1) are to be good."""

    bad: float
    total: float
    target: float


def findings(
    thresholds: Sequence[Threshold], gathered: Gathered, objectives: Mapping[str, Events | Unknown]
) -> list[Finding]:
    return [_finding(one, gathered, objectives) for one in thresholds]


def _finding(one: Threshold, gathered: Gathered, objectives: Mapping[str, Events | Unknown]) -> Finding:
    if one.objective is not None:
        return _of_objective(one.objective, objectives.get(one.objective, Unknown("not asked", 0.0)))
    times = gathered.all if one.request is None else gathered.requests.get(one.request)
    if times is None:
        return _unknown(name_of(one), 0, f"no request is named {one.request!r}")
    if one.percentile is not None:
        return _of_percentile(one, times)
    return _worse(_of_failures(one, times), _of_journeys(one, gathered))


def _of_objective(name: str, found: Events | Unknown) -> Finding:
    match found:
        case Unknown(reason):
            return _unknown(name, 0, reason)
        case Events(bad, total, target):
            words = f"{1 - bad / total:.2%} good, {target:.2%} wanted" if total else ""
            return _of_share(name, words, bad, total, 1 - target)


def _of_share(
    name: str, words: str, bad: float, total: float, limit: float, what: str = "requests"
) -> Finding:
    """Whether at most `limit` (0..1) of `total` are bad: a few requests prove neither."""
    least = RULE_OF_THREE / limit if limit > 0 else 1.0
    if total >= least:
        return Finding(name, words, met=bad <= total * limit, samples=round(total), least=least)
    if bad - total * limit > SIGMAS * math.sqrt(max(1.0, total * limit)):
        return Finding(name, words, met=False, samples=round(total), least=least)
    words = f"{total:.0f} {what}, {bad:.0f} of them bad; {least:.0f} are the least"
    return _unknown(name, round(total), words, least)


def _of_percentile(one: Threshold, times: Times) -> Finding:
    assert one.percentile is not None
    assert one.below is not None
    service = times.service.quantile_ms(one.percentile / 100)
    found = times.response.quantile_ms(one.percentile / 100) if one.of == "response" else service
    beyond = times.count * (1 - one.percentile / 100)
    least = round(LEAST_BEYOND / (1 - one.percentile / 100))
    if found is None or service is None or beyond < LEAST_BEYOND:
        return _unknown(name_of(one), times.count, f"{times.count} requests; {least} are the least", least)
    limit_ms, own_ms = limits_ms(one)
    late = f"{service:.0f} ms" if found >= limit_ms and service < own_ms else ""
    met = found < limit_ms
    return Finding(name_of(one), f"{found:.0f} ms", met=met, samples=times.count, least=least, late=late)


def limits_ms(one: Threshold) -> tuple[float, float]:
    """Of a percentile: what its time must keep to, and what the server by itself must have taken where it is
    the server that did not."""
    assert one.below is not None
    limit_ms = one.below.total_seconds() * 1000
    return limit_ms, limit_ms * (ROOM if one.of == "response" else 1.0)


def _of_failures(one: Threshold, times: Times) -> Finding:
    assert one.failures_below is not None
    share = times.failed / times.count if times.count else 0.0
    return _of_share(name_of(one), f"{share:.2%}", times.failed, times.count, one.failures_below / 100)


def _of_journeys(one: Threshold, gathered: Gathered) -> Finding | None:
    """Journeys fail where no request did, or few of many: a poll has a hundred good answers before it gives
    up. None where their share keeps to the limit: it is the requests that say so."""
    assert one.failures_below is not None
    failed = sum(times.failed for times in gathered.journeys.values())
    count = sum(times.count for times in gathered.journeys.values())
    limit = one.failures_below / 100
    if one.request is not None or failed <= count * limit:
        return None
    return _of_share(name_of(one), f"{failed / count:.2%} of journeys", failed, count, limit, "journeys")


def _worse(one: Finding, other: Finding | None) -> Finding:
    """What is missed, before what nobody knows, before what is met."""
    if other is None or (one.value is not None and not one.met):
        return one
    return other


def _unknown(name: str, samples: int, reason: str, least: float = 0.0) -> Finding:
    return Finding(name, None, met=False, samples=samples, reason=reason, least=least)


def name_of(one: Threshold) -> str:
    where = f" of {one.request}" if one.request else ""
    if one.percentile is not None:
        assert one.below is not None
        return f"p{one.percentile:g} {one.of} time{where} < {one.below.total_seconds() * 1000:g} ms"
    return f"failures{where} < {one.failures_below:g}%"


def require_objective(name: str, known: Collection[str]) -> None:
    """Raises `UsageError` for one that is none of `known`."""
    from keelwatch.workspace.reader import closest

    if name not in known:
        near = closest(name, known)
        hint = f"did you mean {near!r}?" if near else "see: keelwatch slo list"
        raise UsageError(f"there is no objective {name!r}", hint)


def of_load(objective: Objective) -> Objective | None:
    """The same objective, asked of load's traffic; None where nothing in its queries tells whose traffic it
    is."""
    ratio = objective.ratio
    part, total = _query_of_load(ratio.part), _query_of_load(ratio.total)
    if part is None or total is None:
        return None
    return replace(objective, ratio=Ratio(part, ratio.part_is, total))


def _query_of_load(query: Query) -> Query | None:
    match query:
        case Counter(selector) if selector.equals(TRAFFIC) == REAL:
            return Counter(selector.having(TRAFFIC, LOAD))
        case _:
            return None
