"""Who is there: login, sessions, logout. A module of the workers; component `identity`."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.passwords import hash_password, matches
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms
from keelwatch.sandbox.service.strikes import Strikes

SESSION_SECONDS = 900
CREDENTIALS = """
    select c.hash, a.segment, a.role
    from credentials as c join accounts as a on a.id = c.account_id where c.account_id = %s
"""


@dataclass(frozen=True, slots=True)
class Session:
    account: str
    segment: str
    role: str
    ends_at: int


class Identity:
    def __init__(
        self, region: str, database: Database, store: Store, audit: Audit, names: Pseudonyms, strikes: Strikes
    ) -> None:
        self._region = region
        self._database = database
        self._store = store
        self._audit = audit
        self._names = names
        self._strikes = strikes

    async def login(self, call: Call, now: float) -> Reply:
        """An unknown account costs as much time as a wrong password and gets the same answer."""
        await self._strikes.at("identity", self._region)
        _, document = await call.document()
        account, password = text_of(document, "account"), text_of(document, "password")
        call.subject = self._names.of(account)
        rows = await self._database.rows(CREDENTIALS, account)
        stored, segment, role = rows[0] if rows else (hash_password("", "").hex(), "unknown", "")
        if not matches(account, password, str(stored)) or not rows:
            self._audit.note(call.subject, "login", "refused", call.trace.trace_id)
            raise Refusal(401, "account or password is wrong")
        call.segment = str(segment)
        session = Session(account, call.segment, str(role), int(now) + SESSION_SECONDS)
        token = secrets.token_urlsafe(32)
        await self._store.put(_key(token), json.dumps(asdict(session)), seconds=SESSION_SECONDS)
        self._audit.note(call.subject, "login", "done", call.trace.trace_id)
        return Reply({"token": token, "expires_in_s": SESSION_SECONDS})

    async def session_of(self, call: Call) -> Session:
        """Whose request this is. Raises `Refusal` (401) without a valid session."""
        await self._strikes.at("identity", self._region)
        found = await self._store.get_surely(_key(_token(call)))
        if found is None:
            raise Refusal(401, "no valid session")
        session = Session(**json.loads(found))
        call.segment = session.segment
        call.subject = self._names.of(session.account)
        return session

    async def show(self, call: Call, now: float) -> Reply:
        session = await self.session_of(call)
        left_s = max(0, session.ends_at - int(now))
        return Reply(
            {
                "account": session.account,
                "segment": session.segment,
                "role": session.role,
                "expires_in_s": left_s,
            }
        )

    async def logout(self, call: Call) -> Reply:
        await self.session_of(call)
        await self._store.drop(_key(_token(call)))
        self._audit.note(call.subject, "logout", "done", call.trace.trace_id)
        return Reply({})


def _token(call: Call) -> str:
    scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "no valid session")
    return token


def _key(token: str) -> str:
    """Redis never sees a token, only its hash."""
    return "session:" + hashlib.sha256(token.encode()).hexdigest()
