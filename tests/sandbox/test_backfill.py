"""The history a sandbox is born with: deterministic, small, plausible, and read by Prometheus as meant."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

import pytest

from keelwatch.sandbox import backfill
from keelwatch.sandbox.customers.visits import KINDS, requests_per_visit
from keelwatch.sandbox.portal.routes import ROUTES
from keelwatch.sandbox.ports import REGIONS
from tests.sandbox.running import RunningSandbox

UNTIL = 1_800_000_123.0
SEED = 7
DAYS = 35.0
BUDGET = 0.001
MONTH_S = 30 * 86_400


def series_by_head() -> dict[str, backfill.Series]:
    at = backfill.times(UNTIL, DAYS)
    return {series.head: series for series in backfill.all_series(SEED, at, UNTIL)}


def test_samples_stand_where_the_rings_expect_them() -> None:
    at = backfill.times(UNTIL, DAYS)
    assert all(second % 300 == 0 for second in at if second < UNTIL - 6 * 3600)
    assert all(second % 15 == 0 for second in at)
    assert UNTIL - 15 < at[-1] <= UNTIL
    assert 34.9 * 86_400 < UNTIL - at[0] <= 35 * 86_400
    assert {now - before for before, now in pairwise(at)} == {300, 15}


def test_the_same_seed_gives_the_same_history_and_another_another() -> None:
    at = backfill.times(UNTIL, 2)
    first = backfill.all_series(SEED, at, UNTIL)
    assert first == backfill.all_series(SEED, at, UNTIL)
    assert first != backfill.all_series(SEED + 1, at, UNTIL)


def test_there_are_few_series_all_marked_and_only_rising() -> None:
    found = series_by_head()
    assert len(found) <= 300
    for head, series in found.items():
        assert 'backfill="true"' in head
        assert all(before <= now for before, now in pairwise(series.values)), head


def test_buckets_contain_each_other() -> None:
    buckets: dict[str, list[backfill.Series]] = defaultdict(list)
    for head, series in series_by_head().items():
        if "_bucket" in head:
            buckets[re.sub(r'le="[^"]*"', "", head)].append(series)
    for ordered in buckets.values():
        assert len(ordered) == (6 if "probe" in ordered[0].head else 5)
        for narrow, wide in pairwise(ordered):
            assert all(a <= b for a, b in zip(narrow.values, wide.values, strict=True))


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_month_leaves_a_budget_worth_watching(region: str, route: str) -> None:
    """For a target of 99.9 % between 60 and 95 % are left, in each region."""
    at = backfill.times(UNTIL, DAYS)
    begin = next(index for index, second in enumerate(at) if second >= UNTIL - MONTH_S)
    courses = backfill.courses(SEED, at, UNTIL)
    course = next(each for each in courses if (each.region, each.route) == (region, route))
    bad, total = (values[-1] - values[begin] for values in (course.bad, course.total))
    assert 0.60 <= 1 - bad / total / BUDGET <= 0.95


def test_days_have_nights() -> None:
    at = backfill.times(UNTIL, 3)
    course = next(backfill.courses(SEED, at, UNTIL))
    hourly = [b - a for a, b in pairwise(course.total[:: 3600 // 300][:48])]
    assert 2 < max(hourly) / min(hourly) < 8


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_ninety_seconds_without_billing_page_at_any_time_of_day(hour: int) -> None:
    """More than 14.4 times the budget over the last hour, though the hour before was busy and clean."""
    until = UNTIL // 86_400 * 86_400 + hour * 3600
    at = backfill.times(until, 1)
    hour_ago = next(index for index, second in enumerate(at) if second >= until - 3600)
    courses = [each for each in backfill.courses(SEED, at, until) if each.route == "invoices"]
    before = sum(course.total[-1] - course.total[hour_ago] for course in courses)
    failed = 90 * visits_with_invoices_per_second()
    assert failed / (before + failed) / BUDGET > 14.4 * 1.3


def visits_with_invoices_per_second() -> float:
    return 20 / requests_per_visit() * KINDS["bills"][0]


def test_each_file_fits_one_block() -> None:
    at = backfill.times(UNTIL, DAYS)
    parts = backfill.parts(at)
    assert [second for part in parts for second in at[part]] == at
    for part in parts:
        assert len({second // backfill.BLOCK_S for second in at[part]}) == 1


def test_prometheus_has_the_month_under_the_names_of_the_living(sandbox: RunningSandbox) -> None:
    month = sandbox.query('sum(increase(portal_requests_total{backfill="true"}[30d]))')[()]
    assert month == pytest.approx(15 * MONTH_S, rel=0.1)
    then = (
        f"@ {sandbox.first.backfill_until:.0f}"  # a sandbox that is minutes old has no newer sample of these
    )
    for metric in ("portal_requests_total", "portal_request_seconds_bucket"):
        history = f'{metric}{{backfill="true"}} {then}'
        old = set(sandbox.query(f"count by (region,route,version,traffic) ({history})"))
        new = f'count by (region,route,version,traffic) ({metric}{{backfill="",traffic="real",version="v1"}})'
        assert old == set(sandbox.query(new))
    les = set(sandbox.query('count by (le) (portal_request_seconds_bucket{backfill="true"} ' + then + ")"))
    assert les == {("0.1",), ("0.25",), ("0.5",), ("1.0",), ("+Inf",)}
    assert les <= set(sandbox.query('count by (le) (portal_request_seconds_bucket{backfill=""})'))


def test_history_ends_where_life_begins(sandbox: RunningSandbox) -> None:
    until = sandbox.first.backfill_until
    last = sandbox.query(f'max(timestamp(portal_requests_total{{backfill="true"}} @ {until:.0f}))')
    assert until - 15 < last[()] <= until
    assert until <= sandbox.first.started


def test_windows_over_the_seam_lose_nothing(sandbox: RunningSandbox) -> None:
    """Each series is increased by itself and then summed, so the change of series is no reset."""
    ratio = (
        'sum by (route) (increase(portal_requests_total{code=~"5.."}[30d]))'
        " / sum by (route) (increase(portal_requests_total[30d]))"
    )
    found = {route: value for (route,), value in sandbox.query(ratio).items() if route in backfill.RATES}
    assert set(found) == set(backfill.RATES)
    assert all(0 < value < BUDGET for value in found.values()), found


def test_probes_have_a_history_too() -> None:
    """Every journey in each region ran once a minute, and next to all of them passed."""
    runs = {head: series for head, series in series_by_head().items() if "probe_runs_total" in head}
    assert len(runs) == 10 * len(REGIONS) * 2
    for journey in JOURNEYS:
        for region in REGIONS:
            labels = f'{{journey="{journey}",region="{region}",result='
            passed, failed = (
                next(series.values[-1] for head, series in runs.items() if f'{labels}"{result}"' in head)
                for result in ("pass", "fail")
            )
            assert passed + failed == pytest.approx(DAYS * 24 * 60, rel=0.01)
            assert 0 <= failed / (passed + failed) < BUDGET


def test_prometheus_has_the_probes_month(sandbox: RunningSandbox) -> None:
    month = sandbox.query('sum by (journey) (increase(keelwatch_probe_runs_total{backfill="true"}[30d]))')
    assert {journey for (journey,) in month} == set(JOURNEYS)
    quick = 'sum(increase(keelwatch_probe_seconds_bucket{backfill="true",journey="log-in",le="2.5"}[30d]))'
    every = 'sum(increase(keelwatch_probe_seconds_count{backfill="true",journey="log-in"}[30d]))'
    assert 0.99 < sandbox.query(f"{quick} / {every}")[()] < 1


JOURNEYS = (
    *("log-in", "recover-password", "view-invoices", "change-plan", "look-up-account"),
    *("register-and-close", "session-lifecycle", "v1-client", "recovery-enumeration", "idempotency-replay"),
)
