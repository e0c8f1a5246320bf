"""The portal's client of billing. Fails fast: a customer is told within a second at most."""

from __future__ import annotations

import httpx

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.call import Call, Reply
from keelwatch.sandbox.portal.identity import Session
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.strikes import ComponentFailure

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
        """Raises `ComponentFailure` when billing fails, is away, or takes longer than a second."""
        try:
            answer = await self._client.get(
                "/invoices", params={"account": session.account}, headers={trace.HEADER: call.trace.header}
            )
        except httpx.HTTPError:
            raise ComponentFailure("billing") from None
        if answer.status_code != httpx.codes.OK:
            raise ComponentFailure("billing")
        return Reply(answer.json())

    async def close(self) -> None:
        await self._client.aclose()
