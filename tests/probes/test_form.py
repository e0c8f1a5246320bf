"""What a login page asks for, whoever wrote it."""

from __future__ import annotations

import pytest

from probes.form import Form, form_of

URL = "https://id.example/auth/login?x=1"


def test_a_login_form_is_read_with_its_hidden_fields() -> None:
    page = """<form action=/search><input name=q></form>
    <form method=post action="do?s=a&amp;t=b"><input type=hidden name=csrf value=abc>
    <input name=user type=email><input name=pw type=password><input type=checkbox name=keep></form>"""

    assert form_of(page, URL) == Form(
        "https://id.example/auth/do?s=a&t=b", "POST", {"csrf": "abc"}, account="user", password="pw"
    )


def test_the_account_is_the_input_that_is_called_so() -> None:
    page = (
        "<form><input name=tenant><input name=username><input name=hint><input name=p type=password></form>"
    )

    form = form_of(page, URL)
    assert form is not None
    assert (form.account, form.action, form.method) == ("username", URL, "GET")


@pytest.mark.parametrize(
    "field", ["name=otp", "name=x autocomplete=one-time-code", "name=CODE type=tel", "name=totp type=number"]
)
def test_a_one_time_code_is_known_by_its_name_or_its_purpose(field: str) -> None:
    form = form_of(f"<form method=post><input {field}></form>", URL)

    assert form is not None
    assert form.asks_for == "one-time code"


def test_a_theme_without_a_form_is_read_from_its_script() -> None:
    page = (
        '<script>const kc = {"url": {"loginAction": "https:\\/\\/id.example\\/do?a=1&b=2"}, "pageId": "PAGE"}'
    )

    assert form_of(page.replace("PAGE", "login.ftl"), URL) == Form(
        "https://id.example/do?a=1&b=2", "POST", {}, account="username", password="password"
    )
    second = form_of(page.replace("PAGE", "login-otp.ftl"), URL)
    assert second is not None
    assert (second.code, second.asks_for) == ("otp", "one-time code")


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<![",
        "<form",
        "<form><input type=password></form>",
        "<form><input name=q></form>",
        '{"loginAction": "\\x"}',
        "<" * 3000,
    ],
)
def test_a_page_that_asks_for_nothing_is_no_form_and_does_no_harm(page: str) -> None:
    assert form_of(page, URL) is None
