"""Plan changes as billing takes them up: the open invoice gets the price of the plan.

The portal writes each change beside the plan itself, in one transaction, so none is lost while billing is
away; a change is taken up once, and an older one never over a newer.
"""

from __future__ import annotations

from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

PENDING = "select 1 from billing_changes where applied_at is null and region = %s limit 1"
# One statement, so that a change is marked if and only if the invoice has its price.
TAKE_UP = """
    with due as (
        update billing_changes set applied_at = now()
        where applied_at is null and (account_id = %s or (%s and region = %s))
        returning seq, account_id, plan
    ), newest as (
        select distinct on (account_id) seq, account_id, plan from due order by account_id, seq desc
    )
    update invoices as i set priced_by = newest.seq,
        amount_cents = case newest.plan when 'basic' then 1990 when 'plus' then 2990 else 4990 end
    from newest where i.account_id = newest.account_id and i.state = 'open' and i.priced_by < newest.seq
"""
TIDY = "delete from billing_changes where applied_at < now() - interval '1 hour'"


class Changes:
    def __init__(self, region: str, database: Database, strikes: Strikes) -> None:
        self._region = region
        self._database = database
        self._strikes = strikes

    async def take_up(self, account: str) -> None:
        """Those of one account. Raises `ComponentFailure`."""
        async with self._database.transaction() as connection:
            await connection.execute(TAKE_UP, (account, False, ""))

    async def take_up_missed(self) -> None:
        """Those that came to this region while billing was away. Faults strike this as any work."""
        try:
            await self._strikes.at("billing", self._region)
            if not await self._database.rows(PENDING, self._region):
                return
            async with self._database.transaction() as connection:
                await connection.execute(TAKE_UP, ("", True, self._region))
                await connection.execute(TIDY)
        except ComponentFailure:
            return  # the next look is soon
