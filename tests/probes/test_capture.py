"""Taking values out of answers, also out of broken ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keelwatch.workspace.secret import Secret
from probes.answer import Answer
from probes.capture import NothingCaptured, captured, field_value, links
from probes.spec import Capture
from tests.probes.made import answer

PAGE = """<form><input name=csrf value="a&amp;b"><input name=plan type=radio value=basic>
<input name=plan type=radio value=plus checked><textarea name=note> hi </textarea>
<select name=size><option>S<option value=m selected>M</select>
<select name=first><option value=one><option>two</select>
<button name=go value=1>Go</button>"""


def capture(**given: Any) -> Capture:
    return Capture.model_validate_json(json.dumps(given))


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"json": "a[0].id"}, 7),
        ({"json": "a"}, [{"id": 7}]),
        ({"header": "X-Id"}, "h1"),
        ({"cookie": "sid"}, "s1"),
        ({"regex": '"id": (\\d+)'}, "7"),
        ({"regex": "i."}, "id"),
    ],
)
def test_each_source_gives_its_value(given: dict[str, str], value: object) -> None:
    found = answer({"a": [{"id": 7}]}, headers={"X-Id": "h1", "Set-Cookie": "sid=s1; Path=/; Secure"})

    assert captured("x", capture(**given), found) == value


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"json": "gone"}, "no json gone"),
        ({"json": "length(a)"}, "nothing to capture as x: "),
        ({"header": "Gone"}, "no header Gone"),
        ({"cookie": "gone"}, "no cookie gone"),
        ({"regex": "zz"}, "no regex zz"),
        ({"regex": "(z)?a"}, "no regex"),
        ({"field": "gone"}, "no field gone"),
    ],
)
def test_what_is_not_there_is_said(given: dict[str, str], why: str) -> None:
    with pytest.raises(NothingCaptured) as caught:
        captured("x", capture(**given), answer({"a": 3}))

    assert why in str(caught.value)


def test_a_page_in_place_of_json_is_said() -> None:
    with pytest.raises(NothingCaptured, match="the body is not JSON"):
        captured("x", capture(json="a"), answer("<html>"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("csrf", "a&b"),
        ("plan", "plus"),
        ("note", " hi "),
        ("size", "m"),
        ("first", "one"),
        ("go", "1"),
        ("gone", None),
    ],
)
def test_a_field_has_the_value_it_would_be_sent_with(name: str, value: str | None) -> None:
    assert field_value(PAGE, name) == value


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<",
        "<form",
        "<input name=a",
        "<![",
        "<!DOCTYPE [<!",
        "&#xffffffff;",
        "<" * 5000,
        "<div>" * 5000,
        "\0<input name>",
    ],
)
def test_broken_html_holds_no_field_and_no_link_and_does_no_harm(page: str) -> None:
    assert field_value(page, "csrf") is None
    assert links(page + "<a ") == []


def test_the_links_of_a_mail_are_those_a_customer_could_follow() -> None:
    assert links("Open https://x.example/recover?token=a&b=2. Or (http://y.example/z)!") == [
        "https://x.example/recover?token=a&b=2",
        "http://y.example/z",
    ]
    assert links(
        '<p>https://no.example</p><a class=b href="https://x.example/?a=1&amp;b=2">x</a><a href="/rel">'
    ) == ["https://x.example/?a=1&b=2"]


def test_mail_gives_its_first_fitting_link_and_code() -> None:
    letter = answer("Code 12 or 123456. https://x.example/help https://x.example/recover?t=1")

    assert captured("x", capture(link="/recover"), letter) == "https://x.example/recover?t=1"
    assert captured("x", capture(code="\\d{6}"), letter) == "123456"


def test_a_secret_capture_cannot_be_printed_and_must_be_long_enough_to_be_masked() -> None:
    found = captured("x", capture(json="t", secret=True), answer({"t": "abcdef-123"}))

    assert isinstance(found, Secret)
    assert "abcdef" not in f"{found} {found!r}"
    for body in ({"t": "abc"}, {"t": 123456}):
        with pytest.raises(NothingCaptured, match="marked secret"):
            captured("x", capture(json="t", secret=True), answer(body))


@pytest.mark.parametrize("charset", ["utf-8", "nonsense", "idna", "hex", '"latin-1"', "utf\0", ""])
def test_a_server_may_name_any_charset(charset: str) -> None:
    assert answer(b"ab\xff", headers={"Content-Type": f"text/html; charset={charset}"}).text.startswith("ab")


def test_a_cookie_is_the_one_that_this_answer_sets() -> None:
    found = Answer(200, (("set-cookie", "a=1; Path=/"), ("set-cookie", "b=x=y;")), b"", ())

    assert (found.cookie("a"), found.cookie("b"), found.cookie("Path")) == ("1", "x=y", None)
