"""Becoming a customer, confirmed by mail, and ceasing to be one.

Registering answers alike for known and unknown addresses: who already has an account learns it by mail.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.accounts import Accounts
from keelwatch.sandbox.portal.backing import Backing
from keelwatch.sandbox.portal.call import Call, Refusal, Reply, text_of
from keelwatch.sandbox.portal.html import page
from keelwatch.sandbox.portal.outbox import announce
from keelwatch.sandbox.portal.passwords import hash_password
from keelwatch.sandbox.portal.recovery import BY_EMAIL, SHORTEST_PASSWORD
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.service.strikes import ComponentFailure

if TYPE_CHECKING:
    import psycopg

LINK_SECONDS = 3600
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
BAD_TOKEN = "the link has expired or was used before"  # noqa: S105 what is said about one
JOIN = """
    insert into accounts (id, segment, region, name, email) values (%s, 'home', %s, %s, %s)
    on conflict do nothing returning plan
"""
CREDENTIALS = "insert into credentials (account_id, hash) values (%s, %s)"
LEAVE = "delete from accounts where id = %s and role = 'customer'"
FORGET_KEYS = "delete from idempotency where account_id = %s"
WELCOME = """\
Hello,

please confirm that you want an account, within an hour:

{link}
"""
KNOWN = """\
Hello,

somebody, hopefully you, wanted to register with this address. It has an account already: please sign in,
or choose a new password there.
"""


class Membership:
    def __init__(self, backing: Backing, accounts: Accounts) -> None:
        self._backing = backing
        self._accounts = accounts

    async def register(self, call: Call) -> Reply:
        """202 for every address. Raises `Refusal` (400) and `ComponentFailure`."""
        await self._backing.strikes.at("accounts", self._backing.region)
        _, document = await call.document()
        address, name = text_of(document, "email"), text_of(document, "name", 100)
        password = text_of(document, "password")
        if not ADDRESS.fullmatch(address):
            raise Refusal(400, "email is not a mail address")
        if len(password) < SHORTEST_PASSWORD:
            raise Refusal(400, f"a password has at least {SHORTEST_PASSWORD} characters")
        account = f"r-{secrets.token_hex(6)}"
        wish = {"account": account, "email": address, "name": name}
        wish["hash"] = hash_password(account, password).hex()
        known = bool(await self._backing.database.rows(BY_EMAIL, address))
        call.subject = self._backing.names.of(account)
        self._backing.mailing.afterwards(self._send_link("" if known else json.dumps(wish), address))
        return Reply({"status": "accepted"}, 202)

    async def _send_link(self, wish: str, address: str) -> None:
        token = secrets.token_urlsafe(32)
        await self._backing.store.put(_key(token), wish, seconds=LINK_SECONDS)
        link = f"{self._backing.edge}/register/confirm?token={token}"
        text = WELCOME.format(link=link) if wish else KNOWN
        await self._backing.mailing.send(address, "Your registration", text)

    async def confirm(self, call: Call) -> Reply:
        """Raises `Refusal` (400, 409) and `ComponentFailure`."""
        _, document = await call.document()
        account = await self._confirm(call, text_of(document, "token"))
        return Reply({"account": account}, 201)

    async def _confirm(self, call: Call, token: str) -> str:
        await self._backing.strikes.at("accounts", self._backing.region)
        key = _key(token)
        wish = await self._backing.store.get_newest(key)
        if not wish or not await self._backing.store.claim(f"used:{key}", seconds=LINK_SECONDS):
            raise Refusal(400, BAD_TOKEN)
        document = json.loads(wish)
        account = str(document["account"])
        call.subject, call.segment = self._backing.names.of(account), "home"
        try:
            async with self._backing.database.transaction() as connection:
                await self._join(connection, call, document)
        except ComponentFailure:
            await self._backing.store.drop(f"used:{key}")
            raise
        await self._backing.store.drop(key)
        return account

    async def _join(self, connection: psycopg.AsyncConnection, call: Call, wish: dict[str, str]) -> None:
        account = wish["account"]
        values = (account, self._backing.region, wish["name"], wish["email"])
        row = await (await connection.execute(JOIN, values)).fetchone()
        if row is None:
            raise Refusal(409, "this address has an account by now")
        await connection.execute(CREDENTIALS, (account, wish["hash"]))
        await self._backing.audit.write(connection, call.subject, "account.registered", call.trace.trace_id)
        await announce(connection, "account.registered", account, str(row[0]))

    async def form_page(self, call: Call) -> Reply:
        """The page that the mail's link leads to: its button confirms, a mere look does not."""
        return page("confirm.html", token=call.query("token"))

    async def form(self, call: Call) -> Reply:
        account = await self._confirm(call, text_of(await call.fields(), "token"))
        text = f"Your account is {account}. Please sign in with it, or with your address."
        return page("message.html", 201, heading="Welcome", text=text)

    async def close(self, call: Call, session: Session) -> Reply:
        """Everything personal is gone, and every session; the trail keeps its pseudonyms."""
        await self._backing.strikes.at("accounts", self._backing.region)
        if session.role != "customer":
            raise Refusal(403, "only a customer can close an account")
        async with self._backing.database.transaction() as connection:
            gone = await connection.execute(LEAVE, (session.account,))
            if gone.rowcount:
                await connection.execute(FORGET_KEYS, (session.account,))
                await self._backing.audit.write(
                    connection, call.subject, "account.closed", call.trace.trace_id
                )
                await announce(connection, "account.closed", session.account)
        await self._backing.sessions.end_all(session.account)
        await self._accounts.forget(session.account)
        return Reply({"status": "closed"}, 202)


def _key(token: str) -> str:
    return f"registration:{hashlib.sha256(token.encode()).hexdigest()}"
