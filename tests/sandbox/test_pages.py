"""The portal's pages: what a browser gets, and what assistive technology needs of them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from bs4 import BeautifulSoup

from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import Customer, customer, entering, hidden
from tests.sandbox.waiting import until


def sign_in(client: httpx.Client, who: Customer) -> httpx.Response:
    """As a browser does: every redirect followed, every cookie kept."""
    client.follow_redirects = True
    page = client.get("/")
    fields = hidden(page) | {"account": who.name, "password": who.password}
    page = client.post("/login", data=fields)
    return client.post("/login/totp", data=hidden(page) | {"code": who.code})


def assert_accessible(page: httpx.Response, title: str) -> None:
    soup = BeautifulSoup(page.text, "html.parser")
    assert soup.html is not None
    assert soup.html["lang"] == "en"
    assert soup.title is not None
    assert soup.title.string == title
    assert [heading.get_text() for heading in soup.find_all("h1")] == [title]
    assert len(soup.find_all("main")) == 1
    labelled = {label["for"] for label in soup.find_all("label")}
    for field in soup.find_all(["input", "select"]):
        assert field.get("type") == "hidden" or field["id"] in labelled, field
    for button in soup.find_all("button"):
        assert button.get_text(strip=True)
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("edge", ["edge", "west-edge", "east-edge"])
def test_a_person_signs_in_looks_around_and_signs_out(sandbox: RunningSandbox, edge: str) -> None:
    who = customer(sandbox)
    with entering(sandbox, edge) as client:
        page = client.get("/")
        assert (page.status_code, urlsplit(page.headers["location"]).path) == (302, "/login")
        overview = sign_in(client, who)
        assert_accessible(overview, "Overview")
        assert who.mailbox in overview.text
        assert_accessible(client.get("/invoices"), "Invoices")
        assert f"inv-{who.name}-0" in client.get("/invoices").text
        assert_accessible(client.get("/plan"), "Plan")
        client.follow_redirects = False
        assert client.get("/").headers["location"] == "/overview"
        assert client.get("/logout").headers["location"] == "/"
        assert client.get("/overview").headers["location"] == "/"


def test_the_pages_of_the_login_can_be_used_by_everybody(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        client.follow_redirects = True
        page = client.get("/")
        assert_accessible(page, "Sign in")
        wrong = client.post("/login", data=hidden(page) | {"account": who.name, "password": "wrong"})
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)
        assert_accessible(wrong, "Sign in")
        page = client.post("/login", data=hidden(page) | {"account": who.name, "password": who.password})
        assert_accessible(page, "One-time code")
        wrong = client.post("/login/totp", data=hidden(page) | {"code": "000000"})
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)


def test_the_session_s_cookie_is_out_of_reach(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as client:
        done = sign_in(client, who)
        cookies = [each for answer in done.history for each in answer.headers.get_list("set-cookie")]
        cookies += client.get("/overview").headers.get_list("set-cookie")
    assert any(each.startswith("portal-session=") for each in cookies)
    for each in cookies:
        assert {"httponly", "secure", "samesite=lax"} <= {part.strip().lower() for part in each.split(";")}


def test_a_plan_is_changed_by_its_form_once(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox, "west-edge") as client:
        sign_in(client, who)
        page = client.get("/plan")
        now = re.search(r'<strong id="current-plan">(\w+)</strong>', page.text)
        assert now is not None
        wanted = "max" if now[1] != "max" else "basic"
        form = hidden(page) | {"plan": wanted}
        for _ in range(2):
            done = client.post("/plan", data=form)
            assert done.status_code == 200
        until(lambda: f'<strong id="current-plan">{wanted}</strong>' in client.get("/plan").text, 3)
        odd = client.post("/plan", data=hidden(page) | {"plan": "gold", "key": "another"})
        assert (odd.status_code, "Plan is one of" in odd.text) == (422, True)
        forged = client.post("/plan", data=form | {"csrf": "0" * 64})
        assert forged.status_code == 400
        token = client.cookies["portal-session"]
        query = {"action": "plan.changed", "key": form["key"]}
        headers = {"authorization": f"Bearer {token}"}
        assert len(client.get("/v2/audit", params=query, headers=headers).json()["entries"]) == 1


def test_a_login_that_another_began_is_not_taken_over(sandbox: RunningSandbox) -> None:
    who = customer(sandbox)
    with entering(sandbox) as attacker, entering(sandbox) as victim:
        page = attacker.get("/")
        page = attacker.get(page.headers["location"])
        fields = hidden(page) | {"account": who.name, "password": who.password}
        page = attacker.get(attacker.post("/login", data=fields).headers["location"])
        arrived = attacker.post("/login/totp", data=hidden(page) | {"code": who.code})
        stolen = victim.get(arrived.headers["location"])
        assert (stolen.status_code, "portal-session" in victim.cookies) == (400, False)


@pytest.mark.parametrize(
    "path", ["/", "/login", "/overview", "/plan", "/recover?token=%22%3E%3Cb%3E", "/callback"]
)
def test_no_page_names_a_host_or_shows_what_was_put_into_it(sandbox: RunningSandbox, path: str) -> None:
    with entering(sandbox) as client:
        answer = client.get(path)
    assert not urlsplit(answer.headers.get("location", "")).netloc
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "<b>" not in answer.text


def test_a_page_is_a_page_when_something_fails(sandbox: RunningSandbox) -> None:
    from keelwatch.adapters import sandbox as control

    who = customer(sandbox)
    with entering(sandbox, "west-edge") as client:
        sign_in(client, who)
        control.set_fault("billing.errors", "100%", for_s=60, name=sandbox.name)
        failed = client.get("/invoices")
        assert failed.status_code == 503
        assert_accessible(failed, "That did not work")
        assert client.get("/overview").status_code == 200
