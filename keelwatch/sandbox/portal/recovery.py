"""A forgotten password: a link by mail, and a new password for whoever holds it.

Whether there is such an account shows neither in the answer nor in the work done for it: the rest happens
after answering. Only the defect `enumeration` tells.
"""

from __future__ import annotations

import hashlib
import secrets

from keelwatch.sandbox.portal.backing import Backing
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.html import page
from keelwatch.sandbox.portal.identity import Identity
from keelwatch.sandbox.portal.passwords import hash_password
from keelwatch.sandbox.service.strikes import ComponentFailure

LINK_SECONDS = 600
SHORTEST_PASSWORD = 8
BAD_TOKEN = "the link has expired or was used before"  # noqa: S105 what is said about one
BY_ID = "select id, email from accounts where id = %s"
BY_EMAIL = "select id, email from accounts where lower(email) = lower(%s)"
CHANGE = "update credentials set hash = %s where account_id = %s"
TEXT = """\
Hello,

somebody, hopefully you, wants a new password for the account {account}.
Choose it here within ten minutes:

{link}

Your code, should somebody of ours ask for it: {code}

If it was not you, do nothing: the old password goes on working.
"""


class Recovery:
    def __init__(self, backing: Backing, identity: Identity) -> None:
        self._backing = backing
        self._identity = identity

    async def request(self, call: Call) -> Reply:
        """202 for everybody. Raises `Refusal` (400) and `ComponentFailure`."""
        await self._backing.strikes.at("identity", self._backing.region)
        _, document = await call.document()
        name = text_of(document, "account")
        rows = await self._backing.database.rows(BY_EMAIL if "@" in name else BY_ID, name)
        if not rows and self._identity.tells_who_exists():
            raise Refusal(404, "there is no such account")
        account, address = (str(rows[0][0]), str(rows[0][1])) if rows else (name, "")
        call.subject = self._backing.names.of(account)
        self._backing.audit.note(call.subject, "recovery.requested", "done", call.trace.trace_id)
        self._backing.mailing.afterwards(self._send_link(account, address))
        return Reply({"status": "accepted"}, 202)

    async def _send_link(self, account: str, address: str) -> None:
        token = secrets.token_urlsafe(32)
        code = f"{secrets.randbelow(1_000_000):06}"
        await self._backing.store.put(_key(token), account if address else "", seconds=LINK_SECONDS)
        if address:
            text = TEXT.format(account=account, link=f"{self._backing.edge}/recover?token={token}", code=code)
            await self._backing.mailing.send(address, "Choose a new password", text)

    async def complete(self, call: Call) -> Reply:
        """Raises `Refusal` (400) and `ComponentFailure`."""
        _, document = await call.document()
        await self._complete(call, text_of(document, "token"), text_of(document, "password"))
        return Reply({"status": "done"})

    async def _complete(self, call: Call, token: str, password: str) -> None:
        """The new password counts, and every session of the account is over. A token works once, and is
        not used up by a failure of ours."""
        await self._backing.strikes.at("identity", self._backing.region)
        if len(password) < SHORTEST_PASSWORD:
            raise Refusal(400, f"a password has at least {SHORTEST_PASSWORD} characters")
        key = _key(token)
        account = (await self._backing.store.get_newest(key) or b"").decode()
        if not account or not await self._backing.store.claim(f"used:{key}", seconds=LINK_SECONDS):
            raise Refusal(400, BAD_TOKEN)
        call.subject = self._backing.names.of(account)
        try:
            async with self._backing.database.transaction() as connection:
                await connection.execute(CHANGE, (hash_password(account, password).hex(), account))
                await self._backing.audit.write(
                    connection, call.subject, "recovery.done", call.trace.trace_id
                )
            await self._backing.sessions.end_all(account)
        except ComponentFailure:
            await self._backing.store.drop(f"used:{key}")
            raise
        await self._backing.store.drop(key)

    async def form_page(self, call: Call) -> Reply:
        """The page that the mail's link leads to. It says nothing about the token before it is used."""
        return page("recover.html", token=call.query("token"), error="", shortest=SHORTEST_PASSWORD)

    async def form(self, call: Call) -> Reply:
        fields = await call.fields()
        token = text_of(fields, "token")
        try:
            await self._complete(call, token, text_of(fields, "password"))
        except Refusal as refusal:
            error = refusal.reason.capitalize() + "."
            return page("recover.html", refusal.status, token=token, error=error, shortest=SHORTEST_PASSWORD)
        return page("message.html", heading="Password changed", text="Please sign in with the new password.")


def _key(token: str) -> str:
    return f"recovery:{hashlib.sha256(token.encode()).hexdigest()}"
