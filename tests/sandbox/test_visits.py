"""The background customers: the same crowd for the same seed, and as many as promised."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from keelwatch.sandbox.customers.visits import KINDS, Visit, requests_per_visit, visits
from keelwatch.sandbox.template import account_ids

RATE = 20.0


def crowd(seed: int, size: int = 4000) -> list[Visit]:
    return list(islice(visits(seed, RATE), size))


def test_the_same_seed_brings_the_same_people() -> None:
    assert crowd(1, 100) == crowd(1, 100) != crowd(2, 100)


def test_arrivals_make_the_promised_number_of_requests() -> None:
    """20,000 requests: the relative error of the mean is about 2 %."""
    found = crowd(3)
    requests = sum(len(visit.steps) for visit in found)
    assert requests / sum(visit.after_s for visit in found) == pytest.approx(RATE, rel=0.08)
    assert requests / len(found) == pytest.approx(requests_per_visit(), rel=0.02)


def test_everybody_who_comes_has_an_account() -> None:
    accounts = set(account_ids())
    assert {visit.account for visit in crowd(4)} <= accounts
    assert not [account for account in accounts if account.startswith("synthetic")][20:]


def test_visits_begin_with_login_and_end_with_logout() -> None:
    for visit in crowd(5, 500):
        routes = tuple(step.route for step in visit.steps)
        assert (routes[0], routes[-1]) == ("login", "logout")
        assert routes[1:-1] in {middle for _, middle in KINDS.values()}
        assert (visit.channel == "agent") == visit.account.startswith("agent-")


def test_shares_of_visits_add_up() -> None:
    assert sum(share for share, _ in KINDS.values()) == pytest.approx(1)
    kinds = Counter(tuple(step.route for step in visit.steps) for visit in crowd(6))
    assert len(kinds) == len(KINDS)
