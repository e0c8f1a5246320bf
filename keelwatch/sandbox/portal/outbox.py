"""What happened, for those outside the portal: a row beside the change, in its transaction.

The relay of the CRM (`keelwatch.sandbox.crm`) sends it on.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

INSERT = "insert into outbox (id, kind, account_id, plan) values (%s, %s, %s, %s)"


async def announce(
    connection: psycopg.AsyncConnection, kind: str, account: str, plan: str | None = None
) -> None:
    """`kind` is `plan.changed`, `account.registered` or `account.closed`."""
    await connection.execute(INSERT, (uuid.uuid4().hex, kind, account, plan))
