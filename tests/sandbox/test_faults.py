"""Faults: what is refused, and that each one strikes where it should, is seen, and ends."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import httpx
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox import faults as rules
from keelwatch.workspace import SourceError, UsageError, narrate
from keelwatch.workspace.faults import FAULTS
from tests.sampled import sampled
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

NAME = "tests"
AT = 1_800_000_000.0


def set_fault(target: str, value: str, region: str = "all", for_s: float = 60) -> control.SandboxFault:
    return control.set_fault(target, value, region=region, for_s=for_s, name=NAME)


def server(name: str) -> control.SandboxServer:
    return next(each for each in control.status(NAME).servers if each.name == name)


def is_ready(*names: str) -> bool:
    return all(server(name).state == "ready" for name in names)


# what may be asked


@pytest.mark.parametrize(
    ("target", "value", "region", "allowed"),
    [
        ("notifications.crash", "on", "all", "notifications.errors"),
        ("identity.enumeration", "100%", "all", "on"),
        ("billing.enumeration", "on", "all", "billing.double-effect"),
        ("billin.errors", "100%", "all", "billing.errors"),
        ("billing.erors", "100%", "all", "billing.errors"),
        ("billing", "100%", "all", "billing.errors"),
        ("identity.crash", "on", "all", "identity.down"),
        ("billing.errors", "100", "all", "30%"),
        ("billing.errors", "0%", "all", "30%"),
        ("billing.errors", "101%", "all", "30%"),
        ("billing.latency", "300", "all", "300ms"),
        ("billing.latency", "1h", "all", "300ms"),
        ("billing.down", "100%", "all", "on"),
        ("billing.down", "on", "north", "west, east, all"),
        ("edge.down", "on", "west", "--region all"),
        ("edge.reload", "on", "east", "--region all"),
        ("link.errors", "100%", "all", "link.partition"),
        ("link.latency", "on", "all", "300ms"),
        ("cache.killed", "on", "all", "cache.crash"),
    ],
)
def test_what_cannot_be_broken_is_refused_with_what_can(
    target: str, value: str, region: str, allowed: str
) -> None:
    with pytest.raises(UsageError) as refused:
        rules.parse(target, value, region, None, AT)
    assert allowed in refused.value.hint


@pytest.mark.parametrize("seconds", [0, -1, 86_401, float("nan"), float("inf")])
def test_no_fault_lasts_for_ever(seconds: float) -> None:
    with pytest.raises(UsageError, match="cannot last"):
        rules.parse("billing.errors", "100%", "all", seconds, AT)


def test_a_fault_says_what_it_is_in_plain_units() -> None:
    errors = rules.parse("billing.errors", "12.5%", "west", 90, AT)
    assert (errors.amount, errors.region, errors.until) == (0.125, "west", AT + 90)
    assert rules.parse("billing.latency", "300ms", "all", None, AT).amount == pytest.approx(0.3)
    assert rules.parse("billing.latency", "1.5s", "all", None, AT).until == AT + rules.DEFAULT_SECONDS
    assert rules.from_json(rules.to_json([errors])) == (errors,)


def test_every_allowed_combination_is_accepted() -> None:
    for component, kinds in FAULTS.items():
        for kind in kinds:
            rules.parse(f"{component}.{kind}", rules.EXAMPLES.get(kind, "on"), "all", None, AT)


def test_the_adapter_names_the_remedy_when_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    with pytest.raises(SourceError, match="not running") as refused:
        control.status("nowhere")
    assert refused.value.hint == "keelwatch sandbox up"


def test_the_supervisor_refuses_as_the_rules_do(sandbox: RunningSandbox) -> None:
    with pytest.raises(UsageError, match="notifications has no fault 'crash'"):
        set_fault("notifications.crash", "on")
    assert control.faults(NAME) == ()


# what is felt


def statuses(client: httpx.Client, path: str, times: int = 12) -> Counter[int]:
    return Counter(client.get(path).status_code for _ in range(times))


FELT_BY = [
    ("portal", "/v1/session", 500),
    ("identity", "/v1/session", 503),
    ("accounts", "/v1/accounts/me", 503),
    ("billing", "/v1/invoices", 503),
    ("edge", "/v1/session", 503),
    ("database", "/v1/invoices", 503),
    ("cache", "/v1/session", 503),
]


@pytest.mark.parametrize(("component", "path", "code"), sampled(FELT_BY, 3))
def test_errors_strike_the_whole_portal(
    sandbox: RunningSandbox, component: str, path: str, code: int
) -> None:
    with sandbox.customer(edge="west-edge") as west, sandbox.customer(edge="east-edge") as east:
        set_fault(f"{component}.errors", "100%")
        assert statuses(west, path) == statuses(east, path) == {code: 12}
        control.clear_faults(component, name=NAME)
        until(sandbox.serves)  # the breaker to billing closes a moment later
        assert statuses(west, path) == statuses(east, path) == {200: 12}


@pytest.mark.parametrize(("component", "path", "code"), [row for row in FELT_BY if row[0] != "cache"])
def test_errors_in_one_region_leave_the_other_alone(
    sandbox: RunningSandbox, component: str, path: str, code: int
) -> None:
    with sandbox.customer(edge="west-edge") as west, sandbox.customer(edge="east-edge") as east:
        set_fault(f"{component}.errors", "100%", "east")
        assert statuses(east, path) == {code: 12}
        assert statuses(west, path) == {200: 12}


def test_a_replica_that_fails_is_replaced_by_the_primary(sandbox: RunningSandbox) -> None:
    """Sessions survive the loss of the east's cache; look-ups fall back to the database."""
    with sandbox.customer(edge="east-edge") as east:
        set_fault("cache.errors", "100%", "east")
        assert statuses(east, "/v1/session") == {200: 12}
        assert statuses(east, "/v1/accounts/me") == {200: 12}


