"""Synthetic customers for the tests: who is free to use a one-time code, and how one signs in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp

from probes.one_time_code import LastSteps
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

CLIENT = "keelwatch-probe"
REDIRECT = "/app/callback"
PUBLIC = ("name", "password", "mailbox", "totp")
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Customer:
    """A synthetic customer, and a one-time code that nobody has used."""

    name: str
    password: str
    mailbox: str
    totp: str
    code: str


def customer(sandbox: RunningSandbox) -> Customer:
    """One whose code of this time step, or of the next, nobody used yet: no test, and no journey."""
    accounts = json.loads(Path(sandbox.first.accounts_file).read_text())["synthetic"]
    found = until(lambda: _free(LastSteps("sandbox"), accounts), 40)
    assert found is not None
    return found


def _free(used: LastSteps, accounts: list[dict[str, str]]) -> Customer | None:
    """The caller has the sandbox to itself, so nobody else uses a code meanwhile."""
    now = int(time.time() // 30)
    for account in sorted(accounts, key=lambda one: used.of(one["name"])):
        step = max(now, used.of(account["name"]) + 1)
        if step <= now + 1:
            used.use(account["name"], step)
            code = pyotp.TOTP(account["totp"]).at(step * 30)
            return Customer(**{name: account[name] for name in PUBLIC}, code=code)
    return None


@contextmanager
def entering(sandbox: RunningSandbox, edge: str = "edge") -> Iterator[httpx.Client]:
    """A client that is nobody yet, counted as a probe."""
    url = sandbox.first.urls[edge]
    headers = {"keelwatch-traffic": "probe"}
    with httpx.Client(base_url=url, verify=sandbox.trusting(), headers=headers, timeout=10) as client:
        yield client


@dataclass(slots=True)
class Login:
    """One login by OpenID Connect, step by step."""

    client: httpx.Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def query(self) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": str(self.client.base_url.join(REDIRECT)),
            "scope": "openid",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }

    def password_page(self) -> httpx.Response:
        moved = self.client.get("/oauth/authorize", params=self.query())
        assert moved.status_code == 302
        return self.client.get(moved.headers["location"])

    def code_page(self, who: Customer) -> httpx.Response:
        fields = hidden(self.password_page()) | {"account": who.name, "password": who.password}
        moved = self.client.post("/login", data=fields)
        assert (moved.status_code, urlsplit(moved.headers["location"]).path) == (302, "/login/totp")
        return self.client.get(moved.headers["location"])

    def code(self, who: Customer) -> str:
        """What the provider sends the client back with."""
        moved = self.client.post("/login/totp", data=hidden(self.code_page(who)) | {"code": who.code})
        arrived = urlsplit(moved.headers["location"])
        assert (moved.status_code, arrived.path, arrived.netloc) == (302, REDIRECT, "")
        query = parse_qs(arrived.query)
        assert query["state"] == [self.state]
        return query["code"][0]

    def exchange(self, code: str, **other: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.query()["redirect_uri"],
            "client_id": CLIENT,
            "code_verifier": self.verifier,
        }
        return self.client.post("/oauth/token", data=form | other)

    def tokens(self, who: Customer) -> Mapping[str, Any]:
        answer = self.exchange(self.code(who))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        self.client.headers["authorization"] = f"Bearer {tokens['access_token']}"
        return tokens


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the page's form."""
    return dict(HIDDEN.findall(page.text))


@contextmanager
def signed_in(
    sandbox: RunningSandbox, edge: str = "edge"
) -> Iterator[tuple[httpx.Client, Mapping[str, Any]]]:
    """A client with an access token, and all its tokens."""
    with entering(sandbox, edge) as client:
        yield client, Login(client).tokens(customer(sandbox))


def refreshed(client: httpx.Client, refresh: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": CLIENT}
    return client.post("/oauth/token", data=form)


def status_with(client: httpx.Client, token: str, path: str = "/v2/session") -> int:
    """What `token` gets at `path`."""
    return client.get(path, headers={"authorization": f"Bearer {token}"}).status_code


def letters(sandbox: RunningSandbox, to: str) -> list[dict[str, str]]:
    """Those to `to`, the newest first, in full."""
    with httpx.Client(base_url=sandbox.first.urls["mail"], trust_env=False) as mail:
        found = mail.get("/api/v1/search", params={"query": f'to:"{to}"'}).json()["messages"]
        return [mail.get(f"/api/v1/message/{one['ID']}").json() for one in found]


def link_in(letter: Mapping[str, str]) -> str:
    """The address that stands on a line of its own."""
    found = re.search(r"^https://\S+$", letter["Text"], re.MULTILINE)
    assert found is not None
    return found[0]


def token_in(letter: Mapping[str, str]) -> str:
    return parse_qs(urlsplit(link_in(letter)).query)["token"][0]


def address() -> str:
    """One that nobody has."""
    return f"new-{secrets.token_hex(6)}@probes.invalid"
