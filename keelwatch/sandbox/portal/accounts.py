"""What a customer has: account look-up through the cache. Component `accounts`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.call import Call, Refusal, Reply
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

CACHE_SECONDS = 60
COLUMNS = ("id", "name", "email", "segment", "region", "plan")
LOOKUP = "select id, name, email, segment, region, plan from accounts where id = %s"


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
        asked = str(call.request.path_params["account"])
        wanted = session.account if asked == "me" else asked
        if wanted != session.account and session.role != "agent":
            # The same answer whether or not such an account exists.
            raise Refusal(403, "not your account")
        if wanted != session.account:
            self._audit.note(call.subject, "account.looked-up", "done", call.trace.trace_id)
        return Reply(await self.find(wanted))

    async def find(self, account: str) -> Mapping[str, object]:
        """From the cache, else from the region's database. A broken cache costs time, not the answer.

        Raises `Refusal` (404) and `ComponentFailure`.
        """
        await self._strikes.at("accounts", self._metrics.region)
        key = _key(account)
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
        return self.shown(rows[0])

    async def _fill(self, key: str, account: Mapping[str, object]) -> None:
        """Never over an entry that a plan change wrote meanwhile: the standby may have been behind it."""
        try:
            await self._store.offer(key, json.dumps(account), seconds=CACHE_SECONDS)
        except ComponentFailure:
            self._metrics.count_cache("error")

    @staticmethod
    def shown(row: Sequence[object]) -> Mapping[str, object]:
        """An account's row, in the order of `COLUMNS`, as customers see it."""
        return dict(zip(COLUMNS, row, strict=True))

    async def refresh(self, account: str, fresh: Mapping[str, object]) -> None:
        """The cache holds `fresh` from now on, or, while it is broken, the old entry for up to a minute."""
        try:
            await self._store.put(_key(account), json.dumps(fresh), seconds=CACHE_SECONDS)
        except ComponentFailure:
            self._metrics.count_cache("error")

    async def forget(self, account: str) -> None:
        """Nothing of a closed account stays in the cache. Raises `ComponentFailure`."""
        await self._store.drop(_key(account))


def _key(account: str) -> str:
    return f"account:{account}"
