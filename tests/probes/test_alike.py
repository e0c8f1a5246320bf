"""Whether two answers tell which of two accounts exists."""

from __future__ import annotations

import pytest

from probes.alike import compared
from probes.answer import Answer
from tests.probes.made import answer

KNOWN, UNKNOWN = "ada@shop.example", "nobody-1@probes.invalid"


def told(first: Answer, second: Answer) -> list[str]:
    return [one.what.split()[0] for one in compared((KNOWN, first), (UNKNOWN, second)) if not one.ok]


def test_answers_that_say_the_same_of_each_subject_are_alike() -> None:
    for form in ("Sent to {}.", "<b>{}</b>", '{{"to": "{}"}}'):
        assert told(answer(form.format(KNOWN)), answer(form.format(UNKNOWN.upper()))) == []
    assert told(answer("/x?a=ada%40shop.example"), answer("/x?a=nobody-1%40probes.invalid")) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at 2026-11-22T04:19:00Z", "at 2026-11-22T04:19:01.250+00:00"),
        ("token 0123456789abcdef0123", "token fedcba9876543210fedc"),
        ("id a_long-nonce_of_20_signs", "id b_long-nonce_of_20_signs"),
    ],
)
def test_what_differs_between_any_two_answers_tells_nothing(first: str, second: str) -> None:
    assert told(answer(first), answer(second)) == []


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (answer("sent", 404), ["status"]),
        (answer("sent."), ["body"]),
        (answer("sent", headers={"X-User": "1"}), ["headers"]),
        (answer("sent", headers={"Set-Cookie": "sid=1; Path=/"}), ["cookies"]),
        (answer("sent", headers={"Retry-After": "5"}), ["headers"]),
    ],
)
def test_each_thing_that_could_tell_is_a_check_of_its_own(second: Answer, what: list[str]) -> None:
    assert told(answer("sent"), second) == what
    assert told(second, answer("sent")) == what


def test_a_date_a_count_and_a_cookies_value_tell_nothing() -> None:
    first = {"Date": "a", "X-Request-Id": "1", "RateLimit-Remaining": "5", "Set-Cookie": "sid=1; Max-Age=60"}
    second = {"Date": "b", "X-Request-Id": "2", "RateLimit-Remaining": "4", "Set-Cookie": "sid=2; Max-Age=59"}

    assert told(answer("", headers=first), answer("", headers=second)) == []


def test_the_difference_shows_where_the_answers_part() -> None:
    body = compared((KNOWN, answer("We sent you a mail")), (UNKNOWN, answer("We know nobody of that name")))[
        3
    ]

    assert body.found == "We sent you a mail | We know nobody of that name"


def test_an_empty_subject_masks_nothing() -> None:
    assert all(one.ok for one in compared(("", answer("abc")), ("", answer("abc"))))
