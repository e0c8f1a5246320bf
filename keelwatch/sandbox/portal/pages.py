"""The portal's own pages, for people with a browser. They are a client of our OpenID Connect like any
other; the session's token lives in a cookie that no script can read.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import replace

from keelwatch.sandbox.portal.accounts import Accounts
from keelwatch.sandbox.portal.billing import DEGRADED, Billing
from keelwatch.sandbox.portal.call import Call, Cookie, Refusal, Reply, moved, text_of
from keelwatch.sandbox.portal.clients import CALLBACK, PAGES
from keelwatch.sandbox.portal.flows import FLOW_SECONDS
from keelwatch.sandbox.portal.html import page
from keelwatch.sandbox.portal.identity import Identity
from keelwatch.sandbox.portal.oidc import Oidc, challenge_of
from keelwatch.sandbox.portal.plan import PLANS, Plan, Wish
from keelwatch.sandbox.portal.sessions import SESSION_SECONDS, Session

SESSION = "portal-session"
PENDING = "portal-login"
FORGOTTEN = (Cookie(SESSION, ""),)


class Pages:
    def __init__(
        self, identity: Identity, oidc: Oidc, accounts: Accounts, plan: Plan, billing: Billing
    ) -> None:
        self._identity = identity
        self._oidc = oidc
        self._accounts = accounts
        self._plan = plan
        self._billing = billing

    async def home(self, call: Call) -> Reply:
        """Signed in: to the overview. Else to the login, with what proves later that it was ours."""
        if await self._session(call) is not None:
            return moved("/overview")
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        flow = await self._oidc.begin(PAGES, CALLBACK, "openid", state, "", challenge_of(verifier))
        return moved("/login", (Cookie(PENDING, f"{state}.{verifier}", FLOW_SECONDS, CALLBACK),), flow=flow)

    async def callback(self, call: Call) -> Reply:
        state, _, verifier = call.request.cookies.get(PENDING, "").partition(".")
        if not state or not hmac.compare_digest(state.encode(), call.query("state").encode()):
            raise Refusal(400, "This login was not begun here. Please begin again.")
        tokens, _ = await self._oidc.exchange(call.query("code"), PAGES, CALLBACK, verifier)
        done = Cookie(PENDING, "", path=CALLBACK)
        return moved("/overview", (Cookie(SESSION, tokens.access, SESSION_SECONDS), done))

    async def logout(self, call: Call) -> Reply:
        """Back to where one signs in."""
        if await self._session(call) is not None:
            await self._identity.end(call, call.request.cookies[SESSION])
        return moved("/", FORGOTTEN)

    async def overview(self, call: Call) -> Reply:
        if (session := await self._session(call)) is None:
            return moved("/", FORGOTTEN)
        account = await self._accounts.find(session.account)
        if session.role != "customer":
            return page("overview.html", account=account, owed=0)
        owed = await self._billing.owed_cents(call, session)
        shown = page("overview.html", account=account, owed=owed)
        return shown if owed is not None else self._billing.degraded(shown, "overview-page")

    async def invoices(self, call: Call) -> Reply:
        if (session := await self._session(call)) is None:
            return moved("/", FORGOTTEN)
        found = await self._billing.read(call, session) if session.role == "customer" else []
        return page("invoices.html", invoices=found)

    async def plan(self, call: Call) -> Reply:
        if (session := await self._session(call)) is None:
            return moved("/", FORGOTTEN)
        return await self._plan_page(call, session)

    async def _plan_page(self, call: Call, session: Session, error: str = "", status: int = 200) -> Reply:
        shown = (await self._plan.show(session)).body
        assert not isinstance(shown, str)
        return page(
            "plan.html",
            status,
            plan=shown["plan"],
            plans=PLANS,
            csrf=_csrf(call),
            key=uuid.uuid4().hex,
            error=error,
            is_later=call.query("billing") == "later",
        )

    async def change_plan(self, call: Call) -> Reply:
        """The form's own key makes a second press of its button no second change."""
        if (session := await self._session(call)) is None:
            return moved("/", FORGOTTEN)
        fields = await call.fields()
        if not hmac.compare_digest(str(fields.get("csrf")).encode(), _csrf(call).encode()):
            raise Refusal(400, "This page has expired. Please open it again.")
        plan, key = text_of(fields, "plan"), text_of(fields, "key", 128)
        fingerprint = hashlib.sha256(f"web\n{plan}".encode()).hexdigest()
        try:
            wish = Wish(session.account, plan, key, fingerprint, "web")
            done = await self._plan.change_to(call, session, wish)
        except Refusal as refusal:
            return await self._plan_page(call, session, refusal.reason.capitalize() + ".", refusal.status)
        if DEGRADED not in done.headers:
            return moved("/plan")
        later = moved("/plan", billing="later")
        return replace(later, headers={**later.headers, DEGRADED: done.headers[DEGRADED]})

    async def _session(self, call: Call) -> Session | None:
        token = call.request.cookies.get(SESSION)
        if not token:
            return None
        try:
            return await self._identity.session_behind(call, token)
        except Refusal:
            return None


def _csrf(call: Call) -> str:
    """Bound to the session; known only to pages that were shown in it."""
    token = call.request.cookies[SESSION]
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