@pytest.mark.parametrize(("component", "path", "_code"), FELT_BY)
def test_latency_is_felt_and_nothing_fails(
    sandbox: RunningSandbox, component: str, path: str, _code: int
) -> None:
    with sandbox.customer(edge="west-edge") as west:
        set_fault(f"{component}.latency", "150ms", "west")
        began = time.monotonic()
        assert statuses(west, path, 3) == {200: 3}
        assert time.monotonic() - began >= 0.45


@pytest.mark.parametrize("region", ["west", "east"])
def test_a_region_s_fault_strikes_its_share_of_the_common_edge(sandbox: RunningSandbox, region: str) -> None:
    with sandbox.customer() as client:
        set_fault("edge.errors", "100%", region)
        found = statuses(client, "/v1/session", 24)
    assert found[503] >= 4
    assert found[200] >= 4


def test_a_share_of_errors_is_about_that_share(sandbox: RunningSandbox) -> None:
    """Six standard deviations: this fails once in many millions."""
    with sandbox.customer(edge="west-edge") as client:
        set_fault("billing.errors", "30%")
        found = statuses(client, "/v1/invoices", 200)
    assert 21 <= found[503] <= 99


def test_billing_failing_costs_the_customer_no_time_and_shows_in_the_metrics(sandbox: RunningSandbox) -> None:
    bad = 'sum(portal_requests_total{route="invoices",code="503",region="west",traffic="probe",backfill=""})'
    with sandbox.customer(edge="west-edge") as client:
        before = sum(sandbox.query(bad).values())
        for target, value in (("billing.errors", "100%"), ("billing.down", "on")):
            set_fault(target, value, "west")
            took_s = []
            for _ in range(10):
                began = time.monotonic()
                assert client.get("/v1/invoices").status_code == 503
                took_s.append(time.monotonic() - began)
            assert sorted(took_s)[5] < 0.1
    until(lambda: sum(sandbox.query(bad).values()) >= before + 20)


def test_real_customers_errors_reach_prometheus_from_the_first(sandbox: RunningSandbox) -> None:
    """The series was born at zero, so `increase` sees even its first step."""
    bad = 'sum(increase(portal_requests_total{route="invoices",code="503",traffic="real",backfill=""}[30s]))'
    set_fault("billing.errors", "100%")
    until(lambda: sandbox.query(bad)[()] > 3, 20)


def test_slow_billing_is_given_up_after_a_second(sandbox: RunningSandbox) -> None:
    with sandbox.customer(edge="west-edge") as client:
        set_fault("billing.latency", "5s", "west")
        began = time.monotonic()
        assert client.get("/v1/invoices").status_code == 503
        assert 0.9 < time.monotonic() - began < 1.6


@pytest.mark.parametrize("target", ["billing.errors", "edge.errors", "billing.down"])
def test_a_fault_ends_by_itself(sandbox: RunningSandbox, target: str) -> None:
    with sandbox.customer(edge="west-edge") as client:
        set_fault(target, "on" if target.endswith("down") else "100%", for_s=1.5)
        assert statuses(client, "/v1/invoices", 3) == {503: 3}
        until(lambda: client.get("/v1/invoices").status_code == 200, 8)
        until(lambda: control.faults(NAME) == (), 3)


@pytest.mark.parametrize("target", ["billing.errors", "edge.errors"])
def test_a_fault_ends_with_the_supervisor_frozen(sandbox: RunningSandbox, target: str) -> None:
    with sandbox.customer(edge="west-edge") as client:
        set_fault(target, "100%", for_s=1.5)
        pid = sandbox.pid("supervisor")
        os.kill(pid, signal.SIGSTOP)
        try:
            assert client.get("/v1/invoices").status_code == 503
            until(lambda: client.get("/v1/invoices").status_code == 200, 5)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_faults_are_listed_and_cleared_one_by_one(sandbox: RunningSandbox) -> None:
    first = set_fault("billing.errors", "50%", "west")
    second = set_fault("cache.latency", "20ms")
    again = set_fault("billing.errors", "10%", "west")
    assert set(control.faults(NAME)) == {again, second}, "the later value replaces the earlier"
    assert first.id == again.id
    assert control.clear_faults("billing.errors", name=NAME) == (again,)
    assert control.faults(NAME) == (second,)
    assert control.clear_faults("billing", name=NAME) == ()
    assert control.clear_faults(name=NAME) == (second,)
    with pytest.raises(UsageError, match="there is no fault 'biling'"):
        control.clear_faults("biling", name=NAME)


