"""Becoming a customer: the flows of a `login` step. Each request's hops go into the trail.

OpenID Connect Core 1.0 (authorization code), RFC 7636 (PKCE), RFC 6749 section 6 (refresh).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from keelwatch.workspace.secret import Secret
from keelwatch.workspace.sink import SHORTEST
from probes.answer import Answer, NotJson
from probes.form import Form, form_of
from probes.names import UnsetName, filled_text
from probes.one_time_code import LastSteps, code_of, next_turn
from probes.record import Cause, Hop
from probes.visit import Session, Visit
from probes.wire import WireRequest

if TYPE_CHECKING:
    from probes.spec import Login

DISCOVERY = "/.well-known/openid-configuration"
JSON_LOGIN, JSON_LOGOUT, PAGE = "/v1/login", "/v1/logout", "/login"
MOST_PAGES = 4
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
JSON_TYPE = {"Content-Type": "application/json"}


class LoginFailed(Exception):
    """The account was refused, or the provider does not do what its protocol says."""

    def __init__(self, reason: str, cause: Cause = Cause.AUTH) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


@dataclass(slots=True)
class Trail:
    """What a step went through: its hops, its last exchange, and how long it waited for its turn with a
    one-time code, which is nobody's latency."""

    hops: list[Hop] = field(default_factory=list)
    request: WireRequest | None = None
    answer: Answer | None = None
    waited_s: float = 0.0

    def add(self, request: WireRequest, answer: Answer) -> Answer:
        self.hops += answer.hops
        self.request, self.answer = request, answer
        return answer


async def log_in(visit: Visit, login: Login, trail: Trail, codes: LastSteps) -> None:
    """Follow the flow of `login`; the visit has its session afterwards, or none after `logout`.

    Raises `LoginFailed`, and what the wire raises.
    """
    flow = _Flow(visit, login, trail, codes)
    match login.flow:
        case "oidc":
            visit.enter(await flow.oidc())
        case "form":
            await flow.pages(visit.url(filled_text(login.path or PAGE, visit.names)), "")
            visit.enter(Session("form"))
        case "json":
            visit.enter(await flow.json_login())
        case "refresh":
            visit.enter(await flow.refresh())
        case "logout":
            await flow.logout()
            visit.enter(None)


