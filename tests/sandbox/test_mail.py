"""The mail catcher: takes whatever comes, keeps the newest, and shows it as Mailpit does."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import pytest

from keelwatch.sandbox.mail.box import Box, letter_of
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import address

PLAIN = (
    b"From: Portal <p@sandbox.invalid>\r\nTo: Somebody <a@x.invalid>\r\nSubject: Hello\r\n\r\nLine one\r\n"
)


def message(to: str, subject: str, text: str = "text", html: str = "") -> EmailMessage:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "Portal <p@sandbox.invalid>", to, subject
    found.set_content(text)
    if html:
        found.add_alternative(html, subtype="html")
    return found


@pytest.fixture
def api(sandbox: RunningSandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.first.urls["mail"], trust_env=False)


def send(sandbox: RunningSandbox, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.first.ports["smtp"], timeout=5) as server:
        for each in messages:
            server.send_message(each)


def test_what_is_sent_is_found_newest_first_and_by_the_exact_address(
    sandbox: RunningSandbox, api: httpx.Client
) -> None:
    to = address()
    send(
        sandbox, message(to, "first"), message(f"x{to}", "not mine"), message(f"Ann <{to.upper()}>", "second")
    )
    found = api.get("/api/v1/search", params={"query": f'to:"{to}"'}).json()
    assert found["total"] == 2
    assert [each["Subject"] for each in found["messages"]] == ["second", "first"]
    newest = found["messages"][0]
    assert newest["From"] == {"Name": "Portal", "Address": "p@sandbox.invalid"}
    assert newest["To"] == [{"Name": "Ann", "Address": to.upper()}]
    assert newest["Snippet"] == "text"
    assert datetime.now(UTC) - datetime.fromisoformat(newest["Created"]) < timedelta(seconds=10)


def test_a_letter_is_shown_in_full(sandbox: RunningSandbox, api: httpx.Client) -> None:
    to = address()
    send(sandbox, message(to, "Grüße", "plain ünd simple\nhttps://x.invalid/a?b=c\n", "<p>rich</p>"))
    (listed,) = api.get("/api/v1/search", params={"query": f"to:{to}"}).json()["messages"]
    letter = api.get(f"/api/v1/message/{listed['ID']}").json()
    assert (letter["Subject"], letter["HTML"].strip()) == ("Grüße", "<p>rich</p>")
    assert letter["Text"].splitlines() == ["plain ünd simple", "https://x.invalid/a?b=c"]
    assert set(letter) == {"ID", "Subject", "Text", "HTML", "To", "From", "Date"}


def test_letters_are_listed_limited_and_deleted(sandbox: RunningSandbox, api: httpx.Client) -> None:
    one, other = address(), address()
    send(sandbox, message(one, "stays"), message(other, "goes"))
    assert len(api.get("/api/v1/messages", params={"limit": "1"}).json()["messages"]) == 1
    (goes,) = api.get("/api/v1/search", params={"query": f'to:"{other}"'}).json()["messages"]
    api.request("DELETE", "/api/v1/messages", json={"IDs": [goes["ID"]]}).raise_for_status()
    assert api.get(f"/api/v1/message/{goes['ID']}").status_code == 404
    assert api.get("/api/v1/search", params={"query": f'to:"{one}"'}).json()["total"] == 1
    api.request("DELETE", "/api/v1/messages", json={"IDs": []}).raise_for_status()
    assert api.get("/api/v1/messages").json() == {"total": 0, "messages": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [("search?query=subject:x", 400), ("search", 400), ("messages?limit=x", 400), ("message/none", 404)],
)
def test_what_cannot_be_answered_is_refused(api: httpx.Client, path: str, status: int) -> None:
    assert api.get(f"/api/v1/{path}").status_code == status


def test_only_the_newest_are_kept() -> None:
    box = Box(most=3)
    for number in range(5):
        box.put(letter_of(PLAIN, [f"{number}@x.invalid"]))
    assert len(box) == 3
    assert [letter.to[0].address for letter in box.newest()] == ["4@x.invalid", "3@x.invalid", "2@x.invalid"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?x-nonsense?q?=FF?=\r\n\r\nx",
        b"Content-Type: text/plain; charset=none\r\n\r\n\xff",
    ],
)
def test_a_broken_letter_is_caught_all_the_same(content: bytes) -> None:
    letter = letter_of(content, ["a@x.invalid"])
    assert letter.to[0].address == "a@x.invalid"
    assert isinstance(letter.text, str)