# down and crash


def test_a_region_without_workers_costs_the_common_edge_nothing(sandbox: RunningSandbox) -> None:
    with sandbox.customer() as client:
        set_fault("portal.down", "on", "west")
        assert {server("west-1").state, server("west-2").state} == {"held"}
        assert statuses(client, "/v1/session", 24) == {200: 24}
        with httpx.Client(base_url=sandbox.first.urls["west-edge"], verify=sandbox.trusting()) as west:
            assert west.get("/v1/session").status_code == 503
        control.clear_faults(name=NAME)
        until(lambda: is_ready("west-1", "west-2"))


def test_without_the_primary_the_east_still_reads(sandbox: RunningSandbox) -> None:
    with sandbox.customer(edge="east-edge") as east, sandbox.customer(edge="west-edge") as west:
        set_fault("database.down", "on", "west")
        assert statuses(east, "/v1/invoices") == {200: 12}
        assert statuses(west, "/v1/invoices") == {503: 12}
        control.clear_faults(name=NAME)
        until(lambda: west.get("/v1/invoices").status_code == 200)
        until(sandbox.is_streaming)


def test_the_edge_down_is_nobody_home(sandbox: RunningSandbox) -> None:
    set_fault("edge.down", "on")
    with pytest.raises(httpx.ConnectError):
        httpx.get(sandbox.first.urls["edge"], verify=sandbox.trusting())
    control.clear_faults(name=NAME)
    until(lambda: is_ready("haproxy"))
    with sandbox.customer() as client:
        assert client.get("/v1/session").status_code == 200


CRASHES = [
    ("portal", ("west-1", "west-2", "east-1", "east-2")),
    ("billing", ("west-billing", "east-billing")),
    ("edge", ("haproxy",)),
    ("database", ("postgres-west", "postgres-east")),
    ("cache", ("redis-west", "redis-east")),
]


@pytest.mark.parametrize(("component", "servers"), sampled(CRASHES, 3))
def test_what_crashes_comes_back_as_another_process(
    sandbox: RunningSandbox, component: str, servers: tuple[str, ...]
) -> None:
    before = {name: server(name).pid for name in servers}
    set_fault(f"{component}.crash", "on")
    began = time.monotonic()
    until(lambda: is_ready(*servers) and all(server(name).pid != before[name] for name in servers), 25)
    narrate(f"{component} crashed and was back after {time.monotonic() - began:.1f} s")
    assert control.faults(NAME) == (), "a crash happens once"
    until(sandbox.serves, 15)
    until(sandbox.is_streaming, 15)


def test_a_crash_of_one_region_leaves_the_other_running(sandbox: RunningSandbox) -> None:
    before = server("east-billing").pid, server("west-billing").pid
    set_fault("billing.crash", "on", "west")
    until(lambda: is_ready("west-billing") and server("west-billing").pid != before[1])
    assert server("east-billing").pid == before[0]


@pytest.mark.parametrize(
    "name",
    sampled(
        [
            "postgres-west",
            "postgres-east",
            "redis-west",
            "haproxy",
            "prometheus",
            "west-1",
            "customers",
            "mail",
            "crm",
            "links",
            "heartbeat",
        ],
        3,
    ),
)
def test_a_server_killed_from_outside_comes_back(sandbox: RunningSandbox, name: str) -> None:
    before = sandbox.pid(name)
    os.kill(before, signal.SIGKILL)
    until(lambda: sandbox.pid(name) != before and is_ready(name), 25)
    until(sandbox.serves, 15)
    until(sandbox.is_streaming, 15)


def test_what_was_written_survives_the_crash_of_the_primary(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09910") as client:
        headers = {"idempotency-key": f"survives-{time.time_ns()}"}
        client.post("/v1/plan", json={"plan": "max"}, headers=headers).raise_for_status()
        set_fault("database.crash", "on", "west")
        until(lambda: is_ready("postgres-west") and server("postgres-west").restarts > 0, 25)
        until(lambda: client.get("/v1/session").status_code == 200)
        again = until(lambda: _replayed(client, headers), 15)
    assert again is not None
    assert again.json() == {"account": "c09910", "plan": "max"}


def _replayed(client: httpx.Client, headers: dict[str, str]) -> httpx.Response | None:
    answer = client.post("/v1/plan", json={"plan": "max"}, headers=headers)
    return answer if answer.headers.get("idempotency-replayed") == "true" else None
