"""Recovering a password, registering and closing an account: by mail, and without telling who is known."""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest

from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import (
    address,
    customer,
    entering,
    hidden,
    letters,
    link_in,
    refreshed,
    signed_in,
    status_with,
    token_in,
)
from tests.sandbox.waiting import until

VARYING = {"date", "traceparent"}


def letter_to(sandbox: RunningSandbox, to: str, number: int = 1) -> dict[str, str]:
    """The newest, once `number` have come."""
    return until(lambda: found[0] if len(found := letters(sandbox, to)) >= number else {}, 10)


def comparable(answer: httpx.Response) -> tuple[object, ...]:
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    return answer.status_code, answer.content, headers


def recovery(client: httpx.Client, account: str) -> httpx.Response:
    return client.post("/v2/recovery", json={"account": account})


def login(client: httpx.Client, account: str, password: str) -> httpx.Response:
    return client.post("/v1/login", json={"account": account, "password": password})


def test_recovery_answers_alike_for_known_and_unknown(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as client:
        known = [recovery(client, name) for name in ("c09930", "c09930@customers.invalid")]
        unknown = [recovery(client, name) for name in ("c99999", "nobody@customers.invalid")]
    assert len({str(comparable(answer)) for answer in known + unknown}) == 1
    assert (known[0].status_code, known[0].json()) == (202, {"status": "accepted"})
    assert not known[0].cookies


def test_a_recovery_changes_the_password_once_and_ends_every_session(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09931") as inside, entering(sandbox, "west-edge") as client:
        recovery(client, "c09931").raise_for_status()
        letter = letter_to(sandbox, "c09931@customers.invalid")
        assert link_in(letter).startswith(f"{sandbox.first.urls['edge']}/recover?token=")
        assert re.search(r"\b\d{6}\b", letter["Text"])
        done = {"token": token_in(letter), "password": "another-one"}
        assert client.post("/v2/recovery/complete", json=done).status_code == 200
        assert inside.get("/v2/session").status_code == 401
        assert login(client, "c09931", "pw-c09931").status_code == 401
        assert login(client, "c09931", "another-one").status_code == 200
        assert client.post("/v2/recovery/complete", json=done).status_code == 400


def test_the_old_password_may_be_the_new_one(sandbox: RunningSandbox) -> None:
    """With everything that OpenID Connect gave dead, in the other region too."""
    with signed_in(sandbox, "east-edge") as (east, tokens), entering(sandbox, "west-edge") as client:
        name = east.get("/v2/session").json()["account"]
        mailbox = f"{name}@probes.invalid"
        before = len(letters(sandbox, mailbox))
        recovery(client, mailbox).raise_for_status()
        done = {"token": token_in(letter_to(sandbox, mailbox, before + 1)), "password": f"pw-{name}"}
        assert client.post("/v2/recovery/complete", json=done).status_code == 200
        assert status_with(east, tokens["access_token"]) == 401
        assert refreshed(east, tokens["refresh_token"]).status_code == 400


def test_the_page_of_the_link_changes_the_password_too(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as client:
        recovery(client, "c09932").raise_for_status()
        page = client.get(link_in(letter_to(sandbox, "c09932@customers.invalid")))
        assert "<h1>New password</h1>" in page.text
        short = client.post("/recover", data=hidden(page) | {"password": "short"})
        assert (short.status_code, "at least 8 characters." in short.text) == (400, True)
        done = client.post("/recover", data=hidden(page) | {"password": "pw-c09932"})
        assert (done.status_code, "<h1>Password changed</h1>" in done.text) == (200, True)
        assert client.post("/recover", data=hidden(page) | {"password": "pw-c09932"}).status_code == 400


@pytest.mark.parametrize("path", ["/v2/recovery/complete", "/v2/registrations/confirm"])
def test_a_made_up_token_is_refused(sandbox: RunningSandbox, path: str) -> None:
    with entering(sandbox) as client:
        answer = client.post(path, json={"token": "made-up", "password": "long-enough"})
    assert answer.status_code == 400


def test_recoveries_are_in_the_trail_without_the_address(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as client:
        recovery(client, "c09933@customers.invalid").raise_for_status()
        letter = letter_to(sandbox, "c09933@customers.invalid")
        done = {"token": token_in(letter), "password": "pw-c09933"}
        client.post("/v2/recovery/complete", json=done).raise_for_status()
        token = login(client, "c09933", "pw-c09933").json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        until(lambda: {"recovery.requested", "recovery.done", "login.done"} <= _actions(client), 3)
        assert "@" not in client.get("/v2/audit").text


def _actions(client: httpx.Client) -> set[str]:
    return {entry["action"] for entry in client.get("/v2/audit").json()["entries"]}


def registration(client: httpx.Client, email: str) -> httpx.Response:
    document = {"email": email, "password": "long-enough", "name": "Somebody New"}
    return client.post("/v2/registrations", json=document)


def test_registering_answers_alike_and_tells_a_known_address_by_mail(sandbox: RunningSandbox) -> None:
    email, known = address(), "c09934@customers.invalid"
    with entering(sandbox, "west-edge") as client:
        answers = [registration(client, email), registration(client, known)]
        assert len({str(comparable(answer)) for answer in answers}) == 1
        assert answers[0].status_code == 202
        assert "has an account already" in letter_to(sandbox, known)["Text"]
        assert "/register/confirm?token=" in link_in(letter_to(sandbox, email))


@pytest.mark.parametrize("edge", ["west-edge", "east-edge"])
def test_a_customer_s_life_from_registration_to_closing(sandbox: RunningSandbox, edge: str) -> None:
    email = address()
    with entering(sandbox, edge) as client:
        registration(client, email).raise_for_status()
        token = token_in(letter_to(sandbox, email))
        made = client.post("/v2/registrations/confirm", json={"token": token})
        assert made.status_code == 201
        account = made.json()["account"]
        assert re.fullmatch(r"r-[0-9a-f]{12}", account)
        assert client.post("/v2/registrations/confirm", json={"token": token}).status_code == 400
        inside = until(partial(_let_in, client, email), 5)
        client.headers["authorization"] = f"Bearer {inside}"
        assert client.get("/v2/session").json()["account"] == account
        assert client.get("/v2/accounts/me").json()["email"] == email
        until(lambda: client.get("/v2/crm/me").json()["state"] == "active", 5)
        closed = client.delete("/v2/accounts/me")
        assert (closed.status_code, closed.json()) == (202, {"status": "closed"})
        assert client.get("/v2/session").status_code == 401
        until(lambda: login(client, email, "long-enough").status_code == 401, 5)
        assert login(client, account, "long-enough").status_code == 401
    _assert_nothing_personal_left(sandbox, account, email)


def _let_in(client: httpx.Client, email: str) -> str | None:
    """The east's standby may be a moment behind the confirmation."""
    answer = login(client, email, "long-enough")
    token: str | None = answer.json().get("token")
    return token


def _assert_nothing_personal_left(sandbox: RunningSandbox, account: str, email: str) -> None:
    with psycopg.connect(sandbox.conninfo("west"), autocommit=True) as db:
        until(lambda: db.execute(CRM_STATE, (account,)).fetchone() == ("closed",), 5)
        for table in ("accounts", "credentials", "idempotency", "audit", "outbox", "crm_accounts"):
            rows: Any = db.execute(f"select {table}::text from {table}")
            text = "\n".join(row[0] for row in rows if account in row[0] or email in row[0])
            assert email not in text
            assert (account in text) == (table in {"outbox", "crm_accounts"})
        trail = db.execute("select count(*) from audit where action = 'account.closed'").fetchone()
    assert trail is not None
    assert trail[0] > 0


CRM_STATE = "select state from crm_accounts where account_id = %s"


def test_an_address_registered_twice_becomes_one_account(sandbox: RunningSandbox) -> None:
    email = address()
    with entering(sandbox, "west-edge") as client:
        for number in (1, 2):
            registration(client, email).raise_for_status()
            letter_to(sandbox, email, number)
        tokens = [token_in(letter) for letter in letters(sandbox, email)]
        found = [client.post("/v2/registrations/confirm", json={"token": token}) for token in tokens]
        assert [answer.status_code for answer in found] == [201, 409]


def test_the_page_of_the_registration_confirms_only_when_asked_to(sandbox: RunningSandbox) -> None:
    email = address()
    with entering(sandbox, "west-edge") as client:
        registration(client, email).raise_for_status()
        link = link_in(letter_to(sandbox, email))
        for _ in range(2):
            page = client.get(link)
            assert "<h1>Confirm your registration</h1>" in page.text
        assert login(client, email, "long-enough").status_code == 401
        done = client.post("/register/confirm", data=hidden(page))
        assert (done.status_code, "<h1>Welcome</h1>" in done.text) == (201, True)
        assert login(client, email, "long-enough").status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"email": "no address"}, {"email": "a@b@c.invalid"}, {"password": "short"}, {"name": ""}, {"name": 1}],
)
def test_a_malformed_registration_is_400(sandbox: RunningSandbox, change: dict[str, object]) -> None:
    document = {"email": address(), "password": "long-enough", "name": "Somebody New"}
    with entering(sandbox) as client:
        assert client.post("/v2/registrations", json=document | change).status_code == 400


def test_staff_cannot_close_their_account(sandbox: RunningSandbox) -> None:
    with sandbox.customer("agent-03") as client:
        assert client.delete("/v2/accounts/me").status_code == 403


@pytest.mark.parametrize(
    ("target", "value"), [("notifications.errors", "100%"), ("notifications.down", "on")]
)
def test_without_notifications_recovery_answers_and_no_mail_comes(
    sandbox: RunningSandbox, target: str, value: str
) -> None:
    from keelwatch.adapters import sandbox as control

    lost = 'sum(portal_mails_total{result="lost",region="west"})'
    who = f"c0994{secrets.randbelow(10)}"
    with entering(sandbox, "west-edge") as client:
        before = sum(sandbox.query(lost).values())
        had = len(letters(sandbox, f"{who}@customers.invalid"))
        control.set_fault(target, value, region="west", for_s=60, name=sandbox.name)
        assert recovery(client, who).status_code == 202
        until(lambda: sum(sandbox.query(lost).values()) > before, 10)
        assert len(letters(sandbox, f"{who}@customers.invalid")) == had
    with entering(sandbox, "east-edge") as client:
        recovery(client, who).raise_for_status()
        letter_to(sandbox, f"{who}@customers.invalid", had + 1)


def test_synthetic_customers_read_their_mail(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        had = len(letters(sandbox, who.mailbox))
        recovery(client, who.name).raise_for_status()
        assert letter_to(sandbox, who.mailbox, had + 1)["Subject"] == "Choose a new password"
