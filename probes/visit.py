"""One customer at one entrance: who it is, what is known so far, and how its requests are made."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from keelwatch.workspace.entrance import Account, Entrance
from keelwatch.workspace.secret import Secret
from probes.names import Known, filled, filled_text
from probes.one_time_code import MIN_REMAINING_S
from probes.wire import AGENT, Following, WireRequest

if TYPE_CHECKING:
    from probes.spec import Request

TRAFFIC = "Keelwatch-Traffic"
SHORT_S = 2.0  # a wait that nobody needs to be told of


@dataclass(frozen=True, slots=True)
class Session:
    """What a login brought. `at` is where it counts: the base URL it came from. A page's session is in the
    wire's cookies and has no `access` here."""

    flow: str
    access: Secret | None = None
    refresh: Secret | None = None
    id_token: Secret | None = None
    token_endpoint: str = ""
    logout_endpoint: str = ""
    client: str = ""


@dataclass(slots=True)
class Visit:
    """`trace` is the trace id (32 hex digits) of every request; each gets a span of its own. `clocks` are the
    deadlines that hold now, `waited_s` how long they were moved along; `made` are the secrets that came up on
    the way; `acknowledged` is when the last change was answered (monotonic). A one-time code is sent only
    with `code_spare_s` left of its time."""

    entrance: Entrance
    region: str
    wire: Following
    trace: str
    account: Account | None = None
    session: Session | None = None
    names: dict[str, Known] = field(default_factory=dict)
    clocks: list[asyncio.Timeout] = field(default_factory=list)
    made: list[Secret] = field(default_factory=list)
    waited_s: float = 0.0
    acknowledged: float | None = None
    say: Callable[[str], None] = lambda _: None
    traffic: str = "probe"
    code_spare_s: float = MIN_REMAINING_S

    def secret(self, value: str) -> Secret:
        """A secret that lives as long as this visit is on record anywhere."""
        found = Secret(value)
        self.made.append(found)
        return found

    def forget(self) -> None:
        """Every record of this visit is written: its tokens are nobody's any more."""
        for one in self.made:
            one.forget()
        self.made.clear()

    async def wait_unhurried(self, seconds: float) -> None:
        """Wait for what is no customer's time: every deadline moves along, and whoever follows is told."""
        if seconds > SHORT_S:
            who = f"{self.account.name} " if self.account else ""
            self.say(f"{who}waits {seconds:.0f} s for its next one-time code")
        for clock in self.clocks:
            when = clock.when()
            if when is not None and not clock.expired():
                clock.reschedule(when + seconds)
        self.waited_s += seconds
        await asyncio.sleep(seconds)

    def url(self, path: str, region: str | None = None) -> str:
        """`path` at the region's entrance; a whole URL stays as it is."""
        return urljoin(self.entrance.base(region or self.region), path)

    def request(self, method: str, path: str, parts: Request, region: str | None = None) -> WireRequest:
        """The request of a step, names filled in. Raises `UnsetName`."""
        url = _with_query(self.url(filled_text(path, self.names), region), self._texts(parts.query))
        headers = self._texts(parts.headers)
        body = b""
        if parts.form is not None:
            body = urlencode(self._texts(parts.form)).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif parts.body is not None:
            body = json.dumps(filled(parts.body, self.names), ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        return self.dressed(method, url, headers, body, authorized=parts.auth == "session")

    def dressed(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b"", *, authorized: bool
    ) -> WireRequest:
        """A request with what all of them carry: trace, traffic, and the session's token."""
        given = {name.lower() for name in headers}
        if authorized and "authorization" not in given and self.session and self.session.access:
            headers["Authorization"] = f"Bearer {self.session.access.reveal()}"
        span = secrets.token_hex(8)
        trace = ("traceparent", f"00-{self.trace}-{span}-01")
        always = (AGENT, (TRAFFIC, self.traffic), trace, ("Accept", "*/*"))
        added = tuple((name, value) for name, value in always if name.lower() not in given)
        return WireRequest(method.upper(), url, (*headers.items(), *added), body)

    def enter(self, session: Session | None) -> None:
        """Become the session's customer from now on; its secrets get their names."""
        before = self.session
        self.session = session
        if before is not None:
            self._name("session.old_access", before.access)
            self._name("session.old_refresh", before.refresh)
        for part in ("access", "refresh", "id_token"):
            self.names.pop(f"session.{part}", None)
            if session is not None:
                self._name(f"session.{part}", getattr(session, part))

    def _name(self, name: str, value: Secret | None) -> None:
        if value is not None:
            self.names[name] = value

    def _texts(self, texts: dict[str, str]) -> dict[str, str]:
        return {name: filled_text(value, self.names) for name, value in texts.items()}


def first_names(account: Account | None, region: str, execution: str, trace: str) -> dict[str, Known]:
    """What is known before the first step. Fetches the account's password; raises `SourceError`."""
    word = secrets.token_hex(6)
    names: dict[str, Known] = {
        "region": region,
        "run.id": execution,
        "run.trace": trace,
        "random.word": word,
        "random.account": f"nobody-{word}",
        "random.mailbox": f"nobody-{word}@probes.invalid",
    }
    if account is not None:
        names |= {
            "account.name": account.name,
            "account.password": account.password(),
            "account.mailbox": account.mailbox,
        }
    return names


def _with_query(url: str, query: dict[str, str]) -> str:
    if not query:
        return url
    parts = urlsplit(url)
    return parts._replace(
        query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *query.items()])
    ).geturl()
