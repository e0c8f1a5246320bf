"""Logins under way: from the request of a client, over the pages, to the code that it trades for tokens.

flow:HASH     a login that a customer is in the middle of, for 10 minutes
code:HASH     what a code gives, for 60 seconds; remembered longer, to notice a second use
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from keelwatch.sandbox.portal.sessions import Grant
from keelwatch.sandbox.portal.store import Store

FLOW_SECONDS = 600
CODE_SECONDS = 60
REMEMBERED_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Flow:
    """`account` and `segment`, `role` are empty until the password was right."""

    client: str
    redirect: str
    scope: str
    state: str
    nonce: str
    challenge: str
    csrf: str
    account: str = ""
    segment: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a code stands for; `ends_at` is a Unix time (s)."""

    grant: Grant
    redirect: str
    challenge: str
    nonce: str
    ends_at: float


class Flows:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, flow: Flow) -> str:
        """The id under which it is kept."""
        id_ = secrets.token_urlsafe(24)
        await self.keep(id_, flow)
        return id_

    async def keep(self, id_: str, flow: Flow) -> None:
        await self._store.put(_key("flow", id_), json.dumps(asdict(flow)), seconds=FLOW_SECONDS)

    async def of(self, id_: str) -> Flow | None:
        found = await self._store.get_newest(_key("flow", id_)) if id_ else None
        return None if found is None else Flow(**json.loads(found))

    async def pledge(self, id_: str, pledge: Pledge) -> str:
        """End the flow; returns its code."""
        code = secrets.token_urlsafe(32)
        document = json.dumps(asdict(pledge))
        await self._store.put(_key("code", code), document, seconds=REMEMBERED_SECONDS)
        await self._store.drop(_key("flow", id_))
        return code

    async def redeem(self, code: str) -> tuple[Pledge | None, bool]:
        """What `code` stands for (None: nothing), and whether this is its first use."""
        key = _key("code", code)
        found = await self._store.get_newest(key)
        if found is None:
            return None, False
        document = json.loads(found)
        grant = document["grant"] | {"methods": tuple(document["grant"]["methods"])}
        first = await self._store.claim(f"used:{key}", seconds=REMEMBERED_SECONDS)
        return Pledge(**document | {"grant": Grant(**grant)}), first


def _key(kind: str, id_: str) -> str:
    return f"{kind}:{hashlib.sha256(id_.encode()).hexdigest()}"
