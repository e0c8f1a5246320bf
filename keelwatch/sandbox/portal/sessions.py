"""Sessions and tokens in Redis, under their hashes: Redis never sees a token.

    session:HASH        an access token's session, for 15 minutes
    refresh:HASH        what a refresh token may renew
    family:ID           the keys of all tokens that came of one OpenID Connect login
    sessions:ACCOUNT    the keys of everything an account holds, scored by their end

What belongs together is written and removed by one script, so that a token renewed while its family is
revoked dies with it. A removal returns when the other region has it too.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.strikes import Strikes

SESSION_SECONDS = 900
REFRESH_SECONDS = 8 * 3600

KEEP = """
local owned, family, now = KEYS[1], KEYS[2], tonumber(ARGV[1])
if ARGV[2] == 'living' and redis.call('EXISTS', family) == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', owned, '-inf', now)
for i = 4, #ARGV, 3 do
    redis.call('SET', ARGV[i], ARGV[i + 1], 'EX', ARGV[i + 2])
    redis.call('ZADD', owned, now + ARGV[i + 2], ARGV[i])
    if family ~= '' then redis.call('SADD', family, ARGV[i]) end
end
if family ~= '' then
    redis.call('EXPIRE', family, ARGV[3])
    redis.call('ZADD', owned, now + ARGV[3], family)
end
redis.call('EXPIRE', owned, ARGV[3])
return 1
"""
END_FAMILY = """
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[2], key)
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
"""
END_ALL = """
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', key) end
redis.call('DEL', KEYS[1])
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a password belongs to; `totp` is the seed of the one-time codes, empty without."""

    account: str
    segment: str
    role: str
    totp: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """`ends_at` is a Unix time (s); `family` is empty for a login without OpenID Connect."""

    account: str
    segment: str
    role: str
    ends_at: int
    methods: tuple[str, ...]
    family: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login gave a client, and what a refresh token renews."""

    account: str
    segment: str
    role: str
    methods: tuple[str, ...]
    client: str
    scope: str
    family: str
    began_at: int


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    grant: Grant


class Sessions:
    def __init__(self, region: str, store: Store, strikes: Strikes) -> None:
        self._region = region
        self._store = store
        self._strikes = strikes

    async def open(self, person: Person, methods: tuple[str, ...], now: int) -> str:
        """The token of a new session without refresh. Raises `ComponentFailure`."""
        token = secrets.token_urlsafe(32)
        session = Session(person.account, person.segment, person.role, now + SESSION_SECONDS, methods)
        kept = (_key("session", token), _json(session), SESSION_SECONDS)
        await self._store.run(KEEP, [_owned(person.account), ""], [now, "new", REFRESH_SECONDS, *kept])
        return token

    async def begin(self, grant: Grant, now: int) -> Tokens:
        """The first tokens of a new family. Raises `ComponentFailure`."""
        tokens = await self._issue(grant, now, "new")
        assert tokens is not None
        return tokens

    async def renew(self, refresh: str, client: str, now: int) -> Tokens | None:
        """New tokens for a refresh token, once; None when it is none, or was used before: then its whole
        family ends. Raises `ComponentFailure`."""
        key = _key("refresh", refresh)
        found = await self._store.get_newest(key)
        if found is None:
            return None
        grant = _grant(found)
        if grant.client != client:
            return None
        if not await self._store.claim(f"used:{key}", seconds=REFRESH_SECONDS):
            await self.end_family(grant.account, grant.family)
            return None
        return await self._issue(grant, now, "living")

    async def _issue(self, grant: Grant, now: int, family: str) -> Tokens | None:
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        ends_at = now + SESSION_SECONDS
        session = Session(grant.account, grant.segment, grant.role, ends_at, grant.methods, grant.family)
        kept: list[str | int] = [
            *(_key("session", access), _json(session), SESSION_SECONDS),
            *(_key("refresh", refresh), _json(grant), REFRESH_SECONDS),
        ]
        keys = [_owned(grant.account), _family(grant.family)]
        done = await self._store.run(KEEP, keys, [now, family, REFRESH_SECONDS, *kept])
        return Tokens(access, refresh, grant) if done else None

    async def of(self, token: str) -> Session | None:
        """Raises `ComponentFailure`."""
        found = await self._store.get_surely(_key("session", token))
        if found is None:
            return None
        document = json.loads(found)
        return Session(**document | {"methods": tuple(document["methods"])})

    async def end(self, token: str) -> Session | None:
        """End the session of an access token, with its family. The defect `no-revocation` ends nothing.

        Returns the session that was. Raises `ComponentFailure`.
        """
        session = await self.of(token)
        if session is None or self._is_deaf():
            return session
        if session.family:
            await self.end_family(session.account, session.family)
        else:
            await self._store.drop(_key("session", token))
        return session

    async def end_refresh(self, refresh: str) -> Grant | None:
        """End the family of a refresh token, as `end` does."""
        found = await self._store.get_newest(_key("refresh", refresh))
        if found is None:
            return None
        grant = _grant(found)
        if not self._is_deaf():
            await self.end_family(grant.account, grant.family)
        return grant

    async def end_named(self, account: str, family: str) -> None:
        """End a family that an ID token names, as `end` does."""
        if not self._is_deaf():
            await self.end_family(account, family)

    async def end_family(self, account: str, family: str) -> None:
        await self._store.run(END_FAMILY, [_family(family), _owned(account)], [])
        await self._store.replicated()

    async def end_all(self, account: str) -> None:
        """Whatever the account holds, of any kind. Raises `ComponentFailure`."""
        await self._store.run(END_ALL, [_owned(account)], [])
        await self._store.replicated()

    def _is_deaf(self) -> bool:
        return self._strikes.has("identity", "no-revocation", self._region)


def _key(kind: str, token: str) -> str:
    return f"{kind}:{hashlib.sha256(token.encode()).hexdigest()}"


def _owned(account: str) -> str:
    return f"sessions:{account}"


def _family(family: str) -> str:
    return f"family:{family}"


def _json(value: Session | Grant) -> str:
    return json.dumps(asdict(value))


def _grant(text: bytes) -> Grant:
    document = json.loads(text)
    return Grant(**document | {"methods": tuple(document["methods"])})
