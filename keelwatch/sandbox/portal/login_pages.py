"""The pages on which a customer signs in: password first, then the one-time code of those who have one.

Both take a form, or JSON with the same names; JSON gets `{"next": "totp"|"redirect", "location"}`.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from keelwatch.sandbox.portal.call import Call, Refusal, Reply, moved, text_of
from keelwatch.sandbox.portal.flows import CODE_SECONDS, Flow, Flows, Pledge
from keelwatch.sandbox.portal.html import page
from keelwatch.sandbox.portal.identity import Identity
from keelwatch.sandbox.portal.sessions import Grant, Person
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms

NO_FLOW = "This login has expired, or was never begun. Please begin again."
WRONG_CODE = "the code is wrong or was used before"
SEED = "select secret from authenticators where account_id = %s"


class LoginPages:
    def __init__(self, flows: Flows, identity: Identity, database: Database, names: Pseudonyms) -> None:
        self._flows = flows
        self._identity = identity
        self._database = database
        self._names = names

    async def password_page(self, call: Call) -> Reply:
        id_ = call.query("flow")
        return _password_page(id_, await self._flow(id_))

    async def password(self, call: Call) -> Reply:
        fields = await call.fields()
        id_, flow = await self._asked(call, fields)
        try:
            person = await self._identity.person_of(
                call, text_of(fields, "account"), text_of(fields, "password")
            )
        except Refusal as refusal:
            if call.is_json:
                raise
            return _password_page(id_, flow, refusal.reason.capitalize() + ".", refusal.status)
        known = replace(flow, account=person.account, segment=person.segment, role=person.role)
        if person.totp:
            await self._flows.keep(id_, known)
            return _onwards(call, "totp", moved("/login/totp", flow=id_))
        return await self._finish(call, id_, known, ("pwd",))

    async def code_page(self, call: Call) -> Reply:
        id_ = call.query("flow")
        return _code_page(id_, _past_password(await self._flow(id_)))

    async def code(self, call: Call) -> Reply:
        fields = await call.fields()
        id_, flow = await self._asked(call, fields)
        _past_password(flow)
        call.segment, call.subject = flow.segment, self._names.of(flow.account)
        rows = await self._database.rows(SEED, flow.account)
        person = Person(flow.account, flow.segment, flow.role, str(rows[0][0]) if rows else "")
        given = text_of(fields, "code")
        if not person.totp or not await self._identity.accepts_code(call, person, given, time.time()):
            if call.is_json:
                raise Refusal(401, WRONG_CODE)
            return _code_page(id_, flow, WRONG_CODE.capitalize() + ".", 401)
        return await self._finish(call, id_, flow, ("pwd", "otp"))

    async def _flow(self, id_: str) -> Flow:
        flow = await self._flows.of(id_)
        if flow is None:
            raise Refusal(400, NO_FLOW)
        return flow

    async def _asked(self, call: Call, fields: Mapping[str, object]) -> tuple[str, Flow]:
        """The flow that was posted to. A form must carry its page's token; a script of another site cannot
        post JSON here. Raises `Refusal` (400)."""
        id_ = text_of(fields, "flow")
        flow = await self._flow(id_)
        csrf = fields.get("csrf")
        if not call.is_json and not hmac.compare_digest(str(csrf).encode(), flow.csrf.encode()):
            raise Refusal(400, NO_FLOW)
        return id_, flow

    async def _finish(self, call: Call, id_: str, flow: Flow, methods: tuple[str, ...]) -> Reply:
        """Back to the client, with a code."""
        now = time.time()
        family = secrets.token_hex(12)
        grant = Grant(
            flow.account, flow.segment, flow.role, methods, flow.client, flow.scope, family, int(now)
        )
        pledge = Pledge(grant, flow.redirect, flow.challenge, flow.nonce, now + CODE_SECONDS)
        code = await self._flows.pledge(id_, pledge)
        self._identity.note_login(call)
        return _onwards(call, "redirect", moved(flow.redirect, code=code, state=flow.state))


def _past_password(flow: Flow) -> Flow:
    if not flow.account:
        raise Refusal(400, NO_FLOW)
    return flow


def _onwards(call: Call, following: str, reply: Reply) -> Reply:
    if not call.is_json:
        return reply
    return Reply({"next": following, "location": reply.headers["location"]})


def _password_page(id_: str, flow: Flow, error: str = "", status: int = 200) -> Reply:
    return page("sign-in.html", status, flow=id_, csrf=flow.csrf, error=error)


def _code_page(id_: str, flow: Flow, error: str = "", status: int = 200) -> Reply:
    return page("one-time-code.html", status, flow=id_, csrf=flow.csrf, error=error)
