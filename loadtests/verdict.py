"""What came of a load: pass, fail, invalid or inconclusive, and every reason. Pure.

Locust's own exit code says nothing of this: it is 0 when all workers are lost, and 1 when one request failed.
A load that was not applied as ordered proves nothing about the server, so it is *invalid*, never green.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from keelwatch.runs import Verdict, failed, inconclusive, invalid, passed
from keelwatch.workspace.errors import ExitCode

LEAST_SHARE = 0.9
"""Of the users wanted, once they were to be there: less is another load."""
MOST_CPU = 0.9
"""Of one core: beyond it the generator itself is what answers late."""
MOST_DROPPED = 0.0
MOST_LATE_S = 3
"""On end, in which arrivals begin later than they were due: one that stumbles catches up."""
MOST_QUIET_S = 3
"""On end, in which a generator tells nothing: a busy one skips a second, a frozen one all of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A threshold and what was found. `value` None: too little to tell, `reason` says why. `least` samples
    are enough; 0 where nobody knows how many. `late`: of one that was missed only because requests began
    later than they were due, how long the server took for them."""

    name: str
    value: str | None
    met: bool
    samples: int
    reason: str = ""
    least: float = 0.0
    late: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """How the load was applied. `cpu` is the busiest generator process' share of a core (0..1) in its busiest
    seconds, None where nobody measured. `least_users` is the smallest share (0..1) of the users wanted.
    `requests`: all that were answered, `failed` of them not well. `no_account`: how often nobody could log
    in; `refused`: what led out of the environment. `unfit`: why its locustfile can do nothing; `last_words`:
    of generators that died before they began. `warmed`: requests of the warm-up, which `requests` leaves
    out. `lasted_s` of `ordered_s`: how long it was, where it was cut short.
    `idle`: arrivals that did nothing. `raised`: how often tasks did, and starts of users. `quiet_s`: for so
    long a generator told nothing. `late_s`: for so long on end arrivals began too late.
    `journeys`: all that came to their end, `journeys_failed` of them not well."""

    ended: str  # finished | stopped | early | died | frozen
    workers: int
    least_workers: int
    least_users: float | None
    cpu: float | None
    due: int
    dropped: int
    requests: int
    no_account: int = 0
    refused: tuple[str, ...] = ()
    failed: int = 0
    unfit: str = ""
    last_words: str = ""
    warmed: int = 0
    lasted_s: float = 0.0
    ordered_s: float = 0.0
    idle: int = 0
    raised: int = 0
    quiet_s: int = 0
    late_s: int = 0
    journeys: int = 0
    journeys_failed: int = 0


def judge(applied: Applied, findings: Sequence[Finding], trip: str = "", stopped: str = "") -> Verdict:
    """`trip` is why the guard stopped it, `stopped` why a person did, or an experiment that is over; both are
    empty for a load that went to its end. What makes it worthless comes before what it found."""
    if trip:
        return inconclusive(f"guard-tripped: {trip}").but(ExitCode.STOPPED)
    if stopped:
        return _stopped(applied, stopped)
    flaws = list(_flaws(applied))
    if flaws:
        return invalid("; ".join(flaws))
    missed = missed_findings(findings)
    reasons = [*_failures(applied), *([f"threshold-missed: {'; '.join(missed)}"] if missed else [])]
    if reasons:
        return failed("; ".join(reasons))
    if late := late_findings(findings):
        return invalid("; ".join(late))
    dark = [f"{one.name}: {one.reason}" for one in findings if one.value is None]
    if dark:
        return inconclusive(f"too-few-samples: {'; '.join(dark)}")
    met = [f"{one.name} {one.value}" for one in findings]
    return passed("; ".join(met) or "no thresholds were asked for")


def missed_findings(findings: Sequence[Finding]) -> list[str]:
    """What the server has missed."""
    return [
        f"{one.name}: {one.value}"
        for one in findings
        if one.value is not None and not one.met and not one.late
    ]


def late_findings(findings: Sequence[Finding]) -> list[str]:
    """What only the generator has missed."""
    return [
        f"generator-late: {one.name}: {one.value}, {one.late} of it the server's"
        for one in findings
        if one.late
    ]


def _stopped(applied: Applied, why: str) -> Verdict:
    """Stopped or not, one that was another load than was ordered as far as it went proves nothing: an
    experiment beside it must hear of that. What the warm-up pushed was pushed."""
    seen = replace(applied, requests=applied.requests + applied.warmed)
    if flaws := list(_flaws(seen)):
        return invalid(f"{'; '.join(flaws)}; stopped: {why}").but(ExitCode.STOPPED)
    return inconclusive(f"stopped: {why}").but(ExitCode.STOPPED)


def failures_of(applied: Applied) -> str:
    """No threshold need say that this is not what anybody wants; empty where there is nothing of it."""
    return "; ".join(_failures(applied))


def _failures(applied: Applied) -> Iterator[str]:
    if applied.requests and applied.failed >= applied.requests:
        yield f"every-request-failed: {applied.failed} of {applied.requests}"
    elif applied.journeys and applied.journeys_failed >= applied.journeys:
        yield f"every-journey-failed: {applied.journeys_failed} of {applied.journeys}"
    if applied.raised:
        yield f"tasks-raised: {applied.raised} times a task or a user's start raised"


def _flaws(applied: Applied) -> Iterator[str]:
    yield from flaws_of_any_rate(applied)
    yield from flaws_of_the_rate(applied)
    if applied.due and applied.dropped / applied.due > MOST_DROPPED:
        yield f"arrivals-dropped: {applied.dropped} of {applied.due}"


def flaws_of_the_rate(applied: Applied) -> Iterator[str]:
    """What makes the load another than was ordered, and might not at a lower rate."""
    if applied.cpu is not None and applied.cpu > MOST_CPU:
        yield f"generator-cpu-bound: {applied.cpu:.0%} of a core"
    if late := late_for(applied.late_s):
        yield late
    if applied.no_account:
        yield f"accounts-short: {applied.no_account} times nobody was left to log in"


def late_for(seconds: int) -> str:
    """Whether arrivals began too late for too long; empty where they did not."""
    words = f"generator-late: for {seconds} s arrivals began more than a second after they were due"
    return words if seconds > MOST_LATE_S else ""


def flaws_of_any_rate(applied: Applied) -> Iterator[str]:
    """The same, whatever the rate."""
    yield from _flaws_of_its_end(applied)
    if not applied.requests and not applied.dropped:
        yield "nothing-pushed: no request was answered"
    if applied.least_workers < applied.workers:
        yield f"workers-lost: {applied.least_workers} of {applied.workers}"
    yield from _flaws_of_its_course(applied)


def _flaws_of_its_end(applied: Applied) -> Iterator[str]:
    if applied.unfit:
        yield f"locustfile-unfit: {applied.unfit}"
    elif applied.ended == "early":
        yield f"ended-early: {applied.lasted_s:.0f} s of {applied.ordered_s:g} s, and nobody had stopped it"
    elif applied.ended != "finished":
        yield f"generator-{applied.ended}: {applied.last_words or 'it did not go to its end'}"


def _flaws_of_its_course(applied: Applied) -> Iterator[str]:
    if applied.quiet_s > MOST_QUIET_S and applied.ended == "finished":
        yield f"generator-frozen: one told nothing for {applied.quiet_s} s"
    if applied.least_users is not None and applied.least_users < LEAST_SHARE:
        yield f"users-below-target: {applied.least_users:.0%} of those wanted"
    if applied.idle:
        yield f"arrivals-idle: {applied.idle} of {applied.due} raised before they asked anything"
    if applied.refused:
        yield f"led-outside: {'; '.join(applied.refused[:3])}"
