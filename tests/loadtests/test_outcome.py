"""What a step of a search proves: nothing that nobody measured holds, and the server has missed nothing that
was not asked of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelwatch.runs import Outcome, Verdict, passed
from keelwatch.workspace import ExitCode
from loadtests.outcome import came_to, concluded, judged
from loadtests.run import Ending
from loadtests.search import Interval, Next, Tried, proof_s
from loadtests.verdict import Applied, Finding

MET = Finding("p95", "212 ms", met=True, samples=900, least=100)
MISSED = Finding("failures", "4.2 %", met=False, samples=900, least=300)
LATE = Finding("p95", "1200 ms", met=False, samples=900, least=100, late="40 ms")
FEW = Finding("log-ins", None, met=False, samples=12, reason="12 requests; 300 are the least", least=300)
NEVER = Finding("plan-changes", None, met=False, samples=0, reason="no traffic")

WELL = Applied(
    "finished", workers=2, least_workers=2, least_users=None, cpu=0.5, due=300, dropped=0, requests=900
)
STEP, ENDED = Next(8, is_proof=True), Ending()


def test_a_step_that_was_applied_as_ordered_is_judged_by_its_thresholds() -> None:
    assert came_to(STEP, WELL, ENDED) is None


@pytest.mark.parametrize(
    ("applied", "ending", "reason"),
    [
        (replace(WELL, cpu=0.97), ENDED, "generator-cpu-bound: 97% of a core"),
        (replace(WELL, no_account=3, dropped=3), ENDED, "accounts-short: 3 times nobody was left to log in"),
        (replace(WELL, late_s=4, failed=900), ENDED, "generator-late: for 4 s arrivals"),
        (WELL, Ending(behind="generator-late: for 4 s"), "generator-late: for 4 s"),
    ],
)
def test_what_may_be_less_at_a_lower_rate_makes_it_one_that_cannot_be_pushed(
    applied: Applied, ending: Ending, reason: str
) -> None:
    found = came_to(STEP, applied, ending)
    assert isinstance(found, Tried)
    assert (found.rate, found.held, found.is_pushed, found.is_proof) == (8, False, False, True)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("applied", "ending", "reason"),
    [
        (WELL, Ending(breach="p95: 60 of 80 are too many already"), "p95: 60 of 80 are too many already"),
        (replace(WELL, dropped=3), ENDED, "arrivals-dropped: 3 of 300"),
        (replace(WELL, failed=900), ENDED, "every-request-failed: 900 of 900"),
    ],
)
def test_what_the_server_did_is_a_rate_that_does_not_hold(
    applied: Applied, ending: Ending, reason: str
) -> None:
    assert came_to(STEP, applied, ending) == Tried(8, held=False, reason=reason, is_proof=True)


@pytest.mark.parametrize(
    ("applied", "ending", "reason"),
    [
        (replace(WELL, ended="died", cpu=0.97), ENDED, "load-invalid: at 8 per second: generator-died"),
        (replace(WELL, least_workers=1), ENDED, "load-invalid: at 8 per second: workers-lost: 1 of 2"),
        (replace(WELL, idle=3), ENDED, "load-invalid: at 8 per second: arrivals-idle: 3 of 300"),
        (replace(WELL, requests=0), ENDED, "load-invalid: at 8 per second: nothing-pushed"),
        (replace(WELL, requests=0, due=0), ENDED, "too-few-samples: nobody came"),
        (replace(WELL, requests=0, due=1, warmed=2), ENDED, "too-few-samples: nobody came"),
        (replace(WELL, cpu=0.97), Ending(trip="burn"), "guard-tripped: burn"),
        (WELL, Ending(stopped="by sre"), "stopped: by sre"),
    ],
)
def test_whatever_else_is_wrong_ends_the_search(applied: Applied, ending: Ending, reason: str) -> None:
    found = came_to(STEP, applied, ending)
    assert isinstance(found, Verdict)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason.startswith(reason)
    assert found.exit_code is (ExitCode.STOPPED if ending.trip or ending.stopped else ExitCode.UNKNOWN)


@pytest.mark.parametrize("dark", [FEW, NEVER])
def test_a_rate_is_not_confirmed_by_what_nobody_measured(dark: Finding) -> None:
    found = judged(Next(8, is_proof=True), [MET, dark])
    assert isinstance(found, Verdict)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.reason == f"too-few-samples: {dark.name}: {dark.reason} (at 8 per second)"


def test_a_step_before_it_may_leave_something_unknown_beside_what_was_measured() -> None:
    assert judged(Next(8), [MET, FEW, NEVER]) == Tried(8, held=True, reason="")
    assert judged(Next(8, is_proof=True), [MET]) == Tried(8, held=True, reason="", is_proof=True)


def test_a_step_with_too_few_requests_for_everything_only_leads_on() -> None:
    assert judged(Next(1), [FEW]) == Tried(1, held=True, reason="log-ins: 12 requests; 300 are the least")


def test_what_more_requests_would_not_measure_either_ends_the_search_at_once() -> None:
    found = judged(Next(1), [NEVER])
    assert isinstance(found, Verdict)
    assert found.reason == "too-few-samples: plan-changes: no traffic (at 1 per second)"


@pytest.mark.parametrize("step", [Next(8), Next(8, is_proof=True)])
def test_what_was_missed_does_not_hold_whatever_else_is_unknown(step: Next) -> None:
    found = judged(step, [NEVER, FEW, MISSED])
    assert found == Tried(8, held=False, reason="failures: 4.2 %", is_proof=step.is_proof)


def test_a_breach_that_was_a_bad_moment_leads_on_though_too_little_was_measured_to_confirm() -> None:
    again = Next(1, is_proof=True, is_doubt=True)
    assert judged(again, [MET, FEW]) == Tried(1, held=True, reason="")
    assert judged(again, [MET]) == Tried(1, held=True, reason="", is_proof=True)


@pytest.mark.parametrize(
    ("seen", "times"),
    [
        ([], 2.0),
        ([(900, 100)], 2.0),  # enough by far
        ([(900, 100), (120, 300)], 3.0),  # 2.5 times the step, and a fifth more for scatter
        ([(10, 300)], 4.0),
        ([(0, 300)], 4.0),
        ([(0, 0)], 2.0),
    ],
)
def test_the_step_that_confirms_is_as_long_as_its_samples_need(
    seen: list[tuple[float, float]], times: float
) -> None:
    assert proof_s(15.0, seen) == 15.0 * times


def test_a_server_that_bears_nothing_has_failed() -> None:
    found = concluded(Interval(0.0, 0.125, why="failures: 40 %"))
    assert found.outcome is Outcome.FAIL
    assert found.reason == "not even 0.125 per second holds: failures: 40 %"
    between = concluded(Interval(8.0, 8.25, why="failures: 4.2 %"))
    assert between == passed("between 8 and 8.25 journeys per second: failures: 4.2 %")
    assert concluded(Interval(8.0)) == passed("holds at 8 per second, the most that was to be tried")


def test_what_the_generators_can_push_is_an_answer_only_where_something_holds() -> None:
    found = concluded(Interval(8.0, out_of_reach=8.25, why="generator-late: for 4 s"))
    assert found == passed("holds at 8 per second; 8.25 cannot be pushed from here: generator-late: for 4 s")
    nothing = concluded(Interval(0.0, out_of_reach=0.125, why="generator-late: for 4 s"))
    assert (nothing.outcome, nothing.exit_code) == (Outcome.INCONCLUSIVE, ExitCode.UNKNOWN)
    assert nothing.reason == "generator-is-the-limit: not even 0.125 per second: generator-late: for 4 s"


def test_what_was_only_sent_too_late_is_no_breach_unless_the_server_missed_something_too() -> None:
    words = "generator-late: p95: 1200 ms, 40 ms of it the server's"
    assert judged(Next(8), [MET, LATE]) == Tried(8, held=False, reason=words, is_pushed=False)
    assert judged(Next(8), [LATE, MISSED]) == Tried(8, held=False, reason="failures: 4.2 %")
