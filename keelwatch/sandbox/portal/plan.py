"""Plan change, with an Idempotency-Key, in the shapes of both versions. Component `accounts`."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.accounts import Accounts
from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.billing import Billing
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.outbox import announce
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

if TYPE_CHECKING:
    import psycopg

PLANS = ("basic", "plus", "max")
# The subquery sees the row as it was.
CHANGE = """
    update accounts as a set plan = %s, changed_at = now()
    from (select id, plan from accounts where id = %s for update) as old where a.id = old.id
    returning old.plan, a.id, a.name, a.email, a.segment, a.region, a.plan
"""
CLAIM = """
    insert into idempotency (account_id, key, body_sha256) values (%s, %s, %s)
    on conflict do nothing returning true
"""
CLAIMED = "select body_sha256, answer from idempotency where account_id = %s and key = %s"
KEEP = "update idempotency set answer = %s where account_id = %s and key = %s"
TELL_BILLING = "insert into billing_changes (account_id, plan, region) values (%s, %s, %s)"
MARK = "update idempotency set answer = answer || %s where account_id = %s and key = %s"
SHOW = "select plan, changed_at from accounts where id = %s"


@dataclass(frozen=True, slots=True)
class Wish:
    """One customer's wish for a plan. `fingerprint` tells its body, in its version, from another one."""

    account: str
    plan: str
    key: str
    fingerprint: str
    version: str

    @property
    def route(self) -> str:
        """Of the route table."""
        return {"v1": "plan-change", "v2": "v2-plan-change"}.get(self.version, "plan-form")

    def answer(self) -> dict[str, object]:
        if self.version == "v1":
            return {"account": self.account, "plan": self.plan}
        return {"plan": self.plan, "change": uuid.uuid4().hex}


class Plan:
    def __init__(
        self,
        region: str,
        database: Database,
        accounts: Accounts,
        audit: Audit,
        strikes: Strikes,
        billing: Billing,
    ) -> None:
        self._region = region
        self._database = database
        self._accounts = accounts
        self._audit = audit
        self._strikes = strikes
        self._billing = billing

    async def show(self, session: Session) -> Reply:
        """Version 2 only. Raises `Refusal` (404)."""
        await self._strikes.at("accounts", self._region)
        rows = await self._database.rows(SHOW, session.account)
        if not rows:
            raise Refusal(404, "no such account")
        plan, changed_at = rows[0]
        return Reply({"plan": plan, "changed_at": changed_at.isoformat()})  # type: ignore[attr-defined]  # a timestamptz

    async def change(self, call: Call, session: Session, version: str) -> Reply:
        """Raises `Refusal` (400, 403, 404, 409, 422), which is audited, and `ComponentFailure`."""
        await self._strikes.at("accounts", self._region)
        key = _idempotency_key(call)
        try:
            body, document = await call.document()
            plan = text_of(document, "plan")
            fingerprint = hashlib.sha256(f"{version}\n".encode() + body).hexdigest()
            return await self.change_to(call, session, Wish(session.account, plan, key, fingerprint, version))
        except Refusal:
            self._audit.note(call.subject, "plan.refused", "refused", call.trace.trace_id, key=key)
            raise

    async def change_to(self, call: Call, session: Session, wish: Wish) -> Reply:
        if wish.plan not in PLANS:
            raise Refusal(422, f"plan is one of {', '.join(PLANS)}")
        if session.role != "customer":
            raise Refusal(403, "agents have no plan")
        async with self._database.transaction() as connection:
            if not await _claim(connection, wish):
                replayed = await _replay(connection, wish)
                if not self._has("billing", "double-effect"):
                    return replayed
                changed = await self._act(connection, call, wish)
                reply = replayed
            else:
                changed = await self._act(connection, call, wish)
                answer = wish.answer()
                await connection.execute(KEEP, (json.dumps(answer), wish.account, wish.key))
                reply = Reply(answer)
        await self._accounts.refresh(wish.account, changed)
        if await self._billing.heed_changes(call, wish.account):
            return reply
        return await self._degraded(wish, reply)

    async def _degraded(self, wish: Wish, reply: Reply) -> Reply:
        """The plan is changed, and billing will find it; repeated, the answer is still the same."""
        found = self._billing.degraded(reply, wish.route)
        assert not isinstance(found.body, str)
        try:
            async with self._database.transaction() as connection:
                told = json.dumps({"degraded": found.body["degraded"]})
                await connection.execute(MARK, (told, wish.account, wish.key))
        except ComponentFailure:
            pass  # repeated, the answer then says less
        return found

    async def _act(self, connection: psycopg.AsyncConnection, call: Call, wish: Wish) -> Mapping[str, object]:
        """Change, audit row and event: all of it or nothing. Returns the account as it is now."""
        row = await (await connection.execute(CHANGE, (wish.plan, wish.account))).fetchone()
        if row is None:
            raise Refusal(404, "no such account")
        before, *account = row
        if not self._has("accounts", "audit-missing"):
            await self._audit.write(
                connection,
                call.subject,
                "plan.changed",
                call.trace.trace_id,
                key=wish.key,
                before=before,
                after=wish.plan,
            )
        await announce(connection, "plan.changed", wish.account, wish.plan)
        await connection.execute(TELL_BILLING, (wish.account, wish.plan, self._region))
        return self._accounts.shown(account)

    def _has(self, component: str, defect: str) -> bool:
        return self._strikes.has(component, defect, self._region)


def _idempotency_key(call: Call) -> str:
    key = call.request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= 128 or not key.isprintable():
        raise Refusal(400, "the header Idempotency-Key is missing or longer than 128 characters")
    return key


async def _claim(connection: psycopg.AsyncConnection, wish: Wish) -> bool:
    """Whether this request is the one that acts. Waits for a concurrent one with the same key to end."""
    cursor = await connection.execute(CLAIM, (wish.account, wish.key, wish.fingerprint))
    return await cursor.fetchone() is not None


async def _replay(connection: psycopg.AsyncConnection, wish: Wish) -> Reply:
    row = await (await connection.execute(CLAIMED, (wish.account, wish.key))).fetchone()
    if row is None or row[1] is None:
        raise Refusal(409, "a request with this Idempotency-Key is still being worked on")
    if row[0] != wish.fingerprint:
        raise Refusal(422, "this Idempotency-Key was used with another body")
    return Reply(row[1], headers={"Idempotency-Replayed": "true"})
