"""What a customer has: account look-up through the cache, and plan change. Component `accounts`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.identity import Session
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

if TYPE_CHECKING:
    import psycopg

PLANS = ("basic", "plus", "max")
CACHE_SECONDS = 60
COLUMNS = ("id", "name", "email", "segment", "region", "plan")
LOOKUP = "select id, name, email, segment, region, plan from accounts where id = %s"
CHANGE = """
    update accounts set plan = %s, changed_at = now() where id = %s
    returning id, name, email, segment, region, plan
"""
CLAIM = """
    insert into idempotency (account_id, key, body_sha256) values (%s, %s, %s)
    on conflict do nothing returning true
"""
CLAIMED = "select body_sha256, answer from idempotency where account_id = %s and key = %s"
KEEP = "update idempotency set answer = %s where account_id = %s and key = %s"


class Accounts:
    def __init__(
        self, database: Database, store: Store, audit: Audit, metrics: Metrics, strikes: Strikes
    ) -> None:
        self._database = database
        self._store = store
        self._audit = audit
        self._metrics = metrics
        self._strikes = strikes

    async def look_up(self, call: Call, session: Session) -> Reply:
        await self._strikes.at("accounts", self._metrics.region)
        asked = str(call.request.path_params["account"])
        wanted = session.account if asked == "me" else asked
        if wanted != session.account and session.role != "agent":
            # The same answer whether or not such an account exists.
            raise Refusal(403, "not your account")
        if wanted != session.account:
            self._audit.note(call.subject, "look-up-other", "done", call.trace.trace_id)
        return Reply(await self._find(wanted))

    async def _find(self, account: str) -> Mapping[str, object]:
        """From the cache, else from the region's database. A broken cache costs time, not the answer."""
        key = f"account:{account}"
        try:
            cached = await self._store.get(key)
        except ComponentFailure:
            self._metrics.count_cache("error")
            return await self._read(account)
        if cached is not None:
            self._metrics.count_cache("hit")
            found: Mapping[str, object] = json.loads(cached)
            return found
        self._metrics.count_cache("miss")
        fresh = await self._read(account)
        await self._fill(key, fresh)
        return fresh

    async def _read(self, account: str) -> Mapping[str, object]:
        rows = await self._database.rows(LOOKUP, account)
        if not rows:
            raise Refusal(404, "no such account")
        return dict(zip(COLUMNS, rows[0], strict=True))

    async def _fill(self, key: str, account: Mapping[str, object]) -> None:
        """Never over an entry that a plan change wrote meanwhile: the standby may have been behind it."""
        try:
            await self._store.offer(key, json.dumps(account), seconds=CACHE_SECONDS)
        except ComponentFailure:
            self._metrics.count_cache("error")

    async def change_plan(self, call: Call, session: Session) -> Reply:
        await self._strikes.at("accounts", self._metrics.region)
        key = _idempotency_key(call)
        body, document = await call.document()
        plan = text_of(document, "plan")
        if plan not in PLANS:
            raise Refusal(422, f"plan is one of {', '.join(PLANS)}")
        if session.role != "customer":
            raise Refusal(403, "agents have no plan")
        fingerprint = hashlib.sha256(body).hexdigest()
        async with self._database.transaction() as connection:
            if not await _claim(connection, session.account, key, fingerprint):
                return await _replay(connection, session.account, key, fingerprint)
            changed = await self._change(connection, call, session.account, key, plan)
        await self._refresh(session.account, changed)
        return Reply(_answer(session.account, plan))

    async def _change(
        self, connection: psycopg.AsyncConnection, call: Call, account: str, key: str, plan: str
    ) -> Mapping[str, object]:
        """Change, audit row and stored answer: all of it or nothing. Returns the account as it is now."""
        row = await (await connection.execute(CHANGE, (plan, account))).fetchone()
        if row is None:
            raise Refusal(404, "no such account")
        await self._audit.write(connection, call.subject, "plan-change", "done", call.trace.trace_id)
        await connection.execute(KEEP, (json.dumps(_answer(account, plan)), account, key))
        return dict(zip(COLUMNS, row, strict=True))

    async def _refresh(self, account: str, fresh: Mapping[str, object]) -> None:
        try:
            await self._store.put(f"account:{account}", json.dumps(fresh), seconds=CACHE_SECONDS)
        except ComponentFailure:
            self._metrics.count_cache("error")  # the old entry ends by itself within a minute


def _answer(account: str, plan: str) -> dict[str, object]:
    return {"account": account, "plan": plan}


def _idempotency_key(call: Call) -> str:
    key = call.request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= 128 or not key.isprintable():
        raise Refusal(400, "the header Idempotency-Key is missing or longer than 128 characters")
    return key


async def _claim(connection: psycopg.AsyncConnection, account: str, key: str, fingerprint: str) -> bool:
    """Whether this request is the one that acts. Waits for a concurrent one with the same key to end."""
    cursor = await connection.execute(CLAIM, (account, key, fingerprint))
    return await cursor.fetchone() is not None


async def _replay(connection: psycopg.AsyncConnection, account: str, key: str, fingerprint: str) -> Reply:
    row = await (await connection.execute(CLAIMED, (account, key))).fetchone()
    if row is None or row[1] is None:
        raise Refusal(409, "a request with this Idempotency-Key is still being worked on")
    if row[0] != fingerprint:
        raise Refusal(422, "this Idempotency-Key was used with another body")
    return Reply(row[1], headers={"Idempotency-Replayed": "true"})
