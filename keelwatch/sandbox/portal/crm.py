"""What the CRM has learnt of a customer: a change shows here once its event has gone all the way."""

from __future__ import annotations

from datetime import datetime

from keelwatch.sandbox.portal.call import Reply
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.service.database import Database

SEEN = "select plan, state, event_id, seen_at from crm_accounts where account_id = %s"


async def seen(session: Session, database: Database) -> Reply:
    """Nulls while no event of the account has arrived."""
    rows = await database.rows(SEEN, session.account)
    plan, state, event, at = rows[0] if rows else (None, None, None, None)
    shown = at.isoformat() if isinstance(at, datetime) else None
    return Reply({"plan": plan, "state": state, "event": event, "seen_at": shown})