@dataclass(slots=True)
class _Flow:
    visit: Visit
    login: Login
    trail: Trail
    codes: LastSteps

    async def oidc(self) -> Session:
        visit, login = self.visit, self.login
        discovery = visit.url(filled_text(login.path or DISCOVERY, visit.names))
        provider = await self._document("GET", discovery, "the discovery document")
        redirect = urljoin(visit.url("/"), login.redirect)
        verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": login.client,
            "redirect_uri": redirect,
            "scope": login.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        start = f"{_text(provider, 'authorization_endpoint')}?{urlencode(query)}"
        visit.secret(verifier)
        code = visit.secret(_code_from(await self.pages(start, redirect), state)).reveal()
        tokens = await self._tokens(
            _text(provider, "token_endpoint"),
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect,
                "client_id": login.client,
                "code_verifier": verifier,
            },
        )
        session = self._session(tokens, provider, login.client)
        if session.id_token is not None:
            await self._verify(session.id_token, provider, nonce)
        return session

    async def pages(self, url: str, redirect: str) -> str:
        """Answer page after page until the redirect (its address is returned), or, without one, until no
        page asks for anything more."""
        answer = await self._follow("GET", url, {}, b"", redirect)
        asked = ""
        for _ in range(MOST_PAGES):
            if redirect and (arrived := _arrived_at(answer, redirect)):
                return arrived
            form = form_of(answer.text, answer.hop.url)
            if form is None or not form.asks_for:
                break
            if form.asks_for == asked:
                raise LoginFailed(f"{self._who()} was refused: the page asks for the {form.asks_for} again")
            asked = form.asks_for
            answer = await self._answer(form, redirect)
        where = urlsplit(answer.hop.url).path
        if answer.status >= 500:
            raise LoginFailed(f"login answers {answer.status} ({where})", Cause.HTTP)
        if redirect:
            raise LoginFailed(f"login ends at {where} with {answer.status}, and nothing is asked", Cause.HTTP)
        if answer.status >= 400:
            raise LoginFailed(f"{self._who()} was refused: status {answer.status}")
        return ""

    async def _answer(self, form: Form, redirect: str) -> Answer:
        visit = self.visit
        fields = dict(form.fields)
        if form.password:
            if form.account:
                fields[form.account] = filled_text(self.login.account, visit.names)
            fields[form.password] = filled_text(self.login.password, visit.names)
        if form.code:
            fields[form.code] = await self._code()
        if form.method == "GET":
            action = urlsplit(form.action)._replace(query=urlencode(fields)).geturl()
            answer = await self._follow("GET", action, {}, b"", redirect)
        else:
            body = urlencode(fields).encode()
            answer = await self._follow(form.method, form.action, dict(FORM_TYPE), body, redirect)
        if answer.status >= 500:
            raise LoginFailed(f"login answers {answer.status} ({urlsplit(form.action).path})", Cause.HTTP)
        return answer

    async def _code(self) -> str:
        """The one-time code of the leased account, waiting for its turn."""
        account = self.visit.account
        secret = account.totp() if account else None
        if account is None or secret is None:
            raise LoginFailed(
                f"{self._who()} is asked for a one-time code, and has no TOTP secret", Cause.OURS
            )
        turn = next_turn(time.time(), self.codes.of(account.name), self.visit.code_spare_s)
        self.codes.use(account.name, turn.step)
        if turn.wait_s:
            await self.visit.wait_unhurried(turn.wait_s)
            self.trail.waited_s += turn.wait_s
        return self.visit.secret(code_of(secret, turn.step)).reveal()

    async def json_login(self) -> Session:
        visit, login = self.visit, self.login
        body = {
            "account": filled_text(login.account, visit.names),
            "password": filled_text(login.password, visit.names),
        }
        if login.totp:
            body["otp"] = await self._code()
        url = visit.url(filled_text(login.path or JSON_LOGIN, visit.names))
        found = await self._document("POST", url, "the login", JSON_TYPE, json.dumps(body).encode())
        token = found.get("access_token", found.get("token"))
        return Session("json", access=self._secret(token, "token"))

    async def refresh(self) -> Session:
        session = self._session_there()
        if session.refresh is None:
            raise LoginFailed(
                "there is no refresh token: no oidc login before, or no offline_access", Cause.OURS
            )
        tokens = await self._tokens(
            session.token_endpoint,
            {
                "grant_type": "refresh_token",
                "refresh_token": session.refresh.reveal(),
                "client_id": session.client,
            },
        )
        endpoints = {
            "token_endpoint": session.token_endpoint,
            "end_session_endpoint": session.logout_endpoint,
        }
        renewed = self._session(tokens, endpoints, session.client)
        if renewed.refresh is None or renewed.refresh == session.refresh:
            raise LoginFailed("the refresh token was not rotated", Cause.ASSERTION)
        return renewed

    async def logout(self) -> None:
        session = self._session_there()
        path = self.login.path or session.logout_endpoint or JSON_LOGOUT
        url = self.visit.url(filled_text(path, self.visit.names))
        request = self.visit.dressed("POST", url, dict(FORM_TYPE), authorized=True)
        answer = self.trail.add(request, await self.visit.wire.follow(request))
        if answer.status >= 400:
            raise LoginFailed(f"logout answers {answer.status}", Cause.HTTP)

    def _session_there(self) -> Session:
        if self.visit.session is None:
            raise LoginFailed(f"{self.login.flow} without a session", Cause.OURS)
        return self.visit.session

    async def _tokens(self, endpoint: str, form: Mapping[str, str]) -> Mapping[str, object]:
        return await self._document(
            "POST", endpoint, "the token endpoint", FORM_TYPE, urlencode(form).encode()
        )

    async def _document(
        self, method: str, url: str, what: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Mapping[str, object]:
        request = self.visit.dressed(method, url, dict(headers or {}), body, authorized=False)
        answer = self.trail.add(request, await self.visit.wire.follow(request))
        try:
            found = answer.json
        except NotJson:
            found = None
        if answer.status in {400, 401, 403} and method == "POST":
            said = found.get("error") if isinstance(found, dict) else None
            raise LoginFailed(f"{self._who()} was refused by {what}: {said or answer.status}")
        if answer.status != 200 or not isinstance(found, dict):
            raise LoginFailed(f"{what} answers {answer.status}, not 200 with a JSON object", Cause.HTTP)
        return found

    async def _follow(
        self, method: str, url: str, headers: dict[str, str], body: bytes, redirect: str
    ) -> Answer:
        request = self.visit.dressed(method, url, headers, body, authorized=False)
        stop = (lambda location: _is_at(location, redirect)) if redirect else None
        return self.trail.add(request, await self.visit.wire.follow(request, stop=stop))

    async def _verify(self, id_token: Secret, provider: Mapping[str, object], nonce: str) -> None:
        """Signature, issuer, audience, end and nonce: OpenID Connect Core 1.0, section 3.1.3.7."""
        import jwt

        keys = await self._document("GET", _text(provider, "jwks_uri"), "the key set")
        try:
            wanted = jwt.get_unverified_header(id_token.reveal()).get("kid")
            found = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if wanted in {None, key.key_id}]
            if not found:
                raise LoginFailed("the ID token's key is not in the key set", Cause.ASSERTION)
            claims = jwt.decode(
                id_token.reveal(),
                found[0],
                algorithms=["ES256", "RS256", "EdDSA"],
                audience=self.login.client,
                issuer=_text(provider, "issuer"),
                leeway=30,
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise LoginFailed(f"the ID token does not hold: {error}", Cause.ASSERTION) from None
        if claims.get("nonce") != nonce:
            raise LoginFailed("the ID token has another nonce", Cause.ASSERTION)

    def _session(self, tokens: Mapping[str, object], provider: Mapping[str, object], client: str) -> Session:
        refresh, id_token = tokens.get("refresh_token"), tokens.get("id_token")
        return Session(
            flow="oidc",
            access=self._secret(tokens.get("access_token"), "access token"),
            refresh=self._secret(refresh, "refresh token") if refresh else None,
            id_token=self._secret(id_token, "ID token") if id_token else None,
            token_endpoint=str(provider.get("token_endpoint", "")),
            logout_endpoint=str(provider.get("end_session_endpoint", "")),
            client=client,
        )

    def _secret(self, found: object, what: str) -> Secret:
        if not isinstance(found, str) or len(found) < SHORTEST:
            raise LoginFailed(f"the answer holds no {what}", Cause.HTTP)
        return self.visit.secret(found)

    def _who(self) -> str:
        try:
            return filled_text(self.login.account, self.visit.names) or "nobody"
        except UnsetName:
            return "nobody"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _text(document: Mapping[str, object], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise LoginFailed(f"the discovery document has no {name}", Cause.HTTP)
    return found


def _arrived_at(answer: Answer, redirect: str) -> str:
    """The redirect's address when `answer` leads there, else an empty text."""
    location = urljoin(answer.hop.url, answer.header("location") or "")
    return location if 300 <= answer.status < 400 and _is_at(location, redirect) else ""


def _is_at(location: str, redirect: str) -> bool:
    """The same place, whatever the query says."""
    one, other = urlsplit(location), urlsplit(redirect)
    if not one.netloc:
        return one.path == other.path
    return (one.scheme, one.netloc, one.path) == (other.scheme, other.netloc, other.path)


def _code_from(location: str, state: str) -> str:
    query = parse_qs(urlsplit(location).query)
    if query.get("state") != [state]:
        raise LoginFailed("the provider did not return our state", Cause.ASSERTION)
    match query.get("code"):
        case [code]:
            return code
    raise LoginFailed(f"the provider gave no code: {(query.get('error') or ['no reason'])[0]}")
