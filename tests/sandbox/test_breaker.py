"""The portal's circuit breaker: what fails with billing, what goes on without it, and what comes later."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox.portal.breaker import Breaker, Limits, State
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import customer, entering
from tests.sandbox.test_pages import assert_accessible, sign_in
from tests.sandbox.waiting import until

PRICES = {"basic": 1990, "plus": 2990, "max": 4990}
FAULTS = [("billing.down", "on"), ("billing.errors", "100%"), ("billing.latency", "5s")]

# the state machine


def opened() -> Breaker:
    """At 10 s, for a rest of a second."""
    breaker = Breaker(Limits(most_trouble=3, slow_trouble=2, rest_s=1.0))
    for _ in range(3):
        breaker.failed(10.0, was_slow=False)
    return breaker


def test_trouble_in_a_row_opens_it_and_a_success_starts_anew() -> None:
    breaker = Breaker(Limits(most_trouble=3))
    for _ in range(5):
        breaker.failed(0.0, was_slow=False)
        breaker.failed(0.0, was_slow=False)
        breaker.succeeded()
    assert breaker.lets_through
    for _ in range(3):
        breaker.failed(0.0, was_slow=False)
    assert (breaker.state, breaker.lets_through) == (State.OPEN, False)


def test_failures_that_were_waited_for_weigh_more() -> None:
    breaker = Breaker(Limits(most_trouble=10, slow_trouble=4))
    breaker.failed(0.0, was_slow=True)
    breaker.failed(0.0, was_slow=True)
    assert breaker.lets_through
    breaker.failed(0.0, was_slow=True)
    assert not breaker.lets_through


def test_one_probe_after_a_rest_decides() -> None:
    breaker = opened()
    assert not breaker.begin_probe(10.9)
    assert breaker.rest_left_s(10.9) == pytest.approx(0.1)
    assert breaker.begin_probe(11.0)
    assert (breaker.state, breaker.lets_through) == (State.HALF_OPEN, False)
    assert not breaker.begin_probe(11.0), "one at a time"
    breaker.end_probe(11.2, succeeded=False)
    assert not breaker.begin_probe(12.1), "another rest"
    assert breaker.begin_probe(12.2)
    breaker.end_probe(12.3, succeeded=True)
    assert breaker.lets_through


def test_what_began_before_it_opened_neither_closes_nor_prolongs_it() -> None:
    breaker = opened()
    breaker.succeeded()
    breaker.failed(10.9, was_slow=True)
    assert breaker.state is State.OPEN
    assert breaker.rest_left_s(10.9) == pytest.approx(0.1)


def test_after_it_closed_all_the_trouble_has_to_come_again() -> None:
    breaker = opened()
    assert breaker.begin_probe(11.0)
    breaker.end_probe(11.0, succeeded=True)
    breaker.failed(11.1, was_slow=False)
    assert breaker.lets_through


# on the sandbox


def breakers(sandbox: RunningSandbox, region: str = "west") -> list[int]:
    """The states of the region's workers, as they say themselves."""
    told = []
    for number in (1, 2):
        url = f"http://127.0.0.1:{sandbox.first.ports[f'{region}-{number}']}/metrics"
        lines = httpx.get(url, timeout=5, trust_env=False).text.splitlines()
        told += [int(float(one.split()[-1])) for one in lines if one.startswith("portal_breaker_state{")]
    return told


@contextmanager
def broken(sandbox: RunningSandbox, target: str, value: str, client: httpx.Client) -> Iterator[None]:
    """In the west, and its workers have noticed."""
    control.set_fault(target, value, region="west", for_s=60, name=sandbox.name)
    until(lambda: client.get("/v1/invoices").status_code == 503 and 0 not in breakers(sandbox), 20)
    yield
    control.clear_faults(name=sandbox.name)


def change(client: httpx.Client, plan: str, key: str = "") -> httpx.Response:
    headers = {"idempotency-key": key or uuid.uuid4().hex}
    return client.post("/v1/plan", json={"plan": plan}, headers=headers)


def priced(sandbox: RunningSandbox, account: str) -> int:
    """The amount of the open invoice, on the primary."""
    with psycopg.connect(sandbox.conninfo("west")) as connection:
        asked = "select amount_cents from invoices where account_id = %s and state = 'open'"
        row = connection.execute(asked, (account,)).fetchone()
    assert row is not None
    return int(row[0])


def taken_up(sandbox: RunningSandbox, account: str) -> list[bool]:
    """Of each change of the account, whether billing has taken it up."""
    with psycopg.connect(sandbox.conninfo("west")) as connection:
        asked = "select applied_at is not null from billing_changes where account_id = %s order by seq"
        return [bool(row[0]) for row in connection.execute(asked, (account,))]


