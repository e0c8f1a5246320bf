"""What came of a load: nothing that was not applied as ordered is green."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelwatch.runs import Outcome
from keelwatch.workspace import ExitCode
from loadtests.verdict import Applied, Finding, judge

WELL = Applied(
    "finished", workers=2, least_workers=2, least_users=1.0, cpu=0.5, due=1000, dropped=0, requests=1000
)
MET = Finding("p95 of responses < 800 ms", "212 ms", met=True, samples=900)
MISSED = Finding("failures < 1 %", "4.2 %", met=False, samples=900)
DARK = Finding("p99 of responses < 2 s", None, met=False, samples=12, reason="12 samples, 100 are needed")


@pytest.mark.parametrize(
    ("applied", "words"),
    [
        (replace(WELL, ended="died"), "generator-died"),
        (replace(WELL, ended="early", lasted_s=4.1, ordered_s=20.0), "ended-early: 4 s of 20 s"),
        (replace(WELL, least_workers=1), "workers-lost: 1 of 2"),
        (replace(WELL, least_users=0.5), "users-below-target: 50% of those wanted"),
        (replace(WELL, cpu=0.97), "generator-cpu-bound: 97% of a core"),
        (replace(WELL, dropped=3), "arrivals-dropped: 3 of 1000"),
        (replace(WELL, quiet_s=5), "generator-frozen: one told nothing for 5 s"),
        (replace(WELL, late_s=4), "generator-late: for 4 s arrivals began more than a second after"),
        (replace(WELL, idle=61), "arrivals-idle: 61 of 1000 raised before they asked anything"),
        (replace(WELL, requests=0), "nothing-pushed: no request was answered"),
    ],
)
def test_a_load_that_was_not_applied_as_ordered_is_invalid_whatever_it_found(
    applied: Applied, words: str
) -> None:
    for findings in ([], [MET], [MISSED]):
        verdict = judge(applied, findings)
        assert (verdict.outcome, verdict.exit_code) == (Outcome.INVALID, ExitCode.UNKNOWN)
        assert words in verdict.reason


def test_all_that_is_wrong_is_named() -> None:
    verdict = judge(replace(WELL, least_workers=0, cpu=1.0), [])
    assert "workers-lost" in verdict.reason
    assert "generator-cpu-bound" in verdict.reason


@pytest.mark.parametrize(
    ("findings", "outcome", "code", "words"),
    [
        ([], Outcome.PASS, ExitCode.PASS, "no thresholds were asked for"),
        ([MET], Outcome.PASS, ExitCode.PASS, "p95 of responses < 800 ms 212 ms"),
        ([MET, MISSED, DARK], Outcome.FAIL, ExitCode.FAIL, "threshold-missed: failures < 1 %: 4.2 %"),
        ([MET, DARK], Outcome.INCONCLUSIVE, ExitCode.UNKNOWN, "too-few-samples: p99"),
    ],
)
def test_thresholds_decide(findings: list[Finding], outcome: Outcome, code: ExitCode, words: str) -> None:
    verdict = judge(WELL, findings)
    assert (verdict.outcome, verdict.exit_code) == (outcome, code)
    assert words in verdict.reason


def test_a_threshold_that_only_the_generator_missed_says_nothing_of_the_server() -> None:
    late = Finding("p95 response time < 800 ms", "1200 ms", met=False, samples=900, late="40 ms")
    verdict = judge(WELL, [MET, late, DARK])
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INVALID, ExitCode.UNKNOWN)
    words = "generator-late: p95 response time < 800 ms: 1200 ms, 40 ms of it the server's"
    assert verdict.reason == words
    failed = judge(WELL, [late, MISSED])
    assert (failed.outcome, failed.reason) == (Outcome.FAIL, "threshold-missed: failures < 1 %: 4.2 %")
    broken = judge(replace(WELL, requests=40, failed=40), [late])
    assert (broken.outcome, broken.reason) == (Outcome.FAIL, "every-request-failed: 40 of 40")


@pytest.mark.parametrize("findings", [[], [MET], [DARK]])
def test_a_load_all_of_whose_requests_failed_has_failed_whatever_was_asked(findings: list[Finding]) -> None:
    verdict = judge(replace(WELL, requests=40, failed=40), findings)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.FAIL, ExitCode.FAIL)
    assert verdict.reason == "every-request-failed: 40 of 40"
    assert judge(replace(WELL, requests=40, failed=39), []).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("applied", "words"),
    [
        (replace(WELL, dropped=3), "arrivals-dropped: 3 of 1000"),
        (replace(WELL, no_account=2), "accounts-short: 2 times nobody was left to log in"),
        (replace(WELL, least_users=0.5), "users-below-target: 50% of those wanted"),
        (replace(WELL, cpu=0.97), "generator-cpu-bound: 97% of a core"),
        (replace(WELL, refused=("127.0.0.1:9",)), "led-outside: 127.0.0.1:9"),
        (replace(WELL, requests=0), "nothing-pushed: no request was answered"),
    ],
)
def test_a_load_that_was_invalid_as_far_as_it_went_is_so_when_it_is_stopped(
    applied: Applied, words: str
) -> None:
    verdict = judge(applied, [MET], stopped="the experiment is over")
    assert (verdict.outcome, verdict.exit_code) == (Outcome.INVALID, ExitCode.STOPPED)
    assert verdict.reason == f"{words}; stopped: the experiment is over"


def test_a_load_that_is_stopped_in_its_warm_up_has_pushed_something() -> None:
    verdict = judge(replace(WELL, requests=0, warmed=12), [], stopped="enough")
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "stopped: enough")


@pytest.mark.parametrize("findings", [[], [MET], [DARK]])
def test_a_load_none_of_whose_journeys_went_well_has_failed(findings: list[Finding]) -> None:
    """However well their requests did."""
    verdict = judge(replace(WELL, journeys=24, journeys_failed=24), findings)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, "every-journey-failed: 24 of 24")
    assert judge(replace(WELL, journeys=24, journeys_failed=23), []).outcome is Outcome.PASS


def test_tasks_that_raised_are_a_fail_whatever_was_asked() -> None:
    verdict = judge(replace(WELL, raised=3), [MET])
    assert (verdict.outcome, verdict.exit_code) == (Outcome.FAIL, ExitCode.FAIL)
    assert verdict.reason == "tasks-raised: 3 times a task or a user's start raised"


def test_the_guard_and_a_person_end_it_in_7() -> None:
    tripped = judge(replace(WELL, ended="stopped"), [MISSED], trip="login burns 20x")
    assert (tripped.exit_code, tripped.reason) == (ExitCode.STOPPED, "guard-tripped: login burns 20x")
    assert judge(WELL, [MET], stopped="enough").exit_code is ExitCode.STOPPED
