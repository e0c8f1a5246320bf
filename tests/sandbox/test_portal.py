"""What a customer of the portal gets, and what the portal leaves behind about it."""

from __future__ import annotations

import json
import re
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psycopg
import pytest

from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

REGIONAL_EDGES = ("west-edge", "east-edge")


def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def test_a_session_lives_from_login_to_logout(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09902") as client:
        shown = client.get("/v1/session").json()
        assert (shown["account"], shown["role"]) == ("c09902", "customer")
        assert 0 < shown["expires_in_s"] <= 900
        assert client.post("/v1/logout").status_code == 200
        assert client.get("/v1/session").status_code == 401


def test_a_session_made_in_one_region_is_known_in_the_other_at_once(sandbox: RunningSandbox) -> None:
    for _ in range(10):
        with sandbox.customer(edge="east-edge") as client:
            url = sandbox.first.urls["west-edge"]
            elsewhere = httpx.get(f"{url}/v1/session", headers=client.headers, verify=sandbox.trusting())
            assert elsewhere.status_code == 200
            assert client.get("/v1/session").status_code == 200


@pytest.mark.parametrize("account", ["c00001", "nobody-at-all"])
def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(
    sandbox: RunningSandbox, account: str
) -> None:
    with httpx.Client(base_url=sandbox.first.urls["edge"], verify=sandbox.trusting()) as client:
        answer = client.post("/v1/login", json={"account": account, "password": "wrong"})
    assert (answer.status_code, answer.json()) == (401, {"error": "account or password is wrong"})


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"account": 1, "password": "x"}', b'{"account": "a\\u0000", "password": "x"}'],
)
def test_a_malformed_login_is_400_and_never_500(sandbox: RunningSandbox, body: bytes) -> None:
    answer = httpx.post(f"{sandbox.first.urls['edge']}/v1/login", content=body, verify=sandbox.trusting())
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/session"), ("GET", "/v1/accounts/me"), ("GET", "/v1/invoices"), ("POST", "/v1/plan")],
)
def test_without_a_session_there_is_nothing_to_see(sandbox: RunningSandbox, method: str, path: str) -> None:
    url = sandbox.first.urls["edge"] + path
    assert httpx.request(method, url, verify=sandbox.trusting()).status_code == 401


