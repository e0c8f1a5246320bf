"""OpenID Connect at the portal: what a client may rely on, and what nobody gets."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from keelwatch.adapters import sandbox as control
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import (
    CLIENT,
    Login,
    customer,
    entering,
    hidden,
    refreshed,
    signed_in,
    status_with,
)
from tests.sandbox.waiting import until

ENTRANCES = ("edge", "west-edge", "east-edge")


@pytest.mark.parametrize("edge", ENTRANCES)
def test_each_entrance_is_whole_in_itself(sandbox: RunningSandbox, edge: str) -> None:
    """Everything it names is at its own address, and its ID token says so."""
    base = sandbox.first.urls[edge]
    with entering(sandbox, edge) as client:
        found = client.get("/.well-known/openid-configuration").json()
        assert found["issuer"] == base
        ends = ("authorization", "token", "revocation", "end_session", "userinfo")
        for name in (*(f"{end}_endpoint" for end in ends), "jwks_uri"):
            assert found[name].startswith(f"{base}/oauth/"), name
        login = Login(client)
        tokens = login.tokens(who := customer(sandbox))
        keys = jwt.PyJWKSet.from_dict(client.get("/oauth/jwks").json())
        key = keys[jwt.get_unverified_header(tokens["id_token"])["kid"]]
        claims = jwt.decode(tokens["id_token"], key, ["ES256"], audience=CLIENT, issuer=base)
        assert (claims["sub"], claims["nonce"], claims["amr"]) == (who.name, login.nonce, ["pwd", "otp"])
        assert client.get(found["userinfo_endpoint"]).json()["sub"] == who.name
        assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid")
        assert tokens["expires_in"] == 900
        for version in ("v1", "v2"):
            shown = client.get(f"/{version}/session").json()
            assert shown["account"] == who.name
        assert shown["methods"] == ["pwd", "otp"]


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "/elsewhere"},
        {"redirect_uri": "https://evil.invalid/"},
        {"client_id": "portal-web"},
    ],
)
def test_an_unknown_client_or_redirect_goes_nowhere(sandbox: RunningSandbox, change: dict[str, str]) -> None:
    with entering(sandbox) as client:
        answer = client.get("/oauth/authorize", params=Login(client).query() | change)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_pkce_is_required(sandbox: RunningSandbox, change: dict[str, str], error: str) -> None:
    with entering(sandbox) as client:
        login = Login(client)
        answer = client.get("/oauth/authorize", params=login.query() | change)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, query["error"], query["state"]) == (302, [error], [login.state])


@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": "x" * 64},
        {"redirect_uri": "/callback"},
        {"client_id": "portal-web"},
    ],
)
def test_a_code_is_worth_nothing_to_somebody_else(sandbox: RunningSandbox, other: dict[str, str]) -> None:
    with entering(sandbox) as client:
        login = Login(client)
        answer = login.exchange(login.code(customer(sandbox)), **other)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_works_once_and_a_second_use_takes_back_what_it_gave(sandbox: RunningSandbox) -> None:
    with entering(sandbox) as client:
        login = Login(client)
        code = login.code(customer(sandbox))
        tokens = login.exchange(code).json()
        assert status_with(client, tokens["access_token"]) == 200
        again = login.exchange(code)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert status_with(client, tokens["access_token"]) == 401
        assert refreshed(client, tokens["refresh_token"]).status_code == 400


def test_of_many_at_once_one_gets_the_code_s_tokens(sandbox: RunningSandbox) -> None:
    with entering(sandbox) as client:
        login = Login(client)
        code = login.code(customer(sandbox))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: login.exchange(code).status_code, range(8)))
    assert sorted(found) == [200] + [400] * 7


def test_refreshing_rotates_and_an_old_token_ends_the_family(sandbox: RunningSandbox) -> None:
    with signed_in(sandbox) as (client, first):
        answer = refreshed(client, first["refresh_token"])
        second = answer.json()
        assert second["refresh_token"] != first["refresh_token"]
        assert jwt.decode(second["id_token"], options={"verify_signature": False})["aud"] == CLIENT
        assert status_with(client, second["access_token"]) == 200
        reused = refreshed(client, first["refresh_token"])
        assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
        for tokens in (first, second):
            assert status_with(client, tokens["access_token"]) == 401
            assert refreshed(client, tokens["refresh_token"]).status_code == 400


def test_a_refresh_token_of_another_client_is_refused_and_not_used_up(sandbox: RunningSandbox) -> None:
    with signed_in(sandbox) as (client, tokens):
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        stolen = client.post("/oauth/token", data=form | {"client_id": "portal-web"})
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert refreshed(client, tokens["refresh_token"]).status_code == 200


def test_a_one_time_code_is_accepted_once_across_regions(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox, "west-edge") as west, entering(sandbox, "east-edge") as east:
        pages = [(client, Login(client).code_page(who)) for client in (west, east)]
        first, second = (
            client.post("/login/totp", data=hidden(page) | {"code": who.code}) for client, page in pages
        )
        assert (first.status_code, second.status_code) == (302, 401)
        assert "The code is wrong or was used before." in second.text
        assert _first_version(east, who.name, who.password, who.code).status_code == 401


def _first_version(client: httpx.Client, account: str, password: str, otp: str | None) -> httpx.Response:
    document = {"account": account, "password": password}
    return client.post("/v1/login", json=document | ({"otp": otp} if otp else {}))


def test_many_at_once_use_a_one_time_code_once(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox, "west-edge") as west, entering(sandbox, "east-edge") as east:
        ask: Callable[[httpx.Client], int] = lambda client: (  # noqa: E731 a line for the pool
            _first_version(client, who.name, who.password, who.code).status_code
        )
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(ask, [west, east] * 4))
    assert sorted(found) == [200] + [401] * 7


def test_version_one_asks_for_the_code_only_after_the_right_password(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        wrong = _first_version(client, who.name, "wrong", who.code)
        assert wrong.json() == {"error": "account or password is wrong"}
        for otp in (None, "000000"):
            needed = _first_version(client, who.name, who.password, otp)
            assert (needed.status_code, needed.json()) == (401, {"error": "one-time code needed"})
        done = _first_version(client, who.name, who.password, who.code)
        assert done.status_code == 200
        session = client.get("/v2/session", headers={"authorization": f"Bearer {done.json()['token']}"})
        assert session.json()["methods"] == ["pwd", "otp"]


def test_customers_without_an_authenticator_need_no_code(sandbox: RunningSandbox) -> None:
    who = dataclasses.replace(customer(sandbox), name="c09911", password="pw-c09911")
    with entering(sandbox) as client:
        login = Login(client)
        fields = hidden(login.password_page()) | {"account": who.name, "password": who.password}
        moved = client.post("/login", data=fields)
        assert urlsplit(moved.headers["location"]).path == "/app/callback"
        code = parse_qs(urlsplit(moved.headers["location"]).query)["code"][0]
        assert login.exchange(code).status_code == 200


def test_json_gets_the_same_answers_as_the_form(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        flow = hidden(Login(client).password_page())["flow"]
        wrong = client.post("/login", json={"flow": flow, "account": who.name, "password": "wrong"})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "account or password is wrong"})
        first = client.post("/login", json={"flow": flow, "account": who.name, "password": who.password})
        assert first.json() == {"next": "totp", "location": f"/login/totp?flow={flow}"}
        second = client.post("/login/totp", json={"flow": flow, "code": who.code}).json()
        assert second["next"] == "redirect"
        assert second["location"].startswith("/app/callback?code=")


@pytest.mark.parametrize("account", ["c09912", "nobody-at-all", "nobody@customers.invalid"])
def test_a_wrong_password_and_an_unknown_account_get_the_same_page(
    sandbox: RunningSandbox, account: str
) -> None:
    with entering(sandbox) as client:
        fields = hidden(Login(client).password_page())
        answer = client.post("/login", data=fields | {"account": account, "password": "wrong"})
        known = client.post("/login", data=fields | {"account": "c09913", "password": "wrong"})
    assert answer.status_code == known.status_code == 401
    assert answer.text == known.text
    assert "Account or password is wrong." in answer.text


@pytest.mark.parametrize("path", ["/login", "/login?flow=never-begun", "/login/totp?flow=never-begun"])
def test_a_login_that_was_never_begun_is_a_page_that_says_so(sandbox: RunningSandbox, path: str) -> None:
    with entering(sandbox) as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "<h1>That did not work</h1>" in answer.text


def test_a_form_without_the_page_s_own_token_is_refused(sandbox: RunningSandbox) -> None:
    with entering(sandbox) as client:
        fields = hidden(Login(client).password_page()) | {"csrf": "of another page"}
        answer = client.post("/login", data=fields | {"account": "c09914", "password": "pw-c09914"})
    assert answer.status_code == 400


def test_the_second_page_cannot_be_had_before_the_first(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        fields = hidden(Login(client).password_page())
        assert client.get(f"/login/totp?flow={fields['flow']}").status_code == 400
        assert client.post("/login/totp", data=fields | {"code": who.code}).status_code == 400


@pytest.mark.parametrize("how", ["bearer", "hint", "v1"])
def test_logout_kills_every_token_in_both_regions_at_once(sandbox: RunningSandbox, how: str) -> None:
    with signed_in(sandbox, "west-edge") as (west, first), entering(sandbox, "east-edge") as east:
        tokens = [first, refreshed(west, first["refresh_token"]).json()]
        latest = {"authorization": f"Bearer {tokens[1]['access_token']}"}
        for one in tokens:
            assert status_with(east, one["access_token"]) == 200
        match how:
            case "bearer":
                answer = west.post("/oauth/logout", headers=latest)
            case "hint":
                del west.headers["authorization"]
                answer = west.post("/oauth/logout", data={"id_token_hint": first["id_token"]})
            case _:
                answer = west.post("/v1/logout", headers=latest)
        assert answer.status_code == 200
        for client in (east, west):
            for one in tokens:
                assert status_with(client, one["access_token"]) == 401
                assert status_with(client, one["access_token"], "/v1/session") == 401
                assert refreshed(client, one["refresh_token"]).status_code == 400


def test_a_made_up_hint_logs_nobody_out(sandbox: RunningSandbox) -> None:
    with signed_in(sandbox) as (client, tokens):
        mine = jwt.decode(tokens["id_token"], options={"verify_signature": False})
        forged = jwt.encode(mine, "x" * 32, "HS256")
        del client.headers["authorization"]
        for hint in (forged, "nonsense"):
            assert client.post("/oauth/logout", data={"id_token_hint": hint}).status_code == 400
        assert status_with(client, tokens["access_token"]) == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revocation_always_answers_200_and_means_it(sandbox: RunningSandbox, which: str) -> None:
    with signed_in(sandbox) as (client, tokens), entering(sandbox, "east-edge") as east:
        assert client.post("/oauth/revoke", data={"token": "never given"}).status_code == 200
        for _ in range(2):
            assert client.post("/oauth/revoke", data={"token": tokens[which]}).status_code == 200
        assert status_with(east, tokens["access_token"]) == 401
        assert refreshed(east, tokens["refresh_token"]).status_code == 400


def test_one_login_s_end_leaves_another_login_of_the_account_alone(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09915") as one, sandbox.customer("c09915") as other:
        one.post("/v1/logout").raise_for_status()
        assert one.get("/v2/session").status_code == 401
        assert other.get("/v2/session").status_code == 200


def test_logins_and_refusals_are_in_the_own_trail(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        trace = f"{time.time_ns():032x}"
        headers = {"traceparent": f"00-{trace}-{'1' * 16}-01"}
        client.post("/v1/login", json={"account": who.name, "password": "wrong"}, headers=headers)
        Login(client).tokens(who)
        found = until(partial(_entries, client, trace), 3)
    assert [(entry["action"], entry["outcome"]) for entry in found] == [("login.refused", "refused")]
    assert all(
        re.fullmatch(r"[0-9a-f]{32}|\d{4}-.*|[a-z.]+|.{0}", str(value or "")) for value in found[0].values()
    )


def _entries(client: httpx.Client, trace: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/v2/audit", params={"trace": trace}).json()["entries"]
    return found


def test_faults_of_identity_strike_each_step_of_a_login(sandbox: RunningSandbox) -> None:
    with entering(sandbox) as client:
        login = Login(client)
        fields = hidden(login.password_page()) | {"account": "c09916", "password": "pw-c09916"}
        control.set_fault("identity.errors", "100%", for_s=60, name=sandbox.name)
        assert client.get("/oauth/authorize", params=login.query()).status_code == 503
        failed = client.post("/login", data=fields)
        assert (failed.status_code, "<h1>That did not work</h1>" in failed.text) == (503, True)
        assert login.exchange("some code").status_code == 503
        control.clear_faults(name=sandbox.name)
        assert client.post("/login", data=fields).status_code == 302


def test_the_accounts_file_is_private_and_complete(sandbox: RunningSandbox) -> None:
    file = Path(sandbox.first.accounts_file)
    assert file.stat().st_mode & 0o777 == 0o600
    accounts = json.loads(file.read_text())["synthetic"]
    assert len(accounts) == 20
    assert {tuple(sorted(one)) for one in accounts} == {("mailbox", "name", "password", "region", "totp")}