@pytest.mark.parametrize(
    ("target", "value"), [FAULTS[0], *(pytest.param(*one, marks=pytest.mark.deep) for one in FAULTS[1:])]
)
def test_without_billing_invoices_fail_at_once_and_plans_change(
    sandbox: RunningSandbox, target: str, value: str
) -> None:
    with sandbox.customer("c09971", "west-edge") as client:
        with broken(sandbox, target, value, client):
            for _ in range(10):
                began = time.monotonic()
                assert client.get("/v1/invoices").status_code == 503
                took_s = time.monotonic() - began
                done = change(client, "max")
                assert (done.status_code, done.headers["keelwatch-degraded"]) == (200, "billing")
                assert done.json() == {"account": "c09971", "plan": "max", "degraded": ["billing"]}
                assert took_s < 0.1
        until(lambda: breakers(sandbox) == [0, 0], 5)
        assert client.get("/v1/invoices").status_code == 200
        assert "keelwatch-degraded" not in change(client, "max").headers


def test_a_person_s_overview_says_what_it_lacks(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox, "west-edge") as client:
        whole = sign_in(client, who)
        assert 'id="owed"' in whole.text
        control.set_fault("billing.down", "on", region="west", for_s=60, name=sandbox.name)
        degraded = client.get("/overview")
        assert (degraded.status_code, degraded.headers["keelwatch-degraded"]) == (200, "billing")
        assert_accessible(degraded, "Overview")
        assert "Your invoices cannot be shown at the moment" in degraded.text
        assert who.mailbox in degraded.text


def test_a_change_without_billing_is_priced_once_when_it_is_back(sandbox: RunningSandbox) -> None:
    """Also the older of two, that was made while billing was away, never wins."""
    account = "c09972"
    with sandbox.customer(account, "west-edge") as client, sandbox.customer(account, "east-edge") as east:
        assert change(client, "basic").status_code == 200
        assert priced(sandbox, account) == PRICES["basic"]
        control.set_fault("billing.down", "on", region="west", for_s=60, name=sandbox.name)
        key = uuid.uuid4().hex
        first = change(client, "max", key)
        again = change(client, "max", key)
        assert (again.headers["idempotency-replayed"], again.json()) == ("true", first.json())
        assert (priced(sandbox, account), taken_up(sandbox, account)[-1]) == (PRICES["basic"], False)
        control.clear_faults(name=sandbox.name)
        until(lambda: priced(sandbox, account) == PRICES["max"], 15)
        assert all(taken_up(sandbox, account))
        assert change(east, "plus").status_code == 200
        assert priced(sandbox, account) == PRICES["plus"]
        assert len(taken_up(sandbox, account)) == 3


def test_only_invoices_count_as_bad(sandbox: RunningSandbox) -> None:
    bad = 'sum by (route) (portal_requests_total{code=~"5..",region="west",traffic="probe",backfill=""})'
    with (
        sandbox.customer("c09973", "west-edge") as client,
        broken(sandbox, "billing.errors", "100%", client),
    ):
        before = sandbox.query(bad)
        for _ in range(20):
            assert client.get("/v1/invoices").status_code == 503
            assert change(client, "plus").status_code == 200
            assert client.get("/v1/accounts/me").status_code == 200
        invoices = ("invoices",)
        until(lambda: sandbox.query(bad).get(invoices, 0) >= before.get(invoices, 0) + 20)
        now = sandbox.query(bad)
        others = {route: count for route, count in now.items() if route != invoices}
        assert others == {route: count for route, count in before.items() if route != invoices}
        shown = 'max(portal_breaker_state{region="west",service="billing"})'
        assert sandbox.query(shown)[()] >= 1
        degraded = 'sum(portal_degraded_total{region="west",route="plan-change"})'
        assert sandbox.query(degraded)[()] >= 20


def test_a_slow_body_comes_in_drops_after_its_headers(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09974", "west-edge") as client:
        control.set_fault("portal.slow-body", "1s", region="west", for_s=60, name=sandbox.name)
        began = time.monotonic()
        with client.stream("GET", "/v1/session") as answer:
            headers_s = time.monotonic() - began
            drops = list(answer.iter_raw())
        assert answer.status_code == 200
        assert (headers_s < 0.5, time.monotonic() - began >= 0.9, len(drops) > 5) == (True, True, True)
        assert answer.headers["content-length"] == str(sum(map(len, drops)))


def test_a_billing_whose_bodies_dribble_is_given_up_like_a_slow_one(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09975", "west-edge") as client:
        control.set_fault("billing.slow-body", "5s", region="west", for_s=60, name=sandbox.name)
        began = time.monotonic()
        assert client.get("/v1/invoices").status_code == 503
        assert time.monotonic() - began < 1.6
