"""The portal's client of billing. Fails fast: a customer is told within a second at most."""

from __future__ import annotations

import httpx

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.call import Call, Reply
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.portal.trail import limit_of
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.strikes import ComponentFailure

MOST = 24
CURRENCY = "EUR"
TIMEOUTS = httpx.Timeout(1.0, connect=0.3, pool=0.3)


class Billing:
    def __init__(self, layout: Layout, region: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{layout.ports[f'{region}-billing']}",
            headers={"authorization": f"Bearer {layout.passwords.billing}"},
            timeout=TIMEOUTS,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=4),
            trust_env=False,
        )

    async def invoices(self, call: Call, session: Session) -> Reply:
        """Version 1. Raises `ComponentFailure`."""
        return Reply({"invoices": await self.read(call, session)})

    async def items(self, call: Call, session: Session) -> Reply:
        """Version 2, the newest `limit` of them. Raises `Refusal` (400) and `ComponentFailure`."""
        limit = limit_of(call, MOST)
        return Reply(
            {"items": [_item(row) for row in (await self.read(call, session))[:limit]], "next": None}
        )

    async def read(self, call: Call, session: Session) -> list[dict[str, object]]:
        """Raises `ComponentFailure` when billing fails, is away, or takes longer than a second."""
        try:
            answer = await self._client.get(
                "/invoices", params={"account": session.account}, headers={trace.HEADER: call.trace.header}
            )
        except httpx.HTTPError:
            raise ComponentFailure("billing") from None
        if answer.status_code != httpx.codes.OK:
            raise ComponentFailure("billing")
        found: list[dict[str, object]] = answer.json()["invoices"]
        return found

    async def close(self) -> None:
        await self._client.aclose()


def _item(row: dict[str, object]) -> dict[str, object]:
    amount = {"cents": row["amount_cents"], "currency": CURRENCY}
    return {"id": row["id"], "month": row["month"], "amount": amount, "state": row["state"]}
