"""What a customer may see of the audit trail: the own entries, found by pseudonym."""

from __future__ import annotations

from datetime import datetime

from keelwatch.sandbox.portal.audit import hash_of
from keelwatch.sandbox.portal.call import Call, Refusal, Reply
from keelwatch.sandbox.service.database import Database

MOST = 100
ENTRIES = """
    select at, action, outcome, region, trace, before, after from audit
    where subject = %s and (%s = '' or action = %s) and (%s = '' or trace = %s)
      and (%s::text is null or key_sha256 = %s)
    order by seq desc limit %s
"""
NAMES = ("at", "action", "outcome", "region", "trace", "before", "after")


async def entries(call: Call, database: Database) -> Reply:
    """The newest first; `action`, `trace`, `key` and `limit` narrow them down. Raises `Refusal` (400)."""
    action, trace, key = (call.query(name) for name in ("action", "trace", "key"))
    found = await database.rows(
        ENTRIES,
        *(call.subject, action, action, trace, trace, hash_of(key), hash_of(key)),
        limit_of(call, MOST),
    )
    return Reply({"entries": [_shown(row) for row in found]})


def _shown(row: tuple[object, ...]) -> dict[str, object]:
    shown = dict(zip(NAMES, row, strict=True))
    at = shown["at"]
    assert isinstance(at, datetime)
    return shown | {"at": at.isoformat()}


def limit_of(call: Call, most: int) -> int:
    """The query's `limit`, at most `most` and by default `most`. Raises `Refusal` (400)."""
    text = call.query("limit")
    if not text:
        return most
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= most:
        raise Refusal(400, f"limit is a number from 1 to {most}")
    return int(text)
