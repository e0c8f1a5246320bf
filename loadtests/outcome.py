"""What a step of a search for capacity came to, and the search itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from keelwatch.runs import Verdict, failed, inconclusive, passed
from keelwatch.workspace.errors import ExitCode
from loadtests.run import Ending
from loadtests.search import Interval, Next, Tried
from loadtests.verdict import (
    Applied,
    Finding,
    failures_of,
    flaws_of_any_rate,
    flaws_of_the_rate,
    late_findings,
    missed_findings,
)


def came_to(step: Next, applied: Applied, ending: Ending) -> Tried | Verdict | None:
    """What it came to before its thresholds are looked at: None where those decide, a verdict where it ends
    the search. That it was not of the rate that was ordered comes before all that it found."""
    at = f"at {step.rate:.4g} per second"
    if ending.trip:
        return inconclusive(f"guard-tripped: {ending.trip}").but(ExitCode.STOPPED)
    if ending.stopped:
        return inconclusive(f"stopped: {ending.stopped}").but(ExitCode.STOPPED)
    if _is_empty(applied):
        return inconclusive(f"too-few-samples: nobody came after the warm-up ({at})")
    if flaws := "; ".join(flaws_of_any_rate(applied)):
        return inconclusive(f"load-invalid: {at}: {flaws}")
    if ours := ending.behind or "; ".join(flaws_of_the_rate(applied)):
        return Tried(step.rate, held=False, reason=ours, is_proof=step.is_proof, is_pushed=False)
    if reason := ending.breach or _dropped(applied) or failures_of(applied):
        return Tried(step.rate, held=False, reason=reason, is_proof=step.is_proof)
    return None


def _is_empty(applied: Applied) -> bool:
    """Of a low rate: arrivals scatter."""
    if applied.requests or applied.dropped or applied.ended != "finished":
        return False
    return not applied.due or applied.warmed > 0


def _dropped(applied: Applied) -> str:
    return f"arrivals-dropped: {applied.dropped} of {applied.due}" if applied.dropped else ""


def judged(step: Next, findings: Sequence[Finding]) -> Tried | Verdict:
    """What came of a step that was applied as ordered. One that confirms that a rate holds must have measured
    every threshold; any other that had too few requests for all of them is only a reason to try more. What
    nobody could measure however many there were ends the search: nothing stands between it and the limit."""
    if missed := "; ".join(missed_findings(findings)):
        return Tried(step.rate, held=False, reason=missed, is_proof=step.is_proof)
    if ours := "; ".join(late_findings(findings)):
        return Tried(step.rate, held=False, reason=ours, is_proof=step.is_proof, is_pushed=False)
    dark = [one for one in findings if one.value is None]
    words = "; ".join(f"{one.name}: {one.reason}" for one in dark)
    is_blind = len(dark) == len(findings)
    confirms = step.is_proof and not step.is_doubt
    if dark and (confirms or (is_blind and not any(one.least for one in dark))):
        return inconclusive(f"too-few-samples: {words} (at {step.rate:.4g} per second)")
    return Tried(step.rate, held=True, reason=words if is_blind else "", is_proof=step.is_proof and not dark)


def concluded(found: Interval) -> Verdict:
    """A rate that holds is an answer, though nobody here may be able to push what would be too much."""
    ok, breach, end = found.last_ok, found.first_breach, found.out_of_reach
    if end is not None and not ok:
        return inconclusive(f"generator-is-the-limit: not even {end:.4g} per second: {found.why}")
    if end is not None:
        return passed(f"holds at {ok:.4g} per second; {end:.4g} cannot be pushed from here: {found.why}")
    if breach is None:
        return passed(f"holds at {ok:.4g} per second, the most that was to be tried")
    if not ok:
        return failed(f"not even {breach:.4g} per second holds: {found.why}")
    return passed(f"between {ok:.4g} and {breach:.4g} journeys per second: {found.why}")
