"""What a login page asks for: read from its form, or from the JSON that some themes hold in place of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from probes.answer import without_halves
from probes.markup import LARGEST_PAGE, Tag, inside, tags

CODE_NAMES = ("code", "otp", "totp", "one-time-code", "one_time_code", "passcode", "mfa_code")
ACCOUNT_NAMES = ("account", "username", "user", "email", "login", "identifier")
# Keycloak themes without a <form> keep the address in a script: "loginAction": "https://..."
LOGIN_ACTION = re.compile(r'"?(?:loginAction|url\.loginAction)"?\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Form:
    """`fields` are sent as they are; the others name the inputs that a customer fills in, or are empty."""

    action: str
    method: str
    fields: Mapping[str, str]
    account: str = ""
    password: str = ""
    code: str = ""

    @property
    def asks_for(self) -> str:
        if self.password:
            return "password"
        return "one-time code" if self.code else ""


def form_of(html: str, url: str) -> Form | None:
    """The first form that asks for a password or a one-time code; `url` is where the page came from."""
    page = tags(html)
    for index, tag in enumerate(page):
        if tag.name != "form":
            continue
        form = _read(tag, (one for one in inside(page, index) if one.name == "input"), url)
        if form.asks_for:
            return form
    return _from_script(html[:LARGEST_PAGE], url)


def _read(tag: Tag, inputs: Iterable[Tag], url: str) -> Form:
    fields: dict[str, str] = {}
    account = password = code = ""
    for one in inputs:
        name, kind = one.get("name"), one.get("type").lower() or "text"
        if not name:
            continue
        if kind == "password":
            password = password or name
        elif one.get("autocomplete") == "one-time-code" or (kind != "hidden" and name.lower() in CODE_NAMES):
            code = code or name
        elif kind in {"text", "email"} and (not account or name.lower() in ACCOUNT_NAMES):
            account = name
        elif kind not in {"submit", "button", "checkbox", "radio", "image", "reset", "file"}:
            fields[name] = one.get("value")
    action = urljoin(url, tag.get("action"))
    return Form(action, tag.get("method").upper() or "GET", fields, account, password, code)


def _from_script(html: str, url: str) -> Form | None:
    found = LOGIN_ACTION.search(html)
    if found is None:
        return None
    try:
        action = without_halves(str(json.loads(found[1])))
    except ValueError:
        return None
    if re.search(r'"?pageId"?\s*:\s*"login-otp', html):
        return Form(urljoin(url, action), "POST", {}, code="otp")
    return Form(urljoin(url, action), "POST", {}, account="username", password="password")  # noqa: S106 a field's name
