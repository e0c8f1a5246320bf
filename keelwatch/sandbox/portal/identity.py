"""Who is there: passwords, sessions, logout. A module of the workers; component `identity`."""

from __future__ import annotations

from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.one_time_code import OneTimeCodes
from keelwatch.sandbox.portal.passwords import matches
from keelwatch.sandbox.portal.sessions import SESSION_SECONDS, Person, Session, Sessions
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms
from keelwatch.sandbox.service.strikes import Strikes

WRONG = "account or password is wrong"
CODE_NEEDED = "one-time code needed"
COMPONENT = "identity"
BY_ID = """
    select a.id, c.hash, a.segment, a.role, t.secret
    from accounts as a join credentials as c on c.account_id = a.id
    left join authenticators as t on t.account_id = a.id where a.id = %s
"""
BY_EMAIL = """
    select a.id, c.hash, a.segment, a.role, t.secret
    from accounts as a join credentials as c on c.account_id = a.id
    left join authenticators as t on t.account_id = a.id where lower(a.email) = lower(%s)
"""


class Identity:
    def __init__(
        self,
        region: str,
        database: Database,
        sessions: Sessions,
        codes: OneTimeCodes,
        audit: Audit,
        names: Pseudonyms,
        strikes: Strikes,
    ) -> None:
        self._region = region
        self._database = database
        self._sessions = sessions
        self._codes = codes
        self._audit = audit
        self._names = names
        self._strikes = strikes

    async def login(self, call: Call, now: float) -> Reply:
        """Version 1: password, and the one-time code of those who have one, in one request."""
        _, document = await call.document()
        person = await self.person_of(call, text_of(document, "account"), text_of(document, "password"))
        methods: tuple[str, ...] = ("pwd",)
        if person.totp:
            code = document.get("otp")
            if not isinstance(code, str) or not await self.accepts_code(call, person, code, now):
                raise Refusal(401, CODE_NEEDED)
            methods = ("pwd", "otp")
        token = await self._sessions.open(person, methods, int(now))
        self.note_login(call)
        return Reply({"token": token, "expires_in_s": SESSION_SECONDS})

    async def person_of(self, call: Call, name: str, password: str) -> Person:
        """Whose password this is; `name` is an account's id or address. Raises `Refusal` (401).

        An unknown account costs as much time as a wrong password and gets the same answer, unless the
        defect `enumeration` is on.
        """
        await self.strike()
        rows = await self._database.rows(BY_EMAIL if "@" in name else BY_ID, name)
        if not rows and self.tells_who_exists():
            raise Refusal(401, "there is no such account")
        # No password hashes to nothing: an unknown account is compared like any other.
        account, stored, segment, role, secret = rows[0] if rows else (name, "", "unknown", "", None)
        call.subject = self._names.of(str(account))
        salt = str(account) if rows else ""
        if not matches(salt, password, str(stored)) or not rows:
            self._audit.note(call.subject, "login.refused", "refused", call.trace.trace_id)
            raise Refusal(401, WRONG)
        call.segment = str(segment)
        return Person(str(account), str(segment), str(role), str(secret or ""))

    async def strike(self) -> None:
        """Wait and fail as the faults of identity say. Raises `ComponentFailure`."""
        await self._strikes.at(COMPONENT, self._region)

    def tells_who_exists(self) -> bool:
        """Whether the defect `enumeration` is on."""
        return self._strikes.has(COMPONENT, "enumeration", self._region)

    async def accepts_code(self, call: Call, person: Person, code: str, now: float) -> bool:
        """Whether `code` is the person's, for the first time; what is not is audited."""
        if await self._codes.accepts(person.account, person.totp, code, now):
            return True
        self._audit.note(call.subject, "login.refused", "refused", call.trace.trace_id)
        return False

    def note_login(self, call: Call) -> None:
        self._audit.note(call.subject, "login.done", "done", call.trace.trace_id)

    async def session_of(self, call: Call) -> Session:
        """Whose request this is. Raises `Refusal` (401) without a valid session."""
        return await self.session_behind(call, bearer(call))

    async def session_behind(self, call: Call, token: str) -> Session:
        """Raises `Refusal` (401) when `token` has no session."""
        await self.strike()
        session = await self._sessions.of(token)
        if session is None:
            raise Refusal(401, "no valid session")
        call.segment = session.segment
        call.subject = self._names.of(session.account)
        return session

    async def show(self, call: Call, now: float) -> Reply:
        return Reply(_shown(await self.session_of(call), now))

    async def show_with_methods(self, call: Call, now: float) -> Reply:
        """Version 2."""
        session = await self.session_of(call)
        return Reply(_shown(session, now) | {"methods": list(session.methods)})

    async def logout(self, call: Call) -> Reply:
        token = bearer(call)
        await self.session_behind(call, token)
        await self.end(call, token)
        return Reply({})

    async def end(self, call: Call, token: str) -> None:
        await self._sessions.end(token)
        self.note_logout(call)

    def note_logout(self, call: Call) -> None:
        self._audit.note(call.subject, "logout.done", "done", call.trace.trace_id)


def _shown(session: Session, now: float) -> dict[str, object]:
    return {
        "account": session.account,
        "segment": session.segment,
        "role": session.role,
        "expires_in_s": max(0, session.ends_at - int(now)),
    }


def bearer(call: Call) -> str:
    """The token of the request. Raises `Refusal` (401) when there is none."""
    scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "no valid session")
    return token