def test_a_customer_sees_only_the_own_account_and_an_agent_sees_all(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09801") as client:
        assert client.get("/v1/accounts/me").json()["id"] == "c09801"
        assert client.get("/v1/accounts/c00001").status_code == 403
        assert client.get("/v1/accounts/no-such-account").status_code == 403
    with sandbox.customer("agent-01") as client:
        assert client.get("/v1/accounts/c00001").json()["name"] == "Customer 1"
        assert client.get("/v1/accounts/no-such-account").status_code == 404


@pytest.mark.parametrize("edge", REGIONAL_EDGES)
def test_invoices_come_from_billing_in_the_customers_region(sandbox: RunningSandbox, edge: str) -> None:
    with sandbox.customer(edge=edge) as client:
        answer = client.get("/v1/invoices")
    assert len(answer.json()["invoices"]) == 3
    assert answer.headers["keelwatch-region"] == edge.removesuffix("-edge")


@pytest.mark.parametrize("edge", REGIONAL_EDGES)
def test_a_plan_change_shows_in_the_next_look_up(sandbox: RunningSandbox, edge: str) -> None:
    with sandbox.customer("c09903", edge) as client:
        for plan in ("max", "basic", "plus"):
            assert client.post("/v1/plan", json={"plan": plan}, headers=key()).json()["plan"] == plan
            until(partial(_plan_is, client, plan), 2)


def _plan_is(client: httpx.Client, plan: str) -> bool:
    return bool(client.get("/v1/accounts/me").json()["plan"] == plan)


def test_the_same_key_and_body_replay_the_answer_without_a_second_effect(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09904") as client:
        same = key()
        first = client.post("/v1/plan", json={"plan": "max"}, headers=same)
        client.post("/v1/plan", json={"plan": "basic"}, headers=key()).raise_for_status()
        again = client.post("/v1/plan", json={"plan": "max"}, headers=same)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        until(partial(_plan_is, client, "basic"), 2)


def test_the_same_key_with_another_body_is_refused(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09905") as client:
        same = key()
        assert client.post("/v1/plan", json={"plan": "max"}, headers=same).status_code == 200
        assert client.post("/v1/plan", json={"plan": "basic"}, headers=same).status_code == 422
        assert client.post("/v1/plan", json={"plan": "basic"}).status_code == 400
        assert client.post("/v1/plan", json={"plan": "gold"}, headers=key()).status_code == 422


def test_many_at_once_with_one_key_have_exactly_one_effect(sandbox: RunningSandbox) -> None:
    """Through both regions; the audit rows, written with the change, count the effects."""
    with (
        sandbox.customer("c09906") as client,
        sandbox.customer("c09906", "east-edge") as other,
    ):
        same = key()
        marker = uuid.uuid4().hex
        headers = same | {"traceparent": f"00-{marker}-{'1' * 16}-01"}

        def change(which: httpx.Client) -> httpx.Response:
            return which.post("/v1/plan", json={"plan": "max"}, headers=headers)

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(change, [client, other] * 12))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    with psycopg.connect(sandbox.conninfo("west")) as connection:
        found = connection.execute(
            "select count(*) from audit where trace = %s and action = 'plan.changed'", (marker,)
        ).fetchone()
    assert found == (1,)


def test_the_standby_streams_what_the_primary_wrote_and_refuses_writing(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09907", "east-edge") as client:
        marker = uuid.uuid4().hex
        headers = key() | {"traceparent": f"00-{marker}-{'1' * 16}-01"}
        client.post("/v1/plan", json={"plan": "max"}, headers=headers).raise_for_status()
    with psycopg.connect(sandbox.conninfo("east"), autocommit=True) as standby:
        question = "select region from audit where trace = %s"
        found = until(lambda: standby.execute(question, (marker,)).fetchone(), 5)
        assert found == ("east",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            standby.execute(
                "insert into audit (subject, action, outcome, region, trace) values ('', '', '', '', '')"
            )


def test_the_edge_is_verified_by_the_sandboxs_own_authority_only(sandbox: RunningSandbox) -> None:
    for edge in ("edge", *REGIONAL_EDGES):
        url = f"{sandbox.first.urls[edge]}/v1/session"
        assert httpx.get(url, verify=sandbox.trusting()).status_code == 401
        assert httpx.get(url.replace("127.0.0.1", "localhost"), verify=sandbox.trusting()).status_code == 401
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url, verify=ssl.create_default_context())


def test_plain_http_is_sent_to_tls_and_internals_stay_inside(sandbox: RunningSandbox) -> None:
    moved = httpx.get(f"{sandbox.first.urls['edge-plain']}/v1/session")
    assert (moved.status_code, moved.headers["location"]) == (308, sandbox.first.urls["edge"] + "/v1/session")
    for path in ("/metrics", "/healthz"):
        assert httpx.get(sandbox.first.urls["edge"] + path, verify=sandbox.trusting()).status_code == 404


def test_a_trace_goes_through_every_hop(sandbox: RunningSandbox) -> None:
    trace, span = uuid.uuid4().hex, "00f067aa0ba902b7"
    with sandbox.customer(edge="west-edge") as client:
        answer = client.get("/v1/invoices", headers={"traceparent": f"00-{trace}-{span}-01"})
    assert answer.headers["traceparent"].split("-")[1] == trace
    hops = until(lambda: _hops(sandbox, trace) if len(_hops(sandbox, trace)) == 2 else {}, 5)
    assert hops["invoices"]["parent"] == span
    assert hops["billing-invoices"]["parent"] == hops["invoices"]["span"]


def _hops(sandbox: RunningSandbox, trace: str) -> dict[str, dict[str, str]]:
    lines = [
        json.loads(line)
        for path in (sandbox.folder / "logs").glob("*.requests.jsonl")
        for line in path.read_text().splitlines()
        if trace in line
    ]
    return {line["route"]: line for line in lines}


@pytest.mark.parametrize(
    "header", ["", "nonsense", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'a' * 32}-{'0' * 16}-01"]
)
def test_a_bad_traceparent_is_replaced(sandbox: RunningSandbox, header: str) -> None:
    url = f"{sandbox.first.urls['edge']}/v1/session"
    answer = httpx.get(url, headers={"traceparent": header}, verify=sandbox.trusting())
    made = answer.headers["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert "a" * 32 not in made


def test_no_log_names_a_customer_a_token_or_a_password(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09808") as client:
        token = client.headers["authorization"].removeprefix("Bearer ")
        client.get("/v1/accounts/c09808").raise_for_status()
        client.get("/v1/invoices").raise_for_status()
        client.post("/v1/plan", json={"plan": "max"}, headers=key()).raise_for_status()
    secrets = json.loads((sandbox.folder / "layout.json").read_text())["passwords"].values()
    logs = {path.name: path.read_text(errors="replace") for path in (sandbox.folder / "logs").iterdir()}
    assert any('"route": "plan-change"' in text for text in logs.values())
    customer = re.compile(r"\bc\d{5}\b|synthetic-(west|east)-\d\d|agent-\d\d|@customers\.invalid|pw-")
    for name, text in logs.items():
        assert customer.search(text) is None, f"{name}: {customer.search(text)}"
        assert token not in text, name
        assert not [word for word in secrets if word in text], name


def test_the_audit_trail_holds_pseudonyms(sandbox: RunningSandbox) -> None:
    with (
        sandbox.customer("c09809"),
        psycopg.connect(sandbox.conninfo("west"), autocommit=True) as db,
    ):
        question = (
            "select count(*) from audit where action = 'login.done' and at > now() - interval '5 seconds'"
        )
        until(lambda: (db.execute(question).fetchone() or (0,))[0], 5)
        subjects = {row[0] for row in db.execute("select distinct subject from audit")}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("delete from audit")
    assert all(re.fullmatch(r"[0-9a-f]{16}", subject) for subject in subjects)


def test_metrics_tell_real_traffic_from_probes_and_are_born_at_zero(sandbox: RunningSandbox) -> None:
    with sandbox.customer(edge="west-edge") as client:
        client.get("/v1/invoices").raise_for_status()
    live = 'portal_requests_total{backfill=""'
    counted = until(lambda: sandbox.query(f'sum by (route)({live},traffic="probe",region="west"}})'))
    assert counted["invoices",] >= 1
    born = sandbox.query(f'count by (code)({live},traffic="real"}})')
    assert set(born) >= {("200",), ("500",), ("503",)}
    journeys = sandbox.query(f'count by (journey,route)({live},traffic="real",version="v1"}})')
    assert set(journeys) == {
        ("log-in", "login"),
        ("session-lifecycle", "session"),
        ("look-up-account", "lookup"),
        ("view-invoices", "invoices"),
        ("change-plan", "plan-change"),
        ("session-lifecycle", "logout"),
    }


def test_customers_come_at_the_promised_rate_and_are_content(sandbox: RunningSandbox) -> None:
    live = 'portal_requests_total{backfill="",traffic="real"'
    until(lambda: time.time() - sandbox.first.started > 25, 40)
    # 20 a second on average, five standard deviations on either side; a test before may have held them up.
    until(lambda: 10 < sandbox.query(f"sum(rate({live}}}[15s]))").get((), 0.0) < 32, 40)
    segments = sandbox.query(f'sum by (channel,segment)({live},code="200"}})')
    assert {pair for pair, count in segments.items() if count > 0} == {
        ("web", "home"),
        ("app", "home"),
        ("web", "business"),
        ("app", "business"),
        ("agent", "staff"),
    }


def test_the_cache_is_used(sandbox: RunningSandbox) -> None:
    with sandbox.customer("agent-02", "east-edge") as client:
        hits = 'sum(portal_cache_lookups_total{result="hit",region="east"})'
        before = until(lambda: sandbox.query(hits))[()]  # a Prometheus just started has scraped nothing yet
        for _ in range(5):
            client.get("/v1/accounts/c09999").raise_for_status()
        until(lambda: sandbox.query(hits).get((), 0.0) >= before + 3)
